/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections: from the first packet to the last, through a change of plan, and when tables are full.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include "../../user/kernel/shape.h"
#include "sluice.skel.h"
#include "bench.h"

/* A conversation of A1 with B1, both here, through two doors. */
struct talk {
	uint8_t proto;
	uint16_t port; /* of B1; ICMP: the identifier */
};

static struct send ask(struct talk t, uint8_t flags)
{
	return next(workload(W_A1, PACKET(.saddr = A1, .daddr = B1, .proto = t.proto, .sport = 1000,
					  .dport = t.port, .tcp_flags = flags, .icmp_type = SL_ICMP_ECHO,
					  .icmp_id = t.port)));
}

static struct send answer(struct talk t, uint8_t flags)
{
	return next(workload(W_B1, PACKET(.saddr = B1, .daddr = A1, .proto = t.proto, .sport = t.port,
					  .dport = 1000, .tcp_flags = flags, .icmp_type = SL_ICMP_ECHO_REPLY,
					  .icmp_id = t.port)));
}

static bool pass_ask(struct bench *b, const char *name, struct talk t, uint8_t flags, uint32_t stats)
{
	struct send s = ask(t, flags);
	struct frame out = hop(s.frame, scene_mac(B1), mac_router);

	return check(b, name, s,
		     (struct want){ .fate = SENT, .src = NET_A, .dst = NET_B, .stats = stats, .out = &out });
}

static bool pass_answer(struct bench *b, const char *name, struct talk t, uint8_t flags, uint32_t stats)
{
	struct send s = answer(t, flags);
	struct frame out = hop(s.frame, scene_mac(A1), mac_router);

	return check(b, name, s,
		     (struct want){ .fate = SENT, .src = NET_B, .dst = NET_A, .stats = stats, .out = &out });
}

static bool refuse(struct bench *b, const char *name, struct send s, uint8_t reason, uint16_t src,
		   uint16_t dst)
{
	return check(b, name, s,
		     (struct want){ .fate = DROPPED,
				    .reason = reason,
				    .src = src,
				    .dst = dst,
				    .network = s.ifindex == W_B1 ? NET_B : NET_A });
}

static struct sl_flow_key key_of(struct bench *b, struct talk t)
{
	uint16_t vpc = vpc_of(b, "default");

	if (t.proto == SL_PROTO_ICMP) /* the identifier stands as source port */
		return flow_key(vpc, t.proto, A1, t.port, B1, 0);
	return flow_key(vpc, t.proto, A1, 1000, B1, t.port);
}

static struct sl_flow_key reverse(struct sl_flow_key k)
{
	return (struct sl_flow_key){ .saddr = k.daddr,
				     .daddr = k.saddr,
				     .sport = k.dport,
				     .dport = k.sport,
				     .vpc = k.vpc,
				     .proto = k.proto };
}

/* Where both halves are, and how far the connection is. */
static void halves(struct bench *b, const char *when, struct talk t, int where, uint8_t state, uint64_t asked,
		   uint64_t answered)
{
	struct sl_flow_key key = key_of(b, t), back = reverse(key);
	struct sl_flow one, two;
	int first = flow_find(b, &key, &one), second = flow_find(b, &back, &two);

	if (first != where || second != where)
		fail(b, "%s: halves are in %d and %d, wanted %d (1: established, 0: unanswered)", when, first,
		     second, where);
	if (where < 0)
		return;
	if (one.state != state || two.state != state)
		fail(b, "%s: states %u and %u, wanted %u", when, one.state, two.state, state);
	if (one.packets != asked || two.packets != answered)
		fail(b, "%s: %llu and %llu packets counted, wanted %llu and %llu", when,
		     (unsigned long long)one.packets, (unsigned long long)two.packets,
		     (unsigned long long)asked, (unsigned long long)answered);
	if (one.flags & SL_FLOW_REPLY || !(two.flags & SL_FLOW_REPLY))
		fail(b, "%s: the halves do not know which of them replies", when);
	if (memcmp(&one.peer, &back, sizeof(back)) || memcmp(&two.peer, &key, sizeof(key)))
		fail(b, "%s: the halves do not know each other", when);
}

