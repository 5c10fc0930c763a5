/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What outlives what: mappings live apart from flows and from plans. A new plan keeps ports as long as the EIP stands,
 * a lost flow finds its port again, and a port that is given back rests before it is anybody's again.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define PORT 4000
#define WORD 4096 /* the one word of a narrow rule */

#define GIVEN (WORD + 2)

static const struct nat one_word = { .first = WORD, .last = WORD + 63 },
			other = { .first = WORD, .last = WORD + 63, .other = true }, gone = { .gone = true },
			no_eip = { .gone = true, .no_eip = true },
			given = { .first = WORD, .last = WORD + 63, .other = true, .given = true };

static struct want rejudged(struct want w)
{
	w = goes_on(w);
	w.stats |= STAT(FLOWS_REJUDGED);
	return w;
}

/* A connection of A1 by EIP_A, from a source port that is not kept. */
static void connection(struct bench *b)
{
	struct want w = binds(EIP_A, TCP_, NET_A);

	nat_plan(b, &one_word, NULL);
	nat_fresh(b);
	nat_take(b, EIP_A, WORD, TCP_, ~4ULL);
	w.outside.events = EIP_BOUND;
	goes(b, "SYN", A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)), w, EIP_A, GIVEN);
	comes(b, "SYN ACK", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, GIVEN, SYN | ACK)), returns(TCP_, NET_A),
	      A1, PORT);
	goes(b, "ACK", A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK)), promotes(w), EIP_A, GIVEN);
}

static void test_generation(struct bench *b)
{
	struct want out = rejudged(binds(EIP_A, TCP_, NET_A)), in = rejudged(returns(TCP_, NET_A));
	struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, GIVEN, ACK), .payload = 9);
	struct send s = A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK), .payload = 8);
	struct want cut;

	for (int inside = 0; inside < 2; inside++) {
		case_begin(b, "keep: a new plan keeps the port, %s first",
			   inside ? "from inside" : "from outside");
		connection(b);
		nat_plan(b, &one_word, NULL);
		for (int turn = 0; turn < 4; turn++)
			if ((turn & 1) != inside)
				goes(b, "out", s, turn < 2 ? out : goes_on(out), EIP_A, GIVEN);
			else
				comes(b, "in", f, turn < 2 && !inside ? in : goes_on(in), A1, PORT);
		case_end(b);
	}

	case_begin(b, "keep: a rule that gives another EIP leaves flows the one they have");
	connection(b);
	nat_plan(b, &other, NULL);
	goes(b, "out", s, out, EIP_A, GIVEN);
	comes(b, "in", f, goes_on(in), A1, PORT);
	goes(b, "a new flow has the other", A_OUT(.daddr = REMOTE, TCP(WORD + 9, 80, SYN)),
	     binds(EIP_A2, TCP_, NET_A), EIP_A2, 0);
	case_end(b);

	for (int inside = 0; inside < 2; inside++) {
		case_begin(b, "keep: an EIP that is another VPC's now carries nobody else on, %s first",
			   inside ? "from inside" : "from outside");
		connection(b);
		nat_plan(b, &given, NULL);
		if (inside) {
			cut = binds(EIP_A2, TCP_, NET_A);
			cut.stats |= STAT(FLOWS_CUT);
			cut.outside.events = EIP_BOUND;
			nat_take(b, EIP_A2, WORD, TCP_, ~4ULL);
			goes(b, "out", s, cut, EIP_A2, GIVEN);
		} else {
			cut = (struct want){ .fate = DROPPED,
					     .reason = SL_DROP_POLICY,
					     .src = NET_A,
					     .dst = EXT,
					     .network = EXT,
					     .stats = STAT(FLOWS_CUT) };
			check(b, "in", next(wire(f)), cut);
		}
		case_end(b);
	}

	case_begin(b, "keep: an EIP that is gone ends its flows, and nothing leaves by any other address");
	connection(b);
	nat_plan(b, &no_eip, NULL);
	cut = keeps_in(NET_A, SL_NET_WORLD);
	cut.reason = SL_DROP_NO_EIP;
	cut.stats = STAT(FLOWS_CUT);
	check(b, "out", next(s), cut);
	case_end(b);
	case_begin(b, "keep: a rule that is gone ends its flows, for those outside as well");
	connection(b);
	nat_plan(b, &gone, NULL);
	check(b, "out", next(s), cut);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

