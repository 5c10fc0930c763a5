/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rewrite: addresses and ports as the verdict says, with every checksum that covers them; the quoted packet of an
 * ICMP error too, the other way round. TC only: the helpers that mend a transport checksum know whether the one in
 * the packet is complete or was left to the hardware.
 */
#ifndef SL_BPF_REWRITE_H
#define SL_BPF_REWRITE_H
#include "packet.h"
#include "../include/csum.h"

#ifdef SL_DOOR_TC
/* Both addresses of the IPv4 header at `at`. */
static __always_inline bool rewrite_addresses_body(struct __sk_buff *ctx, __u32 at, __be32 saddr,
						   __be32 daddr)
{
	struct sl_ipv4 *ip = packet_begin(ctx) + (at & 0xff);

	if ((void *)(ip + 1) > packet_end(ctx))
		return false;
	ip->check = sl_csum_replace32(ip->check, ip->saddr, saddr);
	ip->check = sl_csum_replace32(ip->check, ip->daddr, daddr);
	ip->saddr = saddr;
	ip->daddr = daddr;
	return true;
}
STATION(bool, rewrite_addresses, (struct __sk_buff * ctx, __u32 at, __be32 saddr, __be32 daddr), true,
	(ctx, at, saddr, daddr))

/* The transport checksum at `at`, for one changed address and port. */
static __always_inline bool rewrite_checksum(struct __sk_buff *ctx, const struct packet *p, __u32 at,
					     const __be32 *addr, const __be16 *port)
{
	__u64 zero_is_none = p->key.proto == SL_PROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;

	if (addr[0] != addr[1] &&
	    bpf_l4_csum_replace(ctx, at, addr[0], addr[1], BPF_F_PSEUDO_HDR | zero_is_none | sizeof(*addr)))
		return false;
	return port[0] == port[1] ||
	       !bpf_l4_csum_replace(ctx, at, port[0], port[1], zero_is_none | sizeof(*port));
}

/* The identifier of an ICMP query, which stands in its key as a port. Addresses are none of its checksum's business. */
static __always_inline bool rewrite_identifier_body(struct __sk_buff *ctx, const struct packet *p,
						    const struct sl_verdict *v)
{
	bool reply = p->flags & PACKET_ICMP_REPLY;
	__be16 from = reply ? p->key.dport : p->key.sport, to = from;
	__u32 l4 = p->l4 & 0xff;
	struct sl_icmp *icmp = packet_begin(ctx) + l4;

	if (reply && v->flags & SL_VERDICT_DST)
		to = v->dport;
	if (!reply && v->flags & SL_VERDICT_SRC)
		to = v->sport;
	if (from == to)
		return true;
	if ((void *)(icmp + 1) > packet_end(ctx))
		return false;
	icmp->check = sl_csum_replace16(icmp->check, from, to);
	icmp->id = to;
	return true;
}
STATION(bool, rewrite_identifier,
	(struct __sk_buff * ctx, const struct packet *p, const struct sl_verdict *v), p &&v, (ctx, p, v))

/* Protocols without ports whose checksum covers the addresses all the same, where UDP has its own. */
static __always_inline bool rewrite_pseudo(__u8 proto)
{
	return proto == SL_PROTO_DCCP || proto == SL_PROTO_UDPLITE;
}

