/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tunnel: packets for a backend of another node, whole and untouched inside Geneve, with an option that names the
 * backend; 0 names none: an answer to a client of the node that it goes to. Only nodes of the plan are believed.
 */
#ifndef SL_BPF_TUNNEL_H
#define SL_BPF_TUNNEL_H
#include "10_parse.h"
#include "20_classify.h"
#include "40_flow.h"
#include "80_mark.h"
#include "../include/csum.h"

struct tunnel_headers {
	struct sl_ipv4 ip;
	struct sl_udp udp;
	struct sl_geneve geneve;
} __attribute__((packed, aligned(2)));
_Static_assert(sizeof(struct tunnel_headers) == SL_TUNNEL_BYTES, "SL_TUNNEL_BYTES");

/* Is it addressed to this node's end of the tunnels? */
static __always_inline bool tunnel_arrives(sl_ctx *ctx, const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);
	struct tunnel_headers *outer = packet_begin(ctx) + (p->l3 & 0x3f);

	return setting && p->ethertype == SL_ETH_IPV4 && (void *)(outer + 1) <= packet_end(ctx) &&
	       outer->ip.ver_ihl == 0x45 && outer->ip.proto == SL_PROTO_UDP &&
	       outer->ip.daddr == setting->node_addr && outer->udp.dst == setting->tunnel_port &&
	       !(outer->ip.frag & bpf_htons(SL_IP_OFFSET));
}

#ifdef SL_DOOR_TC
/* Takes the wrapping off and begins the packet anew. 0 or a reason. */
static __always_inline __u32 tunnel_unwrap_body(struct __sk_buff *ctx, struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);
	struct tunnel_headers *outer = packet_begin(ctx) + (p->l3 & 0x3f);
	const struct sl_endpoint *node;
	__u32 vni, total;
	__u16 network;
	__u8 tos;

	if (!setting || (void *)(outer + 1) > packet_end(ctx))
		return SL_DROP_TUNNEL_PEER;
	node = classify_exact(p, setting->node_vpc, outer->ip.saddr);
	vni = outer->geneve.vni[0] << 16 | outer->geneve.vni[1] << 8 | outer->geneve.vni[2];
	total = bpf_ntohs(outer->ip.len);
	if (!node || node->kind != SL_ENDPOINT_NODE || vni != setting->tunnel_vni ||
	    outer->ip.frag & bpf_htons(SL_IP_MF) || p->flags & PACKET_DOUBLE_TAG ||
	    outer->geneve.ver_words != SL_GENEVE_WORDS || outer->geneve.type != bpf_htons(SL_ETH_IPV4) ||
	    outer->geneve.option_class != bpf_htons(SL_GENEVE_CLASS) ||
	    outer->geneve.option_type != SL_GENEVE_BACKEND || outer->geneve.option_words != 1 ||
	    total < sizeof(*outer) + sizeof(struct sl_ipv4) || total + p->l3 > ctx->len)
		return SL_DROP_TUNNEL_PEER;
	p->backend = outer->geneve.backend;
	p->outer = outer->ip.saddr;
	tos = outer->ip.tos;
	if (p->flags & PACKET_TAGGED && bpf_skb_vlan_pop(ctx))
		return SL_DROP_TUNNEL_PEER;
	if (bpf_skb_adjust_room(ctx, -(__s32)sizeof(*outer), BPF_ADJ_ROOM_MAC, 0))
		return SL_DROP_TUNNEL_PEER;
	p->flags = PACKET_UNWRAPPED;
	p->vlan = 0;
	p->l3 = sizeof(struct sl_eth);
	p->network = network = SL_NET_WORLD;
	p->vpc = setting->node_vpc;
	p->len = ctx->len - sizeof(struct sl_eth);
	if (!parse_pull(ctx))
		return SL_DROP_FRAME_SHORT;
	if ((tos & SL_ECN) == SL_ECN_CE) { /* congestion met on the way between the nodes (RFC 6040) */
		struct sl_ipv4 *ip = packet_begin(ctx) + sizeof(struct sl_eth);
		__u16 *word = (__u16 *)ip, old;

		if ((void *)(ip + 1) > packet_end(ctx))
			return SL_DROP_IP_HEADER;
		old = *word;
		if (ip->tos & SL_ECN) {
			ip->tos |= SL_ECN_CE;
			ip->check = sl_csum_replace16(ip->check, old, *word);
		}
	}
	stat(SL_STAT_TUNNEL_RECEIVED);
	return 0;
}
STATION(__u32, tunnel_unwrap, (struct __sk_buff * ctx, struct packet *p), p, (ctx, p))

