/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which outside port a source gets, and who gets none. Where a port is random the test leaves one free.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define ICMP_ SL_PROTO_ICMP
#define PORT 4000

/* A rule of 64 ports, one word. */
#define WORD 4096
static const struct nat one_word = { .first = WORD, .last = WORD + 63 };

static struct send syn(uint16_t port)
{
	return A_OUT(.daddr = REMOTE, TCP(port, 80, SYN));
}

static struct want gets_other(uint8_t proto, uint16_t src)
{
	struct want w = binds(EIP_A, proto, src);

	w.outside.events = EIP_BOUND;
	return w;
}

/* Told 3/13, or silence where `told` is false. */
static void refused(struct bench *b, enum sl_reason_id reason, const char *name, struct send s,
		    uint32_t event, bool told)
{
	struct want w = keeps_in(NET_A, SL_NET_WORLD);
	struct frame out = unreachable(s.frame, 13, 0);

	w.outside = (struct outside){ EIP_A, frame_ip(&s.frame)->proto, event };
	w.question = told;
	if (told) {
		w.out = &out;
		w.stats = STAT(PROHIBITED_TOLD);
	}
	hit(b, reason, name, next(s), w);
}

static void accepted(struct bench *b, enum sl_reason_id reason, const char *name, struct send s,
		     struct want w, uint16_t port)
{
	struct frame out = leaves(s.frame, EIP_A, port);

	w.out = &out;
	miss(b, reason, name, next(s), w);
}

/* --- which one */

static void test_other(struct bench *b)
{
	static const struct nat reserved = { .first = WORD, .last = WORD + 63, .reserved = { WORD + 9 } };
	struct send s = workload(
		W_A3, PACKET(.saddr = A3, .daddr = REMOTE, .dmac = mac_router, TCP(WORD + 5, 80, SYN)));

	nat_plan(b, &one_word, NULL);
	case_begin(b, "port: the source's own, for another destination too");
	nat_fresh(b);
	goes(b, "first", syn(WORD + 5), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	goes(b, "second", A_OUT(.daddr = REMOTE2, TCP(WORD + 5, 443, SYN)), sets_out(NET_A), EIP_A, 0);
	nat_take(b, EIP_A, WORD, TCP_, ~(1ULL << 17));
	case_end(b);
	case_begin(b, "port: another's is taken: one that is free");
	goes(b, "A3", s, gets_other(TCP_, NET_A), EIP_A, WORD + 17);
	case_end(b);

	case_begin(b, "port: the same number of another protocol is another port");
	nat_fresh(b);
	goes(b, "TCP", syn(WORD + 5), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	goes(b, "UDP", A_OUT(.daddr = REMOTE, UDP(WORD + 5, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	goes(b, "ICMP", A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, WORD + 5)), binds(EIP_A, ICMP_, NET_A),
	     EIP_A, 0);
	case_end(b);

	case_begin(b, "port: outside the rule's range, below it and above");
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, TCP_, ~1ULL);
	goes(b, "below", syn(WORD - 1), gets_other(TCP_, NET_A), EIP_A, WORD);
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, TCP_, ~(1ULL << 63));
	goes(b, "above", syn(WORD + 64), gets_other(TCP_, NET_A), EIP_A, WORD + 63);
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, ICMP_, ~2ULL);
	goes(b, "an identifier", A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, 7)), gets_other(ICMP_, NET_A),
	     EIP_A, WORD + 1);
	comes(b, "and its reply", OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, WORD + 1)),
	      returns(ICMP_, NET_A), A1, 7);
	case_end(b);

	nat_plan(b, &reserved, NULL);
	case_begin(b, "port: a reserved one is nobody's, even where it is the last free");
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, TCP_, ~(1ULL << 9 | 1ULL << 40));
	for (int i = 0; i < 20; i++) {
		goes(b, "it is the source's own", syn(WORD + 9),
		     i ? goes_on(sets_out(NET_A)) : gets_other(TCP_, NET_A), EIP_A, WORD + 40);
	}
	refused(b, SL_DROP_NAT_PORTS, "only a reserved port is left", A_OUT(.daddr = REMOTE, TCP(7, 80, SYN)),
		EIP_NO_PORT, true);
	case_end(b);
}

/* 40 sources of one node's half: all in its blocks, all different. */
static void test_blocks(struct bench *b)
{
	uint16_t vpc = vpc_of(b, "default"), port, seen[40];
	struct got got;

	nat_plan(b, &nat_plain, NULL);
	case_begin(b, "port: only of this node's blocks, whatever the source has");
	nat_fresh(b);
	for (uint16_t i = 0; i < 40; i++) {
		struct send s = next(syn((uint16_t)(NAT_HALF + 100 + i)));

		if (!bench_run(b, &s, &got))
			break;
		port = nat_binding(b, vpc, A1, (uint16_t)(NAT_HALF + 100 + i), TCP_, EIP_A);
		if (port < NAT_FIRST || port >= NAT_HALF)
			fail(b, "port %u is none of this node", port);
		for (uint16_t j = 0; j < i; j++)
			if (seen[j] == port)
				fail(b, "port %u twice", port);
		seen[i] = port;
	}
	case_end(b);
}

