/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clients that are not out in the world: workloads here and elsewhere, the backend itself, this node. And what
 * stands beside services: ports without one, rules, other backends than workloads with an interface.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP

static const struct want untouched = { .fate = UNTOUCHED };

/* One packet there and one back, as they have to come out. */
static void both(struct bench *b, const char *name, struct send there, struct want w, struct frame out,
		 struct send here, struct want v, struct frame in)
{
	case_begin(b, "client: %s", name);
	w.out = &out;
	check(b, "there", there, w);
	v.out = &in;
	check(b, "back", next(here), v);
	case_end(b);
}

static void test_workloads(struct bench *b)
{
	struct want there = opens(VIP_POOL, 80, TCP_, A1, NET_B, NET_A);
	struct want here = answers(VIP_POOL, 80, TCP_, A1, NET_A, NET_B);
	struct frame f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 80, SYN), .payload = 3), r, hairpin;

	r = FROM(A1, .daddr = B1, TCP(8080, 1000, SYN | ACK), .payload = 5);
	both(b, "a workload of another network", workload(W_B1, f), there, into(f, A1, 8080),
	     workload(W_A1, r), here, hop(readdress(r, VIP_POOL, 80, 0, 0), scene_mac(B1), mac_router));

	f = FROM(A2, .daddr = VIP_POOL, TCP(1000, 80, SYN));
	r = PACKET(.saddr = A1, .daddr = A2,
		   TCP(8080, 1000, SYN | ACK)); /* its neighbour: not by the gateway */
	there.src = NET_A;
	here.dst = NET_A;
	both(b, "a workload of the backend's network", workload(W_A2, f), there, into(f, A1, 8080),
	     workload(W_A1, r), here, hop(readdress(r, VIP_POOL, 80, 0, 0), scene_mac(A2), mac_router));

	f = FROM(A1, .daddr = VIP_POOL, TCP(1000, 80, SYN), .payload = 7);
	hairpin = into(readdress(f, VIP_POOL, 0, 0, 0), A1, 8080);
	r = FROM(A1, .daddr = VIP_POOL, TCP(8080, 1000, SYN | ACK), .payload = 9);
	both(b, "the backend itself: neither end sees its own address", workload(W_A1, f), there, hairpin,
	     workload(W_A1, r), here, hop(readdress(r, VIP_POOL, 80, A1, 1000), scene_mac(A1), mac_router));
	f = FROM(A1, .daddr = VIP_POOL, UDP(1000, 53), .payload = 7);
	hairpin = into(readdress(f, VIP_POOL, 0, 0, 0), A1, 5353);
	r = FROM(A1, .daddr = VIP_POOL, UDP(5353, 1000), .payload = 9);
	there.served = (struct served){ VIP_POOL, 53, UDP_, A1, SERVED_CONNECTION, false, 0 };
	here.served = (struct served){ VIP_POOL, 53, UDP_, A1, SERVED_ANSWER, true, 0 };
	here = promotes(here);
	both(b, "the backend itself, UDP", workload(W_A1, f), there, hairpin, workload(W_A1, r), here,
	     hop(readdress(r, VIP_POOL, 53, A1, 1000), scene_mac(A1), mac_router));

	f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 91, SYN));
	r = FROM(A2, .daddr = B1, TCP(91, 1000, SYN | ACK));
	there = opens(VIP_POOL, 91, TCP_, A2, NET_B, NET_A);
	there.unmarked = true;
	here = answers(VIP_POOL, 91, TCP_, A2, NET_A, NET_B);
	both(b, "a backend that is reached by redirect_peer", workload(W_B1, f), there, into(f, A2, 0),
	     workload(W_A2, r), here, hop(readdress(r, VIP_POOL, 0, 0, 0), scene_mac(B1), mac_router));

	f = PACKET(.saddr = B_FAR, .daddr = VIP_POOL, TCP(1000, 80, SYN), VLAN(NET_B));
	r = FROM(A1, .daddr = B_FAR, TCP(8080, 1000, SYN | ACK));
	both(b, "a workload of another node, by its VLAN", wire(f),
	     opens(VIP_POOL, 80, TCP_, A1, NET_B, NET_A), into(f, A1, 8080), workload(W_A1, r),
	     answers(VIP_POOL, 80, TCP_, A1, NET_A, NET_B), back(r, VIP_POOL, 80, scene_mac(B_FAR)));
	f = PACKET(.saddr = A1, .daddr = VIP_POOL, TCP(1000, 80, SYN), VLAN(NET_A));
	there = refuses(VIP_POOL, 80, TCP_, NET_A, NET_A);
	hit(b, SL_DROP_SPOOFED_SOURCE, "a workload of this node, on the wire, to a VIP", wire(f), there);
	f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN));
	frame_ip(&f)->saddr = htonl(A1);
	frame_sum(&f);
	there.network = SL_NET_WORLD;
	hit(b, SL_DROP_SPOOFED_SOURCE, "a workload of this node, untagged, to a VIP", wire(f), there);
}

