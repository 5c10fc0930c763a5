/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between clusters: what a route lets through the tunnel and what leaks, in both directions, at the doors of the
 * tunnel and at those of workloads. A test run gives every frame an Ethernet header; that a tunnel without one meets
 * the same judgement is shown by the labs, with WireGuard.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "wan.h"

#define LEAK SL_DROP_ROUTE_LEAK
#define TCP_ SL_PROTO_TCP

static const struct want leaves = { .fate = SENT, .src = NET_A, .dst = NET_W, .stats = NEW_FLOW };
static const struct want arrives_ = { .fate = SENT, .src = NET_W, .dst = NET_A, .stats = NEW_FLOW };

/* From a workload, as it goes into the tunnel: whose MACs nobody looks at. */
static struct frame into_tunnel(struct frame f)
{
	return hop(f, f.bytes, f.bytes + 6);
}

/* Out of the tunnel, as a workload here gets it. */
static struct frame for_workload(struct frame f)
{
	const struct sl_ipv4 *ip = frame_ip(&f);

	return hop(f, scene_mac(ntohl(ip->daddr)), mac_router);
}

static void verdict(struct bench *b, const struct frame *frame, uint8_t action, uint16_t flags,
		    uint32_t ifindex)
{
	struct frame f = *frame;
	const struct sl_ipv4 *ip = frame_ip(&f);
	struct sl_flow_key key =
		flow_key(vpc_of(b, "default"), ip->proto, ntohl(ip->saddr), ntohs(frame_udp(&f)->src),
			 ntohl(ip->daddr), ntohs(frame_udp(&f)->dst));
	struct sl_flow flow;

	if (flow_find(b, &key, &flow) < 0)
		fail(b, "no flow");
	else if (flow.verdict.action != action || flow.verdict.flags != flags ||
		 flow.verdict.ifindex != ifindex)
		fail(b, "verdict: action %u, flags 0x%x, interface %u", flow.verdict.action,
		     flow.verdict.flags, flow.verdict.ifindex);
}

/* --- what a route opens */

static void test_there_and_back(struct bench *b)
{
	struct frame f = FROM(A1, .daddr = W1, TCP(1000, 443, SYN)), out = into_tunnel(f);
	struct want w = leaves;

	w.out = &out;
	miss(b, LEAK, "a port that a route and a rule name", workload(W_A1, f), w);
	case_begin(b, "wan: from here into the tunnel, and back");
	check(b, "SYN", workload(W_A1, f), w);
	verdict(b, &f, SL_ACTION_WAN, SL_VERDICT_ROUTED, WAN0);
	f = PACKET(.saddr = W1, .daddr = A1, TCP(443, 1000, SYN | ACK));
	out = for_workload(f);
	w = arrives_;
	w.stats = 0;
	w.out = &out;
	check(b, "SYN ACK", next(from_tunnel(f)), w);
	verdict(b, &f, SL_ACTION_LOCAL, SL_VERDICT_SET_DMAC | SL_VERDICT_ROUTED, W_A1);
	f = FROM(A1, .daddr = W1, TCP(1000, 443, ACK), .payload = 100);
	out = into_tunnel(f);
	w = promotes(leaves);
	w.out = &out;
	check(b, "ACK", next(workload(W_A1, f)), w);
	case_end(b);

	case_begin(b, "wan: from there to a workload here, and back");
	f = PACKET(.saddr = W1, .daddr = A1, TCP(1000, 8000, SYN));
	out = for_workload(f);
	w = arrives_;
	w.out = &out;
	check(b, "SYN", from_tunnel(f), w);
	f = FROM(A1, .daddr = W1, TCP(8000, 1000, SYN | ACK));
	out = into_tunnel(f);
	w = leaves;
	w.stats = 0;
	w.out = &out;
	check(b, "SYN ACK", next(workload(W_A1, f)), w);
	case_end(b);

	case_begin(b, "wan: UDP, a ping, an address that no workload has");
	f = FROM(A1, .daddr = W_OTHER, UDP(1000, 53), .payload = 9);
	out = into_tunnel(f);
	w = leaves;
	w.out = &out;
	check(b, "UDP", workload(W_A1, f), w);
	f = FROM(A1, .daddr = W1, ICMP(SL_ICMP_ECHO, 7), .payload = 30);
	out = into_tunnel(f);
	check(b, "ping", workload(W_A1, f), w);
	f = PACKET(.saddr = W1, .daddr = A1, ICMP(SL_ICMP_ECHO_REPLY, 7), .payload = 30);
	out = for_workload(f);
	w = promotes(arrives_);
	w.out = &out;
	check(b, "answered", next(from_tunnel(f)), w);
	case_end(b);
}

