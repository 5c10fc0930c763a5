/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames of services, see vip.h. Shares no arithmetic with the programs: where they choose a free word, it is
 * searched for here until the checksum comes out.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include "vip.h"

struct frame readdress(struct frame f, uint32_t saddr, uint16_t sport, uint32_t daddr, uint16_t dport)
{
	struct sl_ipv4 *ip = frame_ip(&f);
	bool none = ip->proto == SL_PROTO_UDP && !frame_udp(&f)->check;

	if (saddr)
		ip->saddr = htonl(saddr);
	if (daddr)
		ip->daddr = htonl(daddr);
	if (!(ntohs(ip->frag) & SL_IP_OFFSET)) { /* TCP has its ports at the same place */
		if (sport)
			frame_udp(&f)->src = htons(sport);
		if (dport)
			frame_udp(&f)->dst = htons(dport);
	}
	frame_sum(&f);
	if (none && !(ntohs(ip->frag) & SL_IP_OFFSET))
		frame_udp(&f)->check = 0;
	return f;
}

struct frame into(struct frame f, uint32_t backend, uint16_t target)
{
	if (frame_eth(&f)->type == htons(SL_ETH_VLAN))
		frame_untag(&f);
	return hop(readdress(f, 0, 0, backend, target), scene_mac(backend), mac_router);
}

struct frame back(struct frame f, uint32_t vip, uint16_t port, const uint8_t *dmac)
{
	return hop(readdress(f, vip, port, 0, 0), dmac, scene_mac(NODE1));
}

struct frame wrap(const struct frame *inner, const uint8_t *dmac, const uint8_t *smac, uint32_t from,
		  uint32_t to, uint32_t backend)
{
	const struct sl_ipv4 *ip = (const void *)(inner->bytes + inner->l3);
	uint16_t len = ntohs(ip->len);
	struct frame f = { .l3 = 14, .l4 = 34 };
	struct {
		struct sl_eth eth;
		struct sl_ipv4 ip;
		struct sl_udp udp;
		uint8_t geneve[16];
	} __attribute__((packed, aligned(2))) out = {
		.eth.type = htons(SL_ETH_IPV4),
		.ip = { .ver_ihl = 0x45,
			.tos = ip->tos,
			.len = htons((uint16_t)(len + 44)),
			.frag = htons(SL_IP_DF),
			.ttl = 64,
			.proto = SL_PROTO_UDP,
			.saddr = htonl(from),
			.daddr = htonl(to) },
		.udp = { .src = htons(0xc000), .dst = htons(6083), .len = htons((uint16_t)(len + 24)) },
		/* RFC 8926: version 0, two words of options; critical; IPv4; VNI 1; class, type, one word */
		.geneve = { 0x02, 0x40, 0x08, 0x00, 0, 0, 1, 0, 0xff, 0xf3, 0x81, 0x01 },
	};

	memcpy(out.eth.dst, dmac, 6);
	memcpy(out.eth.src, smac, 6);
	memcpy(out.geneve + 12, &(uint32_t){ htonl(backend) }, 4);
	out.ip.check = sum16(&out.ip, sizeof(out.ip), 0);
	memcpy(f.bytes, &out, sizeof(out));
	memcpy(f.bytes + sizeof(out), ip, len);
	f.len = (uint32_t)sizeof(out) + len;
	return f;
}

/* Back to the sender, by Ethernet and IP. */
static void turn_round(struct frame *f)
{
	struct sl_ipv4 *ip = frame_ip(f);
	uint32_t addr = ip->saddr;
	uint8_t mac[6];

	memcpy(mac, f->bytes, 6);
	memcpy(f->bytes, f->bytes + 6, 6);
	memcpy(f->bytes + 6, mac, 6);
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	ip->ttl = 64;
}

struct frame reset(struct frame f)
{
	struct sl_ipv4 *ip = frame_ip(&f);
	struct sl_tcp *tcp = frame_tcp(&f), was = *tcp;
	uint32_t data = ntohs(ip->len) - ((uint32_t)f.l4 - f.l3) - (was.offset >> 4) * 4U;
	uint8_t pseudo[12] = { 0 };
	uint16_t sum;

	turn_round(&f);
	ip->len = htons((uint16_t)(f.l4 - f.l3 + 20));
	f.len = f.l4 + 20U;
	f.padding = 0;
	memset(tcp, 0, sizeof(*tcp));
	tcp->src = was.dst;
	tcp->dst = was.src;
	tcp->offset = 0x50;
	if (was.flags & SL_TCP_ACK) {
		tcp->seq = was.ack;
		tcp->flags = SL_TCP_RST;
	} else {
		data += !!(was.flags & SL_TCP_SYN) + !!(was.flags & SL_TCP_FIN);
		tcp->ack = htonl(ntohl(was.seq) + data);
		tcp->flags = SL_TCP_RST | SL_TCP_ACK;
	}
	/* The window that makes the checksum the pseudo header's sum: right now, and right if filled in late. */
	memcpy(pseudo, &ip->saddr, 8);
	pseudo[9] = SL_PROTO_TCP;
	pseudo[11] = 20;
	sum = (uint16_t)~sum16(pseudo, sizeof(pseudo), 0);
	for (uint32_t window = 0; window < 65536; window++) {
		tcp->window = (uint16_t)window;
		frame_sum(&f);
		if (tcp->check == sum)
			break;
	}
	return f;
}

