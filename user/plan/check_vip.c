/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VIPs: addresses that cannot be one, that belong to another cluster or to somebody else, and what services
 * that share an address must say alike.
 */
#include <netinet/in.h>
#include <string.h>
#include "outside.h"

#define SSH 22

const struct node *node_at(const struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->cluster_count; i++)
		for (size_t j = 0; j < plan->clusters[i].node_count; j++)
			for (size_t k = 0; k < plan->clusters[i].nodes[j].addresses.count; k++)
				if (plan->clusters[i].nodes[j].addresses.item[k].first == address)
					return &plan->clusters[i].nodes[j];
	return NULL;
}

static const struct pool *pool_at(const struct cluster *cluster, uint32_t address)
{
	for (size_t i = 0; i < cluster->pool_count; i++)
		for (size_t j = 0; j < cluster->pools[i].ranges.count; j++)
			if (address >= cluster->pools[i].ranges.item[j].first &&
			    address <= cluster->pools[i].ranges.item[j].last)
				return &cluster->pools[i];
	return NULL;
}

/* The way back is the way in: where the EIP's network is not, an answer could not leave. */
static void check_eip_home(struct check *c, const struct service *service, const struct vip *vip)
{
	const struct network *network = plan_network(c->plan, vip->eip->network);
	struct below b;

	for (size_t i = 0; network && i < service->backend_count; i++) {
		const struct cluster *home = backend_home(c, service, i);

		if (!home || network_site(network, home->name))
			continue;
		report_error(c->report, below(&b, &service->backends[i].place, ".address"),
			     "the backend is in cluster %s, where network %s of EIP %s has no site, expected "
			     "one",
			     home->name, network->name, vip->eip->name);
		return;
	}
}

void check_home(struct check *c, const struct service *service, const struct vip *vip)
{
	const struct cluster *home = NULL;
	char text[ADDRESS_TEXT];
	struct below b;

	if (vip->eip)
		check_eip_home(c, service, vip);
	if (vip->eip || vip->node)
		return;
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct cluster *cluster = backend_home(c, service, i);

		if (cluster && cluster == vip->pool)
			return;
		if (cluster && !home)
			home = cluster;
	}
	if (!home)
		return;
	if (vip->pool)
		report_error(c->report, below(&b, &service->place, ".address"),
			     "%s is in pool %s of cluster %s but the backends are in cluster %s, expected an "
			     "address of their own cluster's pool",
			     address_text(vip->address, text), pool_at(vip->pool, vip->address)->name,
			     vip->pool->name, home->name);
	else if (home->pool_count && !service->nodes.count)
		report_warning(c->report, below(&b, &service->place, ".address"),
			       "%s is in no pool of cluster %s, is no EIP and no node's address, expected "
			       "one of these",
			       address_text(vip->address, text), home->name);
}

const struct cluster *pool_of(const struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->cluster_count; i++)
		if (pool_at(&plan->clusters[i], address))
			return &plan->clusters[i];
	return NULL;
}

/* Asked of the workloads and not of the VIPs: there are far fewer of these to remember, most often apart from them. */
static void find_workloads(const struct plan *plan, struct shared *shared)
{
	struct range range = { .first = UINT32_MAX };

	for (size_t i = 0; i < plan->service_count; i++) {
		uint32_t address = plan->services[i].address;

		shared->workload[i] = SIZE_MAX;
		if (!plan->services[i].has_address)
			continue;
		seen_add(&shared->vips, (struct seen_key){ .a = address }, i);
		range.first = address < range.first ? address : range.first;
		range.last = address > range.last ? address : range.last;
	}
	for (size_t i = 0; i < plan->workload_count; i++) {
		uint32_t address = plan->workloads[i].address;
		size_t vip = address < range.first || address > range.last
				     ? SIZE_MAX
				     : seen_find(&shared->vips, (struct seen_key){ .a = address });

		if (vip != SIZE_MAX && shared->workload[vip] == SIZE_MAX)
			shared->workload[vip] = i;
	}
}

struct shared shared_new(struct check *c)
{
	size_t services = c->plan->service_count;
	struct shared shared = { .echo = seen_new(c->scratch, services),
				 .nodes = seen_new(c->scratch, services),
				 .vips = seen_new(c->scratch, services),
				 .workload = arena_alloc(c->scratch, services, sizeof(*shared.workload)) };

	if (shared.workload)
		find_workloads(c->plan, &shared);
	return shared;
}

/* In any VPC: a VIP is found before the VPC's own addresses are. */
static size_t workload_at(const struct shared *shared, uint32_t address)
{
	size_t vip = seen_find(&shared->vips, (struct seen_key){ .a = address });

	return vip == SIZE_MAX ? SIZE_MAX : shared->workload[vip];
}

static bool same_names(const struct strings *a, const struct strings *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (strcmp(a->item[i], b->item[i]) != 0)
			return false;
	return a->count == b->count;
}

/* One address has one owner and answers pings in one way, whichever of its services says so. */
static void check_shared(struct check *c, size_t i, const struct vip *vip, struct shared *shared)
{
	static const char *const WORDS[] = { "answer", "pass", "drop" };
	const struct service *service = &c->plan->services[i], *other;
	const struct seen_key key = { .a = vip->address };
	char text[ADDRESS_TEXT], place[OTHER_TEXT];
	struct below b;
	size_t first;

	first = service->echo == ECHO_UNSAID ? SIZE_MAX : seen_add(&shared->echo, key, i);
	other = first == SIZE_MAX ? NULL : &c->plan->services[first];
	if (other && other->echo != service->echo)
		report_error(c->report, below(&b, &service->place, ".echo"),
			     "\"%s\" for service %s and \"%s\" for service %s (%s) of the same address %s, "
			     "expected one of both",
			     WORDS[service->echo], service->name, WORDS[other->echo], other->name,
			     other_place(&service->place, &other->place, place),
			     address_text(vip->address, text));
	first = service->nodes.count && !vip->eip ? seen_add(&shared->nodes, key, i) : SIZE_MAX;
	other = first == SIZE_MAX ? NULL : &c->plan->services[first];
	if (other && !same_names(&other->nodes, &service->nodes))
		report_error(c->report, below(&b, &service->place, ".nodes"),
			     "service %s (%s) names other nodes for the same address %s, expected the same "
			     "list",
			     other->name, other_place(&service->place, &other->place, place),
			     address_text(vip->address, text));
}

