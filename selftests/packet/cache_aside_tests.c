/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows that stand aside from the cache where too many come by: when they do, which, and that nothing else becomes of them.
 */
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../user/kernel/cache.h"
#include "cache.h"

#define FLOWS 28 /* as the tables here have room for */

static const struct cache_yield crowd = { .missed = 1000000, .most = 1000000 }, calm = { .packets = 1000000 };

static void when(struct bench *b)
{
	static const struct {
		uint32_t before, after;
		struct cache_yield yield;
	} cases[] = {
		/* So few that there is room for all of them. */
		{ 0, 0, { .missed = 1024, .most = 1024 } },
		{ 0, 1, { .missed = 1025, .most = 1025 } },
		{ 15, 7, { .missed = 64, .most = 64 } },
		{ 15, 15, { .missed = 65, .most = 65 } },
		/* Many processors with some each. */
		{ 0, 0, { .missed = 100000, .most = 1000 } },
		/* How many others are faster for it. */
		{ 0, 1, { .packets = 4999, .missed = 10000, .most = 10000 } },
		{ 0, 0, { .packets = 5000, .missed = 10000, .most = 10000 } },
		{ 3, 7, { .packets = 4999, .missed = 10000, .most = 10000 } },
		{ 3, 3, { .packets = 5000, .missed = 10000, .most = 10000 } },
		{ 3, 3, { .packets = 10000, .missed = 10000, .most = 10000 } },
		{ 3, 1, { .packets = 10001, .missed = 10000, .most = 10000 } },
		{ 1, 0, { .packets = 10001, .missed = 10000, .most = 10000 } },
		/* Some always remain, to show whether lines would pay. */
		{ 15, 15, { .missed = 10000, .most = 10000 } },
		{ 15, 7, { 0 } },
		{ 0, 0, { 0 } },
	};

	case_begin(b, "cache: aside: when flows stand aside");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t after = cache_aside(cases[i].before, 4096, cases[i].yield);

		if (after != cases[i].after)
			fail(b, "case %zu: %u comes after %u instead of %u", i, after, cases[i].before,
			     cases[i].after);
	}
	case_end(b);
}

/* Another second, after which 16 - `sixteenths` of 16 flows may have lines. */
static void second(struct bench *b, struct cache_yield yield, uint32_t wanted)
{
	struct cache_seen seen = { .yield = yield };
	uint32_t sixteenths;
	struct trouble t;

	if (cache_balance(b->flush, &seen, &sixteenths, &t))
		fail(b, "%s", t.text);
	else if (sixteenths != wanted)
		fail(b, "%u of 16 flows stand aside instead of %u", sixteenths, wanted);
}

static struct sl_cache row(struct bench *b)
{
	struct sl_cache cache = { 0 };

	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_cache], &(uint32_t){ 0 }, &cache))
		fail(b, "sl_cache cannot be read");
	return cache;
}

static struct send packet(uint32_t flow, bool reply)
{
	uint16_t port = (uint16_t)(flow * 13 + 1000);

	return reply ? workload(W_A3, PACKET(.saddr = A3, .daddr = A1, UDP(2000, port), .payload = 20))
		     : workload(W_A1, PACKET(.saddr = A1, .daddr = A3, UDP(port, 2000), .payload = 20));
}

/* Answered, and none of them with a line as yet: there is none in the tick that a flow begins in. */
static void open_all(struct bench *b)
{
	struct got got;

	nat_fresh(b);
	cache_last(b, LINE_LONG);
	for (uint32_t i = 0; i < FLOWS; i++)
		for (int reply = 0; reply < 2; reply++) {
			struct send s = packet(i, reply);

			bench_run(b, &s, &got);
		}
	usleep(TICK_US);
}

/* Which flows have lines, of which all packets pass. */
static uint32_t lines_of(struct bench *b, bool *by_line)
{
	uint32_t count = 0;
	struct got got;

	for (uint32_t i = 0; i < FLOWS; i++) {
		struct send s = packet(i, false);

		bench_run(b, &s, &got);
		that(b, got.retval == TC_ACT_REDIRECT, "it goes to its neighbour");
		by_line[i] = cache_decides(b, &s, &got);
		that(b, got.retval == TC_ACT_REDIRECT, "and does so again");
		count += by_line[i];
	}
	return count;
}

static void who(struct bench *b)
{
	static const uint32_t sixteenths[] = { 8, 12, 14, 15 };
	bool now[FLOWS], before[FLOWS];
	uint32_t count;

	case_begin(b, "cache: aside: who stands aside has no line, and passes as ever");
	open_all(b);
	that(b, lines_of(b, before) == FLOWS, "at first all of them have one");
	for (uint32_t i = 0; i < sizeof(sixteenths) / sizeof(sixteenths[0]); i++) {
		second(b, crowd, sixteenths[i]);
		count = lines_of(b, now) * 16;
		/* Theirs still hold. */
		that(b, count > FLOWS * (16 - sixteenths[i]) / 2 && count < FLOWS * (16 - sixteenths[i]) * 2,
		     "of the others as many as are to have one have it");
		for (uint32_t k = 0; k < FLOWS; k++)
			that(b, before[k] || !now[k], "they are among those who had one");
		memcpy(before, now, sizeof(before));
	}
	second(b, crowd, 15);
	second(b, calm, 14);
	second(b, calm, 12);
	second(b, calm, 8);
	second(b, calm, 0);
	that(b, lines_of(b, now) == FLOWS, "when there is room again all have one");
	case_end(b);
}

