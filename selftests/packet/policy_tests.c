/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may talk to whom: rules and ports, broadcast and multicast, and thousands of random packets whose
 * verdict has to be the one that the compiler foretells.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include "bench.h"

static const uint8_t mac_multicast[6] = { 0x01, 0x00, 0x5e, 0, 0, 251 };

void test_group(struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t addr;
		const uint8_t *mac;
	} all[] = { { "to 255.255.255.255", 0xffffffff, mac_all },
		    { "to the network's broadcast address", A_BROADCAST, mac_all },
		    { "to the network's broadcast address, MAC of one", A_BROADCAST, mac_alien },
		    { "to one address, MAC of all", A_FAR, mac_all },
		    { "to one address, MAC of a group", A_FAR, mac_multicast } };
	struct want drop = { .fate = DROPPED, .src = NET_A, .dst = NET_A, .network = NET_A };
	struct want pass = { .fate = SENT, .src = NET_CAST, .dst = NET_CAST }, w = drop;
	struct frame f, out;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		f = PACKET(.saddr = A1, .daddr = all[i].addr, UDP(1000, 2000), .dmac = all[i].mac);
		hit(b, SL_DROP_BROADCAST, all[i].name, workload(W_A1, f), drop);
		f = PACKET(.saddr = A_OTHER, .daddr = all[i].addr, UDP(1000, 2000), .dmac = all[i].mac,
			   VLAN(103));
		hit_wire(b, SL_DROP_BROADCAST, all[i].name, f, drop);
	}
	f = PACKET(.saddr = 0, .daddr = 0xffffffff, UDP(68, 67), .dmac = mac_all, .smac = scene_mac(A1));
	w.src = SL_NET_WORLD;
	hit(b, SL_DROP_BROADCAST, "DHCP", workload(W_A1, f), w);
	f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000));
	miss(b, SL_DROP_BROADCAST, "to one address and MAC", workload(W_A1, f),
	     (struct want){ .fate = SENT, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW });
	f = PACKET(.saddr = C1, .daddr = C_BROADCAST, UDP(1000, 2000), .dmac = mac_all);
	miss(b, SL_DROP_BROADCAST, "on a network that allows it", workload(W_C1, f), pass);
	f = PACKET(.saddr = C_FAR, .daddr = C_BROADCAST, UDP(1000, 2000), .dmac = mac_all, VLAN(106));
	out = f;
	frame_untag(&out);
	miss(b, SL_DROP_BROADCAST, "from the wire on a network that allows it", wire(f),
	     (struct want){ .fate = STACK, .src = NET_CAST, .dst = NET_CAST, .out = &out });
	f = PACKET(.saddr = 0, .daddr = 0xffffffff, UDP(68, 67), .dmac = mac_all, .smac = scene_mac(C1));
	pass.src = SL_NET_WORLD;
	miss(b, SL_DROP_BROADCAST, "DHCP on a network that allows it", workload(W_C1, f), pass);
	pass.src = NET_CAST;
	w = (struct want){ .fate = DROPPED,
			   .reason = SL_DROP_SPOOFED_SOURCE,
			   .src = NET_CAST,
			   .dst = NET_CAST,
			   .network = NET_CAST };
	f = PACKET(.saddr = C2, .daddr = C_BROADCAST, UDP(1000, 2000), .dmac = mac_all,
		   .smac = scene_mac(C1));
	check(b, "group: allowed broadcast with another's address", workload(W_C1, f), w);

	f = PACKET(.saddr = A1, .daddr = IP(224, 0, 0, 251), UDP(5353, 5353), .dmac = mac_multicast);
	hit(b, SL_DROP_MULTICAST, "mDNS", workload(W_A1, f), drop);
	f = PACKET(.saddr = A1, .daddr = IP(224, 0, 0, 251), UDP(5353, 5353), .dmac = scene_mac(A_FAR));
	hit(b, SL_DROP_MULTICAST, "mDNS, MAC of one", workload(W_A1, f), drop);
	f = PACKET(.saddr = A_OTHER, .daddr = IP(239, 255, 255, 255), UDP(1, 2), .dmac = mac_multicast,
		   VLAN(103));
	hit_wire(b, SL_DROP_MULTICAST, "the last group", f, drop);
	f = PACKET(.saddr = C1, .daddr = IP(224, 0, 0, 251), UDP(5353, 5353), .dmac = mac_multicast);
	miss(b, SL_DROP_MULTICAST, "on a network that allows it", workload(W_C1, f), pass);
	f = PACKET(.saddr = E1, .daddr = IP(223, 255, 255, 255), UDP(5353, 5353));
	miss(b, SL_DROP_MULTICAST, "the address below the first group", workload(W_E1, f),
	     (struct want){ .fate = SENT, .src = EXT, .dst = SL_NET_WORLD, .stats = NEW_FLOW });
}