static void check_nodes(struct check *c, const struct service *service, const struct vip *vip)
{
	const struct cluster *first = NULL, *cluster = NULL;
	char text[ADDRESS_TEXT];
	struct below b;

	if (!service->nodes.count)
		return;
	below(&b, &service->place, ".nodes");
	if (vip->eip) {
		report_error(c->report, &b.place,
			     "the VIP is EIP %s, expected \"nodes\" there and not in the service",
			     vip->eip->name);
		return;
	}
	if (vip->node && strcmp(vip->node->name, service->nodes.item[0]) != 0)
		report_error(c->report, &b.place,
			     "%s is an address of node %s, expected that node or no \"nodes\"",
			     address_text(vip->address, text), vip->node->name);
	for (size_t i = 0; i < service->nodes.count; i++) {
		below(&b, &service->place, ".nodes[%zu]", i);
		if (!known(c, NOUN_NODE, service->nodes.item[i], &b.place))
			continue;
		plan_node(c->plan, service->nodes.item[i], &cluster);
		if (vip->pool && cluster != vip->pool)
			report_error(c->report, &b.place,
				     "node %s is in cluster %s but %s is in a pool of cluster %s, expected a "
				     "node of that",
				     service->nodes.item[i], cluster->name, address_text(vip->address, text),
				     vip->pool->name);
		if (!first)
			first = cluster;
		else if (first != cluster)
			report_error(c->report, &b.place,
				     "node %s is in cluster %s and %s in %s, expected nodes of one cluster",
				     service->nodes.item[i], cluster->name, service->nodes.item[0],
				     first->name);
	}
}

/* Where no VIP can be: packets to there are dropped before a service is looked for. */
static const char *martian(uint32_t address)
{
	if (address >> 24 == 0)
		return "in 0.0.0.0/8, \"this network\"";
	if (address >> 24 == 127)
		return "in 127.0.0.0/8, loopback";
	if (address >> 16 == 0xa9fe)
		return "in 169.254.0.0/16, link-local";
	return address >> 29 == 7 ? "in 224.0.0.0/3, multicast and class E" : NULL;
}

/* An EIP is checked as such. */
static void check_address(struct check *c, const struct vip *vip, const struct shared *shared,
			  const struct place *place)
{
	size_t workload = workload_at(shared, vip->address);
	const char *what = martian(vip->address);
	char text[ADDRESS_TEXT], net[PREFIX_TEXT];

	address_text(vip->address, text);
	if (what)
		report_error(c->report, place, "%s is %s, expected a unicast address", text, what);
	if (workload != SIZE_MAX)
		report_error(c->report, place, "%s is the address of workload %s, expected one of its own",
			     text, c->plan->workloads[workload].name);
	for (size_t i = 0; i < c->plan->network_count && !vip->node; i++) {
		const struct network *n = &c->plan->networks[i];

		for (size_t j = 0; j < n->site_count; j++)
			for (size_t k = 0; k < n->sites[j].cidrs.count; k++) {
				struct prefix cidr = n->sites[j].cidrs.item[k];

				if (!prefix_has(cidr, vip->address))
					continue;
				what = reserved_in(cidr, n->sites[j].gateway, vip->address);
				if (what)
					report_error(c->report, place,
						     "%s is %s of %s, expected a free address", text, what,
						     prefix_text(cidr, net));
			}
	}
}

/* What a VIP that is a node's own address takes from the node. */
static void check_taken(struct check *c, const struct service *service, const struct vip *vip)
{
	const struct cluster *cluster = NULL;
	char text[ADDRESS_TEXT];

	if (!vip->node || !plan_node(c->plan, vip->node->name, &cluster))
		return;
	address_text(vip->address, text);
	for (size_t i = 0; i < service->port_count; i++) {
		const struct service_port *port = &service->ports[i];

		if (port->proto == IPPROTO_TCP && port->port == SSH)
			report_warning(
				c->report, &port->place,
				"the service takes %s:22/tcp from node %s itself, expected a way in for "
				"administrators",
				text, vip->node->name);
		if (port->proto == IPPROTO_UDP && port->port == cluster->delivery.port)
			report_error(c->report, &port->place,
				     "at %s:%u/udp nodes deliver to each other, expected another port, there "
				     "or in \"delivery\" of cluster %s",
				     text, port->port, cluster->name);
	}
}

void check_vip(struct check *c, size_t i, const struct vip *vip, struct shared *shared)
{
	const struct service *service = &c->plan->services[i];
	const struct fip *fip = vip->eip ? fip_of(c, vip->eip->name) : NULL;
	struct below b;

	below(&b, &service->place, service->eip ? ".eip" : ".address");
	if (fip)
		report_error(c->report, &b.place,
			     "EIP %s is that of FIP \"%s\" and carries nothing else, expected "
			     "another EIP",
			     vip->eip->name, fip->name);
	if (vip->eip)
		check_external_of(c, service->vpc, vip->eip, &b.place);
	else
		check_address(c, vip, shared, &b.place);
	check_nodes(c, service, vip);
	check_shared(c, i, vip, shared);
	check_taken(c, service, vip);
}
