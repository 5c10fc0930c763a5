/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What comes to an EIP from outside without having been asked: to a mapping as its filtering allows, to nothing, by
 * another network than the EIP's. All of it is silence to the sender.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define ICMP_ SL_PROTO_ICMP
#define PORT 4000

static struct want opens_in(uint16_t dst)
{
	return (struct want){ .fate = SENT, .dst = dst, .stats = NEW_FLOW };
}

static void mapped(struct bench *b, uint8_t proto)
{
	struct send s = proto == UDP_ ? A_OUT(.daddr = REMOTE, UDP(PORT, 53))
				      : A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN));

	case_begin(b, "filter: a mapping");
	nat_fresh(b);
	goes(b, "out", s, binds(EIP_A, proto, NET_A), EIP_A, 0);
	case_end(b);
}

static void lets_in(struct bench *b, const char *name, struct frame f)
{
	struct frame out = lands(f, A1, 0);
	struct want w = opens_in(NET_A);

	w.out = &out;
	miss(b, SL_DROP_NAT_FILTERED, name, next(wire(f)), w);
}

static void keeps(struct bench *b, const char *name, struct frame f)
{
	hit(b, SL_DROP_NAT_FILTERED, name, next(wire(f)), keeps_out(EIP_A, frame_ip(&f)->proto, true));
}

static void test_filtering(struct bench *b)
{
	static const struct nat address = { .filtering = SL_NAT_ADDRESS },
				port = { .filtering = SL_NAT_ADDRESS_PORT };
	struct frame same = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(54, PORT), .payload = 3);
	struct frame other = OUTSIDE(EIP_A, .saddr = REMOTE2, UDP(53, PORT), .payload = 3);
	struct want w;

	mapped(b, UDP_);
	lets_in(b, "endpoint-independent: whom it has sent to, by another port", same);
	lets_in(b, "endpoint-independent: anybody", other);
	case_begin(b, "filter: what is let in is answered from the mapping");
	w = (struct want){ .fate = SENT, .src = NET_A, .stats = STAT(FLOWS_PROMOTED) };
	goes(b, "answer", A_OUT(.daddr = REMOTE2, UDP(PORT, 53), .payload = 4), w, EIP_A, 0);
	case_end(b);

	nat_plan(b, &address, NULL);
	mapped(b, UDP_);
	lets_in(b, "address-dependent: whom it has sent to, by another port", same);
	keeps(b, "address-dependent: somebody else", other);
	case_begin(b, "filter: whom it sends to then may answer, and send by another port too");
	goes(b, "out", A_OUT(.daddr = REMOTE2, UDP(PORT, 99)), sets_out(NET_A), EIP_A, 0);
	case_end(b);
	lets_in(b, "address-dependent: the same one after that", other);

	nat_plan(b, &port, NULL);
	mapped(b, UDP_);
	keeps(b, "address-and-port-dependent: another port of whom it has sent to", same);
	keeps(b, "address-and-port-dependent: another address, the same port", other);
	case_begin(b, "reason nat_filtered just missed: the same address and port");
	comes(b, "answer", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT)), returns(UDP_, NET_A), A1, 0);
	b->misses[SL_DROP_NAT_FILTERED] += case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

/* Filtering lets nobody in whom the workload may not speak to. */
static void test_allowed(struct bench *b)
{
	struct want w = keeps_out(EIP_A, TCP_, false);

	mapped(b, TCP_);
	w.dst = NET_A;
	hit(b, SL_DROP_POLICY, "to a mapping, from a port that its source may not speak to",
	    next(wire(OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(25, PORT, SYN)))), w);
	lets_in(b, "from a port that it may speak to", OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(26, PORT, SYN)));
}

static void nobody(struct bench *b, const char *name, struct frame f)
{
	struct want w = keeps_out(EIP_A, frame_ip(&f)->proto, true);

	hit(b, SL_DROP_NO_BINDING, name, next(wire(f)), w);
	hit(b, SL_DROP_NO_BINDING, "the same, tag beside the frame", next(wire_beside(f)), w);
}

