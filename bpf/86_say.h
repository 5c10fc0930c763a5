/* SPDX-License-Identifier: GPL-2.0 */
/*
 * say: what sluice itself answers to the sender of a packet, made from that packet and sent back where it came from:
 * the reply to a ping, a TCP reset, "unreachable" in its forms, "time exceeded". TC only.
 *
 * The packet may carry the order to fill in a transport checksum. It stays in force for what the packet becomes, so
 * each answer has a free word that makes the checksum come out as what already stands in its place.
 */
#ifndef SL_BPF_SAY_H
#define SL_BPF_SAY_H
#include "80_mark.h"
#include "../include/csum.h"

#ifdef SL_DOOR_TC
/* Back by the interface it came in by, from the MAC it was sent to. */
static __always_inline int say_back(struct __sk_buff *ctx, const struct packet *p)
{
	const __u8 router[6] = SL_ROUTER_MAC;
	struct sl_eth *eth = packet_begin(ctx);
	__u8 mac[6] __attribute__((aligned(2)));

	if (!p->l3) { /* no MACs to turn round */
		mark_wan(ctx, p);
		return bpf_redirect(p->ifindex, p->door == DOOR_TUN_OUT ? BPF_F_INGRESS : 0);
	}
	if ((void *)(eth + 1) > packet_end(ctx))
		return TC_ACT_SHOT;
	__builtin_memcpy(mac, eth->dst, 6);
	__builtin_memcpy(eth->dst, eth->src, 6);
	__builtin_memcpy(eth->src, mac, 6);
	mark_wan(ctx, p);
	if (p->door != DOOR_UP_OUT)
		return bpf_redirect(p->ifindex, 0);
	__builtin_memcpy(eth->src, router, 6); /* the sender is this node */
	return bpf_redirect(p->ifindex, BPF_F_INGRESS);
}

static __always_inline void say_from_receiver(struct sl_ipv4 *ip)
{
	__be32 asked = ip->daddr;
	__u16 *ttl = (__u16 *)&ip->ttl, old = *ttl;

	ip->daddr = ip->saddr;
	ip->saddr = asked;
	ip->ttl = 64;
	ip->check = sl_csum_replace16(ip->check, old, *ttl);
}

/*
 * Turns a ping into its answer, fragment by fragment: swapping addresses leaves every checksum right, and the first
 * fragment carries the one that knows the type.
 */
static __always_inline int say_echo_body(struct __sk_buff *ctx, const struct packet *p, struct sl_verdict *v)
{
	void *begin = packet_begin(ctx), *end = packet_end(ctx);
	struct sl_ipv4 *ip = begin + (p->l3 & 0x3f);
	struct sl_icmp *icmp = begin + (p->l4 & 0xff);
	__u16 *type = (__u16 *)icmp, old;

	if ((void *)(ip + 1) > end)
		return TC_ACT_SHOT;
	if (!(p->flags & PACKET_FRAG_LATER)) {
		if ((void *)(icmp + 1) > end)
			return TC_ACT_SHOT;
		if (icmp->type != SL_ICMP_ECHO) {
			v->action = SL_ACTION_DROP;
			v->reason = SL_DROP_ICMP_TYPE;
			return TC_ACT_SHOT;
		}
		old = *type;
		icmp->type = SL_ICMP_ECHO_REPLY;
		icmp->check = sl_csum_replace16(icmp->check, old, *type);
	}
	say_from_receiver(ip);
	return say_back(ctx, p);
}
STATION(int, say_echo, (struct __sk_buff * ctx, const struct packet *p, struct sl_verdict *v), p &&v,
	(ctx, p, v))

static __always_inline __u32 say_sum(const void *words, __u32 count)
{
	const __u16 *word = words;
	__u32 sum = 0;

	for (__u32 i = 0; i < count; i++)
		sum += word[i];
	return sum;
}

