/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prefixes that overlap. Networks of one VPC must lie apart over all clusters, and so must the clusters'
 * pod, service and reserved CIDRs, which belong to the VPC "default". Equal CIDRs in two VPCs are legal. A
 * network that is exactly a pod CIDR of its cluster is that cluster's pod network, and no overlap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

/* The later in this list, the sooner it is the one that has to move. */
enum owner { RESERVED, POD, SERVICE, NETWORK };

struct claim {
	size_t vpc;
	struct prefix cidr;
	enum owner owner;
	const char *name; /* of the network or cluster */
	const char *cluster;
	const struct place *place;
	size_t index; /* in its list */
	size_t order;
};

static const char *const LISTS[] = { ".reserved_cidrs", ".pod_cidrs", ".service_cidrs", ".cidrs" };
static const char *const NOUNS[] = { "a reserved CIDR of cluster", "a pod CIDR of cluster",
				     "a service CIDR of cluster", "a CIDR of network" };

static int by_prefix(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->vpc != y->vpc)
		return x->vpc < y->vpc ? -1 : 1;
	if (x->cidr.addr != y->cidr.addr)
		return x->cidr.addr < y->cidr.addr ? -1 : 1;
	if (x->cidr.len != y->cidr.len)
		return x->cidr.len < y->cidr.len ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static bool compatible(const struct claim *a, const struct claim *b)
{
	if (a->owner == RESERVED && b->owner == RESERVED)
		return true;
	if (a->owner > b->owner)
		return compatible(b, a);
	return a->owner == POD && b->owner == NETWORK && a->cidr.len == b->cidr.len &&
	       !strcmp(a->cluster, b->cluster);
}

static void overlap(struct check *c, const struct claim *outer, const struct claim *inner)
{
	const struct claim *blamed = outer->owner > inner->owner ? outer : inner;
	const struct claim *other = blamed == outer ? inner : outer;
	char mine[PREFIX_TEXT], its[PREFIX_TEXT], place[OTHER_TEXT], at[sizeof(place) + 64];
	const char *how = blamed == inner ? "lies in" : "contains";
	struct below b;

	snprintf(at, sizeof(at), "%s%s[%zu]", other_place(blamed->place, other->place, place),
		 LISTS[other->owner], other->index);
	below(&b, blamed->place, "%s[%zu]", LISTS[blamed->owner], blamed->index);
	prefix_text(blamed->cidr, mine);
	if (outer->cidr.len == inner->cidr.len)
		report_error(c->report, &b.place, "%s is also %s %s (%s), expected prefixes apart", mine,
			     NOUNS[other->owner], other->name, at);
	else
		report_error(c->report, &b.place, "%s %s %s, %s %s (%s), expected prefixes apart", mine, how,
			     prefix_text(other->cidr, its), NOUNS[other->owner], other->name, at);
}

/*
 * Prefixes nest or are apart, so the open ones at any point form a stack. A stack that is full has told
 * enough: a prefix that stands a hundred times is not reported ten thousand times.
 */
static void sweep(struct check *c, const struct claim *claims, size_t count)
{
	const struct claim *open[64];
	size_t depth = 0;

	for (size_t i = 0; i < count; i++) {
		while (depth && (open[depth - 1]->vpc != claims[i].vpc ||
				 !prefix_has(open[depth - 1]->cidr, claims[i].cidr.addr)))
			depth--;
		for (size_t j = 0; j < depth; j++)
			if (!compatible(open[j], &claims[i]))
				overlap(c, open[j], &claims[i]);
		if (depth < sizeof(open) / sizeof(open[0]))
			open[depth++] = &claims[i];
	}
}

/* Where no network can be: packets from there are dropped before any rule is asked. */
static void check_usable(struct check *c, const struct claim *claim)
{
	static const struct {
		struct prefix range;
		const char *what;
	} MARTIANS[] = {
		{ { 0x00000000, 8 }, "0.0.0.0/8, \"this network\"" },
		{ { 0x7f000000, 8 }, "127.0.0.0/8, loopback" },
		{ { 0xa9fe0000, 16 }, "169.254.0.0/16, link-local" },
		{ { 0xe0000000, 3 }, "224.0.0.0/3, multicast and class E" },
	};
	char text[PREFIX_TEXT];
	struct below b;

	for (size_t i = 0; i < sizeof(MARTIANS) / sizeof(MARTIANS[0]); i++) {
		struct prefix m = MARTIANS[i].range;

		if (!prefix_has(m, claim->cidr.addr) && !prefix_has(claim->cidr, m.addr))
			continue;
		report_error(c->report, below(&b, claim->place, "%s[%zu]", LISTS[claim->owner], claim->index),
			     "%s overlaps %s, expected unicast addresses", prefix_text(claim->cidr, text),
			     MARTIANS[i].what);
		return;
	}
}

struct claims {
	struct claim *item;
	size_t count;
};

static void add(struct claims *claims, struct claim claim, const struct prefixes *cidrs)
{
	for (size_t i = 0; i < cidrs->count; i++) {
		claim.cidr = cidrs->item[i];
		claim.index = i;
		claim.order = claims->count;
		claims->item[claims->count++] = claim;
	}
}

void check_overlap(struct check *c)
{
	const struct plan *plan = c->plan;
	struct claims claims = { 0 };
	size_t most = 0;

	for (size_t i = 0; i < plan->cluster_count; i++)
		most += plan->clusters[i].pod_cidrs.count + plan->clusters[i].service_cidrs.count +
			plan->clusters[i].reserved_cidrs.count;
	for (size_t i = 0; i < plan->network_count; i++)
		for (size_t j = 0; j < plan->networks[i].site_count; j++)
			most += plan->networks[i].sites[j].cidrs.count;
	claims.item = arena_alloc(c->scratch, most, sizeof(*claims.item));
	if (!claims.item)
		return;
	for (size_t i = 0; i < plan->cluster_count; i++) {
		const struct cluster *cluster = &plan->clusters[i];
		struct claim claim = { .vpc = vpc_index(c, "default"),
				       .name = cluster->name,
				       .cluster = cluster->name,
				       .place = &cluster->place };

		claim.owner = RESERVED;
		add(&claims, claim, &cluster->reserved_cidrs);
		claim.owner = POD;
		add(&claims, claim, &cluster->pod_cidrs);
		claim.owner = SERVICE;
		add(&claims, claim, &cluster->service_cidrs);
	}
	for (size_t i = 0; i < plan->network_count; i++) {
		const struct network *network = &plan->networks[i];

		for (size_t j = 0; j < network->site_count; j++) {
			const struct site *site = &network->sites[j];

			add(&claims,
			    (struct claim){ .vpc = vpc_index(c, network->vpc),
					    .owner = NETWORK,
					    .name = network->name,
					    .cluster = site->cluster,
					    .place = &site->place },
			    &site->cidrs);
		}
	}
	for (size_t i = 0; i < claims.count; i++)
		check_usable(c, &claims.item[i]);
	qsort(claims.item, claims.count, sizeof(*claims.item), by_prefix);
	sweep(c, claims.item, claims.count);
}