/* Does each half know that there was an answer? */
static void answered(struct bench *b, const char *when, struct talk t, bool wanted)
{
	struct sl_flow_key key = key_of(b, t), back = reverse(key);
	struct sl_flow one, two;

	if (flow_find(b, &key, &one) < 0 || flow_find(b, &back, &two) < 0 ||
	    !(one.flags & SL_FLOW_ANSWERED) == wanted || !(two.flags & SL_FLOW_ANSWERED) == wanted)
		fail(b, "%s: not both halves are marked as %sanswered", when, wanted ? "" : "un");
}

static const struct talk https = { SL_PROTO_TCP, 443 }, dns = { SL_PROTO_UDP, 53 },
			 ping = { SL_PROTO_ICMP, 77 };

static void test_handshake(struct bench *b)
{
	case_begin(b, "flow: handshake, data, close");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	halves(b, "after SYN", https, 0, SL_FLOW_OPENING, 1, 0);
	pass_ask(b, "SYN again", https, SYN, 0);
	halves(b, "after two SYN", https, 0, SL_FLOW_OPENING, 2, 0);
	answered(b, "after two SYN", https, false);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	halves(b, "after SYN ACK", https, 0, SL_FLOW_OPENING, 2, 1);
	answered(b, "after SYN ACK", https, true);
	pass_answer(b, "SYN ACK again", https, SYN | ACK, 0);
	pass_ask(b, "SYN, the answer was lost", https, SYN, 0);
	halves(b, "after two SYN ACK", https, 0, SL_FLOW_OPENING, 3, 2);
	pass_ask(b, "ACK", https, ACK, STAT(FLOWS_PROMOTED));
	halves(b, "after ACK", https, 1, SL_FLOW_ESTABLISHED, 4, 2);
	answered(b, "after ACK", https, true);
	pass_ask(b, "data", https, ACK | SL_TCP_PSH, 0);
	pass_answer(b, "data", https, ACK, 0);
	halves(b, "after data", https, 1, SL_FLOW_ESTABLISHED, 5, 3);
	pass_ask(b, "FIN", https, FIN | ACK, 0);
	halves(b, "after one FIN", https, 1, SL_FLOW_CLOSING, 6, 3);
	pass_answer(b, "data towards the closed half", https, ACK, 0);
	halves(b, "after more data", https, 1, SL_FLOW_CLOSING, 6, 4);
	pass_answer(b, "FIN", https, FIN | ACK, 0);
	halves(b, "after both FIN", https, 1, SL_FLOW_CLOSED, 6, 5);
	pass_ask(b, "the last ACK", https, ACK, 0);
	pass_ask(b, "SYN with the same ports", https, SYN, NEW_FLOW);
	halves(b, "after the new SYN", https, 0, SL_FLOW_OPENING, 1, 0);
	case_end(b);

	case_begin(b, "flow: a SYN of an established flow does not begin it anew");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	pass_ask(b, "ACK", https, ACK, STAT(FLOWS_PROMOTED));
	pass_ask(b, "SYN", https, SYN, 0);
	halves(b, "after", https, 1, SL_FLOW_ESTABLISHED, 3, 1);
	pass_ask(b, "FIN", https, FIN | ACK, 0);
	pass_ask(b, "SYN while the other half is open", https, SYN, 0);
	halves(b, "half closed", https, 1, SL_FLOW_CLOSING, 5, 1);
	case_end(b);
}

