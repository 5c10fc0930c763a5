/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From inside to an address outside that is the plan's own: both ends are translated in one flow, each sees only the
 * other's outside address (RFC 4787 REQ-9), and policy holds between the two as if they spoke directly.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define ICMP_ SL_PROTO_ICMP
#define PORT 4000

/* One packet from workload to workload by way of two outside addresses. */
static void turns(struct bench *b, const char *name, struct send s, struct want w, uint32_t eip,
		  uint16_t sport, uint32_t to, uint16_t dport)
{
	struct frame out = hop(translate(s.frame, eip, sport, to, dport), scene_mac(to), mac_router);

	w.out = &out;
	check(b, name, next(s), w);
}

static struct want meets(uint16_t src, uint16_t dst, uint32_t eip, uint8_t proto)
{
	struct want w = binds(eip, proto, src);

	w.dst = dst;
	return w;
}

static struct want answers_back(uint16_t src, uint16_t dst, bool tcp)
{
	return (struct want){ .fate = SENT, .src = src, .dst = dst, .stats = tcp ? 0 : STAT(FLOWS_PROMOTED) };
}

#define A3_OUT(...) workload(W_A3, FROM(A3, __VA_ARGS__))

static void test_own(struct bench *b)
{
	struct want w;

	case_begin(b, "hairpin: to a mapping of the own VPC's EIP, and back");
	nat_fresh(b);
	goes(b, "a mapping", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	turns(b, "there", A3_OUT(.daddr = EIP_A, UDP(PORT + 1, PORT), .payload = 21),
	      meets(NET_A, NET_A, EIP_A, UDP_), EIP_A, 0, A1, 0);
	turns(b, "back", A_OUT(.daddr = EIP_A, UDP(PORT, PORT + 1), .payload = 22),
	      answers_back(NET_A, NET_A, false), EIP_A, 0, A3, 0);
	turns(b, "there again", A3_OUT(.daddr = EIP_A, UDP(PORT + 1, PORT), .payload = 23),
	      answers_back(NET_A, NET_A, true), EIP_A, 0, A1, 0);
	case_end(b);

	case_begin(b, "hairpin: to the own mapping");
	nat_fresh(b);
	goes(b, "a mapping", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	turns(b, "there", A_OUT(.daddr = EIP_A, UDP(PORT + 1, PORT)), meets(NET_A, NET_A, EIP_A, UDP_), EIP_A,
	      0, A1, 0);
	turns(b, "back", A_OUT(.daddr = EIP_A, UDP(PORT, PORT + 1)), answers_back(NET_A, NET_A, false), EIP_A,
	      0, A1, 0);
	case_end(b);

	nat_fresh(b);
	w = keeps_in(NET_A, EXT);
	w.outside = (struct outside){ EIP_A, UDP_, EIP_FILTERED };
	hit(b, SL_DROP_NO_BINDING, "from inside, a port of the EIP that nobody has",
	    next(A_OUT(.daddr = EIP_A, UDP(PORT, PORT + 1))), w);
	case_begin(b, "hairpin: the EIP answers pings of its own VPC");
	{
		struct send s = A_OUT(.daddr = EIP_A, ICMP(SL_ICMP_ECHO, 7), .payload = 30);
		struct frame out = PACKET(.saddr = EIP_A, .daddr = A1, ICMP(SL_ICMP_ECHO_REPLY, 7),
					  .payload = 30, .smac = mac_router, .dmac = scene_mac(A1));

		w = (struct want){ .fate = SENT, .src = NET_A, .dst = EXT, .out = &out };
		check(b, "echo", next(s), w);
	}
	case_end(b);
}

static void test_fips(struct bench *b)
{
	struct want w;

	case_begin(b, "hairpin: from behind an EIP to a FIP of the own VPC");
	nat_fresh(b);
	turns(b, "SYN", A_OUT(.daddr = FIP_B, TCP(PORT, 22, SYN)), meets(NET_A, NET_B, EIP_A, TCP_), EIP_A, 0,
	      B1, 0);
	turns(b, "SYN ACK", B_OUT(.daddr = EIP_A, TCP(22, PORT, SYN | ACK)), answers_back(NET_B, NET_A, true),
	      FIP_B, 0, A1, 0);
	w = promotes(meets(NET_A, NET_B, EIP_A, TCP_));
	turns(b, "ACK", A_OUT(.daddr = FIP_B, TCP(PORT, 22, ACK), .payload = 3), w, EIP_A, 0, B1, 0);
	turns(b, "a ping", A_OUT(.daddr = FIP_B, ICMP(SL_ICMP_ECHO, PORT)), meets(NET_A, NET_B, EIP_A, ICMP_),
	      EIP_A, 0, B1, 0);
	turns(b, "its reply", B_OUT(.daddr = EIP_A, ICMP(SL_ICMP_ECHO_REPLY, PORT)),
	      answers_back(NET_B, NET_A, false), FIP_B, 0, A1, 0);
	case_end(b);

	case_begin(b, "hairpin: from a FIP to a FIP");
	nat_fresh(b);
	w = meets(NET_B, NET_OPEN, FIP_B, TCP_);
	w.stats = NEW_FLOW;
	w.outside.events = 0;
	turns(b, "SYN", B_OUT(.daddr = FIP_O, TCP(9, 22, SYN)), w, FIP_B, 0, O1, 0);
	turns(b, "SYN ACK", workload(W_O1, FROM(O1, .daddr = FIP_B, TCP(22, 9, SYN | ACK))),
	      answers_back(NET_OPEN, NET_B, true), FIP_O, 0, B1, 0);
	case_end(b);

	nat_fresh(b);
	hit(b, SL_DROP_POLICY, "to a FIP, what may not be sent to its workload",
	    next(A_OUT(.daddr = FIP_B, TCP(PORT, 23, SYN))), keeps_in(NET_A, NET_B));
	hit(b, SL_DROP_POLICY, "from a FIP to a FIP, what may not be sent directly",
	    next(B_OUT(.daddr = FIP_O, TCP(9, 23, SYN))), keeps_in(NET_B, NET_OPEN));
}

static void test_other_vpc(struct bench *b)
{
	struct send s = A_OUT(.daddr = FIP_BLUE, TCP(PORT, 22, SYN));
	struct frame out = hop(translate(s.frame, EIP_A, 0, X2, 0), scene_mac(X2), mac_router);
	struct want w = meets(NET_A, BLUE_A, EIP_A, TCP_);

	nat_fresh(b);
	hit(b, SL_DROP_EIP_VPC, "another project's EIP", next(BLUE_OUT(.daddr = EIP_A, UDP(PORT, PORT))),
	    keeps_in(BLUE_A, SL_NET_WORLD));
	hit(b, SL_DROP_EIP_VPC, "a ping of another project's EIP",
	    next(BLUE_OUT(.daddr = EIP_A, ICMP(SL_ICMP_ECHO, PORT))), keeps_in(BLUE_A, SL_NET_WORLD));
	hit(b, SL_DROP_EIP_VPC, "another project's FIP", next(BLUE_OUT(.daddr = FIP_B, TCP(PORT, 22, SYN))),
	    keeps_in(BLUE_A, SL_NET_WORLD));
	w.out = &out;
	miss(b, SL_DROP_EIP_VPC, "another project's FIP, which lets this VPC in", next(s), w);
	case_begin(b, "hairpin: to a FIP of another VPC, the answer");
	turns(b, "SYN ACK", BLUE_OUT(.daddr = EIP_A, TCP(22, PORT, SYN | ACK)),
	      answers_back(BLUE_A, NET_A, true), FIP_BLUE, 0, A1, 0);
	case_end(b);
	hit(b, SL_DROP_POLICY, "to a FIP of another VPC, what the world may not send to its workload",
	    next(A_OUT(.daddr = FIP_BLUE, TCP(PORT, 23, SYN))), keeps_in(NET_A, EXT));
}

/* --- to another node */

static void test_other_node(struct bench *b)
{
	struct send s = next(A_OUT(.daddr = FIP_B_FAR, TCP(PORT, 22, SYN)));
	struct frame inner = translate(s.frame, EIP_A, 0, 0, 0), out, r, in;
	struct want w = binds(EIP_A, TCP_, NET_A);
	struct got got;

	case_begin(b,
		   "hairpin: to a FIP whose workload is on another node: through the tunnel, as the own EIP");
	nat_fresh(b);
	out = wrap(&inner, s.frame.bytes, s.frame.bytes + 6, NODE1, NODE2, FIP_B_FAR);
	if (bench_run(b, &s, &got))
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
	w = goes_on(w);
	w.stats = STAT(TUNNEL_SENT);
	w.out = &out;
	check(b, "SYN", s, w);
	r = PACKET(.saddr = FIP_B_FAR, .daddr = EIP_A, TCP(22, PORT, SYN | ACK), .dmac = mac_router,
		   .smac = mac_alien);
	in = wrap(&r, scene_mac(NODE1), mac_node2, NODE2, NODE1, 0);
	out = lands(r, A1, 0);
	w = returns(TCP_, NET_A);
	w.stats |= STAT(TUNNEL_RECEIVED);
	w.bytes = 40;
	w.out = &out;
	check(b, "SYN ACK", next(wire(in)), w);
	case_end(b);

	case_begin(b, "hairpin: from another node's workload to a FIP here, answered through the tunnel");
	nat_fresh(b);
	r = PACKET(.saddr = EIP_FAR, .daddr = FIP_B, UDP(5000, 53), .dmac = mac_router, .smac = mac_alien,
		   .payload = 3);
	in = wrap(&r, scene_mac(NODE1), mac_node2, NODE2, NODE1, FIP_B);
	out = lands(r, B1, 0);
	w = (struct want){ .fate = SENT,
			   .src = EXT,
			   .dst = NET_B,
			   .stats = NEW_FLOW | STAT(TUNNEL_RECEIVED),
			   .bytes = 31,
			   .out = &out };
	check(b, "there", next(wire(in)), w);
	s = next(B_OUT(.daddr = EIP_FAR, UDP(53, 5000), .payload = 4));
	inner = translate(s.frame, FIP_B, 0, 0, 0);
	out = wrap(&inner, s.frame.bytes, s.frame.bytes + 6, NODE1, NODE2, 0);
	if (bench_run(b, &s, &got))
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
	w = (struct want){ .fate = SENT, .src = NET_B, .dst = EXT, .stats = STAT(TUNNEL_SENT), .out = &out };
	check(b, "back", s, w);
	case_end(b);
}

void test_hairpin(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_own(b);
	test_fips(b);
	test_other_vpc(b);
	test_other_node(b);
	nat_over(b);
}
