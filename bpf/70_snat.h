/* SPDX-License-Identifier: GPL-2.0 */
/*
 * snat: by which outside address a source leaves. A floating IP before a rule; a rule's EIP, the same for all that a
 * workload sends (RFC 4787 REQ-2); without either it does not leave.
 */
#ifndef SL_BPF_SNAT_H
#define SL_BPF_SNAT_H
#include "71_port.h"

/* How the source of a packet leaves. */
struct snat_way {
	__be32 eip; /* 0: with its own address */
	__u32 rule; /* 0: the EIP is its floating IP */
};

static __always_inline const struct sl_snat *snat_rule(const struct packet *p, __u32 number)
{
	struct sl_snat_key key = { .rule = number };

	return plan_row(&sl_snat, p->slot, &key);
}

/* The EIP that the rule has for the source. 0: none of this node. */
static __always_inline __be32 snat_eip(const struct packet *p, const struct sl_snat *rule)
{
	__u64 hash = ((__u64)p->vpc << 32 | p->saddr) * 0x9e3779b97f4a7c15ULL;
	const struct sl_slot *slot;
	__u32 at;

	if (!rule->slots)
		return 0;
	at = rule->ring + (__u32)(hash >> 32) % rule->slots;
	slot = plan_row(&sl_ring, p->slot, &at);
	return slot ? slot->addr : 0;
}

/* Which way does the source leave towards `to`? 0 or a reason. */
static __always_inline __u32 snat_way_body(const struct packet *p, __be32 to, struct snat_way *way)
{
	struct sl_snat_from_key from_key = { .prefixlen = 64, .vpc = bpf_htons(p->vpc), .addr = p->saddr };
	const struct sl_snat_from *from = plan_row(&sl_snat_from, p->slot, &from_key);
	struct sl_snat_to_key to_key = { .prefixlen = 64, .addr = to };
	const struct sl_snat_to *row;
	const struct sl_snat *rule;

	way->eip = 0;
	way->rule = 0;
	if (!from)
		return SL_DROP_NO_EIP;
	if (from->fip) {
		way->eip = from->fip;
		return 0;
	}
	to_key.list = bpf_htonl(from->list);
	row = plan_row(&sl_snat_to, p->slot, &to_key);
	if (!row)
		return SL_DROP_NO_EIP;
	if (row->rule == SL_SNAT_EXCEPT)
		return 0;
	rule = snat_rule(p, row->rule);
	if (!rule)
		return SL_DROP_NO_EIP;
	way->rule = row->rule;
	way->eip = snat_eip(p, rule);
	return way->eip ? 0 : SL_DROP_NO_EIP;
}
STATION(__u32, snat_way, (const struct packet *p, __be32 to, struct snat_way *way), p &&way, (p, to, way))

/* The EIP that the flow at hand left by so far, if it still is one that sources are given. */
static __always_inline __be32 snat_before(const struct packet *p)
{
	bool unanswered;
	const struct sl_flow *f;
	const struct sl_eip *eip;

	if (!(p->flags & PACKET_FLOW))
		return 0;
	f = flow_lookup(&p->key, &unanswered);
	if (!f || !(f->verdict.flags & SL_VERDICT_BOUND))
		return 0;
	eip = eip_row(p, f->verdict.saddr);
	return eip_stands_for(eip, p->vpc, p->saddr) ? f->verdict.saddr : 0;
}

/* As whom will the source be seen? v->saddr, where v->flags say so; no port is taken yet. 0 or a reason. */
static __always_inline __u32 snat_as_body(const struct packet *p, struct sl_verdict *v)
{
	struct snat_way way;
	__u32 reason = snat_way(p, p->key.daddr, &way);
	__be32 before = reason || !way.rule ? 0 : snat_before(p);

	if (reason || !way.eip)
		return reason;
	v->saddr = before ? before : way.eip;
	v->flags |= SL_VERDICT_SRC;
	return 0;
}
STATION(__u32, snat_as, (const struct packet *p, struct sl_verdict *v), p &&v, (p, v))

/* Remembers whom the mapping has sent to. */
static __always_inline void snat_contact(const struct packet *p, const struct sl_verdict *v)
{
	struct sl_contact_key key = {
		.eip = v->saddr,
		.remote = p->key.daddr,
		.port = v->sport,
		.proto = p->key.proto,
	};
	struct sl_contact contact = { .seen = tick_now() };

	bpf_map_update_elem(&sl_contact, &key, &contact, BPF_ANY);
}

/* May the workload have another flow? The agent counts them; between its counts only new ones are added. */
static __always_inline bool snat_flow(const struct packet *p, const struct sl_snat *rule, __be32 eip)
{
	struct sl_holder *holder = holder_of(p->saddr, p->vpc);

	if (!holder)
		return false;
	if (__sync_fetch_and_add(&holder->flows, 1) < rule->max_flows)
		return true;
	__sync_fetch_and_sub(&holder->flows, 1);
	__sync_fetch_and_add(&holder->refused, 1);
	eip_count(eip, p->key.proto, EIP_LIMIT);
	return false;
}

/*
 * Decides what the source of the packet is rewritten to, towards the destination that the packet names. 0: v says it,
 * or says nothing, where the plan excepts the destination; or a reason.
 */
static __always_inline __u32 snat_source_body(const struct packet *p, struct sl_verdict *v)
{
	const struct sl_snat *rule;
	struct snat_way way;
	__be32 before;
	__u32 reason = snat_way(p, p->key.daddr, &way);

	if (reason)
		return reason;
	if (!way.eip)
		return 0;
	v->saddr = way.eip;
	v->sport = p->key.sport;
	if (way.rule) {
		if (p->key.proto != SL_PROTO_TCP && p->key.proto != SL_PROTO_UDP &&
		    p->key.proto != SL_PROTO_ICMP)
			return SL_DROP_NAT_PROTOCOL;
		rule = snat_rule(p, way.rule);
		if (!rule)
			return SL_DROP_NO_EIP;
		if (rule->max_flows && !(p->flags & PACKET_FLOW) && !snat_flow(p, rule, way.eip))
			return SL_DROP_NAT_LIMIT;
		before = snat_before(p);
		if (before)
			v->saddr = before;
		reason = port_bind(p, v, rule);
		if (reason)
			return reason;
		if (rule->filtering == SL_NAT_ADDRESS)
			snat_contact(p, v);
		v->flags |= SL_VERDICT_BOUND;
	}
	v->flags |= SL_VERDICT_SRC | SL_VERDICT_NAT;
	return 0;
}
STATION(__u32, snat_source, (const struct packet *p, struct sl_verdict *v), p &&v, (p, v))

#endif
