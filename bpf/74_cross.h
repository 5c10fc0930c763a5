/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cross: flows that cross the border of a VPC by an outside address: out of it, into it, and from one inside address to
 * another by way of theirs. This says whether they may; 72_eip.h which way they go.
 */
#ifndef SL_BPF_CROSS_H
#define SL_BPF_CROSS_H
#include "72_eip.h"

static __always_inline bool eip_guest(const struct packet *p, __be32 addr, __be16 port, __u8 proto)
{
	struct sl_guest_key key = { .addr = addr, .port = port, .proto = proto, .vpc = p->vpc };

	return plan_row(&sl_guest, p->slot, &key);
}

static __always_inline enum path_result eip_refuse_body(struct packet *p, struct sl_verdict *v, __u32 reason)
{
	struct sl_service_key nobody = {};

	if (p->flags & PACKET_FLOW)
		flow_cut(&p->key);
	v->flags = 0;
	path_drop(v, reason);
	/* RFC 5508 REQ-8: who gets no mapping is told, but not for every packet. */
	if ((reason == SL_DROP_NAT_PORTS || reason == SL_DROP_NAT_LIMIT || reason == SL_DROP_NAT_FULL) &&
	    service_token(&nobody, p->saddr, SL_TOLD_PER_S)) {
		v->action = SL_ACTION_RESET;
		v->flags = SL_VERDICT_NAT;
	}
	return PATH_JUDGED;
}

STATION(enum path_result, eip_refuse, (struct packet * p, struct sl_verdict *v, __u32 reason), p &&v,
	(p, v, reason))

