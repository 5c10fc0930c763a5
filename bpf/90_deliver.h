/* SPDX-License-Identifier: GPL-2.0 */
/*
 * deliver: where a packet goes. deliver_choose() writes it into the verdict, once per flow and plan;
 * deliver_*() carry it out, for every packet, and decide nothing.
 */
#ifndef SL_BPF_DELIVER_H
#define SL_BPF_DELIVER_H
#include "75_rewrite.h"
#include "84_tunnel.h"
#include "86_say.h"
#include "88_neighbour.h"

/* Out of the uplink on the VLAN of `network`, to node `node` (0: the MACs stay as they are). */
static __always_inline __u32 deliver_wire(const struct packet *p, struct sl_verdict *v,
					  const struct sl_network *network, __u16 node)
{
	if (!network->uplink)
		return SL_DROP_NO_INTERFACE;
	v->action = SL_ACTION_WIRE;
	v->ifindex = network->uplink;
	v->vlan = network->vlan;
	if (node) {
		struct sl_node_key key = { .node = node };
		const struct sl_node *row = plan_row(&sl_node, p->slot, &key);

		if (!row)
			return SL_DROP_NO_INTERFACE;
		v->flags |= SL_VERDICT_NEXT_HOP | SL_VERDICT_ROUTED;
		v->next_hop = row->addr;
	}
	return 0;
}

static __always_inline __u32 deliver_local(const struct packet *p, struct sl_verdict *v,
					   const struct sl_endpoint *dst)
{
	if (dst->flags & SL_ENDPOINT_STACK) {
		v->action = SL_ACTION_STACK;
		return 0;
	}
	if (!dst->ifindex)
		return SL_DROP_NO_INTERFACE;
	v->action = SL_ACTION_LOCAL;
	v->ifindex = dst->ifindex;
	/* A door out cannot hand over to the far side. */
	if (dst->flags & SL_ENDPOINT_PEER && p->door != DOOR_UP_OUT && p->door != DOOR_WL_OUT)
		v->flags |= SL_VERDICT_PEER;
	if (!mac_zero(dst->mac)) {
		v->flags |= SL_VERDICT_SET_DMAC;
		__builtin_memcpy(v->dmac, dst->mac, 6);
	}
	if (p->door == DOOR_TUN_IN ||
	    (p->door == DOOR_WL_IN && (p->network != dst->network || mac_router(p->dmac))))
		v->flags |= SL_VERDICT_ROUTED;
	/* Routed to this interface, by this node or the last one: without its MAC the workload would not listen. */
	if (!(v->flags & (SL_VERDICT_SET_DMAC | SL_VERDICT_PEER)) &&
	    (v->flags & SL_VERDICT_ROUTED || p->network != dst->network))
		return SL_DROP_NO_NEIGHBOUR;
	return 0;
}

/*
 * Towards `remote` by an external network: on its VLAN, to the one who is there or to the gateway; by the stack's
 * routes where it has none.
 */
static __always_inline __u32 deliver_outside_body(const struct packet *p, struct sl_verdict *v, __u16 network,
						  __be32 remote)
{
	const struct sl_network *row = classify_network(p, network);
	struct sl_endpoint e;

	v->action = p->door == DOOR_UP_OUT ? SL_ACTION_STACK : SL_ACTION_ROUTE;
	if (!row || !row->vlan)
		return 0;
	if (!row->uplink)
		return SL_DROP_NO_INTERFACE;
	v->action = SL_ACTION_WIRE;
	v->flags |= SL_VERDICT_NEXT_HOP;
	v->ifindex = row->uplink;
	v->vlan = row->vlan;
	v->next_hop = row->gateway;
	if (classify_address(p, row->vpc, remote, &e) && e.network == network)
		v->next_hop = remote;
	return v->next_hop ? 0 : SL_DROP_NO_NEIGHBOUR;
}
STATION(__u32, deliver_outside, (const struct packet *p, struct sl_verdict *v, __u16 network, __be32 remote),
	p &&v, (p, v, network, remote))

/* To another cluster: into the tunnel, if it begins here. An overlay network's CNI brings it to where it does. */
static __always_inline __u32 deliver_abroad(const struct packet *p, struct sl_verdict *v,
					    const struct sl_network *network)
{
	const struct sl_setting *setting = classify_setting(p);

	if (setting && setting->wan_ifindex) {
		v->action = SL_ACTION_WAN;
		v->flags |= SL_VERDICT_ROUTED;
		v->ifindex = setting->wan_ifindex;
		return 0;
	}
	v->action = SL_ACTION_STACK;
	return network->flags & SL_NETWORK_OVERLAY ? 0 : SL_DROP_NO_INTERFACE;
}

