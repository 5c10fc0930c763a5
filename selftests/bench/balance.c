/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In place of the agent: where more flows come by than there are lines, it is the agent that has some of them stand aside.
 * What is measured is how the cache is after that.
 */
#include <time.h>
#include "course.h"

#define STEADY 2

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Fewer flows than that never fill enough lines in a second for anything to change. */
static bool may_crowd(const struct course *c, uint32_t flows)
{
	uint32_t sets = kernel_room(&c->bench.kernel, SL_TABLE_sl_line) / c->bench.cpus;

	return c->bench.cached && flows > sets * SL_LINE_WAYS / 4;
}

bool balance_begin(struct course *c, uint32_t flows)
{
	const struct bench *b = &c->bench;
	struct trouble t;

	c->next = 0;
	if (!may_crowd(c, flows))
		return true;
	bench_void_lines(&c->bench);
	c->sixteenths = c->steady = 0;
	c->left = c->judged = 0;
	c->next = now_s() + 1;
	return !cache_seen(&c->seen, b->kernel.table[SL_TABLE_sl_stat], b->cpus, &t) ||
	       fail(&c->bench, "%s", t.text);
}

/* What XDP has not judged has a line: it leaves that to TC, which would count it. */
static bool left_to_tc(struct course *c)
{
	struct counts now;
	uint64_t judged;

	if (!counts_read(c, &now))
		return false;
	judged = now.outcome[SL_PASSED] - c->judged;
	if (c->judged && c->left > judged)
		c->seen.yield.packets += c->left - judged;
	c->judged = now.outcome[SL_PASSED];
	c->left = 0;
	return true;
}

bool balance_tick(struct course *c)
{
	const struct bench *b = &c->bench;
	uint32_t missed, before = c->sixteenths;
	struct trouble t;

	if (!c->next || now_s() < c->next)
		return true;
	c->next = now_s() + 1;
	if (cache_seen(&c->seen, b->kernel.table[SL_TABLE_sl_stat], b->cpus, &t))
		return fail(&c->bench, "%s", t.text);
	if (c->left && !left_to_tc(c))
		return false;
	if (cache_flush(b->flush, SL_FLUSH_OLD, b->cpus, &c->seen, &missed, &t) ||
	    cache_balance(b->flush, &c->seen, &c->sixteenths, &t))
		return fail(&c->bench, "%s", t.text);
	c->steady = c->sixteenths == before ? c->steady + 1 : 0;
	return true;
}

bool balance_steady(const struct course *c)
{
	return !c->next || c->steady >= STEADY;
}
