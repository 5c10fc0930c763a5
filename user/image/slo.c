/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slo: the plan's limits of latency as rows, in the plan's order, for those who compare them with what the programs
 * measure. Nothing in the packet's path reads them.
 */
#include "compile.h"

static bool name_end(struct compile *c, const struct selector *s, uint16_t *network, uint16_t *cluster)
{
	const struct network *n = s->kind == SELECT_NETWORK ? plan_network(c->plan, s->name) : NULL;
	const struct cluster *k = s->kind == SELECT_CLUSTER ? plan_cluster(c->plan, s->name) : NULL;

	if (!n && !k) {
		report_error(c->r, &s->place, "\"%s\" is no network or cluster of the plan",
			     s->name ? s->name : "");
		return false;
	}
	*network = n ? (uint16_t)n->id : 0;
	*cluster = k ? (uint16_t)k->id : 0;
	return true;
}

bool slo_build(struct compile *c)
{
	for (uint32_t i = 0; i < c->plan->slo_count; i++) {
		const struct slo *slo = &c->plan->slos[i];
		struct sl_slo row = { .low_us = slo->expect_low_ms * 1000,
				      .high_us = slo->expect_high_ms * 1000,
				      .max_us = slo->max_ms * 1000 };

		if (!name_end(c, &slo->from, &row.src_network, &row.src_cluster) ||
		    !name_end(c, &slo->to, &row.dst_network, &row.dst_cluster) ||
		    !row_add(c, SL_TABLE_sl_slo, &i, &row))
			return false;
	}
	return true;
}
