/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between clusters: routes that lead nowhere, rates no link has, classes beyond what the mark can carry,
 * latencies promised below what is expected.
 */
#include <string.h>
#include "check.h"

/* Three bits of the mark; 0 is "no class". */
#define MOST_CLASSES 7

/* The cluster a route's end is in, or NULL after saying so. */
static const struct cluster *end_of(struct check *c, const struct selector *s)
{
	const struct network *network;
	const char *name = s->cluster;

	if (s->kind == SELECT_CLUSTER) {
		name = s->name;
	} else if (s->kind == SELECT_NETWORK && !name) {
		network = plan_network(c->plan, s->name);
		if (!network)
			return NULL;
		if (network->site_count != 1) {
			report_error(c->report, &s->place,
				     "network %s is in %zu clusters, expected network:%s@CLUSTER", s->name,
				     network->site_count, s->name);
			return NULL;
		}
		name = network->sites[0].cluster;
	} else if (s->kind != SELECT_NETWORK) {
		report_error(c->report, &s->place,
			     "the end of a route, expected network:NAME@CLUSTER or cluster:NAME");
		return NULL;
	}
	return plan_cluster(c->plan, name);
}

static bool has_peer(const struct cluster *cluster, const char *peer)
{
	for (size_t i = 0; cluster->tunnel.present && i < cluster->tunnel.peer_count; i++)
		if (!strcmp(cluster->tunnel.peers[i].cluster, peer))
			return true;
	return false;
}

static const char *vpc_of(const struct check *c, const struct selector *s)
{
	const struct network *network = s->kind == SELECT_NETWORK ? plan_network(c->plan, s->name) : NULL;

	return network ? network->vpc : NULL;
}

static void check_route(struct check *c, const struct route *route)
{
	const struct cluster *from = end_of(c, &route->from), *to = end_of(c, &route->to);
	const char *from_vpc = vpc_of(c, &route->from), *to_vpc = vpc_of(c, &route->to);

	if (from_vpc && to_vpc && strcmp(from_vpc, to_vpc) != 0)
		report_error(c->report, &route->place, "it leads from VPC %s to VPC %s, expected one VPC",
			     from_vpc, to_vpc);
	if (!from || !to)
		return;
	if (from == to)
		report_error(c->report, &route->place,
			     "both ends are in cluster %s, expected a rule under $.policy instead",
			     from->name);
	else if (!has_peer(from, to->name) || !has_peer(to, from->name))
		report_error(c->report, &route->place,
			     "no tunnel joins %s and %s, expected each among the other's tunnel peers",
			     from->name, to->name);
}

/* The fastest uplink that says its speed, and whether there is one. */
static const struct uplink *fastest(const struct plan *plan, const char **node)
{
	const struct uplink *best = NULL;

	for (size_t i = 0; i < plan->cluster_count; i++)
		for (size_t j = 0; j < plan->clusters[i].node_count; j++)
			for (size_t k = 0; k < plan->clusters[i].nodes[j].uplink_count; k++) {
				const struct uplink *u = &plan->clusters[i].nodes[j].uplinks[k];

				if (!u->mbit)
					return NULL; /* it may be faster than the rest */
				if (best && best->mbit >= u->mbit)
					continue;
				best = u;
				*node = plan->clusters[i].nodes[j].name;
			}
	return best;
}

static void check_rate(struct check *c, const struct uplink *uplink, const char *node, uint32_t rate_mbit,
		       const struct place *place)
{
	struct below b;

	if (uplink && rate_mbit > uplink->mbit)
		report_error(
			c->report, below(&b, place, ".rate_mbit"),
			"%u Mbit/s is above the fastest uplink (%s of node %s, %u), expected at most that",
			rate_mbit, uplink->name, node, uplink->mbit);
}

static void check_qos(struct check *c)
{
	const struct qos *qos = &c->plan->qos;
	const char *node = NULL;
	const struct uplink *uplink = fastest(c->plan, &node);
	struct below b;

	if (qos->class_count > MOST_CLASSES)
		report_error(c->report, &qos->classes[MOST_CLASSES].place,
			     "there are %zu QoS classes, expected at most %d", qos->class_count,
			     MOST_CLASSES);
	for (size_t i = 0; i < qos->class_count; i++) {
		const struct qos_class *class = &qos->classes[i];

		check_rate(c, uplink, node, class->rate_mbit, &class->place);
		if (class->burst_bytes && !class->rate_mbit)
			report_error(c->report, below(&b, &class->place, ".burst_bytes"),
				     "a burst without a rate, expected \"rate_mbit\" too");
	}
	for (size_t i = 0; i < qos->rule_count; i++)
		known(c, NOUN_CLASS, qos->rules[i].class, below(&b, &qos->rules[i].place, ".class"));
	for (size_t i = 0; i < qos->per_cluster_count; i++) {
		known(c, NOUN_CLUSTER, qos->per_cluster[i].name, &qos->per_cluster[i].place);
		check_rate(c, uplink, node, qos->per_cluster[i].rate_mbit, &qos->per_cluster[i].place);
	}
	for (size_t i = 0; i < qos->per_label_count; i++)
		check_rate(c, uplink, node, qos->per_label[i].rate_mbit, &qos->per_label[i].place);
}

void check_wan(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen names = seen_new(c->scratch, plan->route_count);
	struct below b;

	for (size_t i = 0; i < plan->route_count; i++) {
		if (seen_add(&names, (struct seen_key){ .text = plan->routes[i].name }, i) != SIZE_MAX)
			report_error(c->report, below(&b, &plan->routes[i].place, ".name"),
				     "another route is named \"%s\", expected a name of its own",
				     plan->routes[i].name);
		check_route(c, &plan->routes[i]);
	}
	check_qos(c);
	for (size_t i = 0; i < plan->slo_count; i++)
		if (plan->slos[i].expect_high_ms > plan->slos[i].max_ms)
			report_error(c->report, below(&b, &plan->slos[i].place, ".max_ms"),
				     "%u ms is below the expected %u ms, expected at least that",
				     plan->slos[i].max_ms, plan->slos[i].expect_high_ms);
}
