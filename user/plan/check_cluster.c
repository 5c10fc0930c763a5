/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clusters and nodes: ids, names and addresses that stand twice, tunnels that do not meet, pools that two
 * would hand out, a host policy that locks everybody out.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "../../include/limits.h"
#include "check.h"

#define SSH 22

static void check_ids(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen ids = seen_new(c->scratch, plan->cluster_count);

	for (size_t i = 0; i < plan->cluster_count; i++) {
		const struct cluster *cluster = &plan->clusters[i];
		size_t first = seen_add(&ids, (struct seen_key){ .a = cluster->id }, i);
		struct below b;

		if (first != SIZE_MAX)
			report_error(c->report, below(&b, &cluster->place, ".id"),
				     "id %u is also that of cluster %s, expected an id of its own",
				     cluster->id, plan->clusters[first].name);
	}
}

/* One entry for each node, so that the sets below can name who was first. */
struct resident {
	const struct cluster *cluster;
	const struct node *node;
};

static void check_addresses(struct check *c, const struct resident *all, size_t i, struct seen *addresses)
{
	const struct node *node = all[i].node;
	char text[ADDRESS_TEXT];
	struct below b;

	for (size_t j = 0; j < node->addresses.count; j++) {
		uint32_t address = node->addresses.item[j].first;
		size_t first = seen_add(addresses, (struct seen_key){ .a = address }, i);

		if (first == i)
			report_error(c->report, below(&b, &node->place, ".addresses[%zu]", j),
				     "%s stands twice, expected it once", address_text(address, text));
		else if (first != SIZE_MAX)
			report_error(c->report, below(&b, &node->place, ".addresses[%zu]", j),
				     "%s is also an address of node %s, expected one of its own",
				     address_text(address, text), all[first].node->name);
	}
}

static void check_nodes(struct check *c)
{
	const struct plan *plan = c->plan;
	size_t nodes = 0, addresses = 0, n = 0;
	struct seen names, taken;
	struct resident *all;

	for (size_t i = 0; i < plan->cluster_count; i++)
		nodes += plan->clusters[i].node_count;
	all = arena_alloc(c->scratch, nodes, sizeof(*all));
	if (!all)
		return;
	for (size_t i = 0; i < plan->cluster_count; i++)
		for (size_t j = 0; j < plan->clusters[i].node_count; j++) {
			all[n++] = (struct resident){ &plan->clusters[i], &plan->clusters[i].nodes[j] };
			addresses += plan->clusters[i].nodes[j].addresses.count;
		}
	names = seen_new(c->scratch, nodes);
	taken = seen_new(c->scratch, addresses);
	for (size_t i = 0; i < n; i++) {
		size_t first = seen_add(&names, (struct seen_key){ .text = all[i].node->name }, i);

		if (first != SIZE_MAX)
			report_error(c->report, &all[i].node->place,
				     "node %s also stands in cluster %s, expected it in one cluster",
				     all[i].node->name, all[first].cluster->name);
		check_addresses(c, all, i, &taken);
	}
}

struct claim {
	struct range range;
	const struct cluster *cluster;
	const struct pool *pool;
	size_t index;
};

static int by_first(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->range.first != y->range.first)
		return x->range.first < y->range.first ? -1 : 1;
	if (x->pool != y->pool)
		return x->pool < y->pool ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void overlapping_pools(struct check *c, const struct claim *a, const struct claim *b)
{
	char first[ADDRESS_TEXT], last[ADDRESS_TEXT];
	uint32_t end = a->range.last < b->range.last ? a->range.last : b->range.last;
	struct below at;

	report_error(c->report, below(&at, &b->pool->place, "[%zu]", b->index),
		     "%s-%s is also in pool %s of cluster %s, expected pools apart",
		     address_text(b->range.first, first), address_text(end, last), a->pool->name,
		     a->cluster->name);
}

static void nodes_in_pool(struct check *c, const struct claim *claims, size_t count)
{
	char text[ADDRESS_TEXT];
	struct below b;

	for (size_t i = 0; i < c->plan->cluster_count; i++) {
		const struct cluster *cluster = &c->plan->clusters[i];

		for (size_t j = 0; j < cluster->node_count; j++) {
			const struct node *node = &cluster->nodes[j];

			for (size_t k = 0; k < node->addresses.count; k++)
				for (size_t p = 0; p < count; p++) {
					uint32_t address = node->addresses.item[k].first;

					if (address < claims[p].range.first || address > claims[p].range.last)
						continue;
					report_error(c->report, below(&b, &node->place, ".addresses[%zu]", k),
						     "%s lies in pool %s of cluster %s, expected it outside "
						     "the pools",
						     address_text(address, text), claims[p].pool->name,
						     claims[p].cluster->name);
				}
		}
	}
}

static void check_pools(struct check *c)
{
	size_t count = 0, n = 0, widest = 0;
	struct claim *claims;

	for (size_t i = 0; i < c->plan->cluster_count; i++)
		for (size_t j = 0; j < c->plan->clusters[i].pool_count; j++)
			count += c->plan->clusters[i].pools[j].ranges.count;
	claims = arena_alloc(c->scratch, count, sizeof(*claims));
	if (!claims)
		return;
	for (size_t i = 0; i < c->plan->cluster_count; i++)
		for (size_t j = 0; j < c->plan->clusters[i].pool_count; j++) {
			const struct pool *pool = &c->plan->clusters[i].pools[j];

			for (size_t k = 0; k < pool->ranges.count; k++)
				claims[n++] = (struct claim){ pool->ranges.item[k], &c->plan->clusters[i],
							      pool, k };
		}
	qsort(claims, n, sizeof(*claims), by_first);
	for (size_t i = 1; i < n; i++) {
		if (claims[i].range.first <= claims[widest].range.last)
			overlapping_pools(c, &claims[widest], &claims[i]);
		if (claims[i].range.last > claims[widest].range.last)
			widest = i;
	}
	nodes_in_pool(c, claims, n);
}