/* Opens a flow through an EIP that is allowed, or writes its new verdict. */
static __always_inline enum path_result eip_carry_body(struct packet *p, struct sl_verdict *v, __u32 packets)
{
	struct sl_verdict answer = {};
	__u32 reason = 0;
	bool excepted = p->door != DOOR_UP_IN && !(v->flags & SL_VERDICT_SRC);

	if (excepted) /* leaves with its own address, as the stack knows how */
		v->action = SL_ACTION_STACK;
	else
		reason = p->door == DOOR_UP_IN ? eip_way_in(p, v, &answer) : eip_way_out(p, v, &answer);
	if (reason)
		return eip_refuse(p, v, reason);
	if (p->flags & PACKET_FLOW && !path_same_way(p, v)) {
		flow_cut(&p->key);
		p->flags &= ~PACKET_FLOW;
	}
	if (p->flags & PACKET_FLOW)
		path_rejudged(p, v, excepted ? NULL : &answer, packets);
	else if (!flow_open(p, v, excepted ? NULL : &answer, packets))
		return path_drop(v, SL_DROP_FLOW_FULL);
	return PATH_JUDGED;
}
STATION(enum path_result, eip_carry, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/* --- out of a VPC, or to another by its EIP */

static __always_inline bool eip_external(const struct packet *p, __u16 id)
{
	const struct sl_network *network = classify_network(p, id);

	return network && network->flags & SL_NETWORK_EXTERNAL;
}

/* Does the packet leave its VPC, and may it? UNTOUCHED: it stays; JUDGED: it may not; or EIP_MAY */
#define EIP_MAY PATH_L2
static __always_inline enum path_result eip_leaves_body(struct packet *p, struct sl_verdict *v)
{
	struct sl_endpoint src, dst;

	if (!classify_address(p, p->vpc, p->saddr, &src) || !classify_address(p, p->vpc, p->daddr, &dst))
		return PATH_UNTOUCHED;
	if (!endpoint_managed(&src) || eip_external(p, src.network))
		return PATH_UNTOUCHED;
	if (endpoint_routed(&dst)) /* another cluster's, though nobody's of the plan */
		return PATH_UNTOUCHED;
	if (dst.kind != SL_ENDPOINT_WORLD && !(endpoint_managed(&dst) && eip_external(p, dst.network)))
		return PATH_UNTOUCHED;
	v->src_network = src.network;
	v->dst_network = dst.network;
	if (path_stop(p, v, classify_source(p, &src), false) || path_vip(p, v) == PATH_JUDGED ||
	    path_stop(p, v, p->flags & PACKET_FLOW ? 0 : flow_may_open(p), false))
		return PATH_JUDGED;
	if (eip_met(p))
		return EIP_MAY; /* who is behind it is asked for in time */
	if (policy_judge(p, src.class, dst.class, p->key.dport, &v->rule) != SL_POLICY_ALLOW) {
		if (p->flags & PACKET_FLOW)
			flow_cut(&p->key);
		if (path_stop(p, v, SL_DROP_POLICY, true))
			return PATH_JUDGED;
	}
	return EIP_MAY;
}
STATION(enum path_result, eip_leaves, (struct packet * p, struct sl_verdict *v), p &&v, (p, v))

/* May the VPC at hand use the EIP that the packet is to, if it is to one? */
static __always_inline bool eip_open_to(const struct packet *p)
{
	const struct sl_eip *eip = eip_row(p, p->daddr);

	return !eip || eip->flags & SL_EIP_HOST || eip->inside_vpc == p->vpc || eip_guest(p, p->daddr, 0, 0);
}

/* May the one at hand open a flow to who stands behind the EIP? */
static __always_inline bool eip_may_meet_body(struct packet *p, struct sl_verdict *v,
					      const struct sl_endpoint *src, const struct eip_behind *behind)
{
	bool guest = behind->vpc != p->vpc, here = behind->node == SL_NODE_SELF;
	__be32 met = here && !guest ? behind->addr : p->key.daddr;
	struct sl_endpoint dst;

	if (!classify_address(p, p->vpc, met, &dst))
		return false;
	v->dst_network = dst.network;
	if (policy_judge(p, src->class, dst.class, here && !guest ? behind->port : p->key.dport, &v->rule) !=
	    SL_POLICY_ALLOW)
		return false;
	if (!guest || !here)
		return true;
	/* To the other VPC, the client is its EIP. */
	struct sl_endpoint client;

	if (!classify_address(p, behind->vpc, v->saddr, &client) ||
	    !classify_address(p, behind->vpc, behind->addr, &dst))
		return false;
	return policy_judge(p, client.class, dst.class, behind->port, &v->rule) == SL_POLICY_ALLOW;
}
STATION(bool, eip_may_meet,
	(struct packet * p, struct sl_verdict *v, const struct sl_endpoint *src,
	 const struct eip_behind *behind),
	p &&v &&src &&behind, (p, v, src, behind))

/* Is there somebody behind the EIP, and may the one at hand speak to them? */
static __always_inline enum path_result eip_meet_body(struct packet *p, struct sl_verdict *v)
{
	struct eip_behind behind;
	struct sl_endpoint src;
	__u32 reason;

	if (!classify_address(p, p->vpc, p->saddr, &src))
		return path_drop(v, SL_DROP_NO_PLAN);
	reason = eip_behind(p, p->key.daddr, p->key.dport, &behind);
	if (!reason && !(v->flags & SL_VERDICT_SRC))
		reason = SL_DROP_NO_EIP;
	if (!reason && !eip_may_meet(p, v, &src, &behind)) {
		if (p->flags & PACKET_FLOW)
			flow_cut(&p->key);
		if (path_stop(p, v, SL_DROP_POLICY, true))
			return PATH_JUDGED;
	}
	if (!reason && behind.node == SL_NODE_SELF && !(p->flags & PACKET_FLOW) &&
	    !eip_accepts(p, &behind, v->saddr))
		reason = SL_DROP_NAT_FILTERED;
	if (!reason)
		return PATH_UNTOUCHED;
	if (reason != SL_DROP_NO_EIP)
		eip_count(p->key.daddr, p->key.proto, EIP_FILTERED);
	return eip_refuse(p, v, reason);
}
STATION(enum path_result, eip_meet, (struct packet * p, struct sl_verdict *v), p &&v, (p, v))

/* A packet that leaves its VPC. UNTOUCHED: it does not. In steps that keep little, as path_service(). */
static __always_inline enum path_result path_leave_body(struct packet *p, struct sl_verdict *v, __u32 packets)
{
	enum path_result leaves;
	__u32 reason;

	if ((p->door != DOOR_WL_IN && p->door != DOOR_UP_OUT) || mac_multicast(p->dmac) ||
	    bpf_ntohl(p->daddr) >> 28 >= 14)
		return PATH_UNTOUCHED;
	leaves = eip_leaves(p, v);
	if (leaves != EIP_MAY)
		return leaves;
	reason = eip_open_to(p) ? 0 : SL_DROP_EIP_VPC;
	if (!reason && eip_met(p)) { /* judged before it takes a port */
		reason = snat_as(p, v);
		if (!reason && eip_meet(p, v) == PATH_JUDGED)
			return PATH_JUDGED;
	}
	if (!reason)
		reason = snat_source(p, v);
	if (reason)
		return eip_refuse(p, v, reason);
	return eip_carry(p, v, packets);
}
STATION(enum path_result, path_leave, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/* --- from outside */

/* May the sender speak to who is behind? Whom a workload may speak to may speak to its mapping (filtering apart). */
static __always_inline bool eip_admits_body(struct packet *p, struct sl_verdict *v,
					    const struct eip_behind *behind)
{
	struct sl_endpoint client, inside;

	if (!classify_address(p, behind->vpc, p->saddr, &client) ||
	    !classify_address(p, behind->vpc, behind->addr, &inside))
		return false;
	v->dst_network = inside.network;
	if (behind->bound)
		return policy_judge(p, inside.class, client.class, p->key.sport, &v->rule) == SL_POLICY_ALLOW;
	return policy_judge(p, client.class, inside.class, behind->port, &v->rule) == SL_POLICY_ALLOW;
}
STATION(bool, eip_admits, (struct packet * p, struct sl_verdict *v, const struct eip_behind *behind),
	p &&v &&behind, (p, v, behind))

/* An EIP that this node speaks for. */
static __always_inline bool eip_own(const struct packet *p, __be32 addr)
{
	const struct sl_eip *eip = eip_row(p, addr);

	return eip && (eip->flags & (SL_EIP_OWNED | SL_EIP_HOST)) == SL_EIP_OWNED;
}

/* A packet from outside to an EIP, of no flow or one that is judged again. UNTOUCHED: to none; EIP_MAY: it may. */
static __always_inline enum path_result eip_enters_body(struct packet *p, struct sl_verdict *v)
{
	const struct sl_eip *eip = eip_row(p, p->daddr);
	bool error = p->flags & PACKET_ICMP_ERROR, host;
	struct eip_behind behind;
	struct sl_endpoint src;
	__u32 reason;

	if (!eip)
		return PATH_UNTOUCHED;
	host = eip->flags & SL_EIP_HOST; /* what no mapping takes is the node's own */
	if (!(p->flags & PACKET_UNWRAPPED)) {
		if (!classify_address(p, p->vpc, p->saddr, &src))
			return PATH_UNTOUCHED;
		v->src_network = src.network;
		v->dst_network = eip->network;
		reason = classify_source(p, &src);
		if (!reason && eip_own(p, p->saddr)) /* between EIPs of the plan nothing goes by the wire */
			reason = SL_DROP_SPOOFED_SOURCE;
		if (!reason && eip->network != p->network)
			reason = SL_DROP_EIP_VPC;
		if (reason && host)
			return PATH_UNTOUCHED;
		if (path_stop(p, v, reason, false))
			return PATH_JUDGED;
	}
	/* A ping of the EIP itself. */
	if (p->key.proto == SL_PROTO_ICMP && !(p->flags & (PACKET_ICMP_REPLY | PACKET_ICMP_ERROR)) &&
	    !(eip->flags & SL_EIP_FIP))
		return PATH_UNTOUCHED;
	reason = eip_behind(p, p->daddr, error ? p->key.sport : p->key.dport, &behind);
	if (!reason && behind.node != SL_NODE_SELF)
		return eip_forward(p, v, behind.node);
	if (error)
		return PATH_UNTOUCHED;
	if (!reason && !(p->flags & PACKET_FLOW))
		reason = eip_accepts(p, &behind, p->saddr) ? flow_may_open(p) : SL_DROP_NAT_FILTERED;
	if (reason && host && !(p->flags & PACKET_FLOW))
		return PATH_UNTOUCHED;
	if (reason) {
		eip_count(p->daddr, p->key.proto, EIP_FILTERED);
		return eip_refuse(p, v, reason);
	}
	if (!eip_admits(p, v, &behind)) {
		if (p->flags & PACKET_FLOW)
			flow_cut(&p->key);
		if (path_stop(p, v, SL_DROP_POLICY, true))
			return PATH_JUDGED;
	}
	return EIP_MAY;
}
STATION(enum path_result, eip_enters, (struct packet * p, struct sl_verdict *v), p &&v, (p, v))

static __always_inline enum path_result path_enter_body(struct packet *p, struct sl_verdict *v, __u32 packets)
{
	enum path_result enters;

	if (p->door != DOOR_UP_IN || (p->flags & PACKET_ICMP_ERROR && p->daddr != p->key.saddr))
		return PATH_UNTOUCHED;
	enters = eip_enters(p, v);
	return enters == EIP_MAY ? eip_carry(p, v, packets) : enters;
}
STATION(enum path_result, path_enter, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/* --- answers under a new plan, or come by another way */

/* Would the flow that is answered be opened today? `bound`: by the mapping of the one who answers. */
static __always_inline bool eip_still_allowed_body(struct packet *p, const struct sl_flow_key *opener,
						   const struct sl_verdict *made, bool bound, __u32 *rule)
{
	bool out = made->flags & SL_VERDICT_SRC && made->flags & SL_VERDICT_NAT;
	bool met = made->flags & SL_VERDICT_DST && (!out || opener->vpc == p->vpc);
	__be32 other = met ? made->daddr : opener->daddr;
	__be16 port = met ? made->dport : opener->dport;
	__u16 vpc = out ? opener->vpc : p->vpc;
	struct sl_endpoint src, dst;

	if (!eip_stands_for(eip_row(p, out ? made->saddr : opener->daddr), vpc,
			    out ? opener->saddr : p->saddr))
		return false;
	if (!classify_address(p, vpc, opener->saddr, &src) || !classify_address(p, vpc, other, &dst))
		return false;
	if (!out && bound) /* let in because the one behind may speak to the opener, as eip_admits() says */
		return policy_judge(p, dst.class, src.class, opener->sport, rule) == SL_POLICY_ALLOW;
	return policy_judge(p, src.class, dst.class, port, rule) == SL_POLICY_ALLOW;
}
STATION(bool, eip_still_allowed,
	(struct packet * p, const struct sl_flow_key *opener, const struct sl_verdict *made, bool bound,
	 __u32 *rule),
	p &&opener &&made &&rule, (p, opener, made, bound, rule))

static __always_inline enum path_result path_return_body(struct packet *p, struct sl_verdict *v,
							 __u32 packets)
{
	bool unanswered;
	const struct sl_flow *f = flow_lookup(&p->key, &unanswered), *other;
	const struct sl_eip *eip;
	struct sl_endpoint src;
	__u32 reason = 0;

	if (!f)
		return path_drop(v, SL_DROP_TCP_STATE); /* ended meanwhile */
	if (!classify_address(p, p->vpc, p->saddr, &src))
		return path_drop(v, SL_DROP_NO_PLAN);
	if (!(p->flags & PACKET_UNWRAPPED))
		reason = classify_source(p, &src);
	if (!reason && p->door == DOOR_UP_IN && !(p->flags & PACKET_UNWRAPPED)) {
		eip = eip_row(p, p->daddr);
		if (!eip || eip->network != p->network)
			reason = SL_DROP_EIP_VPC;
	}
	if (path_stop(p, v, reason, false))
		return PATH_JUDGED;
	other = flow_lookup(&f->peer, &unanswered);
	if (!other)
		return eip_refuse(p, v, SL_DROP_TCP_STATE);
	*v = other->verdict;
	if (!eip_still_allowed(p, &f->peer, v, f->verdict.flags & SL_VERDICT_BOUND, &v->rule))
		return eip_refuse(p, v, SL_DROP_POLICY);
	*v = f->verdict;
	v->in_ifindex = p->ifindex;
	v->in_network = p->network;
	path_rejudged(p, v, NULL, packets);
	return PATH_JUDGED;
}
STATION(enum path_result, path_return, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

#endif
