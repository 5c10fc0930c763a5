/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Floating IPs: one to one, both ways, every protocol and port; the workload's policy holds all the same.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP

static struct want opens_in(void)
{
	return (struct want){ .fate = SENT, .dst = NET_B, .stats = NEW_FLOW };
}

static struct want answered(bool tcp)
{
	return (struct want){ .fate = SENT, .src = NET_B, .stats = tcp ? 0 : STAT(FLOWS_PROMOTED) };
}

static void test_out(struct bench *b)
{
	static const struct {
		const char *name;
		struct spec out, in;
	} kinds[] = {
		{ "TCP, a port that SNAT would not give", { TCP(7, 80, SYN) }, { TCP(80, 7, SYN | ACK) } },
		{ "UDP", { UDP(4000, 53), .payload = 9 }, { UDP(53, 4000), .payload = 90 } },
		{ "a ping", { ICMP(SL_ICMP_ECHO, 7), .payload = 56 }, { ICMP(SL_ICMP_ECHO_REPLY, 7) } },
		{ "SCTP",
		  { .proto = SL_PROTO_SCTP, .sport = 4000, .dport = 80 },
		  { .proto = SL_PROTO_SCTP, .sport = 80, .dport = 4000 } },
		{ "GRE", { .proto = 47, .payload = 60 }, { .proto = 47, .payload = 33 } },
		{ "ESP", { .proto = 50, .payload = 61 }, { .proto = 50, .payload = 34 } },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct spec out = kinds[i].out, in = kinds[i].in;

		out.saddr = B1;
		out.daddr = in.saddr = REMOTE;
		out.dmac = mac_router;
		in.daddr = FIP_B;
		in.dmac = scene_mac(NODE1);
		in.smac = mac_ext_router;
		in.tags = 1;
		in.tag[0].tci = EXT;
		case_begin(b, "fip: out and back, %s", kinds[i].name);
		nat_fresh(b);
		goes(b, "out", workload(W_B1, scene_frame(&out)), sets_out(NET_B), FIP_B, 0);
		comes(b, "back", scene_frame(&in), returns(out.proto, NET_B), B1, 0);
		goes(b, "again", workload(W_B1, scene_frame(&out)), goes_on(sets_out(NET_B)), FIP_B, 0);
		case_end(b);
	}
}

static void test_in(struct bench *b)
{
	struct frame f;
	struct want w = keeps_out(FIP_B, TCP_, false);

	case_begin(b, "fip: in and back, TCP to the end");
	nat_fresh(b);
	comes(b, "SYN", OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 22, SYN)), opens_in(), B1, 0);
	goes(b, "SYN ACK", B_OUT(.daddr = REMOTE, TCP(22, 1000, SYN | ACK)), answered(true), FIP_B, 0);
	comes(b, "ACK", OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 22, ACK), .payload = 5),
	      promotes(opens_in()), B1, 0);
	goes(b, "data", B_OUT(.daddr = REMOTE, TCP(22, 1000, ACK), .payload = 1201), answered(true), FIP_B,
	     0);
	f = OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 22, ACK), .payload = 6);
	{
		struct frame out = lands(f, B1, 0);
		struct want on = goes_on(opens_in());

		on.out = &out;
		check(b, "tag beside the frame", next(wire_beside(f)), on);
		check(b, "XDP leaves it to TC", next(wire_xdp(f)), (struct want){ .fate = UNTOUCHED });
	}
	goes(b, "FIN", B_OUT(.daddr = REMOTE, TCP(22, 1000, FIN | ACK)), answered(true), FIP_B, 0);
	case_end(b);

	case_begin(b, "fip: in and back, a ping, UDP, SCTP, GRE");
	nat_fresh(b);
	comes(b, "echo", OUTSIDE(FIP_B, .saddr = REMOTE, ICMP(SL_ICMP_ECHO, 7)), opens_in(), B1, 0);
	goes(b, "reply", B_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, 7)), answered(false), FIP_B, 0);
	comes(b, "UDP", OUTSIDE(FIP_B, .saddr = REMOTE, UDP(1000, 53), .payload = 3), opens_in(), B1, 0);
	goes(b, "UDP", B_OUT(.daddr = REMOTE, UDP(53, 1000), .payload = 4), answered(false), FIP_B, 0);
	f = OUTSIDE(FIP_B, .saddr = REMOTE, .proto = SL_PROTO_SCTP, .sport = 1000, .dport = 5000);
	comes(b, "SCTP", f, opens_in(), B1, 0);
	comes(b, "GRE", OUTSIDE(FIP_B, .saddr = REMOTE, .proto = 47, .payload = 30), opens_in(), B1, 0);
	goes(b, "GRE", B_OUT(.daddr = REMOTE, .proto = 47, .payload = 31), answered(false), FIP_B, 0);
	case_end(b);

	nat_fresh(b);
	w.dst = NET_B;
	hit(b, SL_DROP_POLICY, "to a FIP, a port of the workload that the world may not use",
	    next(wire(OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 23, SYN)))), w);
	f = OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 22, SYN));
	{
		struct frame out = lands(f, B1, 0);
		struct want yes = opens_in();

		yes.out = &out;
		miss(b, SL_DROP_POLICY, "to a FIP, a port that it may", next(wire(f)), yes);
	}
}

