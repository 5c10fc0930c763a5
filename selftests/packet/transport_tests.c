/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP, UDP, ICMP and SCTP headers; fragments; ICMP errors and what they quote.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "bench.h"

#define TO_FAR .saddr = A1, .daddr = A_FAR
static const struct want broken = { .fate = DROPPED, .src = NET_A, .network = NET_A };
static const struct want refused = { .fate = DROPPED, .src = NET_A, .dst = NET_A, .network = NET_A };
static const struct want passes = { .fate = SENT, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW };
static const struct want goes_on = { .fate = SENT, .src = NET_A, .dst = NET_A };

/* The packet without its last bytes, and honest about it. */
static struct frame shortened(struct frame f, uint32_t transport)
{
	f.len = f.l4 + transport;
	frame_ip(&f)->len = htons((uint16_t)(f.len - f.l3));
	frame_sum(&f);
	return f;
}

static void test_l4_header(struct bench *b)
{
	static const struct {
		const char *name;
		uint8_t proto, need;
	} protos[] = { { "TCP", SL_PROTO_TCP, 20 },
		       { "UDP", SL_PROTO_UDP, 8 },
		       { "ICMP", SL_PROTO_ICMP, 8 },
		       { "SCTP", SL_PROTO_SCTP, 12 } };

	for (size_t i = 0; i < 4; i++) {
		struct frame f =
			PACKET(TO_FAR, .proto = protos[i].proto, .tcp_flags = SYN, .icmp_type = SL_ICMP_ECHO);

		miss(b, SL_DROP_L4_HEADER, protos[i].name, workload(W_A1, f), passes);
		f = shortened(f, protos[i].need - 1U);
		hit(b, SL_DROP_L4_HEADER, protos[i].name, workload(W_A1, f), broken);
		frame_tag(&f, SL_ETH_VLAN, 103);
		hit_wire(b, SL_DROP_L4_HEADER, protos[i].name, f, broken);
		f = shortened(f, 0);
		hit(b, SL_DROP_L4_HEADER, "no byte of it",
		    workload(W_A1, PACKET(TO_FAR, .proto = protos[i].proto, .bare = true)), broken);
	}
}

static void test_l4_length(struct bench *b)
{
	struct frame f = PACKET(TO_FAR, UDP(1000, 2000), .payload = 20);

	frame_udp(&f)->len = htons(29);
	hit(b, SL_DROP_L4_LENGTH, "UDP, one more than the packet", workload(W_A1, f), broken);
	frame_udp(&f)->len = htons(7);
	hit(b, SL_DROP_L4_LENGTH, "UDP, one less than its header", workload(W_A1, f), broken);
	frame_udp(&f)->len = htons(8);
	miss(b, SL_DROP_L4_LENGTH, "UDP, its header", workload(W_A1, f), passes);
	frame_udp(&f)->len = htons(28);
	miss(b, SL_DROP_L4_LENGTH, "UDP, as long as the packet", workload(W_A1, f), passes);
	f = PACKET(TO_FAR, TCP(1000, 2000, SYN), .payload = 4);
	frame_tcp(&f)->offset = 4 << 4;
	hit(b, SL_DROP_L4_LENGTH, "TCP, 16 bytes", workload(W_A1, f), broken);
	frame_tcp(&f)->offset = 7 << 4;
	hit(b, SL_DROP_L4_LENGTH, "TCP, 28 bytes of 24", workload(W_A1, f), broken);
	frame_tag(&f, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_L4_LENGTH, "TCP, 28 bytes of 24", f, broken);
	frame_untag(&f);
	frame_tcp(&f)->offset = 6 << 4;
	miss(b, SL_DROP_L4_LENGTH, "TCP, 24 bytes of 24", workload(W_A1, f), passes);
	frame_tcp(&f)->offset = 5 << 4;
	miss(b, SL_DROP_L4_LENGTH, "TCP, 20 bytes", workload(W_A1, f), passes);
}

