/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The order of the stations, the same for every door: parse, classify, flow, policy, service, deliver. What they
 * decide ends up in a verdict; the doors carry it out and count.
 */
#ifndef SL_BPF_PATH_H
#define SL_BPF_PATH_H
#include "10_parse.h"
#include "12_error.h"
#include "20_classify.h"
#include "22_guard.h"
#include "40_flow.h"
#include "50_policy.h"
#include "65_served.h"
#include "74_cross.h"
#include "94_rtt.h"
#include "95_count.h"

/* What this node opens to what the plan does not manage needs no rule, only no rule against it. */
static __always_inline bool path_allowed(const struct sl_endpoint *opener, const struct sl_endpoint *target,
					 __u32 policy)
{
	if (policy == SL_POLICY_ALLOW)
		return true;
	return !policy && opener->kind == SL_ENDPOINT_HOST && !endpoint_routed(target) &&
	       (target->kind == SL_ENDPOINT_WORLD || target->kind == SL_ENDPOINT_NODE);
}

/* An ICMP error passes if it is about a flow and goes to the one who sent the packet it quotes. */
static __always_inline __u32 path_icmp_error(const struct packet *p)
{
	bool unanswered;

	if (p->daddr != p->key.saddr)
		return SL_DROP_ICMP_NO_FLOW;
	return flow_lookup(&p->key, &unanswered) ? 0 : SL_DROP_ICMP_NO_FLOW;
}

/* Broadcast and multicast: judged by the network alone, delivered by MAC. */
static __always_inline __u32 path_group_address_body(const struct packet *p)
{
	bool multicast = bpf_ntohl(p->daddr) >> 28 == 14;

	if (multicast)
		return p->net_flags & SL_NETWORK_MULTICAST ? 0 : SL_DROP_MULTICAST;
	return p->net_flags & SL_NETWORK_BROADCAST ? 0 : SL_DROP_BROADCAST;
}
STATION(__u32, path_group_address, (const struct packet *p), p, (p))

/*
 * Judges the first packet of a flow, or of a flow made under an older plan or found elsewhere than
 * expected.
 */
