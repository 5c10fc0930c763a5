/* SPDX-License-Identifier: GPL-2.0 */
/*
 * carry: the first thing a door does: a packet that a line of the cache stands for is carried out here and goes no other
 * way. XDP drops such a packet or brings it to a workload that takes frames from XDP; all others it lets pass to TC, where
 * they are carried out, wrapped or unwrapped.
 */
#ifndef SL_BPF_CARRY_H
#define SL_BPF_CARRY_H
#include "97_wrap.h"
#include "98_hit.h"

#ifdef SL_DOOR_XDP
/* What is still to be filled in by a card only TC can send on: XDP would forget the order. */
static __always_inline bool hit_summed(struct xdp_md *ctx, const struct hit *hit, const struct sl_line *line)
{
	bool udp = line->proto == SL_PROTO_UDP;
	const void *l4 = hit->ip + 1;
	const __be16 *check = l4 + (udp ? offsetof(struct sl_udp, check) : offsetof(struct sl_tcp, check));

	if ((void *)(check + 1) > packet_end(ctx))
		return false;
	return (udp && !*check) || !hit_unsummed(line, hit->ip->len, *check);
}

/* To the workload, without its tag. */
static __always_inline int hit_send(struct xdp_md *ctx, struct sl_line *line, const struct hit *hit)
{
	const __u32 tag = sizeof(struct sl_tag);
	void *begin = packet_begin(ctx);

	if (!hit_fits(ctx, hit, line) || !hit_summed(ctx, hit, line))
		return XDP_PASS;
	line_add(line, 1, hit_len(hit));
	if (!(line->flags & SL_LINE_SMAC))
		__builtin_memmove(begin + tag + 6, begin + 6, 6);
	if (!hit_write(ctx, line, hit->l3, tag) || bpf_xdp_adjust_head(ctx, tag))
		return XDP_DROP;
	return bpf_redirect(line->verdict.ifindex, 0);
}

/*
 * Drops what a line drops, brings to workloads what it may, and lets pass what else TC knows a line for. Where no packet may
 * be changed, nothing is brought.
 */
static __always_inline int hit_xdp(struct xdp_md *ctx, bool may_change)
{
	struct sl_line *line;
	struct hit hit;

	switch (hit_parse(ctx, &hit)) {
	case HIT_PARSED:
		break;
	case HIT_ALONE:
		return XDP_PASS;
	default:
		return HIT_NOT;
	}
	line = hit_find(ctx, &hit);
	if (!line)
		return HIT_NOT;
	if (!(line->flags & (SL_LINE_REFUSE | SL_LINE_XDP)))
		return XDP_PASS;
	if (line->flags & SL_LINE_REFUSE)
		return hit_refused(ctx, line) ? XDP_DROP : HIT_NOT;
	return may_change ? hit_send(ctx, line, &hit) : XDP_PASS;
}

#else
/* The compiler would go on with the one where it knows both to be equal; the verifier would not. */
static __always_inline bool hit_has_meta(struct __sk_buff *ctx)
{
	__u32 meta = ctx->data_meta, data = ctx->data;

	barrier_var(meta);
	return meta != data;
}

static __always_inline int hit_route_body(struct __sk_buff *ctx, const struct sl_line *line)
{
	const struct sl_line_verdict *v = &line->verdict;
	bool nat = line->flags & SL_LINE_NAT;
	struct packet p = {
		.generation = line->generation,
		.slot = line->generation & 1,
		.qos = v->qos,
		.ifindex = ctx->ifindex,
	};

	return deliver_by_route(ctx, &p, nat ? v->saddr : line->saddr, nat ? v->daddr : line->daddr);
}
STATION(int, hit_route, (struct __sk_buff * ctx, const struct sl_line *line), line, (ctx, line))

/* Without options and whole, in a buffer of its own: does it fit with all that is put in front of it? */
static __always_inline bool hit_wraps(struct __sk_buff *ctx, const struct sl_line *line, __u32 len)
{
	return line->bytes < SL_LINE_BYTES && len <= line->outer.room && !ctx->gso_size && ctx->gso_segs <= 1;
}

