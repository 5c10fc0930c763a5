/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The IPv4 header: lengths, options, TTL, addresses that cannot be.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "vip.h"

#define TO_FAR .saddr = A1, .daddr = A_FAR
static const struct want broken = { .fate = DROPPED, .src = NET_A, .network = NET_A };
static const struct want passes = { .fate = SENT, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW };

static struct frame plain(void)
{
	return PACKET(TO_FAR, UDP(1000, 2000), .payload = 20);
}

static void test_header(struct bench *b)
{
	struct frame f = plain();

	frame_ip(&f)->ver_ihl = 0x55;
	hit(b, SL_DROP_IP_HEADER, "version 5", workload(W_A1, f), broken);
	frame_ip(&f)->ver_ihl = 0x65;
	hit(b, SL_DROP_IP_HEADER, "version 6", workload(W_A1, f), broken);
	for (uint8_t words = 0; words < 5; words++) {
		frame_ip(&f)->ver_ihl = 0x40 | words;
		hit(b, SL_DROP_IP_HEADER, "header shorter than 20 bytes", workload(W_A1, f), broken);
	}
	f = plain();
	frame_tag(&f, SL_ETH_VLAN, 103);
	frame_cut(&f, f.l3 + 19);
	/* With the tag in the frame: else the kernel itself refuses to make such a buffer. */
	hit(b, SL_DROP_IP_HEADER, "the frame ends in the header", wire(f), broken);
	hit(b, SL_DROP_IP_HEADER, "the frame ends in the header, XDP", wire_xdp(f), broken);
	f = PACKET(TO_FAR, .proto = 253, .options = (const uint8_t[4]){ 1, 1, 1, 1 }, .option_len = 4);
	frame_cut(&f, f.len - 1);
	hit(b, SL_DROP_IP_HEADER, "the frame ends in the options", workload(W_A1, f), broken);
	frame_tag(&f, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_IP_HEADER, "on the wire", f, broken);
	f = PACKET(TO_FAR, .proto = 253);
	miss(b, SL_DROP_IP_HEADER, "a header and nothing else", workload(W_A1, f), passes);
	f = plain();
	miss(b, SL_DROP_IP_HEADER, "version 4, 20 bytes", workload(W_A1, f), passes);
}

static void test_length(struct bench *b)
{
	struct frame f = plain();
	struct want w = passes;

	frame_ip(&f)->len = htons(19);
	hit(b, SL_DROP_IP_LENGTH, "one less than the header", workload(W_A1, f), broken);
	f = plain();
	frame_ip(&f)->len = htons((uint16_t)(f.len - f.l3 + 1));
	hit(b, SL_DROP_IP_LENGTH, "one more than the frame", workload(W_A1, f), broken);
	frame_tag(&f, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_IP_LENGTH, "one more than the frame, on the wire", f, broken);
	miss(b, SL_DROP_IP_LENGTH, "as long as the frame", workload(W_A1, plain()), passes);
	f = PACKET(TO_FAR, .proto = 253, .padding = 26);
	miss(b, SL_DROP_IP_LENGTH, "the header alone, then padding", workload(W_A1, f), passes);
	f = PACKET(TO_FAR, UDP(1000, 2000), .payload = 1, .padding = 1);
	w.bytes = 29;
	miss(b, SL_DROP_IP_LENGTH, "one byte of padding", workload(W_A1, f), w);
}

#define OPTIONS(text, ...)                                                                                   \
	{                                                                                                    \
		text, { __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })                              \
	}
