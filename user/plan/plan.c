/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From files to a typed plan, and looking things up in it: see plan.h. Order matters here: the document is
 * merged first, then taken section by section, so that a record knows only the merged truth.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "canonical.h"
#include "document.h"
#include "section.h"
#include "value.h"

#define PLAN_VERSION 1

static void take_version(const struct at *at, const struct field *field, void *out)
{
	(void)field;
	(void)out;
	if (!tree_is(at->value, TREE_INTEGER))
		wrong(at, "found %s, expected the plan version %d", type_of(at), PLAN_VERSION);
	else if (at->value->integer != PLAN_VERSION)
		wrong(at, "plan version %lld is not known to this build, expected %d",
		      (long long)at->value->integer, PLAN_VERSION);
}

static const struct field SECTIONS[] = {
	FIELD("sluice", take_version, 0, .needed = true),
	FIELD("fabric", take_name, offsetof(struct plan, fabric)),
	FIELD("clusters", take_clusters, 0, .needed = true),
	FIELD("vpcs", take_vpcs, 0),
	FIELD("networks", take_networks, 0),
	FIELD("groups", take_groups, 0),
	FIELD("workloads", take_workloads, 0),
	FIELD("policy", take_policy, 0),
	FIELD("assert", take_asserts, 0),
	FIELD("eips", take_eips, 0),
	FIELD("snat", take_snat, 0),
	FIELD("fips", take_fips, 0),
	FIELD("services", take_services, 0),
	FIELD("routes", take_routes, 0),
	FIELD("qos", take_qos, 0),
	FIELD("slo", take_slos, 0),
	FIELD("timeouts", take_timeouts, 0),
	FIELD("limits", take_limits, 0),
	FIELD("states", take_states, 0),
};

/* The VPC "default" exists in every plan: networks without a VPC and the nodes themselves are in it. */
static void default_vpc(struct plan *plan, const struct at *root)
{
	struct vpc *more;
	size_t at = 0;

	if (plan_vpc(plan, "default"))
		return;
	more = arena_alloc(plan->arena, plan->vpc_count + 1, sizeof(*more));
	if (!more)
		return;
	while (at < plan->vpc_count && strcmp(plan->vpcs[at].name, "default") < 0)
		at++;
	if (at)
		memcpy(more, plan->vpcs, at * sizeof(*more));
	if (at < plan->vpc_count)
		memcpy(more + at + 1, plan->vpcs + at, (plan->vpc_count - at) * sizeof(*more));
	more[at].name = keep(root, "default");
	more[at].place = place_of(root);
	plan->vpcs = more;
	plan->vpc_count++;
}

static bool has_state(const struct document *d, const char *name)
{
	return !strcmp(name, STATE_NORMAL) || tree_get(tree_get(d->root, "states"), name);
}

static void report_no_state(const struct plan *plan, const struct document *d, const char *state,
			    struct report *r)
{
	const char *const *names = (const char *const *)plan->states.item;
	const char *nearest = value_nearest(state, names, plan->states.count);
	char known[400] = "";
	size_t used = 0;

	for (size_t i = 0; i < plan->states.count && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", names[i]);
	report_error(r, &(struct place){ .file = d->file, .path = "$.states" },
		     "there is no state \"" QUOTE "\", expected %s%s%s%s", state, nearest ? "\"" : "one of ",
		     nearest ? nearest : known, nearest ? "\"? There are " : "", nearest ? known : "");
}

/* The document's text is written beside everything else: nobody changes the document meanwhile. */
struct writing {
	const struct tree *root;
	const struct copy *copy; /* NULL: nobody wants it */
	pthread_t thread;
	bool started;
	bool done;
};

static void *write_text(void *argument)
{
	struct writing *w = argument;

	w->done = canonical_write(w->root, w->copy);
	return NULL;
}

static void writing_begin(struct writing *w, const struct document *d, const struct copy *copy)
{
	*w = (struct writing){ .root = d->root, .copy = copy, .done = !copy };
	if (!copy)
		return;
	w->started = !pthread_create(&w->thread, NULL, write_text, w);
	if (!w->started)
		write_text(w);
}

/* False: no memory. */
static bool writing_end(struct writing *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	return w->done;
}

/* The document in `state`, or in `otherwise` where it has no such state and that is not NULL. */
static bool take_plan(struct plan *plan, struct document *d, const char *state, const char *otherwise,
		      const struct copy *copy, struct arena *names, struct report *r)
{
	struct kept kept = { 0 };
	const struct reader reader = { plan->arena, r, &d->origins, &kept };
	struct at root = { &reader, d->root, d->file, NULL, NULL, 0, NULL };
	struct writing writing;
	bool there;

	if (!d->root)
		return false;
	if (otherwise && !has_state(d, state))
		state = otherwise;
	there = has_state(d, state);
	root.value = there ? document_in_state(d, state, names, r) : d->root;
	if (!root.value)
		return false;
	writing_begin(&writing, d, copy);
	default_state(plan);
	TAKE_OBJECT(&root, SECTIONS, plan);
	default_states(plan, &root);
	if (there)
		plan->state = keep(&root, state);
	else
		report_no_state(plan, d, state, r);
	if (!plan->fabric)
		plan->fabric = keep(&root, "default");
	if (!writing_end(&writing))
		r->lost = true;
	if (!report_failed(r))
		default_vpc(plan, &root);
	if (arena_failed(plan->arena) || arena_failed(names))
		r->lost = true;
	return true;
}

/* Takes the arena over; what the origins hold is in `names`, which may be the same one. NULL: not a plan at all. */
static struct plan *plan_from(struct arena *arena, struct document *d, const char *state,
			      const char *otherwise, const struct copy *copy, struct arena *names,
			      struct report *r)
{
	struct plan *plan = arena ? arena_alloc(arena, 1, sizeof(*plan)) : NULL;

