/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lines hold and how it gets into the tables, whoever else is at it: counts, times, busy lines, other processors.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../user/kernel/cache.h"
#include "cache.h"
#include "rows.h"

static struct sl_flow_key opener(struct bench *b)
{
	return flow_key(vpc_of(b, "default"), SL_PROTO_TCP, A1, 1000, A_FAR, 5432);
}

static struct sl_flow flow_of(struct bench *b)
{
	struct sl_flow_key key = opener(b);
	struct sl_flow flow;

	if (flow_find(b, &key, &flow) != 1)
		fail(b, "there is no flow");
	return flow;
}

/* Of the flow's packets there; those back may have a line as well. */
static bool set_bytes(struct sl_line *line, uint32_t to)
{
	if (line->saddr != htonl(A1))
		return false;
	line->bytes = to;
	return true;
}

/* As sl_flush leaves a line while it counts. */
static bool make_busy(struct sl_line *line, uint32_t to)
{
	line->generation = to;
	line->state = SL_LINE_BUSY;
	return true;
}

static void nothing_in(struct bench *b)
{
	static const struct sl_line_set none;

	for (uint32_t i = 0; i < b->cpus * CACHE_LINES / SL_LINE_WAYS; i++)
		if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_line], &i, &none, BPF_ANY))
			fail(b, "sl_line cannot be written");
}

static void full(struct bench *b)
{
	struct send s = cache_packet(4);
	struct sl_flow before, after;
	struct got got;

	case_begin(b, "cache: a line that can count no further is counted and filled anew");
	cache_open_way(b, 4);
	bench_count_lines(b);
	before = flow_of(b);
	cache_lines(b, set_bytes, SL_LINE_BYTES - 60);
	bench_run(b, &s, &got); /* the last that it takes */
	bench_clear_counts(b);
	bench_run(b, &s, &got);
	that(b, cache_stat(b, SL_STAT_LINES_FILLED) == 1, "it is filled anew");
	that(b, cache_stat(b, SL_STAT_LINE_PACKETS) == 1, "what it held has been counted");
	bench_count_lines(b);
	after = flow_of(b);
	that(b, after.packets == before.packets + 2, "all packets");
	that(b, after.bytes == before.bytes + SL_LINE_BYTES + 60, "and bytes");
	case_end(b);
}

static void busy(struct bench *b)
{
	struct send s = cache_packet(4);
	struct got got;

	case_begin(b, "cache: a line that is being counted is neither used nor filled");
	cache_open_way(b, 4);
	that(b, cache_decides(b, &s, &got), "a line decides");
	cache_lines(b, make_busy, 0);
	bench_clear_counts(b);
	bench_run(b, &s, &got);
	bench_run(b, &s, &got);
	that(b, got.retval == TC_ACT_REDIRECT, "its packets go the long way");
	that(b, cache_stat(b, SL_STAT_LINES_FILLED) == 1 && cache_lines(b, NULL, 0) == 1,
	     "and another line of its set is theirs");
	for (int i = 0; i < SL_LINE_WAYS; i++) {
		cache_lines(b, make_busy, 0);
		bench_run(b, &s, &got);
	}
	that(b, cache_stat(b, SL_STAT_LINES_FILLED) == SL_LINE_WAYS - 1,
	     "as long as there is one that is not");
	nothing_in(b);
	case_end(b);
}

static void seen(struct bench *b)
{
	struct send s = cache_packet(4);
	struct sl_flow_key key = opener(b);
	struct sl_flow flow;
	struct got got;
	uint32_t now;

	case_begin(b, "cache: a flow has gone by when its line was used last");
	cache_open_way(b, 4);
	flow = flow_of(b);
	flow.seen -= SL_TICKS(60);
	flow.created -= SL_TICKS(60);
	bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_flow], &key, &flow, BPF_ANY);
	now = tick();
	that(b, cache_decides(b, &s, &got), "a line decides");
	flow = flow_of(b);
	that(b, (int32_t)(flow.seen - now) >= 0, "not longer ago");
	that(b, (int32_t)(flow.seen - tick()) <= 0, "nor in time to come");
	now = flow.seen;
	bench_count_lines(b);
	that(b, flow_of(b).seen == now, "and not by being counted");
	case_end(b);
}

/* What the agent orders, at the processor where it is or elsewhere. */
static bool order(struct bench *b, uint32_t cpu, uint32_t offline)
{
	struct sl_flush flush = { .what = SL_FLUSH_ALL, .cpu = cpu, .offline = offline };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = &flush, .data_size_in = sizeof(flush), .repeat = 1);

	return !bpf_prog_test_run_opts(b->flush, &run) || fail(b, "sl_flush does not run");
}

