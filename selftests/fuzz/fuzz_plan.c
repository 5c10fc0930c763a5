/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Any bytes as a plan, in each of its states: parse, check, ask what is not enforced. Nothing may crash, leak or hang, and what is
 * kept of a plan that parsed must read back as the same plan.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/plan/canonical.h"
#include "../../user/plan/document.h"
#include "../../user/plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every finding is one line that begins with the file's name. */
static void must_be_lines(const struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (strncmp(r->findings[i].text, "plan", 4) != 0 || strchr(r->findings[i].text, '\n'))
			abort();
}

/* NULL: it has none. */
static char *kept_text(const char *text, size_t size, struct arena *arena)
{
	struct report r = { 0 };
	struct document d;
	char *kept;

	document_read_text(&d, "plan", text, size, arena, &r);
	kept = d.root ? canonical_text(d.root, arena) : NULL;
	document_free(&d);
	report_free(&r);
	return kept;
}

static void read_back(const char *text, size_t size)
{
	struct arena *arena = arena_new();
	char *kept = kept_text(text, size, arena);
	char *again = kept ? kept_text(kept, strlen(kept), arena) : NULL;
	struct report r = { 0 };

	if (!again || strcmp(again, kept) != 0)
		abort();
	plan_free(plan_read_text("plan", kept, strlen(kept), &r));
	if (report_failed(&r))
		abort();
	report_free(&r);
	arena_free(arena);
}

/* The states that a plan says it has, it has: what is wrong with them is said as of any plan. */
static void in_states(const struct plan *plan, const uint8_t *data, size_t size)
{
	struct report r = { 0 };
	struct states *states = states_read_text("plan", (const char *)data, size, &r);

	for (size_t i = 0; i < plan->states.count; i++) {
		struct plan *other = states_plan(states, plan->states.item[i], &r);

		if (!other || !other->state)
			abort();
		if (!report_failed(&r))
			plan_check(other, &r);
		must_be_lines(&r);
		report_free(&r);
		plan_free(other);
	}
	states_free(states);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report r = { 0 };
	struct plan *plan = plan_read_text("plan", (const char *)data, size, &r);

	if (!plan && !report_failed(&r))
		abort();
	if (plan && !report_failed(&r)) {
		read_back((const char *)data, size);
		in_states(plan, data, size);
		plan_check(plan, &r);
		for (size_t i = 0; i < plan->cluster_count; i++)
			if (plan->clusters[i].node_count)
				plan_refuse_unenforced(plan, plan->clusters[i].nodes[0].name, &r);
		plan_refuse_unenforced(plan, "nobody", &r);
	}
	must_be_lines(&r);
	plan_free(plan);
	report_free(&r);
	return 0;
}
