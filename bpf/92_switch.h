/* SPDX-License-Identifier: GPL-2.0 */
/*
 * switch: by MAC, as a switch does it: ARP, and what a network lets pass besides IPv4. TC only.
 */
#ifndef SL_BPF_SWITCH_H
#define SL_BPF_SWITCH_H
#include "20_classify.h"
#include "80_mark.h"

#ifdef SL_DOOR_TC
/* A walk over the workload interfaces of a network. bpf_loop: the verifier looks at the body once. */
struct members {
	struct __sk_buff *ctx;
	const struct packet *p;
	__u32 found;
};

static __always_inline const struct sl_member *member(const struct packet *p, __u32 index)
{
	struct sl_member_key key = { .network = p->network, .index = index };

	return plan_row(&sl_member, p->slot, &key);
}

static long member_copy(__u32 index, struct members *walk)
{
	const struct sl_member *m = member(walk->p, index);

	if (!m)
		return 1;
	if (m->ifindex != walk->p->ifindex)
		bpf_clone_redirect(walk->ctx, m->ifindex, 0);
	return 0;
}

static long member_match(__u32 index, struct members *walk)
{
	const struct sl_member *m = member(walk->p, index);

	if (!m)
		return 1;
	if (!mac_equal(m->mac, walk->p->dmac))
		return 0;
	walk->found = m->ifindex;
	return 1;
}

/* A copy to every workload interface of the network but the one it came from. */
static __always_inline void deliver_copies(struct __sk_buff *ctx, const struct packet *p)
{
	struct members walk = { .ctx = ctx, .p = p };

	bpf_loop(SL_MAX_MEMBERS, member_copy, &walk, 0);
}

/* The workload interface behind the destination's MAC; 0: none. */
static __always_inline __u32 deliver_find(const struct packet *p)
{
	struct members walk = { .p = p };

	bpf_loop(SL_MAX_MEMBERS, member_match, &walk, 0);
	return walk.found;
}

static __always_inline int deliver_tagged(struct __sk_buff *ctx, const struct packet *p)
{
	const struct sl_network *network = classify_network(p, p->network);

	if (!network || !network->vlan)
		return TC_ACT_UNSPEC;
	if (!network->uplink || bpf_skb_vlan_push(ctx, bpf_htons(SL_ETH_VLAN), network->vlan))
		return TC_ACT_SHOT;
	return bpf_redirect(network->uplink, 0);
}

static __always_inline int deliver_l2_body(struct __sk_buff *ctx, const struct packet *p)
{
	__u16 tci = ctx->vlan_present ? ctx->vlan_tci : p->vlan;
	__u32 to;

	mark_set(ctx, p);
	if (p->door != DOOR_WL_IN && p->door != DOOR_UP_IN)
		return TC_ACT_UNSPEC;
	if (p->door == DOOR_UP_IN && bpf_skb_vlan_pop(ctx))
		return TC_ACT_SHOT;
	if (mac_multicast(p->dmac)) {
		deliver_copies(ctx, p);
	} else {
		to = deliver_find(p);
		if (to)
			return bpf_redirect(to, 0);
	}
	if (p->door == DOOR_WL_IN)
		return deliver_tagged(ctx, p);
	/* Not for a workload of the plan, or not only: the stack gets the frame as it came. */
	return bpf_skb_vlan_push(ctx, bpf_htons(SL_ETH_VLAN), tci) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}
STATION(int, deliver_l2, (struct __sk_buff * ctx, const struct packet *p), p, (ctx, p))
#endif

#endif
