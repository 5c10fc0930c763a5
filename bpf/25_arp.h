/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arp: who may say which address is where. A sender must own its address on that network; a workload
 * may speak for itself only. sluice answers for gateways (to workloads, never on a wire) and for this
 * node's addresses on managed VLANs, by which other nodes find it as a next hop. TC only.
 */
#ifndef SL_BPF_ARP_H
#define SL_BPF_ARP_H
#include "92_switch.h"
#include "path.h"

struct arp {
	__be32 spa;
	__be32 tpa;
	__u8 sha[6];
	__u16 op;
};

static __always_inline __u32 arp_parse(struct __sk_buff *ctx, const struct packet *p, struct arp *a)
{
	struct sl_arp *arp = packet_begin(ctx) + (p->l3 & 0x3f);

	if ((void *)(arp + 1) > packet_end(ctx))
		return SL_DROP_ARP_MALFORMED;
	if (arp->htype != bpf_htons(1) || arp->ptype != bpf_htons(SL_ETH_IPV4) || arp->hlen != 6 ||
	    arp->plen != 4)
		return SL_DROP_ARP_MALFORMED;
	a->op = bpf_ntohs(arp->op);
	if (a->op != SL_ARP_REQUEST && a->op != SL_ARP_REPLY)
		return SL_DROP_ARP_MALFORMED;
	a->spa = arp->spa;
	a->tpa = arp->tpa;
	__builtin_memcpy(a->sha, arp->sha, 6);
	return 0;
}

/* Turns the request into the answer "tpa is here" and sends it back where it came from. */
static __always_inline int arp_answer_body(struct __sk_buff *ctx, const struct packet *p)
{
	struct sl_eth *eth = packet_begin(ctx);
	struct sl_arp *arp = packet_begin(ctx) + (p->l3 & 0x3f);
	const struct sl_iface *uplink = classify_interface(p);
	__u8 mac[6] __attribute__((aligned(2))) = SL_ROUTER_MAC;
	__be32 asked;

	if ((void *)(arp + 1) > packet_end(ctx) || (void *)(eth + 1) > packet_end(ctx) || !uplink)
		return TC_ACT_SHOT;
	if (p->door != DOOR_WL_IN) /* the gateway of workloads is nowhere else */
		__builtin_memcpy(mac, uplink->mac, 6);
	asked = arp->tpa;
	__builtin_memcpy(eth->dst, arp->sha, 6);
	__builtin_memcpy(eth->src, mac, 6);
	arp->op = bpf_htons(SL_ARP_REPLY);
	__builtin_memcpy(arp->tha, arp->sha, 6);
	arp->tpa = arp->spa;
	__builtin_memcpy(arp->sha, mac, 6);
	arp->spa = asked;
	stat(SL_STAT_ARP_ANSWERED);
	mark_set(ctx, p);
	return bpf_redirect(p->ifindex, 0);
}
STATION(int, arp_answer, (struct __sk_buff * ctx, const struct packet *p), p, (ctx, p))

/* The MAC of a next hop that has been asked for. Rows are made by asking only. */
static __always_inline void arp_learn(const struct packet *p, const struct arp *a)
{
	struct sl_neigh_key key = { .ifindex = p->ifindex, .vlan = p->vlan, .addr = a->spa };
	struct sl_neigh *neigh = bpf_map_lookup_elem(&sl_neigh, &key);
	bool news;

	if (!neigh)
		return;
	news = neigh->state != SL_NEIGH_KNOWN || !mac_equal(neigh->mac, a->sha);
	__builtin_memcpy(neigh->mac, a->sha, 6);
	neigh->state = SL_NEIGH_KNOWN;
	neigh->heard = tick_now();
	if (news)
		cache_forget_all();
}

/* Into one workload interface of this node. */
static __always_inline int arp_to_workload(struct __sk_buff *ctx, const struct packet *p, __u32 ifindex)
{
	if (p->flags & PACKET_TAGGED && bpf_skb_vlan_pop(ctx))
		return TC_ACT_SHOT;
	mark_set(ctx, p);
	return bpf_redirect(ifindex, 0);
}

