/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps sl_serving: which backends the plan in force has, and how many flows each serves. The sweeps bring the
 * flows; what they found is written when a table has been seen whole. Counters of services that are gone go.
 */
#ifndef SLUICE_SERVING_H
#define SLUICE_SERVING_H
#include "../kernel/roster.h"

/* The tables that flows stand in; each is swept at its own pace. */
enum serving_pass { SERVING_UNANSWERED, SERVING_ANSWERED, SERVING_PASSES };

struct serving_found {
	uint64_t flows;
	uint64_t waiting;
	uint64_t timed_out;
};

struct serving {
	const struct kernel *k;
	uint32_t cpus;
	struct roster met[SERVING_PASSES]; /* counts of the pass that goes on */
	struct serving_found *found[SERVING_PASSES]; /* of the last whole pass, beside each row */
	bool any[SERVING_PASSES]; /* flows were found in it */
	bool owing; /* what was found since then stands in the table not all yet */
	struct sl_serving *written; /* what stands in the table, beside each row */
	bool full; /* the table: said once */
};

/* What the plan in force has. `k` has to stay open until serving_close(). */
int serving_open(struct serving *s, const struct kernel *k, uint32_t cpus, struct trouble *t);
/* rows_visit for the sweep of each table; the closure is the roster of met[]. */
void serving_unanswered(void *roster, const void *key, const void *flow);
void serving_answered(void *roster, const void *key, const void *flow);
/* What was met in a sweep that the plan changed under. */
void serving_forget(struct serving *s, enum serving_pass pass);
/* The sweep of this table has come to its end. */
int serving_write(struct serving *s, enum serving_pass pass, struct trouble *t);
void serving_close(struct serving *s);

#endif