static void test_reset(struct bench *b)
{
	case_begin(b, "flow: a refused connection is not promoted");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "RST", https, RST | ACK, 0);
	halves(b, "after RST", https, 0, SL_FLOW_CLOSED, 1, 1);
	pass_ask(b, "SYN again", https, SYN, NEW_FLOW);
	halves(b, "after SYN again", https, 0, SL_FLOW_OPENING, 1, 0);
	case_end(b);

	case_begin(b, "flow: a connection that its opener has reset does not come back to life");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_ask(b, "RST", https, RST, 0);
	pass_answer(b, "SYN ACK, too late", https, SYN | ACK, 0);
	halves(b, "after", https, 0, SL_FLOW_CLOSED, 2, 1);
	pass_ask(b, "ACK, later still", https, ACK, 0);
	halves(b, "after the ACK", https, 0, SL_FLOW_CLOSED, 3, 1);
	case_end(b);

	for (int by = 0; by < 2; by++) {
		case_begin(b, "flow: a handshake that its %s resets after the SYN-ACK is not promoted",
			   by ? "answerer" : "opener");
		bench_clear(b);
		pass_ask(b, "SYN", https, SYN, NEW_FLOW);
		pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
		if (by)
			pass_answer(b, "RST", https, RST, 0);
		else
			pass_ask(b, "RST", https, RST, 0);
		halves(b, "after RST", https, 0, SL_FLOW_CLOSED, by ? 1 : 2, by ? 2 : 1);
		pass_ask(b, "ACK", https, ACK, 0);
		pass_answer(b, "FIN", https, FIN | ACK, 0);
		halves(b, "after what came late", https, 0, SL_FLOW_CLOSED, by ? 2 : 3, by ? 3 : 2);
		pass_ask(b, "SYN with the same ports", https, SYN, NEW_FLOW);
		halves(b, "after the new SYN", https, 0, SL_FLOW_OPENING, 1, 0);
		case_end(b);
	}

	case_begin(b, "flow: a FIN right after the SYN-ACK makes the handshake whole and is remembered");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	pass_ask(b, "FIN", https, FIN | ACK, STAT(FLOWS_PROMOTED));
	halves(b, "after FIN", https, 1, SL_FLOW_CLOSING, 2, 1);
	pass_answer(b, "FIN", https, FIN | ACK, 0);
	halves(b, "after both", https, 1, SL_FLOW_CLOSED, 2, 2);
	case_end(b);

	case_begin(b, "flow: a FIN in the first reply is remembered");
	bench_clear(b);
	pass_ask(b, "ACK", https, ACK, NEW_FLOW);
	pass_answer(b, "FIN", https, FIN | ACK, STAT(FLOWS_PROMOTED));
	halves(b, "after FIN", https, 1, SL_FLOW_CLOSING, 1, 1);
	pass_ask(b, "FIN", https, FIN | ACK, 0);
	halves(b, "after both", https, 1, SL_FLOW_CLOSED, 2, 1);
	case_end(b);

	case_begin(b,
		   "flow: a reset of an established flow closes it, a forbidden SYN does not open it again");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	pass_ask(b, "ACK", https, ACK, STAT(FLOWS_PROMOTED));
	pass_answer(b, "RST", https, RST, 0);
	halves(b, "after RST", https, 1, SL_FLOW_CLOSED, 2, 2);
	pass_answer(b, "FIN, after it", https, FIN | ACK, 0);
	halves(b, "after FIN", https, 1, SL_FLOW_CLOSED, 2, 3);
	refuse(b, "SYN the other way", answer(https, SYN), SL_DROP_POLICY, NET_B, NET_A);
	case_end(b);
}

