/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ethernet and VLAN tags: what never gets as far as IP.
 */
#include "bench.h"

#define O_PEER IP(192, 168, 108, 50)
#define TO_O1 .saddr = O_PEER, .daddr = O1, UDP(1000, 2000)

static const struct want nobody = { .fate = DROPPED };

static struct want o1_gets(const struct frame *out)
{
	return (struct want){ .fate = SENT, .src = NET_OPEN, .dst = NET_OPEN, .stats = NEW_FLOW, .out = out };
}

static void test_short(struct bench *b)
{
	struct frame f = PACKET(TO_O1, VLAN(VLAN_OUTSIDE));
	struct want w = { .fate = DROPPED, .bytes = -1 };

	for (uint32_t len = 15; len < 18; len++) {
		f.len = len;
		hit(b, SL_DROP_FRAME_SHORT, "the frame ends in its tag", wire(f), w);
		hit(b, SL_DROP_FRAME_SHORT, "the frame ends in its tag, XDP", wire_xdp(f), w);
		hit(b, SL_DROP_FRAME_SHORT, "the frame ends in its tag, workload", workload(W_A1, f), w);
	}
	f.len = 18;
	miss(b, SL_DROP_FRAME_SHORT, "the tag is whole", wire(f), (struct want){ .fate = UNTOUCHED });
	miss(b, SL_DROP_FRAME_SHORT, "the tag is whole, XDP", wire_xdp(f),
	     (struct want){ .fate = UNTOUCHED });
	miss(b, SL_DROP_FRAME_SHORT, "the tag is whole, workload", workload(W_A1, f),
	     (struct want){ .fate = DROPPED,
			    .reason = SL_DROP_VLAN_ON_ACCESS,
			    .src = NET_A,
			    .network = NET_A,
			    .bytes = -1 });
}

/* Nobody on the way out adds a second tag, whatever the mark says. */
static void test_double_out(struct bench *b)
{
	struct send s = { .door = SL_UP_OUT,
			  .ifindex = UP0,
			  .mark = MARK_JUDGED,
			  .frame = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000), VLAN(NET_A)) };
	struct want w = { .fate = DROPPED };

	miss(b, SL_DROP_VLAN_DOUBLE, "judged, out, 0x8100", s, (struct want){ .fate = UNTOUCHED });
	hit(b, SL_DROP_VLAN_DOUBLE, "judged, out, one within and one beside the frame",
	    beside(s, SL_ETH_VLAN, NET_B), w);
	frame_tag(&s.frame, SL_ETH_VLAN, NET_B);
	w.bytes = 32; /* a tag that is not the frame's own is payload */
	hit(b, SL_DROP_VLAN_DOUBLE, "judged, out, both within the frame", s, w);
}

static void test_double(struct bench *b)
{
	struct frame single = PACKET(TO_O1, VLAN(108)), out = landed(single, scene_mac(O1));
	struct frame two = PACKET(TO_O1, .tags = 2, .tag = { { .tci = 108 }, { .tci = 108 } });
	struct frame qinq = PACKET(TO_O1, .tags = 2, .tag = { { SL_ETH_QINQ, 108 }, { .tci = 108 } });
	struct frame alone = PACKET(TO_O1, .tags = 1, .tag = { { SL_ETH_QINQ, 108 } });
	struct frame three =
		PACKET(TO_O1, .tags = 3, .tag = { { .tci = 108 }, { .tci = 108 }, { .tci = 108 } });
	struct frame inner = PACKET(TO_O1, .tags = 2, .tag = { { .tci = 108 }, { SL_ETH_QINQ, 108 } });
	struct frame outside = PACKET(TO_O1, .tags = 2, .tag = { { .tci = VLAN_OUTSIDE }, { .tci = 108 } });
	struct want w = nobody;

	w.bytes = (int)(two.len - 18);
	hit_wire(b, SL_DROP_VLAN_DOUBLE, "0x8100 0x8100", two, w);
	hit_wire(b, SL_DROP_VLAN_DOUBLE, "0x88a8 0x8100", qinq, w);
	hit_wire(b, SL_DROP_VLAN_DOUBLE, "0x8100 0x88a8", inner, w);
	hit_wire(b, SL_DROP_VLAN_DOUBLE, "the outer one not managed", outside, w);
	w.bytes = (int)(three.len - 18);
	hit_wire(b, SL_DROP_VLAN_DOUBLE, "three tags", three, w);
	hit_wire(b, SL_DROP_VLAN_DOUBLE, "0x88a8 alone", alone, nobody);
	miss(b, SL_DROP_VLAN_DOUBLE, "0x8100", wire(single), o1_gets(&out));
}

