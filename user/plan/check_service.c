/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services: a VIP and port claimed twice, a VIP from another cluster's pool, backends that stand in no
 * network.
 */
#include <netinet/in.h>
#include <string.h>
#include "outside.h"

struct vip {
	uint32_t address;
	const struct eip *eip; /* NULL: no EIP has the address */
};

static const struct eip *eip_at(const struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->eip_count; i++)
		if (plan->eips[i].address == address)
			return &plan->eips[i];
	return NULL;
}

/* False: there is no VIP to reason about. */
static bool vip_of(struct check *c, const struct service *service, struct vip *vip)
{
	struct below b;

	if (service->has_address) {
		*vip = (struct vip){ service->address, eip_at(c->plan, service->address) };
		return true;
	}
	if (!known(c, NOUN_EIP, service->eip, below(&b, &service->place, ".eip")))
		return false;
	vip->eip = plan_eip(c->plan, service->eip);
	vip->address = vip->eip->address;
	return true;
}

static const char *proto_text(uint8_t proto)
{
	return proto == IPPROTO_TCP ? "tcp" : proto == IPPROTO_UDP ? "udp" : "sctp";
}

static void check_ports(struct check *c, size_t i, const struct vip *vip, struct seen *claims)
{
	const struct service *service = &c->plan->services[i];
	char text[ADDRESS_TEXT], other[OTHER_TEXT];
	struct below b;

	for (size_t j = 0; j < service->port_count; j++) {
		const struct service_port *port = &service->ports[j];
		struct seen_key key = { .a = vip->address, .b = (uint64_t)port->proto << 16 | port->port };
		size_t first = seen_add(claims, key, i);

		if (first == i)
			report_error(c->report, &port->place,
				     "%u/%s stands twice in the service, expected it once", port->port,
				     proto_text(port->proto));
		else if (first != SIZE_MAX)
			report_error(c->report, &port->place,
				     "%s:%u/%s of service %s is claimed by service %s too (%s), expected one "
				     "service",
				     address_text(vip->address, text), port->port, proto_text(port->proto),
				     service->name, c->plan->services[first].name,
				     other_place(&port->place, &c->plan->services[first].place, other));
		for (size_t k = 0; k < j && port->name; k++)
			if (service->ports[k].name && !strcmp(service->ports[k].name, port->name)) {
				report_error(
					c->report, below(&b, &port->place, ".name"),
					"another port of the service is named %s, expected a name of its own",
					port->name);
				break;
			}
	}
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

static bool is_node_address(const struct plan *plan, uint32_t address)
{
	for (size_t i = 0; i < plan->cluster_count; i++)
		for (size_t j = 0; j < plan->clusters[i].node_count; j++)
			for (size_t k = 0; k < plan->clusters[i].nodes[j].addresses.count; k++)
				if (plan->clusters[i].nodes[j].addresses.item[k].first == address)
					return true;
	return false;
}

const struct cluster *backend_home(const struct check *c, const struct service *service, size_t i)
{
	const struct backend *backend = &service->backends[i];
	const struct cluster *cluster = NULL;
	const struct site *site = NULL;

	if (backend->node && plan_node(c->plan, backend->node, &cluster))
		return cluster;
	if (network_of(c, service->vpc, backend->address, &site))
		return plan_cluster(c->plan, site->cluster);
	return NULL;
}

static void check_pool(struct check *c, const struct service *service, const struct vip *vip)
{
	const struct cluster *home = NULL, *owner = NULL;
	const struct pool *pool = NULL;
	char text[ADDRESS_TEXT];
	struct below b;

	if (vip->eip || is_node_address(c->plan, vip->address))
		return;
	for (size_t i = 0; i < c->plan->cluster_count && !pool; i++) {
		pool = pool_at(&c->plan->clusters[i], vip->address);
		if (pool)
			owner = &c->plan->clusters[i];
	}
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct cluster *cluster = backend_home(c, service, i);

		if (cluster && cluster == owner)
			return;
		if (cluster && !home)
			home = cluster;
	}
	if (!home)
		return;
	if (pool)
		report_error(c->report, below(&b, &service->place, ".address"),
			     "%s is in pool %s of cluster %s but the backends are in cluster %s, expected an "
			     "address of "
			     "their own cluster's pool",
			     address_text(vip->address, text), pool->name, owner->name, home->name);
	else if (home->pool_count)
		report_warning(c->report, below(&b, &service->place, ".address"),
			       "%s is in no pool of cluster %s, is no EIP and no node's address, expected "
			       "one of these",
			       address_text(vip->address, text), home->name);
}

static void check_backends(struct check *c, const struct service *service)
{
	struct seen addresses = seen_new(c->scratch, service->backend_count);
	char text[ADDRESS_TEXT];
	struct below b;

	if (!service->backend_count)
		report_warning(c->report, below(&b, &service->place, ".backends"),
			       "the service has no backend, expected at least one");
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct backend *backend = &service->backends[i];

		if (backend->node)
			known(c, NOUN_NODE, backend->node, below(&b, &backend->place, ".node"));
		if (seen_add(&addresses, (struct seen_key){ .a = backend->address }, i) != SIZE_MAX)
			report_error(
				c->report, below(&b, &backend->place, ".address"),
				"%s is a backend of the service already, expected it once; use \"weight\"",
				address_text(backend->address, text));
		if (plan_vpc(c->plan, service->vpc) && !network_of(c, service->vpc, backend->address, NULL))
			report_error(c->report, below(&b, &backend->place, ".address"),
				     "backend %s is in no network of VPC %s, expected an address of one",
				     address_text(backend->address, text), service->vpc);
	}
}

static void check_vip(struct check *c, const struct service *service, const struct vip *vip)
{
	const struct fip *fip = vip->eip ? fip_of(c->plan, vip->eip->name) : NULL;
	struct below b;

	below(&b, &service->place, service->eip ? ".eip" : ".address");
	if (fip)
		report_error(c->report, &b.place,
			     "EIP %s is that of FIP \"%s\" and carries nothing else, expected "
			     "another EIP",
			     vip->eip->name, fip->name);
	if (vip->eip)
		check_external_of(c, service->vpc, vip->eip, &b.place);
}

void check_services(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen claims;
	size_t ports = 0;
	struct below b;

	for (size_t i = 0; i < plan->service_count; i++)
		ports += plan->services[i].port_count;
	claims = seen_new(c->scratch, ports);
	for (size_t i = 0; i < plan->service_count; i++) {
		const struct service *service = &plan->services[i];
		struct vip vip;

		known(c, NOUN_VPC, service->vpc, below(&b, &service->place, ".vpc"));
		for (size_t j = 0; j < service->from_vpcs.count; j++)
			known(c, NOUN_VPC, service->from_vpcs.item[j],
			      below(&b, &service->place, ".from_vpcs[%zu]", j));
		check_backends(c, service);
		if (!vip_of(c, service, &vip))
			continue;
		check_vip(c, service, &vip);
		check_ports(c, i, &vip, &claims);
		check_pool(c, service, &vip);
	}
}
