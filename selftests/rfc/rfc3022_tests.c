/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFC 3022 and 1624: what translation does to checksums. RFC 2474, 6040 and 1812: what it leaves alone, and the one thing
 * that a hop changes.
 */
#include <arpa/inet.h>
#include <string.h>
#include "rfc.h"

/* A packet with `sum` as the checksum that it has (or gets, `after`), by a payload word that makes it so. */
static void corner(struct bench *b, struct frame f, uint8_t word, uint16_t sum, bool after)
{
	uint8_t proto = frame_ip(&f)->proto;
	struct frame one = f, want;
	uint32_t value;

	for (value = 0; value < 65536; value++) {
		memcpy(one.bytes + one.l4 + word, &(uint16_t){ (uint16_t)value }, 2);
		frame_sum(&one);
		want = after ? translate(one, EIP_A, 0, 0, 0) : one;
		if ((proto == TCP_ ? frame_tcp(&want)->check : frame_udp(&want)->check) == htons(sum))
			break;
	}
	if (value == 65536)
		return; /* 0xffff is no TCP checksum, and 0 none of UDP's */
	goes(b, after ? "as it goes out" : "as it comes", next(workload(W_A1, one)), goes_on(sets_out(NET_A)),
	     EIP_A, 0);
	want = leaves(one, EIP_A, 0);
	that(b, frame_sum_right(&want), "a right checksum");
}

static void test_corners(struct bench *b)
{
	static const uint16_t sums[] = { 0x0000, 0x0001, 0x00ff, 0x0100, 0x7fff,
					 0x8000, 0xff00, 0xfffe, 0xffff };

	case_begin(b, "rfc1624: flows");
	nat_fresh(b);
	goes(b, "TCP", A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	goes(b, "UDP", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	case_end(b);
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		case_begin(b, "rfc1624: checksum 0x%04x, before and after", sums[i]);
		for (int after = 0; after < 2; after++) {
			corner(b, A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)).frame, 6, sums[i], after);
			corner(b, A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 3).frame, 8, sums[i],
			       after);
		}
		case_end(b);
	}
}

static void test_zero(struct bench *b)
{
	struct send s = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 20);
	struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .payload = 21);

	case_begin(b, "rfc3022: a UDP checksum that is none stays none, both ways");
	nat_fresh(b);
	frame_udp(&s.frame)->check = 0;
	frame_udp(&f)->check = 0;
	goes(b, "out", s, binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	comes(b, "in", f, returns(UDP_, NET_A), A1, 0);
	case_end(b);
}

static void test_static(struct bench *b)
{
	struct frame in = OUTSIDE(FIP_B, .saddr = REMOTE, UDP(1000, 53), .payload = 30), seen, f, out;
	struct want w = { .fate = SENT, .src = NET_B, .out = &out };

	case_begin(b, "rfc3022: one to one, ports untouched, quoted packets as well");
	nat_fresh(b);
	comes(b, "in", in, lets_in(NET_B), B1, 0);
	frame_untag(&in);
	seen = hop(translate(in, 0, 0, B1, 0), mac_router, mac_router);
	f = error_about(&seen, B1, REMOTE, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	memcpy(f.bytes + 6, scene_mac(B1), 6);
	in = hop(in, mac_router, mac_router);
	out = hop(error_about(&in, FIP_B, REMOTE, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0), mac_ext_router,
		  scene_mac(NODE1));
	check(b, "an error", next(workload(W_B1, f)), w);
	case_end(b);
}

/* Whole frames are compared: all eight bits are as they were, through translation and on the wrapping. */
static void test_tos(struct bench *b)
{
	struct frame f, inner, out;
	struct want w = { .fate = SENT, .dst = EXT, .stats = STAT(TUNNEL_SENT) | STAT(EIP_FORWARDED) };
	struct send s;
	struct got got;

	case_begin(b, "rfc2474: DSCP and ECN pass through translation");
	nat_fresh(b);
	goes(b, "out", A_OUT(.daddr = REMOTE, UDP(PORT, 53), .tos = 0xb9), binds(EIP_A, UDP_, NET_A), EIP_A,
	     0);
	for (unsigned int tos = 0; tos < 256; tos += 37)
		goes(b, "out", A_OUT(.daddr = REMOTE, UDP(PORT, 53), .tos = (uint8_t)tos),
		     goes_on(sets_out(NET_A)), EIP_A, 0);
	comes(b, "in, with congestion", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .tos = 0x03),
	      returns(UDP_, NET_A), A1, 0);
	case_end(b);

	case_begin(b, "rfc6040: and are copied to the wrapping");
	f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, NAT_HALF + 5), .tos = 0xba);
	inner = f;
	frame_untag(&inner);
	out = wrap(&inner, f.bytes, f.bytes + 6, NODE1, NODE2, EIP_A);
	s = next(wire(f));
	if (bench_run(b, &s, &got))
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
	w.outside = (struct outside){ EIP_A, UDP_, EIP_FORWARDED };
	w.out = &out;
	check(b, "sent on", s, w);
	case_end(b);
}

static void test_ttl(struct bench *b)
{
	struct want w = { .fate = DROPPED, .reason = SL_DROP_TTL, .src = EXT, .network = EXT };
	struct frame f;

	case_begin(b, "rfc1812: one hop less where sluice routes, not more");
	nat_fresh(b);
	goes(b, "out: leaves() lowers it once", A_OUT(.daddr = REMOTE, UDP(PORT, 53), .ttl = 64),
	     binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	comes(b, "in", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .ttl = 2), returns(UDP_, NET_A), A1, 0);
	f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT));
	frame_ip(&f)->ttl = 0;
	frame_sum(&f);
	check(b, "none left", next(wire(f)), w);
	case_end(b);
}

void test_rfc3022(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_corners(b);
	test_zero(b);
	test_static(b);
	test_tos(b);
	test_ttl(b);
	nat_over(b);
}
