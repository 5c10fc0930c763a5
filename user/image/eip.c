/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EIPs: rows of what each is on this node, of the ports that no source is given, and of the VPCs that may use
 * an address although it is another's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include "outside.h"

/* --- which are here */

static bool collect_fips(struct compile *c, struct eips *eips)
{
	for (size_t i = 0; i < c->plan->fip_count; i++) {
		const struct fip *fip = &c->plan->fips[i];
		const struct eip *eip = plan_eip(c->plan, fip->eip);
		struct eip_fact *fact;
		uint32_t vpc;

		if (!eip) {
			report_error(c->r, &fip->place, "EIP \"%s\" is not in the plan", fip->eip);
			return false;
		}
		if (!outside_vpc(c, fip->vpc, &fip->place, &vpc))
			return false;
		fact = &eips->fact[eip - c->plan->eips];
		fact->fip = fip;
		fact->inside = vpc + 1;
	}
	return true;
}

static void collect_own(struct compile *c, struct eips *eips)
{
	const struct range *ports = &c->cluster->nat_outgoing.ports;

	for (uint32_t i = 0; c->node->addresses.count && i < c->plan->network_count && !c->host_nat; i++) {
		const struct site *site = site_here(c, i);

		if (!site || !site->nat_outgoing || c->plan->networks[i].external)
			continue;
		c->host_nat = true;
		eips->own_vpc = c->network_vpc[i];
		eips->own_blocks =
			(struct range){ ports->first >> SL_BLOCK_SHIFT, ports->last >> SL_BLOCK_SHIFT };
	}
}

bool eips_collect(struct compile *c, struct eips *eips)
{
	const struct plan *plan = c->plan;

	c->eip_here = heap_take(&c->scratch, plan->eip_count * sizeof(*c->eip_here));
	eips->fact = heap_take(&c->scratch, plan->eip_count * sizeof(*eips->fact));
	if (!c->eip_here || !eips->fact)
		return false;
	for (size_t i = 0; i < plan->eip_count; i++) {
		const struct eip *eip = &plan->eips[i];
		uint32_t network = intern_find_name(&c->network_names, eip->network);
		const struct site *site;

		if (!network) {
			report_error(c->r, &eip->place, "network \"%s\" is not in the plan", eip->network);
			return false;
		}
		site = site_here(c, network - 1);
		eips->fact[i].network = network - 1;
		c->eip_here[i] = site && site_holds(site, eip->address);
	}
	collect_own(c, eips);
	return collect_fips(c, eips);
}

/* --- rows */

static void add_blocks(struct sl_eip *row, const uint16_t *node)
{
	for (uint32_t i = 0; i < SL_EIP_BLOCKS; i++) {
		row->node[i] = node[i];
		if (node[i] == SL_NODE_SELF)
			row->own[row->owned++] = (uint8_t)i;
	}
}

static void add_fip(struct compile *c, const struct fip *fip, uint32_t vpc, const struct stands *stands,
		    struct sl_eip *row)
{
	const struct stand *stand = stand_at(stands, vpc, fip->address);
	const struct node_fact *fact = stand && stand->node ? &c->nodes[stand->node - 1] : NULL;
	struct in_addr in = { .s_addr = htonl(fip->address) };
	char text[INET_ADDRSTRLEN];

	row->flags |= SL_EIP_FIP;
	row->fip = htonl(fip->address);
	inet_ntop(AF_INET, &in, text, sizeof(text));
	if (!fact) {
		report_warning(
			c->r, &fip->place,
			"no node is known for %s of VPC %s, which cannot be reached: name it in workloads",
			text, fip->vpc);
		return;
	}
	row->fip_node = fact->node == c->node ? SL_NODE_SELF : (uint16_t)fact->index;
	/* No route of the node leads to what stands in a VPC of its own. */
	if (fact->node == c->node && vpc != c->default_vpc && !stand->interface)
		report_warning(c->r, &fip->place,
			       "%s of VPC %s cannot be delivered: name its interface in workloads", text,
			       fip->vpc);
}

/* Of the sources or the FIP that it carries; where it carries neither, of its first service by name. 0: nobody's. */
static uint16_t inside_vpc(struct compile *c, const struct eips *eips, size_t i)
{
	const struct plan *plan = c->plan;

	if (eips->fact[i].inside)
		return c->vpcs[eips->fact[i].inside - 1].id;
	for (size_t k = 0; k < plan->service_count; k++) {
		const struct service *service = &plan->services[k];

		if (service->eip && !strcmp(service->eip, plan->eips[i].name)) {
			uint32_t vpc = vpc_number(c, service->vpc);

			return vpc == UINT32_MAX ? 0 : c->vpcs[vpc].id;
		}
	}
	return 0;
}