static void test_ids(struct bench *b)
{
	struct frame good = PACKET(TO_O1, VLAN(108)), out = landed(good, scene_mac(O1)), f;
	struct frame outside = PACKET(TO_O1, VLAN(VLAN_OUTSIDE));
	struct send s;

	hit_wire(b, SL_DROP_VLAN_PRIORITY, "id 0", PACKET(TO_O1, VLAN(0)), nobody);
	hit_wire(b, SL_DROP_VLAN_PRIORITY, "id 0 with a priority", PACKET(TO_O1, VLAN(0xe000)), nobody);
	hit_wire(b, SL_DROP_VLAN_RESERVED, "id 4095", PACKET(TO_O1, VLAN(4095)), nobody);
	hit_wire(b, SL_DROP_VLAN_UNASSIGNED, "id 109", PACKET(TO_O1, VLAN(VLAN_UNASSIGNED_)), nobody);
	f = PACKET(TO_O1, VLAN(0xe000 | 108));
	miss(b, SL_DROP_VLAN_PRIORITY, "a network's id with a priority", wire(f), o1_gets(&out));
	miss(b, SL_DROP_VLAN_PRIORITY, "id 1", wire(PACKET(TO_O1, VLAN(1))),
	     (struct want){ .fate = UNTOUCHED });
	miss(b, SL_DROP_VLAN_RESERVED, "id 4094", wire(PACKET(TO_O1, VLAN(4094))),
	     (struct want){ .fate = UNTOUCHED });
	miss(b, SL_DROP_VLAN_UNASSIGNED, "id 108", wire(good), o1_gets(&out));
	miss(b, SL_DROP_VLAN_UNASSIGNED, "id 110", wire(outside), (struct want){ .fate = UNTOUCHED });
	miss(b, SL_DROP_VLAN_UNASSIGNED, "id 110, XDP", wire_xdp(outside),
	     (struct want){ .fate = UNTOUCHED });
	s = beside(wire(good), SL_ETH_VLAN, 108);
	frame_untag(&s.frame);
	check(b, "vlan: a tag beside the frame is as good as one in it", s, o1_gets(&out));

	s = wire(outside);
	s.ifindex = UP1;
	hit(b, SL_DROP_VLAN_UNMANAGED, "id 110 on the uplink that drops", s, nobody);
	s.door = SL_UP_XDP;
	hit(b, SL_DROP_VLAN_UNMANAGED, "id 110 on the uplink that drops, XDP", s, nobody);
	miss(b, SL_DROP_VLAN_UNMANAGED, "id 110 on the uplink that passes", wire(outside),
	     (struct want){ .fate = UNTOUCHED });
	s = wire(good);
	s.ifindex = UP1;
	hit(b, SL_DROP_VLAN_UNASSIGNED, "id 108 on an uplink that does not carry it", s, nobody);
	s.door = SL_UP_OUT;
	hit(b, SL_DROP_VLAN_UNASSIGNED, "id 108 out of an uplink that does not carry it", s, nobody);
	s = wire(good);
	s.ifindex = W_STRAY;
	hit(b, SL_DROP_NO_INTERFACE, "a tag on an interface that is no uplink of the plan", s, nobody);
	frame_untag(&s.frame);
	miss(b, SL_DROP_NO_INTERFACE, "no tag on an interface that is no uplink of the plan", s,
	     (struct want){ .fate = UNTOUCHED });
}

static void test_access(struct bench *b)
{
	struct frame f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000), VLAN(103));
	struct want w = { .fate = DROPPED, .src = NET_A, .network = NET_A };
	struct send s = workload(W_A1, f);

	hit(b, SL_DROP_VLAN_ON_ACCESS, "the network's own id", s, w);
	frame_untag(&s.frame);
	miss(b, SL_DROP_VLAN_ON_ACCESS, "no tag", s,
	     (struct want){ .fate = SENT, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW });
	s = beside(s, SL_ETH_VLAN, 103);
	hit(b, SL_DROP_VLAN_ON_ACCESS, "a tag beside the frame", s, w);
	s = beside(s, SL_ETH_VLAN, 0xe000);
	hit(b, SL_DROP_VLAN_ON_ACCESS, "a priority tag", s, w);
	s.door = SL_WL_OUT;
	hit(b, SL_DROP_VLAN_ON_ACCESS, "towards a workload", s, w);
}

static void test_ethertype(struct bench *b)
{
	struct want drop = { .fate = DROPPED, .src = NET_A, .dst = NET_A, .network = NET_A };
	struct want pass = { .fate = SENT, .src = NET_CAST, .dst = NET_CAST };
	struct frame lldp = PACKET(.saddr = A1, .ethertype = 0x88cc, .payload = 46);
	struct frame length = PACKET(.saddr = A1, .ethertype = 46, .payload = 46);
	struct frame ipv6 = PACKET(.saddr = A1, .ethertype = SL_ETH_IPV6, .payload = 60);
	struct frame from_c1 = PACKET(.saddr = C1, .daddr = C_FAR, .ethertype = SL_ETH_IPV6, .payload = 60);
	struct frame arp = ARP(.spa = A1, .tpa = A_FAR);
	struct frame c1_gets;

	hit(b, SL_DROP_ETHERTYPE, "LLDP", workload(W_A1, lldp), drop);
	hit(b, SL_DROP_ETHERTYPE, "a length of 802.3", workload(W_A1, length), drop);
	frame_tag(&lldp, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_ETHERTYPE, "LLDP on a VLAN", lldp, drop);
	miss(b, SL_DROP_ETHERTYPE, "ARP", workload(W_A1, arp),
	     (struct want){ .fate = SENT, .src = NET_A, .dst = NET_A });
	hit(b, SL_DROP_IPV6, "from a workload", workload(W_A1, ipv6), drop);
	frame_tag(&ipv6, SL_ETH_VLAN, 103);
	hit_wire(b, SL_DROP_IPV6, "from the wire", ipv6, drop);
	miss(b, SL_DROP_IPV6, "on a network that passes it", workload(W_C1, from_c1), pass);
	from_c1 = PACKET(.saddr = C_FAR, .daddr = C1, .ethertype = SL_ETH_IPV6, .payload = 60, VLAN(106));
	c1_gets = landed(from_c1, scene_mac(C1));
	pass.out = &c1_gets;
	miss(b, SL_DROP_IPV6, "from the wire, on a network that passes it", wire(from_c1), pass);
	miss(b, SL_DROP_IPV6, "on a network that passes it: XDP leaves it to TC", wire_xdp(from_c1),
	     (struct want){ .fate = UNTOUCHED });
}

void test_frame(struct bench *b)
{
	test_short(b);
	test_double(b);
	test_double_out(b);
	test_ids(b);
	test_access(b);
	test_ethertype(b);
}
