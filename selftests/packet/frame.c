/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Builds frames byte by byte. Checksums are summed over the whole packet, never updated.
 */
#include <arpa/inet.h>
#include <string.h>
#include "frame.h"

struct sl_eth *frame_eth(struct frame *f)
{
	return (void *)f->bytes;
}

struct sl_ipv4 *frame_ip(struct frame *f)
{
	return (void *)(f->bytes + f->l3);
}

struct sl_tcp *frame_tcp(struct frame *f)
{
	return (void *)(f->bytes + f->l4);
}

struct sl_udp *frame_udp(struct frame *f)
{
	return (void *)(f->bytes + f->l4);
}

struct sl_icmp *frame_icmp(struct frame *f)
{
	return (void *)(f->bytes + f->l4);
}

struct sl_arp *frame_arp(struct frame *f)
{
	return (void *)(f->bytes + f->l3);
}

static uint32_t sum_add(const void *bytes, uint32_t len, uint32_t sum)
{
	const uint8_t *at = bytes;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	if (len & 1)
		sum += (uint32_t)at[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint16_t sum16(const void *bytes, uint32_t len, uint32_t start)
{
	return htons((uint16_t)~sum_add(bytes, len, start));
}

static uint32_t sum_pseudo(const struct sl_ipv4 *ip, uint32_t len)
{
	return sum_add(&ip->saddr, 8, ip->proto + len);
}

void frame_sum(struct frame *f)
{
	struct sl_ipv4 *ip = frame_ip(f);
	uint32_t total = ntohs(ip->len), header = (uint32_t)f->l4 - f->l3;
	uint8_t *l4 = f->bytes + f->l4;
	uint32_t len = total > header ? total - header : 0;

	if (f->l4 + len > f->len)
		len = f->len - f->l4;
	ip->check = 0;
	ip->check = sum16(ip, header, 0);
	if (ntohs(ip->frag) & (SL_IP_MF | SL_IP_OFFSET))
		return; /* the checksum covers the whole datagram, which is not here */
	if (ip->proto == SL_PROTO_TCP && len >= sizeof(struct sl_tcp)) {
		frame_tcp(f)->check = 0;
		frame_tcp(f)->check = sum16(l4, len, sum_pseudo(ip, len));
	} else if (ip->proto == SL_PROTO_UDP && len >= sizeof(struct sl_udp)) {
		frame_udp(f)->check = 0;
		frame_udp(f)->check = sum16(l4, len, sum_pseudo(ip, len));
		if (!frame_udp(f)->check)
			frame_udp(f)->check = 0xffff;
	} else if (ip->proto == SL_PROTO_ICMP && len >= sizeof(struct sl_icmp)) {
		frame_icmp(f)->check = 0;
		frame_icmp(f)->check = sum16(l4, len, 0);
	}
}

bool frame_sum_right(const struct frame *f)
{
	const struct sl_ipv4 *ip = (const void *)(f->bytes + f->l3);
	uint32_t header = (ip->ver_ihl & 0xfu) * 4, len = ntohs(ip->len);

	if (header < sizeof(*ip) || len < header || f->l3 + len > f->len || sum16(ip, header, 0))
		return false;
	if (ntohs(ip->frag) & (SL_IP_MF | SL_IP_OFFSET))
		return true;
	len -= header;
	switch (ip->proto) {
	case SL_PROTO_TCP:
	case SL_PROTO_UDP:
		return !sum16((const uint8_t *)ip + header, len, sum_pseudo(ip, len));
	case SL_PROTO_ICMP:
		return !sum16((const uint8_t *)ip + header, len, 0);
	default:
		return true;
	}
}

void frame_cut(struct frame *f, uint32_t at)
{
	f->len = at;
}

void frame_untag(struct frame *f)
{
	memmove(f->bytes + 12, f->bytes + 16, f->len - 16);
	f->len -= sizeof(struct sl_tag);
	f->l3 -= sizeof(struct sl_tag);
	f->l4 -= sizeof(struct sl_tag);
}

void frame_tag(struct frame *f, uint16_t type, uint16_t tci)
{
	memmove(f->bytes + 16, f->bytes + 12, f->len - 12);
	f->len += sizeof(struct sl_tag);
	f->l3 += sizeof(struct sl_tag);
	f->l4 += sizeof(struct sl_tag);
	memcpy(f->bytes + 12, &(uint16_t){ htons(type) }, 2);
	memcpy(f->bytes + 14, &(uint16_t){ htons(tci) }, 2);
}

static void put16(struct frame *f, uint16_t value)
{
	memcpy(f->bytes + f->len, &(uint16_t){ htons(value) }, 2);
	f->len += 2;
}

static void put(struct frame *f, const void *bytes, uint32_t len)
{
	memcpy(f->bytes + f->len, bytes, len);
	f->len += len;
}

static void put_pattern(struct frame *f, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		f->bytes[f->len++] = (uint8_t)(i * 7 + 1);
}

static void put_transport(struct frame *f, const struct spec *s)
{
	uint32_t quoted = 0;

	if (s->bare)
		return;
	switch (s->proto) {
	case SL_PROTO_TCP: {
		struct sl_tcp tcp = { .src = htons(s->sport),
				      .dst = htons(s->dport),
				      .seq = htonl(1000),
				      .ack = htonl(s->tcp_flags & SL_TCP_ACK ? 2000 : 0),
				      .offset = 5 << 4,
				      .flags = s->tcp_flags,
				      .window = htons(64240) };

		put(f, &tcp, sizeof(tcp));
		break;
	}
	case SL_PROTO_UDP: {
		struct sl_udp udp = { .src = htons(s->sport),
				      .dst = htons(s->dport),
				      .len = htons((uint16_t)(sizeof(udp) + s->payload)) };

		put(f, &udp, sizeof(udp));
		break;
	}
	case SL_PROTO_ICMP: {
		struct sl_icmp icmp = { .type = s->icmp_type,
					.code = s->icmp_code,
					.id = htons(s->icmp_id),
					.seq = htons(s->quote ? 0 : 1) };

		if (s->quote)
			quoted = s->quote_len ? s->quote_len : (uint32_t)s->quote->l4 - s->quote->l3 + 8;
		put(f, &icmp, sizeof(icmp));
		if (s->quote)
			put(f, s->quote->bytes + s->quote->l3, quoted);
		break;
	}
	case SL_PROTO_SCTP:
		put16(f, s->sport);
		put16(f, s->dport);
		put_pattern(f, 8); /* verification tag, checksum */
		break;
	default:
		break;
	}
}

struct frame frame_make(const struct spec *s)
{
	struct frame f = { .len = 0 };
	struct sl_ipv4 ip = {
		.ver_ihl = (uint8_t)(0x40 | (5 + s->option_len / 4)),
		.tos = s->tos,
		.id = htons(s->id),
		.frag = htons(s->frag),
		.ttl = s->ttl ? s->ttl : 64,
		.proto = s->proto,
		.saddr = htonl(s->saddr),
		.daddr = htonl(s->daddr),
	};

	put(&f, s->dmac, 6);
	put(&f, s->smac, 6);
	for (int i = 0; i < s->tags; i++) {
		put16(&f, s->tag[i].type ? s->tag[i].type : SL_ETH_VLAN);
		put16(&f, s->tag[i].tci);
	}
	put16(&f, s->ethertype ? s->ethertype : SL_ETH_IPV4);
	f.l3 = f.l4 = (uint16_t)f.len;
	if (s->ethertype) {
		put_pattern(&f, s->payload);
		return f;
	}
	put(&f, &ip, sizeof(ip));
	if (s->option_len)
		put(&f, s->options, s->option_len);
	f.l4 = (uint16_t)f.len;
	put_transport(&f, s);
	put_pattern(&f, s->payload);
	frame_ip(&f)->len = htons((uint16_t)(f.len - f.l3));
	frame_sum(&f);
	f.padding = s->padding;
	put_pattern(&f, s->padding);
	return f;
}