/* The same workload behind its FIP and behind a service at once, to one client from one port. */
static void test_backend(struct bench *b)
{
	struct want there = opens(VIP_POOL, 90, TCP_, B1, SL_NET_WORLD, NET_B);
	struct want here = answers(VIP_POOL, 90, TCP_, B1, NET_B, SL_NET_WORLD);
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 90, SYN)), out = into(f, B1, 443);

	case_begin(b, "fip: its workload is a service's backend as well, for the same client");
	nat_fresh(b);
	there.out = &out;
	check(b, "to the service", next(wire(f)), there);
	comes(b, "to the FIP", OUTSIDE(FIP_B, .saddr = CLIENT, TCP(1000, 22, SYN)), opens_in(), B1, 0);
	f = B_OUT(.daddr = CLIENT, TCP(443, 1000, SYN | ACK)).frame;
	out = back(f, VIP_POOL, 90, mac_alien);
	here.out = &out;
	check(b, "the service's answer", next(workload(W_B1, f)), here);
	goes(b, "the FIP's answer", B_OUT(.daddr = CLIENT, TCP(22, 1000, SYN | ACK)), answered(true), FIP_B,
	     0);
	goes(b, "what it opens itself leaves by the FIP", B_OUT(.daddr = CLIENT, TCP(4000, 80, SYN)),
	     sets_out(NET_B), FIP_B, 0);
	case_end(b);
}

static void test_fragments(struct bench *b)
{
	static const uint32_t cut[] = { 0, 24, 1000, 1209 };
	struct frame whole = OUTSIDE(FIP_B, .saddr = REMOTE, UDP(1000, 53), .payload = 1201, .id = 9), f, out;
	struct frame becomes = translate(whole, 0, 0, B1, 0);
	struct want w = opens_in();

	case_begin(b, "fip: fragments");
	nat_fresh(b);
	frame_untag(&becomes);
	for (int i = 0; i < 3; i++) {
		f = piece(&whole, cut[i], cut[i + 1] - cut[i], i < 2);
		out = hop(piece(&becomes, cut[i], cut[i + 1] - cut[i], i < 2), scene_mac(B1), mac_router);
		w.out = &out;
		w.stats |= i ? 0 : STAT(FRAGMENTS);
		check(b, i ? "a later one" : "the first", next(wire(f)), w);
		w = goes_on(w);
		w.stats = 0;
	}
	case_end(b);
}

/* On no VLAN, of a workload behind the node's stack. */
static void test_plain(struct bench *b)
{
	struct frame f = OUTSIDE_PLAIN(FIP_PLAIN, .saddr = REMOTE, TCP(1000, 22, SYN)), out;
	struct want w = { .fate = STACK, .dst = NET_OVERLAY, .stats = NEW_FLOW, .out = &out };

	case_begin(b, "fip: untagged, for a workload behind the stack, which routes");
	nat_fresh(b);
	out = translate(f, 0, 0, V_FIP, 0);
	check(b, "in", next(wire(f)), w);
	f = PACKET(.saddr = V_FIP, .daddr = REMOTE, TCP(22, 1000, SYN | ACK), .dmac = mac_ext_router,
		   .smac = scene_mac(NODE1));
	out = hop(translate(f, FIP_PLAIN, 0, 0, 0), mac_ext_router, scene_mac(NODE1));
	w = (struct want){ .fate = SENT, .src = NET_OVERLAY, .out = &out };
	check(b, "back", next(stack_out(f)), w);
	case_end(b);

	case_begin(b, "fip: untagged, out from behind the stack and back");
	nat_fresh(b);
	f = PACKET(.saddr = V_FIP, .daddr = REMOTE, UDP(4000, 53), .dmac = mac_ext_router,
		   .smac = scene_mac(NODE1));
	out = translate(f, FIP_PLAIN, 0, 0, 0);
	w = (struct want){ .fate = STACK, .src = NET_OVERLAY, .stats = NEW_FLOW, .out = &out };
	check(b, "out", next(stack_out(f)), w);
	f = OUTSIDE_PLAIN(FIP_PLAIN, .saddr = REMOTE, UDP(53, 4000), .payload = 8);
	out = translate(f, 0, 0, V_FIP, 0);
	w = (struct want){ .fate = STACK, .dst = NET_OVERLAY, .stats = STAT(FLOWS_PROMOTED), .out = &out };
	check(b, "back", next(wire(f)), w);
	case_end(b);
}

void test_fip(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_out(b);
	test_in(b);
	test_backend(b);
	test_fragments(b);
	test_plain(b);
	nat_over(b);
}
