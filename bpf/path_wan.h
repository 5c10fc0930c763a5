/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stations in the order of the tunnel's doors. What comes out of the tunnel is of another cluster and for this
 * one; what goes into it the other way round. Nothing else of the plan may use it. What concerns no network of the
 * plan, as the nodes' own traffic does, is none of sluice's business there.
 */
#ifndef SL_BPF_PATH_WAN_H
#define SL_BPF_PATH_WAN_H
#include "path.h"

/* Is the address inside some cluster of the plan, whichever? */
static __always_inline bool wan_inside(const struct sl_endpoint *e)
{
	return endpoint_managed(e) || endpoint_routed(e);
}

/* A router on the other side speaks by an address of its own; whose flow it is about is looked at later. */
static __always_inline bool wan_icmp_error(sl_ctx *ctx, const struct packet *p)
{
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);
	struct sl_icmp *icmp;

	if ((void *)(ip + 1) > packet_end(ctx) || ip->proto != SL_PROTO_ICMP)
		return false;
	icmp = (void *)ip + (ip->ver_ihl & 0xf) * 4;
	return (void *)(icmp + 1) <= packet_end(ctx) &&
	       (icmp->type == SL_ICMP_UNREACHABLE || icmp->type == SL_ICMP_TIME_EXCEEDED ||
		icmp->type == SL_ICMP_PARAMETER);
}

/* 0: judge it; a reason; or UNMANAGED */
static __always_inline __u32 wan_admit_body(sl_ctx *ctx, struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);
	bool out = p->door == DOOR_TUN_OUT;
	struct sl_endpoint src, dst, far;

	if (!setting || (void *)(ip + 1) > packet_end(ctx))
		return SL_DROP_IP_HEADER;
	p->key.saddr = ip->saddr; /* for the example that is kept of what is refused */
	p->key.daddr = ip->daddr;
	p->key.proto = ip->proto;
	p->vpc = setting->node_vpc;
	if (!classify_address(p, p->vpc, p->key.saddr, &src) ||
	    !classify_address(p, p->vpc, p->key.daddr, &dst))
		return SL_DROP_NO_PLAN;
	/* Nobody of this cluster comes that way. */
	if (!out && src.cluster && src.cluster == setting->cluster)
		return SL_DROP_SPOOFED_SOURCE;
	if (!wan_inside(&src) && !wan_inside(&dst))
		return setting->flags & SL_SETTING_HOST_POLICY &&
				       (out ? src.kind : dst.kind) == SL_ENDPOINT_HOST
			       ? 0
			       : CLASSIFY_UNMANAGED;
	far = out ? dst : src;
	if (!out && !wan_inside(&src) && wan_icmp_error(ctx, p))
		return 0;
	if (!endpoint_routed(&far))
		return !out && endpoint_managed(&src) ? SL_DROP_SPOOFED_SOURCE : SL_DROP_ROUTE_LEAK;
	if (out) /* answers of a VIP's and the node's own are judged as everything else */
		return endpoint_routed(&src) ? SL_DROP_ROUTE_LEAK : 0;
	if (endpoint_managed(&dst) && !endpoint_routed(&dst))
		return 0;
	return service_vip(p, p->key.daddr) ? 0 : SL_DROP_ROUTE_LEAK;
}
STATION(__u32, wan_admit, (sl_ctx * ctx, struct packet *p), p, (ctx, p))

/* Tunnel, both ways. */
static __always_inline enum path_result path_tunnel(sl_ctx *ctx, struct packet *p, struct sl_verdict *v)
{
	const struct sl_iface *iface;
	__u32 reason;

	if (!parse_pull(ctx))
		return path_drop(v, SL_DROP_FRAME_SHORT);
	if (!classify_plan(p)) /* the doors of networks and workloads are closed then */
		return PATH_UNTOUCHED;
	iface = classify_interface(p);
	if (!iface)
		return path_drop(v, SL_DROP_NO_INTERFACE);
	reason = iface->flags & SL_IFACE_BARE ? parse_bare(ctx, p) : parse_frame(ctx, p);
	if (reason)
		return path_drop(v, reason);
	p->len = packet_length(ctx) - p->l3;
	if (p->ethertype == SL_ETH_ARP)
		return PATH_UNTOUCHED;
	if (p->ethertype != SL_ETH_IPV4)
		return path_drop(v, p->ethertype == SL_ETH_IPV6 ? SL_DROP_IPV6 : SL_DROP_ETHERTYPE);
	reason = wan_admit(ctx, p);
	if (reason == CLASSIFY_UNMANAGED)
		return PATH_UNTOUCHED;
	if (reason)
		return path_drop(v, reason);
	return path_ipv4(ctx, p, v);
}

/* No larger segments than the tunnel takes, whoever announces more. */
static __always_inline bool wan_clamp_body(struct __sk_buff *ctx, const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);

	if (!setting || setting->wan_mtu <= 40 || p->key.proto != SL_PROTO_TCP ||
	    !(p->tcp_flags & SL_TCP_SYN) || p->flags & (PACKET_FRAG_LATER | PACKET_ICMP_ERROR))
		return true;
	return rewrite_mss(ctx, p, setting->wan_mtu - 40);
}
STATION(bool, wan_clamp, (struct __sk_buff * ctx, const struct packet *p), p, (ctx, p))

/* The rate of whoever sends it, by the label that the plan counts by. */
static __always_inline __u16 wan_tenant(const struct packet *p, const struct sl_setting *setting)
{
	const struct sl_endpoint *e;

	if (!(setting->flags & SL_SETTING_LABELS))
		return 0;
	e = classify_exact(p, setting->node_vpc, p->saddr);
	return e ? e->tenant : 0;
}

/* What the packet takes along into the tunnel, where nothing but its hash survives. */
static __always_inline void wan_mark_body(struct __sk_buff *ctx, const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);
	__u32 qos = p->qos;
	const struct sl_class *class;

	if (!setting || !(setting->flags & SL_SETTING_QOS))
		return;
	class = plan_row(&sl_class, p->slot, &qos);
	if (qos && class) {
		mark_dscp(ctx, p->l3, class->dscp);
		ctx->priority = class->priority;
	}
	mark_hash(ctx, p, wan_tenant(p, setting));
}
STATION_VOID(wan_mark, (struct __sk_buff * ctx, const struct packet *p), p, (ctx, p))

#endif
