/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tenants: a number for each value of a label that has a rate of its own (qos.per_label), by which sl_endpoint says
 * whose a workload is. The numbers follow the order of "KEY=VALUE", not that of the workloads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"

#define MOST_TENANTS UINT16_MAX

/* Of several labels with a rate the first key by name counts: nobody pays twice for one packet. */
static const struct label *rated_label(const struct compile *c, const struct workload *workload)
{
	for (size_t i = 0; i < c->plan->qos.per_label_count; i++) {
		for (size_t k = 0; k < workload->labels.count; k++) {
			if (!strcmp(workload->labels.item[k].key, c->plan->qos.per_label[i].name))
				return &workload->labels.item[k];
		}
	}
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The texts sorted, and for each number of `seen` its place among them. */
static bool rank(struct compile *c, const struct intern *seen, uint16_t **place)
{
	*place = heap_take(&c->scratch, (seen->count + 1) * sizeof(**place));
	c->tenants = heap_take(&c->scratch, seen->count * sizeof(*c->tenants));
	if (!*place || !c->tenants)
		return false;
	for (uint32_t i = 1; i <= seen->count; i++) {
		size_t length;
		const char *text = intern_bytes(seen, i, &length);

		c->tenants[i - 1] = heap_format(&c->scratch, "%.*s", (int)length, text);
		if (!c->tenants[i - 1])
			return false;
	}
	c->tenant_count = seen->count;
	qsort(c->tenants, c->tenant_count, sizeof(*c->tenants), by_text);
	for (size_t i = 0; i < c->tenant_count; i++)
		(*place)[intern_find(seen, c->tenants[i], strlen(c->tenants[i]))] = (uint16_t)(i + 1);
	return true;
}

static bool number_workloads(struct compile *c, struct intern *seen)
{
	const struct plan *plan = c->plan;
	uint32_t *number = heap_take(&c->scratch, plan->workload_count * sizeof(*number));
	uint16_t *place;

	c->tenant_of_workload = heap_take(&c->scratch, plan->workload_count * sizeof(uint16_t));
	if (!number || !c->tenant_of_workload)
		return false;
	for (size_t i = 0; i < plan->workload_count; i++) {
		const struct label *label = rated_label(c, &plan->workloads[i]);
		char text[SL_NAME_LEN];
		int length;

		if (!label)
			continue;
		length = snprintf(text, sizeof(text), "%s=%s", label->key, label->value);
		if (length < 0 || (size_t)length >= sizeof(text)) {
			report_error(
				c->r, &plan->workloads[i].place,
				"label %s has a rate, and \"%.16s...\" is too long to be told from others: "
				"expected at most %d bytes of KEY=VALUE",
				label->key, label->value, SL_NAME_LEN - 1);
			return false;
		}
		number[i] = intern(seen, text, (size_t)length);
		if (!number[i])
			return false;
	}
	if (seen->count > MOST_TENANTS) {
		report_error(c->r, &plan->qos.per_label[0].place,
			     "workloads have %zu values of labels with a rate, this build holds at most %d",
			     seen->count, MOST_TENANTS);
		return false;
	}
	if (!rank(c, seen, &place))
		return false;
	for (size_t i = 0; i < plan->workload_count; i++)
		c->tenant_of_workload[i] = place[number[i]];
	return true;
}

bool tenants_build(struct compile *c)
{
	struct intern seen = { 0 };
	bool done;

	if (!c->plan->qos.per_label_count)
		return true;
	done = number_workloads(c, &seen);
	intern_free(&seen);
	return done;
}