static void test_rules(struct bench *b)
{
	static const struct {
		const char *name;
		uint8_t proto;
		uint16_t port;
		bool allowed;
	} ports[] = {
		{ "tcp/442", 6, 442, false },	   { "tcp/443", 6, 443, true },
		{ "tcp/444", 6, 444, false },	   { "tcp/7999", 6, 7999, false },
		{ "tcp/8000", 6, 8000, true },	   { "tcp/8050", 6, 8050, true },
		{ "tcp/8099", 6, 8099, true },	   { "tcp/8100", 6, 8100, false },
		{ "udp/443", 17, 443, false },	   { "udp/52", 17, 52, false },
		{ "udp/53", 17, 53, true },	   { "udp/54", 17, 54, false },
		{ "tcp/53", 6, 53, false },	   { "sctp/5000", 132, 5000, true },
		{ "sctp/5001", 132, 5001, false }, { "icmp", 1, 0, true },
		{ "protocol 47", 47, 0, true },	   { "protocol 46", 46, 0, false },
		{ "protocol 48", 48, 0, false },   { "tcp/0", 6, 0, false },
		{ "tcp/65535", 6, 65535, false },
	};
	struct want drop = { .fate = DROPPED, .src = NET_A, .dst = NET_B, .network = NET_A };
	struct frame f, out;

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		f = PACKET(.saddr = A1, .daddr = B1, .proto = ports[i].proto, .sport = 1000,
			   .dport = ports[i].port, .tcp_flags = SYN, .icmp_type = SL_ICMP_ECHO, .icmp_id = 9);
		out = hop(f, scene_mac(B1), mac_router);
		if (ports[i].allowed)
			miss(b, SL_DROP_POLICY, ports[i].name, workload(W_A1, f),
			     (struct want){ .fate = SENT,
					    .src = NET_A,
					    .dst = NET_B,
					    .stats = NEW_FLOW,
					    .out = &out });
		else
			hit(b, SL_DROP_POLICY, ports[i].name, workload(W_A1, f), drop);
	}
	f = PACKET(.saddr = A2, .daddr = B1, TCP(1000, 443, SYN));
	hit(b, SL_DROP_POLICY, "a deny rule against one address of the network", workload(W_A2, f), drop);
	f = PACKET(.saddr = B1, .daddr = A1, TCP(1000, 443, SYN));
	drop = (struct want){ .fate = DROPPED, .src = NET_B, .dst = NET_A, .network = NET_B };
	hit(b, SL_DROP_POLICY, "the rule's other direction", workload(W_B1, f), drop);
	f = PACKET(.saddr = B1, .daddr = B_OTHER, TCP(1000, 443, SYN));
	drop.dst = NET_B;
	hit(b, SL_DROP_POLICY, "within a network with intra: deny", workload(W_B1, f), drop);
	f = PACKET(.saddr = A_FAR, .daddr = B1, TCP(1000, 444, SYN), VLAN(103));
	drop = (struct want){ .fate = DROPPED, .src = NET_A, .dst = NET_B, .network = NET_A };
	hit_wire(b, SL_DROP_POLICY, "from another node", f, drop);
	f = PACKET(.saddr = A_FAR, .daddr = B1, TCP(1000, 443, SYN), VLAN(103));
	out = landed(f, scene_mac(B1));
	miss(b, SL_DROP_POLICY, "from another node, tcp/443", wire(f),
	     (struct want){ .fate = SENT, .src = NET_A, .dst = NET_B, .stats = NEW_FLOW, .out = &out });
}

/* --- random packets against the compiler's own judgement */

static uint32_t chance(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33) % below;
}

static uint64_t drops(struct bench *b, uint16_t network, uint8_t reason, uint8_t outcome)
{
	struct sl_drop_key key = { .network = network, .reason = reason, .outcome = outcome };
	struct sl_count rows[CPUS_MAX];
	uint64_t all = 0;

	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_drop], &key, rows))
		return 0;
	for (uint32_t i = 0; i < b->cpus; i++)
		all += rows[i].packets;
	return all;
}