/* From a workload. */
static __always_inline __u32 deliver_from_workload(const struct packet *p, struct sl_verdict *v,
						   const struct sl_endpoint *dst)
{
	const struct sl_network *network = classify_network(p, p->network);
	bool same = p->network == dst->network;

	if (!network)
		return SL_DROP_NO_INTERFACE;
	if (endpoint_routed(dst))
		return deliver_abroad(p, v, network);
	v->action = SL_ACTION_STACK;
	switch (dst->kind) {
	case SL_ENDPOINT_LOCAL:
		return deliver_local(p, v, dst);
	case SL_ENDPOINT_HOST:
		v->flags |= SL_VERDICT_HERE;
		return 0;
	case SL_ENDPOINT_REMOTE:
	case SL_ENDPOINT_NODE:
		if (!network->vlan)
			return 0;
		if (same && !mac_router(p->dmac))
			return deliver_wire(p, v, network, 0);
		/* On the source's VLAN, so that the receiver can prove the source by it. */
		return dst->node ? deliver_wire(p, v, network, dst->node) : 0;
	case SL_ENDPOINT_NETWORK:
		/* What is sent to the gateway is to be routed, and only the stack may know how. */
		return same && network->vlan && !mac_router(p->dmac) ? deliver_wire(p, v, network, 0) : 0;
	case SL_ENDPOINT_WORLD:
		if (!(network->flags & SL_NETWORK_EXTERNAL))
			return SL_DROP_NO_EIP;
		return network->vlan ? deliver_wire(p, v, network, 0) : 0;
	default:
		return SL_DROP_NO_INTERFACE;
	}
}

static __always_inline __u32 deliver_choose_body(const struct packet *p, struct sl_verdict *v,
						 const struct sl_endpoint *dst)
{
	v->action = SL_ACTION_STACK;
	switch (p->door) {
	case DOOR_WL_IN:
		return deliver_from_workload(p, v, dst);
	case DOOR_TUN_IN:
		if (dst->kind == SL_ENDPOINT_HOST)
			v->flags |= SL_VERDICT_HERE;
		return dst->kind == SL_ENDPOINT_LOCAL ? deliver_local(p, v, dst) : 0;
	case DOOR_UP_XDP:
	case DOOR_UP_IN:
		if (endpoint_routed(dst))
			return SL_DROP_PLAINTEXT_WAN;
		switch (dst->kind) {
		case SL_ENDPOINT_LOCAL:
			return deliver_local(p, v, dst);
		case SL_ENDPOINT_HOST:
			v->flags |= SL_VERDICT_HERE;
			return 0;
		case SL_ENDPOINT_NETWORK: /* something the plan does not list, behind the node's own bridge */
			return 0;
		default:
			return SL_DROP_NOT_HERE;
		}
	default: /* on its way out of the stack already */
		return 0;
	}
}
STATION(__u32, deliver_choose, (const struct packet *p, struct sl_verdict *v, const struct sl_endpoint *dst),
	p &&v &&dst, (p, v, dst))

/* What a hop less adds to the header's sum: whatever else stands in its word, that has changed by one in its first byte. */
#define DELIVER_HOP ((__u16)~bpf_htons(0x0100))

/* One hop less to live. What is added to the checksum itself carries round at 0xffff already: that is written as 0. */
static __always_inline void deliver_lower_ttl(struct sl_ipv4 *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->ttl--;
	ip->check = check + (check >= 0xffff);
}

/* What every link takes (RFC 8200 asks it of all); what is not larger need not be measured. */
#define DELIVER_SMALL 1280

#ifdef SL_DOOR_TC
/* It is for whom it is brought to, whomever its MAC has named: nobody is to take it for somebody else's. */
static __always_inline void deliver_as_own(struct __sk_buff *ctx)
{
	if (ctx->pkt_type != 0 /* PACKET_HOST */)
		bpf_skb_change_type(ctx, 0);
}

/*
 * What ends at the node goes on as something else, if at all: unwrapped from the CNI's tunnel, or to whom kube-proxy
 * names. Nobody has judged that yet.
 */