/* All 64: what a stack sends at all, and what of it may open a flow. */
static void test_tcp_flags(struct bench *b)
{
	static const uint8_t sensible[] = { SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK };

	for (uint8_t flags = 0; flags < 64; flags++) {
		uint8_t core = flags & (FIN | SYN | RST | ACK);
		struct frame f = PACKET(TO_FAR, TCP(1000, 2000, flags), .payload = 3);
		bool sent = memchr(sensible, core, sizeof(sensible));
		char name[64];

		snprintf(name, sizeof(name), "%s%s%s%s%s%s", flags & SYN ? "SYN " : "",
			 flags & FIN ? "FIN " : "", flags & RST ? "RST " : "", flags & ACK ? "ACK " : "",
			 flags & SL_TCP_PSH ? "PSH " : "", flags & SL_TCP_URG ? "URG " : "");
		if (!sent)
			hit(b, SL_DROP_TCP_FLAGS, name, workload(W_A1, f), broken);
		else if (core == SYN || core == ACK)
			miss(b, SL_DROP_TCP_FLAGS, name, workload(W_A1, f), passes);
		else
			hit(b, SL_DROP_TCP_STATE, name, workload(W_A1, f), refused);
	}
	miss(b, SL_DROP_TCP_STATE, "ACK alone", workload(W_A1, PACKET(TO_FAR, TCP(1000, 2000, ACK))), passes);
	miss(b, SL_DROP_TCP_STATE, "FIN of a flow",
	     next(workload(W_A1, PACKET(TO_FAR, TCP(1000, 2000, FIN | ACK)))), goes_on);
	miss(b, SL_DROP_TCP_STATE, "RST of a flow",
	     next(workload(W_A1, PACKET(TO_FAR, TCP(1000, 2000, RST)))), goes_on);
}

void test_transport(struct bench *b)
{
	test_l4_header(b);
	test_l4_length(b);
	test_tcp_flags(b);
}

/* --- fragments; offsets in units of eight bytes */

#define MF SL_IP_MF
static struct frame later(uint8_t proto, uint16_t id, uint16_t offset, uint16_t payload)
{
	return PACKET(TO_FAR, .proto = proto, .id = id, .frag = offset, .bare = true, .payload = payload);
}

static void set_age(struct bench *b, const char *what, uint32_t seconds)
{
	int fd = b->kernel.table[SL_TABLE_sl_frag];
	struct sl_frag_key key;
	struct sl_frag frag;

	if (bpf_map_get_next_key(fd, NULL, &key) || bpf_map_lookup_elem(fd, &key, &frag)) {
		fail(b, "%s: no row in sl_frag", what);
		return;
	}
	frag.seen = tick() - SL_TICKS(seconds);
	bpf_map_update_elem(fd, &key, &frag, BPF_ANY);
}

static void test_malformed(struct bench *b)
{
	struct want first = passes;
	struct frame f;

	first.stats |= STAT(FRAGMENTS);
	hit(b, SL_DROP_FRAG_MALFORMED, "TCP at offset 8", workload(W_A1, later(SL_PROTO_TCP, 7, 1, 24)),
	    broken);
	hit(b, SL_DROP_FRAG_MALFORMED, "TCP at offset 16", workload(W_A1, later(SL_PROTO_TCP, 7, 2, 24)),
	    broken);
	hit(b, SL_DROP_FRAG_MALFORMED, "TCP at offset 8, more to come",
	    workload(W_A1, later(SL_PROTO_TCP, 7, 1 | MF, 24)), broken);
	f = later(SL_PROTO_TCP, 7, 1, 24);
	frame_tag(&f, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_FRAG_MALFORMED, "TCP at offset 8", f, broken);
	hit(b, SL_DROP_FRAG_MALFORMED, "ends at 65536", workload(W_A1, later(SL_PROTO_UDP, 7, 8191, 8)),
	    broken);
	f = shortened(PACKET(TO_FAR, TCP(1000, 2000, SYN), .id = 7, .frag = MF), 16);
	hit(b, SL_DROP_FRAG_MALFORMED, "first with 16 bytes of TCP", workload(W_A1, f), broken);
	f = shortened(PACKET(TO_FAR, UDP(1000, 2000), .id = 7, .frag = MF), 7);
	hit(b, SL_DROP_FRAG_MALFORMED, "first with 7 bytes of UDP", workload(W_A1, f), broken);
	f = PACKET(TO_FAR, UDP(1000, 2000), .id = 7, .frag = MF);
	frame_udp(&f)->len = htons(1000);
	miss(b, SL_DROP_FRAG_MALFORMED, "first with 8 bytes of a longer UDP", workload(W_A1, f), first);
	f = PACKET(TO_FAR, TCP(1000, 2000, SYN), .id = 7, .frag = MF, .payload = 4);
	miss(b, SL_DROP_FRAG_MALFORMED, "first with 24 bytes of TCP", workload(W_A1, f), first);
	miss(b, SL_DROP_FRAG_MALFORMED, "TCP at offset 24",
	     next(workload(W_A1, later(SL_PROTO_TCP, 7, 3, 24))), goes_on);
	f = PACKET(TO_FAR, UDP(1000, 2000), .id = 7, .frag = MF, .payload = 8);
	miss(b, SL_DROP_FRAG_MALFORMED, "first of UDP", workload(W_A1, f), first);
	miss(b, SL_DROP_FRAG_MALFORMED, "ends at 65535",
	     next(workload(W_A1, later(SL_PROTO_UDP, 7, 8191, 7))), goes_on);
}

