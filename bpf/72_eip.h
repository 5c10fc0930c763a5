/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eip: flows through an outside address. Out of a VPC, into it, and from one inside address to another by way of
 * theirs. What is behind an EIP on another node goes there as it came; the node that it arrived at keeps nothing.
 */
#ifndef SL_BPF_EIP_H
#define SL_BPF_EIP_H
#include "65_served.h"
#include "70_snat.h"

/* Who stands behind a port of an EIP. */
struct eip_behind {
	__be32 addr;
	__be16 port;
	__u16 vpc;
	__u16 node; /* SL_NODE_SELF, or the one that knows */
	__u8 bound; /* by a mapping of sl_outside */
	__u8 filtering;
};

static __always_inline __u32 eip_behind_body(const struct packet *p, __be32 addr, __be16 port,
					     struct eip_behind *to)
{
	struct sl_outside_key key = { .eip = addr, .port = port, .proto = p->key.proto };
	const struct sl_eip *eip = eip_row(p, addr);
	const struct sl_outside *outside;

	__builtin_memset(to, 0, sizeof(*to));
	if (!eip)
		return SL_DROP_NO_BINDING;
	to->port = port;
	to->vpc = eip->inside_vpc;
	if (eip->flags & SL_EIP_FIP) {
		to->addr = eip->fip;
		to->node = eip->fip_node;
		return to->node ? 0 : SL_DROP_EIP_ELSEWHERE;
	}
	to->node = eip_node(eip, bpf_ntohs(port));
	if (!to->node)
		return SL_DROP_NO_BINDING;
	if (to->node != SL_NODE_SELF)
		return 0;
	outside = bpf_map_lookup_elem(&sl_outside, &key);
	if (!outside || outside->state != SL_OUTSIDE_BOUND)
		return SL_DROP_NO_BINDING;
	to->addr = outside->inside.addr;
	to->port = outside->inside.port;
	to->vpc = outside->inside.vpc;
	to->filtering = outside->filtering;
	to->bound = 1;
	return 0;
}
STATION(__u32, eip_behind, (const struct packet *p, __be32 addr, __be16 port, struct eip_behind *to), p &&to,
	(p, addr, port, to))

/* Does the mapping of (eip, port) accept a flow from `remote`, whom it may have sent to before? */
static __always_inline bool eip_accepts_body(const struct packet *p, const struct eip_behind *behind,
					     __be32 remote)
{
	struct sl_contact_key key = {
		.eip = p->daddr,
		.remote = remote,
		.port = p->key.dport,
		.proto = p->key.proto,
	};

	if (!behind->bound || behind->filtering == SL_NAT_ENDPOINT)
		return true;
	return behind->filtering == SL_NAT_ADDRESS && bpf_map_lookup_elem(&sl_contact, &key);
}
STATION(bool, eip_accepts, (const struct packet *p, const struct eip_behind *behind, __be32 remote),
	p &&behind, (p, behind, remote))

/* Is the packet to an EIP, and so to who is behind it? */
static __always_inline bool eip_met(const struct packet *p)
{
	const struct sl_eip *eip = eip_row(p, p->daddr);

	return eip && !(eip->flags & SL_EIP_HOST);
}

static __always_inline bool eip_guest(const struct packet *p, __be32 addr, __be16 port, __u8 proto)
{
	struct sl_guest_key key = { .addr = addr, .port = port, .proto = proto, .vpc = p->vpc };

	return plan_row(&sl_guest, p->slot, &key);
}

/* --- opening */

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

/* The other direction of a flow that comes from inside: back to the one at hand, who it was before. */
static __always_inline void eip_answer_body(const struct packet *p, const struct sl_verdict *v,
					    const struct sl_endpoint *src, struct sl_verdict *answer)
{
	const struct sl_setting *setting = classify_setting(p);

	__builtin_memset(answer, 0, sizeof(*answer));
	answer->rule = v->rule;
	answer->src_network = v->dst_network;
	answer->dst_network = v->src_network;
	answer->flags = SL_VERDICT_NAT | SL_VERDICT_DST;
	answer->daddr = p->key.saddr;
	answer->dport = p->key.sport;
	answer->in_network = v->dst_network;
	answer->in_ifindex = p->door == DOOR_UP_OUT ? p->ifindex : setting ? setting->uplink : 0;
	if (v->action == SL_ACTION_WIRE || v->action == SL_ACTION_LOCAL)
		answer->in_ifindex = v->ifindex;
	if (v->action == SL_ACTION_TUNNEL)
		answer->in_network = SL_NET_WORLD;
	if (v->flags & SL_VERDICT_DST) {
		answer->flags |= SL_VERDICT_SRC;
		answer->saddr = p->key.daddr;
		answer->sport = p->key.dport;
		if (v->action != SL_ACTION_LOCAL)
			answer->in_network = SL_NET_WORLD; /* from the node's stack */
	}
	if (p->door == DOOR_UP_OUT) {
		answer->action = answer->flags & SL_VERDICT_SRC ? SL_ACTION_ROUTE : SL_ACTION_STACK;
		return;
	}
	answer->action = SL_ACTION_LOCAL;
	answer->ifindex = p->ifindex;
	answer->flags |= SL_VERDICT_ROUTED | SL_VERDICT_SET_DMAC;
	if (src->flags & SL_ENDPOINT_PEER)
		answer->flags |= SL_VERDICT_PEER;
	__builtin_memcpy(answer->dmac, p->smac, 6);
}
STATION_VOID(eip_answer,
	     (const struct packet *p, const struct sl_verdict *v, const struct sl_endpoint *src,
	      struct sl_verdict *answer),
	     p &&v &&src &&answer, (p, v, src, answer))

