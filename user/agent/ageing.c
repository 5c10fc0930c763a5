/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two flow tables are swept one after the other, each at its own pace; the end of a table's pass is when the
 * services' and workloads' counts of it are whole. A new plan does not begin the sweeps anew: where plans follow one
 * another quickly they would never come to an end.
 */
#include <string.h>
#include "ageing.h"
#include "tally.h"

static void stays(void *closure, const void *key, const void *flow)
{
	struct ageing_pass *pass = closure;

	if (pass->serving == SERVING_ANSWERED)
		serving_answered(&pass->of->serving.met[SERVING_ANSWERED], key, flow);
	else
		serving_unanswered(&pass->of->serving.met[SERVING_UNANSWERED], key, flow);
	bound_meet(&pass->of->bound, pass->bound, key, flow);
}

static void ends(void *closure, const void *key, const void *flow)
{
	const struct ageing_pass *pass = closure;
	struct sl_outside_key port;

	if (bound_port(key, flow, &port))
		mapping_used(pass->of->k, &port, ((const struct sl_flow *)flow)->seen);
}

static int open_pass(struct ageing *a, struct ageing_pass *pass, enum sl_table_id table,
		     enum serving_pass serving, enum bound_pass bound, struct trouble *t)
{
	int error = sweep_open(&pass->sweep, a->k->table[table], t);

	pass->of = a;
	pass->serving = serving;
	pass->bound = bound;
	pass->sweep.stays = stays;
	pass->sweep.ends = ends;
	pass->sweep.closure = pass;
	return error;
}

int ageing_open(struct ageing *a, const struct kernel *k, uint32_t cpus, struct trouble *t)
{
	int error;

	memset(a, 0, sizeof(*a));
	a->k = k;
	a->cpus = cpus;
	a->mapping.program = -1;
	bound_open(&a->bound);
	error = open_pass(a, &a->flows, SL_TABLE_sl_flow, SERVING_ANSWERED, BOUND_ANSWERED, t);
	if (!error)
		error = open_pass(a, &a->unanswered, SL_TABLE_sl_unanswered, SERVING_UNANSWERED,
				  BOUND_UNANSWERED, t);
	if (!error)
		error = serving_open(&a->serving, k, cpus, t);
	if (!error)
		error = mapping_open(&a->mapping, k, cpus, &a->bound, t);
	if (error)
		ageing_close(a);
	return error;
}

int ageing_plan(struct ageing *a, struct trouble *t)
{
	int error;

	serving_close(&a->serving);
	error = serving_open(&a->serving, a->k, a->cpus, t);
	if (!error)
		error = mapping_plan(&a->mapping, t);
	a->flows.partial = a->flows.sweep.begun;
	a->unanswered.partial = a->unanswered.sweep.begun;
	if (error)
		ageing_close(a);
	return error;
}

void ageing_close(struct ageing *a)
{
	mapping_close(&a->mapping);
	bound_close(&a->bound);
	serving_close(&a->serving);
	sweep_close(&a->flows.sweep);
	sweep_close(&a->unanswered.sweep);
}

static int end_pass(struct ageing *a, struct ageing_pass *pass, struct trouble *t)
{
	int error;

	bound_end(&a->bound, pass->bound);
	if (pass->partial)
		serving_forget(&a->serving, pass->serving);
	error = pass->partial ? 0 : serving_write(&a->serving, pass->serving, t);
	pass->partial = false;
	return error ? error : mapping_flows(&a->mapping, t);
}

static int age_table(struct ageing *a, struct ageing_pass *pass, const struct timeouts *timeouts,
		     unsigned int steps_per_s, struct trouble *t)
{
	struct sweep *sweep = &pass->sweep;
	uint64_t passes = sweep->passes;
	int error;

	if (!sweep->begun)
		bound_begin(&a->bound, pass->bound);
	error = sweep_step(sweep, timeouts, kernel_tick(), sweep_pace(sweep, steps_per_s), t);
	if (!error && sweep->passes != passes)
		error = end_pass(a, pass, t);
	return error;
}

int ageing_step(struct ageing *a, const struct timeouts *timeouts, unsigned int steps_per_s,
		struct trouble *t)
{
	uint64_t aged;
	int error = age_table(a, &a->flows, timeouts, steps_per_s, t);

	if (!error)
		error = age_table(a, &a->unanswered, timeouts, steps_per_s, t);
	if (!error)
		error = mapping_step(&a->mapping, timeouts, kernel_tick(), steps_per_s, t);
	aged = a->flows.sweep.aged + a->unanswered.sweep.aged;
	if (!error && aged != a->aged)
		error = tally_stat(a->k, SL_STAT_FLOWS_AGED, aged - a->aged, a->cpus, t);
	a->aged = aged;
	return error;
}

void ageing_gauges(const struct ageing *a)
{
	if (a->flows.sweep.passes) {
		tally_gauge(a->k, SL_GAUGE_FLOWS, a->flows.sweep.entries);
		tally_fill(a->k, SL_TABLE_sl_flow, a->flows.sweep.entries);
	}
	if (a->unanswered.sweep.passes) {
		tally_gauge(a->k, SL_GAUGE_UNANSWERED, a->unanswered.sweep.entries);
		tally_fill(a->k, SL_TABLE_sl_unanswered, a->unanswered.sweep.entries);
	}
	mapping_gauges(&a->mapping);
}