static __always_inline int deliver_stack(struct __sk_buff *ctx, const struct packet *p, __u16 flags)
{
	if (!(flags & SL_VERDICT_HERE))
		mark_set(ctx, p);
	/* Sent to the gateway that sluice plays, whose MAC the stack does not know as its own. */
	if (p->door == DOOR_WL_IN && mac_router(p->dmac))
		deliver_as_own(ctx);
	return TC_ACT_UNSPEC; /* other programs and the stack go on */
}

/* Both MACs and one hop less to live, in place. */
static __always_inline __u32 deliver_hop(struct __sk_buff *ctx, const struct packet *p, const __u8 *dmac,
					 const __u8 *smac, bool routed)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	struct sl_eth *eth = begin;
	struct sl_ipv4 *ip = begin + (p->l3 & 0x3f);

	if ((void *)(ip + 1) > end || (void *)(eth + 1) > end)
		return SL_DROP_IP_HEADER;
	if (routed) {
		if (ip->ttl <= 1)
			return SL_DROP_TTL;
		deliver_lower_ttl(ip);
	}
	if (dmac)
		__builtin_memcpy(eth->dst, dmac, 6);
	if (smac)
		__builtin_memcpy(eth->src, smac, 6);
	return 0;
}

/* Without its tag, wherever that stands. */
static __always_inline bool deliver_untag(struct __sk_buff *ctx, struct packet *p)
{
	if (!(p->flags & PACKET_TAGGED))
		return true;
	if (!ctx->vlan_present)
		p->l3 -= sizeof(struct sl_tag);
	p->flags &= ~PACKET_TAGGED;
	return !bpf_skb_vlan_pop(ctx);
}

static __always_inline int deliver_failed(struct sl_verdict *v, __u32 reason)
{
	v->action = SL_ACTION_DROP;
	v->reason = reason;
	return TC_ACT_SHOT;
}

/* Drops what could not be carried; the caller counts. */
static __always_inline int deliver_to_wire_body(struct __sk_buff *ctx, struct packet *p, struct sl_verdict *v)
{
	__u32 reason = 0;

	if (p->door == DOOR_UP_OUT && !deliver_untag(ctx, p))
		return TC_ACT_SHOT;

	if (v->flags & SL_VERDICT_NEXT_HOP) {
		struct sl_iface_key uplink_key = { .ifindex = v->ifindex };
		const struct sl_iface *uplink = plan_row(&sl_iface, p->slot, &uplink_key);
		struct sl_neigh_key key = { .ifindex = v->ifindex, .vlan = v->vlan, .addr = v->next_hop };
		const struct sl_neigh *neigh = bpf_map_lookup_elem(&sl_neigh, &key);
		__u8 smac[6];

		if (!uplink)
			return deliver_failed(v, SL_DROP_NO_INTERFACE);
		__builtin_memcpy(smac, uplink->mac, 6);
		if (!neigh || neigh->state != SL_NEIGH_KNOWN) {
			v->action = SL_ACTION_DROP;
			v->reason = SL_DROP_NO_NEIGHBOUR;
			return neigh_ask(ctx, p, &key);
		}
		reason = deliver_hop(ctx, p, neigh->mac, smac, v->flags & SL_VERDICT_ROUTED);
	} else if (v->flags & SL_VERDICT_SET_DMAC) { /* back to where the flow's first packet came from */
		struct sl_iface_key uplink_key = { .ifindex = v->ifindex };
		const struct sl_iface *uplink = plan_row(&sl_iface, p->slot, &uplink_key);

		if (!uplink)
			return deliver_failed(v, SL_DROP_NO_INTERFACE);
		reason = deliver_hop(ctx, p, v->dmac, uplink->mac, v->flags & SL_VERDICT_ROUTED);
	}
	if (reason)
		return deliver_failed(v, reason);
	if (v->vlan && bpf_skb_vlan_push(ctx, bpf_htons(SL_ETH_VLAN), v->vlan))
		return TC_ACT_SHOT;
	mark_set(ctx, p);
	return bpf_redirect(v->ifindex, 0);
}
STATION(int, deliver_to_wire, (struct __sk_buff * ctx, struct packet *p, struct sl_verdict *v), p &&v,
	(ctx, p, v))

/* A packet from a tunnel without Ethernet gets a header of it. */
static __always_inline bool deliver_framed(struct __sk_buff *ctx, struct packet *p)
{
	struct sl_eth *eth;

	if (p->l3)
		return true;
	if (bpf_skb_change_head(ctx, sizeof(*eth), 0))
		return false;
	eth = packet_begin(ctx);
	if ((void *)(eth + 1) > packet_end(ctx))
		return false;
	__builtin_memset(eth, 0, sizeof(*eth));
	eth->type = bpf_htons(SL_ETH_IPV4);
	p->l3 += sizeof(*eth);
	p->l4 += sizeof(*eth);
	return true;
}

