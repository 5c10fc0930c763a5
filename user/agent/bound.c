/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Only the direction whose source is rewritten to a mapping's counts: it says who is inside, and when the inside was
 * last heard (RFC 4787 REQ-6). A flow between two mappings has two such directions, one for each.
 */
#include <string.h>
#include "bound.h"

/* Of a port. */
enum { SEEN, MET };
/* Of a workload: flows in the pass that goes on, and in the last whole one, of each table. */
enum { NOW, LAST = NOW + BOUND_PASSES };
_Static_assert(LAST + BOUND_PASSES <= INDEX_NUMBERS, "a workload's numbers");

void bound_open(struct bound *b)
{
	memset(b, 0, sizeof(*b));
	b->round = 1;
}

void bound_close(struct bound *b)
{
	index_free(&b->ports);
	index_free(&b->workloads);
}

bool bound_port(const struct sl_flow_key *key, const struct sl_flow *flow, struct sl_outside_key *port)
{
	if (!(flow->verdict.flags & SL_VERDICT_BOUND))
		return false;
	*port = (struct sl_outside_key){ .eip = flow->verdict.saddr,
					 .port = flow->verdict.sport,
					 .proto = key->proto };
	return true;
}

void bound_begin(struct bound *b, enum bound_pass pass)
{
	b->since[pass] = b->round;
}

void bound_meet(struct bound *b, enum bound_pass pass, const struct sl_flow_key *key,
		const struct sl_flow *flow)
{
	struct sl_holder_key inside = { .addr = key->saddr, .vpc = key->vpc };
	struct sl_outside_key port;
	struct index_row *row;

	if (!bound_port(key, flow, &port))
		return;
	row = index_put(&b->ports, &port);
	if (!row) {
		b->lost = b->round;
	} else {
		if (!row->number[MET] || (int32_t)(flow->seen - row->number[SEEN]) > 0)
			row->number[SEEN] = flow->seen;
		row->number[MET] = b->round;
	}
	row = index_put(&b->workloads, &inside);
	if (row)
		row->number[NOW + pass]++;
}

/* In two numbers that follow one another, also across the wrap. */
static bool lately(uint32_t round, uint32_t met)
{
	return met && round - met <= 1;
}

static bool port_stays(void *closure, struct index_row *row)
{
	const struct bound *b = closure;

	return lately(b->round, row->number[MET]);
}

struct passed {
	enum bound_pass pass;
};

static bool workload_stays(void *closure, struct index_row *row)
{
	const struct passed *passed = closure;
	uint32_t sum = 0;

	row->number[LAST + passed->pass] = row->number[NOW + passed->pass];
	row->number[NOW + passed->pass] = 0;
	for (int i = 0; i < INDEX_NUMBERS; i++)
		sum |= row->number[i];
	return sum;
}

void bound_end(struct bound *b, enum bound_pass pass)
{
	struct passed passed = { pass };

	index_keep(&b->workloads, workload_stays, &passed);
	b->whole[pass] |= b->since[pass] == b->round;
	if (!b->whole[BOUND_UNANSWERED] || !b->whole[BOUND_ANSWERED])
		return;
	index_keep(&b->ports, port_stays, b);
	b->whole[BOUND_UNANSWERED] = b->whole[BOUND_ANSWERED] = false;
	b->round++;
	b->round += !b->round; /* 0 says never */
}

bool bound_sure(const struct bound *b)
{
	return b->round > 2 && !lately(b->round, b->lost) && !lately(b->round - 1, b->lost);
}

const uint32_t *bound_seen(const struct bound *b, const struct sl_outside_key *key)
{
	const struct index_row *row = index_find(&b->ports, key);

	return row ? &row->number[SEEN] : NULL;
}

uint32_t bound_flows(const struct bound *b, const struct sl_holder_key *key)
{
	const struct index_row *row = index_find(&b->workloads, key);
	uint32_t sum = 0;

	for (int pass = 0; row && pass < BOUND_PASSES; pass++)
		sum += row->number[LAST + pass];
	return sum;
}