/* --- this node, and what stands behind its stack */

static void test_node(struct bench *b)
{
	struct want there = opens(VIP_POOL, 80, TCP_, A1, MGMT, NET_A);
	struct want here = answers(VIP_POOL, 80, TCP_, A1, NET_A, MGMT);
	struct frame f = PACKET(.saddr = NODE1, .daddr = VIP_POOL, TCP(1000, 80, SYN), .dmac = mac_alien), r,
		     in;
	struct send s;

	r = FROM(A1, .daddr = NODE1, TCP(8080, 1000, SYN | ACK), .payload = 1);
	in = readdress(r, VIP_POOL, 80, 0, 0);
	memcpy(in.bytes, scene_mac(NODE1), 6);
	memcpy(in.bytes + 6, mac_router, 6);
	both(b, "this node", stack_out(f), there, into(f, A1, 8080), workload(W_A1, r), here, in);
	case_begin(b, "client: the answer to this node comes in by its uplink");
	s = wire(in);
	s.mark = 0x00800000;
	check(b, "marked", s, untouched);
	s.mark = 0;
	check(b, "the same from the wire is a stranger's", s, untouched);
	case_end(b);

	there = opens(VIP_POOL, 88, TCP_, A_STACK, SL_NET_WORLD, NET_A);
	there.fate = STACK;
	here = answers(VIP_POOL, 88, TCP_, A_STACK, NET_A, SL_NET_WORLD);
	f = TO_VIP(VIP_POOL, TCP(1000, 88, SYN), .payload = 1);
	r = PACKET(.saddr = A_STACK, .daddr = CLIENT, TCP(8088, 1000, SYN | ACK), .smac = scene_mac(NODE1),
		   .dmac = mac_node2);
	both(b, "a backend behind the stack", wire(f), there, readdress(f, 0, 0, A_STACK, 8088), stack_out(r),
	     here, back(r, VIP_POOL, 88, mac_alien));
	there = opens(VIP_POOL, 93, TCP_, V_OTHER, SL_NET_WORLD, NET_OVERLAY);
	there.fate = STACK;
	here = answers(VIP_POOL, 93, TCP_, V_OTHER, NET_OVERLAY, SL_NET_WORLD);
	f = TO_VIP(VIP_POOL, TCP(1000, 93, SYN), .payload = 1);
	r = PACKET(.saddr = V_OTHER, .daddr = CLIENT, TCP(8093, 1000, SYN | ACK), .smac = scene_mac(NODE1),
		   .dmac = mac_node2);
	both(b, "a backend of an overlay that the plan does not list", wire(f), there,
	     readdress(f, 0, 0, V_OTHER, 8093), stack_out(r), here, back(r, VIP_POOL, 93, mac_alien));
	there = opens(VIP_POOL, 94, TCP_, NODE1, SL_NET_WORLD, MGMT);
	there.fate = STACK;
	here = answers(VIP_POOL, 94, TCP_, NODE1, MGMT, SL_NET_WORLD);
	f = TO_VIP(VIP_POOL, TCP(1000, 94, SYN));
	r = PACKET(.saddr = NODE1, .daddr = CLIENT, TCP(8094, 1000, SYN | ACK), .smac = scene_mac(NODE1),
		   .dmac = mac_node2);
	both(b, "a backend that is the node itself", wire(f), there, readdress(f, 0, 0, NODE1, 8094),
	     stack_out(r), here, back(r, VIP_POOL, 94, mac_alien));
	r = PACKET(.saddr = NODE1, .daddr = CLIENT, TCP(8095, 1000, SYN | ACK), .smac = scene_mac(NODE1),
		   .dmac = mac_node2);
	check(b, "client: what else the node says is its own business", stack_out(r), untouched);
	r = PACKET(.saddr = V_OTHER, .daddr = V1, TCP(8094, 1000, ACK), .dmac = mac_node2);
	check(b, "client: what an overlay sends within itself is its own business", stack_out(r), untouched);
	r = PACKET(.saddr = V_OTHER, .daddr = CLIENT, TCP(8094, 1000, ACK), .dmac = mac_node2);
	check(b, "client: what else it sends to the world needs a rule and an EIP", stack_out(r),
	      (struct want){ .fate = DROPPED, .reason = SL_DROP_POLICY, .src = NET_OVERLAY });
}