/* A flow that somebody outside opened to a mapping. */
static void test_let_in(struct bench *b)
{
	struct want in = { .fate = SENT, .dst = NET_A, .stats = NEW_FLOW };
	struct want out = { .fate = SENT, .src = NET_A, .stats = STAT(FLOWS_PROMOTED) };
	struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE2, UDP(99, PORT), .payload = 9);
	struct send s = A_OUT(.daddr = REMOTE2, UDP(PORT, 99), .payload = 8);

	for (int inside = 0; inside < 2; inside++) {
		case_begin(b, "keep: a new plan keeps a flow that came from outside, %s first",
			   inside ? "from inside" : "from outside");
		nat_plan(b, &nat_plain, NULL);
		nat_fresh(b);
		goes(b, "a mapping", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), binds(EIP_A, UDP_, NET_A), EIP_A,
		     0);
		comes(b, "in", f, in, A1, 0);
		goes(b, "out", s, out, EIP_A, 0);
		nat_plan(b, &nat_plain, NULL);
		if (inside)
			goes(b, "out under a new plan", s, rejudged(out), EIP_A, 0);
		comes(b, "in under a new plan", f, rejudged(in), A1, 0);
		goes(b, "out after that", s, goes_on(out), EIP_A, 0);
		case_end(b);
	}
}

static void test_lost(struct bench *b)
{
	static const struct nat address = { .filtering = SL_NAT_ADDRESS };
	uint16_t vpc = vpc_of(b, "default");
	struct sl_flow_key key = flow_key(vpc, TCP_, A1, PORT, REMOTE, 80);
	struct want w = sets_out(NET_A);

	case_begin(b, "keep: a lost flow finds its port again, from inside");
	connection(b);
	nat_lose(b, &key);
	goes(b, "out", A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK), .payload = 8), w, EIP_A, GIVEN);
	comes(b, "in", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, GIVEN, ACK)), promotes(returns(TCP_, NET_A)),
	      A1, PORT);
	case_end(b);

	case_begin(b, "keep: a lost flow finds its workload again, from outside");
	connection(b);
	nat_lose(b, &key);
	w = (struct want){ .fate = SENT, .dst = NET_A, .stats = NEW_FLOW };
	comes(b, "in", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, GIVEN, ACK), .payload = 8), w, A1, PORT);
	w = (struct want){ .fate = SENT, .src = NET_A, .stats = STAT(FLOWS_PROMOTED) };
	goes(b, "out", A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK)), w, EIP_A, GIVEN);
	case_end(b);

	nat_plan(b, &address, NULL);
	w = (struct want){ .fate = SENT, .dst = NET_A, .stats = NEW_FLOW };
	case_begin(b, "keep: a lost flow finds its workload again, address-dependent filtering");
	nat_fresh(b);
	goes(b, "out", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	key = flow_key(vpc, UDP_, A1, PORT, REMOTE, 53);
	nat_lose(b, &key);
	comes(b, "in", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT)), w, A1, 0);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);

	case_begin(b, "keep: one half lost, the other goes on");
	nat_fresh(b);
	goes(b, "out", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	key = flow_key(vpc, UDP_, REMOTE, 53, EIP_A, PORT);
	that(b, !bpf_map_delete_elem(b->kernel.table[SL_TABLE_sl_unanswered], &key), "the answers' half");
	goes(b, "out again", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), goes_on(sets_out(NET_A)), EIP_A, 0);
	goes(b, "and again", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), sets_out(NET_A), EIP_A, 0);
	comes(b, "in", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT)), returns(UDP_, NET_A), A1, 0);
	case_end(b);
}