/* A plan may want mappings that depend on the other end. */
static void test_mapping(struct bench *b)
{
	static const struct nat by_address = { .first = WORD, .last = WORD + 63, .mapping = SL_NAT_ADDRESS };
	static const struct nat by_port = { .first = WORD,
					    .last = WORD + 63,
					    .mapping = SL_NAT_ADDRESS_PORT };

	nat_plan(b, &by_address, NULL);
	case_begin(b, "port: address-dependent mapping: one for each address");
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, UDP_, ~8ULL);
	goes(b, "one", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), gets_other(UDP_, NET_A), EIP_A, WORD + 3);
	goes(b, "another port of it", A_OUT(.daddr = REMOTE, UDP(PORT, 54)), sets_out(NET_A), EIP_A,
	     WORD + 3);
	nat_take(b, EIP_A, WORD, UDP_, ~16ULL);
	goes(b, "another address", A_OUT(.daddr = REMOTE2, UDP(PORT, 53)), gets_other(UDP_, NET_A), EIP_A,
	     WORD + 4);
	comes(b, "its answer", OUTSIDE(EIP_A, .saddr = REMOTE2, UDP(53, WORD + 4)), returns(UDP_, NET_A), A1,
	      PORT);
	comes(b, "the first's answer", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, WORD + 3)),
	      returns(UDP_, NET_A), A1, PORT);
	case_end(b);
	nat_plan(b, &by_port, NULL);
	case_begin(b, "port: address-and-port-dependent mapping: one for each address and port");
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, UDP_, ~8ULL);
	goes(b, "one", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), gets_other(UDP_, NET_A), EIP_A, WORD + 3);
	nat_take(b, EIP_A, WORD, UDP_, ~16ULL);
	goes(b, "another port of it", A_OUT(.daddr = REMOTE, UDP(PORT, 54)), gets_other(UDP_, NET_A), EIP_A,
	     WORD + 4);
	goes(b, "the first again", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), goes_on(sets_out(NET_A)), EIP_A,
	     WORD + 3);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void test_two_eips(struct bench *b)
{
	static const struct nat two = { .two = true };
	uint16_t vpc = vpc_of(b, "default");
	uint32_t eips = 0;
	struct got got;

	nat_plan(b, &two, NULL);
	case_begin(b, "port: a rule with two EIPs: a workload sticks to one, whatever it sends where");
	nat_fresh(b);
	for (uint16_t i = 0; i < 32; i++) {
		struct send s = i & 1 ? A_OUT(.daddr = REMOTE + i, UDP((uint16_t)(PORT + i), 53))
				      : A_OUT(.daddr = REMOTE - i, TCP((uint16_t)(PORT + i), 80, SYN));
		uint8_t proto = i & 1 ? UDP_ : TCP_;

		s.keep = true;
		if (!bench_run(b, &s, &got))
			break;
		eips |= nat_binding(b, vpc, A1, (uint16_t)(PORT + i), proto, EIP_A) ? 1 : 0;
		eips |= nat_binding(b, vpc, A1, (uint16_t)(PORT + i), proto, EIP_A2) ? 2 : 0;
	}
	that(b, eips == 1 || eips == 2, "one EIP has them all");
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

/* --- none */

static void test_exhausted(struct bench *b)
{
	struct frame told = syn(WORD + 3).frame;
	unsigned int said = 0;
	struct got got;
	struct send s;

	nat_plan(b, &one_word, NULL);
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, TCP_, ~8ULL);
	accepted(b, SL_DROP_NAT_PORTS, "one port is left", syn(WORD + 1), gets_other(TCP_, NET_A), WORD + 3);
	refused(b, SL_DROP_NAT_PORTS, "none is left: told", syn(WORD + 2), EIP_NO_PORT, true);
	case_begin(b, "port: who has one keeps it while none is left");
	goes(b, "the next packet", syn(WORD + 1), goes_on(sets_out(NET_A)), EIP_A, WORD + 3);
	goes(b, "another destination", A_OUT(.daddr = REMOTE2, TCP(WORD + 1, 80, SYN)), sets_out(NET_A),
	     EIP_A, WORD + 3);
	goes(b, "another protocol has its own ports", A_OUT(.daddr = REMOTE, UDP(WORD + 2, 53)),
	     binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	case_end(b);
	case_begin(b, "port: a workload without one is told ten times a second, not more");
	for (int i = 0; i < 40; i++) {
		s = next(workload(W_A1, told));
		if (bench_run(b, &s, &got))
			said += got.frame.len >= 34 && got.frame.bytes[23] == ICMP_;
	}
	if (said < 1 || said > 15)
		fail(b, "told %u times in 40", said);
	case_end(b);
}

static void test_limits(struct bench *b)
{
	static const struct nat two_ports = { .max_ports = 2 }, two_flows = { .max_flows = 2 };
	uint16_t vpc = vpc_of(b, "default");
	struct sl_holder holder;

	nat_plan(b, &two_ports, NULL);
	nat_fresh(b);
	accepted(b, SL_DROP_NAT_LIMIT, "the first port", syn(PORT), binds(EIP_A, TCP_, NET_A), 0);
	accepted(b, SL_DROP_NAT_LIMIT, "the second", syn(PORT + 1), binds(EIP_A, TCP_, NET_A), 0);
	refused(b, SL_DROP_NAT_LIMIT, "the third", syn(PORT + 2), EIP_LIMIT, true);
	accepted(b, SL_DROP_NAT_LIMIT, "the second, to somebody else",
		 A_OUT(.daddr = REMOTE2, TCP(PORT + 1, 80, SYN)), sets_out(NET_A), 0);
	accepted(b, SL_DROP_NAT_LIMIT, "the third, of another protocol",
		 A_OUT(.daddr = REMOTE, UDP(PORT + 2, 53)), binds(EIP_A, UDP_, NET_A), 0);
	accepted(b, SL_DROP_NAT_LIMIT, "another workload's",
		 workload(W_A3,
			  PACKET(.saddr = A3, .daddr = REMOTE, .dmac = mac_router, TCP(PORT + 2, 80, SYN))),
		 binds(EIP_A, TCP_, NET_A), 0);
	case_begin(b, "port: what a workload holds and was refused is known");
	that(b,
	     nat_holder(b, vpc, A1, &holder) && holder.ports[SL_HOLDER_TCP] == 2 &&
		     holder.ports[SL_HOLDER_UDP] == 1 && holder.refused == 1,
	     "two ports of TCP, one of UDP, one refused");
	case_end(b);

	nat_plan(b, &two_flows, NULL);
	nat_fresh(b);
	accepted(b, SL_DROP_NAT_LIMIT, "the first flow", syn(PORT), binds(EIP_A, TCP_, NET_A), 0);
	accepted(b, SL_DROP_NAT_LIMIT, "the second flow, of the same port",
		 A_OUT(.daddr = REMOTE2, TCP(PORT, 80, SYN)), sets_out(NET_A), 0);
	refused(b, SL_DROP_NAT_LIMIT, "the third flow, of the same port",
		A_OUT(.daddr = REMOTE2, TCP(PORT, 81, SYN)), EIP_LIMIT, true);
	nat_plan(b, &nat_plain, NULL);
}

static void test_protocol(struct bench *b)
{
	struct want w = keeps_in(NET_A, SL_NET_WORLD);

	nat_fresh(b);
	hit(b, SL_DROP_NAT_PROTOCOL, "SCTP",
	    next(A_OUT(.daddr = REMOTE, .proto = SL_PROTO_SCTP, .sport = PORT, .dport = 80)), w);
	hit(b, SL_DROP_NAT_PROTOCOL, "GRE", next(A_OUT(.daddr = REMOTE, .proto = 47, .payload = 40)), w);
	accepted(b, SL_DROP_NAT_PROTOCOL, "UDP", A_OUT(.daddr = REMOTE, UDP(PORT, 80)),
		 binds(EIP_A, UDP_, NET_A), 0);
}

/* The table of mappings is full: nobody's is taken away. */
static void test_table_full(struct bench *b)
{
	int fd = b->kernel.table[SL_TABLE_sl_binding];
	struct sl_binding_key key = { .vpc = 9, .proto = TCP_ };
	struct sl_binding row = { .port = 1 };
	uint32_t room = 0;

	nat_fresh(b);
	case_begin(b, "port: a mapping before the table fills up");
	goes(b, "out", syn(PORT), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	while (room < BINDINGS_MAX + 64 && !bpf_map_update_elem(fd, &key, &row, BPF_ANY)) {
		key.addr = ++room;
		if (errno == E2BIG)
			break;
	}
	that(b, room < BINDINGS_MAX + 64, "it can be filled");
	case_end(b);
	refused(b, SL_DROP_NAT_FULL, "no room for a mapping", syn(PORT + 1), EIP_NO_PORT, true);
	case_begin(b, "reason nat_full just missed: a mapping that stands");
	that(b, !nat_taken(b, EIP_A, PORT + 1, TCP_), "a refused source leaves no port taken");
	goes(b, "another destination", A_OUT(.daddr = REMOTE2, TCP(PORT, 80, SYN)), sets_out(NET_A), EIP_A,
	     0);
	b->misses[SL_DROP_NAT_FULL] += case_end(b);
	nat_fresh(b);
}

void test_snat_port(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_other(b);
	test_blocks(b);
	test_mapping(b);
	test_two_eips(b);
	test_exhausted(b);
	test_limits(b);
	test_protocol(b);
	test_table_full(b);
	nat_over(b);
}