/* What lines held whose flows have stepped aside is counted as any. */
static void counted(struct bench *b)
{
	struct sl_flow flow;
	struct got got;

	case_begin(b, "cache: aside: what lines hold is counted");
	open_all(b);
	for (uint32_t i = 0; i < 10 * FLOWS; i++) {
		struct send s = packet(i % FLOWS, false);

		if (i == 5 * FLOWS) {
			second(b, crowd, 8);
			second(b, crowd, 12);
		}
		bench_run(b, &s, &got);
	}
	bench_count_lines(b);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct sl_flow_key key =
			flow_key(vpc_of(b, "default"), SL_PROTO_UDP, A1, (uint16_t)(i * 13 + 1000), A3, 2000);

		if (flow_find(b, &key, &flow) != 1 || flow.packets != 11)
			fail(b, "flow %u has counted %llu packets instead of 11", i,
			     (unsigned long long)flow.packets);
	}
	case_end(b);
}

/* Whoever sets the size has the last word; who has stood aside comes back when nobody sees to it any more. */
static void orders(struct bench *b)
{
	struct trouble t;
	uint32_t sets;

	case_begin(b, "cache: aside: the cache's size is another order");
	bench_void_lines(b);
	sets = row(b).sets;
	that(b, sets && sets == (sets & SL_LINE_SETS), "nobody stands aside at first");
	second(b, crowd, 8);
	that(b, (row(b).sets & SL_LINE_SETS) == sets, "its size is the same");
	if (cache_rejoin(b->flush, &t))
		fail(b, "%s", t.text);
	that(b, row(b).sets == sets, "all are back");
	second(b, crowd, 8);
	bench_void_lines(b);
	that(b, row(b).sets == sets, "who empties it lets all come back");
	if (cache_start(&b->kernel, false, &t))
		fail(b, "%s", t.text);
	second(b, crowd, 0);
	that(b, !row(b).sets, "what is off stays off");
	if (cache_rejoin(b->flush, &t) || cache_start(&b->kernel, true, &t))
		fail(b, "%s", t.text);
	case_end(b);
}

static struct cache_yield seen_now(struct bench *b, struct cache_seen *seen)
{
	struct trouble t;

	bench_count_lines(b);
	if (cache_seen(seen, b->kernel.table[SL_TABLE_sl_stat], b->cpus, &t))
		fail(b, "%s", t.text);
	return seen->yield;
}

/* What the agent goes by. */
static void yields(struct bench *b)
{
	struct cache_seen seen = { 0 };
	struct cache_yield yield;
	bool by_line[FLOWS];

	case_begin(b, "cache: aside: what lines bring");
	open_all(b);
	yield = seen_now(b, &seen);
	that(b, !yield.missed && !yield.packets, "of what was before nothing is said");
	lines_of(b, by_line);
	yield = seen_now(b, &seen);
	that(b, yield.missed == FLOWS && yield.most == FLOWS, "each of the first has found no line");
	that(b, yield.packets == FLOWS, "each of the second has");
	lines_of(b, by_line);
	yield = seen_now(b, &seen);
	that(b, !yield.missed && yield.packets == 2 * FLOWS, "after that all have");
	yield = seen_now(b, &seen);
	that(b, !yield.missed && !yield.packets, "a second without packets brings nothing");
	cache_seen_free(&seen);
	case_end(b);
}

/* Anybody can send what comes once, in any number. */
static void once(struct bench *b)
{
	struct cache_seen seen = { 0 };
	struct got got;

	case_begin(b, "cache: aside: nobody does without lines for the sake of flows that come once");
	nat_fresh(b);
	bench_void_lines(b);
	bench_clear_counts(b);
	seen_now(b, &seen);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct send s = packet(i, false);

		bench_run(b, &s, &got);
	}
	that(b, cache_stat(b, SL_STAT_FLOWS_CREATED) == FLOWS, "they have begun");
	that(b, !seen_now(b, &seen).missed, "none of them has looked in vain");
	cache_seen_free(&seen);
	case_end(b);
}

/* Lines of the first processor are found even where the number of sets is not understood. */
static void go_to_last(const struct bench *b)
{
	for (uint32_t cpu = b->cpus; cpu-- > 1;) {
		cpu_set_t there;

		CPU_ZERO(&there);
		CPU_SET(cpu, &there);
		if (!sched_setaffinity(0, sizeof(there), &there))
			return;
	}
}

void cache_stands_aside(struct bench *b)
{
	cpu_set_t home;

	when(b);
	sched_getaffinity(0, sizeof(home), &home);
	go_to_last(b);
	nat_plan(b, &nat_plain, NULL);
	who(b);
	counted(b);
	orders(b);
	yields(b);
	once(b);
	sched_setaffinity(0, sizeof(home), &home);
}
