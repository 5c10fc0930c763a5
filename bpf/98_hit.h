/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hit: is there a line of the cache that stands for this packet, what does it change in it, and what has the long way
 * found out for the next one? What is not plainly such a packet, or could not be carried out as it is, takes the long way
 * and leaves no trace here.
 */
#ifndef SL_BPF_HIT_H
#define SL_BPF_HIT_H
#include "24_leave.h"
#include "90_deliver.h"
#include "96_fill.h"

#define HIT_NOT 256 /* no TC_ACT_*, no XDP_* */

/*
 * Where its header stands, until something is taken off or put before it, and what else a line is known by. What the header
 * says is read there each time: it is nearer than what would have to be kept on the stack beside it.
 */
struct hit {
	const struct sl_ipv4 *ip;
	__u32 l3; /* where in the frame */
	__u32 way_in; /* VLAN, door, protocol */
};

static __always_inline __u64 hit_addresses(const struct hit *hit)
{
	return word64((void *)hit->ip + offsetof(struct sl_ipv4, saddr));
}

static __always_inline __u32 hit_ports(const struct hit *hit)
{
	return word32(hit->ip + 1);
}

static __always_inline __u32 hit_len(const struct hit *hit)
{
	return bpf_ntohs(hit->ip->len);
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

static __always_inline __u32 hit_ifindex(sl_ctx *ctx)
{
#ifdef SL_DOOR_XDP
	return ctx->ingress_ifindex;
#else
	return ctx->ifindex;
#endif
}

static __always_inline struct sl_line *hit_way(sl_ctx *ctx, struct sl_line_set *set, const struct hit *hit)
{
	__u64 addresses = hit_addresses(hit), ends = hit_ports(hit) | (__u64)hit_ifindex(ctx) << 32;

#pragma unroll
	for (__u32 way = 0; way < SL_LINE_WAYS; way++) {
		struct sl_line *line = &set->way[way];

		if (line_addresses(line) == addresses && word64(&line->sport) == ends &&
		    word32(&line->vlan) == hit->way_in)
			return line;
	}
	return NULL;
}

static __always_inline struct sl_line *hit_find(sl_ctx *ctx, const struct hit *hit)
{
	/* Asked first: nothing that is found out below has to outlast the call. */
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 hash = cache_hash(hit_addresses(hit), hit_ports(hit)), generation;
	struct sl_line_set *set = cache_set(cache_row(), cpu, hash, hit->way_in);
	struct sl_line *line;

	if (!set)
		return NULL;
	/* And none of the words of the packet: they are read again. */
	barrier();
	line = hit_way(ctx, set, hit);
	/* The compiler would count ways and come back to the line by that, each time that it is used. */
	barrier_var(line);
	generation = packet_generation();
	if (!line || !generation || !line_holds(line, generation, cache_stamp(cache_row(), hash)))
		return NULL;
	/* A name of its own from here on: what was at hand until now need not go on being so. */
	barrier_var(line);
	return line;
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
static __always_inline bool hit_parse_ip(const void *end, __u32 most, struct hit *hit)
{
	const struct sl_ipv4 *ip = hit->ip;
	__u32 len = hit_len(hit), need, least;

	if ((word64(ip) & HIT_PLAIN_BITS) != HIT_PLAIN || !ip->ttl || len > most)
		return false;
	if (ip->proto == SL_PROTO_TCP) {
		const struct sl_tcp *tcp = (const void *)(ip + 1);

		if ((const void *)(tcp + 1) > end)
			return false;
		if ((*(const __be16 *)&tcp->offset & HIT_DATA_BITS) != HIT_DATA) {
			if ((*(const __be16 *)&tcp->offset & HIT_DATA_BITS) != HIT_OPENS ||
			    !hit_refusable(hit_addresses(hit), hit_ports(hit)))
				return false;
			hit->way_in |= SL_LINE_OPENS;
		}
		need = (tcp->offset & 0xf0) >> 2;
		least = sizeof(*tcp);
		hit->way_in |= SL_PROTO_TCP << 24;
	} else if (ip->proto == SL_PROTO_UDP) {
		const struct sl_udp *udp = (const void *)(ip + 1);

		need = bpf_ntohs(udp->len);
		least = sizeof(*udp);
		hit->way_in |= SL_PROTO_UDP << 24;
	} else {
		return false;
	}
	/* What is not even as long as its own header has no room for any other. */
	return need >= least && need + sizeof(*ip) <= len;
}

enum hit_parsed { HIT_OTHER, HIT_PARSED, HIT_ALONE };

/* The same from the frame's begin. What is for certain none of the plan's business is none of the cache's, either. */
#ifdef SL_DOOR_XDP
/* Of frames with a tag: in XDP lines are for no others. */
static __always_inline enum hit_parsed hit_parse(sl_ctx *ctx, struct hit *hit)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	struct sl_eth *eth = begin;
	struct sl_tag *tag = begin + sizeof(*eth);
	__u32 id;

	*hit = (struct hit){ .ip = (void *)(tag + 1), .l3 = sizeof(*eth) + sizeof(*tag) };
	if ((void *)(hit->ip + 1) + sizeof(struct sl_udp) > end || eth->type != bpf_htons(SL_ETH_VLAN))
		return HIT_OTHER;
	id = bpf_ntohs(tag->tci) & SL_VLAN_ID;
	if (leave_tagged(DOOR_UP_XDP, hit_ifindex(ctx), id, tag->type, hit->ip))
		return HIT_ALONE;
	hit->way_in = SL_LINE_TAGGED | id | LINE_DOOR(DOOR_UP_IN) << 16;
	return tag->type == bpf_htons(SL_ETH_IPV4) && hit_parse_ip(end, hit_length(ctx) - hit->l3, hit)
		       ? HIT_PARSED
		       : HIT_OTHER;
}
#else
static __always_inline enum hit_parsed hit_parse(sl_ctx *ctx, __u32 door, struct hit *hit)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	bool uplink = door == DOOR_UP_IN || door == DOOR_UP_OUT;
	struct sl_eth *eth = begin;
	struct sl_tag *tag = begin + sizeof(*eth);
	__be16 type;
	__u32 id;

	*hit = (struct hit){ .ip = (void *)(eth + 1), .l3 = sizeof(*eth), .way_in = LINE_DOOR(door) << 16 };
	if ((void *)(hit->ip + 1) + sizeof(struct sl_udp) > end)
		return HIT_OTHER;
	type = eth->type;
	if (ctx->vlan_present) {
		if ((__be16)ctx->vlan_proto != bpf_htons(SL_ETH_VLAN))
			return HIT_OTHER;
		id = ctx->vlan_tci & SL_VLAN_ID;
	} else if (type == bpf_htons(SL_ETH_VLAN)) {
		id = bpf_ntohs(tag->tci) & SL_VLAN_ID;
		type = tag->type;
		hit->l3 = sizeof(*eth) + sizeof(*tag);
		hit->ip = (void *)(tag + 1);
		if ((void *)(hit->ip + 1) + sizeof(struct sl_udp) > end)
			return HIT_OTHER;
	} else {
		if (type != bpf_htons(SL_ETH_IPV4))
			return HIT_OTHER;
		if (uplink && leave_untagged(door, hit_ifindex(ctx), hit->ip))
			return HIT_ALONE;
		goto untagged;
	}
	if (uplink && leave_tagged(door, hit_ifindex(ctx), id, type, hit->ip))
		return HIT_ALONE;
	if (type != bpf_htons(SL_ETH_IPV4))
		return HIT_OTHER;
	hit->way_in |= SL_LINE_TAGGED | id;
untagged:
	return hit_parse_ip(end, hit_length(ctx) - hit->l3, hit) ? HIT_PARSED : HIT_OTHER;
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
	line_add(line, packet_segments(ctx), HIT_LEN(ip));
	return true;
}

