/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hit: the first thing a door does: a packet that a line of the cache stands for is carried out here and goes no other
 * way. What is not plainly such a packet, or could not be carried out as it is, takes the long way and leaves no trace
 * here. XDP drops such a packet or brings it to a workload that takes frames from XDP; all others it lets pass to TC,
 * where they are carried out.
 */
#ifndef SL_BPF_HIT_H
#define SL_BPF_HIT_H
#include "90_deliver.h"
#include "96_fill.h"
#include "97_wrap.h"

#define HIT_NOT 256 /* no TC_ACT_*, no XDP_* */

/* Of the headers in front of the packet and of nothing else. */
struct hit {
	__u64 addresses;
	__u64 ends; /* ports, interface */
	__u32 way_in; /* VLAN, door, protocol */
	__u32 l3;
	__u32 len; /* of the IP packet */
	__u8 ttl;
};

/* In one piece, which their types do not allow. */
static __always_inline __u32 word32(const void *at)
{
	return *(const __u32 *)at;
}

static __always_inline __u64 word64(const void *at)
{
	return *(const __u64 *)at;
}

static __always_inline bool hit_same(const struct sl_line *line, const struct hit *hit)
{
	return word64(&line->saddr) == hit->addresses && word64(&line->sport) == hit->ends &&
	       word32(&line->vlan) == hit->way_in;
}

static __always_inline struct sl_line *hit_way(struct sl_line_set *set, const struct hit *hit)
{
#pragma unroll
	for (__u32 way = 0; way < SL_LINE_WAYS; way++)
		if (hit_same(&set->way[way], hit))
			return &set->way[way];
	return NULL;
}

static __always_inline struct sl_line *hit_find(const struct hit *hit)
{
	__u32 hash = cache_hash(hit->addresses, (__u32)hit->ends), generation;
	const struct sl_cache *cache = cache_row();
	struct sl_line_set *set = cache_set(cache, bpf_get_smp_processor_id(), hash);
	struct sl_line *line;

	if (!set)
		return NULL;
	line = hit_way(set, hit);
	/* The compiler would count ways and come back to the line by that, each time that it is used. */
	barrier_var(line);
	generation = packet_generation();
	if (!line || !generation || !line_holds(line, cache, generation, cache_stamp(cache, hash)))
		return NULL;
	return line;
}

/* Of the frame, or of what of it is at hand. */
static __always_inline __u32 hit_length(sl_ctx *ctx)
{
#ifdef SL_DOOR_XDP
	return ctx->data_end - ctx->data;
#else
	return ctx->len;
#endif
}

/* The first eight bytes of an IPv4 header without options that is of no fragment: which of their bits say so, and how. */
#define HIT_PLAIN_BITS bpf_cpu_to_be64(0xff00000000000000ULL | SL_IP_MF | SL_IP_OFFSET)
#define HIT_PLAIN bpf_cpu_to_be64(0x4500000000000000ULL)

/* Of TCP's flags and the length of its header beside them. */
#define HIT_DATA_BITS bpf_htons(SL_TCP_SYN | SL_TCP_FIN | SL_TCP_RST | SL_TCP_ACK)
#define HIT_DATA bpf_htons(SL_TCP_ACK)
#define HIT_OPENS bpf_htons(SL_TCP_SYN)

/* Most connections that are opened no line drops: nobody need look for one. */
static __always_inline bool hit_refusable(__u64 addresses, __u32 ports)
{
	return cache_refused(cache_row(), cache_hash(addresses, ports)) & 1;
}

/*
 * A packet of at most `most` bytes. False: not for the cache, whatever stands in it. Checks all that parse would; the
 * caller has seen to it that a header of UDP's size is there.
 */
