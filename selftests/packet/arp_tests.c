/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ARP from workloads, from the wire and from the node's stack: who may claim what, who is answered and how.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "bench.h"

#define REPLY SL_ARP_REPLY
static const struct want drop = { .fate = DROPPED, .src = NET_A, .dst = NET_A, .network = NET_A };
static const struct want sent = { .fate = SENT, .src = NET_A, .dst = NET_A };
static const struct want stack = { .fate = STACK, .src = NET_A, .dst = NET_A };

static struct want with(struct want w, const struct frame *out, uint32_t stats)
{
	w.out = out;
	w.stats = stats;
	return w;
}

static void test_malformed(struct bench *b)
{
	const struct frame good = ARP(.spa = A1, .tpa = A_FAR);
	struct frame f = good;

	for (int byte = 0; byte < 8; byte++) { /* htype, ptype, hlen, plen, op: each byte off by much */
		f = good;
		f.bytes[f.l3 + byte] ^= 0x04;
		hit(b, SL_DROP_ARP_MALFORMED, "one bit of the header wrong", workload(W_A1, f), drop);
		frame_tag(&f, SL_ETH_VLAN, 103);
		hit(b, SL_DROP_ARP_MALFORMED, "one bit of the header wrong, on the wire", wire(f), drop);
	}
	for (uint16_t op = 0; op < 10; op++) {
		f = good;
		frame_arp(&f)->op = htons(op);
		if (op != SL_ARP_REQUEST && op != SL_ARP_REPLY)
			hit(b, SL_DROP_ARP_MALFORMED, "an operation of no use", workload(W_A1, f), drop);
	}
	f = good;
	f.len--;
	hit(b, SL_DROP_ARP_MALFORMED, "one byte short", workload(W_A1, f), drop);
	frame_tag(&f, SL_ETH_VLAN, 103);
	hit(b, SL_DROP_ARP_MALFORMED, "one byte short, out of the stack",
	    (struct send){ .door = SL_UP_OUT, .ifindex = UP0, .frame = f }, drop);
	miss(b, SL_DROP_ARP_MALFORMED, "a request", workload(W_A1, good), sent);
	f = good;
	frame_arp(&f)->op = htons(REPLY);
	miss(b, SL_DROP_ARP_MALFORMED, "a reply", workload(W_A1, f), sent);
	f.len = 60; /* as Ethernet pads it */
	miss(b, SL_DROP_ARP_MALFORMED, "padded", workload(W_A1, f), sent);
}

static void test_workload_claims(struct bench *b)
{
	static const struct {
		const char *name;
		struct arp_spec arp;
	} lies[] = {
		{ "another workload's address", { .spa = A2, .sha = mac_alien, .tpa = A_FAR } },
		{ "the gateway", { .op = REPLY, .spa = GATEWAY_A, .tpa = A_FAR } },
		{ "the gateway, to all", { .op = REPLY, .spa = GATEWAY_A, .tpa = GATEWAY_A } },
		{ "the node", { .op = REPLY, .spa = NODE1, .tpa = A_FAR } },
		{ "an address nobody has", { .op = REPLY, .spa = A_OTHER, .tpa = A_FAR } },
		{ "a probe for another's address", { .spa = 0, .tpa = A2 } },
		{ "a far workload", { .op = REPLY, .spa = A_FAR, .tpa = A2 } },
	};
	struct arp_spec spec;
	struct frame f;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		spec = lies[i].arp;
		spec.sha = scene_mac(A1);
		f = scene_arp(&spec);
		hit(b, SL_DROP_ARP_SPOOFED, lies[i].name, workload(W_A1, f), drop);
	}
	f = ARP(.spa = A1, .tpa = A_FAR, .sha = scene_mac(A2), .smac = scene_mac(A1));
	hit(b, SL_DROP_ARP_SPOOFED, "another MAC inside", workload(W_A1, f), drop);
	f = ARP(.spa = A1, .tpa = A_FAR, .sha = scene_mac(A1), .smac = scene_mac(A2));
	hit(b, SL_DROP_ARP_SPOOFED, "another MAC outside", workload(W_A1, f), drop);
	f = ARP(.spa = A1, .tpa = A_FAR, .sha = scene_mac(A2));
	hit(b, SL_DROP_ARP_SPOOFED, "another MAC inside and outside", workload(W_A1, f), drop);
	f = ARP(.spa = A3, .tpa = A_FAR, .sha = mac_alien);
	miss(b, SL_DROP_ARP_SPOOFED, "any one MAC where the plan names none", workload(W_A3, f), sent);
	f = ARP(.spa = A3, .tpa = A_FAR, .sha = mac_alien, .smac = scene_mac(A2));
	hit(b, SL_DROP_ARP_SPOOFED, "two MACs where the plan names none", workload(W_A3, f), drop);
}