/* Is it an outside address that this node must speak for alone? */
static __always_inline bool arp_owned(const struct packet *p, __be32 addr)
{
	const struct sl_vip *vip = service_vip(p, addr);

	return vip && vip->flags & SL_VIP_OWNED && !(vip->flags & SL_VIP_HOST);
}

static __always_inline __u32 arp_sender_on_wire_body(struct packet *p, const struct arp *a, __u16 node_vpc)
{
	const struct sl_endpoint *node = classify_exact(p, node_vpc, a->spa);
	struct sl_endpoint e;

	if (arp_owned(p, a->spa))
		return SL_DROP_ARP_SPOOFED;
	if (p->flags & PACKET_OPTIONAL)
		return 0;
	if (!mac_equal(a->sha, p->smac) || mac_multicast(a->sha))
		return SL_DROP_ARP_SPOOFED;
	if (!a->spa) /* a probe claims nothing (RFC 5227) */
		return 0;
	/* Nodes ask for each other by their own addresses on every managed VLAN. */
	if (node && node->kind == SL_ENDPOINT_NODE)
		return 0;
	if (!classify_address(p, p->vpc, a->spa, &e) || e.kind == SL_ENDPOINT_LOCAL ||
	    e.kind == SL_ENDPOINT_HOST || e.kind == SL_ENDPOINT_GATEWAY || e.kind == SL_ENDPOINT_BROADCAST)
		return SL_DROP_ARP_SPOOFED;
	if (node && node->kind == SL_ENDPOINT_HOST)
		return SL_DROP_ARP_SPOOFED;
	if (e.network != p->network && !(p->net_flags & SL_NETWORK_EXTERNAL && e.kind == SL_ENDPOINT_WORLD))
		return SL_DROP_ARP_SPOOFED;
	if (!mac_zero(e.mac) && !mac_equal(e.mac, a->sha))
		return SL_DROP_ARP_SPOOFED;
	return 0;
}
STATION(__u32, arp_sender_on_wire, (struct packet * p, const struct arp *a, __u16 node_vpc), p &&a,
	(p, a, node_vpc))

static __always_inline int arp_from_wire_body(struct __sk_buff *ctx, struct packet *p, struct sl_verdict *v)
{
	const struct sl_setting *setting = classify_setting(p);
	const struct sl_iface *uplink = classify_interface(p);
	const struct sl_endpoint *target, *host;
	const struct sl_vip *vip;
	struct arp a = {};
	__u32 reason = arp_parse(ctx, p, &a);

	if (!setting || !uplink) {
		path_drop(v, SL_DROP_NO_INTERFACE);
		return TC_ACT_SHOT;
	}
	if (reason && p->flags & PACKET_OPTIONAL) {
		v->action = SL_ACTION_STACK;
		return TC_ACT_UNSPEC;
	}
	if (!reason)
		reason = arp_sender_on_wire(p, &a, setting->node_vpc);
	if (path_stop(p, v, reason, false))
		return TC_ACT_SHOT;
	v->action = SL_ACTION_STACK;
	arp_learn(p, &a);
	vip = service_vip(p, a.tpa);
	if (a.op == SL_ARP_REQUEST && vip && vip->network == p->network && arp_owned(p, a.tpa))
		return arp_answer(ctx, p);
	if (p->flags & PACKET_OPTIONAL)
		return TC_ACT_UNSPEC;
	target = classify_exact(p, p->vpc, a.tpa);
	if (target && target->kind == SL_ENDPOINT_LOCAL && target->network == p->network && target->ifindex)
		return arp_to_workload(ctx, p, target->ifindex);
	host = classify_exact(p, setting->node_vpc, a.tpa);
	/* On the network that the address belongs to, the node's own stack answers. */
	if (a.op == SL_ARP_REQUEST && host && host->kind == SL_ENDPOINT_HOST && host->network != p->network)
		return arp_answer(ctx, p);
	if (a.spa == a.tpa)
		return deliver_l2(ctx, p);
	return deliver_stack(ctx, p, 0);
}
STATION(int, arp_from_wire, (struct __sk_buff * ctx, struct packet *p, struct sl_verdict *v), p &&v,
	(ctx, p, v))

