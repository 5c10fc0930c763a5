/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between clusters: routes that lead nowhere or open what never crosses, tunnels whose packets do not fit the way
 * below them, latencies promised below what is expected.
 */
#include <netinet/in.h>
#include <string.h>
#include "../../include/limits.h"
#include "check.h"
#include "home.h"

/* A range as wide as this is no longer about the ports in it. */
#define WIDE 100

/* The tunnel carries one VPC. */
#define CARRIED "default"

static bool carried(struct check *c, const struct selector *s, const char *vpc)
{
	if (!strcmp(vpc, CARRIED))
		return true;
	report_error(c->report, &s->place,
		     "%s %s is in VPC %s, expected one of VPC " CARRIED ", which is all that tunnels carry",
		     s->kind == SELECT_SERVICE ? "service" : "network", s->name, vpc);
	return false;
}

static const struct cluster *service_end(struct check *c, const struct selector *s)
{
	const struct service *service = plan_service(c->plan, s->name);
	const struct cluster *home = service ? service_home(c->plan, service) : NULL;

	if (!service || !carried(c, s, service->vpc))
		return NULL;
	if (!home)
		report_error(c->report, &s->place,
			     "the plan does not say which cluster service %s is of, expected \"node\" at a "
			     "backend",
			     s->name);
	return home;
}

/* The cluster a route's end is in, or NULL after saying so. */
static const struct cluster *end_of(struct check *c, const struct selector *s, bool to)
{
	const struct network *network;

	if (s->kind == SELECT_SERVICE && to)
		return service_end(c, s);
	if (s->kind != SELECT_NETWORK) {
		report_error(c->report, &s->place, "the end of a route, expected network:NAME@CLUSTER%s",
			     to ? " or service:NAME" : "");
		return NULL;
	}
	network = plan_network(c->plan, s->name);
	if (network && !carried(c, s, network->vpc))
		return NULL;
	if (network && !s->cluster)
		report_error(c->report, &s->place,
			     "a route is about one site of network %s, expected network:%s@CLUSTER", s->name,
			     s->name);
	return network && s->cluster ? plan_cluster(c->plan, s->cluster) : NULL;
}

static bool has_peer(const struct cluster *cluster, const char *peer)
{
	for (size_t i = 0; cluster->tunnel.present && i < cluster->tunnel.peer_count; i++)
		if (!strcmp(cluster->tunnel.peers[i].cluster, peer))
			return true;
	return false;
}

/* What is written as such; who opens everything has not named them. */
static void check_never(struct check *c, const struct route *route, const char *whose, uint16_t first,
			uint16_t last)
{
	struct below b;

	for (size_t i = 0; i < route->ports.count; i++) {
		const struct port *port = &route->ports.item[i];

		if (port->any || port->proto != IPPROTO_TCP || port->last - port->first >= WIDE ||
		    port->first > last || port->last < first)
			continue;
		report_error(
			c->report, below(&b, &route->place, ".ports[%zu]", i),
			"tcp/%u-%u is %s, which never crosses between clusters, expected ports without it",
			first, last, whose);
	}
}

static void check_route(struct check *c, const struct route *route)
{
	const struct cluster *from = end_of(c, &route->from, false), *to = end_of(c, &route->to, true);

	check_never(c, route, "etcd", SL_ETCD_FIRST, SL_ETCD_LAST);
	check_never(c, route, "an OVN-IC database", SL_OVN_IC_FIRST, SL_OVN_IC_LAST);
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

static void check_room(struct check *c, const struct tunnel *tunnel)
{
	struct below b;

	if (tunnel->present && tunnel->mtu + SL_WIREGUARD_BYTES > tunnel->path_mtu)
		report_error(c->report, below(&b, &tunnel->place, ".mtu"),
			     "a full packet of %u bytes leaves in one of %u and the way between the sites "
			     "takes %u "
			     "(\"path_mtu\"), expected at most %u",
			     tunnel->mtu, tunnel->mtu + SL_WIREGUARD_BYTES, tunnel->path_mtu,
			     tunnel->path_mtu - SL_WIREGUARD_BYTES);
}

static bool check_slo_end(struct check *c, const struct selector *s)
{
	if (s->kind == SELECT_NETWORK ? !s->cluster : s->kind == SELECT_CLUSTER)
		return true;
	report_error(c->report, &s->place, "the end of a latency, expected cluster:NAME or network:NAME");
	return false;
}

static void check_slo(struct check *c, const struct slo *slo)
{
	struct below b;
	bool from = check_slo_end(c, &slo->from), to = check_slo_end(c, &slo->to);

	if (from && to && slo->from.kind != slo->to.kind)
		report_error(c->report, &slo->place,
			     "one end of the latency is a cluster and the other a network, expected two of a "
			     "kind: "
			     "round trips are measured so");
	if (slo->expect_high_ms > slo->max_ms)
		report_error(c->report, below(&b, &slo->place, ".max_ms"),
			     "%u ms is below the expected %u ms, expected at least that", slo->max_ms,
			     slo->expect_high_ms);
}

static bool same_selector(const struct selector *a, const struct selector *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name) && !a->cluster == !b->cluster &&
	       (!a->cluster || !strcmp(a->cluster, b->cluster));
}

static bool same_ends(const struct slo *a, const struct slo *b)
{
	return same_selector(&a->from, &b->from) && same_selector(&a->to, &b->to);
}

void check_wan(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen names = seen_new(c->scratch, plan->route_count);
	struct below b;

	for (size_t i = 0; i < plan->cluster_count; i++)
		check_room(c, &plan->clusters[i].tunnel);
	for (size_t i = 0; i < plan->route_count; i++) {
		if (seen_add(&names, (struct seen_key){ .text = plan->routes[i].name }, i) != SIZE_MAX)
			report_error(c->report, below(&b, &plan->routes[i].place, ".name"),
				     "another route is named \"%s\", expected a name of its own",
				     plan->routes[i].name);
		check_route(c, &plan->routes[i]);
	}
	if (plan->slo_count > SL_MAX_SLO)
		report_error(c->report, &plan->slos[SL_MAX_SLO].place,
			     "there are %zu limits of latency, expected at most %d", plan->slo_count,
			     SL_MAX_SLO);
	for (size_t i = 0; i < plan->slo_count; i++) {
		check_slo(c, &plan->slos[i]);
		for (size_t k = 0; k < i && i < SL_MAX_SLO; k++) {
			if (same_ends(&plan->slos[i], &plan->slos[k])) {
				report_error(c->report, &plan->slos[i].place,
					     "the same two ends as %s, expected each once",
					     plan->slos[k].place.path);
				break;
			}
		}
	}
}
