/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a flow through a VIP keeps: its backend through new plans, its client's backend with affinity, and its
 * answers apart from those of others.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define STICKY 89

static void there(struct bench *b, const char *name, struct send s, uint32_t backend, uint16_t target,
		  struct want w)
{
	struct frame out = into(s.frame, backend, target);

	w.out = &out;
	check(b, name, s, w);
}

static void here(struct bench *b, const char *name, uint8_t flags, struct want w)
{
	struct frame f = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, flags)),
		     out = back(f, VIP_POOL, 80, mac_alien);

	w.out = &out;
	check(b, name, next(workload(W_A1, f)), w);
}

static void test_new_plan(struct bench *b)
{
	struct want w = opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A);
	struct want v = answers(VIP_POOL, 80, TCP_, A1, NET_A, SL_NET_WORLD), again;
	struct send syn = wire(TO_VIP(VIP_POOL, TCP(1000, 80, SYN))),
		    ack = next(wire(TO_VIP(VIP_POOL, TCP(1000, 80, ACK))));

	case_begin(b, "keep: a new plan in the middle of a handshake: the answer counts as one");
	there(b, "SYN", syn, A1, 8080, w);
	bench_plan(b, NULL);
	again = v;
	again.stats |= STAT(FLOWS_REJUDGED);
	here(b, "SYN ACK", SYN | ACK, again);
	again = goes_on(w);
	again.stats = STAT(FLOWS_REJUDGED) | STAT(FLOWS_PROMOTED);
	there(b, "ACK", ack, A1, 8080, again);
	there(b, "another", ack, A1, 8080, goes_on(w));
	case_end(b);

	case_begin(b, "keep: an established flow through three plans");
	there(b, "SYN", syn, A1, 8080, w);
	here(b, "SYN ACK", SYN | ACK, v);
	there(b, "ACK", ack, A1, 8080, promotes(goes_on(w)));
	for (int i = 0; i < 3; i++) {
		bench_plan(b,
			   i == 1 ? "{\"services\":{\"pool\":{\"backends\":[{\"address\":\"192.168.103.13\"},"
				    "{\"address\":\"192.168.103.11\",\"state\":\"drain\"}]}}}"
				  : NULL);
		again = goes_on(w);
		again.stats = STAT(FLOWS_REJUDGED);
		there(b, "ACK", ack, A1, 8080, again);
		here(b, "ACK", ACK, goes_on(v));
		there(b, "another", ack, A1, 8080, goes_on(w));
	}
	case_end(b);

	case_begin(b, "keep: what the backend says first under a new plan");
	bench_plan(b, NULL);
	again = goes_on(v);
	again.stats = STAT(FLOWS_REJUDGED);
	here(b, "ACK", ACK, again);
	here(b, "another", ACK, goes_on(v));
	case_end(b);

	case_begin(b, "keep: a backend's packet from another interface is not its answer");
	there(b, "SYN", syn, A1, 8080, w);
	check(b, "from the wire",
	      next(wire(PACKET(.saddr = A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK), VLAN(NET_A)))),
	      (struct want){
		      .fate = DROPPED, .reason = SL_DROP_SPOOFED_SOURCE, .src = NET_A, .network = NET_A });
	case_end(b);
}

/* A drained backend takes nothing new, also where it did a plan ago. */
static void test_drain(struct bench *b)
{
	static const char drained[] = "{\"services\":{\"pool\":{\"backends\":["
				      "{\"address\":\"192.168.103.11\",\"state\":\"drain\"}]}}}";
	struct want w = opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A), no;
	struct frame f = TO_VIP(VIP_POOL, TCP(1001, 80, SYN)), out = reset(f);

	case_begin(b, "keep: the last backend drains: flows go on, new ones are refused");
	there(b, "SYN", wire(TO_VIP(VIP_POOL, TCP(1000, 80, SYN))), A1, 8080, w);
	bench_plan(b, drained);
	w = goes_on(w);
	w.stats = STAT(FLOWS_REJUDGED);
	there(b, "ACK", next(wire(TO_VIP(VIP_POOL, TCP(1000, 80, ACK)))), A1, 8080, w);
	no = refuses(VIP_POOL, 80, TCP_, SL_NET_WORLD, SL_NET_WORLD);
	no.reason = SL_DROP_SERVICE_EMPTY;
	no.question = true;
	no.stats = STAT(RESETS);
	no.out = &out;
	check(b, "another SYN", next(wire(f)), no);
	bench_plan(b, NULL);
	case_end(b);
}

