/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Source NAT where the node's stack has a part in it: EIPs that stand on no VLAN, sources that the stack has routed,
 * the node's own address (nat_outgoing), destinations that are excepted, and what must not leave at all.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define PORT 4000

/* From a pod behind the stack, which has routed it out of the uplink. */
#define POD(addr, ...)                                                                                       \
	PACKET(.saddr = (addr), .dmac = mac_ext_router, .smac = scene_mac(NODE1), .ttl = 63, __VA_ARGS__)

static struct want plainly(struct want w, enum fate fate)
{
	w.fate = fate;
	w.dst = SL_NET_WORLD;
	return w;
}

static struct want plain_back(uint8_t proto)
{
	return (struct want){ .fate = STACK,
			      .dst = NET_OVERLAY,
			      .stats = proto == TCP_ ? 0 : STAT(FLOWS_PROMOTED) };
}

static void test_plain(struct bench *b)
{
	struct frame f = POD(V_OTHER, .daddr = REMOTE, TCP(PORT, 80, SYN)), out;
	struct want w = plainly(binds(EIP_PLAIN, TCP_, NET_OVERLAY), STACK);

	case_begin(b, "stack: a pod's connection leaves by its EIP where the stack routes, and comes back");
	nat_fresh(b);
	out = translate(f, EIP_PLAIN, 0, 0, 0);
	w.out = &out;
	check(b, "SYN", next(stack_out(f)), w);
	f = OUTSIDE_PLAIN(EIP_PLAIN, .saddr = REMOTE, TCP(80, PORT, SYN | ACK));
	out = translate(f, 0, 0, V_OTHER, 0);
	w = plain_back(TCP_);
	w.out = &out;
	check(b, "SYN ACK, to the stack", next(wire(f)), w);
	f = POD(V_OTHER, .daddr = REMOTE, TCP(PORT, 80, ACK), .payload = 601);
	out = translate(f, EIP_PLAIN, 0, 0, 0);
	w = plainly(promotes(binds(EIP_PLAIN, TCP_, NET_OVERLAY)), STACK);
	w.out = &out;
	check(b, "data", next(stack_out(f)), w);
	case_end(b);

	case_begin(b, "stack: a workload's packet leaves by its EIP and the stack's routes, and comes back");
	nat_fresh(b);
	f = FROM(V1, .daddr = REMOTE, UDP(PORT, 53), .payload = 6);
	out = hop(translate(f, EIP_PLAIN, 0, 0, 0), f.bytes, f.bytes + 6);
	w = plainly(binds(EIP_PLAIN, UDP_, NET_OVERLAY), SENT);
	w.out = &out;
	check(b, "out", next(workload(W_V1, f)), w);
	f = OUTSIDE_PLAIN(EIP_PLAIN, .saddr = REMOTE, UDP(53, PORT), .payload = 7);
	out = lands(f, V1, 0);
	w = plain_back(UDP_);
	w.fate = SENT;
	w.out = &out;
	check(b, "back", next(wire(f)), w);
	case_end(b);
}

/* A source behind the stack whose EIP stands on a VLAN: not where the stack would send it, but by that VLAN. */
static void test_vlan(struct bench *b)
{
	struct frame f = POD(A_STACK, .daddr = REMOTE, TCP(PORT, 80, SYN)), out;
	struct want w = binds(EIP_A, TCP_, NET_A);

	case_begin(b, "stack: routed out untagged, it leaves by its EIP's VLAN");
	nat_fresh(b);
	out = translate(f, EIP_A, 0, 0, 0);
	w.out = &out;
	check(b, "SYN", next(stack_out(f)), w);
	f = OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, SYN | ACK));
	out = translate(f, 0, 0, A_STACK, 0);
	frame_untag(&out);
	w = returns(TCP_, NET_A);
	w.fate = STACK;
	w.out = &out;
	check(b, "SYN ACK, to the stack", next(wire(f)), w);
	case_end(b);

	case_begin(b, "stack: routed out on that VLAN already, it has one tag");
	nat_fresh(b);
	f = POD(A_STACK, .daddr = REMOTE, TCP(PORT, 80, SYN), VLAN(EXT));
	out = translate(f, EIP_A, 0, 0, 0);
	frame_untag(&out); /* it stands beside the frame */
	w = binds(EIP_A, TCP_, NET_A);
	w.out = &out;
	check(b, "SYN", next(stack_out(f)), w);
	case_end(b);
}