/* To the outside: by the network that the EIP stands in. 0 or a reason. */
static __always_inline __u32 eip_way_outside_body(struct packet *p, struct sl_verdict *v)
{
	const struct sl_eip *eip = eip_row(p, v->saddr);

	if (!eip)
		return SL_DROP_NO_EIP;
	v->dst_network = eip->network;
	p->answer_vpc = eip->vpc;
	if (!(eip->flags & (SL_EIP_OWNED | SL_EIP_HOST))) /* answers come by way of another node */
		v->flags |= SL_VERDICT_CLAMP;
	return deliver_outside(p, v, eip->network, p->key.daddr);
}
STATION(__u32, eip_way_outside, (struct packet * p, struct sl_verdict *v), p &&v, (p, v))

/* --- from inside to an EIP of the plan */

/* May the one at hand open a flow to who stands behind the EIP? */
static __always_inline bool eip_may_meet_body(const struct packet *p, struct sl_verdict *v,
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
	(const struct packet *p, struct sl_verdict *v, const struct sl_endpoint *src,
	 const struct eip_behind *behind),
	p &&v &&src &&behind, (p, v, src, behind))

static __always_inline __u32 eip_towards_body(struct packet *p, struct sl_verdict *v,
					      const struct eip_behind *behind)
{
	const struct sl_setting *setting = classify_setting(p);
	struct sl_node_key key = { .node = behind->node };
	const struct sl_eip *eip = eip_row(p, p->key.daddr);
	const struct sl_node *node;
	struct sl_endpoint inside;

	if (!setting || !eip)
		return SL_DROP_NO_PLAN;
	if (behind->node == SL_NODE_SELF) {
		if (!classify_address(p, behind->vpc, behind->addr, &inside))
			return SL_DROP_NO_PLAN;
		v->dst_network = inside.network;
		v->daddr = behind->addr;
		v->dport = behind->port;
		p->answer_vpc = behind->vpc;
		return service_deliver(p, v, &inside, 0, behind->vpc);
	}
	node = plan_row(&sl_node, p->slot, &key);
	if (!node)
		return SL_DROP_EIP_ELSEWHERE;
	v->dst_network = eip->network;
	v->action = SL_ACTION_TUNNEL;
	v->flags |= SL_VERDICT_FORWARD | SL_VERDICT_CLAMP;
	v->next_hop = node->addr;
	p->answer_vpc = setting->node_vpc;
	return 0;
}
STATION(__u32, eip_towards, (struct packet * p, struct sl_verdict *v, const struct eip_behind *behind),
	p &&v &&behind, (p, v, behind))

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

/* The way of a packet from inside, and of its answers. 0 or a reason. */
static __always_inline __u32 eip_way_out_body(struct packet *p, struct sl_verdict *v, struct sl_verdict *answer)
{
	struct eip_behind behind = {};
	struct sl_endpoint src;
	__u32 reason;

	if (!classify_address(p, p->vpc, p->saddr, &src))
		return SL_DROP_NO_PLAN;
	if (p->door == DOOR_WL_IN)
		v->flags |= SL_VERDICT_ROUTED;
	if (eip_met(p)) {
		reason = eip_behind(p, p->key.daddr, p->key.dport, &behind);
		if (!reason)
			reason = eip_towards(p, v, &behind);
	} else {
		reason = eip_way_outside(p, v);
	}
	eip_answer(p, v, &src, answer);
	if (behind.bound)
		answer->flags |= SL_VERDICT_BOUND;
	return reason;
}
STATION(__u32, eip_way_out, (struct packet * p, struct sl_verdict *v, struct sl_verdict *answer),
	p &&v &&answer, (p, v, answer))

/* --- out of a VPC */

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

/* --- from outside */

/* To the node that knows, as it came. */
static __always_inline enum path_result eip_forward_body(struct packet *p, struct sl_verdict *v, __u32 number)
{
	struct sl_node_key key = { .node = number };
	const struct sl_node *node = plan_row(&sl_node, p->slot, &key);

	/* Never on to a third node: two plans could loop. */
	if (p->flags & PACKET_UNWRAPPED || !node)
		return path_drop(v, SL_DROP_EIP_ELSEWHERE);
	v->action = SL_ACTION_TUNNEL;
	v->flags = SL_VERDICT_FORWARD;
	v->next_hop = node->addr;
	stat(SL_STAT_EIP_FORWARDED);
	eip_count(p->daddr, p->key.proto, EIP_FORWARDED);
	return PATH_JUDGED;
}
STATION(enum path_result, eip_forward, (struct packet * p, struct sl_verdict *v, __u32 number), p &&v,
	(p, v, number))