static void test_nothing(struct bench *b)
{
	struct frame f, out;
	struct want w = opens_in(NET_A);

	mapped(b, TCP_);
	nobody(b, "a SYN to a port that nobody has", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT + 1, SYN)));
	nobody(b, "the middle of nothing", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT + 1, ACK)));
	nobody(b, "the same port of another protocol", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(80, PORT)));
	nobody(b, "the answer to no query", OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, PORT)));
	nobody(b, "GRE", OUTSIDE(EIP_A, .saddr = REMOTE, .proto = 47, .payload = 20));
	f = OUTSIDE(EIP_A, .saddr = REMOTE, TCP(81, PORT, SYN));
	out = lands(f, A1, 0);
	w.out = &out;
	miss(b, SL_DROP_NO_BINDING, "a port that somebody has", next(wire(f)), w);
	case_begin(b, "filter: a RST or a FIN opens nothing");
	w = keeps_out(EIP_A, TCP_, true);
	w.reason = SL_DROP_TCP_STATE;
	check(b, "RST", next(wire(OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(82, PORT, RST)))), w);
	check(b, "FIN", next(wire(OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(82, PORT, FIN | ACK)))), w);
	check(b, "SYN ACK", next(wire(OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(82, PORT, SYN | ACK)))), w);
	case_end(b);
}

/* By another network than the EIP's, or from another VPC than its. */
static void test_elsewhere(struct bench *b)
{
	struct want w = keeps_out(EIP_A, TCP_, false);
	struct frame f;

	mapped(b, TCP_);
	w.src = w.network = MGMT;
	f = PACKET(.saddr = MGMT_HOST, .daddr = EIP_A, TCP(80, PORT, SYN), .dmac = scene_mac(NODE1),
		   VLAN(MGMT));
	hit(b, SL_DROP_EIP_VPC, "from a network of the plan that is not the EIP's", next(wire(f)), w);
	hit(b, SL_DROP_EIP_VPC, "the same, tag beside the frame", next(wire_beside(f)), w);
	w.src = w.dst = w.network = SL_NET_WORLD;
	f = OUTSIDE_PLAIN(EIP_A, .saddr = REMOTE, TCP(80, PORT, SYN));
	hit(b, SL_DROP_EIP_VPC, "untagged", next(wire(f)), w);
	f = OUTSIDE_PLAIN(EIP_A, .saddr = REMOTE, TCP(80, PORT, SYN | ACK));
	hit(b, SL_DROP_EIP_VPC, "the answer of a flow, untagged", next(wire(f)), w);
	case_begin(b, "reason eip_vpc just missed: the answer by the EIP's own network");
	comes(b, "SYN ACK", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, SYN | ACK)), returns(TCP_, NET_A),
	      A1, 0);
	b->misses[SL_DROP_EIP_VPC] += case_end(b);
	case_begin(b, "filter: own EIP as a source from outside is a lie");
	w = keeps_out(EIP_A, TCP_, false);
	w.reason = SL_DROP_MARTIAN;
	w.src = EXT;
	w.dst = SL_NET_WORLD;
	check(b, "source = destination", next(wire(OUTSIDE(EIP_A, .saddr = EIP_A, TCP(PORT, PORT, SYN)))), w);
	w.reason = SL_DROP_SPOOFED_SOURCE;
	w.dst = EXT;
	check(b, "another EIP of this node",
	      next(wire(OUTSIDE(EIP_A, .saddr = EIP_BLUE, TCP(80, PORT, SYN)))), w);
	w.src = NET_B;
	check(b, "a private address", next(wire(OUTSIDE(EIP_A, .saddr = B_FAR, TCP(80, PORT, SYN)))), w);
	case_end(b);
}

/* Pings of the EIP itself are its own to answer. */
static void test_echo(struct bench *b)
{
	struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(SL_ICMP_ECHO, PORT), .payload = 20);
	struct frame out = PACKET(.saddr = EIP_A, .daddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, PORT),
				  .payload = 20, .dmac = mac_ext_router, .smac = scene_mac(NODE1), VLAN(EXT));
	struct want w = { .fate = SENT, .dst = EXT, .out = &out };

	case_begin(b, "filter: a ping of the EIP is answered, a mapping of that identifier or not");
	nat_fresh(b);
	check(b, "no mapping", next(wire(f)), w);
	goes(b, "a query", A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, PORT)), binds(EIP_A, ICMP_, NET_A),
	     EIP_A, 0);
	check(b, "a mapping", next(wire(f)), w);
	comes(b, "and its reply", OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, PORT)),
	      returns(ICMP_, NET_A), A1, 0);
	case_end(b);
}

void test_snat_in(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_filtering(b);
	test_allowed(b);
	test_nothing(b);
	test_elsewhere(b);
	test_echo(b);
	nat_over(b);
}
