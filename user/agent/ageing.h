/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flows' upkeep: both tables are swept, what is over is removed, what is alive is counted by service.
 */
#ifndef SLUICE_AGEING_H
#define SLUICE_AGEING_H
#include "serving.h"
#include "sweep.h"

struct ageing {
	const struct kernel *k;
	uint32_t cpus;
	struct sweep flows;
	struct sweep unanswered;
	struct serving serving;
	uint64_t aged; /* counted already */
};

/* `k` has to stay open until ageing_close(). */
int ageing_open(struct ageing *a, const struct kernel *k, uint32_t cpus, struct trouble *t);
/* One of `steps_per_s` steps. */
int ageing_step(struct ageing *a, const struct timeouts *timeouts, unsigned int steps_per_s,
		struct trouble *t);
void ageing_gauges(const struct ageing *a);
void ageing_close(struct ageing *a);

#endif