static void test_others(struct bench *b)
{
	case_begin(b, "flow: UDP and its answer");
	bench_clear(b);
	pass_ask(b, "question", dns, 0, NEW_FLOW);
	halves(b, "after the question", dns, 0, SL_FLOW_OPENING, 1, 0);
	pass_answer(b, "answer", dns, 0, STAT(FLOWS_PROMOTED));
	halves(b, "after the answer", dns, 1, SL_FLOW_ESTABLISHED, 1, 1);
	pass_answer(b, "another answer", dns, 0, 0);
	case_end(b);

	case_begin(b, "flow: echo and its reply, found by the swapped identifier");
	bench_clear(b);
	pass_ask(b, "echo", ping, 0, NEW_FLOW);
	pass_answer(b, "reply", ping, 0, STAT(FLOWS_PROMOTED));
	halves(b, "after the reply", ping, 1, SL_FLOW_ESTABLISHED, 1, 1);
	refuse(b, "a reply with another identifier", answer((struct talk){ 1, 78 }, 0), SL_DROP_ICMP_NO_FLOW,
	       NET_B, NET_A);
	case_end(b);

	case_begin(b, "flow: no answer without a question");
	bench_clear(b);
	refuse(b, "SYN ACK", answer(https, SYN | ACK), SL_DROP_TCP_STATE, NET_B, NET_A);
	refuse(b, "ACK", answer(https, ACK), SL_DROP_POLICY, NET_B, NET_A);
	refuse(b, "UDP", answer(dns, 0), SL_DROP_POLICY, NET_B, NET_A);
	refuse(b, "echo reply", answer(ping, 0), SL_DROP_ICMP_NO_FLOW, NET_B, NET_A);
	case_end(b);

	case_begin(b, "flow: mid-stream opens only where the policy allows");
	bench_clear(b);
	pass_ask(b, "ACK", https, ACK, NEW_FLOW);
	pass_answer(b, "its answer", https, ACK, STAT(FLOWS_PROMOTED));
	refuse(b, "ACK to a closed port", ask((struct talk){ 6, 444 }, ACK), SL_DROP_POLICY, NET_A, NET_B);
	case_end(b);
}

static void test_riders(struct bench *b)
{
	struct frame stolen;

	case_begin(b, "flow: nobody else can ride on it");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	for (int whole = 0; whole < 2; whole++) { /* nor end its handshake */
		if (whole)
			pass_ask(b, "ACK", https, ACK, STAT(FLOWS_PROMOTED));
		stolen = ask(https, ACK).frame;
		refuse(b, "a workload of the same network", next(workload(W_A2, stolen)),
		       SL_DROP_SPOOFED_SOURCE, NET_A, NET_B);
		frame_tag(&stolen, SL_ETH_VLAN, 103);
		refuse(b, "the wire, the right VLAN", next(wire(stolen)), SL_DROP_SPOOFED_SOURCE, NET_A,
		       NET_B);
		refuse(b, "the wire, the right VLAN, XDP", next(wire_xdp(stolen)), SL_DROP_SPOOFED_SOURCE,
		       NET_A, NET_B);
		halves(b, "after the attempts", https, whole, whole ? SL_FLOW_ESTABLISHED : SL_FLOW_OPENING,
		       1U + (uint32_t)whole, 1);
	}
	case_end(b);

	case_begin(b, "flow: from a far workload, not from another VLAN");
	bench_clear(b);
	stolen = PACKET(.saddr = A_FAR, .daddr = B1, TCP(1000, 443, SYN), VLAN(103));
	{
		struct frame out = landed(stolen, scene_mac(B1));

		check(b, "SYN", wire(stolen),
		      (struct want){
			      .fate = SENT, .src = NET_A, .dst = NET_B, .stats = NEW_FLOW, .out = &out });
	}
	stolen = PACKET(.saddr = A_FAR, .daddr = B1, TCP(1000, 443, ACK), VLAN(106));
	check(b, "another VLAN", next(wire(stolen)),
	      (struct want){ .fate = DROPPED,
			     .reason = SL_DROP_SPOOFED_SOURCE,
			     .src = NET_A,
			     .dst = NET_B,
			     .network = NET_CAST });
	case_end(b);
}

/* As for who reads a row that has become another flow's meanwhile. */
static void test_row_of_another(struct bench *b)
{
	const struct talk closed = { 6, 444 };
	struct sl_flow_key key = key_of(b, https), back = reverse(key);
	int fd = b->kernel.table[SL_TABLE_sl_flow];
	struct sl_flow one = { 0 }, two = { 0 };

	case_begin(b, "flow: what stands in another flow's row says nothing");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	pass_ask(b, "ACK", https, ACK, STAT(FLOWS_PROMOTED));
	if (flow_find(b, &key, &one) < 0 || flow_find(b, &back, &two) < 0)
		fail(b, "no flow to copy");
	key = key_of(b, closed);
	back = reverse(key);
	two.generation = 0; /* to be judged again */
	if (bpf_map_update_elem(fd, &key, &one, BPF_ANY) || bpf_map_update_elem(fd, &back, &two, BPF_ANY))
		fail(b, "cannot copy a flow");
	refuse(b, "by its verdict", ask(closed, ACK), SL_DROP_POLICY, NET_A, NET_B);
	refuse(b, "as its answer", answer(closed, ACK), SL_DROP_POLICY, NET_B, NET_A);
	case_end(b);
}

