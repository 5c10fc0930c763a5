/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fabric: the small tables. What each network is on this site, what each VLAN id means, where the other
 * nodes are, and the plan-wide choices.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"

/* The uplink for what has no better way: the first by name that is present. */
static uint32_t first_uplink(const struct compile *c)
{
	for (size_t i = 0; i < c->node->uplink_count; i++) {
		const struct link_fact *link = link_named(c, c->node->uplinks[i].name);

		if (link)
			return link->ifindex;
	}
	return 0;
}

/* The tunnel to other clusters, as far as this node has a part in it. */
static void set_wan(const struct compile *c, struct sl_setting *row)
{
	const struct tunnel *tunnel = &c->cluster->tunnel;
	const struct link_fact *link = c->image->tunnel[0] ? link_named(c, c->image->tunnel) : NULL;

	row->cluster = (uint16_t)c->cluster->id;
	if (c->plan->cluster_count > 1)
		row->flags |= SL_SETTING_WAN;
	if (!tunnel->present)
		return;
	row->wan_port = htons(tunnel->port);
	row->wan_mtu = (uint16_t)tunnel->mtu;
	row->wan_ifindex = link ? link->ifindex : 0;
	row->flags |= c->image->tunnel[0] ? SL_SETTING_GATEWAY : 0;
}

static void set_qos(const struct plan *plan, struct sl_setting *row)
{
	row->horizon_ms = (uint16_t)plan->qos.max_delay_ms;
	row->flags |=
		(qos_wanted(plan) ? SL_SETTING_QOS : 0) | (plan->qos.per_label_count ? SL_SETTING_LABELS : 0);
}

static bool add_setting(struct compile *c)
{
	uint32_t mask = c->cluster->mark_mask ? c->cluster->mark_mask : SL_MARK_MASK, key = 0;
	struct sl_setting row = {
		.judged_mark = 1U << (31 - __builtin_clz(mask)),
		.mark_mask = mask,
		.flags = (c->cluster->host_present ? SL_SETTING_HOST_POLICY : 0) |
			 (c->vip_count ? SL_SETTING_OUTSIDE : 0) |
			 (c->node_serves ? SL_SETTING_HOST_SERVES : 0),
		.node_vpc = c->vpcs[c->default_vpc].id,
		.node_addr = c->node->addresses.count ? htonl(c->node->addresses.item[0].first) : 0,
		.tunnel_port = htons(c->cluster->delivery.port),
		.tunnel_vni = c->cluster->delivery.vni,
		.tunnel_mtu = c->cluster->delivery.mtu,
		.uplink = first_uplink(c),
	};

	set_wan(c, &row);
	set_qos(c->plan, &row);
	return row_add(c, SL_TABLE_sl_setting, &key, &row);
}

static bool add_network(struct compile *c, uint32_t index)
{
	const struct network *n = &c->plan->networks[index];
	const struct site *site = site_here(c, index);
	struct sl_network_key key = { .network = n->id };
	struct sl_network row = { .vpc = c->vpcs[c->network_vpc[index]].id };

	row.flags = (n->monitor ? SL_NETWORK_MONITOR : 0) | (n->fail_open ? SL_NETWORK_FAIL_OPEN : 0) |
		    (n->ipv6_pass ? SL_NETWORK_IPV6_PASS : 0) | (n->broadcast ? SL_NETWORK_BROADCAST : 0) |
		    (n->multicast ? SL_NETWORK_MULTICAST : 0) | (n->external ? SL_NETWORK_EXTERNAL : 0);
	if (site) {
		const struct uplink *uplink = site->vlan ? site_uplink(c, site) : NULL;
		const struct link_fact *link = uplink ? link_named(c, uplink->name) : NULL;

		row.vlan = site->vlan;
		row.flags |= site->overlay ? SL_NETWORK_OVERLAY : 0;
		row.uplink = link ? link->ifindex : 0;
		row.gateway = htonl(site->gateway);
	}
	return row_add(c, SL_TABLE_sl_network, &key, &row);
}

static bool add_vlans(struct compile *c)
{
	uint16_t network_of[SL_VLANS] = { 0 };
	bool open[SL_VLANS] = { false }, managed[SL_VLANS] = { false };
	struct image *image = c->image;
	size_t count = 0;

	for (size_t i = 0; i < c->cluster->managed_vlan_count; i++) {
		const struct range *range = &c->cluster->managed_vlans[i];

		for (uint32_t vlan = range->first; vlan <= range->last && vlan < SL_VLANS; vlan++)
			managed[vlan] = true;
	}
	for (uint32_t i = 0; i < c->plan->network_count; i++) {
		const struct site *site = site_here(c, i);

		if (!site || !site->vlan || site->vlan >= SL_VLANS - 1)
			continue;
		if (network_of[site->vlan]) {
			report_error(c->r, &site->place, "VLAN %u is used by two networks of cluster \"%s\"",
				     site->vlan, c->cluster->name);
			return false;
		}
		network_of[site->vlan] = (uint16_t)c->plan->networks[i].id;
		open[site->vlan] = c->plan->networks[i].fail_open;
		count++;
	}
	image->vlan_fail = heap_take(c->heap, count * sizeof(*image->vlan_fail));
	if (!image->vlan_fail)
		return false;
	for (uint32_t vlan = 1; vlan < SL_VLANS - 1; vlan++) {
		struct sl_vlan row = { .network = network_of[vlan],
				       .state = network_of[vlan] ? SL_VLAN_NETWORK : SL_VLAN_UNASSIGNED };

		if (network_of[vlan]) {
			image->vlan_fail[image->vlan_fail_count].vlan = (uint16_t)vlan;
			image->vlan_fail[image->vlan_fail_count++].open = open[vlan];
		} else if (!managed[vlan]) {
			continue;
		}
		if (!row_add(c, SL_TABLE_sl_vlan, &vlan, &row))
			return false;
	}
	return true;
}

static bool add_nodes(struct compile *c)
{
	for (size_t i = 0; i < c->node_count; i++) {
		const struct ranges *addresses = &c->nodes[i].node->addresses;
		struct sl_node_key key = { .node = c->nodes[i].index };
		struct sl_node row = { 0 };

		if (!key.node || !addresses->count)
			continue;
		row.addr = htonl(addresses->item[0].first);
		if (!row_add(c, SL_TABLE_sl_node, &key, &row))
			return false;
	}
	return true;
}

bool fabric_build(struct compile *c)
{
	for (uint32_t i = 0; i < c->plan->network_count; i++) {
		if (!add_network(c, i))
			return false;
	}
	return add_setting(c) && add_vlans(c) && add_nodes(c);
}