static __always_inline int deliver_to_workload_body(struct __sk_buff *ctx, struct packet *p,
						    struct sl_verdict *v)
{
	const __u8 router[6] = SL_ROUTER_MAC;
	bool routed = v->flags & SL_VERDICT_ROUTED;
	__u32 reason;

	if (!deliver_untag(ctx, p) || !deliver_framed(ctx, p))
		return TC_ACT_SHOT;
	reason = deliver_hop(ctx, p, v->flags & SL_VERDICT_SET_DMAC ? v->dmac : NULL, routed ? router : NULL,
			     routed);
	if (reason)
		return deliver_failed(v, reason);
	if (v->flags & SL_VERDICT_PEER) {
		/* The far side takes the packet as it is. */
		deliver_as_own(ctx);
		return bpf_redirect_peer(v->ifindex, 0);
	}
	mark_set(ctx, p);
	return bpf_redirect(v->ifindex, 0);
}
STATION(int, deliver_to_workload, (struct __sk_buff * ctx, struct packet *p, struct sl_verdict *v), p &&v,
	(ctx, p, v))

/* By the stack's routes and neighbours, but past its input, whose filters would meet addresses they cannot know. */
static __always_inline int deliver_by_route_body(struct __sk_buff *ctx, const struct packet *p, __be32 saddr,
						 __be32 daddr)
{
	const struct sl_setting *setting = classify_setting(p);
	struct bpf_fib_lookup fib = {
		.family = 2 /* AF_INET */,
		.ipv4_src = saddr,
		.ipv4_dst = daddr,
		.ifindex = p->ifindex,
	};
	long found = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	__u32 to = fib.ifindex;

	if (!setting)
		return TC_ACT_SHOT;
	if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH)
		to = setting->uplink; /* the node may not be set to forward; sluice does */
	if (!to)
		return TC_ACT_SHOT;
	mark_set(ctx, p);
	return bpf_redirect_neigh(to, NULL, 0, 0);
}
STATION(int, deliver_by_route, (struct __sk_buff * ctx, const struct packet *p, __be32 saddr, __be32 daddr),
	p, (ctx, p, saddr, daddr))

/*
 * What the way takes, if the packet is larger; 0: it fits, or is cut for the tunnel in time. Asked before anything is
 * rewritten: the sender has to be told about its own packet, or it will not know it.
 */
static __always_inline __u32 deliver_room_body(struct __sk_buff *ctx, const struct packet *p,
					       const struct sl_verdict *v)
{
	const struct sl_setting *setting = classify_setting(p);
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);
	__u32 room = p->len;

	if (!setting || (void *)(ip + 1) > packet_end(ctx) || ctx->gso_size)
		return 0;
	if (v->action == SL_ACTION_TUNNEL) {
		room = setting->tunnel_mtu - SL_TUNNEL_BYTES;
		return p->len > room && ip->frag & bpf_htons(SL_IP_DF) ? room : 0;
	}
	if ((p->len <= DELIVER_SMALL && v->action != SL_ACTION_WAN) || !(v->flags & SL_VERDICT_ROUTED) ||
	    (v->action != SL_ACTION_WIRE && v->action != SL_ACTION_LOCAL && v->action != SL_ACTION_WAN))
		return 0;
	return bpf_check_mtu(ctx, v->ifindex, &room, 0, 0) == BPF_MTU_CHK_RET_FRAG_NEEDED ? room : 0;
}
STATION(__u32, deliver_room, (struct __sk_buff * ctx, const struct packet *p, const struct sl_verdict *v),
	p &&v, (ctx, p, v))

static __always_inline int deliver_tell_too_big(struct __sk_buff *ctx, const struct packet *p,
						struct sl_verdict *v, __u32 room)
{
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);

	if ((void *)(ip + 1) > packet_end(ctx) || !(ip->frag & bpf_htons(SL_IP_DF)))
		return deliver_failed(v, SL_DROP_TOO_BIG);
	deliver_failed(v, SL_DROP_TOO_BIG);
	stat(SL_STAT_TOO_BIG_TOLD);
	return say_error(ctx, p, SL_SAY(SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED), room, 0);
}

