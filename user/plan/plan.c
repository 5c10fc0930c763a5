/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From files to a typed plan, and looking things up in it: see plan.h. Order matters here: the document is
 * merged first, then taken section by section, so that a record knows only the merged truth.
 */
#include <stdlib.h>
#include <string.h>
#include "canonical.h"
#include "document.h"
#include "section.h"

#define PLAN_VERSION 1

static void take_version(const struct at *at, const struct field *field, void *out)
{
	(void)field;
	(void)out;
	if (!json_is_integer(at->value))
		wrong(at, "found %s, expected the plan version %d", type_of(at), PLAN_VERSION);
	else if (json_integer_value(at->value) != PLAN_VERSION)
		wrong(at, "plan version %lld is not known to this build, expected %d",
		      (long long)json_integer_value(at->value), PLAN_VERSION);
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

static bool take_plan(struct plan *plan, const struct document *d, struct report *r)
{
	const struct reader reader = { plan->arena, r, &d->origins };
	const struct at root = { &reader, d->root, d->file, NULL, NULL, 0 };

	if (!d->root)
		return false;
	default_state(plan);
	TAKE_OBJECT(&root, SECTIONS, plan);
	if (!plan->fabric)
		plan->fabric = keep(&root, "default");
	if (!report_failed(r)) {
		default_vpc(plan, &root);
		plan->text = canonical_text(d->root, plan->arena);
		if (!plan->text)
			r->lost = true;
	}
	if (arena_failed(plan->arena))
		r->lost = true;
	return true;
}

static struct plan *plan_new(struct report *r)
{
	struct arena *arena = arena_new();
	struct plan *plan = arena ? arena_alloc(arena, 1, sizeof(*plan)) : NULL;

	if (!plan) {
		arena_free(arena);
		r->lost = true;
		return NULL;
	}
	plan->arena = arena;
	return plan;
}

static struct plan *plan_from(struct plan *plan, struct document *d, struct report *r)
{
	bool taken = take_plan(plan, d, r);

	document_free(d);
	if (taken)
		return plan;
	plan_free(plan);
	return NULL;
}

struct plan *plan_read(const char *path, struct report *r)
{
	struct plan *plan = plan_new(r);
	struct document d;

	if (!plan)
		return NULL;
	document_read(&d, path, plan->arena, r);
	return plan_from(plan, &d, r);
}

struct plan *plan_read_text(const char *name, const char *text, size_t length, struct report *r)
{
	struct plan *plan = plan_new(r);
	struct document d;

	if (!plan)
		return NULL;
	document_read_text(&d, name, text, length, plan->arena, r);
	return plan_from(plan, &d, r);
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
