/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Collects the marks, see marks.h. Ranges are cut into prefixes here. Groups and CIDRs hold addresses, not
 * places: they are marked in every VPC, and match in each of them apart.
 */
#include <stdlib.h>
#include <string.h>
#include "../plan/value.h"
#include "marks.h"
#include "order.h"

static bool mark(struct list *marks, uint32_t vpc, uint32_t addr, uint8_t len, enum mark_kind kind,
		 uint32_t index, uint16_t other)
{
	struct mark *m = list_add(marks, 1);

	if (!m)
		return false;
	m->vpc = vpc;
	m->addr = addr;
	m->len = len;
	m->kind = (uint8_t)kind;
	m->index = index;
	m->other = other;
	return true;
}

/* The addresses of a set without its networks, as prefixes. */
static bool set_prefixes(const struct set_fact *set, struct list *prefixes)
{
	struct prefix *p;

	if (set->group) {
		for (size_t i = 0; i < set->group->addresses.count; i++) {
			struct cut cut = cut_range(&set->group->addresses.item[i]);
			struct prefix piece;

			while (cut_next(&cut, &piece)) {
				p = list_add(prefixes, 1);
				if (!p)
					return false;
				*p = piece;
			}
		}
		return true;
	}
	p = list_add(prefixes, 1);
	if (!p)
		return false;
	*p = set->cidr;
	return true;
}

static bool mark_sets(struct compile *c, struct list *marks)
{
	struct list prefixes = { .size = sizeof(struct prefix) };
	bool done = false;

	for (size_t s = 0; s < c->cidr_sets; s++) {
		const struct prefix *p;

		prefixes.count = 0;
		if (!set_prefixes(&c->sets[s], &prefixes))
			goto out;
		p = prefixes.item;
		if (prefixes.count * c->vpc_count > SL_MAX_PREFIX) {
			report_error(c->r, c->sets[s].group ? &c->sets[s].group->place : NULL,
				     "the group needs %zu prefixes in each of %zu VPCs, this build holds at "
				     "most %u "
				     "in all: fewer or larger ranges",
				     prefixes.count, c->vpc_count, SL_MAX_PREFIX);
			goto out;
		}
		for (uint32_t vpc = 0; vpc < c->vpc_count; vpc++) {
			for (size_t i = 0; i < prefixes.count; i++) {
				if (!mark(marks, vpc, p[i].addr, p[i].len, MARK_SET, (uint32_t)s, 0))
					goto out;
			}
		}
	}
	done = true;
out:
	list_free(&prefixes);
	return done;
}

static uint32_t vip_of(const struct plan *plan, const struct service *service)
{
	const struct eip *eip = service->eip ? plan_eip(plan, service->eip) : NULL;

	return eip ? eip->address : service->address;
}

/* A service's backends stand in its VPC and in no other; so does its VIP, as far as rules are about it. */
static bool mark_services(struct compile *c, struct list *marks)
{
	for (size_t s = c->cidr_sets; s < c->set_count; s++) {
		const struct service *service = c->sets[s].service;
		uint32_t vpc = vpc_number(c, service->vpc);

		if (c->sets[s].vip) {
			if (vpc != UINT32_MAX &&
			    !mark(marks, vpc, vip_of(c->plan, service), 32, MARK_SET, (uint32_t)s, 0))
				return false;
			continue;
		}

		for (size_t i = 0; vpc != UINT32_MAX && i < service->backend_count; i++) {
			if (!mark(marks, vpc, service->backends[i].address, 32, MARK_SET, (uint32_t)s, 0))
				return false;
		}
	}
	return true;
}

/* Members `network:NAME` of a group hold the network's addresses, in its VPC only. */
static bool mark_member_networks(struct compile *c, struct list *marks)
{
	for (size_t s = 0; s < c->group_sets; s++) {
		const struct group *group = c->sets[s].group;

		for (size_t i = 0; i < group->networks.count; i++) {
			uint32_t number = intern_find_name(&c->network_names, group->networks.item[i]);
			const struct network *n;

			if (!number) {
				report_error(c->r, &group->place, "member \"network:%s\" is not in the plan",
					     group->networks.item[i]);
				return false;
			}
			n = &c->plan->networks[number - 1];
			for (size_t k = 0; k < n->site_count; k++) {
				const struct prefixes *cidrs = &n->sites[k].cidrs;

				for (size_t j = 0; j < cidrs->count; j++) {
					if (!mark(marks, c->network_vpc[number - 1], cidrs->item[j].addr,
						  cidrs->item[j].len, MARK_SET, (uint32_t)s, 0))
						return false;
				}
			}
		}
	}
	return true;
}