/* --- the alias of a VIP that is this node's own address */

static void test_alias(struct bench *b)
{
	struct frame f = PACKET(.saddr = NODE1, .daddr = ALIAS, TCP(1000, 8443, SYN), .dmac = mac_alien), r,
		     in;
	struct want w = { .fate = DROPPED, .reason = SL_DROP_POLICY, .src = NET_A, .network = NET_A };

	r = FROM(A1, .daddr = NODE1, TCP(443, 1000, SYN | ACK), .payload = 1);
	in = readdress(r, ALIAS, 8443, 0, 0);
	memcpy(in.bytes, scene_mac(NODE1), 6);
	memcpy(in.bytes + 6, mac_router, 6);
	both(b, "this node, to its own address by the alias", stack_out(f),
	     opens(NODE1, 8443, TCP_, A1, MGMT, NET_A), into(f, A1, 443), workload(W_A1, r),
	     answers(NODE1, 8443, TCP_, A1, NET_A, MGMT), in);
	check(b, "client: the alias from the wire is a stranger's", wire(TO_VIP(ALIAS, TCP(1000, 8443, SYN))),
	      untouched);
	check(b, "client: the alias from what stands behind the stack",
	      stack_out(PACKET(.saddr = V_OTHER, .daddr = ALIAS, TCP(1000, 8443, SYN), .dmac = mac_alien)),
	      (struct want){ .fate = DROPPED, .reason = SL_DROP_POLICY, .src = NET_OVERLAY });
	check(b, "client: a port of the alias that no service has",
	      stack_out(PACKET(.saddr = NODE1, .daddr = ALIAS, TCP(1000, 22, SYN), .dmac = mac_alien)),
	      untouched);
	check(b, "client: the alias from a workload is an address out there",
	      workload(W_A1, FROM(A1, .daddr = ALIAS, TCP(1000, 8443, SYN))), w);
}

/* --- ports of a VIP that no service has */