static __always_inline bool hit_parse_ip(const struct sl_ipv4 *ip, const void *end, __u32 most, __u32 ifindex,
					 __u32 way_in, struct hit *hit)
{
	__u32 need, least;

	if ((word64(ip) & HIT_PLAIN_BITS) != HIT_PLAIN)
		return false;
	hit->len = bpf_ntohs(ip->len);
	hit->ttl = ip->ttl;
	if (!hit->ttl || hit->len > most)
		return false;
	if (ip->proto == SL_PROTO_TCP) {
		const struct sl_tcp *tcp = (const void *)(ip + 1);

		if ((const void *)(tcp + 1) > end)
			return false;
		if ((*(const __be16 *)&tcp->offset & HIT_DATA_BITS) != HIT_DATA) {
			if ((*(const __be16 *)&tcp->offset & HIT_DATA_BITS) != HIT_OPENS ||
			    !hit_refusable(word64(&ip->saddr), word32(tcp)))
				return false;
			way_in |= SL_LINE_OPENS;
		}
		need = (tcp->offset & 0xf0) >> 2;
		least = sizeof(*tcp);
		hit->way_in = way_in | SL_PROTO_TCP << 24;
	} else if (ip->proto == SL_PROTO_UDP) {
		const struct sl_udp *udp = (const void *)(ip + 1);

		need = bpf_ntohs(udp->len);
		least = sizeof(*udp);
		hit->way_in = way_in | SL_PROTO_UDP << 24;
	} else {
		return false;
	}
	/* What is not even as long as its own header has no room for any other. */
	if (need < least || need + sizeof(*ip) > hit->len)
		return false;
	hit->addresses = word64(&ip->saddr);
	hit->ends = word32(ip + 1) | (__u64)ifindex << 32;
	return true;
}

#ifdef SL_DOOR_XDP
/* The same from the begin of a frame with a tag: in XDP lines are for no others. */
static __always_inline bool hit_parse(sl_ctx *ctx, __u32 ifindex, __u32 door, struct hit *hit)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	struct sl_tag *tag = begin + sizeof(struct sl_eth);
	struct sl_ipv4 *ip = (void *)(tag + 1);

	hit->l3 = sizeof(struct sl_eth) + sizeof(*tag);
	if ((void *)(ip + 1) + sizeof(struct sl_udp) > end)
		return false;
	return tag->type == bpf_htons(SL_ETH_IPV4) &&
	       hit_parse_ip(ip, end, hit_length(ctx) - hit->l3, ifindex,
			    SL_LINE_TAGGED | (bpf_ntohs(tag->tci) & SL_VLAN_ID) | door << 16, hit);
}
#else
/* The same from the frame's begin. */
static __always_inline bool hit_parse(sl_ctx *ctx, __u32 ifindex, __u32 door, struct hit *hit)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	struct sl_eth *eth = begin;
	struct sl_tag *tag = begin + sizeof(*eth);
	struct sl_ipv4 *ip = (void *)(eth + 1);
	__u32 vlan = 0;
	__be16 type;

	if ((void *)(ip + 1) + sizeof(struct sl_udp) > end)
		return false;
	type = eth->type;
	hit->l3 = sizeof(*eth);
	if (ctx->vlan_present) {
		if ((__be16)ctx->vlan_proto != bpf_htons(SL_ETH_VLAN))
			return false;
		vlan = SL_LINE_TAGGED | (ctx->vlan_tci & SL_VLAN_ID);
	} else if (type == bpf_htons(SL_ETH_VLAN)) {
		vlan = SL_LINE_TAGGED | (bpf_ntohs(tag->tci) & SL_VLAN_ID);
		type = tag->type;
		hit->l3 = sizeof(*eth) + sizeof(*tag);
		ip = (void *)(tag + 1);
		if ((void *)(ip + 1) + sizeof(struct sl_udp) > end)
			return false;
	}
	return type == bpf_htons(SL_ETH_IPV4) &&
	       hit_parse_ip(ip, end, hit_length(ctx) - hit->l3, ifindex, vlan | door << 16, hit);
}
#endif

/*
 * Does a line that drops drop this packet? Then it has counted it. Not inlined: nothing of it is to be at hand while
 * others are carried out. XDP, where that goes for the length as well, reads it once more.
 */
