/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interfaces of this node: uplinks, tunnel and workload interfaces as the plan names them, and rows for those that
 * are present. Several workloads may stand behind one interface, but only in one network.
 */
#include <stdlib.h>
#include <string.h>
#include "compile.h"

/* A workload of this node with an interface. */
struct local {
	const struct workload *workload;
	uint32_t network; /* index */
};

static int by_interface(const void *a, const void *b)
{
	const struct local *x = a, *y = b;
	int order = strcmp(x->workload->interface, y->workload->interface);

	if (order)
		return order;
	/* Of several workloads the one with the lowest address speaks for the interface. */
	return (x->workload->address > y->workload->address) - (x->workload->address < y->workload->address);
}

static bool too_long(struct compile *c, const struct place *place, const char *name)
{
	if (strlen(name) < sizeof(((struct image_port *)0)->name))
		return false;
	report_error(c->r, place, "interface name \"%s\" is too long, expected at most 15 characters", name);
	return true;
}

static bool add_iface(struct compile *c, const struct link_fact *link, uint8_t kind, uint8_t flags,
		      uint16_t network, uint16_t vpc)
{
	struct sl_iface_key key = { .ifindex = link->ifindex };
	struct sl_iface row = { .kind = kind, .flags = flags, .network = network, .vpc = vpc };

	memcpy(row.mac, link->mac, sizeof(row.mac));
	return row_add(c, SL_TABLE_sl_iface, &key, &row);
}

/*
 * How the uplink holds packets back. What somebody else shapes is left to him: two that count the same bytes by
 * different rules starve each other's classes.
 */
static uint8_t pacing_flags(struct compile *c, const struct uplink *uplink, const struct link_fact *link)
{
	if (uplink->pacing == PACING_OFF)
		return SL_IFACE_SHAPED;
	if (link->shaper[0]) {
		if (qos_wanted(c->plan))
			report_warning(c->r, &uplink->place,
				       "%s is shaped by %s already: sluice only marks there, expected it "
				       "removed, or \"pacing\": \"off\"",
				       link->name, link->shaper);
		return SL_IFACE_SHAPED;
	}
	return uplink->pacing != PACING_BUCKET && !strcmp(link->qdisc, "fq") ? SL_IFACE_EDT : 0;
}

/* What WireGuard makes of a full packet must leave in one piece, or nothing large arrives. */
static void check_room(struct compile *c, const struct uplink *uplink, const struct link_fact *link)
{
	const struct tunnel *tunnel = &c->cluster->tunnel;

	if (c->image->tunnel[0] && link->mtu && link->mtu < tunnel->mtu + SL_WIREGUARD_BYTES)
		report_error(c->r, &uplink->place,
			     "%s takes %u bytes, but full packets of the tunnel %s (\"mtu\": %u) need %u: "
			     "expected "
			     "\"mtu\" of at most %u",
			     link->name, link->mtu, tunnel->interface, tunnel->mtu,
			     tunnel->mtu + SL_WIREGUARD_BYTES,
			     link->mtu > SL_WIREGUARD_BYTES ? link->mtu - SL_WIREGUARD_BYTES : 0);
}

static bool add_uplink(struct compile *c, const struct uplink *uplink, const struct link_fact *link)
{
	uint8_t flags = uplink->unmanaged_drop ? SL_IFACE_UNMANAGED_DROP : 0;

	check_room(c, uplink, link);
	return add_iface(c, link, SL_IFACE_UPLINK, flags | pacing_flags(c, uplink, link), 0, 0);
}

/* The way to other clusters, on gateways. */
static bool add_tunnel(struct compile *c)
{
	const struct tunnel *tunnel = &c->cluster->tunnel;
	const struct link_fact *link = c->image->tunnel[0] ? link_named(c, c->image->tunnel) : NULL;

	if (!link)
		return true;
	if (link->mtu && link->mtu < tunnel->mtu) {
		report_error(
			c->r, &tunnel->place,
			"%s takes %u bytes and \"mtu\" says %u, expected the interface's own at least that",
			link->name, link->mtu, tunnel->mtu);
		return false;
	}
	return add_iface(c, link, SL_IFACE_TUNNEL, link->bare ? SL_IFACE_BARE : 0, 0,
			 c->vpcs[c->default_vpc].id);
}

static bool add_uplinks(struct compile *c)
{
	struct image *image = c->image;

	image->uplinks = heap_take(c->heap, c->node->uplink_count * sizeof(*image->uplinks));
	if (!image->uplinks)
		return false;
	for (size_t i = 0; i < c->node->uplink_count; i++) {
		const struct uplink *uplink = &c->node->uplinks[i];
		const struct link_fact *link = link_named(c, uplink->name);
		struct image_uplink *row = &image->uplinks[image->uplink_count++];

		if (too_long(c, &uplink->place, uplink->name))
			return false;
		strcpy(row->name, uplink->name);
		row->xdp = uplink->xdp;
		row->mbit = uplink->mbit;
		row->pacing = uplink->pacing;
		if (link && !add_uplink(c, uplink, link))
			return false;
	}
	return add_tunnel(c);
}

