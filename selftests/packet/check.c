/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What came of a packet against what was wanted. Every row of every counter is read: one that moved without
 * being wanted fails the test as much as one that did not move.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "../../user/kernel/names.h"
#include "bench.h"

static const char *stat_name(uint32_t stat)
{
	static const char *const names[SL_STATS] = {
#define SL_STAT(symbol, name, text) [SL_STAT_##symbol] = name,
#include "../../include/stats.def"
#undef SL_STAT
	};

	return names[stat];
}

/* --- cases */

void case_begin(struct bench *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(b->name, sizeof(b->name), format, args);
	va_end(args);
	b->in_case = true;
	b->case_failed = false;
}

bool case_end(struct bench *b)
{
	b->in_case = false;
	if (b->case_failed) {
		b->failed++;
		return false;
	}
	b->ok++;
	printf("ok %s\n", b->name);
	return true;
}

void case_skip(struct bench *b, const char *format, ...)
{
	va_list args;

	b->in_case = false;
	b->skipped++;
	printf("skip %s: ", b->name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

bool fail(struct bench *b, const char *format, ...)
{
	va_list args;

	if (!b->case_failed)
		printf("not ok %s: ", b->in_case ? b->name : "bench");
	else
		printf("     %s: ", b->name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	b->case_failed = true;
	return false;
}

bool that(struct bench *b, bool truth, const char *what)
{
	return truth || fail(b, "not so: %s", what);
}

/* --- bytes */

void show_frame(const char *title, const struct frame *f, const struct frame *other)
{
	printf("       %s (%u bytes):", title, f->len);
	for (uint32_t i = 0; i < f->len && i < 160; i++) {
		bool differs = i >= other->len || f->bytes[i] != other->bytes[i];

		printf("%s%s%02x%s", i % 16 ? "" : "\n        ", differs ? "[" : " ", f->bytes[i],
		       differs ? "]" : " ");
	}
	printf("\n");
}

bool same_frame(struct bench *b, const struct frame *want, const struct frame *got)
{
	if (want->len == got->len && !memcmp(want->bytes, got->bytes, want->len))
		return true;
	fail(b, "other bytes came out");
	show_frame("wanted", want, got);
	show_frame("got", got, want);
	return false;
}

/* --- counters */

static struct sl_count sum(const struct bench *b, const struct sl_count *one)
{
	struct sl_count all = { 0 };

	for (uint32_t i = 0; i < b->cpus; i++) {
		all.packets += one[i].packets;
		all.bytes += one[i].bytes;
	}
	return all;
}

static bool check_traffic(struct bench *b, const struct want *w, uint32_t packets, uint32_t bytes)
{
	struct sl_traffic_key key,
		wanted = { .src_network = w->src, .dst_network = w->dst, .outcome = w->outcome };
	int fd = b->kernel.table[SL_TABLE_sl_traffic];
	struct sl_count rows[CPUS_MAX], all;
	/* What a rate does not let go has been counted when it was judged. */
	bool counted = w->fate != UNTOUCHED && w->reason != SL_DROP_QOS_RATE, good = true, found = !counted;
	void *last = NULL;

	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		if (bpf_map_lookup_elem(fd, &key, rows))
			return fail(b, "sl_traffic cannot be read");
		all = sum(b, rows);
		if (counted && !memcmp(&key, &wanted, sizeof(key)) && all.packets == packets &&
		    all.bytes == bytes) {
			found = true;
			continue;
		}
		good = fail(b, "counted as traffic %u → %u, outcome %u: %llu packets, %llu bytes",
			    key.src_network, key.dst_network, key.outcome, (unsigned long long)all.packets,
			    (unsigned long long)all.bytes);
	}
	if (!found)
		good = fail(b, "not counted as traffic %u → %u, outcome %u: %u packets, %u bytes", w->src,
			    w->dst, w->outcome, packets, bytes);
	return good;
}

static bool check_drop(struct bench *b, const struct want *w, uint32_t packets, uint32_t bytes)
{
	struct sl_drop_key key,
		wanted = { .network = w->network, .reason = w->reason, .outcome = w->outcome };
	int fd = b->kernel.table[SL_TABLE_sl_drop];
	struct sl_count rows[CPUS_MAX], all;
	bool good = true, found = !w->reason;
	void *last = NULL;

	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		if (bpf_map_lookup_elem(fd, &key, rows))
			return fail(b, "sl_drop cannot be read");
		all = sum(b, rows);
		if (w->reason && !memcmp(&key, &wanted, sizeof(key)) && all.packets == packets &&
		    all.bytes == bytes) {
			found = true;
			continue;
		}
		good = fail(b, "counted as drop of network %u for %s, outcome %u: %llu packets, %llu bytes",
			    key.network, reason_name(key.reason), key.outcome,
			    (unsigned long long)all.packets, (unsigned long long)all.bytes);
	}
	if (!found)
		good = fail(b, "not counted as drop of network %u for %s, outcome %u: %u packets, %u bytes",
			    w->network, reason_name(w->reason), w->outcome, packets, bytes);
	return good;
}

static bool check_stats(struct bench *b, const struct want *w)
{
	bool good = true;

	for (uint32_t i = 0; i < SL_STATS; i++) {
		uint64_t rows[CPUS_MAX], all = 0, wanted = w->stats >> i & 1;

		if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_stat], &i, rows))
			return fail(b, "sl_stat cannot be read");
		for (uint32_t cpu = 0; cpu < b->cpus; cpu++)
			all += rows[cpu];
		if (bench_of_cache(i)) /* what it does is its own */
			continue;
		if (all != wanted)
			good = fail(b, "%s moved by %llu instead of %llu", stat_name(i),
				    (unsigned long long)all, (unsigned long long)wanted);
	}
	return good;
}

