/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The node itself: untagged traffic, the host policy, and what the doors do while no plan is in.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "bench.h"

static const struct want untouched = { .fate = UNTOUCHED };

static const char host_policy[] = "{\"clusters\":{\"main\":{\"host\":{\"allow\":["
				  "{\"from\":[\"network:mgmt\"],\"ports\":[\"tcp/22\"]},"
				  "{\"from\":[\"world\"],\"ports\":[\"tcp/443\"]}]}}}}";

static void test_unmanaged(struct bench *b)
{
	struct send s = wire(PACKET(.saddr = WORLD, .daddr = IP(9, 9, 9, 9), UDP(1000, 2000)));

	miss(b, SL_DROP_UNTAGGED, "on the uplink that passes", s, untouched);
	s.ifindex = UP1;
	hit(b, SL_DROP_UNTAGGED, "on the uplink that drops", s, (struct want){ .fate = DROPPED });
	s.door = SL_UP_XDP;
	miss(b, SL_DROP_UNTAGGED, "XDP cannot know", s, untouched);
	s.door = SL_UP_OUT;
	miss(b, SL_DROP_UNTAGGED, "on its way out", s, untouched);
	s.door = SL_UP_IN;
	s.frame = PACKET(.saddr = WORLD, .ethertype = SL_ETH_IPV6, .payload = 60);
	hit(b, SL_DROP_UNTAGGED, "IPv6 on the uplink that drops", s, (struct want){ .fate = DROPPED });
	s.frame = PACKET(.saddr = WORLD, .daddr = NODE1, TCP(1000, 22, SYN));
	miss(b, SL_DROP_UNTAGGED, "to this node on the uplink that drops", s, untouched);
	s.frame = ARP(.spa = WORLD, .tpa = NODE1);
	miss(b, SL_DROP_UNTAGGED, "ARP on the uplink that drops", s, untouched);
}

static void test_host_policy(struct bench *b)
{
	struct want drop = { .fate = DROPPED, .reason = SL_DROP_POLICY, .dst = MGMT };
	struct want pass = { .fate = STACK, .dst = MGMT, .stats = NEW_FLOW, .unmarked = true }, out = pass;
	struct send s = wire(PACKET(.saddr = WORLD, .daddr = NODE1, TCP(1000, 23, SYN)));

	check(b, "node: no host policy: anything reaches it", s, untouched);
	if (!bench_plan(b, host_policy))
		return;
	hit(b, SL_DROP_POLICY, "a port that the host policy does not open", s, drop);
	s.frame = PACKET(.saddr = WORLD, .daddr = NODE1, TCP(1000, 443, SYN));
	check(b, "node: host policy: a port it opens", s, pass);
	s.ifindex = UP1;
	check(b, "node: host policy: a port it opens, on the uplink that drops what is not managed", s, pass);
	s.ifindex = UP0;
	s.frame = PACKET(.saddr = NODE2, .daddr = NODE1, TCP(1000, 22, SYN));
	pass.src = drop.src = MGMT;
	check(b, "node: host policy: another node by a network's rule", s, pass);
	s.frame = PACKET(.saddr = NODE2, .daddr = NODE1, TCP(1000, 443, SYN));
	hit(b, SL_DROP_POLICY, "another node, which its network's intra: allow does not help", s, drop);
	drop.reason = 0;
	s.frame = PACKET(.saddr = MGMT_HOST, .daddr = NODE1, TCP(1000, 22, SYN));
	hit(b, SL_DROP_SPOOFED_SOURCE, "a VLAN's address without its tag", s, drop);
	frame_tag(&s.frame, SL_ETH_VLAN, MGMT);
	miss(b, SL_DROP_SPOOFED_SOURCE, "a VLAN's address with its tag", s, pass);
	s.frame = PACKET(.saddr = A1, .daddr = NODE1, TCP(1000, 22, SYN));
	drop = (struct want){ .fate = DROPPED, .src = NET_A, .dst = MGMT, .network = NET_A };
	hit(b, SL_DROP_POLICY, "a workload that the host policy does not name", workload(W_A1, s.frame),
	    drop);

	s = (struct send){ .door = SL_UP_OUT,
			   .ifindex = UP0,
			   .frame = PACKET(.saddr = NODE1, .daddr = WORLD, TCP(1000, 80, SYN)) };
	out = (struct want){ .fate = STACK, .src = MGMT, .stats = NEW_FLOW };
	check(b, "node: host policy: the node opens to the world", s, out);
	s = wire(PACKET(.saddr = WORLD, .daddr = NODE1, TCP(80, 1000, SYN | ACK)));
	check(b, "node: host policy: and is answered", next(s),
	      (struct want){ .fate = STACK, .dst = MGMT, .unmarked = true });
	check(b, "node: host policy: and goes on",
	      next((struct send){ .door = SL_UP_OUT,
				  .ifindex = UP0,
				  .frame = PACKET(.saddr = NODE1, .daddr = WORLD, TCP(1000, 80, ACK)) }),
	      (struct want){ .fate = STACK, .src = MGMT, .stats = STAT(FLOWS_PROMOTED) });
	hit(b, SL_DROP_TCP_STATE, "an answer to nothing", s, (struct want){ .fate = DROPPED, .dst = MGMT });
	bench_plan(b, NULL);
}

