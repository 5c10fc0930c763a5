/* SPDX-License-Identifier: GPL-2.0 */
/*
 * With the cache, every packet that a test has checked and whose flow could have a line goes twice more, as data of a
 * connection that has been answered: the first makes the line, the second goes by it, and both have to come to the same,
 * counters and all. Flows are put back after that as the test has left them. What was dropped for a reason that a line
 * may have goes as it is: it has come before, and a line is made of what comes again.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "rows.h"

#define TABLES 2

/* Both tables of flows. */
struct flows {
	struct half {
		size_t count;
		struct sl_flow_key key[ROWS];
		struct sl_flow flow[ROWS];
	} of[TABLES];
};
static const enum sl_table_id tables[TABLES] = { SL_TABLE_sl_flow, SL_TABLE_sl_unanswered };

static bool flows_read(struct bench *b, struct flows *to)
{
	for (size_t t = 0; t < TABLES; t++) {
		int fd = b->kernel.table[tables[t]];
		struct half *half = &to->of[t];
		struct sl_flow_key *last = NULL;

		half->count = 0;
		while (half->count < ROWS && !bpf_map_get_next_key(fd, last, &half->key[half->count])) {
			last = &half->key[half->count];
			if (bpf_map_lookup_elem(fd, last, &half->flow[half->count++]))
				return false;
		}
		if (half->count == ROWS)
			return false;
	}
	/* There is room for the unanswered ones among those that somebody has answered. */
	return to->of[0].count + to->of[1].count <= FLOWS_MAX;
}

/* All of them answered, and opened a while ago: in its first tick no flow has a line. */
static void flows_settle(struct bench *b, const struct flows *flows)
{
	for (size_t t = 0; t < TABLES; t++)
		for (size_t i = 0; i < flows->of[t].count; i++) {
			struct sl_flow flow = flows->of[t].flow[i];

			flow.created -= SL_TICKS(1);
			if (bpf_map_update_elem(b->kernel.table[tables[0]], &flows->of[t].key[i], &flow,
						BPF_ANY) ||
			    (t && bpf_map_delete_elem(b->kernel.table[tables[t]], &flows->of[t].key[i])))
				fail(b, "a flow cannot be moved");
		}
}

static void flows_restore(struct bench *b, const struct flows *flows)
{
	for (size_t t = 0; t < TABLES; t++)
		for (size_t i = 0; i < flows->of[t].count; i++)
			if ((t && bpf_map_delete_elem(b->kernel.table[tables[0]], &flows->of[t].key[i])) ||
			    bpf_map_update_elem(b->kernel.table[tables[t]], &flows->of[t].key[i],
						&flows->of[t].flow[i], BPF_ANY))
				fail(b, "a flow is gone that only data belonged to");
}

/* Is one of them the packet's, and is that one of data? What opens a connection becomes that. */
static bool flows_have(const struct flows *flows, struct frame *f)
{
	const struct sl_ipv4 *ip = (const void *)(f->bytes + f->l3);
	const struct sl_l4_ports *ports = (const void *)(ip + 1);
	struct sl_tcp *tcp = (void *)(f->bytes + f->l3 + sizeof(*ip));

	if (f->len < f->l3 + sizeof(*ip) + sizeof(*tcp) || ip->ver_ihl != 0x45 ||
	    (ip->proto != SL_PROTO_TCP && ip->proto != SL_PROTO_UDP))
		return false;
	if (ip->proto == SL_PROTO_TCP) {
		if (tcp->flags & (FIN | RST))
			return false;
		if (tcp->flags != ACK && f->l4 == f->l3 + sizeof(*ip)) {
			tcp->flags = ACK;
			frame_sum(f);
		}
	}
	for (size_t t = 0; t < TABLES; t++)
		for (size_t i = 0; i < flows->of[t].count; i++) {
			const struct sl_flow_key *key = &flows->of[t].key[i];

			if (key->saddr == ip->saddr && key->daddr == ip->daddr && key->proto == ip->proto &&
			    key->sport == ports->src && key->dport == ports->dst)
				return true;
		}
	return false;
}