#ifdef SL_DOOR_XDP
#define HIT_LEN(ip) bpf_ntohs((ip)->len)
static __noinline bool hit_refused(sl_ctx *ctx, struct sl_line *line)
#else
#define HIT_LEN(ip) len
static __noinline bool hit_refused(sl_ctx *ctx, struct sl_line *line, __u32 len)
#endif
{
	__u32 hash = cache_hash(line_addresses(line), line_ports(line));
	struct sl_eth *eth = packet_begin(ctx);
	struct sl_ipv4 *ip = (void *)(eth + 1) + sizeof(struct sl_tag);

	if ((void *)(ip + 1) > packet_end(ctx) || line->bytes >= SL_LINE_BYTES ||
	    !line_refuses(line, cache_row(), hash) || mac_multicast(eth->dst) ||
	    !mac_equal(eth->src, line->smac))
		return false;
	line->packets += packet_segments(ctx);
	line->bytes += HIT_LEN(ip);
	return true;
}

/*
 * Does the checksum stand for the pseudo-header alone? So it does where the kernel has left the rest to the network card,
 * or what the card writes would be wrong; of those that are complete, one in 65,535 does. Zero is the same sum as its
 * opposite.
 */
static __always_inline bool hit_unsummed(const struct hit *hit, __u8 proto, __u16 check)
{
	__u64 sum = (__u32)hit->addresses + (hit->addresses >> 32) + bpf_htons(proto) +
		    bpf_htons(hit->len - sizeof(struct sl_ipv4));

	sum = (__u32)sum + (sum >> 32);
	return !check || sl_csum_fold(sum) == check;
}

/*
 * The transport checksum at `at`, for other addresses and ports. A complete one is changed in place, and the kernel told
 * what has become of a sum that the card took over all of the packet; only the kernel knows how to change one that may
 * have been left to the card, of which XDP has none here.
 */
static __always_inline bool hit_checksum(sl_ctx *ctx, const struct sl_line *line, const struct hit *hit,
					 __u32 at, __u64 zero_is_none)
{
	__u32 ports = line_ports(line), to = word32(&line->verdict.sport);
	__u16 *check = packet_begin(ctx) + at;
	__u64 sum = (__u64)(__u32)~ports + to;

	sum = (__u32)sum + (sum >> 32);
	if ((void *)(check + 1) > packet_end(ctx))
		return false;
	if (zero_is_none && !*check)
		return true;
#ifdef SL_DOOR_TC
	if (hit_unsummed(hit, line->proto, *check))
		return !bpf_l4_csum_replace(ctx, at, 0, line->delta, BPF_F_PSEUDO_HDR | zero_is_none) &&
		       (ports == to || !bpf_l4_csum_replace(ctx, at, 0, sum, zero_is_none));
#else
	(void)hit;
#endif
	sum += line->delta + (__u16) ~*check;
	*check = ~sl_csum_fold(sum);
	if (zero_is_none && !*check)
		*check = 0xffff;
#ifdef SL_DOOR_TC
	bpf_csum_update(ctx, (__u16)~line->delta);
#endif
	return true;
}

/* In one piece, as they stand in the line. */
static __always_inline void hit_copy32(void *to, const void *from)
{
	*(__u32 *)to = *(const __u32 *)from;
}

