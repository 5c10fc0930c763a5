/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Source NAT by an EIP on a VLAN: what leaves and what comes back, every byte of it. Which port a source gets is in
 * snat_port_tests.c, who may come from outside in snat_in_tests.c.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define ICMP_ SL_PROTO_ICMP
#define PORT 4000

static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };

/* How the flow goes out, and by what its answers are found. */
static void flow_is(struct bench *b, uint8_t proto, uint16_t dport)
{
	uint16_t vpc = vpc_of(b, "default");
	struct sl_flow_key key = flow_key(vpc, proto, A1, PORT, REMOTE, dport);
	struct sl_flow_key back = flow_key(vpc, proto, REMOTE, dport, EIP_A, PORT);
	struct sl_flow flow, reply;

	if (flow_find(b, &key, &flow) < 0 || flow_find(b, &back, &reply) < 0) {
		fail(b, "a half of the flow is missing");
		return;
	}
	that(b,
	     flow.verdict.action == SL_ACTION_WIRE && flow.verdict.ifindex == UP0 &&
		     flow.verdict.vlan == EXT && flow.verdict.next_hop == htonl(EXT_ROUTER),
	     "it leaves on ext's VLAN by its router");
	that(b, !memcmp(&flow.peer, &back, sizeof(back)) && !memcmp(&reply.peer, &key, sizeof(key)),
	     "the halves know each other");
	that(b,
	     (flow.verdict.flags & (SL_VERDICT_NAT | SL_VERDICT_BOUND)) ==
		     (SL_VERDICT_NAT | SL_VERDICT_BOUND),
	     "it is known to be of a mapping");
}

static void mapping_is(struct bench *b, uint8_t proto, unsigned int held)
{
	uint16_t vpc = vpc_of(b, "default");
	struct sl_outside outside;
	struct sl_holder holder;

	that(b, nat_binding(b, vpc, A1, PORT, proto, EIP_A) == PORT, "a mapping from inside");
	that(b,
	     nat_outside(b, EIP_A, PORT, proto, &outside) && outside.inside.addr == htonl(A1) &&
		     outside.inside.port == htons(PORT) && outside.inside.vpc == vpc &&
		     !outside.inside.daddr && !outside.inside.dport && outside.state == SL_OUTSIDE_BOUND,
	     "the same from outside");
	that(b, nat_taken(b, EIP_A, PORT, proto), "its port is taken");
	that(b,
	     nat_holder(b, vpc, A1, &holder) && holder.ports[0] + holder.ports[1] + holder.ports[2] == held &&
		     !holder.refused,
	     "the workload is known to hold it");
}

static void test_tcp(struct bench *b)
{
	struct want there = binds(EIP_A, TCP_, NET_A), here = returns(TCP_, NET_A);
	struct frame f;

	case_begin(b, "snat: a TCP connection, from the SYN to the end");
	nat_fresh(b);
	goes(b, "SYN", A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)), there, EIP_A, 0);
	flow_is(b, TCP_, 80);
	mapping_is(b, TCP_, 1);
	there = goes_on(there);
	goes(b, "SYN again", A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)), there, EIP_A, 0);
	comes(b, "SYN ACK", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, SYN | ACK)), here, A1, 0);
	goes(b, "ACK, odd data, DSCP",
	     A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK), .payload = 1001, .tos = 0xb9, .id = 7),
	     promotes(there), EIP_A, 0);
	f = OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, ACK), .payload = 333, .frag = SL_IP_DF);
	comes(b, "data", f, here, A1, 0);
	check(b, "XDP leaves it to TC", next(wire_xdp(f)), (struct want){ .fate = UNTOUCHED });
	{
		struct frame out = lands(f, A1, 0);

		here.out = &out;
		check(b, "data, tag beside the frame", next(wire_beside(f)), here);
	}
	goes(b, "IP options",
	     A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK), .options = options, .option_len = 8, .payload = 2),
	     there, EIP_A, 0);
	comes(b, "IP options",
	      OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, ACK), .options = options, .option_len = 8), here,
	      A1, 0);
	goes(b, "padded", A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK), .padding = 6), there, EIP_A, 0);
	goes(b, "FIN", A_OUT(.daddr = REMOTE, TCP(PORT, 80, FIN | ACK)), there, EIP_A, 0);
	comes(b, "FIN", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, FIN | ACK)), here, A1, 0);
	mapping_is(b, TCP_, 1);
	case_end(b);
}