/* Frames for a workload's own MAC reach the node only if its uplink takes every frame. */
static void note_promisc(struct compile *c, const struct local *local)
{
	const struct site *site = site_here(c, local->network);
	const struct uplink *uplink;

	if (!site || !site->vlan || !local->workload->has_mac)
		return;
	uplink = site_uplink(c, site);
	if (uplink)
		c->image->uplinks[uplink - c->node->uplinks].promisc = true;
}

static bool add_member(struct compile *c, const struct local *local, const struct link_fact *link,
		       uint32_t *members)
{
	struct sl_member_key key = { .network = (uint16_t)c->plan->networks[local->network].id };
	struct sl_member row = { .ifindex = link->ifindex };

	key.index = (uint16_t)members[local->network]++;
	if (local->workload->has_mac)
		memcpy(row.mac, local->workload->mac, sizeof(row.mac));
	return row_add(c, SL_TABLE_sl_member, &key, &row);
}

static uint8_t workload_flags(const struct network *n, const struct link_fact *link)
{
	return (n->trust_dscp ? SL_IFACE_TRUST_DSCP : 0) | (link->takes_xdp ? SL_IFACE_XDP : 0);
}

static bool add_port(struct compile *c, const struct local *local, uint32_t *members, uint32_t *planned)
{
	const struct network *n = &c->plan->networks[local->network];
	const struct link_fact *link = link_named(c, local->workload->interface);
	struct image_port *port = &c->image->ports[c->image->port_count++];

	if (too_long(c, &local->workload->place, local->workload->interface))
		return false;
	for (size_t i = 0; i < c->node->uplink_count; i++) {
		if (strcmp(c->node->uplinks[i].name, local->workload->interface))
			continue;
		report_error(c->r, &local->workload->place, "interface \"%s\" is an uplink of node \"%s\"",
			     local->workload->interface, c->node->name);
		return false;
	}
	if (c->cluster->tunnel.present && !strcmp(c->cluster->tunnel.interface, local->workload->interface)) {
		report_error(c->r, &local->workload->place,
			     "interface \"%s\" is the tunnel of cluster \"%s\"", local->workload->interface,
			     c->cluster->name);
		return false;
	}
	strcpy(port->name, local->workload->interface);
	port->network = (uint16_t)n->id;
	port->fail_open = n->fail_open;
	if (++planned[local->network] == SL_MAX_MEMBERS + 1 && (n->broadcast || n->multicast)) {
		report_error(c->r, &n->place,
			     "network \"%s\" allows broadcast or multicast and has more than %d workload "
			     "interfaces "
			     "on node \"%s\": each frame would be copied to all of them",
			     n->name, SL_MAX_MEMBERS, c->node->name);
		return false;
	}
	if (!link)
		return true;
	return add_iface(c, link, SL_IFACE_WORKLOAD, workload_flags(n, link), (uint16_t)n->id,
			 c->vpcs[c->network_vpc[local->network]].id) &&
	       add_member(c, local, link, members);
}

bool interfaces_build(struct compile *c)
{
	const struct plan *plan = c->plan;
	struct list locals = { .size = sizeof(struct local) };
	uint32_t *members = heap_take(&c->scratch, plan->network_count * sizeof(*members));
	uint32_t *planned = heap_take(&c->scratch, plan->network_count * sizeof(*planned));
	const struct local *local;
	bool done = false;

	if (!members || !planned || !add_uplinks(c))
		goto out;
	for (size_t i = 0; i < plan->workload_count; i++) {
		uint32_t node = c->workload_node[i];
		struct local *added;

		if (!node || c->nodes[node - 1].node != c->node || !plan->workloads[i].interface)
			continue;
		added = list_add(&locals, 1);
		if (!added)
			goto out;
		added->workload = &plan->workloads[i];
		added->network = c->workload_network[i];
		note_promisc(c, added);
	}
	c->image->ports = heap_take(c->heap, locals.count * sizeof(*c->image->ports));
	if (!c->image->ports)
		goto out;
	if (locals.count)
		qsort(locals.item, locals.count, sizeof(struct local), by_interface);
	local = locals.item;
	for (size_t i = 0; i < locals.count; i++) {
		if (i && !strcmp(local[i].workload->interface, local[i - 1].workload->interface)) {
			if (local[i].network == local[i - 1].network)
				continue;
			report_error(c->r, &local[i].workload->place,
				     "interface \"%s\" of workload \"%s\" is in network \"%s\" already",
				     local[i].workload->interface, local[i].workload->name,
				     plan->networks[local[i - 1].network].name);
			goto out;
		}
		if (!add_port(c, &local[i], members, planned))
			goto out;
	}
	done = true;
out:
	list_free(&locals);
	return done;
}
