/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parse: bytes → struct packet. The only place that reads headers to learn what a packet is. Every length
 * is checked against the frame; a packet that lies about its length gets a reason, never a guess.
 */
#ifndef SL_BPF_PARSE_H
#define SL_BPF_PARSE_H
#include "packet.h"

/* Room for Ethernet, two tags, the longest IPv4 and ICMP with the longest quoted IPv4 and its ports. */
#define PARSE_BYTES 160

/* Makes the headers linear, so that what parse cannot reach is not there. Before anything is read. */
static __always_inline bool parse_pull(sl_ctx *ctx)
{
#ifdef SL_DOOR_TC
	__u32 want = ctx->len < PARSE_BYTES ? ctx->len : PARSE_BYTES;

	if (packet_begin(ctx) + want > packet_end(ctx))
		return !bpf_skb_pull_data(ctx, want);
#else
	(void)ctx; /* no driver splits the first 160 bytes over XDP fragments */
#endif
	return true;
}

/* Ethernet and VLAN tags. In TC the outer tag may stand beside the frame. */
static __always_inline __u32 parse_frame(sl_ctx *ctx, struct packet *p)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	struct sl_eth *eth = begin;
	struct sl_tag *tag;
	__u32 tags = 0;

	if ((void *)(eth + 1) > end)
		return SL_DROP_FRAME_SHORT;
	__builtin_memcpy(p->dmac, eth->dst, 6);
	__builtin_memcpy(p->smac, eth->src, 6);
	p->ethertype = bpf_ntohs(eth->type);
	p->l3 = sizeof(*eth);
	p->vlan = 0;
#ifdef SL_DOOR_TC
	if (ctx->vlan_present) {
		p->flags |= PACKET_TAGGED;
		p->vlan = ctx->vlan_tci & SL_VLAN_ID;
		tags = 1;
		if (bpf_ntohs((__be16)ctx->vlan_proto) != SL_ETH_VLAN)
			p->flags |= PACKET_DOUBLE_TAG; /* a service tag announces another one */
	}
#endif
	if (p->ethertype == SL_ETH_VLAN || p->ethertype == SL_ETH_QINQ) {
		tag = begin + sizeof(*eth);
		if ((void *)(tag + 1) > end)
			return SL_DROP_FRAME_SHORT;
		p->flags |= PACKET_TAGGED;
		if (tags || p->ethertype == SL_ETH_QINQ)
			p->flags |= PACKET_DOUBLE_TAG;
		else
			p->vlan = bpf_ntohs(tag->tci) & SL_VLAN_ID;
		p->ethertype = bpf_ntohs(tag->type);
		p->l3 += sizeof(*tag);
		if (p->ethertype == SL_ETH_VLAN || p->ethertype == SL_ETH_QINQ)
			p->flags |= PACKET_DOUBLE_TAG;
	}
	return 0;
}

#ifdef SL_DOOR_TC
/* Of an interface without Ethernet: the packet begins with its IP header. */
static __always_inline __u32 parse_bare(struct __sk_buff *ctx, struct packet *p)
{
	p->ethertype = bpf_ntohs((__be16)ctx->protocol);
	p->l3 = 0;
	return 0;
}
#endif

/* Source routing lets a sender choose the path round every judgement; other options are carried. */
static __noinline __u32 parse_options(sl_ctx *ctx, __u32 l3, __u32 l4)
{
	void *end = packet_end(ctx);
	__u32 at = l3 + sizeof(struct sl_ipv4);

	for (int i = 0; i < 40; i++) {
		__u8 *option, *length;

		if (at >= l4)
			return 0;
		at &= 0xff;
		option = packet_begin(ctx) + at;
		if ((void *)(option + 1) > end)
			return SL_DROP_IP_OPTION;
		if (*option == SL_IP_OPT_END)
			return 0;
		if (*option == SL_IP_OPT_NOP) {
			at++;
			continue;
		}
		length = option + 1;
		if ((void *)(length + 1) > end)
			return SL_DROP_IP_OPTION;
		if (*option == SL_IP_OPT_LSRR || *option == SL_IP_OPT_SSRR)
			return SL_DROP_IP_OPTION;
		if (*length < 2 || at + *length > l4)
			return SL_DROP_IP_OPTION;
		at += *length;
	}
	return 0;
}