static void check_peer(struct check *c, const struct cluster *cluster, const struct peer *peer)
{
	const struct cluster *other = plan_cluster(c->plan, peer->cluster);

	if (!known(c, NOUN_CLUSTER, peer->cluster, &peer->place))
		return;
	if (other == cluster) {
		report_error(c->report, &peer->place, "the cluster is its own peer, expected other clusters");
		return;
	}
	for (size_t i = 0; other->tunnel.present && i < other->tunnel.peer_count; i++)
		if (!strcmp(other->tunnel.peers[i].cluster, cluster->name))
			return;
	report_warning(c->report, &peer->place, "cluster %s does not have %s as its peer, expected both ends",
		       peer->cluster, cluster->name);
}

static void check_tunnel(struct check *c, const struct cluster *cluster)
{
	const struct tunnel *tunnel = &cluster->tunnel;
	struct seen outer;
	char text[ADDRESS_TEXT];
	size_t addresses = 0, gateways = 0;
	struct below b;

	if (!tunnel->present)
		return;
	if (tunnel->port == SL_GENEVE_PORT ||
	    (tunnel->port >= SL_ETCD_FIRST && tunnel->port <= SL_ETCD_LAST) ||
	    (tunnel->port >= SL_OVN_IC_FIRST && tunnel->port <= SL_OVN_IC_LAST))
		report_error(
			c->report, below(&b, &tunnel->place, ".port"),
			"%u is a port that no uplink lets through between clusters (Geneve, etcd, OVN-IC), "
			"expected another such as 51820",
			tunnel->port);
	for (size_t i = 0; i < tunnel->peer_count; i++) {
		check_peer(c, cluster, &tunnel->peers[i]);
		addresses += tunnel->peers[i].addresses.count;
	}
	outer = seen_new(c->scratch, addresses);
	for (size_t i = 0; i < tunnel->peer_count; i++)
		for (size_t j = 0; j < tunnel->peers[i].addresses.count; j++) {
			uint32_t address = tunnel->peers[i].addresses.item[j].first;
			size_t first = seen_add(&outer, (struct seen_key){ .a = address }, i);

			if (first != SIZE_MAX)
				report_error(c->report, below(&b, &tunnel->peers[i].place, "[%zu]", j),
					     "%s is also an outer address of %s, expected each address once",
					     address_text(address, text), tunnel->peers[first].cluster);
		}
	for (size_t i = 0; i < cluster->node_count; i++) {
		gateways += cluster->nodes[i].gateway;
		for (size_t j = 0; j < cluster->nodes[i].uplink_count; j++)
			if (!strcmp(cluster->nodes[i].uplinks[j].name, tunnel->interface))
				report_error(c->report, &cluster->nodes[i].uplinks[j].place,
					     "%s is the tunnel's interface, expected the NIC below it",
					     tunnel->interface);
	}
	if (!gateways)
		report_warning(
			c->report, &tunnel->place,
			"no node of the cluster carries the tunnel, expected \"gateway\": true on one");
}

/* Deliveries must not be taken for the CNI's own Geneve, nor for the tunnel. */
static void check_delivery(struct check *c, const struct cluster *cluster)
{
	const struct delivery *delivery = &cluster->delivery;
	const struct place *place = delivery->place.path ? &delivery->place : &cluster->place;
	struct below b;

	below(&b, place, delivery->place.path ? ".port" : "");
	if (delivery->port == SL_GENEVE_PORT)
		report_error(c->report, &b.place,
			     "%u is the port of the CNI's own Geneve, expected another such as %u",
			     delivery->port, SL_TUNNEL_PORT);
	if (cluster->tunnel.present && cluster->tunnel.port == delivery->port)
		report_error(c->report, &b.place,
			     "port %u of deliveries is also the port of the tunnel, expected another",
			     delivery->port);
}

static bool to_host(const struct selectors *to)
{
	for (size_t i = 0; i < to->count; i++)
		if (to->item[i].kind == SELECT_HOST || to->item[i].kind == SELECT_ANY)
			return true;
	return false;
}

/* Without tcp/22 from anywhere at all an administrator who applies the plan has applied his last. */
static void check_way_in(struct check *c, const struct cluster *cluster)
{
	struct below b;

	if (!cluster->host_present)
		return;
	for (size_t i = 0; i < cluster->host_allow_count; i++)
		if (ports_include(&cluster->host_allow[i].ports, IPPROTO_TCP, SSH))
			return;
	for (size_t i = 0; i < c->plan->rule_count; i++) {
		const struct rule *rule = &c->plan->policy[i];

		if (!rule->deny && to_host(&rule->to) && ports_include(&rule->ports, IPPROTO_TCP, SSH))
			return;
	}
	report_warning(c->report, below(&b, &cluster->place, ".host.allow"),
		       "nobody may reach the nodes on tcp/22, expected a way in for administrators");
}

void check_clusters(struct check *c)
{
	check_ids(c);
	check_nodes(c);
	check_pools(c);
	for (size_t i = 0; i < c->plan->cluster_count; i++) {
		check_tunnel(c, &c->plan->clusters[i]);
		check_delivery(c, &c->plan->clusters[i]);
		check_way_in(c, &c->plan->clusters[i]);
	}
}