static __always_inline enum path_result path_judge_body(struct packet *p, struct sl_verdict *v, __u32 packets)
{
	bool group = mac_multicast(p->dmac) || bpf_ntohl(p->daddr) >> 28 >= 14, allowed;
	struct sl_endpoint src, dst;
	enum path_result served;
	__u32 reason, policy;

	if ((p->flags & (PACKET_OPTIONAL | PACKET_ANSWER)) == PACKET_OPTIONAL)
		return path_vip(p, v);
	if (!classify_address(p, p->vpc, p->saddr, &src) || !classify_address(p, p->vpc, p->daddr, &dst))
		return path_drop(v, SL_DROP_NO_PLAN);
	group |= dst.kind == SL_ENDPOINT_BROADCAST;
	v->src_network = src.network;
	v->dst_network = dst.network;
	reason = p->flags & PACKET_UNWRAPPED ? 0 : classify_source(p, &src);
	/* A host without an address yet asks for one by broadcast (RFC 2131); the network decides below. */
	if (reason == SL_DROP_SPOOFED_SOURCE && !p->saddr && group)
		reason = 0;
	if (path_stop(p, v, reason, false))
		return PATH_JUDGED;
	if (group) {
		v->dst_network = p->network;
		reason = path_group_address(p);
		if (path_stop(p, v, reason, false))
			return PATH_JUDGED;
		v->action = SL_ACTION_STACK;
		return PATH_L2;
	}
	/* The gateway that sluice plays answers pings of its own network, and offers nothing else. */
	if (dst.kind == SL_ENDPOINT_GATEWAY && p->door == DOOR_WL_IN && dst.network == p->network &&
	    p->key.proto == SL_PROTO_ICMP && !(p->flags & (PACKET_ICMP_ERROR | PACKET_ICMP_REPLY))) {
		v->action = SL_ACTION_ECHO;
		return PATH_JUDGED;
	}
	if (p->flags & PACKET_ANSWER)
		return path_answer(p, v, packets);
	if (!(p->flags & (PACKET_REPLY | PACKET_ICMP_ERROR))) {
		served = path_vip(p, v);
		if (served == PATH_JUDGED)
			return served;
	}
	if (p->flags & PACKET_UNWRAPPED)
		return path_drop(v, SL_DROP_TUNNEL_BACKEND);
	if (p->flags & PACKET_ICMP_ERROR) {
		reason = path_icmp_error(p);
		if (path_stop(p, v, reason, false))
			return PATH_JUDGED;
		reason = deliver_choose(p, v, &dst);
		return reason ? path_drop(v, reason) : PATH_JUDGED;
	}
	if (!(p->flags & PACKET_FLOW)) {
		reason = flow_may_open(p);
		if (path_stop(p, v, reason, false))
			return PATH_JUDGED;
	}
	if (p->flags & PACKET_REPLY) {
		/* A reply is allowed because its flow is: ask as the flow's first packet asked. */
		policy = policy_judge(p, dst.class, src.class, p->opened_to, &v->rule);
		allowed = path_allowed(&dst, &src, policy);
	} else {
		policy = policy_judge(p, src.class, dst.class, p->key.dport, &v->rule);
		allowed = path_allowed(&src, &dst, policy);
	}
	if (!allowed) {
		reason = SL_DROP_POLICY;
		if (policy != SL_POLICY_DENY && (endpoint_routed(&src) || endpoint_routed(&dst)))
			reason = SL_DROP_ROUTE_LEAK;
		if (p->flags & PACKET_FLOW)
			flow_cut(&p->key);
		if (path_stop(p, v, reason, true))
			return PATH_JUDGED;
	}
	reason = deliver_choose(p, v, &dst);
	if (reason)
		return path_drop(v, reason);
	if (p->flags & PACKET_EXCUSED)
		return PATH_JUDGED;
	if (p->flags & PACKET_FLOW)
		path_rejudged(p, v, NULL, packets);
	else if (!flow_open(p, v, NULL, packets))
		return path_drop(v, SL_DROP_FLOW_FULL);
	return PATH_JUDGED;
}
STATION(enum path_result, path_judge, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/* Obeys the verdict of the packet's flow, or notes what the flow is, to judge it again. */
static __always_inline bool path_established_body(struct packet *p, struct sl_verdict *v, __u32 packets)
{
	const struct sl_cache *cache = cache_row();
	__u32 stamp = cache_stamp(cache, cache_flow_hash(&p->key));
	bool unanswered;
	struct sl_flow *f;
	struct sl_verdict made;
	__be16 opened_to;
	__be32 backend;
	__u32 event;
	__u16 flags;
	bool reply;

	if (!(p->flags & PACKET_UNWRAPPED))
		p->stamp = stamp;
	barrier();
	f = flow_lookup(&p->key, &unanswered);

	if (!f)
		return false;
	if (flow_over(p, f)) {
		flow_delete(&p->key, &f->peer);
		return false;
	}
	if (flow_verdict(p, &p->key, f, &made)) {
		*v = made;
		p->qos = made.qos;
		if (!path_carries(p, v))
			return true;
		event = flow_touch(p, f, unanswered, packets);
		if (event == FLOW_IS_HALF)
			flow_mend(p, v, SL_FLOW_OPENING);
		if (v->flags & (SL_VERDICT_SERVICE | SL_VERDICT_ANSWER))
			service_count(p, v, packets, path_served(event));
		/* In its first tick it is not to be told from who had its ports before. */
		if (!unanswered && f->created != f->seen && cache_worth(p, v)) {
			p->flags |= PACKET_LINE;
			if (p->flags & PACKET_UNWRAPPED) {
				p->backend = p->outer;
				p->stamp = stamp;
			}
		}
		return true;
	}
	flags = f->verdict.flags;
	backend = f->verdict.daddr;
	opened_to = f->peer.dport;
	reply = f->flags & SL_FLOW_REPLY;
	barrier();
	if (!flow_own(f, &p->key))
		return false;
	p->flags |= PACKET_FLOW;
	if (flags & SL_VERDICT_NAT)
		p->flags |= PACKET_NAT;
	if (flags & SL_VERDICT_SERVICE && !(p->flags & PACKET_UNWRAPPED))
		p->backend = backend;
	if (flags & SL_VERDICT_ANSWER) {
		p->flags |= PACKET_ANSWER;
		p->backend = flags & SL_VERDICT_SRC ? p->key.saddr : backend;
	}
	if (reply) {
		p->flags |= PACKET_REPLY;
		p->opened_to = opened_to;
	}
	return false;
}
STATION(bool, path_established, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/* What another node sent on because this one knows who is behind the EIP came in by the EIP's network. */
static __always_inline void path_forwarded(struct packet *p)
{
	const struct sl_network *network;
	const struct sl_eip *eip;

	if (!(p->flags & PACKET_UNWRAPPED) || !p->backend || p->backend != p->daddr)
		return;
	eip = eip_row(p, p->daddr);
	if (!eip)
		return;
	p->vpc = eip->vpc;
	p->network = eip->network;
	network = classify_network(p, p->network);
	if (network)
		p->net_flags = network->flags;
}

#ifdef SL_DOOR_XDP
#define path_parse path_parse_xdp /* its context is another: the linker must not take one for the other */
#endif
/* Parses, and finds what is wrong with the packet itself. 0 or a reason. */
static __always_inline __u32 path_parse_body(sl_ctx *ctx, struct packet *p)
{
	__u32 reason = parse_ipv4(ctx, p);

	path_forwarded(p); /* before fragments are looked for by their VPC */
	p->key.vpc = p->vpc;
	/* Between two mappings of an EIP, sent on by the node of one: no other address may be both ends. */
	if (!reason && address_martian(p->saddr, p->daddr) &&
	    !(p->flags & PACKET_UNWRAPPED && p->saddr == p->daddr && eip_row(p, p->daddr)))
		reason = SL_DROP_MARTIAN;
#ifdef SL_DOOR_TC
	if (!reason && p->flags & PACKET_ICMP_ERROR && !error_whole(ctx, p))
		reason = SL_DROP_ICMP_CHECKSUM;
#endif
	if (!reason && p->flags & PACKET_FRAG_LATER && !frag_recall(p))
		reason = SL_DROP_FRAG_NO_FIRST;
	if (!reason && p->key.proto == SL_PROTO_TCP &&
	    !(p->flags & (PACKET_FRAG_LATER | PACKET_ICMP_ERROR)) && tcp_flags_senseless(p->tcp_flags))
		reason = SL_DROP_TCP_FLAGS;
	return reason;
}
STATION(__u32, path_parse, (sl_ctx * ctx, struct packet *p), p, (ctx, p))

/* The flow that the packet belongs to has the word; without one, or where it must be judged again, the plan. */
static __always_inline enum path_result path_find_body(struct packet *p, struct sl_verdict *v, __u32 packets)
{
	if (p->flags & PACKET_ICMP_ERROR) {
		if (path_translated_error(p, v) == PATH_JUDGED)
			return path_carries(p, v) || v->action == SL_ACTION_DROP ? PATH_JUDGED
										 : PATH_UNTOUCHED;
	} else if (!(p->flags & PACKET_EXCUSED) && path_established(p, v, packets)) {
		return path_carries(p, v) ? PATH_JUDGED : PATH_UNTOUCHED;
	}
	/* What is for a VIP or an EIP, or from behind one, is judged where it can be carried out. */
	if (p->door == DOOR_UP_XDP && (p->flags & (PACKET_ANSWER | PACKET_NAT) || path_to_outside(p)))
		return PATH_UNTOUCHED;
	if ((p->flags & (PACKET_NAT | PACKET_REPLY | PACKET_ANSWER)) == (PACKET_NAT | PACKET_REPLY))
		return path_return(p, v, packets);
	if (!(p->flags & (PACKET_ICMP_ERROR | PACKET_REPLY)) && path_service(p, v, packets) == PATH_JUDGED)
		return PATH_JUDGED;
	if (!(p->flags & PACKET_REPLY) && path_enter(p, v, packets) == PATH_JUDGED)
		return PATH_JUDGED;
	if (!(p->flags & (PACKET_ICMP_ERROR | PACKET_REPLY)) && path_leave(p, v, packets) == PATH_JUDGED)
		return PATH_JUDGED;
	return path_judge(p, v, packets);
}
STATION(enum path_result, path_find, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/* IPv4 on a managed network, or to a VIP, from parse to verdict. */
static __always_inline enum path_result path_ipv4(sl_ctx *ctx, struct packet *p, struct sl_verdict *v)
{
	__u32 packets = p->flags & PACKET_AGAIN ? 0 : packet_segments(ctx), reason = path_parse(ctx, p);
	enum path_result path;

	v->in_ifindex = p->ifindex;
	v->in_network = p->network;
	v->src_network = p->network;
	if (reason && p->flags & PACKET_OPTIONAL)
		return PATH_UNTOUCHED;
	if (path_stop(p, v, reason, false))
		return PATH_JUDGED;
	path = path_find(p, v, packets);
	if (v->action == SL_ACTION_DROP)
		return path;
	if ((p->flags & (PACKET_FRAG_FIRST | PACKET_ICMP_ERROR)) == PACKET_FRAG_FIRST)
		frag_remember(p);
	if (rtt_answers(p))
		rtt_measure(p);
	return path;
}

/* What is not IPv4 on a managed network. */
static __always_inline enum path_result path_other(sl_ctx *ctx, struct packet *p, struct sl_verdict *v)
{
	__u32 reason = SL_DROP_ETHERTYPE;

	p->len = packet_length(ctx) - p->l3;
	v->src_network = p->network;
	v->dst_network = p->network;
	if (p->ethertype == SL_ETH_ARP)
		return PATH_ARP;
	if (p->ethertype == SL_ETH_IPV6)
		reason = p->net_flags & SL_NETWORK_IPV6_PASS ? 0 : SL_DROP_IPV6;
	if (path_stop(p, v, reason, false))
		return PATH_JUDGED;
	v->action = SL_ACTION_STACK;
	return PATH_L2;
}

/* No plan is in: sl_fail decides. */
static __always_inline enum path_result path_no_plan(const struct packet *p, struct sl_verdict *v)
{
	bool workload = p->door == DOOR_WL_IN || p->door == DOOR_WL_OUT;
	struct sl_fail_key key = { .ifindex = workload ? p->ifindex : 0, .vlan = workload ? 0 : p->vlan };
	const struct sl_fail *fail = bpf_map_lookup_elem(&sl_fail, &key);

	if (fail ? fail->open : !workload)
		return PATH_UNTOUCHED;
	return path_drop(v, SL_DROP_NO_PLAN);
}

enum untagged { UNTAGGED_FOREIGN, UNTAGGED_HOST, UNTAGGED_JUDGE };

/* To (in) an address of a service, or from (out) what may be a backend behind the node's stack, or from the node
 * to a service: the plan's business if a flow or a service knows it. */
static __always_inline bool path_optional(const struct packet *p, bool out, __be32 saddr, __be32 daddr,
					  __u32 settings)
{
	const struct sl_endpoint *src;
	struct sl_endpoint e;

	if (service_vip(p, daddr))
		return true;
	if (!out)
		return false;
	src = classify_exact(p, p->vpc, saddr);
	if (src && src->kind == SL_ENDPOINT_HOST)
		return settings & SL_SETTING_HOST_SERVES;
	return classify_address(p, p->vpc, saddr, &e) && endpoint_managed(&e);
}

/*
 * An untagged packet at an uplink concerns the plan only if it is to (in) or from (out) an address of this
 * node and the plan says who may reach the node, if it is of a service, or if it carries what a door should have
 * judged.
 */
static __noinline enum untagged path_untagged(sl_ctx *ctx, struct packet *p, bool out)
{
	const struct sl_setting *setting = classify_setting(p);
	struct sl_ipv4 *ip = packet_begin(ctx) + sizeof(struct sl_eth);
	const struct sl_network *network;
	const struct sl_endpoint *host;
	struct sl_endpoint e;
	__be32 saddr, daddr;

	if (setting && p->ethertype == SL_ETH_ARP && setting->flags & SL_SETTING_OUTSIDE)
		p->flags |= PACKET_OPTIONAL;
	if (!setting || p->ethertype != SL_ETH_IPV4 || (void *)(ip + 1) > packet_end(ctx))
		return p->ethertype == SL_ETH_ARP ? UNTAGGED_HOST : UNTAGGED_FOREIGN;
	saddr = ip->saddr;
	daddr = ip->daddr;
	p->vpc = setting->node_vpc;
	if (setting->flags & SL_SETTING_OUTSIDE && path_optional(p, out, saddr, daddr, setting->flags))
		p->flags |= PACKET_OPTIONAL;
	host = classify_exact(p, p->vpc, out ? saddr : daddr);
	if (host && host->kind == SL_ENDPOINT_HOST) {
		if (setting->flags & SL_SETTING_HOST_POLICY)
			return UNTAGGED_JUDGE;
		if (!out)
			return UNTAGGED_HOST;
		return classify_address(p, p->vpc, daddr, &e) && endpoint_managed(&e) ? UNTAGGED_JUDGE
										      : UNTAGGED_HOST;
	}
	if (!out || !classify_address(p, p->vpc, saddr, &e) || !endpoint_managed(&e))
		return UNTAGGED_FOREIGN;
	network = classify_network(p, e.network);
	if (!network || !(network->flags & SL_NETWORK_OVERLAY))
		return network ? UNTAGGED_JUDGE : UNTAGGED_FOREIGN;
	/* The overlay's own business, but for what leaves the plan: that must not keep its address. */
	return classify_address(p, p->vpc, daddr, &e) &&
			       (e.kind == SL_ENDPOINT_WORLD || eip_external(p, e.network))
		       ? UNTAGGED_JUDGE
		       : UNTAGGED_FOREIGN;
}

/* Uplink, both ways. */
static __always_inline enum path_result path_uplink(sl_ctx *ctx, struct packet *p, struct sl_verdict *v)
{
	bool out = p->door == DOOR_UP_OUT;
	enum untagged untagged = UNTAGGED_JUDGE;
	enum path_result path = PATH_UNTOUCHED;
	const struct sl_iface *iface;
	__u32 reason = parse_pull(ctx) ? parse_frame(ctx, p) : SL_DROP_FRAME_SHORT;

#ifdef SL_DOOR_XDP
	/* XDP cannot tell an untagged frame from one whose tag stands beside it: TC can. */
	if (!reason && !(p->flags & PACKET_TAGGED))
		return PATH_UNTOUCHED;
#endif
	if (reason)
		return path_drop(v, SL_DROP_FRAME_SHORT);
	p->len = packet_length(ctx) - p->l3;
	if (!classify_plan(p))
		return path_no_plan(p, v);
	iface = classify_interface(p);
	if (!iface)
		return p->flags & PACKET_TAGGED ? path_drop(v, SL_DROP_NO_INTERFACE) : PATH_UNTOUCHED;
	reason = guard_uplink(ctx, p);
	if (reason)
		return path_drop(v, reason);
	if (p->cluster) /* the tunnel between clusters, as it should be */
		return PATH_UNTOUCHED;
	if (!out && tunnel_arrives(ctx, p)) {
#ifdef SL_DOOR_XDP
		return PATH_UNTOUCHED;
#else
		reason = tunnel_unwrap(ctx, p);
		if (reason)
			return path_drop(v, reason);
#endif
	} else if (p->flags & PACKET_TAGGED) {
		reason = classify_vlan(p, iface);
		if (reason == CLASSIFY_UNMANAGED) {
			p->flags |= PACKET_LINE;
			return PATH_UNTOUCHED;
		}
		if (reason)
			return path_drop(v, reason);
	} else {
		untagged = path_untagged(ctx, p, out);
		if (untagged == UNTAGGED_JUDGE)
			p->flags &= ~PACKET_OPTIONAL;
	}
	if (untagged == UNTAGGED_JUDGE || p->flags & PACKET_OPTIONAL) {
		if (p->ethertype != SL_ETH_IPV4)
			return path_other(ctx, p, v);
		path = path_ipv4(ctx, p, v);
	} else {
		p->flags |= PACKET_LINE;
	}
	/* The way to the node stays open, also with unmanaged: drop. */
	if (path != PATH_UNTOUCHED || untagged != UNTAGGED_FOREIGN || out ||
	    !(iface->flags & SL_IFACE_UNMANAGED_DROP))
		return path;
	return path_drop(v, SL_DROP_UNTAGGED);
}

/* Workload interface, both ways. */
static __always_inline enum path_result path_workload(sl_ctx *ctx, struct packet *p, struct sl_verdict *v)
{
	const struct sl_iface *iface;
	const struct sl_network *network;
	__u32 reason = parse_pull(ctx) ? parse_frame(ctx, p) : SL_DROP_FRAME_SHORT;

	if (reason)
		return path_drop(v, SL_DROP_FRAME_SHORT);
	p->len = packet_length(ctx) - p->l3;
	if (!classify_plan(p))
		return path_no_plan(p, v);
	iface = classify_interface(p);
	network = iface ? classify_network(p, iface->network) : NULL;
	if (!network)
		return path_drop(v, SL_DROP_NO_INTERFACE);
	p->network = iface->network;
	p->vpc = iface->vpc;
	p->net_flags = network->flags;
	v->src_network = p->network;
	if (p->flags & PACKET_TAGGED)
		return path_drop(v, SL_DROP_VLAN_ON_ACCESS);
	if (p->ethertype != SL_ETH_IPV4)
		return path_other(ctx, p, v);
	return path_ipv4(ctx, p, v);
}

#endif