static void elsewhere(struct bench *b)
{
	struct send s = cache_packet(4);
	uint32_t here = (uint32_t)sched_getcpu();
	struct sl_flow before;
	struct got got;

	case_begin(b, "cache: a processor's lines are counted on that processor");
	cache_open_way(b, 4);
	bench_count_lines(b);
	before = flow_of(b);
	bench_run(b, &s, &got);
	order(b, here + 1, 0);
	that(b, flow_of(b).packets == before.packets, "not for another one's sake");
	order(b, here, 0);
	that(b, flow_of(b).packets == before.packets + 1, "but for its own");
	case_end(b);
	if (b->cpus > 1) {
		cpu_set_t home, there;
		uint32_t other = here ? 0 : 1;

		case_begin(b, "cache: nor from another one, unless its own is off");
		bench_run(b, &s, &got);
		sched_getaffinity(0, sizeof(home), &home);
		CPU_ZERO(&there);
		CPU_SET(other, &there);
		if (sched_setaffinity(0, sizeof(there), &there)) {
			case_skip(b, "there is no other");
			return;
		}
		order(b, here, 0);
		that(b, flow_of(b).packets == before.packets + 1, "its line keeps its counts");
		order(b, here, 1);
		that(b, flow_of(b).packets == before.packets + 2, "off, it does not");
		if (sched_setaffinity(0, sizeof(home), &home))
			fail(b, "cannot come back");
		case_end(b);
	}
}

static bool passes_over(struct bench *b, struct cache_seen *seen, uint32_t cpu)
{
	struct trouble t;

	if (cache_seen(seen, b->kernel.table[SL_TABLE_sl_stat], b->cpus, &t))
		fail(b, "%s", t.text);
	return seen->passes && seen->passes[cpu];
}

/* The agent goes only where lines have been filled of late. */
static void visits(struct bench *b)
{
	uint32_t here = (uint32_t)sched_getcpu(), missed, times = 0;
	struct send s = cache_packet(4);
	struct cache_seen seen = { 0 };
	struct sl_flow before;
	struct trouble t;
	struct got got;

	case_begin(b, "cache: who counts disturbs only processors that have something to count");
	cache_open_way(b, 4);
	that(b, passes_over(b, &seen, here), "all of them at first");
	while (times < 10 && passes_over(b, &seen, here))
		times++;
	that(b, times >= 1 && times < 4, "not for ever");
	before = flow_of(b);
	bench_run(b, &s, &got);
	cache_flush(b->flush, SL_FLUSH_ALL, b->cpus, &seen, &missed, &t);
	that(b, flow_of(b).packets == before.packets, "this one has filled none of late");
	bench_void_lines(b);
	bench_run(b, &s, &got);
	that(b, passes_over(b, &seen, here), "now it has");
	bench_run(b, &s, &got);
	before = flow_of(b);
	cache_flush(b->flush, SL_FLUSH_ALL, b->cpus, &seen, &missed, &t);
	that(b, flow_of(b).packets == before.packets + 1, "and is counted");
	cache_seen_free(&seen);
	case_end(b);
}

/* Rows for so many lines on each of so many processors that there might be. */
static void sizes(struct bench *b)
{
	static const struct {
		uint32_t lines, cpus, rows;
	} sizes[] = {
		{ 0, 2, 2 },
		{ 1000, 1, 128 },
		{ SL_LINES, 2, 2 * SL_LINES / SL_LINE_WAYS },
		{ SL_LINES, 240, 240 * 512 }, /* those of a small guest on a large machine */
		{ 1U << 20, 64, 16U << 20 }, /* who says so has it */
		{ 1U << 20, 1023, 1023U << 18 }, /* what is to be had at most */
		{ 1U << 20, 1024, 1024U << 17 },
	};

	case_begin(b, "cache: its size");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t rows = cache_rows(sizes[i].lines, sizes[i].cpus);

		if (rows != sizes[i].rows)
			fail(b, "%u lines for %u processors: %u rows instead of %u", sizes[i].lines,
			     sizes[i].cpus, rows, sizes[i].rows);
	}
	case_end(b);
}

void cache_counts(struct bench *b)
{
	full(b);
	busy(b);
	seen(b);
	elsewhere(b);
	visits(b);
	sizes(b);
}