/* May the packet be cut, and was it? */
static __always_inline bool deliver_cut(struct __sk_buff *ctx, struct packet *p, __u32 room)
{
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);

	return (void *)(ip + 1) <= packet_end(ctx) && !(ip->frag & bpf_htons(SL_IP_DF)) &&
	       packet_split(ctx, p, room);
}

static __always_inline int deliver_to_tunnel_body(struct __sk_buff *ctx, struct packet *p,
						  struct sl_verdict *v)
{
	const struct sl_setting *setting = classify_setting(p);
	__u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	__u32 mtu = setting ? setting->tunnel_mtu : 0, room = mtu - SL_TUNNEL_BYTES, largest = p->len;

	if (!setting || mtu <= SL_TUNNEL_BYTES + 68)
		return deliver_failed(v, SL_DROP_TOO_BIG);
	if (ctx->gso_size) { /* of the segments, each of which gets all the headers */
		struct sl_tcp *tcp = packet_begin(ctx) + (p->l4 & 0xff);
		__u32 header = sizeof(struct sl_udp);

		if (p->key.proto == SL_PROTO_TCP) {
			if ((void *)(tcp + 1) > packet_end(ctx))
				return deliver_failed(v, SL_DROP_L4_HEADER);
			header = (tcp->offset >> 4) * 4;
		}
		largest = p->l4 - p->l3 + header + ctx->gso_size;
	}
	if (v->flags & SL_VERDICT_CLAMP && p->tcp_flags & SL_TCP_SYN && !rewrite_mss(ctx, p, room - 40))
		return deliver_failed(v, SL_DROP_L4_HEADER);
	if (largest > room && !ctx->gso_size) {
		if (!packet_split(ctx, p, room))
			return deliver_failed(v, SL_DROP_TOO_BIG);
	} else if (largest <= room && ctx->gso_size) {
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	}
	if (!deliver_untag(ctx, p) || !deliver_framed(ctx, p))
		return deliver_failed(v, SL_DROP_TOO_BIG);
	/* While what is to be wrapped is all there is: the kernel keeps it. */
	bpf_get_hash_recalc(ctx);
	if (bpf_skb_adjust_room(ctx, SL_TUNNEL_BYTES, BPF_ADJ_ROOM_MAC, flags) || !tunnel_wrap(ctx, p, v))
		return deliver_failed(v, SL_DROP_TOO_BIG);
	stat(SL_STAT_TUNNEL_SENT);
	return deliver_by_route(ctx, p, setting->node_addr, v->next_hop);
}
STATION(int, deliver_to_tunnel, (struct __sk_buff * ctx, struct packet *p, struct sl_verdict *v), p &&v,
	(ctx, p, v))

/* To the node's own socket, as if the answer had come from the wire that the request went out to. */
static __always_inline int deliver_to_host_body(struct __sk_buff *ctx, const struct packet *p,
						const struct sl_verdict *v)
{
	const __u8 router[6] = SL_ROUTER_MAC;
	struct sl_iface_key key = { .ifindex = v->ifindex };
	const struct sl_iface *uplink = plan_row(&sl_iface, p->slot, &key);
	struct sl_eth *eth = packet_begin(ctx);

	if (!uplink || (void *)(eth + 1) > packet_end(ctx))
		return TC_ACT_SHOT;
	__builtin_memcpy(eth->dst, uplink->mac, 6);
	__builtin_memcpy(eth->src, router, 6); /* by which the door knows that it was judged */
	mark_set(ctx, p);
	return bpf_redirect(v->ifindex, BPF_F_INGRESS);
}
STATION(int, deliver_to_host, (struct __sk_buff * ctx, const struct packet *p, const struct sl_verdict *v),
	p &&v, (ctx, p, v))

/* A refusal that the sender hears of. */
static __always_inline int deliver_refusal_body(struct __sk_buff *ctx, const struct packet *p,
						struct sl_verdict *v)
{
	v->action = SL_ACTION_DROP; /* and counts as one, whatever is said */
	if (v->flags & SL_VERDICT_NAT) { /* no mapping is possible (RFC 5508 REQ-8) */
		stat(SL_STAT_PROHIBITED_TOLD);
		return say_error(ctx, p, SL_SAY(SL_ICMP_UNREACHABLE, SL_ICMP_PROHIBITED), 0, 0);
	}
	if (p->key.proto == SL_PROTO_TCP)
		return say_reset(ctx, p);
	if (p->key.proto != SL_PROTO_UDP)
		return TC_ACT_SHOT;
	stat(SL_STAT_RESETS);
	return say_error(ctx, p, SL_SAY(SL_ICMP_UNREACHABLE, SL_ICMP_PORT), 0, 0);
}
STATION(int, deliver_refusal, (struct __sk_buff * ctx, const struct packet *p, struct sl_verdict *v), p &&v,
	(ctx, p, v))