/* Takes what the sender has made of the DSCP off. */
static __always_inline void hit_wash(struct __sk_buff *ctx, __u32 l3)
{
	struct sl_ipv4 *ip = packet_begin(ctx) + l3;

	if ((void *)(ip + 1) <= packet_end(ctx) && ip->tos & ~SL_ECN)
		mark_dscp(ctx, l3, 0);
}

/* To another node. What has no room there the long way cuts, or tells its sender. */
static __always_inline int hit_wrap_body(struct __sk_buff *ctx, struct sl_line *line, __u32 len)
{
	const __u32 l3 = sizeof(struct sl_eth); /* no line leaves what it wraps a tag */

	if (!hit_wraps(ctx, line, len))
		return HIT_NOT;
	line_add(line, 1, len);
	if (line->flags & SL_LINE_UNTAG && bpf_skb_vlan_pop(ctx))
		return TC_ACT_SHOT;
	if (line->flags & SL_LINE_WASH)
		hit_wash(ctx, l3);
	if ((line->flags & SL_LINE_NAT && !hit_write(ctx, line, l3, 0)) || !wrap_write(ctx, line, len))
		return TC_ACT_SHOT;
	return wrap_route(ctx, line);
}
STATION(int, hit_wrap, (struct __sk_buff * ctx, struct sl_line *line, __u32 len), line, (ctx, line, len))

static __always_inline bool hit_for_router(struct __sk_buff *ctx)
{
	struct sl_eth *eth = packet_begin(ctx);

	return (void *)(eth + 1) <= packet_end(ctx) && mac_router(eth->dst);
}

/* Where it goes, once it is what it is to be. */
static __always_inline int hit_go(struct __sk_buff *ctx, const struct sl_line *line)
{
	const struct sl_line_verdict *v = &line->verdict;

	if (line->mark)
		ctx->mark = line->mark;
	switch (v->action) {
	case SL_ACTION_STACK:
		if (line->door == LINE_DOOR(DOOR_WL_IN) && hit_for_router(ctx))
			deliver_as_own(ctx);
		return TC_ACT_UNSPEC;
	case SL_ACTION_LOCAL:
		if (!(v->flags & SL_VERDICT_PEER))
			return bpf_redirect(v->ifindex, 0);
		deliver_as_own(ctx);
		return bpf_redirect_peer(v->ifindex, 0);
	case SL_ACTION_WIRE:
		if (v->vlan && bpf_skb_vlan_push(ctx, bpf_htons(SL_ETH_VLAN), v->vlan))
			return TC_ACT_SHOT;
		return bpf_redirect(v->ifindex, 0);
	default: /* ROUTE */
		return hit_route(ctx, line);
	}
}

#define HIT_CHANGES (SL_LINE_HOP | SL_LINE_DMAC | SL_LINE_SMAC | SL_LINE_NAT)

static __always_inline int hit_carry(struct __sk_buff *ctx, __u32 door)
{
	struct sl_line *line;
	struct hit hit;
	__u64 l3; /* a whole word: of half of one on the stack not every verifier knows what stands in it */

	/* Marks and metadata are other doors' words; they are heard where somebody knows them. */
	if (ctx->mark || (door == DOOR_UP_IN && hit_has_meta(ctx)))
		goto miss;
	switch (hit_parse(ctx, door, &hit)) {
	case HIT_PARSED:
		break;
	case HIT_ALONE:
		return TC_ACT_UNSPEC;
	default:
		goto miss;
	}
	l3 = hit.l3;
	/* Asked for last: the registers are for the line, which is asked for all the time. */
	asm volatile("" : "+m"(l3));
	line = hit_find(ctx, &hit);
	if (!line)
		goto miss;
	if (line->flags & (SL_LINE_LEAVE | SL_LINE_REFUSE | SL_LINE_WRAP)) {
		if (line->flags & SL_LINE_LEAVE)
			return TC_ACT_UNSPEC;
		if (line->flags & SL_LINE_WRAP)
			return hit_wrap(ctx, line, hit_len(&hit));
		if (hit_refused(ctx, line, hit_len(&hit)))
			return TC_ACT_SHOT;
		goto miss;
	}
	if (!hit_fits(ctx, &hit, line))
		goto miss;
	line_add(line, packet_segments(ctx), hit_len(&hit));
	if (line->flags & (SL_LINE_WASH | SL_LINE_UNTAG)) {
		if (line->flags & SL_LINE_WASH)
			hit_wash(ctx, l3);
		if (line->flags & SL_LINE_UNTAG) {
			if (bpf_skb_vlan_pop(ctx))
				return TC_ACT_SHOT;
			l3 = sizeof(struct sl_eth);
		}
	}
	if (line->flags & HIT_CHANGES && !hit_write(ctx, line, l3, 0))
		return TC_ACT_SHOT;
	return hit_go(ctx, line);
miss:
	/* Something to come to: the compiler would prepare this answer before each question. */
	asm volatile("");
	return HIT_NOT;
}

