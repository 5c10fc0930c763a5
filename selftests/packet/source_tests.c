/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may say what: source addresses and MACs on workload interfaces, on the wire and out of the stack.
 */
#include "bench.h"

static const struct want passes = { .fate = SENT, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW };

static void test_workload_source(struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t addr;
		uint16_t network;
	} others[] = { { "another workload's address", A2, NET_A },
		       { "a far workload's address", A_FAR, NET_A },
		       { "an address nobody has", A_OTHER, NET_A },
		       { "another network's address", B1, NET_B },
		       { "an address of the world", WORLD, SL_NET_WORLD },
		       { "the node's address", NODE1, MGMT },
		       { "the gateway's address", GATEWAY_A, NET_A },
		       { "no address", 0, SL_NET_WORLD } };
	struct want w = { .fate = DROPPED, .dst = NET_A, .network = NET_A };
	struct frame f;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		f = PACKET(.saddr = others[i].addr, .daddr = A3, UDP(1000, 2000), .smac = scene_mac(A1));
		w.src = others[i].network;
		hit(b, SL_DROP_SPOOFED_SOURCE, others[i].name, workload(W_A1, f), w);
	}
	f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000));
	miss(b, SL_DROP_SPOOFED_SOURCE, "its own address", workload(W_A1, f), passes);
	w = (struct want){ .fate = DROPPED, .src = BLUE_A, .dst = BLUE_A, .network = BLUE_A };
	f = PACKET(.saddr = A2, .daddr = A_FAR, UDP(1000, 2000));
	hit(b, SL_DROP_SPOOFED_SOURCE, "an address that is a workload's in another VPC", workload(W_X1, f),
	    w);

	f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000), .smac = scene_mac(A2));
	w = (struct want){ .fate = DROPPED, .src = NET_A, .dst = NET_A, .network = NET_A };
	hit(b, SL_DROP_SPOOFED_MAC, "another workload's MAC", workload(W_A1, f), w);
}

static void test_macs(struct bench *b)
{
	struct want w = { .fate = DROPPED, .src = NET_A, .dst = NET_A, .network = NET_A }, good = passes;
	uint8_t mac[6];
	struct frame f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000)), out;

	miss(b, SL_DROP_SPOOFED_MAC, "its own MAC", workload(W_A1, f), passes);
	for (int i = 0; i < 6; i++) {
		__builtin_memcpy(mac, scene_mac(A1), 6);
		mac[i] ^= 4;
		f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000), .smac = mac);
		hit(b, SL_DROP_SPOOFED_MAC, "one bit beside its own", workload(W_A1, f), w);
	}
	f = PACKET(.saddr = A3, .daddr = A_FAR, UDP(1000, 2000), .smac = mac_alien);
	miss(b, SL_DROP_SPOOFED_MAC, "any MAC where the plan names none", workload(W_A3, f), passes);
	f = PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 2000),
		   .smac = (const uint8_t[6]){ 3, 0, 0, 0, 3, 1 }, VLAN(103));
	hit_wire(b, SL_DROP_SPOOFED_MAC, "a group MAC as source on the wire", f, w);
	f = PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 2000), VLAN(103));
	out = landed(f, scene_mac(A1));
	good.out = &out;
	miss(b, SL_DROP_SPOOFED_MAC, "a station's MAC as source on the wire", wire(f), good);
}

static void test_wire_source(struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t addr;
		uint16_t network;
	} others[] = { { "a workload of this node", A2, NET_A },
		       { "this node", NODE1, MGMT },
		       { "another network's workload", B_FAR, NET_B },
		       { "another network's address", B_OTHER, NET_B },
		       { "the world on a network that is not external", WORLD, SL_NET_WORLD },
		       { "the gateway that sluice plays", GATEWAY_A, NET_A },
		       { "the network's broadcast address", A_BROADCAST, NET_A },
		       { "another node on a VLAN that is not its own", NODE2, MGMT } };
	struct want w = { .fate = DROPPED, .dst = NET_A, .network = NET_A }, good = passes;
	struct frame f, out;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		f = PACKET(.saddr = others[i].addr, .daddr = A1, UDP(1000, 2000), VLAN(103));
		w.src = others[i].network;
		hit_wire(b, SL_DROP_SPOOFED_SOURCE, others[i].name, f, w);
	}
	f = PACKET(.saddr = A_OTHER, .daddr = A1, UDP(1000, 2000), VLAN(103));
	out = landed(f, scene_mac(A1));
	good.out = &out;
	miss(b, SL_DROP_SPOOFED_SOURCE, "an address of the network", wire(f), good);
	f = PACKET(.saddr = NODE2, .daddr = NODE1, UDP(1000, 2000), VLAN(MGMT));
	out = landed(f, scene_mac(NODE1));
	good = (struct want){ .fate = STACK, .src = MGMT, .dst = MGMT, .stats = NEW_FLOW, .unmarked = true };
	miss(b, SL_DROP_SPOOFED_SOURCE, "another node on its own VLAN", wire(f), good);
	f = PACKET(.saddr = X1, .daddr = A_OTHER, UDP(1000, 2000), VLAN(BLUE_A));
	w = (struct want){ .fate = DROPPED, .src = BLUE_A, .dst = BLUE_A, .network = BLUE_A };
	hit_wire(b, SL_DROP_SPOOFED_SOURCE, "a workload of this node in the other VPC", f, w);
	f = PACKET(.saddr = A2, .daddr = X1, UDP(1000, 2000), VLAN(BLUE_A));
	out = landed(f, (const uint8_t[6]){ 2, 0, 0, 0, 2, W_X1 });
	good = (struct want){ .fate = SENT, .src = BLUE_A, .dst = BLUE_A, .stats = NEW_FLOW, .out = &out };
	miss(b, SL_DROP_SPOOFED_SOURCE, "an address that only the other VPC has here", wire(f), good);
}