static void test_udp(struct bench *b)
{
	struct want there = binds(EIP_A, UDP_, NET_A), here = returns(UDP_, NET_A);
	struct frame f;
	struct send s;

	case_begin(b, "snat: UDP, with a checksum and without");
	nat_fresh(b);
	goes(b, "a question", A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 31), there, EIP_A, 0);
	flow_is(b, UDP_, 53);
	mapping_is(b, UDP_, 1);
	there = goes_on(there);
	comes(b, "an answer", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .payload = 99), here, A1, 0);
	here = goes_on(here);
	goes(b, "nothing in it", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), there, EIP_A, 0);
	s = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 5);
	frame_udp(&s.frame)->check = 0;
	goes(b, "without a checksum", s, there, EIP_A, 0);
	f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .payload = 6);
	frame_udp(&f)->check = 0;
	comes(b, "without a checksum", f, here, A1, 0);
	case_end(b);
}

static void test_query(struct bench *b)
{
	struct want there = binds(EIP_A, ICMP_, NET_A), here = returns(ICMP_, NET_A);

	case_begin(b, "snat: a ping, by its identifier");
	nat_fresh(b);
	goes(b, "echo", A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, PORT), .payload = 56), there, EIP_A, 0);
	flow_is(b, ICMP_, 0);
	mapping_is(b, ICMP_, 1);
	comes(b, "reply", OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, PORT), .payload = 56),
	      here, A1, 0);
	goes(b, "echo again", A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, PORT), .payload = 57), goes_on(there),
	     EIP_A, 0);
	there.stats &= ~STAT(BINDINGS);
	there.outside.events = 0;
	goes(b, "to another, the same identifier",
	     A_OUT(.daddr = REMOTE2, ICMP(SL_ICMP_ECHO, PORT), .payload = 56), there, EIP_A, 0);
	case_end(b);
}

/* --- the next hop */

static void test_next_hop(struct bench *b)
{
	struct want there = binds(EIP_A, UDP_, NET_A);
	struct send s = A_OUT(.daddr = EXT_PEER, UDP(PORT, 53)), ask;
	struct frame out = hop(translate(s.frame, EIP_A, 0, 0, 0), mac_ext_peer, scene_mac(NODE1));
	struct sl_neigh_key key = { .ifindex = UP0, .vlan = EXT, .addr = htonl(EXT_ROUTER) };
	struct got got;

	case_begin(b, "snat: to a machine of the external network itself, past its router");
	nat_fresh(b);
	there.dst = EXT;
	there.out = &out;
	check(b, "out", next(s), there);
	case_end(b);

	case_begin(b, "snat: a router that is not known is asked for, and nothing leaves");
	nat_fresh(b);
	bpf_map_delete_elem(b->kernel.table[SL_TABLE_sl_neigh], &key);
	ask = next(A_OUT(.daddr = REMOTE, UDP(PORT, 53)));
	if (bench_run(b, &ask, &got)) {
		got.frame.l3 = 14;
		that(b,
		     frame_eth(&got.frame)->type == htons(SL_ETH_ARP) &&
			     frame_arp(&got.frame)->tpa == htonl(EXT_ROUTER) && !frame_arp(&got.frame)->spa,
		     "a question for the router, in nobody's name");
	}
	there = keeps_in(NET_A, EXT);
	there.reason = SL_DROP_NO_NEIGHBOUR;
	check(b, "asked just now: silence", ask, there);
	case_end(b);
}

/* --- hops */

static void test_ttl(struct bench *b)
{
	struct want w = keeps_in(NET_A, EXT);
	struct send s = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .ttl = 1, .payload = 9);
	struct frame out = say_so(s.frame, SL_ICMP_TIME_EXCEEDED, 0, 0, GATEWAY_A);

	nat_fresh(b);
	w.question = true;
	w.out = &out;
	w.stats = NEW_FLOW | STAT(BINDINGS) | STAT(TIME_EXCEEDED);
	w.outside = (struct outside){ EIP_A, UDP_, EIP_BOUND | EIP_KEPT };
	hit(b, SL_DROP_TTL, "from inside: the sender is told by its gateway", next(s), w);
	case_begin(b, "snat: TTL 2 leaves as 1");
	nat_fresh(b);
	goes(b, "out", A_OUT(.daddr = REMOTE, UDP(PORT, 53), .ttl = 2), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	case_end(b);
}

