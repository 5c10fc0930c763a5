/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wrap: what lines know of deliveries between nodes. The headers in front of a packet as 84_tunnel.h writes them, in whole
 * words, since all but its length, its class and its hash stand in the line. Which way it takes the stack is asked for
 * every packet: its routes change without anybody's telling.
 */
#ifndef SL_BPF_WRAP_H
#define SL_BPF_WRAP_H
#include "84_tunnel.h"
#include "90_deliver.h"

#ifdef SL_DOOR_TC
#define WRAP_AT sizeof(struct sl_eth)
#define WRAP_TTL 64

/* Two bytes in front of two, as they stand in a packet. */
static __always_inline __u32 wrap_halves(__be16 first, __be16 second)
{
	return (__u32)second << 16 | first;
}

/* Whom the option names. */
static __always_inline __be32 wrap_names(const struct sl_verdict *v)
{
	return v->flags & SL_VERDICT_SERVICE ? v->daddr : 0;
}

#define WRAP_GENEVE wrap_halves(bpf_htons(SL_GENEVE_WORDS << 8 | SL_GENEVE_CRITICAL), bpf_htons(SL_ETH_IPV4))
#define WRAP_OPTION wrap_halves(bpf_htons(SL_GENEVE_CLASS), bpf_htons(SL_GENEVE_BACKEND << 8 | 1))

/* Are these such headers, whoever sent them to whom? Without news of congestion, which the long way passes on. */
static __always_inline bool wrap_usual(const struct tunnel_headers *outer)
{
	const __u32 *word = (const void *)outer;
	const __u32 shape = wrap_halves(bpf_htons(0xff00), 0),
		    whole = wrap_halves(0, bpf_htons(SL_IP_MF | SL_IP_OFFSET));

	return word[7] == WRAP_GENEVE && word[9] == WRAP_OPTION && outer->ip.proto == SL_PROTO_UDP &&
	       (word[0] & shape) == wrap_halves(bpf_htons(0x4500), 0) && !(word[1] & whole) &&
	       (outer->ip.tos & SL_ECN) != SL_ECN_CE;
}

static __always_inline bool wrap_for(const struct tunnel_headers *outer, const struct sl_setting *setting)
{
	const __u32 *word = (const void *)outer;

	return outer->ip.daddr == setting->node_addr && outer->udp.dst == setting->tunnel_port &&
	       word[8] == bpf_htonl(setting->tunnel_vni << 8);
}

/* A packet of `len` bytes, without a tag, out as the line says; it stays as it was if there is no room. */
static __always_inline bool wrap_write(struct __sk_buff *ctx, const struct sl_line *line, __u32 len)
{
	const __u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	const struct sl_verdict *v = &line->verdict;
	__u32 first, hops = wrap_halves(bpf_htons(WRAP_TTL << 8 | SL_PROTO_UDP), 0), sum, hash;
	struct tunnel_headers *outer;
	struct sl_ipv4 *inner;
	__u32 *word;

	hash = bpf_get_hash_recalc(ctx); /* of what is to be wrapped */
	if (bpf_skb_adjust_room(ctx, SL_TUNNEL_BYTES, BPF_ADJ_ROOM_MAC, flags))
		return false;
	outer = packet_begin(ctx) + WRAP_AT;
	inner = (void *)(outer + 1);
	word = (void *)outer;
	if ((void *)(inner + 1) > packet_end(ctx))
		return false;
	/* DSCP and ECN (RFC 6040) */
	first = wrap_halves(bpf_htons(0x4500 | inner->tos), bpf_htons(len + sizeof(*outer)));
	sum = (__u16)first + (first >> 16) + bpf_htons(SL_IP_DF) + hops + (__u16)line->outer.saddr +
	      (line->outer.saddr >> 16) + (__u16)v->next_hop + (v->next_hop >> 16);
	hops |= (__u32)(__u16)~sl_csum_fold(sum) << 16;
	word[0] = first;
	word[1] = wrap_halves(0, bpf_htons(SL_IP_DF));
	word[2] = hops;
	word[3] = line->outer.saddr;
	word[4] = v->next_hop;
	word[5] = wrap_halves(bpf_htons(0xc000 | (hash & 0x3fff)), line->outer.port);
	word[6] = wrap_halves(bpf_htons(len + sizeof(*outer) - sizeof(outer->ip)), 0);
	word[7] = WRAP_GENEVE;
	word[8] = line->outer.vni;
	word[9] = WRAP_OPTION;
	word[10] = wrap_names(v);
	return true;
}

/* As deliver_by_route() does it. */
static __always_inline int wrap_route(struct __sk_buff *ctx, const struct sl_line *line)
{
	struct bpf_fib_lookup fib = {
		.family = 2 /* AF_INET */,
		.ipv4_src = line->outer.saddr,
		.ipv4_dst = line->verdict.next_hop,
		.ifindex = line->ifindex,
	};
	long found = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	struct packet p = { .slot = line->generation & 1 };
	const struct sl_setting *setting;
	__u32 to = fib.ifindex;

	if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH) {
		setting = classify_setting(&p);
		to = setting ? setting->uplink : 0;
	}
	if (!to)
		return TC_ACT_SHOT;
	ctx->mark = line->mark;
	return bpf_redirect_neigh(to, NULL, 0, 0);
}
#endif

#endif