static uint64_t stat_of(struct bench *b, uint32_t stat)
{
	uint64_t rows[CPUS_MAX], all = 0;

	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_stat], &stat, rows))
		return UINT64_MAX;
	for (uint32_t cpu = 0; cpu < b->cpus; cpu++)
		all += rows[cpu];
	return all;
}

static void test_release(struct bench *b)
{
	struct send s = A_OUT(.daddr = REMOTE, TCP(WORD + 3, 80, SYN));
	uint16_t vpc = vpc_of(b, "default");
	struct sl_flow_key key = flow_key(vpc, TCP_, A1, WORD + 3, REMOTE, 80);
	struct want w = binds(EIP_A, TCP_, NET_A);
	struct sl_outside row;
	struct sl_holder holder;

	nat_plan(b, &one_word, NULL);
	case_begin(b, "keep: a port that is given back rests, and is free after that");
	nat_fresh(b);
	goes(b, "out", s, w, EIP_A, 0);
	nat_lose(b, &key);
	that(b, nat_outside(b, EIP_A, WORD + 3, TCP_, &row), "a mapping");
	bench_clear_counts(b);
	nat_release(b, SL_RELEASE_REST, EIP_A, WORD + 3, TCP_, row.seen - 1);
	that(b, nat_outside(b, EIP_A, WORD + 3, TCP_, &row) && row.state == SL_OUTSIDE_BOUND,
	     "used meanwhile: it stays");
	nat_release(b, SL_RELEASE_FREE, EIP_A, WORD + 3, TCP_, row.seen);
	that(b, nat_outside(b, EIP_A, WORD + 3, TCP_, &row) && nat_taken(b, EIP_A, WORD + 3, TCP_),
	     "what does not rest is not freed");
	nat_release(b, SL_RELEASE_REST, EIP_A, WORD + 3, TCP_, row.seen);
	that(b, nat_outside(b, EIP_A, WORD + 3, TCP_, &row) && row.state == SL_OUTSIDE_RESTS, "it rests");
	that(b, !nat_binding(b, vpc, A1, WORD + 3, TCP_, EIP_A), "the mapping from inside is gone");
	that(b, nat_taken(b, EIP_A, WORD + 3, TCP_), "its port is nobody's yet");
	that(b, nat_holder(b, vpc, A1, &holder) && !holder.ports[SL_HOLDER_TCP], "the workload holds none");
	that(b, stat_of(b, SL_STAT_BINDINGS_ENDED) == 1, "counted");
	case_end(b);

	hit(b, SL_DROP_NO_BINDING, "a port that rests",
	    next(wire(OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, WORD + 3, SYN | ACK)))),
	    keeps_out(EIP_A, TCP_, true));
	case_begin(b, "keep: while it rests not even its last holder gets it");
	nat_take(b, EIP_A, WORD, TCP_, ~(1ULL << 50));
	w.outside.events = EIP_BOUND;
	goes(b, "out", s, w, EIP_A, WORD + 50);
	case_end(b);

	case_begin(b, "keep: when it has rested it is anybody's");
	nat_fresh(b);
	goes(b, "out", s, binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	nat_lose(b, &key);
	nat_outside(b, EIP_A, WORD + 3, TCP_, &row);
	nat_release(b, SL_RELEASE_REST, EIP_A, WORD + 3, TCP_, row.seen);
	nat_outside(b, EIP_A, WORD + 3, TCP_, &row);
	bench_clear_counts(b);
	nat_release(b, SL_RELEASE_FREE, EIP_A, WORD + 3, TCP_, row.seen);
	that(b, !nat_outside(b, EIP_A, WORD + 3, TCP_, &row) && !nat_taken(b, EIP_A, WORD + 3, TCP_), "free");
	that(b, stat_of(b, SL_STAT_PORTS_FREED) == 1, "counted");
	goes(b, "another takes it",
	     workload(W_A3, PACKET(.saddr = A3, .daddr = REMOTE, .dmac = mac_router, TCP(WORD + 3, 80, SYN))),
	     binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

void test_nat_keep(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_generation(b);
	test_let_in(b);
	test_lost(b);
	test_release(b);
	nat_over(b);
}