static const struct {
	const char *name;
	uint8_t bytes[40];
	uint8_t len;
} bad_options[] = {
	OPTIONS("loose source route", 131, 7, 4, 10, 0, 0, 1, 0),
	OPTIONS("strict source route", 137, 7, 4, 10, 0, 0, 1, 0),
	OPTIONS("source route behind another option", 1, 1, 148, 4, 0, 0, 131, 3, 4, 0, 0, 0),
	OPTIONS("length 0", 7, 0, 0, 0),
	OPTIONS("length 1", 7, 1, 0, 0),
	OPTIONS("one byte past the header", 7, 5, 4, 0),
	OPTIONS("no length in the last byte", 1, 1, 1, 7),
}, good_options[] = {
	OPTIONS("exactly to the header's end", 7, 4, 4, 0),
	OPTIONS("router alert", 148, 4, 0, 0),
	OPTIONS("only padding", 1, 1, 1, 1),
	OPTIONS("a source route behind the end of the list", 0, 131, 7, 4),
	OPTIONS("forty bytes", 7, 39, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
	OPTIONS("forty one-byte options", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
	OPTIONS("shortest options", 130, 2, 130, 2, 130, 2, 0, 0),
};

static void test_options(struct bench *b)
{
	struct frame f, out;
	struct want w = passes;

	for (size_t i = 0; i < sizeof(bad_options) / sizeof(bad_options[0]); i++) {
		f = PACKET(TO_FAR, UDP(1000, 2000), .options = bad_options[i].bytes,
			   .option_len = bad_options[i].len);
		hit(b, SL_DROP_IP_OPTION, bad_options[i].name, workload(W_A1, f), broken);
	}
	frame_tag(&f, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_IP_OPTION, "on the wire", f, broken);
	for (size_t i = 0; i < sizeof(good_options) / sizeof(good_options[0]); i++) {
		f = PACKET(TO_FAR, UDP(1000, 2000), .options = good_options[i].bytes,
			   .option_len = good_options[i].len);
		miss(b, SL_DROP_IP_OPTION, good_options[i].name, workload(W_A1, f), passes);
	}
	/* Routed: the header with its options keeps a right checksum, the ports are found behind them. */
	f = PACKET(.saddr = A1, .daddr = B1, UDP(1000, 53), .options = good_options[4].bytes,
		   .option_len = 40);
	out = hop(f, scene_mac(B1), mac_router);
	w.dst = NET_B;
	w.out = &out;
	miss(b, SL_DROP_IP_OPTION, "forty bytes, routed by the port behind them", workload(W_A1, f), w);
}

static void test_ttl(struct bench *b)
{
	struct frame f = plain(), out;
	struct want w = broken;

	frame_ip(&f)->ttl = 0;
	frame_sum(&f);
	hit(b, SL_DROP_TTL, "0 on arrival", workload(W_A1, f), broken);
	frame_tag(&f, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_TTL, "0 on arrival, on the wire", f, broken);
	f = PACKET(.saddr = A1, .daddr = B1, UDP(1000, 53), .ttl = 1);
	out = say_so(f, SL_ICMP_TIME_EXCEEDED, 0, 0, GATEWAY_A);
	w.dst = NET_B;
	w.stats = NEW_FLOW | STAT(TIME_EXCEEDED);
	w.question = true;
	w.out = &out;
	hit(b, SL_DROP_TTL, "1, routed: the gateway says so", workload(W_A1, f), w);
	f = PACKET(TO_FAR, UDP(1000, 53), .ttl = 1);
	miss(b, SL_DROP_TTL, "1, not routed", workload(W_A1, f), passes);
	f = PACKET(.saddr = A1, .daddr = B1, UDP(1000, 53), .ttl = 2);
	out = hop(f, scene_mac(B1), mac_router);
	w = passes;
	w.dst = NET_B;
	w.out = &out;
	miss(b, SL_DROP_TTL, "2, routed", workload(W_A1, f), w);
}

static void test_martian(struct bench *b)
{
	static const uint32_t never_from[] = { IP(127, 0, 0, 1),       IP(127, 255, 255, 255),
					       IP(0, 0, 0, 1),	       IP(0, 255, 255, 255),
					       IP(224, 0, 0, 1),       IP(240, 0, 0, 1),
					       IP(255, 255, 255, 255), IP(169, 254, 0, 1),
					       IP(169, 254, 169, 254) };
	static const uint32_t never_to[] = {
		IP(127, 0, 0, 1), IP(0, 0, 0, 0),	  IP(0, 0, 0, 1),
		IP(240, 0, 0, 1), IP(255, 255, 255, 254), IP(169, 254, 169, 254)
	};
	static const uint32_t at_the_edge[] = { IP(126, 255, 255, 255), IP(128, 0, 0, 0),
						IP(1, 0, 0, 0),		IP(223, 255, 255, 255),
						IP(169, 253, 255, 255), IP(169, 255, 0, 0) };
	struct want w = { .fate = DROPPED, .src = EXT, .network = EXT };
	struct want good = { .fate = SENT, .src = EXT, .dst = SL_NET_WORLD, .stats = NEW_FLOW };
	struct frame f, out;
	char name[64];

	for (size_t i = 0; i < sizeof(never_from) / sizeof(never_from[0]); i++) {
		f = PACKET(.saddr = never_from[i], .daddr = E1, TCP(1000, 25, SYN), VLAN(EXT));
		snprintf(name, sizeof(name), "from %s", inet_ntoa((struct in_addr){ htonl(never_from[i]) }));
		hit_wire(b, SL_DROP_MARTIAN, name, f, w);
	}
	for (size_t i = 0; i < sizeof(never_to) / sizeof(never_to[0]); i++) {
		f = PACKET(.saddr = E1, .daddr = never_to[i], UDP(1000, 2000));
		snprintf(name, sizeof(name), "to %s", inet_ntoa((struct in_addr){ htonl(never_to[i]) }));
		hit(b, SL_DROP_MARTIAN, name, workload(W_E1, f), w);
	}
	f = PACKET(.saddr = E1, .daddr = E1, UDP(1000, 2000));
	hit(b, SL_DROP_MARTIAN, "from and to the same address", workload(W_E1, f), w);
	for (size_t i = 0; i < sizeof(at_the_edge) / sizeof(at_the_edge[0]); i++) {
		f = PACKET(.saddr = E1, .daddr = at_the_edge[i], UDP(1000, 2000));
		snprintf(name, sizeof(name), "to %s", inet_ntoa((struct in_addr){ htonl(at_the_edge[i]) }));
		miss(b, SL_DROP_MARTIAN, name, workload(W_E1, f), good);
	}
	good.src = SL_NET_WORLD;
	good.dst = EXT;
	for (size_t i = 0; i < sizeof(at_the_edge) / sizeof(at_the_edge[0]); i++) {
		f = PACKET(.saddr = at_the_edge[i], .daddr = E1, TCP(1000, 25, SYN), VLAN(EXT));
		out = landed(f, scene_mac(E1));
		good.out = &out;
		snprintf(name, sizeof(name), "from %s", inet_ntoa((struct in_addr){ htonl(at_the_edge[i]) }));
		miss(b, SL_DROP_MARTIAN, name, wire(f), good);
	}
}

void test_ipv4(struct bench *b)
{
	test_header(b);
	test_length(b);
	test_options(b);
	test_ttl(b);
	test_martian(b);
}