/*
 * The last hop of a workload's packet, which sluice would have to route: its gateway says so. Asked before anything is
 * rewritten.
 */
static __always_inline int deliver_time_exceeded_body(struct __sk_buff *ctx, const struct packet *p,
						      struct sl_verdict *v)
{
	const struct sl_network *network = classify_network(p, p->network);

	deliver_failed(v, SL_DROP_TTL);
	if (p->door != DOOR_WL_IN || !network || !network->gateway)
		return TC_ACT_SHOT;
	stat(SL_STAT_TIME_EXCEEDED);
	return say_error(ctx, p, SL_SAY(SL_ICMP_TIME_EXCEEDED, 0), 0, network->gateway);
}
STATION(int, deliver_time_exceeded, (struct __sk_buff * ctx, const struct packet *p, struct sl_verdict *v),
	p &&v, (ctx, p, v))

/* What a client is told to send at most, when its packets reach the backend through the tunnel. */
static __always_inline bool deliver_clamp(struct __sk_buff *ctx, const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);

	return !setting || rewrite_mss(ctx, p, setting->tunnel_mtu - SL_TUNNEL_BYTES - 40);
}

static __always_inline int deliver_packet(struct __sk_buff *ctx, struct packet *p, struct sl_verdict *v)
{
	__u32 reason, room;

	if (v->flags & SL_VERDICT_ROUTED && p->ttl <= 1 && v->action != SL_ACTION_DROP &&
	    v->action != SL_ACTION_RESET)
		return deliver_time_exceeded(ctx, p, v);
	room = p->len > DELIVER_SMALL || v->action == SL_ACTION_TUNNEL || v->action == SL_ACTION_WAN
		       ? deliver_room(ctx, p, v)
		       : 0;
	if (room && !deliver_cut(ctx, p, room))
		return deliver_tell_too_big(ctx, p, v, room);
	if (v->flags & (SL_VERDICT_SRC | SL_VERDICT_DST) && v->action != SL_ACTION_DROP) {
		if (v->flags & SL_VERDICT_CLAMP && p->tcp_flags & SL_TCP_SYN &&
		    v->action != SL_ACTION_TUNNEL && !deliver_clamp(ctx, p))
			return deliver_failed(v, SL_DROP_L4_HEADER);
		if (!rewrite_packet(ctx, p, v))
			return deliver_failed(v, SL_DROP_L4_HEADER);
	}
	switch (v->action) {
	case SL_ACTION_STACK:
		/* On a tagged uplink the stack has no interface for what is sent to an address of no interface. */
		if (v->flags & SL_VERDICT_DST && p->door == DOOR_UP_IN && !deliver_untag(ctx, p))
			return TC_ACT_SHOT;
		return deliver_stack(ctx, p, v->flags);
	case SL_ACTION_LOCAL:
		return deliver_to_workload(ctx, p, v);
	case SL_ACTION_WIRE:
		return deliver_to_wire(ctx, p, v);
	case SL_ACTION_ECHO:
		return say_echo(ctx, p, v);
	case SL_ACTION_TUNNEL:
		return deliver_to_tunnel(ctx, p, v);
	case SL_ACTION_ROUTE:
		reason = deliver_hop(ctx, p, NULL, NULL, v->flags & SL_VERDICT_ROUTED);
		if (reason)
			return deliver_failed(v, reason);
		return deliver_by_route(ctx, p, v->flags & SL_VERDICT_SRC ? v->saddr : p->saddr,
					v->flags & SL_VERDICT_DST ? v->daddr : p->daddr);
	case SL_ACTION_WAN:
		reason = deliver_hop(ctx, p, NULL, NULL, v->flags & SL_VERDICT_ROUTED);
		if (reason)
			return deliver_failed(v, reason);
		mark_wan(ctx, p);
		return bpf_redirect(v->ifindex, 0);
	case SL_ACTION_HOST:
		return deliver_to_host(ctx, p, v);
	case SL_ACTION_RESET:
		return deliver_refusal(ctx, p, v);
	default:
		return TC_ACT_SHOT;
	}
}

#endif

#endif