#define TUNNEL_TTL 64

/* Two bytes in front of two, as they stand in a packet. */
static __always_inline __u32 tunnel_halves(__be16 first, __be16 second)
{
	return (__u32)second << 16 | first;
}

#define TUNNEL_GENEVE                                                                                        \
	tunnel_halves(bpf_htons(SL_GENEVE_WORDS << 8 | SL_GENEVE_CRITICAL), bpf_htons(SL_ETH_IPV4))
#define TUNNEL_OPTION tunnel_halves(bpf_htons(SL_GENEVE_CLASS), bpf_htons(SL_GENEVE_BACKEND << 8 | 1))

/* What a delivery's headers say that does not follow from the packet within. */
struct tunnel_ends {
	__be32 from;
	__be32 to;
	__be32 vni; /* in the first three bytes */
	__be32 backend;
	__be16 port;
};

/*
 * Writes the outer headers, in whole words, into the room made for them in front of a packet of `len` bytes. The hash is
 * that of the packet within.
 */
static __always_inline bool tunnel_write(struct __sk_buff *ctx, const struct tunnel_ends *ends, __u32 len,
					 __u32 hash)
{
	struct tunnel_headers *outer = packet_begin(ctx) + sizeof(struct sl_eth);
	struct sl_ipv4 *inner = (void *)(outer + 1);
	__u32 first, hops = tunnel_halves(bpf_htons(TUNNEL_TTL << 8 | SL_PROTO_UDP), 0), sum;
	__u32 *word = (void *)outer;

	if ((void *)(inner + 1) > packet_end(ctx))
		return false;
	/* DSCP and ECN (RFC 6040) */
	first = tunnel_halves(bpf_htons(0x4500 | inner->tos), bpf_htons(len + sizeof(*outer)));
	sum = (__u16)first + (first >> 16) + bpf_htons(SL_IP_DF) + hops + (__u16)ends->from +
	      (ends->from >> 16) + (__u16)ends->to + (ends->to >> 16);
	hops |= (__u32)(__u16)~sl_csum_fold(sum) << 16;
	word[0] = first;
	word[1] = tunnel_halves(0, bpf_htons(SL_IP_DF));
	word[2] = hops;
	word[3] = ends->from;
	word[4] = ends->to;
	word[5] = tunnel_halves(bpf_htons(0xc000 | (hash & 0x3fff)), ends->port);
	word[6] = tunnel_halves(bpf_htons(len + sizeof(*outer) - sizeof(outer->ip)), 0);
	word[7] = TUNNEL_GENEVE;
	word[8] = ends->vni;
	word[9] = TUNNEL_OPTION;
	word[10] = ends->backend;
	return true;
}

/* For whom the verdict says, by the plan's tunnel. */
static __always_inline bool tunnel_wrap_body(struct __sk_buff *ctx, const struct packet *p,
					     const struct sl_verdict *v)
{
	const struct sl_setting *setting = classify_setting(p);
	struct sl_ipv4 *inner = packet_begin(ctx) + sizeof(struct sl_eth) + sizeof(struct tunnel_headers);
	struct tunnel_ends ends = { .to = v->next_hop };

	if (!setting || (void *)(inner + 1) > packet_end(ctx))
		return false;
	ends.from = setting->node_addr;
	ends.vni = bpf_htonl(setting->tunnel_vni << 8);
	ends.port = setting->tunnel_port;
	if (v->flags & SL_VERDICT_SERVICE)
		ends.backend = v->daddr;
	else if (v->flags & SL_VERDICT_FORWARD)
		ends.backend = p->daddr;
	return tunnel_write(ctx, &ends, bpf_ntohs(inner->len), bpf_get_hash_recalc(ctx));
}
STATION(bool, tunnel_wrap, (struct __sk_buff * ctx, const struct packet *p, const struct sl_verdict *v),
	p &&v, (ctx, p, v))