/* --- fragments, in order */

static void test_fragments(struct bench *b)
{
	static const uint32_t cut[] = { 0, 24, 1000, 1209 };
	struct frame whole = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 1201, .id = 9).frame, f, out;
	struct frame becomes = translate(whole, EIP_A, 0, 0, 0);
	struct want w = binds(EIP_A, UDP_, NET_A);

	case_begin(b, "snat: fragments, out and back");
	nat_fresh(b);
	for (int i = 0; i < 3; i++) {
		f = piece(&whole, cut[i], cut[i + 1] - cut[i], i < 2);
		out = hop(piece(&becomes, cut[i], cut[i + 1] - cut[i], i < 2), mac_ext_router,
			  scene_mac(NODE1));
		w.out = &out;
		w.stats |= i ? 0 : STAT(FRAGMENTS);
		check(b, "out", next(workload(W_A1, f)), w);
		w = goes_on(w);
		w.stats = 0;
	}
	whole = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .payload = 1201, .id = 10);
	becomes = translate(whole, 0, 0, A1, 0);
	frame_untag(&becomes);
	w = returns(UDP_, NET_A);
	for (int i = 0; i < 3; i++) {
		f = piece(&whole, cut[i], cut[i + 1] - cut[i], i < 2);
		out = hop(piece(&becomes, cut[i], cut[i + 1] - cut[i], i < 2), scene_mac(A1), mac_router);
		w.out = &out;
		w.stats |= i ? 0 : STAT(FRAGMENTS);
		check(b, "back", next(wire(f)), w);
		w.stats = 0;
	}
	f = piece(&whole, 24, 976, true);
	frame_ip(&f)->id = htons(11);
	frame_sum(&f);
	check(b, "a later one whose first has not come", next(wire(f)),
	      (struct want){ .fate = DROPPED, .reason = SL_DROP_FRAG_NO_FIRST, .src = EXT, .network = EXT });
	case_end(b);
}

/* --- who leaves how */

static void test_blue(struct bench *b)
{
	struct frame f, out;
	struct want w;

	case_begin(b, "snat: two VPCs with the same addresses, each by its own EIP");
	nat_fresh(b);
	goes(b, "A1", A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	goes(b, "X1, the same address, port and destination", X1_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)),
	     binds(EIP_BLUE, TCP_, BLUE_A), EIP_BLUE, 0);
	comes(b, "answer for A1", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, SYN | ACK)),
	      returns(TCP_, NET_A), A1, 0);
	f = OUTSIDE(EIP_BLUE, .saddr = REMOTE, TCP(80, PORT, SYN | ACK));
	out = lands(f, X1, 0);
	memcpy(out.bytes, mac_x1, 6);
	w = returns(TCP_, BLUE_A);
	w.out = &out;
	check(b, "answer for X1", next(wire(f)), w);
	case_end(b);
}

static void test_nobody(struct bench *b)
{
	static const struct nat gone = { .gone = true };
	struct send s = A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN));

	nat_plan(b, &gone, NULL);
	nat_fresh(b);
	hit(b, SL_DROP_NO_EIP, "no rule has the source", next(s), keeps_in(NET_A, SL_NET_WORLD));
	nat_plan(b, &nat_plain, NULL);
	nat_fresh(b);
	case_begin(b, "reason no_eip just missed: a rule has it");
	goes(b, "out", s, binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	b->misses[SL_DROP_NO_EIP] += case_end(b);
	s = A_OUT(.daddr = REMOTE, TCP(PORT, 25, SYN));
	hit(b, SL_DROP_POLICY, "an EIP does not open what a rule denies", next(s),
	    keeps_in(NET_A, SL_NET_WORLD));
}

void test_snat(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_tcp(b);
	test_udp(b);
	test_query(b);
	test_next_hop(b);
	test_ttl(b);
	test_fragments(b);
	test_blue(b);
	test_nobody(b);
	nat_over(b);
}