/*
 * Does the checksum stand for the pseudo-header alone? So it does where the kernel has left the rest to the network card,
 * or what the card writes would be wrong; of those that are complete, one in 65,535 does. Zero is the same sum as its
 * opposite.
 */
static __always_inline bool hit_unsummed(const struct sl_line *line, __be16 len, __u16 check)
{
	return !check || sl_csum_fold((__u32)line->verdict.pseudo + len) == check;
}

#ifdef SL_DOOR_TC
/* The transport checksum at `at` by the kernel, which knows whose work it is. */
static __always_inline bool hit_kernel_checksum(struct __sk_buff *ctx, const struct sl_line *line, __u32 at,
						__u64 zero_is_none)
{
	__u32 ports = line_ports(line), to = word32(&line->verdict.sport);
	__u64 sum = (__u64)(__u32)~ports + to;

	return !bpf_l4_csum_replace(ctx, at, 0, line->delta, BPF_F_PSEUDO_HDR | zero_is_none) &&
	       (ports == to || !bpf_l4_csum_replace(ctx, at, 0, (__u32)sum + (sum >> 32), zero_is_none));
}
#endif

/*
 * The transport checksum at `at`, for other addresses and ports. A complete one is changed in place, and the kernel told
 * what has become of a sum that the card took over all of the packet; only the kernel knows how to change one that may
 * have been left to the card, of which XDP has none here.
 */