static void test_workload_asks(struct bench *b)
{
	struct frame f = ARP(.spa = A1, .tpa = A_FAR), out;

	miss(b, SL_DROP_ARP_SPOOFED, "for a far workload: out of the uplink", workload(W_A1, f), sent);
	f = ARP(.spa = A1, .tpa = A2);
	check(b, "arp: for a workload here: straight to it", workload(W_A1, f), sent);
	f = ARP(.spa = A1, .tpa = NODE1);
	check(b, "arp: for the node: the stack answers", workload(W_A1, f), stack);
	f = ARP(.spa = 0, .tpa = A1, .sha = scene_mac(A1));
	check(b, "arp: a probe for its own address: to all", workload(W_A1, f), sent);
	f = ARP(.spa = A1, .tpa = A1);
	check(b, "arp: an announcement: to all", workload(W_A1, f), sent);
	f = ARP(.spa = A1, .tpa = GATEWAY_A);
	out = ARP(.op = REPLY, .spa = GATEWAY_A, .tpa = A1, .sha = mac_router, .tha = scene_mac(A1),
		  .dmac = scene_mac(A1));
	check(b, "arp: for the gateway: sluice answers", workload(W_A1, f),
	      with(sent, &out, STAT(ARP_ANSWERED)));
	f = ARP(.op = REPLY, .spa = A1, .tpa = GATEWAY_A, .dmac = mac_router);
	check(b, "arp: a reply to the gateway is no question", workload(W_A1, f), sent);
}

static void test_wire_claims(struct bench *b)
{
	static const struct {
		const char *name;
		struct arp_spec arp;
	} lies[] = {
		{ "a workload of this node", { .op = REPLY, .spa = A1, .sha = mac_alien, .tpa = A_OTHER } },
		{ "a workload of this node, with its MAC", { .op = REPLY, .spa = A1, .tpa = A_OTHER } },
		{ "this node", { .op = REPLY, .spa = NODE1, .sha = mac_alien, .tpa = A_OTHER } },
		{ "the gateway", { .op = REPLY, .spa = GATEWAY_A, .sha = mac_alien, .tpa = A1 } },
		{ "the broadcast address", { .op = REPLY, .spa = A_BROADCAST, .sha = mac_alien, .tpa = A1 } },
		{ "another network's workload", { .op = REPLY, .spa = B_FAR, .tpa = A1 } },
		{ "the world", { .op = REPLY, .spa = WORLD, .sha = mac_alien, .tpa = A1 } },
		{ "a far workload with another MAC",
		  { .op = REPLY, .spa = A_FAR, .sha = mac_alien, .tpa = A1 } },
		{ "MACs that differ", { .op = REPLY, .spa = A_OTHER, .smac = mac_alien, .tpa = A1 } },
		{ "a group MAC", { .op = REPLY, .spa = A_OTHER, .sha = mac_all, .tpa = A1 } },
	};
	struct arp_spec spec;
	struct frame f, out;
	struct send s;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		spec = lies[i].arp;
		spec.vlan = 103;
		f = scene_arp(&spec);
		hit(b, SL_DROP_ARP_SPOOFED, lies[i].name, wire(f), drop);
		s = beside(wire(f), SL_ETH_VLAN, 103);
		frame_untag(&s.frame);
		hit(b, SL_DROP_ARP_SPOOFED, lies[i].name, s, drop);
	}
	f = ARP(.spa = A_FAR, .tpa = A1, .vlan = 103);
	out = f;
	frame_untag(&out);
	miss(b, SL_DROP_ARP_SPOOFED, "a far workload asks one here", wire(f), with(sent, &out, 0));
	miss(b, SL_DROP_ARP_SPOOFED, "XDP leaves ARP to TC", wire_xdp(f), (struct want){ .fate = UNTOUCHED });
	f = ARP(.spa = A_OTHER, .tpa = A1, .vlan = 103);
	out = f;
	frame_untag(&out);
	miss(b, SL_DROP_ARP_SPOOFED, "an address of the network that the plan does not list", wire(f),
	     with(sent, &out, 0));
	f = ARP(.spa = 0, .sha = mac_alien, .tpa = A_OTHER, .vlan = 103);
	miss(b, SL_DROP_ARP_SPOOFED, "a probe", wire(f), stack);
	f = ARP(.spa = A_FAR, .tpa = A_FAR, .vlan = 103);
	out = f;
	frame_untag(&out);
	check(b, "arp: an announcement from the wire: to all and the stack", wire(f), with(stack, &out, 0));
}

