/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From SYN to SYN-ACK: timed once for a connection that opens on this node's side, filed under the two networks and
 * clusters, and never where nobody can know which SYN was answered. Time is made by moving the SYN's into the past.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include "nat.h"
#include "wan.h"

#define TCP_ SL_PROTO_TCP

static uint32_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U);
}

/* Runs a packet whatever becomes of it, and asks only what was timed. */
static void then(struct bench *b, const char *what, struct send s, const struct timed *timed)
{
	const struct want w = { .timed = *timed };
	struct got got;

	s.keep = true;
	bench_clear_counts(b);
	if (bench_run(b, &s, &got) && !check_timed(b, &s, &w))
		fail(b, "at: %s", what);
}

static const struct timed not_timed = { .as = TIMED_NOT };

static struct timed timed(uint16_t src, uint16_t dst, uint16_t src_cluster, uint16_t dst_cluster)
{
	return (struct timed){ .as = TIMED,
			       .key = { src, dst, src_cluster, dst_cluster },
			       .bucket = BUCKET_ANY };
}

/* The opener's row, with its SYN so long ago; false: there is none. */
static bool move_back(struct bench *b, const struct frame *syn, uint32_t us)
{
	struct frame f = *syn;
	struct sl_flow_key key =
		flow_key(vpc_of(b, "default"), TCP_, ntohl(frame_ip(&f)->saddr), ntohs(frame_tcp(&f)->src),
			 ntohl(frame_ip(&f)->daddr), ntohs(frame_tcp(&f)->dst));
	struct sl_flow flow;

	if (flow_find(b, &key, &flow) != 0)
		return fail(b, "no unanswered flow");
	if (!flow.asked)
		return fail(b, "the time of the SYN is not noted");
	flow.asked = now_us() - us;
	return !bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_unanswered], &key, &flow, BPF_EXIST) ||
	       fail(b, "cannot write sl_unanswered: %s", strerror(errno));
}

/* A SYN that was answered after so many µs; on a busy machine again, until nothing else took time. */
static void answered_after(struct bench *b, uint32_t us, uint32_t margin, uint32_t bucket)
{
	struct send syn = workload(W_A1, FROM(A1, .daddr = W1, TCP(1000, 443, SYN)));
	struct send answer = next(from_tunnel(PACKET(.saddr = W1, .daddr = A1, TCP(443, 1000, SYN | ACK))));
	struct want w = { .timed = timed(NET_A, NET_W, MAIN, WEST) };
	uint32_t before, took = margin;
	struct got got;

	for (int i = 0; i < 50 && took >= margin && !b->case_failed; i++) {
		bench_clear(b);
		if (!bench_run(b, &syn, &got))
			return;
		before = now_us();
		if (!move_back(b, &syn.frame, us) || !bench_run(b, &answer, &got))
			return;
		took = now_us() - before;
	}
	if (took >= margin)
		fail(b, "the machine is too busy to time %u µs", us);
	w.timed.bucket = bucket;
	check_timed(b, &answer, &w);
}

static void test_buckets(struct bench *b)
{
#define BOUND(us) us,
	static const uint32_t bounds[SL_RTT_BUCKETS - 1] = { SL_RTT_LIST(BOUND) };
#undef BOUND
	uint32_t low = 0;

	case_begin(b, "rtt: every bucket");
	for (uint32_t i = 0; i < SL_RTT_BUCKETS; i++) {
		uint32_t high = i + 1 < SL_RTT_BUCKETS ? bounds[i] : 4 * low;

		answered_after(b, low + 1, high - low - 1, i);
		low = high;
	}
	case_end(b);
}

static void test_once(struct bench *b)
{
	struct send syn = workload(W_A1, FROM(A1, .daddr = W1, TCP(1000, 443, SYN)));
	struct send answer = from_tunnel(PACKET(.saddr = W1, .daddr = A1, TCP(443, 1000, SYN | ACK)));
	struct send ack = workload(W_A1, FROM(A1, .daddr = W1, TCP(1000, 443, ACK)));
	struct timed as = timed(NET_A, NET_W, MAIN, WEST);

	case_begin(b, "rtt: once a connection, and by nothing but its SYN-ACK");
	bench_clear(b);
	then(b, "SYN", syn, &not_timed);
	then(b, "somebody else's SYN-ACK",
	     from_tunnel(PACKET(.saddr = W1, .daddr = A1, TCP(443, 1001, SYN | ACK))), &not_timed);
	then(b, "a reset is no answer to time", workload(W_A1, FROM(A1, .daddr = W1, TCP(1000, 443, RST))),
	     &not_timed);
	bench_clear(b);
	then(b, "SYN", syn, &not_timed);
	then(b, "SYN-ACK", answer, &as);
	then(b, "SYN-ACK again", answer, &not_timed);
	then(b, "ACK", ack, &not_timed);
	then(b, "SYN-ACK, late", answer, &not_timed);
	case_end(b);

	case_begin(b, "rtt: not after a SYN that was sent twice");
	bench_clear(b);
	then(b, "SYN", syn, &not_timed);
	then(b, "SYN again", syn, &not_timed);
	then(b, "SYN-ACK", answer, &not_timed);
	case_end(b);

	case_begin(b, "rtt: the next connection by the same ports is timed again");
	bench_clear(b);
	then(b, "SYN", syn, &not_timed);
	then(b, "SYN-ACK", answer, &as);
	bench_clear(b);
	then(b, "SYN", syn, &not_timed);
	then(b, "SYN-ACK", answer, &as);
	case_end(b);
}

