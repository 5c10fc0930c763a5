/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which class a packet is of: by the ends and the port of whoever opened its flow, for both directions of it, through
 * every kind of translation. It stands in the mark, for the door that the packet leaves by.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include "nat.h"
#include "wan.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP

/* Passes, judged, and of that class; what else becomes of it is other tests' business. */
static void is(struct bench *b, const char *what, struct send s, uint8_t class)
{
	uint32_t wanted = MARK_JUDGED | (uint32_t) class << MARK_CLASS_SHIFT;
	struct got got;

	s.keep = true;
	if (!bench_run(b, &s, &got))
		return;
	if (got.retval == TC_ACT_SHOT)
		fail(b, "%s: dropped", what);
	else if ((got.mark & SL_MARK_MASK) != wanted)
		fail(b, "%s: mark 0x%08x instead of 0x%08x", what, got.mark, wanted);
	if (got.mark & ~SL_MARK_MASK)
		fail(b, "%s: bits of somebody else in mark 0x%08x", what, got.mark);
}

/* A new flow's first packet. */
static void opens_as(struct bench *b, const char *what, struct send s, uint8_t class)
{
	nat_fresh(b);
	is(b, what, s, class);
}

static void test_here(struct bench *b)
{
	case_begin(b, "class: by the port it was opened to, both ways");
	opens_as(b, "SYN", workload(W_A1, FROM(A1, .daddr = B1, TCP(1000, 443, SYN))), WAL);
	is(b, "SYN ACK", workload(W_B1, FROM(B1, .daddr = A1, TCP(443, 1000, SYN | ACK))), WAL);
	is(b, "ACK", workload(W_A1, FROM(A1, .daddr = B1, TCP(1000, 443, ACK), .payload = 9)), WAL);
	is(b, "data back", workload(W_B1, FROM(B1, .daddr = A1, TCP(443, 1000, ACK), .payload = 99)), WAL);
	opens_as(b, "a port of no class", workload(W_A1, FROM(A1, .daddr = B1, TCP(1000, 444, SYN))), 0);
	is(b, "and back", workload(W_B1, FROM(B1, .daddr = A1, TCP(444, 1000, SYN | ACK))), 0);
	opens_as(b, "from that port", workload(W_A1, FROM(A1, .daddr = B1, TCP(443, 444, SYN))), 0);
	opens_as(b, "UDP", workload(W_A1, FROM(A1, .daddr = B1, UDP(1000, 53))), SYNC);
	is(b, "answered", workload(W_B1, FROM(B1, .daddr = A1, UDP(53, 1000))), SYNC);
	opens_as(b, "a ping", workload(W_A1, FROM(A1, .daddr = B1, ICMP(SL_ICMP_ECHO, 7))), BULK);
	is(b, "answered", workload(W_B1, FROM(B1, .daddr = A1, ICMP(SL_ICMP_ECHO_REPLY, 7))), BULK);
	opens_as(b, "the same port the other way", workload(W_B1, FROM(B1, .daddr = A1, TCP(1000, 443, SYN))),
		 WAL);
	opens_as(b, "within the network",
		 workload(W_A1, PACKET(.saddr = A1, .daddr = A3, TCP(1000, 443, SYN))), 0);
	case_end(b);

	case_begin(b, "class: a row that only classifies allows nothing");
	check(b, "tcp/445", workload(W_A1, FROM(A1, .daddr = B1, TCP(1000, 445, SYN))),
	      (struct want){ .fate = DROPPED,
			     .reason = SL_DROP_POLICY,
			     .src = NET_A,
			     .dst = NET_B,
			     .network = NET_A });
	case_end(b);
}

static void test_wire(struct bench *b)
{
	struct frame f = PACKET(.saddr = A_FAR, .daddr = B1, TCP(1000, 443, SYN), VLAN(NET_A));

	case_begin(b, "class: from and to the wire, tag in the frame and beside it");
	opens_as(b, "in", wire(f), WAL);
	is(b, "answered", workload(W_B1, FROM(B1, .daddr = A_FAR, TCP(443, 1000, SYN | ACK))), WAL);
	opens_as(b, "in, tag beside", wire_beside(f), WAL);
	case_end(b);
}

static void test_fragments(struct bench *b)
{
	struct frame whole = FROM(A1, .daddr = B1, UDP(1000, 53), .payload = 992, .id = 9), f;

	case_begin(b, "class: fragments, and IP options");
	nat_fresh(b);
	for (uint32_t at = 0; at < 1000; at += 400) {
		f = piece(&whole, at, at + 400 < 1000 ? 400 : 1000 - at, at + 400 < 1000);
		is(b, at ? "a later one" : "the first", workload(W_A1, f), SYNC);
	}
	f = FROM(A1, .daddr = B1, TCP(1000, 443, SYN), .options = (const uint8_t[4]){ 1, 1, 1, 0 },
		 .option_len = 4);
	is(b, "options", workload(W_A1, f), WAL);
	case_end(b);
}

