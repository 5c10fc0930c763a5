/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFC 6888, carrier-grade NAT; a subscriber is a workload. What is shown of figures and kept of logs is the agent's and
 * the labs' part; here is what the programs count and keep.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "rfc.h"

static struct send syn(uint16_t port)
{
	return A_OUT(.daddr = REMOTE, TCP(port, 80, SYN));
}

/* Told that it may not. */
static void refused(struct bench *b, const char *name, struct send s, uint8_t reason, uint32_t event)
{
	struct frame out = unreachable(s.frame, 13, 0);
	struct want w = keeps_in(NET_A, SL_NET_WORLD);

	w.question = true;
	w.reason = reason;
	w.out = &out;
	w.stats = STAT(PROHIBITED_TOLD);
	w.outside = (struct outside){ EIP_A, frame_ip(&s.frame)->proto, event };
	check(b, name, next(s), w);
}

static void req2(struct bench *b)
{
	static const struct nat two = { .two = true };
	uint16_t vpc = vpc_of(b, "default");
	unsigned int one = 0, other = 0;
	struct got got;

	nat_plan(b, &two, NULL);
	case_begin(b, "rfc6888_req2: one address for a subscriber, of all protocols");
	nat_fresh(b);
	for (uint16_t i = 0; i < 30; i++) {
		static const uint8_t protos[3] = { TCP_, UDP_, ICMP_ };
		uint8_t proto = protos[i % 3];
		struct send s = proto == TCP_ ? A_OUT(.daddr = REMOTE + i, TCP((uint16_t)(PORT + i), 80, SYN))
				: proto == UDP_ ? A_OUT(.daddr = REMOTE + i, UDP((uint16_t)(PORT + i), 53))
						: A_OUT(.daddr = REMOTE + i,
							ICMP(SL_ICMP_ECHO, (uint16_t)(PORT + i)));

		s.keep = true;
		if (!bench_run(b, &s, &got))
			break;
		one += nat_binding(b, vpc, A1, (uint16_t)(PORT + i), proto, EIP_A) != 0;
		other += nat_binding(b, vpc, A1, (uint16_t)(PORT + i), proto, EIP_A2) != 0;
	}
	that(b, one + other == 30 && (!one || !other), "all by the same of two");
	case_end(b);

	case_begin(b, "rfc6888_req3: a pool of any addresses: every one of them is used");
	one = other = 0;
	for (uint32_t host = 100; host < 140; host++) {
		struct frame f = PACKET(.saddr = (A1 & ~255U) + host, .daddr = REMOTE, .dmac = mac_ext_router,
					.smac = scene_mac(NODE1), UDP(PORT, 53), VLAN(NET_A));
		struct send s = next(stack_out(f));

		if (!bench_run(b, &s, &got))
			break;
		one += nat_binding(b, vpc, (A1 & ~255U) + host, PORT, UDP_, EIP_A) != 0;
		other += nat_binding(b, vpc, (A1 & ~255U) + host, PORT, UDP_, EIP_A2) != 0;
	}
	if (one + other != 40 || one < 8 || other < 8)
		fail(b, "of 40 sources %u by one and %u by the other", one, other);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req4(struct bench *b)
{
	static const struct nat two_ports = { .max_ports = 2 };

	nat_plan(b, &two_ports, NULL);
	case_begin(b, "rfc6888_req4: a subscriber has so many ports and no more, others theirs");
	nat_fresh(b);
	goes(b, "one", syn(PORT), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	goes(b, "two", syn(PORT + 1), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	refused(b, "three", syn(PORT + 2), SL_DROP_NAT_LIMIT, EIP_LIMIT);
	goes(b, "another's", A3_OUT(.daddr = REMOTE, TCP(PORT + 2, 80, SYN)), binds(EIP_A, TCP_, NET_A),
	     EIP_A, 0);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req5(struct bench *b)
{
	static const struct nat three_flows = { .max_flows = 3 };

	nat_plan(b, &three_flows, NULL);
	case_begin(b, "rfc6888_req5: a subscriber has so many flows and no more");
	nat_fresh(b);
	goes(b, "one", syn(PORT), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	goes(b, "two", A_OUT(.daddr = REMOTE2, TCP(PORT, 80, SYN)), sets_out(NET_A), EIP_A, 0);
	goes(b, "three", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	refused(b, "four", A_OUT(.daddr = REMOTE2, TCP(PORT, 81, SYN)), SL_DROP_NAT_LIMIT, EIP_LIMIT);
	goes(b, "another's", A3_OUT(.daddr = REMOTE, TCP(PORT + 2, 80, SYN)), binds(EIP_A, TCP_, NET_A),
	     EIP_A, 0);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req6(struct bench *b)
{
	struct want w = { .fate = STACK, .src = NET_A, .stats = NEW_FLOW };

	case_begin(b, "rfc6888_req6: a destination that is exempt is sent to with the own address");
	nat_fresh(b);
	check(b, "exempt", next(A_OUT(.daddr = EXCEPTED, TCP(PORT, 80, SYN))), w);
	goes(b, "not exempt", syn(PORT), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	case_end(b);
}

static void req8(struct bench *b)
{
	struct want w = binds(EIP_A, UDP_, NET_A);
	struct sl_outside row;

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc6888_req8: a port that was given back is nobody's for 120 seconds");
	nat_fresh(b);
	leave_free(b, UDP_, 9);
	w.outside.events = EIP_BOUND;
	goes(b, "a mapping", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), w, EIP_A, WORD + 9);
	rfc_pass(b, 340);
	that(b, nat_outside(b, EIP_A, WORD + 9, UDP_, &row) && row.state == SL_OUTSIDE_RESTS, "it rests");
	refused(b, "at once", A3_OUT(.daddr = REMOTE, UDP(PORT, 53)), SL_DROP_NAT_PORTS, EIP_NO_PORT);
	rfc_pass(b, 80);
	refused(b, "some 100 seconds later", A3_OUT(.daddr = REMOTE, UDP(PORT, 53)), SL_DROP_NAT_PORTS,
		EIP_NO_PORT);
	rfc_pass(b, 40);
	goes(b, "more than 120 seconds later", A3_OUT(.daddr = REMOTE, UDP(PORT, 53)), w, EIP_A, WORD + 9);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req11(struct bench *b)
{
	struct want w = binds(EIP_A, TCP_, NET_A);

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc6888_req11: full: the new are dropped and told, nobody's port is taken away");
	nat_fresh(b);
	leave_free(b, TCP_, 9);
	w.outside.events = EIP_BOUND;
	goes(b, "the last port", syn(PORT), w, EIP_A, WORD + 9);
	for (uint16_t i = 1; i < 8; i++)
		refused(b, "one more", A3_OUT(.daddr = REMOTE, TCP((uint16_t)(PORT + i), 80, SYN)),
			SL_DROP_NAT_PORTS, EIP_NO_PORT);
	goes(b, "who has it keeps it", syn(PORT), goes_on(sets_out(NET_A)), EIP_A, WORD + 9);
	goes(b, "for new flows too", A_OUT(.daddr = REMOTE2, TCP(PORT, 80, SYN)), sets_out(NET_A), EIP_A,
	     WORD + 9);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req12(struct bench *b)
{
	struct sl_binding_key key;
	int fd = b->kernel.table[SL_TABLE_sl_binding];
	void *last = NULL;
	int rows = 0;

	case_begin(b, "rfc6888_req12: what is kept of a mapping names no destination");
	nat_fresh(b);
	goes(b, "out", syn(PORT), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	for (; !bpf_map_get_next_key(fd, last, &key); last = &key, rows++)
		that(b, !key.daddr && !key.dport, "no address, no port of the other end");
	that(b, rows == 1, "one row");
	case_end(b);
}

/* Sources that cannot keep their port get one that says nothing about the next. */
static void req15(struct bench *b)
{
	uint16_t vpc = vpc_of(b, "default"), port[40];
	unsigned int steps = 0, low = 0;
	struct got got;

	case_begin(b, "rfc6888_req15: ports cannot be foreseen");
	nat_fresh(b);
	for (uint16_t i = 0; i < 40; i++) {
		struct send s = next(syn((uint16_t)(100 + i)));

		if (!bench_run(b, &s, &got))
			break;
		port[i] = nat_binding(b, vpc, A1, (uint16_t)(100 + i), TCP_, EIP_A);
		low += port[i] < (NAT_FIRST + NAT_HALF) / 2;
		steps += i && (uint16_t)(port[i] - port[i - 1] + 64) < 128;
	}
	if (steps > 5)
		fail(b, "%u of 39 ports are next to the one before", steps);
	if (low < 6 || low > 34)
		fail(b, "%u of 40 ports are of the lower half", low);
	case_end(b);
}

void test_rfc6888(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	req2(b);
	req4(b);
	req5(b);
	req6(b);
	req8(b);
	req11(b);
	req12(b);
	req15(b);
	nat_over(b);
}