static void test_sides(struct bench *b)
{
	struct timed as;

	case_begin(b, "rtt: by network and cluster of the opener and of who answers");
	nat_fresh(b);
	as = timed(NET_A, NET_B, MAIN, MAIN);
	then(b, "SYN", workload(W_A1, FROM(A1, .daddr = B1, TCP(1000, 443, SYN))), &not_timed);
	then(b, "here", workload(W_B1, FROM(B1, .daddr = A1, TCP(443, 1000, SYN | ACK))), &as);
	then(b, "SYN", workload(W_A1, FROM(A1, .daddr = B_FAR, TCP(1000, 443, SYN))), &not_timed);
	then(b, "by the wire, XDP",
	     wire_xdp(PACKET(.saddr = B_FAR, .daddr = A1, TCP(443, 1000, SYN | ACK), VLAN(NET_B))), &as);
	then(b, "by the wire, and again in TC",
	     wire(PACKET(.saddr = B_FAR, .daddr = A1, TCP(443, 1000, SYN | ACK), VLAN(NET_B))), &not_timed);
	as = timed(NET_OVERLAY, NET_W, MAIN, WEST);
	then(b, "SYN", to_tunnel(PACKET(.saddr = V_OTHER, .daddr = W1, TCP(1000, 443, SYN))), &not_timed);
	then(b, "by the stack and the tunnel",
	     from_tunnel(PACKET(.saddr = W1, .daddr = V_OTHER, TCP(443, 1000, SYN | ACK))), &as);
	as = timed(NET_A, SL_NET_WORLD, MAIN, 0);
	then(b, "SYN", A_OUT(.daddr = REMOTE, TCP(4000, 80, SYN)), &not_timed);
	then(b, "the world, by source NAT", wire(OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, 4000, SYN | ACK))),
	     &as);
	as = timed(NET_B, SL_NET_WORLD, MAIN, 0);
	then(b, "SYN", B_OUT(.daddr = REMOTE, TCP(4001, 80, SYN)), &not_timed);
	then(b, "the world, by a floating IP",
	     wire(OUTSIDE(FIP_B, .saddr = REMOTE, TCP(80, 4001, SYN | ACK))), &as);
	as = timed(NET_B, NET_A, MAIN, MAIN);
	then(b, "SYN", workload(W_B1, FROM(B1, .daddr = VIP_POOL, TCP(1002, 80, SYN))), &not_timed);
	then(b, "through a service", workload(W_A1, FROM(A1, .daddr = B1, TCP(8080, 1002, SYN | ACK))), &as);
	case_end(b);

	case_begin(b, "rtt: not of who opens from the other side");
	nat_fresh(b);
	then(b, "SYN", from_tunnel(PACKET(.saddr = W1, .daddr = A1, TCP(1000, 8000, SYN))), &not_timed);
	then(b, "another cluster", workload(W_A1, FROM(A1, .daddr = W1, TCP(8000, 1000, SYN | ACK))),
	     &not_timed);
	then(b, "SYN", wire(PACKET(.saddr = A_FAR, .daddr = B1, TCP(1000, 443, SYN), VLAN(NET_A))),
	     &not_timed);
	then(b, "another node", workload(W_B1, FROM(B1, .daddr = A_FAR, TCP(443, 1000, SYN | ACK))),
	     &not_timed);
	then(b, "SYN", wire(TO_VIP(VIP_POOL, TCP(1000, 80, SYN))), &not_timed);
	then(b, "a client of a service",
	     workload(W_A1, FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK))), &not_timed);
	case_end(b);
}

void test_rtt(struct bench *b)
{
	static const struct wan wan = { .nat = true };

	if (!wan_plan(b, &wan, NULL))
		return;
	test_buckets(b);
	test_once(b);
	test_sides(b);
	wan_over(b);
}