/* The same of what another node has wrapped: of the packet within. */
static bool flows_have_wrapped(const struct flows *flows, struct frame *f)
{
	const struct sl_ipv4 *ip = (const void *)(f->bytes + f->l3);
	const struct sl_udp *udp = (const void *)(ip + 1);
	struct frame inner = *f;

	if (f->len < (uint32_t)f->l3 + SL_TUNNEL_BYTES || ip->ver_ihl != 0x45 || ip->proto != SL_PROTO_UDP ||
	    udp->dst != htons(SL_TUNNEL_PORT))
		return false;
	inner.l3 = (uint16_t)(f->l3 + SL_TUNNEL_BYTES);
	inner.l4 = (uint16_t)(inner.l3 + sizeof(*ip));
	if (!flows_have(flows, &inner))
		return false;
	memcpy(f->bytes, inner.bytes, f->len);
	return true;
}

static bool run(struct bench *b, const struct send *s, struct got *got, struct tally *tally)
{
	bench_clear_counts(b);
	if (!bench_run(b, s, got))
		return false;
	bench_count_lines(b);
	tally_collect(b, tally);
	return true;
}

static bool both(struct bench *b, const struct send *s, enum fate fate)
{
	static struct tally without, with;
	bool counted = fate != UNTOUCHED;
	struct got first, second;

	bench_void_lines(b);
	if (!run(b, s, &first, &without))
		return false;
	if (!without.lines_filled)
		return true;
	if (!run(b, s, &second, &with))
		return false;
	if (with.lines_filled)
		fail(b, "a line was made that could not be used");
	/* What is left alone is not counted, and what no line can carry out goes the long way once more. */
	b->lines_dropped += fate == DROPPED;
	b->lines += counted;
	b->line_packets += with.line_packets != 0;
	b->lines_left += !counted;
	if (first.retval != second.retval || first.mark != second.mark || first.priority != second.priority)
		fail(b, "%d, mark 0x%x without a line, %d, 0x%x by it", (int)first.retval, first.mark,
		     (int)second.retval, second.mark);
	same_frame(b, &first.frame, &second.frame);
	tally_same(b, &without, &with);
	return !b->case_failed;
}

bool check_by_line(struct bench *b, const struct send *s, const struct want *w)
{
	static struct flows before;
	struct sl_setting *setting = bench_find(b->image, SL_TABLE_sl_setting, &(uint32_t){ 0 });
	struct send data = *s;
	cpu_set_t home, here;
	bool good;

	if (!b->cached || w->question || s->mark || !setting)
		return true;
	if (w->fate == DROPPED && w->reason != SL_DROP_POLICY && w->reason != SL_DROP_SPOOFED_SOURCE &&
	    w->reason != SL_DROP_SPOOFED_MAC)
		return true;
	if ((s->door != SL_UP_XDP || w->fate != DROPPED) && s->door != SL_WL_IN && s->door != SL_WL_OUT &&
	    s->door != SL_UP_IN && s->door != SL_UP_OUT)
		return true;
	if (s->door == SL_UP_OUT && w->fate != DROPPED &&
	    setting->flags & SL_SETTING_QOS) /* clocks go on with each packet */
		return true;
	if (!flows_read(b, &before) ||
	    (w->fate != UNTOUCHED && w->fate != DROPPED && !flows_have(&before, &data.frame) &&
	     !flows_have_wrapped(&before, &data.frame)))
		return true;
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_getaffinity(0, sizeof(home), &home) || sched_setaffinity(0, sizeof(here), &here))
		return fail(b, "cannot stay on one processor");
	flows_settle(b, &before);
	good = both(b, &data, w->fate);
	flows_restore(b, &before);
	bench_void_lines(b);
	if (sched_setaffinity(0, sizeof(home), &home))
		good = fail(b, "cannot come back");
	return good;
}
