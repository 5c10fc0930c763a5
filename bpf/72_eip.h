/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eip: who is behind an outside address, which way a packet goes to them or by it, and which way the answers come.
 * What is behind an EIP on another node goes there as it came; the node that it arrived at keeps nothing.
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
	if (!outside || outside->state != SL_OUTSIDE_BOUND ||
	    !eip_stands_for(eip, outside->inside.vpc, outside->inside.addr))
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

/* The way of a packet from inside, and of its answers. 0 or a reason. */
static __always_inline __u32 eip_way_out_body(struct packet *p, struct sl_verdict *v,
					      struct sl_verdict *answer)
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

/* The way of a packet from outside, and of its answers. 0 or a reason. */
static __always_inline __u32 eip_way_in_body(struct packet *p, struct sl_verdict *v,
					     struct sl_verdict *answer)
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

#endif