static void test_no_first(struct bench *b)
{
	struct frame one = PACKET(TO_FAR, UDP(1000, 2000), .id = 7, .frag = MF, .payload = 8),
		     two = later(17, 7, 2, 8);
	struct frame forbidden =
		PACKET(.saddr = A1, .daddr = B1, UDP(1000, 54), .id = 7, .frag = MF, .payload = 8);
	struct want first = passes, w;

	first.stats |= STAT(FRAGMENTS);
	hit(b, SL_DROP_FRAG_NO_FIRST, "nothing came before", workload(W_A1, two), broken);
	miss(b, SL_DROP_FRAG_NO_FIRST, "the first itself", workload(W_A1, one), first);
	miss(b, SL_DROP_FRAG_NO_FIRST, "the first came before", next(workload(W_A1, two)), goes_on);
	hit(b, SL_DROP_FRAG_NO_FIRST, "another id", next(workload(W_A1, later(17, 8, 2, 8))), broken);
	hit(b, SL_DROP_FRAG_NO_FIRST, "another protocol", next(workload(W_A1, later(6, 7, 3, 8))), broken);
	set_age(b, "expired", SL_FRAGMENT_S + 1);
	hit(b, SL_DROP_FRAG_NO_FIRST, "the first is 31 s old", next(workload(W_A1, two)), broken);
	set_age(b, "not expired", SL_FRAGMENT_S - 1);
	miss(b, SL_DROP_FRAG_NO_FIRST, "the first is 29 s old", next(workload(W_A1, two)), goes_on);
	w = refused;
	w.dst = NET_B;
	w.reason = SL_DROP_POLICY;
	check(b, "fragment: a first that is forbidden", workload(W_A1, forbidden), w);
	forbidden =
		PACKET(.saddr = A1, .daddr = B1, .proto = 17, .id = 7, .frag = 2, .bare = true, .payload = 8);
	hit(b, SL_DROP_FRAG_NO_FIRST, "the first was forbidden", next(workload(W_A1, forbidden)), broken);
	two = PACKET(.saddr = X1, .daddr = A_FAR, .proto = 17, .id = 7, .frag = 2, .bare = true, .payload = 8,
		     .smac = (const uint8_t[6]){ 2, 0, 0, 0, 2, W_X1 });
	check(b, "fragment: a first in one VPC", workload(W_A1, one), first);
	w = broken;
	w.src = w.network = BLUE_A;
	hit(b, SL_DROP_FRAG_NO_FIRST, "the first was in another VPC", next(workload(W_X1, two)), w);
}

void test_fragment(struct bench *b)
{
	test_malformed(b);
	test_no_first(b);
}

/* --- ICMP */

static void test_icmp_types(struct bench *b)
{
	static const uint8_t never[] = { 1, 2, 4, 5, 6, 7, 9, 10, 15, 16, 17, 18, 30, 42, 43, 255 };
	char name[32];
	struct frame f;

	for (size_t i = 0; i < sizeof(never); i++) {
		f = PACKET(TO_FAR, ICMP(never[i], 1), .payload = 20);
		snprintf(name, sizeof(name), "type %u", never[i]);
		hit(b, SL_DROP_ICMP_TYPE, name, workload(W_A1, f), broken);
	}
	frame_tag(&f, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_ICMP_TYPE, "type 255", f, broken);
	miss(b, SL_DROP_ICMP_TYPE, "echo", workload(W_A1, PACKET(TO_FAR, ICMP(SL_ICMP_ECHO, 1))), passes);
	miss(b, SL_DROP_ICMP_TYPE, "timestamp", workload(W_A1, PACKET(TO_FAR, ICMP(SL_ICMP_TIMESTAMP, 1))),
	     passes);
	hit(b, SL_DROP_ICMP_NO_FLOW, "echo reply",
	    workload(W_A1, PACKET(TO_FAR, ICMP(SL_ICMP_ECHO_REPLY, 1))), refused);
	hit(b, SL_DROP_ICMP_NO_FLOW, "timestamp reply",
	    workload(W_A1, PACKET(TO_FAR, ICMP(SL_ICMP_TIMESTAMP_REPLY, 1))), refused);
}

/* An error that A_FAR's side sends to A1 about `about`. */
static struct frame error_about(const struct frame *about, uint8_t type, uint16_t bytes)
{
	return PACKET(.saddr = A_FAR, .daddr = A1, ICMP(type, 0), .quote = about, .quote_len = bytes,
		      VLAN(103));
}