	if (plan) {
		plan->arena = arena;
		if (take_plan(plan, d, state, otherwise, copy, names, r))
			return plan;
	} else {
		r->lost = true;
	}
	arena_free(arena);
	return NULL;
}

struct plan *plan_read_in(const char *path, const char *state, const char *otherwise, const struct copy *copy,
			  struct report *r)
{
	struct arena *arena = arena_new();
	struct document d = { 0 };
	struct plan *plan;

	if (arena)
		document_read(&d, path, arena, r);
	plan = plan_from(arena, &d, state, otherwise, copy, arena, r);
	document_free(&d);
	return plan;
}

struct plan *plan_read(const char *path, struct report *r)
{
	return plan_read_in(path, STATE_NORMAL, NULL, NULL, r);
}

struct plan *plan_read_text(const char *name, const char *text, size_t length, struct report *r)
{
	struct arena *arena = arena_new();
	struct document d = { 0 };
	struct plan *plan;

	if (arena)
		document_read_text(&d, name, text, length, arena, r);
	plan = plan_from(arena, &d, STATE_NORMAL, NULL, NULL, arena, r);
	document_free(&d);
	return plan;
}

struct states {
	struct document document;
	struct arena *names; /* of its files, and paths in them */
};

static struct states *states_new(struct report *r)
{
	struct arena *names = arena_new();
	struct states *states = names ? arena_alloc(names, 1, sizeof(*states)) : NULL;

	if (!states) {
		arena_free(names);
		r->lost = true;
		return NULL;
	}
	states->names = names;
	return states;
}

struct states *states_read(const char *path, struct report *r)
{
	struct states *states = states_new(r);

	if (states)
		document_read(&states->document, path, states->names, r);
	return states;
}

struct states *states_read_text(const char *name, const char *text, size_t length, struct report *r)
{
	struct states *states = states_new(r);

	if (states)
		document_read_text(&states->document, name, text, length, states->names, r);
	return states;
}

struct plan *states_plan(struct states *states, const char *state, struct report *r)
{
	return plan_from(arena_new(), &states->document, state, NULL, NULL, states->names, r);
}

void states_free(struct states *states)
{
	if (!states)
		return;
	document_free(&states->document);
	arena_free(states->names);
}

void plan_free(struct plan *plan)
{
	if (plan)
		arena_free(plan->arena);
}

/* Every named record begins with its name. */
static int by_name(const void *name, const void *record)
{
	return strcmp(name, *(char *const *)record);
}

static const void *named(const void *records, size_t count, size_t size, const char *name)
{
	return count ? bsearch(name, records, count, size, by_name) : NULL;
}

const struct cluster *plan_cluster(const struct plan *plan, const char *name)
{
	return named(plan->clusters, plan->cluster_count, sizeof(*plan->clusters), name);
}

const struct vpc *plan_vpc(const struct plan *plan, const char *name)
{
	return named(plan->vpcs, plan->vpc_count, sizeof(*plan->vpcs), name);
}

const struct network *plan_network(const struct plan *plan, const char *name)
{
	return named(plan->networks, plan->network_count, sizeof(*plan->networks), name);
}

const struct group *plan_group(const struct plan *plan, const char *name)
{
	return named(plan->groups, plan->group_count, sizeof(*plan->groups), name);
}

const struct service *plan_service(const struct plan *plan, const char *name)
{
	return named(plan->services, plan->service_count, sizeof(*plan->services), name);
}

const struct eip *plan_eip(const struct plan *plan, const char *name)
{
	return named(plan->eips, plan->eip_count, sizeof(*plan->eips), name);
}

const struct site *network_site(const struct network *network, const char *cluster)
{
	return named(network->sites, network->site_count, sizeof(*network->sites), cluster);
}

const struct node *plan_node(const struct plan *plan, const char *name, const struct cluster **cluster)
{
	for (size_t i = 0; i < plan->cluster_count; i++) {
		const struct cluster *c = &plan->clusters[i];
		const struct node *node = named(c->nodes, c->node_count, sizeof(*c->nodes), name);

		if (node) {
			if (cluster)
				*cluster = c;
			return node;
		}
	}
	return NULL;
}
