/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames made for tests: what is asked for, with right checksums unless a test then breaks it. Knows nothing
 * of plans, programs or expectations, and shares no arithmetic with what it is used to test.
 */
#ifndef PACKET_FRAME_H
#define PACKET_FRAME_H
#include <stdbool.h>
#include <stdint.h>
#include "../../include/wire.h"

#define FRAME_ROOM 9216
#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

struct frame {
	uint8_t bytes[FRAME_ROOM];
	uint32_t len;
	uint16_t l3; /* offset of what stands behind the tags */
	uint16_t l4; /* offset behind the IPv4 header */
	uint16_t padding; /* bytes behind the IP packet */
};

struct tag {
	uint16_t type; /* 0: 0x8100 */
	uint16_t tci;
};

/* Zero means the ordinary thing. Addresses and ports in host byte order. */
struct spec {
	const uint8_t *dmac, *smac; /* NULL: the scene knows (scene.h) */
	struct tag tag[3];
	uint8_t tags;
	uint16_t ethertype; /* 0: IPv4; else `payload` bytes stand behind it */
	uint32_t saddr, daddr;
	uint8_t proto, ttl, tos; /* ttl 0: 64 */
	uint16_t id, frag; /* frag: flags and offset as in the header */
	const uint8_t *options;
	uint8_t option_len; /* a multiple of four */
	uint16_t sport, dport;
	uint8_t tcp_flags;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id;
	const struct frame *quote; /* ICMP error: quotes this frame's IP packet ... */
	uint16_t quote_len; /* ... its first bytes, 0: header and eight bytes */
	uint16_t payload; /* bytes behind the transport header */
	bool bare; /* no transport header, only payload: a later fragment */
	uint16_t padding;
};

struct frame frame_make(const struct spec *spec);
/* Checksums of the IPv4 header and of what it carries, anew. */
void frame_sum(struct frame *f);
/* Frame without its bytes from `at`. */
void frame_cut(struct frame *f, uint32_t at);
/* A tag less, or one more, right behind the MACs. */
void frame_untag(struct frame *f);
void frame_tag(struct frame *f, uint16_t type, uint16_t tci);

struct sl_eth *frame_eth(struct frame *f);
struct sl_ipv4 *frame_ip(struct frame *f);
struct sl_tcp *frame_tcp(struct frame *f);
struct sl_udp *frame_udp(struct frame *f);
struct sl_icmp *frame_icmp(struct frame *f);
struct sl_arp *frame_arp(struct frame *f);

/* The Internet checksum (RFC 1071) of bytes, as it stands on the wire. */
uint16_t sum16(const void *bytes, uint32_t len, uint32_t start);
/* Is the IPv4 header's checksum right, and that of TCP, UDP or ICMP behind it? */
bool frame_sum_right(const struct frame *f);

#define FRAME(...) frame_make(&(struct spec){ __VA_ARGS__ })

#endif
