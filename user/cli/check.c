/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice check: reads a plan and says everything that is wrong with it, for one node or for all of them,
 * without touching the kernel. It must never accept what `up` would refuse for the plan's own sake.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>
#include "../image/image.h"
#include "../image/intern.h"
#include "cli.h"
#include "show.h"

const char help_check[] =
	"Says what is wrong with a plan, without touching the node.\n"
	"\n"
	"usage: sluice check --plan FILE|DIR [--node NAME | --all-nodes] [--json]\n"
	"\n"
	"  --plan FILE|DIR  the plan, or a directory of *.json that merge into one\n"
	"  --node NAME      compile it for this node only\n"
	"  --all-nodes      compile it for every node of the plan (the default)\n"
	"  --json           print an object with all findings\n"
	"\n"
	"A plan is checked in every state it has; what is found in a state other than normal says "
	"so.\n"
	"Exit code 0 if there are no errors; warnings, and what this build does not "
	"enforce yet, do not count.\n";

struct check {
	const char *path;
	const char *node; /* NULL: all of them */
	bool json;
	const struct plan *plan; /* in the state that is looked at */
	struct report findings;
	struct report unenforced;
	struct intern seen; /* findings of earlier nodes and states: each is said once */
};

/* What one node or state found, unless another one has said it already. */
static void take(struct check *k, struct report *from, struct report *to)
{
	const char *state = k->plan && k->plan->state ? k->plan->state : STATE_NORMAL;
	bool normal = !strcmp(state, STATE_NORMAL);
	char prefix[STATE_LONGEST + 16] = "";

	if (!normal)
		snprintf(prefix, sizeof(prefix), "in state \"%s\": ", state);
	for (size_t i = 0; i < from->count; i++) {
		size_t before = k->seen.count;

		if (intern_name(&k->seen, from->findings[i].text) && k->seen.count == before)
			continue;
		if (from->findings[i].warning)
			report_warning(to, NULL, "%s%s", prefix, from->findings[i].text);
		else
			report_error(to, NULL, "%s%s", prefix, from->findings[i].text);
	}
	if (from->errors)
		to->errors += from->errors + from->warnings - from->count;
	to->lost |= from->lost;
	report_free(from);
}

static void check_node(struct check *k, const char *node)
{
	struct report found = { 0 }, unenforced = { 0 };

	image_free(image_compile(k->plan, node, NULL, &found));
	take(k, &found, &k->findings);
	if (!plan_node(k->plan, node, NULL))
		return;
	plan_refuse_unenforced(k->plan, node, &unenforced);
	take(k, &unenforced, &k->unenforced);
}

static void check_all_nodes(struct check *k)
{
	size_t count = 0, at = 0;
	bool progress = isatty(STDERR_FILENO) && !k->json;
	bool normal = !strcmp(k->plan->state, STATE_NORMAL);

	for (size_t i = 0; i < k->plan->cluster_count; i++)
		count += k->plan->clusters[i].node_count;
	for (size_t i = 0; i < k->plan->cluster_count; i++) {
		for (size_t n = 0; n < k->plan->clusters[i].node_count; n++) {
			if (progress && count > 8)
				fprintf(stderr, "\r\033[Knode %zu of %zu%s%s", ++at, count,
					normal ? "" : ", state ", normal ? "" : k->plan->state);
			check_node(k, k->plan->clusters[i].nodes[n].name);
		}
	}
	if (progress && count > 8)
		fprintf(stderr, "\r\033[K");
}

/* In one state; the plan is the caller's to free. */
static struct plan *check_state(struct check *k, struct states *states, const char *state)
{
	struct report found = { 0 };
	struct plan *plan = states_plan(states, state, &found);
	bool sound;

	if (plan && !report_failed(&found))
		plan_check(plan, &found);
	k->plan = plan;
	sound = plan && !report_failed(&found);
	take(k, &found, &k->findings);
	if (sound && k->node)
		check_node(k, k->node);
	else if (sound)
		check_all_nodes(k);
	return plan;
}

static json_t *texts(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->count; i++) {
		if (json_array_append_new(list, json_pack("{s:s, s:s}", "level",
							  r->findings[i].warning ? "warning" : "error",
							  "text", r->findings[i].text))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static int print_json(const struct check *k, bool failed)
{
	const struct plan *plan = k->plan;
	json_t *object, *unenforced = json_array(), *states = json_array();

	for (size_t i = 0; i < k->unenforced.count; i++)
		json_array_append_new(unenforced, json_string(k->unenforced.findings[i].text));
	for (size_t i = 0; plan && i < plan->states.count; i++)
		json_array_append_new(states, json_string(plan->states.item[i]));
	object = json_pack("{s:s, s:b, s:o, s:I, s:I, s:I, s:o, s:o}", "plan", k->path, "ok", !failed,
			   "states", states, "networks", (json_int_t)(plan ? plan->network_count : 0),
			   "workloads", (json_int_t)(plan ? plan->workload_count : 0), "rules",
			   (json_int_t)(plan ? plan->rule_count : 0), "findings", texts(&k->findings),
			   "unenforced", unenforced);
	return show_json(object) || failed ? EXIT_REFUSED : EXIT_DONE;
}

static int print_text(const struct check *k, bool failed)
{
	size_t warnings = k->findings.warnings + k->unenforced.count;

	report_print(&k->findings, stderr);
	for (size_t i = 0; i < k->unenforced.count; i++)
		fprintf(stderr, "warning: %s\n", k->unenforced.findings[i].text);
	if (failed)
		return EXIT_REFUSED;
	printf("%s: ok, %zu networks, %zu workloads, %zu rules", k->path, k->plan->network_count,
	       k->plan->workload_count, k->plan->rule_count);
	if (k->plan->states.count > 1)
		printf(", %zu states", k->plan->states.count);
	printf("; %zu warning%s\n", warnings, warnings == 1 ? "" : "s");
	return EXIT_DONE;
}

static int check_plan(struct check *k)
{
	struct states *states = states_read(k->path, &k->findings);
	struct plan *plan = states ? check_state(k, states, STATE_NORMAL) : NULL;
	bool failed;
	int code;

	for (size_t i = 0; plan && i < plan->states.count; i++)
		if (strcmp(plan->states.item[i], STATE_NORMAL) != 0)
			plan_free(check_state(k, states, plan->states.item[i]));
	k->plan = plan;
	failed = !plan || report_failed(&k->findings);
	code = k->json ? print_json(k, failed) : print_text(k, failed);
	report_free(&k->findings);
	report_free(&k->unenforced);
	intern_free(&k->seen);
	plan_free(plan);
	states_free(states);
	return code;
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "plan", required_argument, NULL, 'p' },
		{ "node", required_argument, NULL, 'n' },
		{ "all-nodes", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct check k = { 0 };
	bool all = false;
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			k.path = optarg;
			break;
		case 'n':
			k.node = optarg;
			break;
		case 'a':
			all = true;
			break;
		case 'j':
			k.json = true;
			break;
		default:
			return cli_usage("check", "%s: unknown option, or its value is missing",
					 argv[optind - 1]);
		}
	}
	if (optind < argc)
		return cli_usage("check", "unexpected \"%s\"", argv[optind]);
	if (!k.path)
		return cli_usage("check", "which plan? expected --plan FILE or --plan DIR");
	if (all && k.node)
		return cli_usage("check", "--node and --all-nodes exclude each other");
	return check_plan(&k);
}
