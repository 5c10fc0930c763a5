/* SPDX-License-Identifier: GPL-2.0 */
/*
 * classify: (interface, VLAN) → network and VPC; address → endpoint with its class. Decides whether a
 * source belongs where it came in; whether it may talk is policy's business.
 */
#ifndef SL_BPF_CLASSIFY_H
#define SL_BPF_CLASSIFY_H
#include "packet.h"

/* Reads the active generation. False: no plan is in. */
static __always_inline bool classify_plan(struct packet *p)
{
	p->generation = packet_generation();
	p->slot = p->generation & 1;
	return p->generation != 0;
}

static __always_inline const struct sl_setting *classify_setting(const struct packet *p)
{
	__u32 zero = 0;

	return plan_row(&sl_setting, p->slot, &zero);
}

static __always_inline const struct sl_iface *classify_interface(const struct packet *p)
{
	struct sl_iface_key key = { .ifindex = p->ifindex };

	return plan_row(&sl_iface, p->slot, &key);
}

static __always_inline const struct sl_network *classify_network(const struct packet *p, __u16 network)
{
	struct sl_network_key key = { .network = network };

	return plan_row(&sl_network, p->slot, &key);
}

/*
 * Who an address is in a VPC: the exact address, then the longest prefix. A copy, so that the verifier need not
 * follow every pair of tables that source and destination may stand in. False: no plan knows the VPC.
 */
static __always_inline bool classify_address_body(const struct packet *p, __u16 vpc, __be32 addr,
						  struct sl_endpoint *to)
{
	struct sl_exact_key exact = { .vpc = vpc, .addr = addr };
	struct sl_prefix_key prefix = { .prefixlen = 64, .vpc = bpf_htons(vpc), .addr = addr };
	const struct sl_endpoint *e = plan_row(&sl_exact, p->slot, &exact);

	if (!e)
		e = plan_row(&sl_prefix, p->slot, &prefix);
	if (!e)
		return false;
	*to = *e;
	return true;
}
STATION(bool, classify_address, (const struct packet *p, __u16 vpc, __be32 addr, struct sl_endpoint *to),
	p &&to, (p, vpc, addr, to))

static __always_inline const struct sl_endpoint *classify_exact(const struct packet *p, __u16 vpc,
								__be32 addr)
{
	struct sl_exact_key exact = { .vpc = vpc, .addr = addr };

	return plan_row(&sl_exact, p->slot, &exact);
}

/* What the tag of a frame means. 0: p->network is set; UNMANAGED: not the plan's; else a reason. */
#define CLASSIFY_UNMANAGED 255
static __always_inline __u32 classify_vlan(struct packet *p, const struct sl_iface *iface)
{
	const struct sl_network *network;
	const struct sl_vlan *vlan;
	__u32 id = p->vlan;

	if (p->flags & PACKET_DOUBLE_TAG)
		return SL_DROP_VLAN_DOUBLE;
	if (!id)
		return SL_DROP_VLAN_PRIORITY;
	if (id == SL_VLANS - 1)
		return SL_DROP_VLAN_RESERVED;
	vlan = plan_row(&sl_vlan, p->slot, &id);
	if (!vlan || vlan->state == SL_VLAN_UNMANAGED)
		return iface->flags & SL_IFACE_UNMANAGED_DROP ? SL_DROP_VLAN_UNMANAGED : CLASSIFY_UNMANAGED;
	if (vlan->state == SL_VLAN_UNASSIGNED)
		return SL_DROP_VLAN_UNASSIGNED;
	network = classify_network(p, vlan->network);
	/* The same id on another uplink is another wire: a network is a VLAN of one uplink. */
	if (!network || network->uplink != p->ifindex)
		return SL_DROP_VLAN_UNASSIGNED;
	p->network = vlan->network;
	p->vpc = network->vpc;
	p->net_flags = network->flags;
	return 0;
}

static __always_inline bool endpoint_managed(const struct sl_endpoint *e)
{
	return sl_endpoint_managed(e->kind);
}

/* Of another cluster, where only a route leads. Nodes are met by their own addresses. */
static __always_inline bool endpoint_routed(const struct sl_endpoint *e)
{
	return e->flags & SL_ENDPOINT_ABROAD && e->kind != SL_ENDPOINT_NODE;
}