void test_flow(struct bench *b)
{
	test_handshake(b);
	test_row_of_another(b);
	test_reset(b);
	test_others(b);
	test_riders(b);
}

/* --- a new plan */

#define RULE(ports)                                                                                          \
	"{\"policy\":[{\"name\":\"a-to-b\",\"from\":[\"network:net-a\"],\"to\":[\"network:net-b\"],"         \
	"\"ports\":[" ports "],\"action\":\"allow\"}]}"

void test_plan_change(struct bench *b)
{
	case_begin(b, "plan: a change re-judges what it allows and cuts what it forbids");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	pass_ask(b, "ACK", https, ACK, STAT(FLOWS_PROMOTED));
	pass_ask(b, "question", dns, 0, NEW_FLOW);
	pass_answer(b, "answer", dns, 0, STAT(FLOWS_PROMOTED));
	pass_ask(b, "echo, unanswered", ping, 0, NEW_FLOW);
	bench_plan(b, RULE("\"udp/53\",\"icmp\""));
	refuse(b, "a new connection", ask((struct talk){ 6, 8000 }, SYN), SL_DROP_POLICY, NET_A, NET_B);
	check(b, "the old connection", ask(https, ACK),
	      (struct want){ .fate = DROPPED,
			     .reason = SL_DROP_POLICY,
			     .src = NET_A,
			     .dst = NET_B,
			     .network = NET_A,
			     .stats = STAT(FLOWS_CUT) });
	halves(b, "after the cut", https, -1, 0, 0, 0);
	refuse(b, "again", ask(https, ACK), SL_DROP_POLICY, NET_A, NET_B);
	refuse(b, "its answer", answer(https, ACK), SL_DROP_POLICY, NET_B, NET_A);
	pass_answer(b, "the other one's answer", dns, 0, STAT(FLOWS_REJUDGED));
	pass_answer(b, "once is enough", dns, 0, 0);
	pass_ask(b, "and its question", dns, 0, STAT(FLOWS_REJUDGED));
	halves(b, "counters go on", dns, 1, SL_FLOW_ESTABLISHED, 2, 3);
	pass_answer(b, "a reply to what was asked under the old plan", ping, 0, STAT(FLOWS_PROMOTED));
	bench_plan(b, NULL);
	pass_ask(b, "and back", dns, 0, STAT(FLOWS_REJUDGED));
	case_end(b);

	case_begin(b, "plan: a reply cuts a flow that the new plan forbids");
	bench_clear(b);
	pass_ask(b, "question", dns, 0, NEW_FLOW);
	bench_plan(b, RULE("\"tcp/443\""));
	check(b, "answer", answer(dns, 0),
	      (struct want){ .fate = DROPPED,
			     .reason = SL_DROP_POLICY,
			     .src = NET_B,
			     .dst = NET_A,
			     .network = NET_B,
			     .stats = STAT(FLOWS_CUT) });
	halves(b, "after the cut", dns, -1, 0, 0, 0);
	bench_plan(b, NULL);
	case_end(b);
}

/* --- full tables */