static __always_inline int arp_from_workload_body(struct __sk_buff *ctx, struct packet *p,
						  struct sl_verdict *v)
{
	const struct sl_network *network = classify_network(p, p->network);
	const struct sl_endpoint *sender, *target;
	struct arp a = {};
	__u32 reason = arp_parse(ctx, p, &a);

	if (reason || !network) {
		path_drop(v, reason ? reason : SL_DROP_NO_INTERFACE);
		return TC_ACT_SHOT;
	}
	/* A probe comes from 0.0.0.0 and asks for the address its sender is about to use. */
	sender = classify_exact(p, p->vpc, a.spa ? a.spa : a.tpa);
	if (!sender || sender->kind != SL_ENDPOINT_LOCAL || sender->ifindex != p->ifindex ||
	    !mac_equal(a.sha, p->smac) || (!mac_zero(sender->mac) && !mac_equal(sender->mac, a.sha)))
		reason = SL_DROP_ARP_SPOOFED;
	if (path_stop(p, v, reason, false))
		return TC_ACT_SHOT;
	v->action = SL_ACTION_STACK;
	if (a.op == SL_ARP_REQUEST && network->gateway && a.tpa == network->gateway &&
	    !(network->flags & SL_NETWORK_EXTERNAL))
		return arp_answer(ctx, p);
	if (!a.spa || a.spa == a.tpa)
		return deliver_l2(ctx, p);
	target = classify_exact(p, p->vpc, a.tpa);
	if (target && target->kind == SL_ENDPOINT_LOCAL && target->network == p->network && target->ifindex)
		return arp_to_workload(ctx, p, target->ifindex);
	if (target && target->kind == SL_ENDPOINT_HOST)
		return deliver_stack(ctx, p, 0);
	mark_set(ctx, p);
	return deliver_tagged(ctx, p);
}
STATION(int, arp_from_workload, (struct __sk_buff * ctx, struct packet *p, struct sl_verdict *v), p &&v,
	(ctx, p, v))

/* From the stack or a bridge of this node, unjudged. */
static __always_inline int arp_from_stack_body(struct __sk_buff *ctx, struct packet *p, struct sl_verdict *v)
{
	const struct sl_setting *setting = classify_setting(p);
	const struct sl_endpoint *host;
	const struct sl_vip *vip;
	struct sl_endpoint e;
	struct arp a = {};
	__u32 reason = arp_parse(ctx, p, &a);

	vip = service_vip(p, a.spa);
	if (!reason && vip && !(vip->flags & (SL_VIP_OWNED | SL_VIP_HOST)))
		reason = SL_DROP_ARP_SPOOFED; /* another node speaks for it */
	if (p->flags & PACKET_OPTIONAL || (vip && vip->flags & SL_VIP_OWNED)) {
		if (reason != SL_DROP_ARP_SPOOFED)
			reason = 0;
	} else if (!reason && setting && a.spa) {
		host = classify_exact(p, setting->node_vpc, a.spa);
		if (!(host && host->kind == SL_ENDPOINT_HOST) &&
		    (!classify_address(p, p->vpc, a.spa, &e) || e.network != p->network ||
		     (e.kind == SL_ENDPOINT_LOCAL && !(e.flags & SL_ENDPOINT_STACK))))
			reason = SL_DROP_ARP_SPOOFED;
	}
	if (path_stop(p, v, reason, false))
		return TC_ACT_SHOT;
	v->action = SL_ACTION_STACK;
	return TC_ACT_UNSPEC;
}
STATION(int, arp_from_stack, (struct __sk_buff * ctx, struct packet *p, struct sl_verdict *v), p &&v,
	(ctx, p, v))

static __always_inline int arp_packet_body(struct __sk_buff *ctx, struct packet *p, struct sl_verdict *v)
{
	switch (p->door) {
	case DOOR_UP_IN:
		return arp_from_wire(ctx, p, v);
	case DOOR_WL_IN:
		return arp_from_workload(ctx, p, v);
	default:
		return arp_from_stack(ctx, p, v);
	}
}
STATION(int, arp_packet, (struct __sk_buff * ctx, struct packet *p, struct sl_verdict *v), p &&v, (ctx, p, v))

#endif
