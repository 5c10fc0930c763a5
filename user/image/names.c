/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names: what people call the numbers of the tables, so that whoever reads the tables needs no plan.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"
#include "order.h"

static bool add(struct list *names, uint16_t kind, uint32_t id, const char *text)
{
	struct image_name *name = list_add(names, 1);

	if (!name)
		return false;
	name->key.kind = kind;
	name->key.id = id;
	/* The checker refuses longer names; a made-up one such as "intra NETWORK" may be cut. */
	snprintf(name->name.name, sizeof(name->name.name), "%.*s", SL_NAME_LEN - 1, text);
	return true;
}

/* Greater where its bytes are. */
static uint64_t key_of(const void *item)
{
	const struct image_name *name = item;
	uint64_t key;

	_Static_assert(sizeof(key) == sizeof(name->key), "a key is a number");
	memcpy(&key, &name->key, sizeof(key));
	return be64toh(key);
}

/* EIPs by their address, the node's own too; rules of SNAT, then that of nat_outgoing. */
static bool gather_outside(struct compile *c, struct list *names)
{
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->eip_count; i++) {
		if (c->eip_here[i] &&
		    !add(names, SL_NAME_EIP, htonl(plan->eips[i].address), plan->eips[i].name))
			return false;
	}
	for (size_t i = 0; i < plan->snat_count; i++) {
		if (c->snat_here[i] && !add(names, SL_NAME_SNAT, (uint32_t)i + 1, plan->snat[i].name))
			return false;
	}
	if (!c->host_nat)
		return true;
	return add(names, SL_NAME_EIP, htonl(c->node->addresses.item[0].first), c->node->name) &&
	       add(names, SL_NAME_SNAT, (uint32_t)plan->snat_count + 1, "nat_outgoing");
}

/* Clusters, QoS classes, and label values that have a rate. */
static bool gather_wan(struct compile *c, struct list *names)
{
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->cluster_count; i++) {
		if (!add(names, SL_NAME_CLUSTER, plan->clusters[i].id, plan->clusters[i].name))
			return false;
	}
	for (size_t i = 0; i < plan->qos.class_count; i++) {
		const char *name = plan->qos.classes[i].name;

		if (!add(names, SL_NAME_CLASS, name_hash(name), name))
			return false;
	}
	for (size_t i = 0; i < c->tenant_count; i++) {
		if (!add(names, SL_NAME_LABEL, name_hash(c->tenants[i]), c->tenants[i]))
			return false;
	}
	return true;
}

static bool gather(struct compile *c, struct list *names)
{
	const struct plan *plan = c->plan;

	if (!add(names, SL_NAME_NETWORK, SL_NET_WORLD, "world") ||
	    !add(names, SL_NAME_NETWORK, SL_NET_HOST, "host") ||
	    !add(names, SL_NAME_NODE, 0, c->node->name) || !add(names, SL_NAME_STATE, 0, plan->state))
		return false;
	for (size_t i = 0; i < plan->network_count; i++) {
		if (!add(names, SL_NAME_NETWORK, plan->networks[i].id, plan->networks[i].name))
			return false;
	}
	for (size_t i = 0; i < c->clause_count; i++) {
		/* All lines of the host policy share a number; routes and QoS rules stand in no row. */
		if (c->clauses[i].kind == CLAUSE_QOS || c->clauses[i].kind == CLAUSE_ROUTE)
			break;
		if (i && c->clauses[i].number == c->clauses[i - 1].number)
			continue;
		if (!add(names, SL_NAME_RULE, c->clauses[i].number, c->clauses[i].name))
			return false;
	}
	for (size_t i = 0; i < plan->service_count; i++) {
		char rule[SL_NAME_LEN + 16];

		snprintf(rule, sizeof(rule), "service %s", plan->services[i].name);
		if (c->service_here[i] && !add(names, SL_NAME_RULE, c->last_rule + 1 + (uint32_t)i, rule))
			return false;
	}
	if (!gather_outside(c, names) || !gather_wan(c, names))
		return false;
	for (size_t i = 0; i < c->vpc_count; i++) {
		if (!add(names, SL_NAME_VPC, c->vpcs[i].id, c->vpcs[i].name))
			return false;
	}
	for (size_t i = 0; i < c->node->uplink_count; i++) {
		const struct link_fact *link = link_named(c, c->node->uplinks[i].name);

		if (link && !add(names, SL_NAME_UPLINK, link->ifindex, link->name))
			return false;
	}
	return true;
}

bool names_build(struct compile *c)
{
	struct list names = { .size = sizeof(struct image_name) };
	struct image *image = c->image;
	bool done = false;

	if (!gather(c, &names))
		goto out;
	if (names.count > SL_NAMES / 2) { /* rules have two generations of them */
		report_error(c->r, NULL, "the plan needs %zu names, this build holds at most %d", names.count,
			     SL_NAMES / 2);
		goto out;
	}
	image->names = heap_take(c->heap, names.count * sizeof(struct image_name));
	if (!image->names || !order_by(names.item, names.count, sizeof(struct image_name), key_of, NULL))
		goto out;
	memcpy(image->names, names.item, names.count * sizeof(struct image_name));
	image->name_count = names.count;
	done = true;
out:
	list_free(&names);
	return done;
}