/* All that changes in the packet, as rewrite_packet() and deliver_hop() do it. The frame is to begin at `begins`. */
static __always_inline bool hit_write(sl_ctx *ctx, const struct sl_line *line, const struct hit *hit,
				      __u32 begins)
{
	const struct sl_verdict *v = &line->verdict;
	void *begin = packet_begin(ctx) + begins, *end = packet_end(ctx);
	struct sl_ipv4 *ip = packet_begin(ctx) + hit->l3;
	struct sl_eth *eth = begin;
	__u32 l4 = hit->l3 + sizeof(*ip);

	if ((void *)(ip + 1) + sizeof(struct sl_l4_ports) > end)
		return false;
	if (line->flags & SL_LINE_SMAC) {
		if (line->flags & SL_LINE_DMAC) {
			hit_copy32(begin, line->dmac);
			hit_copy32(begin + 4, line->dmac + 4);
			hit_copy32(begin + 8, line->dmac + 8);
		} else {
			__builtin_memcpy(eth->src, line->smac, 6);
		}
	} else if (line->flags & SL_LINE_DMAC) {
		__builtin_memcpy(eth->dst, line->dmac, 6);
	}
	if (line->flags & SL_LINE_HOP)
		deliver_lower_ttl(ip);
	if (!(line->flags & SL_LINE_NAT))
		return true;
	ip->check = ~sl_csum_fold((__u16)~ip->check + (__u32)line->delta);
	*(__u64 *)&ip->saddr = word64(&v->saddr);
	hit_copy32(ip + 1, &v->sport);
	if (line->proto == SL_PROTO_UDP)
		return hit_checksum(ctx, line, hit, l4 + offsetof(struct sl_udp, check),
				    BPF_F_MARK_MANGLED_0);
	return hit_checksum(ctx, line, hit, l4 + offsetof(struct sl_tcp, check), 0);
}

/* Will the packet go the way that the line says? Asked before it is changed. */
static __always_inline bool hit_fits(sl_ctx *ctx, const struct hit *hit, const struct sl_line *line)
{
	const struct sl_verdict *v = &line->verdict;
	__u32 room = hit->len;

	if (line->bytes >= SL_LINE_BYTES)
		return false;
#ifdef SL_DOOR_TC
	if (!(v->flags & SL_VERDICT_ROUTED))
		return true;
#endif
	if (v->flags & SL_VERDICT_ROUTED && hit->ttl <= 1)
		return false;
	if (hit->len <= DELIVER_SMALL || (v->action != SL_ACTION_WIRE && v->action != SL_ACTION_LOCAL))
		return true;
#ifdef SL_DOOR_TC
	if (ctx->gso_size)
		return true;
#endif
	return bpf_check_mtu(ctx, v->ifindex, &room, 0, 0) != BPF_MTU_CHK_RET_FRAG_NEEDED;
}

#ifdef SL_DOOR_XDP
static __always_inline bool hit_tagged(struct xdp_md *ctx)
{
	struct sl_eth *eth = packet_begin(ctx);

	return (void *)(eth + 1) <= packet_end(ctx) && eth->type == bpf_htons(SL_ETH_VLAN);
}

/* What is still to be filled in by a card only TC can send on: XDP would forget the order. */
static __always_inline bool hit_summed(struct xdp_md *ctx, const struct hit *hit, const struct sl_line *line)
{
	bool udp = line->proto == SL_PROTO_UDP;
	void *l4 = packet_begin(ctx) + hit->l3 + sizeof(struct sl_ipv4);
	__be16 *check = l4 + (udp ? offsetof(struct sl_udp, check) : offsetof(struct sl_tcp, check));

	if ((void *)(check + 1) > packet_end(ctx))
		return false;
	return (udp && !*check) || !hit_unsummed(hit, line->proto, *check);
}

/* To the workload, without its tag. What was known of the packet is read once more, as by hit_refused(). */
static __noinline int hit_send(struct xdp_md *ctx, struct sl_line *line)
{
	const __u32 tag = sizeof(struct sl_tag);
	struct hit hit = { .addresses = line_addresses(line), .l3 = sizeof(struct sl_eth) + tag };
	void *begin = packet_begin(ctx);
	struct sl_ipv4 *ip = begin + hit.l3;

	if ((void *)(ip + 1) > packet_end(ctx))
		return XDP_PASS;
	hit.len = bpf_ntohs(ip->len);
	hit.ttl = ip->ttl;
	if (!hit_fits(ctx, &hit, line) || !hit_summed(ctx, &hit, line))
		return XDP_PASS;
	line->packets++;
	line->bytes += hit.len;
	if (!(line->flags & SL_LINE_SMAC))
		__builtin_memmove(begin + tag + 6, begin + 6, 6);
	if (!hit_write(ctx, line, &hit, tag) || bpf_xdp_adjust_head(ctx, tag))
		return XDP_DROP;
	return bpf_redirect(line->verdict.ifindex, 0);
}