static bool eip_row(struct compile *c, const struct eips *eips, size_t i, const struct vips *vips,
		    const struct stands *stands)
{
	const struct eip *eip = &c->plan->eips[i];
	const struct eip_fact *fact = &eips->fact[i];
	const struct vip *vip = vip_at(vips, eip->address);
	struct sl_eip_key key = { .addr = htonl(eip->address) };
	struct sl_eip row = { .network = vip->network, .vpc = c->vpcs[c->network_vpc[fact->network]].id };

	row.inside_vpc = inside_vpc(c, eips, i);
	row.flags = (fact->snat ? SL_EIP_SNAT : 0) | (vip_owned(c, vip) ? SL_EIP_OWNED : 0);
	if (fact->fip)
		add_fip(c, fact->fip, fact->inside - 1, stands, &row);
	add_blocks(&row, fact->node);
	return row_add(c, SL_TABLE_sl_eip, &key, &row);
}

/* What comes to an address of its own always reaches the node. */
static bool own_row(struct compile *c, const struct eips *eips)
{
	uint16_t node[SL_EIP_BLOCKS] = { 0 };
	struct sl_eip_key key = { .addr = htonl(c->node->addresses.item[0].first) };
	struct sl_eip row = { .network = SL_NET_WORLD,
			      .vpc = c->vpcs[c->default_vpc].id,
			      .flags = SL_EIP_HOST | SL_EIP_SNAT | SL_EIP_OWNED,
			      .inside_vpc = c->vpcs[eips->own_vpc].id };

	for (uint32_t i = eips->own_blocks.first; i <= eips->own_blocks.last; i++)
		node[i] = SL_NODE_SELF;
	add_blocks(&row, node);
	return row_add(c, SL_TABLE_sl_eip, &key, &row);
}

/* --- ports that no source is given */

static bool reserve(struct compile *c, struct intern *reserved, uint32_t addr, uint8_t proto, uint16_t port)
{
	struct sl_reserved_key key = { .addr = htonl(addr), .port = htons(port), .proto = proto };
	struct sl_reserved row = { .reserved = 1 };
	size_t before = reserved->count;

	if (!intern(reserved, &key, sizeof(key)))
		return false;
	return reserved->count == before || row_add(c, SL_TABLE_sl_reserved, &key, &row);
}

static bool reserve_written(struct compile *c, struct intern *reserved, const struct eip *eip)
{
	for (size_t i = 0; i < eip->reserved.count; i++) {
		const struct port *port = &eip->reserved.item[i];

		for (uint32_t number = port->first; number <= port->last; number++) {
			if (!reserve(c, reserved, eip->address, port->proto, (uint16_t)number))
				return false;
		}
	}
	return true;
}

/* Where nodes themselves listen, with sluice's own hand. */
static bool reserve_own(struct compile *c, struct intern *reserved)
{
	uint32_t addr = c->node->addresses.item[0].first;

	return reserve(c, reserved, addr, IPPROTO_UDP, c->cluster->delivery.port) &&
	       (!c->cluster->tunnel.present ||
		reserve(c, reserved, addr, IPPROTO_UDP, c->cluster->tunnel.port));
}

static bool reserve_services(struct compile *c, struct intern *reserved, const struct eips *eips,
			     const struct vips *vips)
{
	for (size_t i = 0; i < c->plan->service_count; i++) {
		const struct service *service = &c->plan->services[i];
		const struct vip *vip = vip_of_service(vips, i);

		if (!c->service_here[i] || !vip->in_eips)
			continue;
		if (vip->eip && !eips->fact[vip->eip - c->plan->eips].snat)
			continue;
		for (size_t k = 0; k < service->port_count; k++) {
			const struct service_port *port = &service->ports[k];

			if (!reserve(c, reserved, vip->addr, port->proto, port->port))
				return false;
		}
	}
	return true;
}

bool eips_rows(struct compile *c, const struct eips *eips, const struct vips *vips,
	       const struct stands *stands)
{
	struct intern reserved = { 0 };
	bool done = false;

	for (size_t i = 0; i < c->plan->eip_count; i++) {
		const struct eip *eip = &c->plan->eips[i];
		const struct fip *fip = eips->fact[i].fip;
		struct sl_service_key key = { .addr = htonl(eip->address) };

		if (!c->eip_here[i])
			continue;
		if (!eip_row(c, eips, i, vips, stands) || !reserve_written(c, &reserved, eip))
			goto out;
		if (fip && !guests_add(c, &fip->from_vpcs, eips->fact[i].inside - 1, &fip->place, &key))
			goto out;
	}
	if (c->host_nat && (!own_row(c, eips) || !reserve_own(c, &reserved)))
		goto out;
	done = reserve_services(c, &reserved, eips, vips);
out:
	intern_free(&reserved);
	return done;
}

/* --- guests */

bool guests_add(struct compile *c, const struct strings *from_vpcs, uint32_t own, const struct place *place,
		const struct sl_service_key *key)
{
	struct sl_guest_key at = { .addr = key->addr, .port = key->port, .proto = key->proto };
	struct sl_guest row = { .allowed = 1 };
	uint32_t vpc;

	for (size_t i = 0; i < from_vpcs->count; i++) {
		bool again = false;

		for (size_t k = 0; k < i && !again; k++)
			again = !strcmp(from_vpcs->item[k], from_vpcs->item[i]);
		if (!outside_vpc(c, from_vpcs->item[i], place, &vpc))
			return false;
		at.vpc = c->vpcs[vpc].id;
		if (!again && vpc != own && !row_add(c, SL_TABLE_sl_guest, &at, &row))
			return false;
	}
	return true;
}