static const struct {
	uint32_t addr, ifindex;
	uint16_t network;
	bool far;
} talkers[] = {
	{ A1, W_A1, NET_A, false },    { A2, W_A2, NET_A, false },  { A3, W_A3, NET_A, false },
	{ B1, W_B1, NET_B, false },    { M1, W_M1, NET_MON, false }, { N1, W_N1, NET_MON_B, false },
	{ C1, W_C1, NET_CAST, false }, { O1, W_O1, NET_OPEN, false }, { E1, W_E1, EXT, false },
	{ V1, W_V1, NET_OVERLAY, false }, { A_FAR, UP0, NET_A, true }, { B_FAR, UP0, NET_B, true },
	{ A_OTHER, UP0, NET_A, true }, { MGMT_HOST, UP0, MGMT, true },
}, listeners[] = {
	{ A1, 0, NET_A, false }, { A2, 0, NET_A, false }, { A_STACK, 0, NET_A, false }, { B1, 0, NET_B, false },
	{ M1, 0, NET_MON, false }, { N1, 0, NET_MON_B, false }, { C2, 0, NET_CAST, false }, { V1, 0, NET_OVERLAY, false },
	{ NODE1, 0, MGMT, false }, { A_OTHER, 0, NET_A, true }, { B_OTHER, 0, NET_B, true }, { E1, 0, EXT, false },
	{ A_FAR, 0, NET_A, true }, { B_FAR, 0, NET_B, true }, { WORLD, 0, SL_NET_WORLD, true },
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_monitor(uint16_t network)
{
	return network == NET_MON || network == NET_MON_B;
}

static void one_random(struct bench *b, uint64_t *seed)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 17, 132, 1, 47, 46 };
	static const uint16_t ports[] = { 443, 8000, 8099, 8100, 53, 22, 80, 25, 5000 };
	uint32_t from = chance(seed, COUNT(talkers)), to = chance(seed, COUNT(listeners));
	uint8_t proto = protos[chance(seed, COUNT(protos))];
	uint16_t port = chance(seed, 4) ? ports[chance(seed, COUNT(ports))] : (uint16_t)chance(seed, 65536);
	uint16_t vpc = vpc_of(b, "default"), network = talkers[from].network;
	const struct sl_endpoint *src = image_classify(b->image, vpc, talkers[from].addr);
	const struct sl_endpoint *dst = image_classify(b->image, vpc, listeners[to].addr);
	struct spec spec = { .saddr = talkers[from].addr,
			     .daddr = listeners[to].addr,
			     .proto = proto,
			     .sport = 1000,
			     .dport = port,
			     .tcp_flags = SYN,
			     .icmp_type = SL_ICMP_ECHO };
	struct image_decision decision;
	bool has_port = proto == 6 || proto == 17 || proto == 132, monitor;
	uint64_t dropped, excused;
	struct send s;
	struct got got;

	if (spec.saddr == spec.daddr || !src || !dst)
		return;
	if (talkers[from].far) {
		spec.tags = 1;
		spec.tag[0].tci = network;
	}
	s = (struct send){ .door = talkers[from].far ? (chance(seed, 2) ? SL_UP_XDP : SL_UP_IN) : SL_WL_IN,
			   .ifindex = talkers[from].ifindex,
			   .frame = scene_frame(&spec) };
	decision = image_judge(b->image, src->class, dst->class, proto, has_port ? port : 0);
	/* A monitor excuses when no enforcing network is concerned; the world and the like have no say. */
	monitor = is_monitor(network) && (is_monitor(listeners[to].network) || listeners[to].network == 0);
	bench_clear(b);
	if (!bench_run(b, &s, &got))
		return;
	dropped = drops(b, network, SL_DROP_POLICY, SL_DROPPED);
	excused = drops(b, network, SL_DROP_POLICY, SL_MONITORED) +
		  (monitor ? drops(b, network, SL_DROP_NO_EIP, SL_DROPPED) : 0);
	if (decision.policy == SL_POLICY_ALLOW ? dropped || excused : (monitor ? !excused : !dropped))
		fail(b,
		     "%s by rule \"%s\" says the image of 0x%08x → 0x%08x, protocol %u, port %u; the "
		     "program: "
		     "%llu dropped, %llu excused",
		     decision.policy == SL_POLICY_ALLOW ? "allowed" : "denied",
		     image_rule_name(b->image, decision.rule), spec.saddr, spec.daddr, proto, port,
		     (unsigned long long)dropped, (unsigned long long)excused);
}

static void test_random(struct bench *b)
{
	uint64_t seed = 20260101;

	case_begin(b, "policy: 4000 random packets, judged as the image says");
	for (int i = 0; i < 4000 && !b->case_failed; i++)
		one_random(b, &seed);
	case_end(b);
}

void test_policy(struct bench *b)
{
	test_rules(b);
	test_random(b);
}