/* The other direction of a flow that comes from outside: out as the EIP, the way that the packet at hand came. */
static __always_inline void eip_return_body(const struct packet *p, const struct sl_verdict *v,
					    struct sl_verdict *answer)
{
	const struct sl_eip *eip = eip_row(p, p->key.daddr);

	if (!eip)
		return;
	__builtin_memset(answer, 0, sizeof(*answer));
	answer->rule = v->rule;
	answer->src_network = v->dst_network;
	answer->dst_network = v->src_network;
	answer->flags = SL_VERDICT_NAT | SL_VERDICT_SRC | SL_VERDICT_ROUTED;
	answer->saddr = p->key.daddr;
	answer->sport = p->key.dport;
	answer->in_ifindex = v->action == SL_ACTION_LOCAL ? v->ifindex : p->ifindex;
	answer->in_network = v->action == SL_ACTION_LOCAL ? v->dst_network : SL_NET_WORLD;
	if (v->flags & SL_VERDICT_SRC) {
		answer->flags |= SL_VERDICT_DST;
		answer->daddr = p->key.saddr;
		answer->dport = p->key.sport;
	}
	if (!(p->flags & PACKET_UNWRAPPED)) {
		answer->action = SL_ACTION_WIRE;
		answer->ifindex = p->ifindex;
		answer->vlan = p->vlan;
		answer->flags |= SL_VERDICT_SET_DMAC;
		__builtin_memcpy(answer->dmac, p->smac, 6);
		return;
	}
	answer->flags |= SL_VERDICT_CLAMP;
	if (eip_row(p, p->saddr)) { /* of the fabric itself: its node waits for the answer */
		answer->action = SL_ACTION_TUNNEL;
		answer->next_hop = p->outer;
		answer->flags &= ~SL_VERDICT_ROUTED;
	} else if (deliver_outside(p, answer, eip->network, p->key.saddr)) {
		answer->action = SL_ACTION_ROUTE;
	}
}
STATION_VOID(eip_return, (const struct packet *p, const struct sl_verdict *v, struct sl_verdict *answer),
	     p &&v &&answer, (p, v, answer))

/* May the sender speak to who is behind? Whom a workload may speak to may speak to its mapping (filtering apart). */
static __always_inline bool eip_admits_body(const struct packet *p, struct sl_verdict *v,
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
STATION(bool, eip_admits, (const struct packet *p, struct sl_verdict *v, const struct eip_behind *behind),
	p &&v &&behind, (p, v, behind))

/* The way of a packet from outside, and of its answers. 0 or a reason. */
static __always_inline __u32 eip_way_in_body(struct packet *p, struct sl_verdict *v, struct sl_verdict *answer)
{
	struct eip_behind behind;
	__u32 reason = eip_behind(p, p->daddr, p->key.dport, &behind);

	v->flags |= SL_VERDICT_NAT;
	if (!reason)
		reason = eip_towards(p, v, &behind);
	if (!reason && !(p->flags & PACKET_FLOW) && !path_apart(p, v))
		reason = SL_DROP_FLOW_FULL;
	if (reason)
		return reason;
	eip_return(p, v, answer);
	if (behind.bound)
		answer->flags |= SL_VERDICT_BOUND;
	return 0;
}
STATION(__u32, eip_way_in, (struct packet * p, struct sl_verdict *v, struct sl_verdict *answer),
	p &&v &&answer, (p, v, answer))

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
	reason = eip_open_to(p) ? snat_source(p, v) : SL_DROP_EIP_VPC;
	if (reason)
		return eip_refuse(p, v, reason);
	if (eip_met(p) && eip_meet(p, v) == PATH_JUDGED)
		return PATH_JUDGED;
	return eip_carry(p, v, packets);
}
STATION(enum path_result, path_leave, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

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
		reason = classify_source(p, &src);
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

/* Would the flow that is answered be opened today? */
static __always_inline bool eip_still_allowed_body(const struct packet *p, const struct sl_flow_key *opener,
						   const struct sl_verdict *made, __u32 *rule)
{
	bool out = made->flags & SL_VERDICT_SRC && made->flags & SL_VERDICT_NAT;
	bool met = made->flags & SL_VERDICT_DST && (!out || opener->vpc == p->vpc);
	__be32 other = met ? made->daddr : opener->daddr;
	__be16 port = met ? made->dport : opener->dport;
	__u16 vpc = out ? opener->vpc : p->vpc;
	struct sl_endpoint src, dst;

	if (!eip_row(p, out ? made->saddr : opener->daddr))
		return false;
	if (!classify_address(p, vpc, opener->saddr, &src) || !classify_address(p, vpc, other, &dst))
		return false;
	return policy_judge(p, src.class, dst.class, port, rule) == SL_POLICY_ALLOW;
}
STATION(bool, eip_still_allowed,
	(const struct packet *p, const struct sl_flow_key *opener, const struct sl_verdict *made, __u32 *rule),
	p &&opener &&made &&rule, (p, opener, made, rule))

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
	if (!eip_still_allowed(p, &f->peer, v, &v->rule))
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