static void test_clusters(struct bench *b)
{
	case_begin(b, "class: between clusters");
	opens_as(b, "there", workload(W_A1, FROM(A1, .daddr = W1, TCP(1000, 5432, SYN))), WAL);
	is(b, "back", from_tunnel(PACKET(.saddr = W1, .daddr = A1, TCP(5432, 1000, SYN | ACK))), WAL);
	opens_as(b, "in", from_tunnel(PACKET(.saddr = W1, .daddr = A1, TCP(1000, 5432, SYN))), WAL);
	is(b, "answered", workload(W_A1, FROM(A1, .daddr = W1, TCP(5432, 1000, SYN | ACK))), WAL);
	opens_as(b, "another", workload(W_A1, FROM(A1, .daddr = W1, TCP(1000, 9000, SYN))), BULK);
	opens_as(b, "none", workload(W_A1, FROM(A1, .daddr = W1, TCP(1000, 443, SYN))), 0);
	opens_as(b, "by the stack", to_tunnel(PACKET(.saddr = V_OTHER, .daddr = W1, UDP(1000, 53))), SYNC);
	case_end(b);
}

/* --- through translations: the ends are those that speak, not those that stand in the packet */

static void test_services(struct bench *b)
{
	case_begin(b, "class: through a service, whose backend's port counts");
	opens_as(b, "TCP", wire(TO_VIP(VIP_POOL, TCP(1000, 80, SYN))), WAL);
	is(b, "answered", workload(W_A1, FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK))), WAL);
	is(b, "ACK", wire(TO_VIP(VIP_POOL, TCP(1000, 80, ACK))), WAL);
	opens_as(b, "UDP on a VLAN", wire(TO_VIP(VIP_EXT, UDP(1000, 53), VLAN(EXT))), SYNC);
	is(b, "answered", workload(W_A1, FROM(A1, .daddr = CLIENT, UDP(5353, 1000))), SYNC);
	case_end(b);
}

static void test_outside(struct bench *b)
{
	struct frame f;

	case_begin(b, "class: by source NAT and back");
	opens_as(b, "UDP", A_OUT(.daddr = REMOTE, UDP(4000, 53)), BULK);
	is(b, "answered", wire(OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, 4000))), BULK);
	opens_as(b, "TCP", A_OUT(.daddr = REMOTE, TCP(4000, 80, SYN)), WAL);
	is(b, "answered", wire(OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, 4000, SYN | ACK))), WAL);
	opens_as(b, "a ping", A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, 4000)), SYNC);
	is(b, "answered", wire(OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, 4000))), SYNC);
	case_end(b);

	case_begin(b, "class: by a floating IP, out and in");
	opens_as(b, "out", B_OUT(.daddr = REMOTE, TCP(4000, 80, SYN)), WAL);
	is(b, "answered", wire(OUTSIDE(FIP_B, .saddr = REMOTE, TCP(80, 4000, SYN | ACK))), WAL);
	f = OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 22, SYN));
	opens_as(b, "in", wire(f), SYNC);
	is(b, "answered", B_OUT(.daddr = REMOTE, TCP(22, 1000, SYN | ACK)), SYNC);
	opens_as(b, "in, tag beside the frame", wire_beside(f), SYNC);
	case_end(b);

	case_begin(b, "class: hairpin, the class of the two workloads");
	opens_as(b, "there", A_OUT(.daddr = FIP_B, TCP(4000, 443, SYN)), WAL);
	is(b, "back", B_OUT(.daddr = EIP_A, TCP(443, 4000, SYN | ACK)), WAL);
	opens_as(b, "UDP there", A_OUT(.daddr = FIP_B, UDP(4000, 53)), SYNC);
	is(b, "UDP back", B_OUT(.daddr = EIP_A, UDP(53, 4000)), SYNC);
	case_end(b);
}

/* A new plan's class is taken on by flows that are there, in both directions. */
static void test_new_plan(struct bench *b)
{
	static const struct wan before = { .nat = true }, after = { .qos = true, .nat = true };
	struct send there = workload(W_A1, FROM(A1, .daddr = B1, UDP(1000, 53)));
	struct send back = workload(W_B1, FROM(B1, .daddr = A1, UDP(53, 1000)));

	for (int first = 0; first < 2; first++) {
		if (!wan_plan(b, &before, NULL))
			return;
		case_begin(b, "class: under a new plan, %s first", first ? "the answer" : "the opener");
		opens_as(b, "there", there, 0);
		is(b, "back", back, 0);
		b->rows_of = &after;
		bench_plan(b, NULL);
		is(b, "the one", first ? back : there, SYNC);
		is(b, "the other", first ? there : back, SYNC);
		case_end(b);
	}
}

void test_qos(struct bench *b)
{
	static const struct wan wan = { .qos = true, .nat = true };

	if (!wan_plan(b, &wan, NULL))
		return;
	test_here(b);
	test_wire(b);
	test_fragments(b);
	test_clusters(b);
	test_services(b);
	test_outside(b);
	test_new_plan(b);
	wan_over(b);
}