/* --- all of it */

static uint32_t wanted_retval(const struct send *s, const struct want *w)
{
	bool xdp = s->door == SL_UP_XDP;

	if (w->question)
		return TC_ACT_REDIRECT;
	switch (w->fate) {
	case SENT:
		return TC_ACT_REDIRECT;
	case DROPPED:
		return xdp ? XDP_DROP : TC_ACT_SHOT;
	default:
		return xdp ? (uint32_t)XDP_PASS : (uint32_t)TC_ACT_UNSPEC;
	}
}

static bool check_got(struct bench *b, const struct send *s, const struct want *w, const struct got *got)
{
	uint32_t retval = wanted_retval(s, w), mark = s->mark, meta = 0;
	bool judged = w->fate == STACK || w->fate == SENT || w->question, good = true;

	if (got->retval != retval)
		good = fail(b, "%s returned %d instead of %d", program_names[s->door], (int)got->retval,
			    (int)retval);
	if (s->door == SL_UP_XDP)
		meta = judged && !w->unmarked ? 20 : 0;
	else if (judged && !w->unmarked)
		mark = (mark & ~SL_MARK_MASK) | MARK_JUDGED | (uint32_t)w->class << MARK_CLASS_SHIFT;
	if (s->door != SL_UP_XDP && got->mark != mark)
		good = fail(b, "mark 0x%08x instead of 0x%08x", got->mark, mark);
	if (s->door != SL_UP_XDP && got->priority != (w->priority ? w->priority : s->priority))
		good = fail(b, "priority %u instead of %u", got->priority, w->priority);
	if (!!got->tstamp != w->queued.delayed)
		good = fail(b, "a time to leave is %swritten on it", got->tstamp ? "" : "not ");
	if (got->meta_len != meta)
		good = fail(b, "%u bytes of metadata instead of %u", got->meta_len, meta);
	if ((w->fate != DROPPED || w->question) && good)
		good = same_frame(b, w->out ? w->out : &s->frame, &got->frame);
	return good;
}

bool check(struct bench *b, const char *name, struct send s, struct want w)
{
	bool own = !b->in_case, good = true;
	uint32_t packets = w.packets ? w.packets : 1;
	uint32_t bytes = w.bytes < 0 ? 0
			 : w.bytes   ? (uint32_t)w.bytes
				     : s.frame.len - s.frame.l3 - s.frame.padding;
	struct got got;

	if (own)
		case_begin(b, "%s", name);
	if (w.fate == DROPPED)
		w.outcome = SL_DROPPED;
	if (s.keep)
		bench_clear_counts(b);
	else
		bench_clear(b);
	if (bench_run(b, &s, &got)) {
		bench_count_lines(b);
		if (w.got)
			*w.got = got;
		good = check_got(b, &s, &w, &got);
		good &= check_traffic(b, &w, packets, bytes);
		good &= check_drop(b, &w, packets, bytes);
		good &= check_stats(b, &w);
		good &= check_served(b, &w, packets, bytes);
		good &= check_outside(b, &w);
		good &= check_queued(b, &w, packets, bytes);
		good &= check_timed(b, &s, &w);
		good &= check_offender(b, &w);
		if (good)
			good = check_by_line(b, &s, &w);
	} else {
		good = false;
	}
	if (!good && !own)
		printf("       at: %s\n", name);
	return own ? case_end(b) : good;
}

void hit(struct bench *b, enum sl_reason_id reason, const char *name, struct send s, struct want w)
{
	case_begin(b, "reason %s triggered: %s", reason_name(reason), name);
	w.reason = (uint8_t)reason;
	check(b, name, s, w);
	b->hits[reason] += case_end(b);
}

void miss(struct bench *b, enum sl_reason_id reason, const char *name, struct send s, struct want w)
{
	case_begin(b, "reason %s just missed: %s", reason_name(reason), name);
	if (w.reason == reason)
		fail(b, "a test that wants the reason does not miss it");
	check(b, name, s, w);
	b->misses[reason] += case_end(b);
}

void hit_wire(struct bench *b, enum sl_reason_id reason, const char *name, struct frame f, struct want w)
{
	struct send s = wire(f);
	char title[128];

	w.fate = DROPPED;
	hit(b, reason, name, s, w);
	snprintf(title, sizeof(title), "%s, in XDP", name);
	hit(b, reason, title, wire_xdp(f), w);
	snprintf(title, sizeof(title), "%s, tag beside the frame", name);
	s = beside(s, ntohs(*(uint16_t *)(f.bytes + 12)), ntohs(*(uint16_t *)(f.bytes + 14)));
	frame_untag(&s.frame);
	if (w.bytes > 0)
		w.bytes -= (int)sizeof(struct sl_tag);
	hit(b, reason, title, s, w);
}

void monitored(struct bench *b, enum sl_reason_id reason, const char *name, struct send s, struct want w)
{
	case_begin(b, "reason %s monitored: %s", reason_name(reason), name);
	w.reason = (uint8_t)reason;
	w.outcome = SL_MONITORED;
	check(b, name, s, w);
	b->excused[reason] += case_end(b);
}

struct frame hop(struct frame f, const uint8_t *dmac, const uint8_t *smac)
{
	struct sl_ipv4 *ip = frame_ip(&f);

	memcpy(f.bytes, dmac, 6);
	memcpy(f.bytes + 6, smac, 6);
	ip->ttl--;
	ip->check = 0;
	ip->check = sum16(ip, (uint32_t)f.l4 - f.l3, 0);
	return f;
}

struct frame landed(struct frame f, const uint8_t *dmac)
{
	frame_untag(&f);
	memcpy(f.bytes, dmac, 6);
	return f;
}
