/* SPDX-License-Identifier: GPL-2.0 */
/*
 * guard: what must not be seen on an uplink in clear. Between clusters everything goes through the tunnel, so no
 * address of another cluster's inside may stand in a packet on any uplink, either way, whoever has judged it before;
 * nor may another cluster's nodes be spoken to by overlay tunnels or databases. The tunnel itself is between this
 * node and the peers of the plan.
 */
#ifndef SL_BPF_GUARD_H
#define SL_BPF_GUARD_H
#include "20_classify.h"

static __always_inline const struct sl_abroad *guard_abroad(const struct packet *p, __be32 addr)
{
	struct sl_abroad_key key = { .prefixlen = 32, .addr = addr };

	return plan_row(&sl_abroad, p->slot, &key);
}

static __always_inline bool guard_own(const struct packet *p, __u16 vpc, __be32 addr)
{
	const struct sl_endpoint *e = classify_exact(p, vpc, addr);

	return e && e->kind == SL_ENDPOINT_HOST;
}

static __always_inline bool guard_database(__u16 port)
{
	return (port >= SL_OVN_IC_FIRST && port <= SL_OVN_IC_LAST) ||
	       (port >= SL_ETCD_FIRST && port <= SL_ETCD_LAST);
}

/* A database's client has a port that the kernel chose, its server one of these: either may be the near end. */
static __always_inline bool guard_forbidden(const struct sl_setting *setting, __u8 proto, __be16 sport,
					    __be16 dport)
{
	if (proto == SL_PROTO_UDP && (dport == bpf_htons(SL_GENEVE_PORT) || dport == setting->tunnel_port))
		return true;
	return (proto == SL_PROTO_TCP || proto == SL_PROTO_UDP) &&
	       (guard_database(bpf_ntohs(sport)) || guard_database(bpf_ntohs(dport)));
}

#ifdef SL_DOOR_XDP
#define guard_uplink guard_uplink_xdp /* its context is another: the linker must not take one for the other */
#endif
/*
 * 0: nothing against it; p->cluster says whose tunnel it belongs to, if to any. Or a reason. Needs parse_frame(); a
 * header that is not whole is parse's to find.
 */
static __always_inline __u32 guard_uplink_body(sl_ctx *ctx, struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);
	const struct sl_abroad *from, *to;
	struct sl_l4_ports *ports;
	bool out = p->door == DOOR_UP_OUT, later;
	__be16 sport = 0, dport = 0;
	__be32 near;
	__u16 met;
	__u8 proto;

	if (!setting || !(setting->flags & SL_SETTING_WAN) || p->ethertype != SL_ETH_IPV4 ||
	    (void *)(ip + 1) > packet_end(ctx))
		return 0;
	p->key.saddr = ip->saddr;
	p->key.daddr = ip->daddr;
	p->key.proto = proto = ip->proto;
	ports = (void *)ip + (ip->ver_ihl & 0xf) * 4;
	later = ip->frag & bpf_htons(SL_IP_OFFSET);
	if (!later && (void *)(ports + 1) <= packet_end(ctx)) {
		sport = ports->src;
		dport = ports->dst;
	}
	p->key.sport = sport;
	p->key.dport = dport;
	from = guard_abroad(p, p->key.saddr);
	to = guard_abroad(p, p->key.daddr);
	met = (from ? from->flags : 0) | (to ? to->flags : 0);
	if (met & SL_ABROAD_INSIDE)
		return SL_DROP_PLAINTEXT_WAN;
	if (met & SL_ABROAD_NODE && guard_forbidden(setting, proto, sport, dport))
		return SL_DROP_PLAINTEXT_WAN;
	if (proto != SL_PROTO_UDP || !setting->wan_port)
		return 0;
	/* A tunnel of somebody else's that ends at another cluster's? */
	if (!later && (out ? sport : dport) != setting->wan_port)
		return met & SL_ABROAD_NODE && (out ? dport : sport) == setting->wan_port ? SL_DROP_WAN_PEER
											  : 0;
	near = out ? p->key.saddr : p->key.daddr;
	if (!guard_own(p, setting->node_vpc, near))
		return 0;
	if (out)
		from = to;
	/* Of a later fragment nobody knows the port: a peer's passes, as its first has to for it to be of use. */
	if (!(setting->flags & SL_SETTING_GATEWAY) || !from || !(from->flags & SL_ABROAD_PEER))
		return later ? 0 : SL_DROP_WAN_PEER;
	p->cluster = from->cluster;
	return 0;
}
STATION(__u32, guard_uplink, (sl_ctx * ctx, struct packet *p), p, (ctx, p))

/* Who it was last, by network, cluster and port: never the address of a client. */
static __always_inline void guard_note_body(const struct packet *p, struct sl_verdict *v)
{
	const struct sl_setting *setting = classify_setting(p);
	__u32 reason = v->reason;
	struct sl_offender *o = bpf_map_lookup_elem(&sl_offender, &reason);
	struct sl_endpoint src = {}, dst = {};
	const struct sl_abroad *a;

	if (!o || !setting)
		return;
	classify_address(p, setting->node_vpc, p->key.saddr, &src);
	classify_address(p, setting->node_vpc, p->key.daddr, &dst);
	o->ifindex = p->ifindex;
	o->src_network = src.network;
	o->dst_network = dst.network;
	o->src_cluster = src.cluster;
	o->dst_cluster = dst.cluster;
	/* What belongs to a cluster without being in a network of it: its ends of tunnels, its pools. */
	a = guard_abroad(p, p->key.saddr);
	if (a && !src.cluster)
		o->src_cluster = a->cluster;
	a = guard_abroad(p, p->key.daddr);
	if (a && !dst.cluster)
		o->dst_cluster = a->cluster;
	o->sport = p->key.sport;
	o->dport = p->key.dport;
	o->proto = p->key.proto;
	o->out = p->door == DOOR_UP_OUT || p->door == DOOR_TUN_OUT || p->door == DOOR_WL_IN;
	o->at = bpf_ktime_get_ns();
}
STATION_VOID(guard_note, (const struct packet *p, struct sl_verdict *v), p &&v, (p, v))

/* Reasons that are worth an example. */
static __always_inline bool guard_notes(__u32 reason)
{
	return reason == SL_DROP_PLAINTEXT_WAN || reason == SL_DROP_WAN_PEER || reason == SL_DROP_ROUTE_LEAK;
}

#endif
