/* SPDX-License-Identifier: GPL-2.0 */
/*
 * neighbour: asking for the MAC of a next hop. Answers are learned by 25_arp.h, in rows that asking has made. TC only.
 */
#ifndef SL_BPF_NEIGHBOUR_H
#define SL_BPF_NEIGHBOUR_H
#include "20_classify.h"
#include "80_mark.h"
#include "../include/csum.h"

#ifdef SL_DOOR_TC
static __always_inline bool neigh_may_ask(const struct sl_neigh_key *key, __u32 now)
{
	struct sl_neigh_key own = *key;
	struct sl_neigh *neigh = bpf_map_lookup_elem(&sl_neigh, &own), fresh = { .asked = now };

	if (!neigh)
		return !bpf_map_update_elem(&sl_neigh, &own, &fresh, BPF_NOEXIST);
	if (now - neigh->asked < SL_TICKS(SL_ASK_S))
		return false;
	neigh->asked = now;
	return true;
}

/*
 * A packet whose checksum the hardware was to fill in keeps that order when it becomes a question. With this
 * length the place of the checksum stays inside the frame for TCP and UDP behind any IP options.
 */
struct neigh_question {
	struct sl_eth eth;
	struct sl_arp arp;
	__be16 keep; /* see below */
	__u8 padding[52];
} __attribute__((packed, aligned(2)));
_Static_assert(sizeof(struct neigh_question) == 96, "Ethernet + longest IPv4 + TCP up to its checksum");

/* In whose name to ask. On an external network the node has no address, and may speak for none of them. */
static __always_inline __be32 neigh_speaker(const struct packet *p, __u32 id, __be32 node_addr)
{
	const struct sl_vlan *vlan = plan_row(&sl_vlan, p->slot, &id);
	const struct sl_network *network;

	if (!vlan)
		return node_addr;
	network = classify_network(p, vlan->network);
	if (!network)
		return node_addr;
	return network->flags & SL_NETWORK_EXTERNAL ? 0 : node_addr;
}

/*
 * Asks who has the next hop. The packet that found nobody is lost anyway, so it becomes the question:
 * no agent is needed, and nothing is kept.
 */
static __always_inline int neigh_ask_body(struct __sk_buff *ctx, const struct packet *p,
					  const struct sl_neigh_key *key)
{
	const struct sl_setting *setting = classify_setting(p);
	struct sl_iface_key uplink_key = { .ifindex = key->ifindex };
	const struct sl_iface *uplink = plan_row(&sl_iface, p->slot, &uplink_key);
	struct neigh_question *q;
	__u8 smac[6] __attribute__((aligned(2)));

	if (!uplink)
		return TC_ACT_SHOT;
	__builtin_memcpy(smac, uplink->mac, 6);
	if (!setting || !neigh_may_ask(key, tick_now()))
		return TC_ACT_SHOT;
	if (bpf_skb_change_tail(ctx, sizeof(*q), 0))
		return TC_ACT_SHOT;
	q = packet_begin(ctx);
	if ((void *)(q + 1) > packet_end(ctx))
		return TC_ACT_SHOT;
	__builtin_memset(q, 0, sizeof(*q));
	__builtin_memset(q->eth.dst, 0xff, 6);
	__builtin_memcpy(q->eth.src, smac, 6);
	q->eth.type = bpf_htons(SL_ETH_ARP);
	q->arp.htype = bpf_htons(1);
	q->arp.ptype = bpf_htons(SL_ETH_IPV4);
	q->arp.hlen = 6;
	q->arp.plen = 4;
	q->arp.op = bpf_htons(SL_ARP_REQUEST);
	__builtin_memcpy(q->arp.sha, smac, 6);
	q->arp.spa = neigh_speaker(p, key->vlan, setting->node_addr);
	q->arp.tpa = key->addr;
	/* UDP's checksum stands where the low half of the address asked for does: make it come out as that. */
	q->keep = sl_csum_keep16(key->addr >> 16, key->addr & 0xffff);
	stat(SL_STAT_ARP_ASKED);
	if (bpf_skb_vlan_push(ctx, bpf_htons(SL_ETH_VLAN), key->vlan))
		return TC_ACT_SHOT;
	mark_set(ctx, p);
	return bpf_redirect(key->ifindex, 0);
}
STATION(int, neigh_ask, (struct __sk_buff * ctx, const struct packet *p, const struct sl_neigh_key *key),
	p &&key, (ctx, p, key))
#endif

#endif
