/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ICMP errors about translated flows, both ways: whoever hears of a packet hears of the one that he sent himself, its
 * addresses, ports, identifiers and checksums; nobody outside sees an inside address.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define ICMP_ SL_PROTO_ICMP
#define PORT 4000
#define WORD 4096
#define GIVEN (WORD + 7) /* the outside port, not the source's own */
#define HOP IP(9, 9, 9, 1) /* a router on the way */

static const struct nat one_word = { .first = WORD, .last = WORD + 63 };

/* Some hops further on. A TCP checksum in a packet that is quoted in part is left as it was. */
static struct frame worn(struct frame f, const struct frame *seen)
{
	bool none = frame_ip(&f)->proto == UDP_ && !frame_udp(&f)->check;

	frame_ip(&f)->ttl = 3;
	frame_sum(&f);
	if (none)
		frame_udp(&f)->check = 0;
	if (seen && frame_ip(&f)->proto == TCP_)
		frame_tcp(&f)->check = ((const struct sl_tcp *)(seen->bytes + seen->l4))->check;
	return f;
}

/* `sent` by A1 left as EIP_A, GIVEN; somebody outside says something about it. */
static void from_outside(struct bench *b, const char *name, struct frame sent, uint8_t type, uint8_t code,
			 uint16_t quoted)
{
	struct frame seen = worn(translate(sent, EIP_A, GIVEN, 0, 0), NULL), f, out;
	struct want w = { .fate = SENT, .src = EXT, .dst = NET_A, .out = &out };

	f = error_about(&seen, HOP, EIP_A, type, code, quoted);
	memcpy(f.bytes, scene_mac(NODE1), 6);
	memcpy(f.bytes + 6, mac_ext_router, 6);
	sent = worn(sent, &seen);
	out = error_about(&sent, HOP, A1, type, code, quoted);
	out = hop(out, scene_mac(A1), mac_router);
	frame_tag(&f, SL_ETH_VLAN, EXT);
	check(b, name, next(wire(f)), w);
	check(b, "the same, tag beside the frame", next(wire_beside(f)), w);
	that(b, frame_sum_right(&out), "right checksums");
}

/* A packet of REMOTE landed at A1, or where it is routed to; somebody inside says something about it. */
static void from_inside(struct bench *b, const char *name, struct frame sent, uint8_t type, uint8_t code)
{
	struct frame seen, f, out;
	struct want w = { .fate = SENT, .src = NET_A, .dst = EXT, .out = &out };

	if (frame_eth(&sent)->type == htons(SL_ETH_VLAN))
		frame_untag(&sent);
	seen = hop(translate(sent, 0, 0, A1, PORT), mac_router, mac_router);
	f = error_about(&seen, A1, REMOTE, type, code, 0);
	memcpy(f.bytes + 6, scene_mac(A1), 6);
	sent = hop(sent, mac_router, mac_router); /* as it was when it landed */
	if (frame_ip(&sent)->proto == TCP_)
		frame_tcp(&sent)->check = frame_tcp(&seen)->check;
	out = error_about(&sent, EIP_A, REMOTE, type, code, 0);
	out = hop(out, mac_ext_router, scene_mac(NODE1));
	check(b, name, next(workload(W_A1, f)), w);
	that(b, frame_sum_right(&out), "right checksums");
}

static void opened(struct bench *b, struct send s)
{
	uint8_t proto = frame_ip(&s.frame)->proto;
	struct want w = binds(EIP_A, proto, NET_A);

	nat_fresh(b);
	nat_take(b, EIP_A, WORD, proto, ~(1ULL << 7));
	w.outside.events = EIP_BOUND;
	goes(b, "the flow's first packet", s, w, EIP_A, GIVEN);
}

static void test_tcp(struct bench *b)
{
	static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };
	struct frame f =
		A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK), .payload = 100, .id = 77, .frag = SL_IP_DF).frame;

	case_begin(b, "nat quote: errors about a TCP flow");
	opened(b, A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)));
	from_outside(b, "frag needed, eight bytes", f, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 0);
	from_outside(b, "frag needed, the whole header", f, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 40);
	from_outside(b, "frag needed, an odd number of bytes", f, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED,
		     61);
	from_outside(b, "time exceeded", f, SL_ICMP_TIME_EXCEEDED, 0, 0);
	from_outside(b, "host unreachable", f, SL_ICMP_UNREACHABLE, 1, 0);
	f = A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK), .options = options, .option_len = 8).frame;
	from_outside(b, "IP options in the packet it is about", f, SL_ICMP_TIME_EXCEEDED, 0, 0);
	f = OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, GIVEN, SYN | ACK));
	comes(b, "SYN ACK", f, returns(TCP_, NET_A), A1, PORT);
	from_inside(b, "prohibited, from inside", f, SL_ICMP_UNREACHABLE, 13);
	from_inside(b, "time exceeded, from inside", f, SL_ICMP_TIME_EXCEEDED, 0);
	case_end(b);
}

static void test_udp(struct bench *b)
{
	struct frame f = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 1450, .id = 78).frame;

	case_begin(b, "nat quote: errors about a UDP flow");
	opened(b, A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 20));
	from_outside(b, "frag needed", f, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 0);
	from_outside(b, "much of it", f, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 548);
	frame_udp(&f)->check = 0;
	from_outside(b, "without a checksum", f, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, GIVEN), .payload = 20);
	comes(b, "an answer", f, returns(UDP_, NET_A), A1, PORT);
	from_inside(b, "port unreachable, from inside", f, SL_ICMP_UNREACHABLE, SL_ICMP_PORT);
	case_end(b);
}