static void test_fragments(struct bench *b)
{
	struct frame whole = FROM(A1, .daddr = W1, UDP(1000, 53), .payload = 992, .id = 9), f, out;
	struct want w = leaves;

	case_begin(b, "wan: fragments into the tunnel and out of it");
	w.stats |= STAT(FRAGMENTS);
	w.out = &out;
	for (uint32_t at = 0; at < 1000; at += 400) {
		f = piece(&whole, at, at + 400 < 1000 ? 400 : 1000 - at, at + 400 < 1000);
		out = into_tunnel(f);
		check(b, at ? "a later one" : "the first", at ? next(workload(W_A1, f)) : workload(W_A1, f),
		      w);
		w.stats = 0;
	}
	whole = PACKET(.saddr = W1, .daddr = A1, UDP(53, 1000), .payload = 992, .id = 10);
	w = promotes(arrives_);
	w.stats |= STAT(FRAGMENTS);
	w.out = &out;
	for (uint32_t at = 0; at < 1000; at += 400) {
		f = piece(&whole, at, at + 400 < 1000 ? 400 : 1000 - at, at + 400 < 1000);
		out = for_workload(f);
		check(b, at ? "a later answer" : "the first answer", next(from_tunnel(f)), w);
		w.stats = 0;
	}
	case_end(b);
}

/* --- what no route opens */

static void test_leaks(struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t from, to;
		uint16_t src, dst;
		uint16_t port;
	} ways[] = {
		{ "a port that no route names", A1, W1, NET_A, NET_W, 444 },
		{ "no route, though QoS knows the port", A1, W1, NET_A, NET_W, 24 },
		{ "a network that no route names", A1, W2, NET_A, NET_W2, 443 },
		{ "the pods of another cluster", A1, W_POD, NET_A, SL_NET_WORLD, 443 },
		{ "the cluster that no route names", A1, EAST1, NET_A, NET_E, 443 },
		{ "one end monitors, the other enforces", M1, W1, NET_MON, NET_W, 443 },
		{ "in by a port that no route names", W1, A1, NET_W, NET_A, 443 },
		{ "in to a network that no route names", W1, B1, NET_W, NET_B, 8000 },
		{ "in from a network that no route names", W2, A1, NET_W2, NET_A, 8000 },
		{ "in from the pods of another cluster", W_POD, A1, SL_NET_WORLD, NET_A, 8000 },
		{ "in from the cluster that no route names", EAST1, A1, NET_E, NET_A, 8000 },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		bool in = ways[i].dst == NET_A || ways[i].dst == NET_B;
		struct frame f = FROM(ways[i].from, .daddr = ways[i].to, TCP(1000, ways[i].port, SYN));
		struct want w = { .fate = DROPPED,
				  .src = ways[i].src,
				  .dst = ways[i].dst,
				  .network = in ? 0 : ways[i].src };
		struct send s = workload(ways[i].src == NET_MON ? W_M1 : W_A1, f);

		hit(b, LEAK, ways[i].name, in ? from_tunnel(f) : s, w);
	}
	hit(b, LEAK, "a UDP port", workload(W_A1, FROM(A1, .daddr = W1, UDP(1, 54))),
	    (struct want){ .fate = DROPPED, .src = NET_A, .dst = NET_W, .network = NET_A });
	hit(b, LEAK, "a ping in", from_tunnel(PACKET(.saddr = W1, .daddr = A1, ICMP(SL_ICMP_ECHO, 7))),
	    (struct want){ .fate = DROPPED, .src = NET_W, .dst = NET_A });
	hit(b, LEAK, "the stack brings it to the tunnel",
	    to_tunnel(PACKET(.saddr = V_OTHER, .daddr = W1, TCP(1000, 444, SYN))),
	    (struct want){ .fate = DROPPED, .src = NET_OVERLAY, .dst = NET_W });
	hit(b, LEAK, "the node itself", to_tunnel(PACKET(.saddr = NODE1, .daddr = W2, TCP(1000, 443, SYN))),
	    (struct want){ .fate = DROPPED, .src = MGMT, .dst = NET_W2 });
}