void test_untagged(struct bench *b)
{
	test_unmanaged(b);
	test_host_policy(b);
}

/* --- generation 0 */

static void set_fail(struct bench *b, uint32_t ifindex, uint32_t vlan, int open)
{
	struct sl_fail_key key = { .ifindex = ifindex, .vlan = vlan };
	struct sl_fail fail_row = { .open = (uint32_t)open };
	int fd = b->kernel.table[SL_TABLE_sl_fail];

	if (open < 0)
		bpf_map_delete_elem(fd, &key);
	else if (bpf_map_update_elem(fd, &key, &fail_row, BPF_ANY))
		fail(b, "cannot write sl_fail");
}

void test_no_plan(struct bench *b)
{
	static const struct want closed = { .fate = DROPPED };
	struct send wl = workload(W_A1, PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000)));
	struct send up = wire(PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 2000), VLAN(103))), to = wl,
		    out = up;

	to.door = SL_WL_OUT;
	out.door = SL_UP_OUT;
	bench_generation(b, 0);
	set_fail(b, W_A1, 0, -1);
	hit(b, SL_DROP_NO_PLAN, "a workload that nobody has said anything about", wl, closed);
	hit(b, SL_DROP_NO_PLAN, "towards it", to, closed);
	to.mark = 0x00800000;
	hit(b, SL_DROP_NO_PLAN, "towards it, with a mark of a plan that is gone", to, closed);
	set_fail(b, W_A1, 0, 0);
	hit(b, SL_DROP_NO_PLAN, "a workload of a network that fails closed", wl, closed);
	set_fail(b, W_A1, 0, 1);
	miss(b, SL_DROP_NO_PLAN, "a workload of a network that fails open", wl, untouched);
	miss(b, SL_DROP_NO_PLAN, "towards it", to, untouched);
	set_fail(b, 0, 103, -1);
	miss(b, SL_DROP_NO_PLAN, "a VLAN that nobody has said anything about", up, untouched);
	set_fail(b, 0, 103, 0);
	hit(b, SL_DROP_NO_PLAN, "a VLAN that fails closed", up, closed);
	hit(b, SL_DROP_NO_PLAN, "a VLAN that fails closed, out", out, closed);
	up.door = SL_UP_XDP;
	hit(b, SL_DROP_NO_PLAN, "a VLAN that fails closed, XDP", up, closed);
	set_fail(b, 0, 103, 1);
	miss(b, SL_DROP_NO_PLAN, "a VLAN that fails open, XDP", up, untouched);
	up.door = SL_UP_IN;
	miss(b, SL_DROP_NO_PLAN, "a VLAN that fails open", up, untouched);
	frame_untag(&up.frame);
	miss(b, SL_DROP_NO_PLAN, "untagged: the node stays reachable", up, untouched);
	set_fail(b, W_A1, 0, -1);
	set_fail(b, 0, 103, -1);
	bench_generation(b, b->kernel.generation);
	check(b, "no_plan: the plan is back", wl,
	      (struct want){ .fate = SENT, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW });
}

/* --- enforce: monitor. Each reason that is a judgement passes and is counted; a broken packet is dropped. */

#define TO_MFAR .saddr = M1, .daddr = M_FAR
static struct send m1(struct frame f)
{
	return workload(W_M1, f);
}