/*
 * Ports (or what stands for them) of the transport header at `l4`, `rest` bytes of which the IP header
 * promises. `quoted`: inside an ICMP error, where eight bytes are all there need to be.
 */
static __always_inline __u32 parse_ports(sl_ctx *ctx, struct packet *p, struct sl_flow_key *key, __u32 l4,
					 __u32 rest, bool quoted)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	__u32 need = 0;

	if (l4 > 255)
		return SL_DROP_L4_HEADER;
	switch (key->proto) {
	case SL_PROTO_TCP:
		need = quoted ? 8 : sizeof(struct sl_tcp);
		break;
	case SL_PROTO_UDP:
	case SL_PROTO_ICMP:
		need = 8;
		break;
	case SL_PROTO_SCTP:
		need = quoted ? 8 : 12;
		break;
	default:
		return 0;
	}
	if (rest < need) {
		if (p->flags & PACKET_FRAG_FIRST)
			return SL_DROP_FRAG_MALFORMED;
		return SL_DROP_L4_HEADER;
	}
	if (key->proto == SL_PROTO_TCP && !quoted) {
		struct sl_tcp *tcp = begin + l4;
		__u32 header;

		if ((void *)(tcp + 1) > end)
			return SL_DROP_L4_HEADER;
		header = (tcp->offset >> 4) * 4;
		if (header < sizeof(*tcp) || (header > rest && !(p->flags & PACKET_FRAG_FIRST)))
			return SL_DROP_L4_LENGTH;
		p->tcp_flags = tcp->flags;
		key->sport = tcp->src;
		key->dport = tcp->dst;
		return 0;
	}
	if (key->proto == SL_PROTO_ICMP) {
		struct sl_icmp *icmp = begin + l4;

		if ((void *)(icmp + 1) > end)
			return SL_DROP_L4_HEADER;
		switch (icmp->type) {
		case SL_ICMP_ECHO:
		case SL_ICMP_TIMESTAMP:
			key->sport = icmp->id;
			return 0;
		case SL_ICMP_ECHO_REPLY:
		case SL_ICMP_TIMESTAMP_REPLY:
			key->dport = icmp->id;
			if (!quoted)
				p->flags |= PACKET_ICMP_REPLY;
			return 0;
		case SL_ICMP_UNREACHABLE:
		case SL_ICMP_TIME_EXCEEDED:
		case SL_ICMP_PARAMETER:
			/* An error about an error is never sent (RFC 1122), so a quoted one is a lie. */
			if (quoted)
				return SL_DROP_ICMP_NO_FLOW;
			p->flags |= PACKET_ICMP_ERROR;
			return 0;
		default:
			return SL_DROP_ICMP_TYPE;
		}
	}
	if (key->proto == SL_PROTO_UDP && !quoted) {
		struct sl_udp *udp = begin + l4;
		__u32 length;

		if ((void *)(udp + 1) > end)
			return SL_DROP_L4_HEADER;
		length = bpf_ntohs(udp->len);
		if (length < sizeof(*udp) || (length > rest && !(p->flags & PACKET_FRAG_FIRST)))
			return SL_DROP_L4_LENGTH;
		key->sport = udp->src;
		key->dport = udp->dst;
		return 0;
	}
	struct sl_l4_ports *ports = begin + l4;

	if ((void *)(ports + 1) > end)
		return SL_DROP_L4_HEADER;
	key->sport = ports->src;
	key->dport = ports->dst;
	return 0;
}

/* The packet an ICMP error quotes: its key takes the place of the error's own. */
static __noinline __u32 parse_quoted(sl_ctx *ctx, struct packet *p)
{
	void *end = packet_end(ctx);
	__u32 at = p->l4 + sizeof(struct sl_icmp), total = p->len, outer = p->l4 - p->l3;
	struct sl_ipv4 *ip;
	__u32 header, rest;

	if (at > 255)
		return SL_DROP_L4_HEADER;
	ip = packet_begin(ctx) + at;
	if ((void *)(ip + 1) > end)
		return SL_DROP_ICMP_NO_FLOW;
	header = (ip->ver_ihl & 0xf) * 4;
	if (ip->ver_ihl >> 4 != 4 || header < sizeof(*ip) || outer + sizeof(struct sl_icmp) + header > total)
		return SL_DROP_ICMP_NO_FLOW;
	if (bpf_ntohs(ip->frag) & SL_IP_OFFSET)
		return SL_DROP_ICMP_NO_FLOW;
	rest = total - outer - sizeof(struct sl_icmp) - header;
	p->key.saddr = ip->saddr;
	p->key.daddr = ip->daddr;
	p->key.proto = ip->proto;
	p->key.sport = 0;
	p->key.dport = 0;
	return parse_ports(ctx, p, &p->key, at + header, rest, true);
}