static __always_inline bool rewrite_transport_body(struct __sk_buff *ctx, const struct packet *p,
						   const struct sl_verdict *v)
{
	__be32 saddr[2] = { p->saddr, p->saddr }, daddr[2] = { p->daddr, p->daddr };
	__be16 sport[2] = { p->key.sport, p->key.sport }, dport[2] = { p->key.dport, p->key.dport };
	__u32 l4 = p->l4 & 0xff, check = l4 + offsetof(struct sl_tcp, check);
	struct sl_l4_ports *ports;

	if (p->key.proto == SL_PROTO_ICMP)
		return rewrite_identifier(ctx, p, v);
	if (p->key.proto == SL_PROTO_UDP || rewrite_pseudo(p->key.proto))
		check = l4 + offsetof(struct sl_udp, check);
	else if (p->key.proto != SL_PROTO_TCP)
		return true;
	if (v->flags & SL_VERDICT_SRC) {
		saddr[1] = v->saddr;
		sport[1] = v->sport;
	}
	if (v->flags & SL_VERDICT_DST) {
		daddr[1] = v->daddr;
		dport[1] = v->dport;
	}
	if (!rewrite_checksum(ctx, p, check, saddr, sport) || !rewrite_checksum(ctx, p, check, daddr, dport))
		return false;
	if (rewrite_pseudo(p->key.proto))
		return true;
	ports = packet_begin(ctx) + l4;
	if ((void *)(ports + 1) > packet_end(ctx))
		return false;
	ports->src = sport[1];
	ports->dst = dport[1];
	return true;
}
STATION(bool, rewrite_transport, (struct __sk_buff * ctx, const struct packet *p, const struct sl_verdict *v),
	p &&v, (ctx, p, v))

/*
 * A quoted query's identifier, or that of a quoted reply, which its key has as the other port. The quoted checksum
 * makes up for it, so that the error's own stays right.
 */
static __always_inline bool rewrite_quoted_query(struct __sk_buff *ctx, __u32 at, __be16 sport, __be16 dport)
{
	struct sl_icmp *quoted = packet_begin(ctx) + at;
	__be16 to;

	if ((void *)(quoted + 1) > packet_end(ctx))
		return false;
	to = quoted->type == SL_ICMP_ECHO || quoted->type == SL_ICMP_TIMESTAMP ? sport : dport;
	quoted->check = sl_csum_replace16(quoted->check, quoted->id, to);
	quoted->id = to;
	return true;
}

/*
 * The packet that an ICMP error quotes went the other way: its source is what the error's destination becomes. The
 * quoted header stays valid by itself, so of the error's own checksum only the ports change something, and not even
 * they where the quoted UDP checksum makes up for them.
 */
static __always_inline bool rewrite_quoted_body(struct __sk_buff *ctx, const struct packet *p,
						const struct sl_verdict *v)
{
	__u32 l4 = p->l4 & 0xff, at = l4 + sizeof(struct sl_icmp), inner;
	__be32 saddr = v->flags & SL_VERDICT_DST ? v->daddr : p->key.saddr;
	__be32 daddr = v->flags & SL_VERDICT_SRC ? v->saddr : p->key.daddr;
	__be16 sport = v->flags & SL_VERDICT_DST ? v->dport : p->key.sport;
	__be16 dport = v->flags & SL_VERDICT_SRC ? v->sport : p->key.dport;
	struct sl_icmp *icmp;
	struct sl_ipv4 *ip;
	struct sl_udp *udp;
	__u16 check;

	ip = packet_begin(ctx) + at;
	if ((void *)(ip + 1) > packet_end(ctx))
		return false;
	inner = at + (ip->ver_ihl & 0xf) * 4;
	if (!rewrite_addresses(ctx, at, saddr, daddr))
		return false;
	if (p->key.proto == SL_PROTO_ICMP)
		return rewrite_quoted_query(ctx, inner & 0xff, sport, dport);
	if (p->key.proto != SL_PROTO_TCP && p->key.proto != SL_PROTO_UDP)
		return true;
	icmp = packet_begin(ctx) + l4;
	udp = packet_begin(ctx) + (inner & 0xff);
	if ((void *)(icmp + 1) > packet_end(ctx) || (void *)(udp + 1) > packet_end(ctx))
		return false;
	check = sl_csum_replace16(icmp->check, udp->src, sport);
	check = sl_csum_replace16(check, udp->dst, dport);
	if (p->key.proto == SL_PROTO_UDP && udp->check) {
		__u16 quoted = sl_csum_replace32(udp->check, p->key.saddr, saddr);

		quoted = sl_csum_replace32(quoted, p->key.daddr, daddr);
		quoted = sl_csum_replace16(quoted, udp->src, sport);
		quoted = sl_csum_replace16(quoted, udp->dst, dport);
		check = sl_csum_replace16(check, udp->check, quoted);
		udp->check = quoted;
	}
	udp->src = sport;
	udp->dst = dport;
	icmp->check = check;
	return true;
}
STATION(bool, rewrite_quoted, (struct __sk_buff * ctx, const struct packet *p, const struct sl_verdict *v),
	p &&v, (ctx, p, v))

