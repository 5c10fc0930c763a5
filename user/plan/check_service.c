/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services: a VIP and port claimed twice, what services do not carry, clients both wanted and refused. What a
 * VIP may be is in check_vip.c, what backends may be in check_backend.c.
 */
#include <netinet/in.h>
#include <string.h>
#include "outside.h"

/* False: there is no VIP to reason about. */
static bool vip_of(struct check *c, const struct service *service, struct vip *vip)
{
	struct below b;

	*vip = (struct vip){ .address = service->address };
	if (service->has_address) {
		vip->eip = eip_at(c, vip->address);
		vip->node = node_at(c->plan, vip->address);
		vip->pool = pool_of(c->plan, vip->address);
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

/* SCTP tells its partner the addresses of the host itself (RFC 9260, 3.3.2), which no VIP can stand in for. */
static void check_carried(struct check *c, const struct service_port *port)
{
	struct below b;

	if (port->proto != IPPROTO_TCP && port->proto != IPPROTO_UDP)
		report_error(c->report, below(&b, &port->place, ".proto"),
			     "services do not carry %s, expected tcp or udp", proto_text(port->proto));
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

		check_carried(c, port);
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

/* A prefix in both lists would be refused, in one list twice it is a slip. */
static void check_sources(struct check *c, const struct service *service)
{
	const struct prefixes *lists[] = { &service->allow, &service->deny };
	static const char *const NAMES[] = { "allow", "deny" };
	struct seen all = seen_new(c->scratch, service->allow.count + service->deny.count);
	char text[PREFIX_TEXT];
	struct below b;

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < lists[i]->count; j++) {
			const struct prefix *prefix = &lists[i]->item[j];
			size_t first =
				seen_add(&all, (struct seen_key){ .a = prefix->addr, .b = prefix->len }, i);

			if (first == SIZE_MAX)
				continue;
			below(&b, &service->place, ".sources.%s[%zu]", NAMES[i], j);
			if (first == i)
				report_error(c->report, &b.place, "%s stands twice, expected it once",
					     prefix_text(*prefix, text));
			else
				report_error(c->report, &b.place,
					     "%s is allowed too (sources.allow), expected one of both",
					     prefix_text(*prefix, text));
		}
}

static void check_limit(struct check *c, const struct service *service)
{
	struct below b;

	if (service->new_per_s && service->new_per_source_per_s > service->new_per_s)
		report_warning(c->report, below(&b, &service->place, ".limit.new_per_source_per_s"),
			       "%u is above \"new_per_s\" (%u) and limits nothing, expected less",
			       service->new_per_source_per_s, service->new_per_s);
}

void check_services(struct check *c)
{
	const struct plan *plan = c->plan;
	struct shared shared = shared_new(c);
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
		check_guests(c, &service->from_vpcs, service->vpc, &service->place);
		check_backends(c, service);
		check_sources(c, service);
		check_limit(c, service);
		if (!vip_of(c, service, &vip))
			continue;
		check_vip(c, i, &vip, &shared);
		check_ports(c, i, &vip, &claims);
		check_home(c, service, &vip);
	}
}
