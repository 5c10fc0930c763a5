/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The upkeep of flows and mappings: both flow tables are swept, what is over is removed, what is alive is counted by
 * service and holds its outside port; ports that nothing holds are given back.
 */
#ifndef SLUICE_AGEING_H
#define SLUICE_AGEING_H
#include "bound.h"
#include "mapping.h"
#include "serving.h"
#include "sweep.h"

/* One flow table's sweep, and whom it tells. */
struct ageing_pass {
	struct ageing *of;
	struct sweep sweep;
	enum serving_pass serving;
	enum bound_pass bound;
	bool partial; /* the services were read anew in the middle of it: its counts of them are not whole */
};

struct ageing {
	const struct kernel *k;
	uint32_t cpus;
	struct ageing_pass flows;
	struct ageing_pass unanswered;
	struct serving serving;
	struct bound bound;
	struct mapping mapping;
	uint64_t aged; /* counted already */
};

/* `k` and `a` have to stay where they are until ageing_close(). */
int ageing_open(struct ageing *a, const struct kernel *k, uint32_t cpus, struct trouble *t);
/* Another plan is in force in the same tables. On failure nothing is open any more. */
int ageing_plan(struct ageing *a, struct trouble *t);
/* One of `steps_per_s` steps. */
int ageing_step(struct ageing *a, const struct timeouts *timeouts, unsigned int steps_per_s,
		struct trouble *t);
void ageing_gauges(const struct ageing *a);
void ageing_close(struct ageing *a);

#endif