/* A route is not a rule, and a rule is not a route. */
static void test_rules(struct bench *b)
{
	struct want w = { .fate = DROPPED, .src = NET_A, .dst = NET_W, .network = NET_A };
	struct frame f = FROM(A1, .daddr = W1, TCP(1000, 22, SYN));

	w.reason = SL_DROP_POLICY;
	miss(b, LEAK, "a route leads there, but no rule allows it", workload(W_A1, f), w);
	f = FROM(A1, .daddr = W1, TCP(1000, 23, SYN));
	miss(b, LEAK, "a route leads there, but a rule denies it", workload(W_A1, f), w);
	w = (struct want){ .fate = DROPPED, .reason = SL_DROP_POLICY, .src = NET_W, .dst = NET_A };
	f = PACKET(.saddr = W1, .daddr = A1, TCP(1000, 22, SYN));
	miss(b, LEAK, "in, a route leads here, but no rule allows it", from_tunnel(f), w);
	f = PACKET(.saddr = W1, .daddr = A1, TCP(443, 1000, SYN | ACK));
	w.reason = SL_DROP_TCP_STATE;
	miss(b, LEAK, "in, an answer to nothing", from_tunnel(f), w);
	f = FROM(M1, .daddr = W_MON, TCP(1000, 443, SYN));
	struct frame out = into_tunnel(f);
	monitored(b, LEAK, "both networks only monitor", workload(W_M1, f),
		  (struct want){
			  .fate = SENT, .src = NET_MON, .dst = NET_W_MON, .network = NET_MON, .out = &out });
}

/* --- who may use the tunnel at all */