static void test_host(struct bench *b)
{
	struct frame f = POD(V_HOST, .daddr = REMOTE, TCP(HOST_FIRST + 5, 80, SYN)), out;
	struct want w = plainly(binds(NODE1, TCP_, NET_OVERLAY), STACK);
	uint16_t port;
	struct got got;
	struct send s;

	case_begin(b, "stack: nat_outgoing by the node's own address, and back");
	nat_fresh(b);
	out = translate(f, NODE1, 0, 0, 0);
	w.out = &out;
	check(b, "SYN", next(stack_out(f)), w);
	f = OUTSIDE_PLAIN(NODE1, .saddr = REMOTE, TCP(80, HOST_FIRST + 5, SYN | ACK));
	out = translate(f, 0, 0, V_HOST, 0);
	w = plain_back(TCP_);
	w.out = &out;
	check(b, "SYN ACK", next(wire(f)), w);
	s = next(stack_out(POD(V_HOST, .daddr = REMOTE, UDP(PORT, 53))));
	if (bench_run(b, &s, &got)) {
		port = nat_binding(b, vpc_of(b, "default"), V_HOST, PORT, UDP_, NODE1);
		that(b, port >= HOST_FIRST, "a port of the range, whatever the source has");
	}
	case_end(b);

	case_begin(b, "stack: what no mapping of the node's address takes is the node's");
	check(b, "a port that nobody has",
	      next(wire(OUTSIDE_PLAIN(NODE1, .saddr = REMOTE, TCP(80, 22, SYN)))),
	      (struct want){ .fate = UNTOUCHED });
	check(b, "a free port of the range",
	      next(wire(OUTSIDE_PLAIN(NODE1, .saddr = REMOTE, TCP(80, HOST_FIRST + 9, SYN | ACK)))),
	      (struct want){ .fate = UNTOUCHED });
	check(b, "a ping", next(wire(OUTSIDE_PLAIN(NODE1, .saddr = REMOTE, ICMP(SL_ICMP_ECHO, 7)))),
	      (struct want){ .fate = UNTOUCHED });
	check(b, "the node's own packet to the world",
	      next(stack_out(
		      PACKET(.saddr = NODE1, .daddr = REMOTE, TCP(40000, 80, SYN), .dmac = mac_alien))),
	      (struct want){ .fate = UNTOUCHED });
	case_end(b);
}

static void test_excepted(struct bench *b)
{
	struct want w = { .fate = STACK, .src = NET_A, .stats = NEW_FLOW };
	struct send s = A_OUT(.daddr = EXCEPTED, TCP(PORT, 80, SYN));

	nat_fresh(b);
	miss(b, SL_DROP_NO_EIP, "a destination that is excepted: to the stack with its own address", next(s),
	     w);
	case_begin(b, "stack: the first address behind what is excepted");
	nat_fresh(b);
	goes(b, "out", A_OUT(.daddr = (EXCEPTED | 255) + 1, TCP(PORT, 80, SYN)), binds(EIP_A, TCP_, NET_A),
	     EIP_A, 0);
	case_end(b);
	s = A_OUT(.daddr = EXCEPTED, TCP(PORT, 25, SYN));
	hit(b, SL_DROP_POLICY, "an excepted destination is not an allowed one", next(s),
	    keeps_in(NET_A, SL_NET_WORLD));
}

static void test_unnatted(struct bench *b)
{
	static const struct nat gone = { .gone = true };
	struct want w = { .fate = DROPPED, .src = SL_NET_WORLD, .dst = SL_NET_WORLD, .network = EXT }, yes;
	struct frame f = POD(IP(10, 99, 0, 1), .daddr = REMOTE, TCP(PORT, 80, SYN), VLAN(EXT)), out;

	nat_fresh(b);
	hit(b, SL_DROP_UNNATTED_EGRESS, "out of the external VLAN with an address nobody knows",
	    next(stack_out(f)), w);
	f = POD(EIP_A, .daddr = REMOTE, TCP(PORT, 80, SYN), VLAN(EXT));
	yes = (struct want){ .fate = STACK, .src = EXT, .stats = NEW_FLOW };
	miss(b, SL_DROP_UNNATTED_EGRESS, "out of the external VLAN with an address of it", next(stack_out(f)),
	     yes);
	f = POD(V_OTHER, .daddr = REMOTE, TCP(PORT, 80, SYN));
	out = translate(f, EIP_PLAIN, 0, 0, 0);
	yes = plainly(binds(EIP_PLAIN, TCP_, NET_OVERLAY), STACK);
	yes.out = &out;
	miss(b, SL_DROP_UNNATTED_EGRESS, "a pod's packet, translated", next(stack_out(f)), yes);

	nat_plan(b, &gone, NULL);
	nat_fresh(b);
	f = POD(A_STACK, .daddr = REMOTE, TCP(PORT, 80, SYN));
	w = keeps_in(NET_A, SL_NET_WORLD);
	w.network = SL_NET_WORLD;
	hit(b, SL_DROP_NO_EIP, "routed by the stack, no rule has the source", next(stack_out(f)), w);
	f = POD(A_STACK, .daddr = REMOTE, TCP(PORT, 80, SYN), VLAN(EXT));
	w.network = EXT;
	hit(b, SL_DROP_NO_EIP, "routed by the stack on the external VLAN, no rule has the source",
	    next(stack_out(f)), w);
	nat_plan(b, &nat_plain, NULL);
}

void test_snat_stack(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_plain(b);
	test_vlan(b);
	test_host(b);
	test_excepted(b);
	test_unnatted(b);
	nat_over(b);
}