/*
 * Of what comes wrapped in, the line that knows it by the packet within, by a door of its own, and by the node that sent
 * it. What wraps it is checked as tunnel_unwrap() does it, or more closely: the rest goes there.
 */
static __always_inline struct sl_line *
hit_find_wrapped(struct __sk_buff *ctx, const struct tunnel_headers *outer, __u32 l3, struct hit *hit)
{
	__u32 generation = packet_generation(), zero = 0, total = bpf_ntohs(outer->ip.len),
	      most = ctx->len - l3;
	const struct sl_setting *setting;
	struct sl_line *line;

	*hit = (struct hit){ .ip = (const void *)(outer + 1), .way_in = LINE_DOOR(DOOR_UNWRAPPED) << 16 };
	if (!wrap_usual(outer) || total > most || total < sizeof(*outer) ||
	    !hit_parse_ip(packet_end(ctx), most, hit) || hit_len(hit) + sizeof(*outer) != total)
		return NULL;
	setting = plan_row(&sl_setting, generation & 1, &zero);
	if (!setting || !wrap_for(outer, setting))
		return NULL;
	line = hit_find(ctx, hit);
	if (!line || line->generation != generation || line->verdict.next_hop != outer->ip.saddr ||
	    outer->geneve.backend != wrap_names(&line->verdict))
		return NULL;
	return line;
}

static __always_inline int hit_unwrap(struct __sk_buff *ctx)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	const struct tunnel_headers *outer = begin + sizeof(struct sl_eth);
	const struct sl_eth *eth = begin;
	const struct sl_tag *tag = begin + sizeof(*eth);
	bool tagged = ctx->vlan_present;
	__u32 l3 = sizeof(*eth);
	struct sl_line *line;
	struct hit hit;
	__be16 type;

	if ((void *)(outer + 1) + sizeof(struct sl_ipv4) + sizeof(struct sl_udp) > end)
		return HIT_NOT;
	type = eth->type;
	if (tagged && (__be16)ctx->vlan_proto != bpf_htons(SL_ETH_VLAN))
		return HIT_NOT;
	if (!tagged && type == bpf_htons(SL_ETH_VLAN)) {
		tagged = true;
		type = tag->type;
		l3 = sizeof(*eth) + sizeof(*tag);
		outer = (void *)(tag + 1);
		if ((void *)(outer + 1) + sizeof(struct sl_ipv4) + sizeof(struct sl_udp) > end)
			return HIT_NOT;
	}
	if (type != bpf_htons(SL_ETH_IPV4) || ctx->mark || hit_has_meta(ctx) || ctx->gso_size ||
	    ctx->gso_segs > 1)
		return HIT_NOT;
	line = hit_find_wrapped(ctx, outer, l3, &hit);
	if (!line || !hit_fits(ctx, &hit, line))
		return HIT_NOT;
	line_add(line, 1, hit_len(&hit));
	/* Half unwrapped it must not be judged as something else. */
	if ((tagged && bpf_skb_vlan_pop(ctx)) ||
	    bpf_skb_adjust_room(ctx, -(__s32)sizeof(*outer), BPF_ADJ_ROOM_MAC, 0))
		return TC_ACT_SHOT;
	hit.l3 = sizeof(*eth);
	if (line->flags & HIT_CHANGES && !hit_write(ctx, line, hit.l3, 0))
		return TC_ACT_SHOT;
	return hit_go(ctx, line);
}

#endif

#endif