static void test_monitored_ip(struct bench *b)
{
	struct want w = { .fate = SENT, .src = NET_MON, .dst = NET_MON, .network = NET_MON };
	struct frame f, out;

	monitored(b, SL_DROP_POLICY, "within a network with intra: deny", m1(PACKET(TO_MFAR, UDP(1, 2))), w);
	f = PACKET(.saddr = M1, .daddr = N1, UDP(1, 2));
	w.dst = NET_MON_B;
	out = hop(f, scene_mac(N1), mac_router);
	w.out = &out;
	monitored(b, SL_DROP_POLICY, "between two networks that monitor", m1(f), w);
	w = (struct want){ .fate = DROPPED, .src = NET_MON, .dst = NET_B, .network = NET_MON };
	hit(b, SL_DROP_POLICY, "from a monitor to a network that enforces",
	    m1(PACKET(.saddr = M1, .daddr = B1, UDP(1, 2))), w);
	w = (struct want){ .fate = DROPPED, .src = NET_A, .dst = NET_MON, .network = NET_A };
	hit(b, SL_DROP_POLICY, "from a network that enforces to a monitor",
	    workload(W_A1, PACKET(.saddr = A1, .daddr = M1, UDP(1, 2))), w);
	w = (struct want){ .fate = SENT, .src = NET_MON, .dst = NET_MON, .network = NET_MON };
	f = PACKET(.saddr = M1, .daddr = 0xffffffff, UDP(1, 2), .dmac = mac_all);
	monitored(b, SL_DROP_BROADCAST, "to all", m1(f), w);
	f = PACKET(.saddr = M1, .daddr = IP(224, 0, 0, 1), UDP(1, 2), .dmac = mac_all);
	monitored(b, SL_DROP_MULTICAST, "to a group", m1(f), w);
	f = PACKET(.saddr = M1, .ethertype = 0x88cc, .payload = 46);
	monitored(b, SL_DROP_ETHERTYPE, "LLDP", m1(f), w);
	f = PACKET(.saddr = M1, .ethertype = SL_ETH_IPV6, .payload = 60);
	monitored(b, SL_DROP_IPV6, "IPv6", m1(f), w);
	f = ARP(.spa = M_FAR, .sha = scene_mac(M1), .tpa = M1);
	monitored(b, SL_DROP_ARP_SPOOFED, "another's address", m1(f), w);
	out = PACKET(TO_MFAR, UDP(5, 6));
	f = PACKET(TO_MFAR, ICMP(SL_ICMP_UNREACHABLE, 0), .quote = &out);
	monitored(b, SL_DROP_ICMP_NO_FLOW, "an error about nothing", m1(f), w);
}

/* Which networks allow all within, so that the reason under test is the only one. */
static const char monitor_all[] = "{\"networks\":{\"net-mon\":{\"intra\":\"allow\"}}}";

static void test_monitored_alone(struct bench *b)
{
	struct want w = { .fate = SENT, .src = NET_MON, .dst = NET_MON, .network = NET_MON };
	struct frame f;
	struct send s;

	if (!bench_plan(b, monitor_all))
		return;
	monitored(b, SL_DROP_TCP_STATE, "an answer to nothing", m1(PACKET(TO_MFAR, TCP(1, 2, SYN | ACK))), w);
	monitored(b, SL_DROP_ICMP_TYPE, "redirect", m1(PACKET(TO_MFAR, ICMP(5, 0))), w);
	monitored(b, SL_DROP_ICMP_NO_FLOW, "an echo reply to nothing", m1(PACKET(TO_MFAR, ICMP(0, 1))), w);
	f = PACKET(TO_MFAR, .proto = 17, .frag = 2, .bare = true, .payload = 8);
	monitored(b, SL_DROP_FRAG_NO_FIRST, "nothing came before", m1(f), w);
	f = PACKET(.saddr = IP(192, 168, 105, 77), .daddr = M_FAR, UDP(1, 2), .smac = scene_mac(M1),
		   .dmac = scene_mac(M_FAR));
	monitored(b, SL_DROP_SPOOFED_SOURCE, "an address nobody has", m1(f), w);
	f = PACKET(TO_MFAR, UDP(1, 2), .smac = mac_alien);
	monitored(b, SL_DROP_SPOOFED_MAC, "another MAC", m1(f), w);
	s = (struct send){ .door = SL_WL_OUT,
			   .ifindex = W_M1,
			   .frame = PACKET(.saddr = M_FAR, .daddr = M1, UDP(1, 2)) };
	w.fate = STACK;
	monitored(b, SL_DROP_UNJUDGED, "a far workload's packet from the stack", s, w);

	w = (struct want){ .fate = DROPPED, .src = NET_MON, .network = NET_MON };
	f = PACKET(TO_MFAR, UDP(1, 2));
	frame_udp(&f)->len = htons(9);
	hit(b, SL_DROP_L4_LENGTH, "a broken packet under a monitor", m1(f), w);
	hit(b, SL_DROP_TCP_FLAGS, "senseless flags under a monitor", m1(PACKET(TO_MFAR, TCP(1, 2, 0))), w);
	f = PACKET(TO_MFAR, UDP(1, 2), VLAN(105));
	hit(b, SL_DROP_VLAN_ON_ACCESS, "a tag under a monitor", m1(f), w);
	bench_plan(b, NULL);
}

void test_monitor(struct bench *b)
{
	test_monitored_ip(b);
	test_monitored_alone(b);
}