/* Drops what a line drops, brings to workloads what it may, and lets pass what else TC knows a line for. */
static __always_inline int hit_xdp(struct xdp_md *ctx, bool may_change)
{
	struct sl_line *line;
	struct hit hit;

	if (!hit_parse(ctx, ctx->ingress_ifindex, DOOR_UP_IN, &hit))
		return HIT_NOT;
	line = hit_find(&hit);
	if (!line)
		return HIT_NOT;
	if (line->flags & SL_LINE_REFUSE)
		return hit_refused(ctx, line) ? XDP_DROP : HIT_NOT;
	return may_change && line->flags & SL_LINE_XDP ? hit_send(ctx, line) : XDP_PASS;
}

static __always_inline int hit_own_body(struct xdp_md *ctx)
{
	return hit_xdp(ctx, true);
}
STATION(int, hit_own, (struct xdp_md * ctx), true, (ctx))

/* The same where no packet may be changed. */
static __always_inline int hit_shared_body(struct xdp_md *ctx)
{
	return hit_xdp(ctx, false);
}
STATION(int, hit_shared, (struct xdp_md * ctx), true, (ctx))
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
	const struct sl_verdict *v = &line->verdict;
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

/* To another node. What has no room there the long way cuts, or tells its sender. */
static __always_inline int hit_wrap_body(struct __sk_buff *ctx, struct sl_line *line, __u32 len)
{
	/* No line leaves what it wraps a tag. */
	const struct hit hit = { .addresses = line_addresses(line), .l3 = sizeof(struct sl_eth), .len = len };
	struct sl_ipv4 *ip;

	if (!hit_wraps(ctx, line, len))
		return HIT_NOT;
	line->packets++;
	line->bytes += len;
	if (line->flags & SL_LINE_UNTAG && bpf_skb_vlan_pop(ctx))
		return TC_ACT_SHOT;
	if (line->flags & SL_LINE_WASH) {
		ip = packet_begin(ctx) + hit.l3;
		if ((void *)(ip + 1) <= packet_end(ctx) && ip->tos & ~SL_ECN)
			mark_dscp(ctx, hit.l3, 0);
	}
	if ((line->flags & SL_LINE_NAT && !hit_write(ctx, line, &hit, 0)) || !wrap_write(ctx, line, len))
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
static __always_inline int hit_go(struct __sk_buff *ctx, const struct sl_line *line, __u32 door)
{
	const struct sl_verdict *v = &line->verdict;

	if (line->mark)
		ctx->mark = line->mark;
	switch (v->action) {
	case SL_ACTION_STACK:
		if (door == DOOR_WL_IN && hit_for_router(ctx))
			bpf_skb_change_type(ctx, 0 /* PACKET_HOST */);
		return TC_ACT_UNSPEC;
	case SL_ACTION_LOCAL:
		if (!(v->flags & SL_VERDICT_PEER))
			return bpf_redirect(v->ifindex, 0);
		bpf_skb_change_type(ctx, 0 /* PACKET_HOST */);
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

static __always_inline int hit_carry_body(struct __sk_buff *ctx, __u32 door)
{
	struct hit hit;
	struct sl_line *line;
	struct sl_ipv4 *ip;

	/* Marks and metadata are other doors' words; they are heard where somebody knows them. */
	if (ctx->mark || (door == DOOR_UP_IN && hit_has_meta(ctx)) ||
	    !hit_parse(ctx, ctx->ifindex, door, &hit))
		goto miss;
	line = hit_find(&hit);
	if (!line)
		goto miss;
	if (line->flags & (SL_LINE_LEAVE | SL_LINE_REFUSE | SL_LINE_WRAP)) {
		if (line->flags & SL_LINE_LEAVE)
			return TC_ACT_UNSPEC;
		if (line->flags & SL_LINE_WRAP)
			return hit_wrap(ctx, line, hit.len);
		if (hit_refused(ctx, line, hit.len))
			return TC_ACT_SHOT;
		goto miss;
	}
	if (!hit_fits(ctx, &hit, line))
		goto miss;
	line->packets += packet_segments(ctx);
	line->bytes += hit.len;
	if (line->flags & SL_LINE_WASH) {
		ip = packet_begin(ctx) + hit.l3;
		if ((void *)(ip + 1) <= packet_end(ctx) && ip->tos & ~SL_ECN)
			mark_dscp(ctx, hit.l3, 0);
	}
	if (line->flags & SL_LINE_UNTAG) {
		if (bpf_skb_vlan_pop(ctx))
			return TC_ACT_SHOT;
		hit.l3 = sizeof(struct sl_eth);
	}
	if (line->flags & HIT_CHANGES && !hit_write(ctx, line, &hit, 0))
		return TC_ACT_SHOT;
	return hit_go(ctx, line, door);
miss:
	/* Something to come to: the compiler would prepare this answer before each question. */
	asm volatile("");
	return HIT_NOT;
}
STATION(int, hit_carry, (struct __sk_buff * ctx, __u32 door), true, (ctx, door))

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

	if (!wrap_usual(outer) || total > most || total < sizeof(*outer) ||
	    !hit_parse_ip((const void *)(outer + 1), packet_end(ctx), most, ctx->ifindex,
			  DOOR_UNWRAPPED << 16, hit) ||
	    hit->len + sizeof(*outer) != total)
		return NULL;
	setting = plan_row(&sl_setting, generation & 1, &zero);
	if (!setting || !wrap_for(outer, setting))
		return NULL;
	line = hit_find(hit);
	if (!line || line->generation != generation || line->verdict.next_hop != outer->ip.saddr ||
	    outer->geneve.backend != wrap_names(&line->verdict))
		return NULL;
	return line;
}

static __always_inline int hit_unwrap_body(struct __sk_buff *ctx)
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
	if ((tagged && bpf_skb_vlan_pop(ctx)) ||
	    bpf_skb_adjust_room(ctx, -(__s32)sizeof(*outer), BPF_ADJ_ROOM_MAC, 0))
		return HIT_NOT;
	line->packets++;
	line->bytes += hit.len;
	hit.l3 = sizeof(*eth);
	if (line->flags & HIT_CHANGES && !hit_write(ctx, line, &hit, 0))
		return TC_ACT_SHOT;
	return hit_go(ctx, line, DOOR_UP_IN);
}
STATION(int, hit_unwrap, (struct __sk_buff * ctx), true, (ctx))

#endif

/* For what is left alone the long way has looked at its addresses only. False: no line could know it again. */
static __always_inline bool hit_key(sl_ctx *ctx, struct packet *p)
{
	struct sl_ipv4 *ip = packet_begin(ctx) + (p->l3 & 0x3f);
	struct sl_l4_ports *ports = (void *)(ip + 1);
	const struct sl_cache *cache = cache_row();

	if (p->ethertype != SL_ETH_IPV4 || (void *)(ports + 1) > packet_end(ctx) || ip->ver_ihl != 0x45 ||
	    ip->frag & bpf_htons(SL_IP_MF | SL_IP_OFFSET) ||
	    (ip->proto != SL_PROTO_TCP && ip->proto != SL_PROTO_UDP))
		return false;
	p->key.saddr = ip->saddr;
	p->key.daddr = ip->daddr;
	p->key.sport = ports->src;
	p->key.dport = ports->dst;
	p->key.proto = ip->proto;
	p->stamp = cache_stamp(cache, cache_flow_hash(&p->key));
	return true;
}

/* What the long way has found out, for those that follow. */
static __always_inline void hit_prepare(sl_ctx *ctx, struct packet *p, const struct sl_verdict *v,
					enum path_result path)
{
	if (!(p->flags & PACKET_LINE))
		return;
	if (path == PATH_JUDGED && v->action != SL_ACTION_DROP)
		line_fill(p, v);
	else if (path == PATH_JUDGED && p->reason &&
		 p->reason == v->reason) /* not what could not be carried out */
		line_refuse(p, v);
	if (path == PATH_UNTOUCHED && hit_key(ctx, p))
		line_leave(p);
}

#endif