static void test_established_full(struct bench *b)
{
	int fd = b->kernel.table[SL_TABLE_sl_flow];
	struct sl_flow junk = { .state = SL_FLOW_ESTABLISHED };

	for (uint32_t room = 0; room < 2; room++) {
		case_begin(b, "full: the established table has room for %u halves", room);
		bench_clear(b);
		for (uint32_t i = 0; i < FLOWS_MAX - room; i++) {
			struct sl_flow_key key = flow_key(999, 6, i, 1, i, 2);

			if (bpf_map_update_elem(fd, &key, &junk, BPF_ANY))
				fail(b, "cannot fill sl_flow");
		}
		pass_ask(b, "SYN", https, SYN, NEW_FLOW);
		pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
		halves(b, "answered", https, 0, SL_FLOW_OPENING, 1, 1);
		pass_ask(b, "ACK", https, ACK, STAT(FLOWS_UNPROMOTED));
		halves(b, "unpromoted", https, 0, SL_FLOW_ESTABLISHED, 2, 1);
		pass_ask(b, "another", https, ACK, 0);
		pass_answer(b, "data", https, ACK, 0);
		pass_ask(b, "FIN", https, FIN | ACK, 0);
		pass_answer(b, "FIN", https, FIN | ACK, 0);
		halves(b, "closed", https, 0, SL_FLOW_CLOSED, 4, 3);
		case_end(b);
	}
}

static void test_flood(struct bench *b)
{
	struct frame f = PACKET(.saddr = A1, .daddr = B1, TCP(1, 443, SYN));
	struct send s = workload(W_A1, f);
	struct got got;

	case_begin(b, "full: a flood of %u SYN harms no established flow", 3 * UNANSWERED_MAX);
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	pass_ask(b, "ACK", https, ACK, STAT(FLOWS_PROMOTED));
	for (uint32_t i = 0; i < 3 * UNANSWERED_MAX && !b->case_failed; i++) {
		s.frame = f;
		frame_tcp(&s.frame)->src = htons((uint16_t)(2000 + i));
		if (bench_run(b, &s, &got))
			that(b, got.retval == 7, "every SYN of the flood still passes");
	}
	pass_ask(b, "data", https, ACK, 0);
	pass_answer(b, "data", https, ACK, 0);
	halves(b, "after the flood", https, 1, SL_FLOW_ESTABLISHED, 3, 2);
	case_end(b);
}

static uint32_t rows(struct bench *b, int table)
{
	struct sl_flow_key key, *at = NULL;
	uint32_t n = 0;

	for (; !bpf_map_get_next_key(b->kernel.table[table], at, &key); n++)
		at = &key;
	return n;
}

/* Whoever floods with addresses that are not his own has every SYN answered and never says a word more. */
static void test_answered_flood(struct bench *b)
{
	struct frame f = PACKET(.saddr = A1, .daddr = B1, TCP(1, 443, SYN));
	struct frame r = PACKET(.saddr = B1, .daddr = A1, TCP(443, 1, SYN | ACK));
	struct send s = workload(W_A1, f), back = next(workload(W_B1, r));
	uint32_t before, stat = SL_STAT_FLOWS_UNPROMOTED;
	uint64_t counts[CPUS_MAX] = { 0 }, refused = 0;
	struct got got;

	case_begin(b, "full: a flood of %u SYN that a server answers adds nothing to the established",
		   3 * UNANSWERED_MAX);
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	pass_ask(b, "ACK", https, ACK, STAT(FLOWS_PROMOTED));
	before = rows(b, SL_TABLE_sl_flow);
	for (uint32_t i = 0; i < 3 * UNANSWERED_MAX && !b->case_failed; i++) {
		uint16_t port = htons((uint16_t)(2000 + i));

		s.frame = f;
		frame_tcp(&s.frame)->src = port;
		back.frame = r;
		frame_tcp(&back.frame)->dst = port;
		if (bench_run(b, &s, &got))
			that(b, got.retval == 7, "every SYN of the flood passes");
		if (bench_run(b, &back, &got))
			that(b, got.retval == 7, "and every answer");
	}
	that(b, before == 2 && rows(b, SL_TABLE_sl_flow) == before,
	     "the two halves that were there, no more");
	that(b, rows(b, SL_TABLE_sl_unanswered) > UNANSWERED_MAX / 2, "the flood among the unanswered");
	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_stat], &stat, counts))
		fail(b, "cannot read sl_stat");
	for (unsigned int i = 0; i < CPUS_MAX; i++)
		refused += counts[i];
	that(b, !refused, "none that found the established table full");
	pass_ask(b, "data", https, ACK, 0);
	pass_answer(b, "data", https, ACK, 0);
	halves(b, "after the flood", https, 1, SL_FLOW_ESTABLISHED, 3, 2);
	case_end(b);
}