/* RFC 9293, 3.10.7.1. The window of a reset means nothing: it is the free word. */
static __always_inline int say_reset_body(struct __sk_buff *ctx, const struct packet *p)
{
	__u32 l3 = p->l3 & 0x3f, l4 = p->l4 & 0xff, header = l4 - l3, data;
	struct sl_tcp *tcp;
	struct sl_ipv4 *ip;
	__u16 pseudo, old;
	__be16 port;

	if (p->tcp_flags & SL_TCP_RST || p->flags & (PACKET_FRAG_FIRST | PACKET_FRAG_LATER) || l4 < l3)
		return TC_ACT_SHOT;
	tcp = packet_begin(ctx) + l4;
	if ((void *)(tcp + 1) > packet_end(ctx))
		return TC_ACT_SHOT;
	data = p->len - header - (tcp->offset >> 4) * 4;
	if (bpf_skb_change_tail(ctx, l4 + sizeof(*tcp), 0))
		return TC_ACT_SHOT;
	tcp = packet_begin(ctx) + l4;
	ip = packet_begin(ctx) + l3;
	if ((void *)(tcp + 1) > packet_end(ctx) || (void *)(ip + 1) > packet_end(ctx))
		return TC_ACT_SHOT;
	old = ip->len;
	ip->len = bpf_htons(header + sizeof(*tcp));
	ip->check = sl_csum_replace16(ip->check, old, ip->len);
	say_from_receiver(ip);
	port = tcp->src;
	tcp->src = tcp->dst;
	tcp->dst = port;
	if (tcp->flags & SL_TCP_ACK) {
		tcp->seq = tcp->ack;
		tcp->ack = 0;
		tcp->flags = SL_TCP_RST;
	} else {
		data += !!(tcp->flags & SL_TCP_SYN) + !!(tcp->flags & SL_TCP_FIN);
		tcp->ack = bpf_htonl(bpf_ntohl(tcp->seq) + data);
		tcp->seq = 0;
		tcp->flags = SL_TCP_RST | SL_TCP_ACK;
	}
	tcp->offset = sizeof(*tcp) / 4 << 4;
	tcp->urgent = 0;
	tcp->window = 0;
	tcp->check = 0;
	pseudo = sl_csum_fold((ip->saddr & 0xffff) + (ip->saddr >> 16) + (ip->daddr & 0xffff) +
			      (ip->daddr >> 16) + bpf_htons(SL_PROTO_TCP) + bpf_htons(sizeof(*tcp)));
	/* With the window so that the header sums up to what a checksum equal to the pseudo header's sum asks for,
	 * it is right as it stands and right again when somebody fills it in. */
	tcp->window = sl_csum_keep16(pseudo, sl_csum_fold(say_sum(tcp, sizeof(*tcp) / 2)));
	tcp->check = pseudo;
	stat(SL_STAT_RESETS);
	return say_back(ctx, p);
}
STATION(int, say_reset, (struct __sk_buff * ctx, const struct packet *p), p, (ctx, p))

/* An ICMP error about the packet at hand, quoting its header and eight bytes, and the free word behind the end. */
struct said_error {
	struct sl_icmp icmp;
	struct sl_ipv4 quoted;
	__u8 ports[8];
	__u16 keep;
} __attribute__((packed, aligned(2)));

/* `what`: type and code, SL_SAY(); `from`: who says it, 0: whom the packet was sent to. */
#define SL_SAY(type, code) ((type) << 8 | (code))
static __always_inline int say_error_body(struct __sk_buff *ctx, const struct packet *p, __u32 what,
					  __u32 mtu, __be32 from)
{
	__u32 l3 = p->l3 & 0x3f, at = l3 + sizeof(struct sl_ipv4);
	__u32 place = p->key.proto == SL_PROTO_TCP ? offsetof(struct sl_tcp, check)
						   : offsetof(struct sl_udp, check);
	struct said_error *error;
	struct sl_ipv4 *ip;
	__u16 *word;
	__u32 sum;

	/* Never about an error, a later fragment, or what has a place for the checksum that cannot be known. */
	if (p->flags & (PACKET_FRAG_LATER | PACKET_ICMP_ERROR) || p->l4 != at)
		return TC_ACT_SHOT;
	if (bpf_skb_change_tail(ctx, at + sizeof(*error), 0))
		return TC_ACT_SHOT;
	ip = packet_begin(ctx) + l3;
	error = packet_begin(ctx) + at;
	if ((void *)(error + 1) > packet_end(ctx) || (void *)(ip + 1) > packet_end(ctx))
		return TC_ACT_SHOT;
	__builtin_memcpy(error->ports, error, sizeof(error->ports));
	__builtin_memcpy(&error->quoted, ip, sizeof(*ip));
	error->icmp.type = what >> 8;
	error->icmp.code = what;
	error->icmp.check = 0;
	error->icmp.id = 0;
	error->icmp.seq = bpf_htons(mtu);
	error->keep = 0;
	sum = say_sum(error, sizeof(*error) / 2);
	error->icmp.check = ~sl_csum_fold(sum);
	word = (void *)error + (place & 0x1f);
	if ((void *)(word + 1) > packet_end(ctx))
		return TC_ACT_SHOT;
	/* All of it sums up to 0xffff now, which is nothing: the word by itself is the sum that matters. */
	error->keep = ~*word;
	ip->ver_ihl = 0x45;
	ip->tos = 0;
	ip->len = bpf_htons(sizeof(*ip) + sizeof(*error) - sizeof(error->keep));
	ip->id = 0;
	ip->frag = 0;
	ip->proto = SL_PROTO_ICMP;
	ip->ttl = 64;
	ip->daddr = ip->saddr;
	ip->saddr = from ? from : p->daddr;
	ip->check = 0;
	ip->check = ~sl_csum_fold(say_sum(ip, sizeof(*ip) / 2));
	return say_back(ctx, p);
}
STATION(int, say_error, (struct __sk_buff * ctx, const struct packet *p, __u32 what, __u32 mtu, __be32 from),
	p, (ctx, p, what, mtu, from))
#endif

#endif
