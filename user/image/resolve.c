/* SPDX-License-Identifier: GPL-2.0 */
/*
 * resolve: names become numbers, and VPCs get ids. It takes a checked plan but believes nothing: a name
 * that leads nowhere is an error, never a row with a zero in it.
 */
#include <stdlib.h>
#include <string.h>
#include "../plan/value.h"
#include "compile.h"

uint32_t name_hash(const char *name)
{
	uint32_t hash = 0x811c9dc5U;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x01000193U;
	return hash;
}

static int vpc_by_id(const void *a, const void *b)
{
	const struct vpc_fact *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int vpc_by_name(const void *a, const void *b)
{
	const struct vpc_fact *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/*
 * An id that the plan gives is kept. The others follow from the name, so that adding a VPC does not
 * renumber its neighbours and with them the keys of every live flow.
 */
static bool choose_vpc_ids(struct compile *c)
{
	uint8_t *taken = calloc(SL_MAX_VPC + 1, 1);

	if (!taken)
		return false;
	taken[0] = 1;
	for (size_t i = 0; i < c->vpc_count; i++)
		taken[c->vpcs[i].id] = 1;
	qsort(c->vpcs, c->vpc_count, sizeof(*c->vpcs), vpc_by_name);
	for (size_t i = 0; i < c->vpc_count; i++) {
		uint32_t id;

		if (c->vpcs[i].id)
			continue;
		id = 1 + name_hash(c->vpcs[i].name) % SL_MAX_VPC;
		while (taken[id])
			id = id == SL_MAX_VPC ? 1 : id + 1;
		taken[id] = 1;
		c->vpcs[i].id = (uint16_t)id;
	}
	free(taken);
	return true;
}

static bool resolve_vpcs(struct compile *c)
{
	const struct plan *plan = c->plan;
	bool has_default = false;

	if (plan->vpc_count >= SL_MAX_VPC) {
		report_error(c->r, NULL, "$.vpcs: %zu VPCs, this build holds at most %d", plan->vpc_count,
			     SL_MAX_VPC - 1);
		return false;
	}
	c->vpcs = heap_take(&c->scratch, (plan->vpc_count + 1) * sizeof(*c->vpcs));
	c->vpc_of_name = heap_take(&c->scratch, (plan->vpc_count + 1) * sizeof(*c->vpc_of_name));
	if (!c->vpcs || !c->vpc_of_name)
		return false;
	for (size_t i = 0; i < plan->vpc_count; i++) {
		if (plan->vpcs[i].id > SL_MAX_VPC) {
			report_error(c->r, &plan->vpcs[i].place, "id %u is too large, expected 1-%d",
				     plan->vpcs[i].id, SL_MAX_VPC);
			return false;
		}
		c->vpcs[i].name = plan->vpcs[i].name;
		c->vpcs[i].id = (uint16_t)plan->vpcs[i].id;
		has_default |= !strcmp(plan->vpcs[i].name, "default");
	}
	c->vpc_count = plan->vpc_count;
	/* Node addresses stand in the VPC "default", whether the plan writes it or not. */
	if (!has_default)
		c->vpcs[c->vpc_count++].name = "default";
	if (!choose_vpc_ids(c))
		return false;
	qsort(c->vpcs, c->vpc_count, sizeof(*c->vpcs), vpc_by_id);
	for (size_t i = 0; i < c->vpc_count; i++) {
		uint32_t number = intern_name(&c->vpc_names, c->vpcs[i].name);

		if (!number)
			return false;
		c->vpc_of_name[number - 1] = (uint32_t)i;
	}
	c->default_vpc = vpc_number(c, "default");
	return true;
}

uint32_t vpc_number(const struct compile *c, const char *name)
{
	uint32_t number = intern_find_name(&c->vpc_names, name);

	return number ? c->vpc_of_name[number - 1] : UINT32_MAX;
}

static bool resolve_networks(struct compile *c)
{
	const struct plan *plan = c->plan;

	c->network_vpc = heap_take(&c->scratch, plan->network_count * sizeof(*c->network_vpc));
	if (!c->network_vpc)
		return false;
	for (size_t i = 0; i < plan->network_count; i++) {
		const struct network *n = &plan->networks[i];

		if (!intern_name(&c->network_names, n->name))
			return false;
		c->network_vpc[i] = vpc_number(c, n->vpc ? n->vpc : "default");
		if (c->network_vpc[i] == UINT32_MAX) {
			report_error(c->r, &n->place, "VPC \"%s\" is not in the plan", n->vpc);
			return false;
		}
		if (!n->id || n->id > SL_MAX_NETWORK_ID) {
			report_error(c->r, &n->place, "network id %u, expected 1-%d", n->id,
				     SL_MAX_NETWORK_ID);
			return false;
		}
		for (size_t k = 0; k < n->site_count; k++) {
			if (intern_find_name(&c->cluster_names, n->sites[k].cluster))
				continue;
			report_error(c->r, &n->sites[k].place, "cluster \"%s\" is not in the plan",
				     n->sites[k].cluster);
			return false;
		}
	}
	return true;
}

/* Nodes of all clusters but this one get an index, in the order of the plan: (cluster, name). */
static bool resolve_nodes(struct compile *c)
{
	const struct plan *plan = c->plan;
	size_t count = 0;
	uint32_t index = 0;

	for (size_t i = 0; i < plan->cluster_count; i++)
		count += plan->clusters[i].node_count;
	c->nodes = heap_take(&c->scratch, count * sizeof(*c->nodes));
	if (!c->nodes)
		return false;
	for (size_t i = 0; i < plan->cluster_count; i++) {
		for (size_t k = 0; k < plan->clusters[i].node_count; k++) {
			struct node_fact *fact = &c->nodes[c->node_count++];

			fact->node = &plan->clusters[i].nodes[k];
			fact->cluster = (uint32_t)i;
			if (fact->node != c->node)
				fact->index = ++index;
			if (intern_name(&c->node_names, fact->node->name) != c->node_count) {
				report_error(c->r, &fact->node->place,
					     "node \"%s\" stands in two clusters, expected one",
					     fact->node->name);
				return false;
			}
		}
	}
	if (index > SL_MAX_NODES) {
		report_error(c->r, NULL, "$.clusters: %zu nodes, this build holds at most %d", count,
			     SL_MAX_NODES + 1);
		return false;
	}
	return true;
}

static bool resolve_workloads(struct compile *c)
{
	const struct plan *plan = c->plan;

	c->workload_network = heap_take(&c->scratch, plan->workload_count * sizeof(uint32_t));
	c->workload_node = heap_take(&c->scratch, plan->workload_count * sizeof(uint32_t));
	if (!c->workload_network || !c->workload_node)
		return false;
	for (size_t i = 0; i < plan->workload_count; i++) {
		const struct workload *w = &plan->workloads[i];
		uint32_t network = intern_find_name(&c->network_names, w->network);

		if (!network) {
			report_error(c->r, &w->place, "network \"%s\" is not in the plan",
				     w->network ? w->network : "");
			return false;
		}
		c->workload_network[i] = network - 1;
		c->workload_node[i] = intern_find_name(&c->node_names, w->node);
	}
	return true;
}

bool resolve(struct compile *c)
{
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->cluster_count; i++) {
		if (!intern_name(&c->cluster_names, plan->clusters[i].name))
			return false;
		if (&plan->clusters[i] == c->cluster)
			c->cluster_index = (uint32_t)i;
	}
	for (size_t i = 0; i < plan->group_count; i++) {
		if (!intern_name(&c->group_names, plan->groups[i].name))
			return false;
	}
	for (size_t i = 0; c->links && i < c->links->count; i++) {
		if (!intern_name(&c->link_names, c->links->item[i].name))
			return false;
	}
	return resolve_vpcs(c) && resolve_networks(c) && resolve_nodes(c) && resolve_workloads(c);
}

const struct link_fact *link_named(const struct compile *c, const char *name)
{
	uint32_t number = intern_find_name(&c->link_names, name);

	return number ? &c->links->item[number - 1] : NULL;
}

const struct site *site_here(const struct compile *c, uint32_t network)
{
	return network_site(&c->plan->networks[network], c->cluster->name);
}

bool site_holds(const struct site *site, uint32_t addr)
{
	for (size_t i = 0; i < site->cidrs.count; i++) {
		if (prefix_has(site->cidrs.item[i], addr))
			return true;
	}
	return false;
}

const struct uplink *site_uplink(const struct compile *c, const struct site *site)
{
	for (size_t i = 0; i < c->node->uplink_count; i++) {
		if (!site->uplink || !strcmp(site->uplink, c->node->uplinks[i].name))
			return &c->node->uplinks[i];
	}
	return NULL;
}
