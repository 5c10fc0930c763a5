/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two tables are swept one after the other, each at its own pace; the end of a table's pass is when the
 * services' counts of it are whole.
 */
#include <string.h>
#include "ageing.h"
#include "tally.h"

int ageing_open(struct ageing *a, const struct kernel *k, uint32_t cpus, struct trouble *t)
{
	int error;

	memset(a, 0, sizeof(*a));
	a->k = k;
	a->cpus = cpus;
	error = sweep_open(&a->flows, k->table[SL_TABLE_sl_flow], t);
	if (!error)
		error = sweep_open(&a->unanswered, k->table[SL_TABLE_sl_unanswered], t);
	if (!error)
		error = serving_open(&a->serving, k, cpus, t);
	if (error) {
		ageing_close(a);
		return error;
	}
	a->flows.stays = serving_answered;
	a->flows.closure = &a->serving.met[SERVING_ANSWERED];
	a->unanswered.stays = serving_unanswered;
	a->unanswered.closure = &a->serving.met[SERVING_UNANSWERED];
	return 0;
}

void ageing_close(struct ageing *a)
{
	serving_close(&a->serving);
	sweep_close(&a->flows);
	sweep_close(&a->unanswered);
}

static int age_table(struct ageing *a, struct sweep *sweep, enum serving_pass pass,
		     const struct timeouts *timeouts, unsigned int steps_per_s, struct trouble *t)
{
	uint64_t passes = sweep->passes;
	int error = sweep_step(sweep, timeouts, kernel_tick(), sweep_pace(sweep, steps_per_s), t);

	if (!error && sweep->passes != passes)
		error = serving_write(&a->serving, pass, t);
	return error;
}

int ageing_step(struct ageing *a, const struct timeouts *timeouts, unsigned int steps_per_s,
		struct trouble *t)
{
	uint64_t aged;
	int error = age_table(a, &a->flows, SERVING_ANSWERED, timeouts, steps_per_s, t);

	if (!error)
		error = age_table(a, &a->unanswered, SERVING_UNANSWERED, timeouts, steps_per_s, t);
	aged = a->flows.aged + a->unanswered.aged;
	if (!error && aged != a->aged)
		error = tally_stat(a->k, SL_STAT_FLOWS_AGED, aged - a->aged, a->cpus, t);
	a->aged = aged;
	return error;
}

void ageing_gauges(const struct ageing *a)
{
	if (a->flows.passes) {
		tally_gauge(a->k, SL_GAUGE_FLOWS, a->flows.entries);
		tally_fill(a->k, SL_TABLE_sl_flow, a->flows.entries);
	}
	if (a->unanswered.passes) {
		tally_gauge(a->k, SL_GAUGE_UNANSWERED, a->unanswered.entries);
		tally_fill(a->k, SL_TABLE_sl_unanswered, a->unanswered.entries);
	}
}