/* What a flood may take between the SYN-ACK and the ACK: one half. */
static void test_lost_half(struct bench *b)
{
	struct sl_flow_key back = reverse(key_of(b, https));

	case_begin(b, "full: a half lost before the ACK is made anew");
	bench_clear(b);
	pass_ask(b, "SYN", https, SYN, NEW_FLOW);
	pass_answer(b, "SYN ACK", https, SYN | ACK, 0);
	if (bpf_map_delete_elem(b->kernel.table[SL_TABLE_sl_unanswered], &back))
		fail(b, "no half to lose");
	pass_ask(b, "ACK", https, ACK, 0);
	halves(b, "after the ACK", https, 0, SL_FLOW_OPENING, 2, 0);
	pass_ask(b, "data", https, ACK, STAT(FLOWS_PROMOTED));
	halves(b, "after data", https, 1, SL_FLOW_ESTABLISHED, 3, 0);
	pass_answer(b, "its answer", https, ACK, 0);
	halves(b, "after its answer", https, 1, SL_FLOW_ESTABLISHED, 3, 1);
	case_end(b);
}

/*
 * The LRU table makes room for all who come, so only a kernel without memory refuses a new flow. The same
 * program with a table that can be full stands in for that kernel.
 */
static void test_no_room(struct bench *b)
{
	struct want drop = { .fate = DROPPED, .src = NET_A, .dst = NET_B, .network = NET_A };
	int own = b->program[SL_WL_IN], own_table = b->kernel.table[SL_TABLE_sl_unanswered];
	struct sluice_bpf *skel = sluice_bpf__open();
	struct bpf_program *program;
	bool ready = skel;

	for (int i = 0; ready && i < SL_TABLES; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, shapes[i].name);

		if (i != SL_TABLE_sl_unanswered)
			ready = !bpf_map__reuse_fd(map, b->kernel.table[i]);
		else
			ready = !bpf_map__set_type(map, BPF_MAP_TYPE_HASH) &&
				!bpf_map__set_max_entries(map, 3);
	}
	if (ready)
		bpf_object__for_each_program(program, skel->obj)
			bpf_program__set_autoload(program, program == skel->progs.sl_wl_in);
	if (!ready || sluice_bpf__load(skel)) {
		fail(b, "cannot load sl_wl_in with a small table");
		b->failed++;
		sluice_bpf__destroy(skel);
		return;
	}
	bench_clear(b);
	b->program[SL_WL_IN] = bpf_program__fd(skel->progs.sl_wl_in);
	b->kernel.table[SL_TABLE_sl_unanswered] = bpf_map__fd(skel->maps.sl_unanswered);
	{
		struct send s = ask(https, SYN);
		struct frame out = hop(s.frame, scene_mac(B1), mac_router);

		miss(b, SL_DROP_FLOW_FULL, "room for both halves", s,
		     (struct want){
			     .fate = SENT, .src = NET_A, .dst = NET_B, .stats = NEW_FLOW, .out = &out });
		hit(b, SL_DROP_FLOW_FULL, "room for one half", ask((struct talk){ 6, 8000 }, SYN), drop);
		miss(b, SL_DROP_FLOW_FULL, "a flow that is in passes on", s,
		     (struct want){ .fate = SENT, .src = NET_A, .dst = NET_B, .out = &out });
		hit(b, SL_DROP_FLOW_FULL, "half a flow is not left behind",
		    ask((struct talk){ 6, 8001 }, SYN), drop);
	}
	bench_clear(b);
	b->program[SL_WL_IN] = own;
	b->kernel.table[SL_TABLE_sl_unanswered] = own_table;
	sluice_bpf__destroy(skel);
}

void test_full(struct bench *b)
{
	test_established_full(b);
	test_flood(b);
	test_answered_flood(b);
	test_lost_half(b);
	test_no_room(b);
}