struct frame say_so(struct frame f, uint8_t type, uint8_t code, uint16_t mtu, uint32_t from)
{
	uint8_t place = frame_ip(&f)->proto == SL_PROTO_TCP ? offsetof(struct sl_tcp, check)
							    : offsetof(struct sl_udp, check);
	struct frame out = f;
	struct sl_ipv4 *ip = frame_ip(&out);
	uint8_t *icmp = out.bytes + out.l3 + 20;

	memset(icmp, 0, 8);
	icmp[0] = type;
	icmp[1] = code;
	icmp[6] = (uint8_t)(mtu >> 8);
	icmp[7] = (uint8_t)mtu;
	memcpy(icmp + 8, f.bytes + f.l3, 28);
	turn_round(&out);
	if (from)
		ip->saddr = htonl(from);
	ip->ver_ihl = 0x45;
	ip->tos = 0;
	ip->len = htons(20 + 36);
	ip->id = 0;
	ip->frag = 0;
	ip->proto = SL_PROTO_ICMP;
	out.l4 = out.l3 + 20;
	out.len = out.l4 + 36U;
	frame_sum(&out);
	/* Two bytes behind the packet, so that a checksum filled in late comes out as what stands there. Of the two
	 * that stand for nothing, 0xffff. */
	out.padding = 2;
	out.len += 2;
	for (uint32_t word = 65536; word--;) {
		memcpy(icmp + 36, &(uint16_t){ (uint16_t)word }, 2);
		if (sum16(icmp, 38, 0) == *(uint16_t *)(icmp + place))
			break;
	}
	return out;
}

struct frame unreachable(struct frame f, uint8_t code, uint16_t mtu)
{
	return say_so(f, SL_ICMP_UNREACHABLE, code, mtu, 0);
}

struct frame tcp_options(struct frame f, const uint8_t *options, uint8_t len)
{
	uint8_t *at = f.bytes + f.l4 + sizeof(struct sl_tcp);

	memmove(at + len, at, f.len - f.l4 - sizeof(struct sl_tcp));
	memcpy(at, options, len);
	f.len += len;
	frame_tcp(&f)->offset = (uint8_t)((20 + len) / 4 << 4);
	frame_ip(&f)->len = htons((uint16_t)(f.len - f.l3 - f.padding));
	frame_sum(&f);
	return f;
}

struct frame piece(const struct frame *whole, uint32_t from, uint32_t len, bool more)
{
	struct frame f = *whole;
	struct sl_ipv4 *ip = frame_ip(&f);

	memmove(f.bytes + f.l4, f.bytes + f.l4 + from, len);
	f.len = f.l4 + len;
	ip->len = htons((uint16_t)(f.len - f.l3));
	ip->frag = htons((uint16_t)((more ? SL_IP_MF : 0) | from / 8));
	ip->check = 0;
	ip->check = sum16(ip, (uint32_t)f.l4 - f.l3, 0);
	return f;
}

struct send wire_beside(struct frame f)
{
	struct send s =
		beside(wire(f), ntohs(*(uint16_t *)(f.bytes + 12)), ntohs(*(uint16_t *)(f.bytes + 14)));

	frame_untag(&s.frame);
	return s;
}

struct send stack_out(struct frame f)
{
	return (struct send){ .door = SL_UP_OUT, .ifindex = UP0, .frame = f };
}

struct want opens(uint32_t vip, uint16_t port, uint8_t proto, uint32_t backend, uint16_t src, uint16_t dst)
{
	return (struct want){ .fate = SENT,
			      .src = src,
			      .dst = dst,
			      .stats = NEW_FLOW,
			      .served = { vip, port, proto, backend, SERVED_CONNECTION, false, 0 } };
}

struct want answers(uint32_t vip, uint16_t port, uint8_t proto, uint32_t backend, uint16_t src, uint16_t dst)
{
	return (struct want){ .fate = SENT,
			      .src = src,
			      .dst = dst,
			      .stats = proto == SL_PROTO_TCP ? 0 : STAT(FLOWS_PROMOTED), /* a SYN-ACK */
			      .served = { vip, port, proto, backend, SERVED_ANSWER, true, 0 } };
}

struct want goes_on(struct want w)
{
	w.served.event = 0;
	w.outside.events = 0;
	w.stats &= ~(NEW_FLOW | STAT(FLOWS_PROMOTED) | STAT(FLOWS_REJUDGED) | STAT(BINDINGS));
	return w;
}

struct want promotes(struct want w)
{
	w.stats = (w.stats & ~(NEW_FLOW | STAT(BINDINGS))) | STAT(FLOWS_PROMOTED);
	w.outside.events = 0;
	return w;
}

struct want refuses(uint32_t vip, uint16_t port, uint8_t proto, uint16_t src, uint16_t network)
{
	return (struct want){ .fate = DROPPED,
			      .src = src,
			      .network = network,
			      .served = { vip, port, proto, 0, 0, false, 0 } };
}