/* --- a packet without DF that does not fit is cut in two before it is wrapped */

/* Bytes of payload that stay in the first half, the same for both who ask. At most 4095 can be cut out at once. */
static __always_inline __u32 split_at(__u32 payload)
{
	__u32 cut = payload / 2 & ~7U;

	return cut > 4088 ? 4088 : cut;
}

/*
 * A copy of the packet comes in again by the same door, marked to become the second half; the one at hand becomes
 * the first.
 */
static __always_inline bool packet_split_body(struct __sk_buff *ctx, struct packet *p, __u32 room)
{
	const struct sl_setting *setting = classify_setting(p);
	const __u8 half[6] = SL_HALF_MAC;
	struct sl_eth *eth = packet_begin(ctx);
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);
	__u32 mark = ctx->mark, cut;
	__u16 old;
	long failed;

	if (!setting || (void *)(ip + 1) > packet_end(ctx) || (void *)(eth + 1) > packet_end(ctx) ||
	    ip->ver_ihl != 0x45 || p->door == DOOR_UP_OUT || !p->l3)
		return false;
	cut = split_at(p->len - sizeof(*ip));
	/* Two, never more: a way that takes less than half of what is sent drops, and says so. */
	if (sizeof(*ip) + cut > room || p->len - cut > room)
		return false;
	ctx->mark = mark | setting->judged_mark;
	__builtin_memcpy(eth->dst, half, 6);
	failed = bpf_clone_redirect(ctx, p->ifindex, BPF_F_INGRESS);
	ctx->mark = mark;
	eth = packet_begin(ctx);
	if ((void *)(eth + 1) > packet_end(ctx))
		return false;
	__builtin_memcpy(eth->dst, p->dmac, 6);
	if (failed || bpf_skb_change_tail(ctx, (p->l3 & 0x3f) + sizeof(*ip) + cut, 0))
		return false;
	ip = packet_begin(ctx) + (p->l3 & 0x3f);
	if ((void *)(ip + 1) > packet_end(ctx))
		return false;
	old = ip->len;
	ip->len = bpf_htons(sizeof(*ip) + cut);
	ip->check = sl_csum_replace16(ip->check, old, ip->len);
	old = ip->frag;
	ip->frag |= bpf_htons(SL_IP_MF);
	ip->check = sl_csum_replace16(ip->check, old, ip->frag);
	p->len = sizeof(*ip) + cut;
	if (!(p->flags & (PACKET_FRAG_FIRST | PACKET_FRAG_LATER)))
		frag_remember(p); /* the second half will ask */
	stat(SL_STAT_SPLIT);
	return true;
}
STATION(bool, packet_split, (struct __sk_buff * ctx, struct packet *p, __u32 room), p, (ctx, p, room))

/* Turns a marked copy into the second half, an ordinary later fragment. False: it must not go on. */
static __always_inline bool packet_second_half_body(struct __sk_buff *ctx, struct packet *p)
{
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);
	__u32 cut, length;
	__u16 old, frag;

	if (p->ethertype != SL_ETH_IPV4 || (void *)(ip + 1) > packet_end(ctx))
		return false;
	length = bpf_ntohs(ip->len);
	if (length < sizeof(*ip) + 16)
		return false;
	cut = split_at(length - sizeof(*ip)) & 0xfff;
	if (p->flags & PACKET_TAGGED && !ctx->vlan_present)
		return false;
	if (!cut || bpf_skb_adjust_room(ctx, -(__s32)cut, BPF_ADJ_ROOM_NET, 0))
		return false;
	ip = packet_begin(ctx) + (p->l3 & 0x3f);
	if ((void *)(ip + 1) > packet_end(ctx))
		return false;
	old = ip->len;
	ip->len = bpf_htons(length - cut);
	ip->check = sl_csum_replace16(ip->check, old, ip->len);
	old = ip->frag;
	frag = bpf_ntohs(ip->frag);
	ip->frag = bpf_htons((frag & ~SL_IP_OFFSET) | ((frag & SL_IP_OFFSET) + cut / 8));
	ip->check = sl_csum_replace16(ip->check, old, ip->frag);
	return true;
}
STATION(bool, packet_second_half, (struct __sk_buff * ctx, struct packet *p), p, (ctx, p))
#endif

#endif