/* The backend is the same, but stands on another node now. */
static void test_moved(struct bench *b)
{
	static const char moved[] = "{\"services\":{\"pods\":{\"backends\":["
				    "{\"address\":\"10.17.0.99\",\"node\":\"node2\"}]}}}";
	struct want w = opens(VIP_POOL, 93, TCP_, V_OTHER, SL_NET_WORLD, NET_OVERLAY);
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 93, ACK)), out = readdress(f, 0, 0, V_OTHER, 8093);
	struct send s = next(wire(f));
	struct got got;

	case_begin(b, "keep: a backend that moved to another node is followed there");
	w.fate = STACK;
	w.out = &out;
	check(b, "here", wire(f), w);
	bench_plan(b, moved);
	if (bench_run(b, &s, &got)) { /* moves the flow: the next one finds it there */
		out = wrap(&f, f.bytes, f.bytes + 6, NODE1, NODE2, V_OTHER);
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
		same_frame(b, &out, &got.frame);
		w = goes_on(w);
		w.fate = SENT;
		w.stats = STAT(TUNNEL_SENT) | STAT(FLOWS_PROMOTED);
		w.served.event =
			SERVED_ANSWER; /* its answers do not pass here: this shows that there was one */
		check(b, "ACK", s, w);
	}
	bench_plan(b, NULL);
	case_end(b);
}

/* --- affinity */

static uint32_t landed_on(struct bench *b, uint32_t client, uint16_t sport, bool keep)
{
	struct send s = wire(PACKET(.saddr = client, .daddr = VIP_POOL, .dmac = scene_mac(NODE1),
				    TCP(sport, STICKY, SYN)));
	struct got got;

	if (!keep)
		bench_clear(b);
	return bench_run(b, &s, &got) ? ntohl(frame_ip(&got.frame)->daddr) : 0;
}

static void test_affinity(struct bench *b)
{
	struct sl_affinity_key key = { .service = { htonl(VIP_POOL), htons(STICKY), TCP_, 0 },
				       .client = htonl(CLIENT) };
	int fd = b->kernel.table[SL_TABLE_sl_affinity];
	struct sl_affinity row = { 0 };
	unsigned int other = 0;
	uint32_t first, to[3] = { 0 };

	case_begin(b, "keep: a client stays with its backend for as long as affinity_s says");
	first = landed_on(b, CLIENT, 1000, false);
	for (uint16_t port = 1001; port < 1020; port++)
		that(b, landed_on(b, CLIENT, port, true) == first, "the same backend by another port");
	that(b, !bpf_map_lookup_elem(fd, &key, &row) && ntohl(row.backend) == first, "a row that says so");
	for (uint16_t port = 2000; port < 2040; port++) {
		row.seen = tick() - SL_TICKS(61);
		bpf_map_update_elem(fd, &key, &row, BPF_ANY);
		other += landed_on(b, CLIENT, port, true) != first;
		row.backend = htonl(first);
	}
	that(b, other > 10 && other < 40, "a minute later it is anybody's again");
	case_end(b);

	case_begin(b, "keep: a client does not stay with a backend that is gone or draining");
	for (int i = 0; i < 3; i++) {
		static const char *const plans[] = {
			"{\"services\":{\"sticky\":{\"backends\":[{\"address\":\"192.168.104.11\"}]}}}",
			"{\"services\":{\"sticky\":{\"backends\":[{\"address\":\"192.168.104.11\"},"
			"{\"address\":\"192.168.103.11\",\"state\":\"drain\"}]}}}",
			"{\"services\":{\"sticky\":{\"backends\":[{\"address\":\"192.168.104.11\"},"
			"{\"address\":\"192.168.103.11\"}]}}}",
		};

		row = (struct sl_affinity){ .backend = htonl(A1), .seen = tick() };
		bpf_map_update_elem(fd, &key, &row, BPF_ANY);
		bench_plan(b, plans[i]);
		to[i] = landed_on(b, CLIENT, (uint16_t)(3000 + i), true);
	}
	that(b, to[0] == B1, "gone: another");
	that(b, to[1] == B1, "draining: another");
	that(b, to[2] == A1, "there: the same");
	bench_plan(b, NULL);
	case_end(b);

	case_begin(b, "keep: a hit is counted");
	landed_on(b, CLIENT, 1000, false);
	{
		struct want w =
			opens(VIP_POOL, STICKY, TCP_, first, SL_NET_WORLD, first == B1 ? NET_B : NET_A);

		w.stats |= STAT(AFFINITY_HITS);
		w.unmarked = first == A2;
		there(b, "another connection", next(wire(TO_VIP(VIP_POOL, TCP(1001, STICKY, SYN)))), first, 0,
		      w);
	}
	case_end(b);
}

