/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines for a door that makes none, as XDP where addresses are rewritten: each flow's comes of its next packet in TC. It
 * is not to expire while its flow is measured: what would happen then are packets of another path.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "course.h"

#define SECONDS 3600
#define TICK_US 25000 /* of the clock that flows go by, and more */
#define ROOM 16 /* times as many lines as flows: no set of them overflows */

bool lines_enough(const struct course *c, uint32_t flows)
{
	uint32_t sets = kernel_room(&c->bench.kernel, SL_TABLE_sl_line) / c->bench.cpus;

	return c->bench.cached && sets * SL_LINE_WAYS >= ROOM * flows;
}

static bool last_long(struct course *c)
{
	int fd = c->bench.kernel.table[SL_TABLE_sl_cache];
	struct sl_cache cache;

	if (bpf_map_lookup_elem(fd, &(uint32_t){ 0 }, &cache))
		return fail(&c->bench, "cannot read sl_cache: %s", strerror(errno));
	cache.second *= SECONDS;
	return !bpf_map_update_elem(fd, &(uint32_t){ 0 }, &cache, BPF_ANY) ||
	       fail(&c->bench, "cannot write sl_cache: %s", strerror(errno));
}

bool lines_make(struct course *c, const struct way *way, uint32_t flows)
{
	const struct leg *leg = &way->there;
	struct counts before, now;
	uint64_t filled;
	double ns;
	int retval;

	bench_void_lines(&c->bench);
	if (!last_long(c))
		return false;
	for (uint32_t i = 0; i < flows; i++)
		c->order[i] = i;
	for (c->order_len = 1; c->order_len < flows;)
		c->order_len *= 2;
	for (uint32_t i = flows; i < c->order_len; i++)
		c->order[i] = 0;
	usleep(TICK_US); /* no flow has a line in the tick that it began in */
	if (!turns_set(c, way, leg, false, ACK, 0, flows) || !counts_read(c, &before) ||
	    !run_many(c, leg, c->bench.program[leg->door], flows, &retval, &ns) || !counts_read(c, &now))
		return false;
	filled = now.stat[SL_STAT_LINES_FILLED] - before.stat[SL_STAT_LINES_FILLED];
	return filled == flows || fail(&c->bench, "%u flows of %s have %llu lines", flows, way->name,
				       (unsigned long long)filled);
}