/* False: the packet could not be changed. The facts in `p` go on naming what came in. */
static __always_inline bool rewrite_packet_body(struct __sk_buff *ctx, const struct packet *p,
						const struct sl_verdict *v)
{
	__be32 saddr = v->flags & SL_VERDICT_SRC ? v->saddr : p->saddr;
	__be32 daddr = v->flags & SL_VERDICT_DST ? v->daddr : p->daddr;

	if (!rewrite_addresses(ctx, p->l3 & 0x3f, saddr, daddr))
		return false;
	if (p->flags & PACKET_FRAG_LATER)
		return true;
	return p->flags & PACKET_ICMP_ERROR ? rewrite_quoted(ctx, p, v) : rewrite_transport(ctx, p, v);
}
STATION(bool, rewrite_packet, (struct __sk_buff * ctx, const struct packet *p, const struct sl_verdict *v),
	p &&v, (ctx, p, v))

/* Where the MSS option of a SYN stands, or 0. Stacks put it first; what hides it behind more than seven others will
 * hear of the smaller size by ICMP. */
static __noinline __u32 rewrite_find_mss(struct __sk_buff *ctx, __u32 l4)
{
	void *end = packet_end(ctx);
	struct sl_tcp *tcp = packet_begin(ctx) + (l4 & 0xff);
	__u32 at = (l4 & 0xff) + sizeof(*tcp), stop;

	if ((void *)(tcp + 1) > end)
		return 0;
	stop = (l4 & 0xff) + (tcp->offset >> 4) * 4;
	for (int i = 0; i < 8; i++) {
		__u8 *option = packet_begin(ctx) + (at & 0xff);

		if (at + 4 > stop || (void *)(option + 2) > end)
			return 0;
		if (option[0] == SL_TCP_OPT_MSS)
			return at + 2;
		if (option[0] == SL_TCP_OPT_END)
			return 0;
		if (option[0] == SL_TCP_OPT_NOP)
			at++;
		else if (option[1] < 2)
			return 0;
		else
			at += option[1];
	}
	return 0;
}

/* Lowers the MSS that a SYN announces to `most`. One that announces none means 536 (RFC 9293) and fits. */
static __always_inline bool rewrite_mss_body(struct __sk_buff *ctx, const struct packet *p, __u32 most)
{
	__u32 l4 = p->l4 & 0xff, at = rewrite_find_mss(ctx, l4) & 0xff;
	__be16 *mss = packet_begin(ctx) + at, from, to = bpf_htons(most);
	__be16 sum_from, sum_to;

	if (!at)
		return true;
	if ((void *)(mss + 1) > packet_end(ctx))
		return false;
	from = *mss;
	if (bpf_ntohs(from) <= most)
		return true;
	*mss = to;
	/* At an odd place the two bytes belong to two words of the sum. */
	sum_from = (at - l4) & 1 ? __builtin_bswap16(from) : from;
	sum_to = (at - l4) & 1 ? __builtin_bswap16(to) : to;
	return !bpf_l4_csum_replace(ctx, l4 + offsetof(struct sl_tcp, check), sum_from, sum_to, sizeof(from));
}
STATION(bool, rewrite_mss, (struct __sk_buff * ctx, const struct packet *p, __u32 most), p, (ctx, p, most))
#endif

#endif
