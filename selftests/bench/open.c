/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens flows by their own packets through the doors, so that what stands in the tables is what sluice puts there: SYN,
 * SYN-ACK, ACK, some thousand flows at a time, as many as the table of unanswered ones holds without evicting.
 */
#include <stdio.h>
#include "course.h"

#define AT_ONCE 16384U
#define TRIES 4

static int door(const struct course *c, const struct leg *leg)
{
	return c->bench.program[leg->door];
}

static bool pass(struct course *c, const struct way *way, bool back, uint8_t tcp_flags, uint32_t first,
		 uint32_t count)
{
	const struct leg *leg = back ? &way->back : &way->there;
	double ns;
	int retval;

	if (leg->door == SL_PROGRAMS)
		return true;
	if (!turns_set(c, way, leg, back, tcp_flags, first, count))
		return false;
	/* Where the wrapper cannot undo what the door does. */
	if (way->back.door == SL_PROGRAMS)
		return run_single(c, leg, door(c, leg), count, &retval, &ns);
	return run_many(c, leg, door(c, leg), count, &retval, &ns);
}

static bool some(struct course *c, const struct way *way, uint32_t first, uint32_t count)
{
	struct counts before, now;
	uint64_t promoted = 0;

	for (uint32_t i = 0; i < count; i++)
		c->order[i] = i;
	for (c->order_len = 1; c->order_len < count;)
		c->order_len *= 2;
	for (uint32_t i = count; i < c->order_len; i++)
		c->order[i] = 0;
	if (!counts_read(c, &before))
		return false;
	for (int i = 0; promoted < count && i < TRIES; i++) {
		if (!pass(c, way, false, SYN, first, count) || !pass(c, way, true, SYN | ACK, first, count) ||
		    !pass(c, way, false, ACK, first, count) || !counts_read(c, &now))
			return false;
		promoted = now.stat[SL_STAT_FLOWS_PROMOTED] - before.stat[SL_STAT_FLOWS_PROMOTED];
	}
	return promoted == count || fail(&c->bench, "of %u flows of %s only %llu became established", count,
					 way->name, (unsigned long long)promoted);
}

bool flows_open(struct course *c, const struct way *way, uint32_t flows)
{
	uint64_t rows;

	if (!tables_empty_state(c))
		return false;
	if (!way->flows)
		return true;
	for (uint32_t first = 0; first < flows; first += AT_ONCE)
		if (!some(c, way, first, flows - first < AT_ONCE ? flows - first : AT_ONCE))
			return false;
	tables_flow_packets(c, &rows);
	return rows == 2ULL * flows || fail(&c->bench, "%u flows of %s stand in %llu rows", flows, way->name,
					    (unsigned long long)rows);
}