static void test_beside(struct bench *b)
{
	struct want w = opens(NODE1, 8443, TCP_, A1, SL_NET_WORLD, NET_A);
	struct frame f = TO_VIP(NODE1, TCP(1000, 8443, SYN)), r, out;

	r = FROM(A1, .daddr = CLIENT, TCP(443, 1000, SYN | ACK));
	both(b, "a service on the node's own address", wire(f), w, into(f, A1, 443), workload(W_A1, r),
	     answers(NODE1, 8443, TCP_, A1, NET_A, SL_NET_WORLD), back(r, NODE1, 8443, mac_alien));
	f = PACKET(.saddr = MGMT_HOST, .daddr = NODE1, TCP(1000, 8443, SYN), VLAN(MGMT));
	r = FROM(A1, .daddr = MGMT_HOST, TCP(443, 1000, SYN | ACK));
	both(b, "a service on the node's own address, on its VLAN", wire(f),
	     opens(NODE1, 8443, TCP_, A1, MGMT, NET_A), into(f, A1, 443), workload(W_A1, r),
	     answers(NODE1, 8443, TCP_, A1, NET_A, MGMT), back(r, NODE1, 8443, scene_mac(MGMT_HOST)));
	check(b, "client: another port of the node is the host's", wire(TO_VIP(NODE1, TCP(1000, 8444, SYN))),
	      untouched);
	check(b, "client: the same port of another protocol is the host's",
	      wire(TO_VIP(NODE1, UDP(1000, 8443))), untouched);
	check(b, "client: nor do broken packets to it concern a service",
	      wire(TO_VIP(NODE1, TCP(1000, 8443, 0))), untouched);
	f = PACKET(.saddr = MGMT_HOST, .daddr = NODE1, TCP(1000, 22, SYN), VLAN(MGMT));
	w = (struct want){ .fate = STACK, .src = MGMT, .dst = MGMT, .stats = NEW_FLOW, .unmarked = true };
	check(b, "client: another port of the node on its VLAN", wire(f), w);
	w.unmarked = false; /* told to TC, which marks nothing */
	check(b, "client: the same, already in XDP", wire_xdp(f), w);
	check(b, "client: another port of an untagged VIP", wire(TO_VIP(VIP_POOL, TCP(1000, 79, SYN))),
	      untouched);
	f = TO_VIP(VIP_EXT, TCP(1000, 79, SYN), VLAN(EXT));
	check(b, "client: another port of an EIP on its VLAN is nobody's", wire(f),
	      (struct want){ .fate = DROPPED,
			     .reason = SL_DROP_NO_BINDING,
			     .dst = EXT,
			     .network = EXT,
			     .outside = { VIP_EXT, TCP_, EIP_FILTERED } });
	f = TO_VIP(VIP_POOL, TCP(1000, 79, SYN));
	struct send s = wire(f);
	s.ifindex = UP1;
	hit(b, SL_DROP_UNTAGGED, "another port of a VIP, on the uplink that drops", s,
	    (struct want){ .fate = DROPPED });
	f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN));
	out = into(f, A1, 8080);
	s = wire(f);
	s.ifindex = UP1;
	w = opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A);
	w.out = &out;
	miss(b, SL_DROP_UNTAGGED, "a service's port, on the uplink that drops", s, w);
	case_begin(b, "client: its answer goes back by that uplink");
	r = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK));
	out = back(r, VIP_POOL, 80, mac_alien);
	scene_link_mac(UP1, out.bytes + 6);
	w = answers(VIP_POOL, 80, TCP_, A1, NET_A, SL_NET_WORLD);
	w.out = &out;
	check(b, "SYN ACK", next(workload(W_A1, r)), w);
	case_end(b);
	check(b, "client: an answer to nothing opens no flow of a service",
	      wire(TO_VIP(VIP_POOL, TCP(1000, 80, SYN | ACK))),
	      (struct want){ .fate = DROPPED,
			     .reason = SL_DROP_TCP_STATE,
			     .served = { VIP_POOL, 80, TCP_, 0, 0, false, 0 } });
}

/* --- rules and services */

/* No rule opens net-b to the world; rule 1 closes it to A2. */
static void test_rules(struct bench *b)
{
	static const char no_world[] =
		"{\"policy\":[{\"name\":\"no\",\"from\":[\"world\"],\"to\":[\"network:net-b\"],"
		"\"ports\":[\"tcp/443\"],\"action\":\"deny\"}]}";
	struct want w = opens(VIP_POOL, 90, TCP_, B1, SL_NET_WORLD, NET_B), no;
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 90, SYN)), out = into(f, B1, 443);

	w.out = &out;
	miss(b, SL_DROP_POLICY, "a service grants what no rule does", wire(f), w);
	no = refuses(VIP_POOL, 90, TCP_, NET_A, NET_A);
	no.dst = NET_B;
	hit(b, SL_DROP_POLICY, "a rule that denies wins over a service",
	    workload(W_A2, FROM(A2, .daddr = VIP_POOL, TCP(1000, 90, SYN))), no);
	if (!bench_plan(b, no_world))
		return;
	no.src = no.network = SL_NET_WORLD;
	hit(b, SL_DROP_POLICY, "a rule denies the backends' port to the world", wire(f), no);
	f = TO_VIP(VIP_POOL, UDP(1000, 90));
	out = into(f, B1, 53);
	w = opens(VIP_POOL, 90, UDP_, B1, SL_NET_WORLD, NET_B);
	w.out = &out;
	miss(b, SL_DROP_POLICY, "a rule denies another port of the backends", wire(f), w);
	bench_plan(b, NULL);
	case_begin(b, "client: a new rule ends a service's flow");
	f = TO_VIP(VIP_POOL, TCP(1000, 90, SYN));
	out = into(f, B1, 443);
	w = opens(VIP_POOL, 90, TCP_, B1, SL_NET_WORLD, NET_B);
	w.out = &out;
	check(b, "SYN", wire(f), w);
	bench_plan(b, no_world);
	no.stats = STAT(FLOWS_CUT);
	no.reason = SL_DROP_POLICY;
	check(b, "the next", next(wire(f)), no);
	bench_plan(b, NULL);
	case_end(b);
}

void test_client(struct bench *b)
{
	test_workloads(b);
	test_node(b);
	test_alias(b);
	test_beside(b);
	test_rules(b);
}