static bool mark_site(struct compile *c, struct list *marks, uint32_t network, const struct site *site)
{
	uint32_t cluster = intern_find_name(&c->cluster_names, site->cluster) - 1;
	uint32_t vpc = c->network_vpc[network];
	bool here = cluster == c->cluster_index;

	for (size_t i = 0; i < site->cidrs.count; i++) {
		const struct prefix *cidr = &site->cidrs.item[i];

		if (!mark(marks, vpc, cidr->addr, cidr->len, MARK_NETWORK, network, (uint16_t)cluster))
			return false;
		/* RFC 919; a /31 and a /32 have no broadcast address (RFC 3021). */
		if (here && site->vlan && cidr->len <= 30 &&
		    !mark(marks, vpc, cidr->addr | (UINT32_MAX >> cidr->len), 32, MARK_BROADCAST, network, 0))
			return false;
	}
	/* Outside, the gateway is somebody's router; inside, sluice plays it. */
	if (here && site->gateway && !c->plan->networks[network].external)
		return mark(marks, vpc, site->gateway, 32, MARK_GATEWAY, network, 0);
	return true;
}

static bool mark_foreign(struct compile *c, struct list *marks, uint32_t cluster,
			 const struct prefixes *prefixes)
{
	for (size_t i = 0; i < prefixes->count; i++) {
		if (!mark(marks, c->default_vpc, prefixes->item[i].addr, prefixes->item[i].len, MARK_FOREIGN,
			  0, (uint16_t)cluster))
			return false;
	}
	return true;
}

/* Where other clusters have pods or services but no network. */
static bool mark_clusters(struct compile *c, struct list *marks)
{
	for (uint32_t i = 0; i < c->plan->cluster_count; i++) {
		const struct cluster *cluster = &c->plan->clusters[i];

		if (i != c->cluster_index && (!mark_foreign(c, marks, i, &cluster->pod_cidrs) ||
					      !mark_foreign(c, marks, i, &cluster->service_cidrs)))
			return false;
	}
	return true;
}

static bool mark_nodes(struct compile *c, struct list *marks)
{
	for (size_t i = 0; i < c->node_count; i++) {
		const struct node_fact *fact = &c->nodes[i];
		enum mark_kind kind = fact->index ? MARK_NODE : MARK_HOST;

		for (size_t k = 0; k < fact->node->addresses.count; k++) {
			const struct range *range = &fact->node->addresses.item[k];

			if (range->last - range->first > UINT16_MAX) {
				report_error(
					c->r, &fact->node->place,
					"a node has at most 65536 addresses in a range, write its own ones");
				return false;
			}
			for (uint64_t addr = range->first; addr <= range->last; addr++) {
				if (!mark(marks, c->default_vpc, (uint32_t)addr, 32, kind, (uint32_t)i, 0))
					return false;
			}
		}
	}
	return true;
}

static uint64_t place_of(const void *item)
{
	const struct mark *m = item;

	return (uint64_t)m->vpc << 32 | m->addr;
}

/* At one address. */
static int by_mark(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return (x->other > y->other) - (x->other < y->other);
}

bool marks_collect(struct compile *c, struct list *marks)
{
	const struct plan *plan = c->plan;

	for (uint32_t vpc = 0; vpc < c->vpc_count; vpc++) {
		if (!mark(marks, vpc, 0, 0, MARK_ROOT, 0, 0))
			return false;
	}
	for (size_t i = 0; i < plan->network_count; i++) {
		for (size_t k = 0; k < plan->networks[i].site_count; k++) {
			if (!mark_site(c, marks, (uint32_t)i, &plan->networks[i].sites[k]))
				return false;
		}
	}
	if (!mark_clusters(c, marks) || !mark_sets(c, marks) || !mark_services(c, marks) ||
	    !mark_member_networks(c, marks) || !mark_nodes(c, marks))
		return false;
	for (size_t i = 0; i < plan->workload_count; i++) {
		if (!mark(marks, c->network_vpc[c->workload_network[i]], plan->workloads[i].address, 32,
			  MARK_WORKLOAD, (uint32_t)i, 0))
			return false;
	}
	return order_by(marks->item, marks->count, sizeof(struct mark), place_of, by_mark);
}