/* From the stack: a door that finds no mark judges, and knows who has to have been judged before. */
static void test_unjudged(struct bench *b)
{
	struct frame f = PACKET(.saddr = A1, .daddr = WORLD, UDP(1000, 2000));
	struct send out = { .door = SL_UP_OUT, .ifindex = UP0, .frame = f };
	struct send in = { .door = SL_WL_OUT, .ifindex = W_B1 };
	struct want w = { .fate = DROPPED, .src = NET_A, .dst = SL_NET_WORLD, .network = SL_NET_WORLD };
	struct want good = { .fate = STACK, .src = NET_A, .dst = NET_B, .stats = NEW_FLOW };

	hit(b, SL_DROP_UNJUDGED, "a workload's packet out of the uplink", out, w);
	out.mark = 0x00800000;
	miss(b, SL_DROP_UNJUDGED, "the same with the mark", out, (struct want){ .fate = UNTOUCHED });
	out.mark = 0x00700000;
	hit(b, SL_DROP_UNJUDGED, "the mark's other bits", out, w);
	out.mark = 0;
	out.frame = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000), VLAN(103));
	w.dst = w.network = NET_A;
	hit(b, SL_DROP_UNJUDGED, "a workload's packet out of its VLAN", out, w);
	out.frame = PACKET(.saddr = A_OTHER, .daddr = A_FAR, UDP(1000, 2000), VLAN(103));
	good.dst = NET_A;
	miss(b, SL_DROP_UNJUDGED, "what the plan does not list, out of its VLAN", out, good);
	out.frame = PACKET(.saddr = V1, .daddr = V_OTHER, UDP(1000, 2000));
	miss(b, SL_DROP_UNJUDGED, "an overlay's address out of the uplink to another of it", out,
	     (struct want){ .fate = UNTOUCHED });
	out.frame = PACKET(.saddr = V1, .daddr = WORLD, UDP(1000, 2000));
	hit(b, SL_DROP_UNJUDGED, "an overlay's workload out of the uplink to the world", out,
	    (struct want){ .fate = DROPPED, .src = NET_OVERLAY });
	out.frame = PACKET(.saddr = WORLD, .daddr = IP(9, 9, 9, 9), UDP(1000, 2000));
	miss(b, SL_DROP_UNJUDGED, "the world's address out of the uplink", out,
	     (struct want){ .fate = UNTOUCHED });

	in.frame = PACKET(.saddr = A1, .daddr = B1, TCP(1000, 443, SYN));
	w = (struct want){ .fate = DROPPED, .src = NET_A, .dst = NET_B, .network = NET_B };
	hit(b, SL_DROP_UNJUDGED, "a workload's packet from the stack to another", in, w);
	in.mark = 0x00800000;
	miss(b, SL_DROP_UNJUDGED, "a workload's packet, marked", in, (struct want){ .fate = UNTOUCHED });
	in.mark = 0;
	in.frame = PACKET(.saddr = A_FAR, .daddr = B1, TCP(1000, 443, SYN));
	hit(b, SL_DROP_UNJUDGED, "a far workload's packet from the stack", in, w);
	in.frame = PACKET(.saddr = A_STACK, .daddr = B1, TCP(1000, 443, SYN));
	good.dst = NET_B;
	miss(b, SL_DROP_UNJUDGED, "a workload whose interface the plan does not name", in, good);
	in.ifindex = W_A1;
	in.frame = PACKET(.saddr = V1, .daddr = A1, TCP(1000, 443, SYN));
	w.src = NET_OVERLAY;
	w.dst = w.network = NET_A;
	hit(b, SL_DROP_UNJUDGED, "an overlay's workload of this node towards another", in, w);
	in.frame = PACKET(.saddr = V_OTHER, .daddr = A1, TCP(1000, 443, SYN));
	good.src = NET_OVERLAY;
	good.dst = NET_A;
	miss(b, SL_DROP_UNJUDGED, "an overlay's address towards a workload", in, good);
	in.frame = PACKET(.saddr = NODE1, .daddr = A1, TCP(1000, 22, SYN));
	good.src = MGMT;
	miss(b, SL_DROP_UNJUDGED, "this node towards a workload", in, good);
}

void test_source(struct bench *b)
{
	test_workload_source(b);
	test_macs(b);
	test_wire_source(b);
	test_unjudged(b);
}