static void test_ends(struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t from, to;
		uint16_t src, dst;
	} spoofed[] = {
		{ "a workload's address", B1, A1, 0, 0 },
		{ "another node's workload's", A_FAR, A1, 0, 0 },
		{ "an overlay's address", IP(10, 17, 0, 9), A1, 0, 0 },
		{ "a gateway's address", GATEWAY_A, B1, 0, 0 },
		{ "another node of this cluster", NODE2, NODE1, 0, 0 },
		{ "this node's own address", NODE1, WAN_HERE, 0, 0 },
	}, leak[] = {
		{ "the world's", WORLD, A1, 0, 0 },
		{ "to the world", W1, WORLD, 0, 0 },
		{ "to another cluster", W1, EAST1, 0, 0 },
		{ "to this node", W1, NODE1, NET_W, MGMT },
		{ "a node of the other cluster's", WEST_NODE, A1, 0, 0 },
	};
	struct frame f;

	for (size_t i = 0; i < sizeof(spoofed) / sizeof(spoofed[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "through the tunnel: %s", spoofed[i].name);
		f = PACKET(.saddr = spoofed[i].from, .daddr = spoofed[i].to, TCP(1000, 443, SYN));
		hit(b, SL_DROP_SPOOFED_SOURCE, name, from_tunnel(f), (struct want){ .fate = DROPPED });
	}
	for (size_t i = 0; i < sizeof(leak) / sizeof(leak[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "in through the tunnel: %s", leak[i].name);
		f = PACKET(.saddr = leak[i].from, .daddr = leak[i].to, TCP(1000, 443, SYN));
		hit(b, LEAK, name, from_tunnel(f),
		    (struct want){ .fate = DROPPED, .src = leak[i].src, .dst = leak[i].dst });
	}
	f = PACKET(.saddr = V_OTHER, .daddr = B1, TCP(1000, 443, SYN));
	hit(b, LEAK, "out through the tunnel: to this cluster", to_tunnel(f),
	    (struct want){ .fate = DROPPED });
	f = PACKET(.saddr = V_OTHER, .daddr = WORLD, TCP(1000, 443, SYN));
	hit(b, LEAK, "out through the tunnel: to the world", to_tunnel(f), (struct want){ .fate = DROPPED });
	f = PACKET(.saddr = W1, .daddr = EAST1, TCP(1000, 443, SYN));
	hit(b, LEAK, "out through the tunnel: from another cluster", to_tunnel(f),
	    (struct want){ .fate = DROPPED });
	f = PACKET(.saddr = WORLD, .daddr = W1, TCP(1000, 443, SYN));
	hit(b, LEAK, "out through the tunnel: from the world", to_tunnel(f),
	    (struct want){ .fate = DROPPED, .dst = NET_W });

	f = PACKET(.saddr = WAN_HERE, .daddr = WAN_THERE, ICMP(SL_ICMP_ECHO, 7));
	miss(b, LEAK, "the tunnel's own addresses, out", to_tunnel(f), (struct want){ .fate = UNTOUCHED });
	f = PACKET(.saddr = WAN_THERE, .daddr = WAN_HERE, ICMP(SL_ICMP_ECHO_REPLY, 7));
	miss(b, LEAK, "the tunnel's own addresses, in", from_tunnel(f), (struct want){ .fate = UNTOUCHED });
	f = PACKET(.saddr = WEST_NODE, .daddr = NODE1, TCP(1000, 6645, SYN));
	miss(b, LEAK, "node to node: the databases' place", from_tunnel(f),
	     (struct want){ .fate = UNTOUCHED });
	f = PACKET(.saddr = NODE1, .daddr = WEST_NODE, UDP(1000, 6081));
	miss(b, LEAK, "node to node: the overlay's place", to_tunnel(f), (struct want){ .fate = UNTOUCHED });
}

static void test_other_protocols(struct bench *b)
{
	struct frame f =
		FRAME(.dmac = mac_alien, .smac = mac_router, .ethertype = SL_ETH_IPV6, .payload = 60);

	hit(b, SL_DROP_IPV6, "through the tunnel", from_tunnel(f), (struct want){ .fate = DROPPED });
	hit(b, SL_DROP_IPV6, "into the tunnel", to_tunnel(f), (struct want){ .fate = DROPPED });
	f = FRAME(.dmac = mac_alien, .smac = mac_router, .ethertype = 0x8847, .payload = 60);
	hit(b, SL_DROP_ETHERTYPE, "through the tunnel", from_tunnel(f), (struct want){ .fate = DROPPED });
	miss(b, SL_DROP_ETHERTYPE, "ARP on a tunnel that has it",
	     from_tunnel(ARP(.spa = WAN_THERE, .tpa = WAN_HERE)), (struct want){ .fate = UNTOUCHED });
}

/* --- where it goes from the tunnel, and where without one */

static void test_delivery(struct bench *b)
{
	struct want w = arrives_;
	struct frame f = PACKET(.saddr = W1, .daddr = A2, TCP(1000, 8000, SYN)), out;
	struct send s;

	case_begin(b, "wan: in, to who is not simply here");
	f = PACKET(.saddr = W1, .daddr = A_STACK, TCP(1000, 8000, SYN));
	w.fate = STACK;
	check(b, "behind the stack", from_tunnel(f), w);
	f = PACKET(.saddr = W1, .daddr = A_FAR, TCP(1000, 8000, SYN));
	check(b, "on another node", from_tunnel(f), w);
	f = PACKET(.saddr = W1, .daddr = A_OTHER, TCP(1000, 8000, SYN));
	check(b, "nobody the plan knows", from_tunnel(f), w);
	w = (struct want){ .fate = DROPPED, .src = NET_W, .dst = NET_A };
	w.reason = SL_DROP_NO_INTERFACE;
	f = PACKET(.saddr = W1, .daddr = A_ABSENT, TCP(1000, 8000, SYN));
	check(b, "whose interface is absent", from_tunnel(f), w);
	w.reason = SL_DROP_NO_NEIGHBOUR;
	f = PACKET(.saddr = W1, .daddr = A3, TCP(1000, 8000, SYN));
	check(b, "whose MAC nobody knows", from_tunnel(f), w);
	w.reason = SL_DROP_TTL;
	w.stats = NEW_FLOW;
	f = PACKET(.saddr = W1, .daddr = A1, TCP(1000, 8000, SYN), .ttl = 1);
	check(b, "with one hop to live", from_tunnel(f), w);
	case_end(b);

	case_begin(b, "wan: out, the last hop is sluice's");
	f = FROM(A1, .daddr = W1, TCP(1000, 443, SYN), .ttl = 1);
	out = say_so(f, SL_ICMP_TIME_EXCEEDED, 0, 0, GATEWAY_A);
	w = leaves;
	w.fate = DROPPED;
	w.reason = SL_DROP_TTL;
	w.network = NET_A;
	w.question = true;
	w.out = &out;
	w.stats |= STAT(TIME_EXCEEDED);
	check(b, "TTL 1", workload(W_A1, f), w);
	case_end(b);

	case_begin(b, "wan: out by way of the stack");
	f = PACKET(.saddr = V_OTHER, .daddr = W1, TCP(1000, 443, SYN));
	w = (struct want){ .fate = STACK, .src = NET_OVERLAY, .dst = NET_W, .stats = NEW_FLOW };
	check(b, "a pod", to_tunnel(f), w);
	f = PACKET(.saddr = NODE1, .daddr = W1, TCP(1000, 443, SYN));
	w.src = MGMT;
	check(b, "the node", to_tunnel(f), w);
	f = PACKET(.saddr = A1, .daddr = W1, TCP(1000, 443, SYN));
	check(b, "judged before", sent_to_tunnel(f, 0), (struct want){ .fate = UNTOUCHED });
	w = (struct want){ .fate = DROPPED, .reason = SL_DROP_UNJUDGED, .src = NET_A, .dst = NET_W };
	check(b, "a workload that no door has judged", to_tunnel(f), w);
	case_end(b);

	case_begin(b, "wan: out by way of the stack, what was judged for somewhere else is judged anew");
	check(b, "a workload's", judged(to_tunnel(f), 0), w);
	s = to_tunnel(f);
	s.sign = WAN_SIGN;
	check(b, "a sign without a mark", s, w);
	f = PACKET(.saddr = V_OTHER, .daddr = W1, TCP(1000, 443, SYN));
	w = (struct want){ .fate = STACK, .src = NET_OVERLAY, .dst = NET_W, .stats = NEW_FLOW };
	check(b, "a pod's that may", judged(to_tunnel(f), 0), w);
	f = PACKET(.saddr = WORLD, .daddr = W1, TCP(1000, 443, SYN));
	w = (struct want){ .fate = DROPPED, .reason = LEAK, .dst = NET_W };
	check(b, "the world's", judged(to_tunnel(f), 0), w);
	case_end(b);
}

static void test_elsewhere(struct bench *b)
{
	static const struct wan away[] = { { .no_gateway = true }, { .no_tunnel = true } };

	for (size_t i = 0; i < 2; i++) {
		struct want w = { .fate = DROPPED, .src = NET_A, .dst = NET_W, .network = NET_A };
		struct frame f = FROM(A1, .daddr = W1, TCP(1000, 443, SYN));

		if (!wan_plan(b, &away[i], NULL))
			return;
		hit(b, SL_DROP_NO_INTERFACE,
		    i ? "to another cluster, the tunnel is absent"
		      : "to another cluster, no tunnel begins here",
		    workload(W_A1, f), w);
		f = FROM(V1, .daddr = W1, TCP(1000, 443, SYN));
		miss(b, SL_DROP_NO_INTERFACE, "an overlay's CNI brings it to the tunnel", workload(W_V1, f),
		     (struct want){ .fate = STACK, .src = NET_OVERLAY, .dst = NET_W, .stats = NEW_FLOW });
	}
	wan_plan(b, &wan_plain, NULL);
}

/* What a router on the way says about a flow finds who has to hear it. */
static void test_errors(struct bench *b)
{
	struct frame f = FROM(A1, .daddr = W1, TCP(1000, 443, SYN)), quoted = into_tunnel(f), out;
	struct want w = { .fate = SENT, .src = NET_W, .dst = NET_A, .out = &out };
	struct got got;
	struct send s = workload(W_A1, f);

	case_begin(b, "wan: an ICMP error about a flow comes back through the tunnel");
	bench_clear(b);
	bench_run(b, &s, &got);
	f = PACKET(.saddr = W_OTHER, .daddr = A1, ICMP(SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED),
		   .quote = &quoted);
	out = for_workload(f);
	check(b, "from the other end's network", next(from_tunnel(f)), w);
	f = PACKET(.saddr = WEST_NODE, .daddr = A1, ICMP(SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED),
		   .quote = &quoted);
	out = for_workload(f);
	w.src = SL_NET_WORLD;
	check(b, "from a router over there", next(from_tunnel(f)), w);
	quoted = into_tunnel(FROM(A1, .daddr = W1, TCP(1001, 443, SYN)));
	f = PACKET(.saddr = W_OTHER, .daddr = A1, ICMP(SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED),
		   .quote = &quoted);
	w = (struct want){ .fate = DROPPED, .reason = SL_DROP_ICMP_NO_FLOW, .src = NET_W, .dst = NET_A };
	check(b, "about no flow", next(from_tunnel(f)), w);
	case_end(b);
}

/* The node's own connections through the tunnel are the host policy's, both ways. */
static void test_host(struct bench *b)
{
	static const char host[] = "{\"clusters\":{\"main\":{\"host\":{\"allow\":["
				   "{\"from\":[\"world\"],\"ports\":[\"tcp/443\"]}]}}}}";
	struct frame f = PACKET(.saddr = NODE1, .daddr = WEST_NODE, TCP(1000, 22, SYN));
	struct want w = { .fate = STACK, .src = MGMT, .stats = NEW_FLOW };

	if (!wan_plan(b, &wan_plain, host))
		return;
	case_begin(b, "wan: host policy: what the node opens through the tunnel is answered");
	check(b, "SYN", to_tunnel(f), w);
	f = PACKET(.saddr = WEST_NODE, .daddr = NODE1, TCP(22, 1000, SYN | ACK));
	w = (struct want){ .fate = STACK, .dst = MGMT, .unmarked = true };
	check(b, "SYN ACK", next(from_tunnel(f)), w);
	f = PACKET(.saddr = NODE1, .daddr = WEST_NODE, TCP(1000, 22, ACK));
	w = (struct want){ .fate = STACK, .src = MGMT, .stats = STAT(FLOWS_PROMOTED) };
	check(b, "ACK", next(to_tunnel(f)), w);
	f = PACKET(.saddr = WEST_NODE, .daddr = NODE1, TCP(22, 1001, SYN | ACK));
	w = (struct want){ .fate = DROPPED, .reason = SL_DROP_TCP_STATE, .dst = MGMT };
	check(b, "an answer to nothing", next(from_tunnel(f)), w);
	case_end(b);

	case_begin(b, "wan: host policy: what reaches the node out of the tunnel");
	f = PACKET(.saddr = WEST_NODE, .daddr = NODE1, TCP(1000, 443, SYN));
	w = (struct want){ .fate = STACK, .dst = MGMT, .stats = NEW_FLOW, .unmarked = true };
	check(b, "an open port", from_tunnel(f), w);
	f = PACKET(.saddr = WEST_NODE, .daddr = NODE1, TCP(1000, 22, SYN));
	w = (struct want){ .fate = DROPPED, .reason = SL_DROP_POLICY, .dst = MGMT };
	check(b, "another", from_tunnel(f), w);
	case_end(b);
	wan_plan(b, &wan_plain, NULL);
}

void test_wan(struct bench *b)
{
	if (!wan_plan(b, &wan_plain, NULL))
		return;
	test_there_and_back(b);
	test_fragments(b);
	test_leaks(b);
	test_rules(b);
	test_ends(b);
	test_other_protocols(b);
	test_delivery(b);
	test_errors(b);
	test_host(b);
	test_elsewhere(b);
	wan_over(b);
}