static __noinline __u32 parse_ipv4(sl_ctx *ctx, struct packet *p)
{
	void *end = packet_end(ctx);
	__u32 l3 = p->l3 & 0x3f, header, total, frag, reason;
	struct sl_ipv4 *ip = packet_begin(ctx) + l3;

	if ((void *)(ip + 1) > end)
		return SL_DROP_IP_HEADER;
	header = (ip->ver_ihl & 0xf) * 4;
	if (ip->ver_ihl >> 4 != 4 || header < sizeof(*ip))
		return SL_DROP_IP_HEADER;
	if ((void *)ip + header > end)
		return SL_DROP_IP_HEADER;
	total = bpf_ntohs(ip->len);
	if (total < header || total + l3 > packet_length(ctx))
		return SL_DROP_IP_LENGTH;
	p->len = total;
	p->l4 = l3 + header;
	p->ttl = ip->ttl;
	if (!ip->ttl)
		return SL_DROP_TTL;
	p->saddr = ip->saddr;
	p->daddr = ip->daddr;
	p->key.saddr = ip->saddr;
	p->key.daddr = ip->daddr;
	p->key.proto = ip->proto;
	p->key.sport = 0;
	p->key.dport = 0;
	p->frag_id = ip->id;
	frag = bpf_ntohs(ip->frag);
	if (header > sizeof(*ip)) {
		reason = parse_options(ctx, l3, p->l4);
		if (reason)
			return reason;
	}
	if (frag & SL_IP_OFFSET) {
		__u32 offset = (frag & SL_IP_OFFSET) * 8;

		/* Offset 8 would rewrite the TCP flags that were judged in the first fragment (RFC 3128). */
		if ((p->key.proto == SL_PROTO_TCP && offset < sizeof(struct sl_tcp)) ||
		    offset + total - header > 65535)
			return SL_DROP_FRAG_MALFORMED;
		p->flags |= PACKET_FRAG_LATER;
		return 0;
	}
	if (frag & SL_IP_MF)
		p->flags |= PACKET_FRAG_FIRST;
	reason = parse_ports(ctx, p, &p->key, p->l4, total - header, false);
	if (!reason && (p->flags & PACKET_ICMP_ERROR))
		reason = parse_quoted(ctx, p);
	return reason;
}

/* No stack sends these; scanners do, to learn from the answers (RFC 793 gives none of them a meaning). */
static __always_inline bool tcp_flags_senseless(__u8 flags)
{
	__u8 f = flags & (SL_TCP_FIN | SL_TCP_SYN | SL_TCP_RST | SL_TCP_ACK);

	return !f || f == SL_TCP_FIN || (f & (SL_TCP_SYN | SL_TCP_FIN)) == (SL_TCP_SYN | SL_TCP_FIN) ||
	       (f & (SL_TCP_SYN | SL_TCP_RST)) == (SL_TCP_SYN | SL_TCP_RST) ||
	       (f & (SL_TCP_FIN | SL_TCP_RST)) == (SL_TCP_FIN | SL_TCP_RST);
}

/* Addresses that cannot stand in a packet between hosts (RFC 1812, 5.3.7; link-local is never routed). */
static __always_inline bool address_martian(__be32 saddr, __be32 daddr)
{
	__u32 s = bpf_ntohl(saddr), d = bpf_ntohl(daddr);

	if (s == d)
		return true;
	if (s >> 24 == 127 || d >> 24 == 127 || d >> 24 == 0)
		return true;
	if (s >> 28 >= 14 || (d >> 28 == 15 && d != 0xffffffff))
		return true;
	if (s >> 24 == 0 && s)
		return true;
	return s >> 16 == 0xa9fe || d >> 16 == 0xa9fe;
}

#endif