static void test_query(struct bench *b)
{
	struct frame f = A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, PORT), .payload = 40).frame;

	case_begin(b, "nat quote: errors about a ping");
	opened(b, A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, PORT), .payload = 40));
	from_outside(b, "host unreachable", f, SL_ICMP_UNREACHABLE, 1, 0);
	from_outside(b, "time exceeded, all of it", f, SL_ICMP_TIME_EXCEEDED, 0, 68);
	case_end(b);
}

/* Errors move nothing: not the flow, not the mapping. */
static void test_nothing_moves(struct bench *b)
{
	uint16_t vpc = vpc_of(b, "default");
	struct sl_flow_key key = flow_key(vpc, UDP_, A1, PORT, REMOTE, 53);
	struct frame f = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 20).frame;
	struct sl_flow before, after;
	struct sl_outside mapping, same;

	case_begin(b, "nat quote: an error neither refreshes nor ends a flow or a mapping");
	opened(b, A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 20));
	that(b, flow_find(b, &key, &before) == 0, "a flow");
	that(b, nat_outside(b, EIP_A, GIVEN, UDP_, &mapping), "a mapping");
	from_outside(b, "port unreachable", f, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	from_outside(b, "time exceeded", f, SL_ICMP_TIME_EXCEEDED, 0, 0);
	that(b, flow_find(b, &key, &after) == 0 && !memcmp(&before, &after, sizeof(before)), "the same flow");
	that(b, nat_outside(b, EIP_A, GIVEN, UDP_, &same) && !memcmp(&mapping, &same, sizeof(same)),
	     "the same mapping");
	case_end(b);
}

static void test_none(struct bench *b)
{
	struct frame quoted, f;
	struct want w = { .fate = DROPPED, .reason = SL_DROP_ICMP_NO_FLOW, .network = EXT };

	case_begin(b, "nat quote: errors about no flow");
	opened(b, A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 20));
	quoted = translate(A_OUT(.daddr = REMOTE, UDP(PORT, 53)).frame, EIP_A, GIVEN + 1, 0, 0);
	f = OUTSIDE(EIP_A, .saddr = HOP, ICMP(SL_ICMP_UNREACHABLE, 0), .icmp_code = 1, .quote = &quoted);
	w.dst = EXT;
	check(b, "a port that nobody has", next(wire(f)), w);
	quoted = translate(A_OUT(.daddr = REMOTE2, UDP(PORT, 53)).frame, EIP_A, GIVEN, 0, 0);
	f = OUTSIDE(EIP_A, .saddr = HOP, ICMP(SL_ICMP_UNREACHABLE, 0), .icmp_code = 1, .quote = &quoted);
	check(b, "to one that it has not sent to", next(wire(f)), w);
	case_end(b);
}

/* Through a FIP, and both ends translated. */
static void test_fip_errors(struct bench *b)
{
	struct frame sent = B_OUT(.daddr = REMOTE, UDP(53, 1000), .payload = 1450).frame, seen, f, out;
	struct want w = { .fate = SENT, .dst = NET_B, .out = &out };

	case_begin(b, "nat quote: path-MTU discovery through a FIP");
	nat_fresh(b);
	comes(b, "in", OUTSIDE(FIP_B, .saddr = REMOTE, UDP(1000, 53)),
	      (struct want){ .fate = SENT, .dst = NET_B, .stats = NEW_FLOW }, B1, 0);
	seen = worn(translate(sent, FIP_B, 0, 0, 0), NULL);
	f = error_about(&seen, HOP, FIP_B, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 0);
	memcpy(f.bytes, scene_mac(NODE1), 6);
	memcpy(f.bytes + 6, mac_ext_router, 6);
	frame_tag(&f, SL_ETH_VLAN, EXT);
	sent = worn(sent, NULL);
	out = error_about(&sent, HOP, B1, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 0);
	out = hop(out, scene_mac(B1), mac_router);
	check(b, "frag needed", next(wire(f)), w);
	case_end(b);
}

/* A1 to FIP_B: B1 answers with an error, which A1 must understand. */
static void test_hairpin_errors(struct bench *b)
{
	struct send s = A_OUT(.daddr = FIP_B, UDP(PORT, 53), .payload = 20);
	struct frame got = hop(translate(s.frame, EIP_A, GIVEN, B1, 0), scene_mac(B1), mac_router), f, out,
		     sent;
	struct want w = binds(EIP_A, UDP_, NET_A);

	case_begin(b, "nat quote: an error about a hairpinned packet, both ends translated back");
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, UDP_, ~(1ULL << 7));
	w.outside.events = EIP_BOUND;
	w.dst = NET_B;
	w.out = &got;
	check(b, "there", next(s), w);
	f = error_about(&got, B1, EIP_A, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	memcpy(f.bytes + 6, scene_mac(B1), 6);
	sent = hop(s.frame, mac_router, mac_router);
	out = error_about(&sent, FIP_B, A1, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	out = hop(out, scene_mac(A1), mac_router);
	w = (struct want){ .fate = SENT, .src = NET_B, .dst = NET_A, .out = &out };
	check(b, "port unreachable", next(workload(W_B1, f)), w);
	case_end(b);
}

void test_nat_quote(struct bench *b)
{
	if (!nat_plan(b, &one_word, NULL))
		return;
	test_tcp(b);
	test_udp(b);
	test_query(b);
	test_nothing_moves(b);
	test_none(b);
	test_fip_errors(b);
	test_hairpin_errors(b);
	nat_over(b);
}
