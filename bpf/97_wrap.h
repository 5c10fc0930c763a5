/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wrap: what lines know of deliveries between nodes. Of the headers in front of a packet all but its length, its class and
 * its hash stand in the line. Which way it takes the stack is asked for every packet: its routes change without anybody's
 * telling.
 */
#ifndef SL_BPF_WRAP_H
#define SL_BPF_WRAP_H
#include "84_tunnel.h"
#include "90_deliver.h"

#ifdef SL_DOOR_TC
/* Whom the option names. */
static __always_inline __be32 wrap_names(const struct sl_line_verdict *v)
{
	return v->flags & SL_VERDICT_SERVICE ? v->daddr : 0;
}

/* Are these such headers, whoever sent them to whom? Without news of congestion, which the long way passes on. */
static __always_inline bool wrap_usual(const struct tunnel_headers *outer)
{
	const __u32 *word = (const void *)outer;
	const __u32 shape = tunnel_halves(bpf_htons(0xff00), 0),
		    whole = tunnel_halves(0, bpf_htons(SL_IP_MF | SL_IP_OFFSET));

	return word[7] == TUNNEL_GENEVE && word[9] == TUNNEL_OPTION && outer->ip.proto == SL_PROTO_UDP &&
	       (word[0] & shape) == tunnel_halves(bpf_htons(0x4500), 0) && !(word[1] & whole) &&
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
	const struct sl_line_verdict *v = &line->verdict;
	__u32 hash = bpf_get_hash_recalc(ctx); /* of what is to be wrapped */
	struct tunnel_ends ends = {};

	if (bpf_skb_adjust_room(ctx, SL_TUNNEL_BYTES, BPF_ADJ_ROOM_MAC, flags))
		return false;
	ends.from = line->outer.saddr;
	ends.to = v->next_hop;
	ends.vni = line->outer.vni;
	ends.port = line->outer.port;
	ends.backend = wrap_names(v);
	return tunnel_write(ctx, &ends, len, hash);
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