/* May the source be seen on the external network that the packet leaves by, now or once it is translated? */
static __always_inline bool classify_outside(const struct packet *p, const struct sl_endpoint *src)
{
	struct sl_eip_key key = { .addr = p->saddr };

	return src->kind == SL_ENDPOINT_HOST || endpoint_managed(src) || plan_row(&sl_eip, p->slot, &key);
}

/* Does the source belong where the packet came in? 0 or a reason. */
static __always_inline __u32 classify_source_body(const struct packet *p, const struct sl_endpoint *src)
{
	const struct sl_network *network;

	switch (p->door) {
	case DOOR_WL_IN:
		if (src->kind != SL_ENDPOINT_LOCAL || src->ifindex != p->ifindex)
			return SL_DROP_SPOOFED_SOURCE;
		if (!mac_zero(src->mac) && !mac_equal(src->mac, p->smac))
			return SL_DROP_SPOOFED_MAC;
		return 0;
	case DOOR_UP_XDP:
	case DOOR_UP_IN:
		if (mac_multicast(p->smac))
			return SL_DROP_SPOOFED_MAC;
		if (endpoint_routed(src))
			return SL_DROP_PLAINTEXT_WAN;
		/* Nobody on the wire may speak as a workload, a gateway or an address of this node. */
		if (src->kind == SL_ENDPOINT_LOCAL || src->kind == SL_ENDPOINT_HOST ||
		    src->kind == SL_ENDPOINT_GATEWAY || src->kind == SL_ENDPOINT_BROADCAST)
			return SL_DROP_SPOOFED_SOURCE;
		if (p->network == SL_NET_WORLD) {
			/* Untagged towards this node: a VLAN's address would have come by its VLAN. */
			if (src->kind == SL_ENDPOINT_WORLD || src->kind == SL_ENDPOINT_NODE)
				return 0;
			network = classify_network(p, src->network);
			return network && network->vlan ? SL_DROP_SPOOFED_SOURCE : 0;
		}
		if (src->network == p->network)
			return 0;
		if ((p->net_flags & SL_NETWORK_EXTERNAL) && src->kind == SL_ENDPOINT_WORLD)
			return 0;
		return SL_DROP_SPOOFED_SOURCE;
	case DOOR_TUN_IN:
		if (endpoint_routed(src))
			return 0;
		return endpoint_managed(src) || src->kind == SL_ENDPOINT_HOST ? SL_DROP_SPOOFED_SOURCE : 0;
	case DOOR_UP_OUT:
	case DOOR_WL_OUT:
	case DOOR_TUN_OUT:
		/* From the stack: this node itself, the world, or what the CNI carries; not a workload that
		 * no door has judged, nor a network that arrives by a VLAN. */
		if (p->door == DOOR_UP_OUT && p->net_flags & SL_NETWORK_EXTERNAL && !classify_outside(p, src))
			return SL_DROP_UNNATTED_EGRESS;
		/* The CNI brings what came out of a tunnel at another node; in clear it cannot have come here. */
		if (endpoint_routed(src))
			return p->door == DOOR_WL_OUT && p->net_flags & SL_NETWORK_OVERLAY ? 0
											   : SL_DROP_UNJUDGED;
		if (!endpoint_managed(src))
			return 0;
		network = classify_network(p, src->network);
		if (!network)
			return SL_DROP_UNJUDGED;
		if (network->flags & SL_NETWORK_FAIL_OPEN)
			return 0;
		if (src->kind == SL_ENDPOINT_LOCAL && !(src->flags & SL_ENDPOINT_STACK))
			return SL_DROP_UNJUDGED;
		return network->flags & SL_NETWORK_OVERLAY || src->flags & SL_ENDPOINT_STACK ||
				       (p->door == DOOR_UP_OUT && p->network == src->network)
			       ? 0
			       : SL_DROP_UNJUDGED;
	}
	return SL_DROP_UNJUDGED;
}
STATION(__u32, classify_source, (const struct packet *p, const struct sl_endpoint *src), p &&src, (p, src))

#endif