static __always_inline bool hit_checksum(sl_ctx *ctx, const struct sl_line *line, __be16 len, __u32 at,
					 __u64 zero_is_none)
{
	__u16 *check = packet_begin(ctx) + at;

	if ((void *)(check + 1) > packet_end(ctx))
		return false;
	if (zero_is_none && !*check)
		return true;
#ifdef SL_DOOR_TC
	if (hit_unsummed(line, len, *check))
		return hit_kernel_checksum(ctx, line, at, zero_is_none);
#else
	(void)len;
#endif
	*check = ~sl_csum_fold((__u16) ~*check + (__u32)line->verdict.l4_delta);
	if (zero_is_none && !*check)
		*check = 0xffff;
#ifdef SL_DOOR_TC
	bpf_csum_update(ctx, (__u16)~line->delta);
#endif
	return true;
}

/* In one piece, as they stand in the line: what is behind a pointer of their own types is written in halves. */
static __always_inline void hit_copy32(void *to, const void *from)
{
	*(__u32 *)to = *(const __u32 *)from;
}

static __always_inline void hit_copy64(void *to, const void *from)
{
	*(__u64 *)to = *(const __u64 *)from;
}

/* All that changes in the packet, as rewrite_packet() and deliver_hop() do it. The frame is to begin at `begins`. */
static __always_inline bool hit_write(sl_ctx *ctx, const struct sl_line *line, __u32 l3, __u32 begins)
{
	const struct sl_line_verdict *v = &line->verdict;
	void *begin = packet_begin(ctx) + begins, *end = packet_end(ctx);
	struct sl_ipv4 *ip = packet_begin(ctx) + l3;
	struct sl_eth *eth = begin;
	__u32 l4 = l3 + sizeof(*ip);

	if ((void *)(ip + 1) + sizeof(struct sl_l4_ports) > end)
		return false;
	if (line->flags & SL_LINE_SMAC) {
		if (line->flags & SL_LINE_DMAC) {
			hit_copy64(begin, line->dmac);
			hit_copy32(begin + 8, line->dmac + 8);
		} else {
			__builtin_memcpy(eth->src, line->smac, 6);
		}
	} else if (line->flags & SL_LINE_DMAC) {
		__builtin_memcpy(eth->dst, line->dmac, 6);
	}
	if (!(line->flags & SL_LINE_NAT)) {
		if (line->flags & SL_LINE_HOP)
			deliver_lower_ttl(ip);
		return true;
	}
	if (line->flags & SL_LINE_HOP)
		ip->ttl--;
	ip->check = ~sl_csum_fold((__u16)~ip->check + (__u32)v->ip_delta);
	hit_copy64((void *)ip + offsetof(struct sl_ipv4, saddr), &v->saddr);
	hit_copy32(ip + 1, &v->sport);
	if (line->proto == SL_PROTO_UDP)
		return hit_checksum(ctx, line, ip->len, l4 + offsetof(struct sl_udp, check),
				    BPF_F_MARK_MANGLED_0);
	return hit_checksum(ctx, line, ip->len, l4 + offsetof(struct sl_tcp, check), 0);
}

/* Will the packet go the way that the line says? Asked before it is changed. */
static __always_inline bool hit_fits(sl_ctx *ctx, const struct hit *hit, const struct sl_line *line)
{
	const struct sl_line_verdict *v = &line->verdict;
	__u32 room = hit_len(hit);

	if (line->bytes >= SL_LINE_BYTES)
		return false;
#ifdef SL_DOOR_TC
	if (!(v->flags & SL_VERDICT_ROUTED))
		return true;
#endif
	if (v->flags & SL_VERDICT_ROUTED && hit->ip->ttl <= 1)
		return false;
	if (room <= DELIVER_SMALL || (v->action != SL_ACTION_WIRE && v->action != SL_ACTION_LOCAL))
		return true;
#ifdef SL_DOOR_TC
	if (ctx->gso_size)
		return true;
#endif
	return bpf_check_mtu(ctx, v->ifindex, &room, 0, 0) != BPF_MTU_CHK_RET_FRAG_NEEDED;
}

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
