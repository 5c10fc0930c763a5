/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The upkeep of mappings: sl_outside is walked a few batches at a time; a mapping that no flow holds and that was not
 * used for its timeout ends, its port rests, and is free again after the rest. Never ends one that a flow holds.
 */
#ifndef SLUICE_MAPPING_H
#define SLUICE_MAPPING_H
#include <stdbool.h>
#include "../plan/plan.h"
#include "bound.h"
#include "eip_use.h"
#include "release.h"

struct mapping {
	const struct kernel *k;
	uint32_t cpus;
	int program; /* sl_release */
	struct bound *bound;
	struct eip_use use;
	uint8_t place[64]; /* in sl_outside; opaque, from the kernel */
	bool begun; /* in the middle of a pass */
	bool due; /* the next one, at once: what there is to count is another plan's */
	uint32_t started; /* tick: the last pass */
	uint64_t made; /* mappings ever, when it began */
	uint32_t contacts; /* tick: when stale ones were looked for */
	uint32_t batch; /* grows when one bucket holds more */
	struct sl_outside_key *keys;
	struct sl_outside *rows;
	struct release rest;
	struct release free;
	struct release flows;
	uint64_t done; /* orders of the last kind carried out */
	uint64_t counted; /* rows met in this pass, of them at rest */
	uint64_t counted_resting;
	uint64_t entries; /* in the last whole one */
	uint64_t resting;
	uint64_t passes;
};

enum mapping_due { MAPPING_STAYS, MAPPING_RESTS, MAPPING_FREED };
/* What is due for a row; `held`: by a flow. Pure. */
enum mapping_due mapping_due(const struct timeouts *timeouts, uint8_t proto, const struct sl_outside *row,
			     bool held, uint32_t now);

/* `k` and `bound` have to stay until mapping_close(). */
int mapping_open(struct mapping *m, const struct kernel *k, uint32_t cpus, struct bound *bound,
		 struct trouble *t);
/* Another plan is in force: what of its EIPs this node may hand out. */
int mapping_plan(struct mapping *m, struct trouble *t);
int mapping_step(struct mapping *m, const struct timeouts *timeouts, uint32_t now, unsigned int steps_per_s,
		 struct trouble *t);
/* A flow was aged that held this port until `seen`: the mapping's timer runs from there. */
void mapping_used(const struct kernel *k, const struct sl_outside_key *key, uint32_t seen);
/* Tells sl_holder how many flows each workload has. */
int mapping_flows(struct mapping *m, struct trouble *t);
void mapping_gauges(const struct mapping *m);
void mapping_close(struct mapping *m);

#endif