/* Without affinity every backend has its share. */
static void test_shares(struct bench *b)
{
	static const char plan[] = "{\"services\":{\"sticky\":{\"affinity_s\":0}}}";
	unsigned int a1 = 0, a2 = 0, b1 = 0;

	if (!bench_plan(b, plan))
		return;
	case_begin(b, "keep: new flows go to all backends alike");
	for (uint16_t port = 1; port <= 3000; port++) {
		uint32_t to = landed_on(b, CLIENT, port, port % 512);

		a1 += to == A1;
		a2 += to == A2;
		b1 += to == B1;
	}
	if (a1 + a2 + b1 != 3000 || a1 < 900 || a2 < 900 || b1 < 900)
		fail(b, "of 3000 flows %u, %u and %u", a1, a2, b1);
	case_end(b);
	bench_plan(b, NULL);
}

/* --- two VIPs that mean the same port of one backend, and a client who uses one port for both */

static void test_apart(struct bench *b, bool over)
{
	struct want w = opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A);
	struct frame f = TO_VIP(VIP_EXT, TCP(1000, 80, SYN), VLAN(EXT)), out, r;
	struct send s = next(wire(f));
	struct got got;
	uint16_t port;

	case_begin(b, "keep: flows whose answers would look alike are told apart by the source port%s",
		   over ? ", even when the first is over" : "");
	there(b, "the first", wire(TO_VIP(VIP_POOL, TCP(1000, 80, SYN))), A1, 8080, w);
	if (over) /* which the backend may not have seen when the second comes */
		there(b, "its end", next(wire(TO_VIP(VIP_POOL, TCP(1000, 80, RST)))), A1, 8080, goes_on(w));
	if (bench_run(b, &s, &got)) {
		port = ntohs(*(uint16_t *)(got.frame.bytes + 34));
		that(b, port != 1000 && port >= 1024, "another source port");
		out = into(readdress(f, 0, port, 0, 0), A1, 8080);
		w = goes_on(opens(VIP_EXT, 80, TCP_, A1, SL_NET_WORLD, NET_A));
		w.out = &out;
		check(b, "the second", s, w);
		r = FROM(A1, .daddr = CLIENT, TCP(8080, port, SYN | ACK));
		out = hop(readdress(r, VIP_EXT, 80, 0, 1000), mac_alien, scene_mac(NODE1));
		w = answers(VIP_EXT, 80, TCP_, A1, NET_A, SL_NET_WORLD);
		w.out = &out;
		check(b, "its answer", next(workload(W_A1, r)), w);
		here(b, "the other's answer", SYN | ACK,
		     answers(VIP_POOL, 80, TCP_, A1, NET_A, SL_NET_WORLD));
		bench_plan(b, NULL);
		out = into(readdress(f, 0, port, 0, 0), A1, 8080);
		w = goes_on(opens(VIP_EXT, 80, TCP_, A1, SL_NET_WORLD, NET_A));
		w.stats = STAT(FLOWS_REJUDGED);
		w.out = &out;
		check(b, "the second, under a new plan", s, w);
	}
	case_end(b);
}

void test_keep(struct bench *b)
{
	test_new_plan(b);
	test_drain(b);
	test_moved(b);
	test_affinity(b);
	test_shares(b);
	test_apart(b, false);
	test_apart(b, true);
}