/* Other nodes find this one, and this one finds them, on every managed VLAN. */
static void test_nodes(struct bench *b)
{
	struct sl_neigh_key key = { .ifindex = UP0, .vlan = 103, .addr = htonl(NODE2) };
	int fd = b->kernel.table[SL_TABLE_sl_neigh];
	struct sl_neigh neigh = { .asked = tick() };
	struct frame f = ARP(.spa = NODE2, .tpa = NODE1, .vlan = 103), out;
	uint8_t mac[6];

	scene_link_mac(UP0, mac);
	out = ARP(.op = REPLY, .spa = NODE1, .sha = mac, .tpa = NODE2, .tha = scene_mac(NODE2),
		  .dmac = scene_mac(NODE2), .vlan = 103);
	check(b, "arp: another node asks for this one: answered", wire(f),
	      with(sent, &out, STAT(ARP_ANSWERED)));
	f = ARP(.spa = NODE2, .tpa = NODE1, .vlan = MGMT);
	check(b, "arp: on the nodes' own network the stack answers", wire(f),
	      (struct want){ .fate = STACK, .src = MGMT, .dst = MGMT });
	f = ARP(.op = REPLY, .spa = NODE2, .tpa = NODE1, .dmac = mac, .vlan = 103);
	case_begin(b, "arp: an answer that nobody asked for teaches nothing");
	check(b, "answer", wire(f), stack);
	that(b, bpf_map_lookup_elem(fd, &key, &neigh), "no row in sl_neigh");
	case_end(b);
	case_begin(b, "arp: an answer to a question is learned");
	bench_clear(b);
	neigh = (struct sl_neigh){ .asked = tick() };
	that(b, !bpf_map_update_elem(fd, &key, &neigh, BPF_ANY), "a row for the question");
	check(b, "answer", next(wire(f)), stack);
	that(b,
	     !bpf_map_lookup_elem(fd, &key, &neigh) && neigh.state == SL_NEIGH_KNOWN &&
		     !memcmp(neigh.mac, mac_node2, 6) && tick() - neigh.heard < SL_TICKS(2),
	     "the row holds the MAC");
	f = ARP(.op = REPLY, .spa = NODE2, .sha = mac_alien, .smac = mac_node2, .tpa = NODE1, .vlan = 103);
	check(b, "a lie", next(wire(f)),
	      (struct want){ .fate = DROPPED,
			     .reason = SL_DROP_ARP_SPOOFED,
			     .src = NET_A,
			     .dst = NET_A,
			     .network = NET_A });
	that(b, !bpf_map_lookup_elem(fd, &key, &neigh) && !memcmp(neigh.mac, mac_node2, 6),
	     "a lie changes nothing");
	case_end(b);
}

static void test_stack_claims(struct bench *b)
{
	struct send s = { .door = SL_UP_OUT,
			  .ifindex = UP0,
			  .frame = ARP(.spa = NODE1, .tpa = A_FAR, .vlan = 103) };
	struct want pass = stack;

	pass.unmarked = true;
	miss(b, SL_DROP_ARP_SPOOFED, "the node asks on a VLAN", s, pass);
	s.frame = ARP(.spa = A_OTHER, .tpa = A_FAR, .vlan = 103);
	miss(b, SL_DROP_ARP_SPOOFED, "what the plan does not list asks on its VLAN", s, pass);
	s.frame = ARP(.spa = A1, .tpa = A_FAR, .vlan = 103);
	hit(b, SL_DROP_ARP_SPOOFED, "an unjudged workload", s, drop);
	s.frame = ARP(.spa = B_OTHER, .tpa = A_FAR, .vlan = 103);
	hit(b, SL_DROP_ARP_SPOOFED, "another network's address out of the VLAN", s, drop);
	s = (struct send){ .door = SL_WL_OUT, .ifindex = W_A1, .frame = ARP(.spa = NODE1, .tpa = A1) };
	miss(b, SL_DROP_ARP_SPOOFED, "the node asks a workload", s, pass);
	s.frame = ARP(.spa = B1, .tpa = A1);
	hit(b, SL_DROP_ARP_SPOOFED, "another network's workload towards a workload", s, drop);
	check(b, "arp: untagged on an uplink is the node's own", wire(ARP(.spa = WORLD, .tpa = NODE1)),
	      (struct want){ .fate = UNTOUCHED });
}

void test_arp(struct bench *b)
{
	test_malformed(b);
	test_workload_claims(b);
	test_workload_asks(b);
	test_wire_claims(b);
	test_nodes(b);
	test_stack_claims(b);
}