static void test_icmp_errors(struct bench *b)
{
	struct frame sent = PACKET(TO_FAR, UDP(1000, 2000), .payload = 20),
		     other = PACKET(TO_FAR, UDP(1001, 2000));
	struct frame with_options =
		PACKET(TO_FAR, UDP(1000, 2000), .payload = 20,
		       .options = (const uint8_t[8]){ 7, 7, 4, 0, 0, 0, 0, 1 }, .option_len = 8);
	struct frame back = PACKET(.saddr = A_FAR, .daddr = A1, UDP(2000, 1000));
	struct frame error = error_about(&sent, SL_ICMP_UNREACHABLE, 0), f = error;
	struct frame tcp = PACKET(TO_FAR, TCP(1000, 2000, SYN)), echo = PACKET(TO_FAR, ICMP(SL_ICMP_ECHO, 5));
	struct frame gets = landed(error, scene_mac(A1));
	struct want pass = goes_on, drop = refused, early = broken;

	pass.out = &gets;
	hit_wire(b, SL_DROP_ICMP_NO_FLOW, "an error about no flow", error, drop);
	check(b, "icmp: a flow to quote", workload(W_A1, sent), passes);
	miss(b, SL_DROP_ICMP_NO_FLOW, "unreachable about the flow", next(wire(error)), pass);
	miss(b, SL_DROP_ICMP_NO_FLOW, "unreachable about the flow, XDP", next(wire_xdp(error)),
	     (struct want){ .fate = STACK, .src = NET_A, .dst = NET_A });
	f = error_about(&sent, SL_ICMP_TIME_EXCEEDED, 48);
	gets = landed(f, scene_mac(A1));
	miss(b, SL_DROP_ICMP_NO_FLOW, "time exceeded, quoting all of it", next(wire(f)), pass);
	f = error_about(&with_options, SL_ICMP_PARAMETER, 0);
	gets = landed(f, scene_mac(A1));
	miss(b, SL_DROP_ICMP_NO_FLOW, "parameter problem, options in the quoted header", next(wire(f)), pass);
	hit(b, SL_DROP_ICMP_NO_FLOW, "a neighbour of the flow", next(wire(error_about(&other, 3, 0))), drop);
	hit(b, SL_DROP_ICMP_NO_FLOW, "the flow's other direction", next(wire(error_about(&back, 3, 0))),
	    drop);
	hit(b, SL_DROP_L4_HEADER, "the quote ends in the ports", next(wire(error_about(&sent, 3, 27))),
	    early);
	hit(b, SL_DROP_ICMP_NO_FLOW, "the quote ends in its IP header", next(wire(error_about(&sent, 3, 19))),
	    early);
	f = error_about(&error, 3, 48);
	hit(b, SL_DROP_ICMP_NO_FLOW, "an error about an error", next(wire(f)), early);
	f = later(17, 7, 2, 8);
	hit(b, SL_DROP_ICMP_NO_FLOW, "an error about a later fragment", next(wire(error_about(&f, 3, 0))),
	    early);
	f = PACKET(.saddr = A_FAR, .daddr = A2, ICMP(3, 0), .quote = &sent, VLAN(103));
	hit(b, SL_DROP_ICMP_NO_FLOW, "to somebody who did not send it", next(wire(f)), drop);
	f = error;
	frame_icmp(&f)[1].type = 0x65; /* the quoted version and header length */
	hit(b, SL_DROP_ICMP_NO_FLOW, "quoting IP version 6", next(wire(f)), early);

	check(b, "icmp: a TCP flow to quote", workload(W_A1, tcp), passes);
	f = error_about(&tcp, 3, 28);
	gets = landed(f, scene_mac(A1));
	miss(b, SL_DROP_ICMP_NO_FLOW, "eight bytes of TCP", next(wire(f)), pass);
	check(b, "icmp: an echo to quote", workload(W_A1, echo), passes);
	f = error_about(&echo, 3, 0);
	gets = landed(f, scene_mac(A1));
	miss(b, SL_DROP_ICMP_NO_FLOW, "an echo", next(wire(f)), pass);
}

static void test_icmp_from_workload(struct bench *b)
{
	struct frame came = PACKET(.saddr = A_FAR, .daddr = A1, UDP(2000, 1000), VLAN(103)), gets, error;
	struct want w = passes;

	gets = landed(came, scene_mac(A1));
	w.out = &gets;
	check(b, "icmp: a flow from the wire", wire(came), w);
	error = PACKET(TO_FAR, ICMP(SL_ICMP_UNREACHABLE, 0), .quote = &came);
	miss(b, SL_DROP_ICMP_NO_FLOW, "a workload's error about what it got", next(workload(W_A1, error)),
	     goes_on);
	error = PACKET(.saddr = A1, .daddr = A2, ICMP(SL_ICMP_UNREACHABLE, 0), .quote = &came);
	hit(b, SL_DROP_ICMP_NO_FLOW, "a workload's error to somebody else", next(workload(W_A1, error)),
	    refused);
}

void test_icmp(struct bench *b)
{
	test_icmp_types(b);
	test_icmp_errors(b);
	test_icmp_from_workload(b);
}
