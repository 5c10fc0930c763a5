/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a class writes: DSCP in six bits with ECN left alone (RFC 2474, RFC 3168), the buffer's priority, both at the
 * uplink's way out, whatever lies round the header; what workloads and other networks wrote there is no claim. And how
 * the class finds through a tunnel that hides everything but the hash of the flow.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "wan.h"

static const struct want leaves = { .fate = UNTOUCHED };

static const uint8_t dscps[] = { [0] = 0, [WAL] = 26, [SYNC] = 0, [BULK] = 8 };

static void test_classes(struct bench *b)
{
	static const struct {
		const char *name;
		uint8_t proto;
		uint16_t frag;
		uint8_t option_len;
	} kinds[] = { { "TCP", 6, 0, 0 },
		      { "UDP", 17, 0, 0 },
		      { "a first fragment", 17, SL_IP_MF, 0 },
		      { "a later fragment", 17, 4, 0 },
		      { "IP options", 6, 0, 8 },
		      { "ESP", 50, 0, 0 } };
	static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		case_begin(b, "dscp: of every class, %s", kinds[k].name);
		for (uint8_t class = WAL; class <= BULK; class ++)
			for (uint8_t tos = 0; tos < 4; tos++) { /* every ECN, with a DSCP and without */
				struct frame f = PACKET(.saddr = A1, .daddr = B_FAR, .proto = kinds[k].proto,
							.sport = 1, .dport = 2, .tcp_flags = ACK,
							.frag = kinds[k].frag, .options = options,
							.option_len = kinds[k].option_len, .payload = 40,
							.tos = (uint8_t)(tos & 1 ? 0xb8 | tos : tos),
							.bare = kinds[k].frag == 4);
				struct frame out = with_dscp(f, dscps[class]);
				struct want w = as_class(leaves, class);
				struct send s = judged(stack_out(f), class);

				w.out = &out;
				check(b, "untagged", s, w);
				check(b, "tag beside the frame", beside(s, SL_ETH_VLAN, NET_A), w);
				frame_tag(&s.frame, SL_ETH_VLAN, NET_A);
				frame_tag(&out, SL_ETH_VLAN, NET_A);
				check(b, "tagged", s, w);
			}
		case_end(b);
	}
}

/* The header's checksum is updated in place: its corners. */
static void test_checksum(struct bench *b)
{
	static const uint16_t corners[] = { 0x0000, 0x0001, 0x00ff, 0x0100, 0x7fff, 0x8000, 0xff00, 0xfffe };

	case_begin(b, "dscp: the IPv4 checksum stays right, at its corners too");
	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++)
		for (uint8_t side = 0; side < 2; side++) { /* what comes in, or what goes out, is so */
			struct frame f = PACKET(.saddr = A1, .daddr = B_FAR, UDP(1, 2), .tos = 0xb9), out;
			struct want w = as_class(leaves, WAL);
			struct sl_ipv4 *ip = frame_ip(&f);
			uint32_t id;

			for (id = 0; id < 65536; id++) {
				ip->id = htons((uint16_t)id);
				ip->check = 0;
				ip->check = sum16(ip, sizeof(*ip), 0);
				out = with_dscp(f, 26);
				if (ntohs(side ? frame_ip(&out)->check : ip->check) == corners[i])
					break;
			}
			w.out = &out;
			that(b, id < 65536 && frame_sum_right(&out), "a frame for the corner");
			check(b, "marked", judged(stack_out(f), WAL), w);
		}
	case_end(b);
}

/* --- what was written there before */

static void test_workloads(struct bench *b)
{
	static const struct wan trusted = { .qos = true, .trust = true }, none = { .qos = false };
	struct frame f = FROM(A1, .daddr = B1, TCP(1000, 444, SYN), .tos = 0xb9), out;
	struct want w = { .fate = SENT, .src = NET_A, .dst = NET_B, .stats = NEW_FLOW, .out = &out };
	struct want cast = { .fate = SENT, .src = NET_CAST, .dst = NET_CAST, .out = &out };

	case_begin(b, "dscp: what a workload writes is taken away, ECN is not");
	out = hop(with_dscp(f, 0), scene_mac(B1), mac_router);
	check(b, "to another workload", workload(W_A1, f), w);
	f = FROM(A1, .daddr = W1, TCP(1000, 443, SYN), .tos = 0xfe);
	out = hop(with_dscp(f, 0), f.bytes, f.bytes + 6);
	w.dst = NET_W;
	check(b, "into the tunnel", workload(W_A1, f), w);
	f = PACKET(.saddr = C1, .daddr = C_BROADCAST, UDP(1000, 2000), .dmac = mac_all, .tos = 0xb9);
	out = with_dscp(f, 0);
	check(b, "to all", workload(W_C1, f), cast);
	f = PACKET(.saddr = C1, .daddr = IP(224, 0, 0, 251), UDP(1000, 2000), .dmac = mac_all, .tos = 0xb9);
	out = with_dscp(f, 0);
	check(b, "to a group", workload(W_C1, f), cast);
	case_end(b);

	if (!wan_plan(b, &trusted, NULL))
		return;
	case_begin(b, "dscp: of a workload that is trusted, unless a class says otherwise");
	f = FROM(A1, .daddr = B1, TCP(1000, 444, SYN), .tos = 0xb9);
	out = hop(f, scene_mac(B1), mac_router);
	w.dst = NET_B;
	check(b, "no class", workload(W_A1, f), w);
	out = f;
	check(b, "and out", judged(stack_out(f), 0), as_class(leaves, 0));
	f = FROM(A2, .daddr = A1, TCP(1000, 444, SYN), .tos = 0xb9);
	out = hop(with_dscp(f, 0), scene_mac(A1), mac_router);
	w.dst = NET_A;
	check(b, "its neighbour is not", workload(W_A2, f), w);
	case_end(b);

	if (!wan_plan(b, &none, NULL))
		return;
	case_begin(b, "dscp: without classes nobody's business");
	f = FROM(A1, .daddr = B1, TCP(1000, 444, SYN), .tos = 0xb9);
	out = hop(f, scene_mac(B1), mac_router);
	w.dst = NET_B;
	check(b, "from a workload", workload(W_A1, f), w);
	check(b, "and out", judged(stack_out(f), 0), leaves);
	case_end(b);
}

static void test_transit(struct bench *b)
{
	struct frame f = PACKET(.saddr = W1, .daddr = A_FAR, TCP(1000, 8000, SYN), .tos = 0xb9), out;
	struct want w = as_class(leaves, 0);
	struct send s;

	case_begin(b, "dscp: from the wire or another cluster it does not go on");
	f = PACKET(.saddr = NODE2, .daddr = WORLD, TCP(1000, 8000, SYN), .tos = 0xb9);
	out = with_dscp(f, 0);
	w.out = &out;
	s = judged(stack_out(f), 0);
	s.came_by = WAN0;
	check(b, "came through the tunnel", s, w);
	s.came_by = UP1;
	check(b, "came by another uplink", s, w);
	s.came_by = W_STRAY;
	check(b, "came by an interface that nobody knows", s, w);
	s.came_by = W_A1;
	w.out = NULL;
	check(b, "came from a workload, where it was looked at", s, w);
	s.came_by = 0;
	check(b, "the node's own", s, w);
	check(b, "the node's own, of nobody's business", stack_out(f), w);
	case_end(b);
}

/* --- through the tunnel */

#define SIGNED(tenant, class) (0xa5000000U | (uint32_t)(tenant) << 8 | 0x18U | (class))

static void test_into_tunnel(struct bench *b)
{
	struct frame f = PACKET(.saddr = A1, .daddr = W1, TCP(1000, 5432, ACK), .tos = 0x03), out;
	struct want w = { .fate = UNTOUCHED, .out = &out, .priority = 6 };

	case_begin(b, "dscp: of the packet within the tunnel");
	out = with_dscp(f, 26);
	check(b, "WAL", sent_to_tunnel(f, WAL), w);
	out = with_dscp(f, 8);
	w.priority = 1;
	check(b, "bulk", sent_to_tunnel(f, BULK), w);
	out = f;
	w.priority = 0;
	check(b, "of no class", sent_to_tunnel(f, 0), w);
	case_end(b);
}

static void test_carried(struct bench *b)
{
	struct frame f = wireguard(NODE1, WEST_PEER, WIREGUARD_DATA, 80), out;
	struct want w = { .fate = UNTOUCHED, .out = &out, .bytes = 80 };
	struct send s = stack_out(f);

	case_begin(b, "dscp: the tunnel's packets are of the class that their hash tells");
	w.stats = STAT(CLASS_CARRIED);
	for (uint8_t class = WAL; class <= BULK; class ++) {
		s.hash = SIGNED(0, class);
		out = with_dscp(f, dscps[class]);
		check(b, "by hash", s, through(as_class(w, class), WEST));
	}
	s.hash = SIGNED(0, 0);
	out = f;
	check(b, "of no class", s, through(as_class(w, 0), WEST));
	s.frame = wireguard(NODE1, EAST_PEER, WIREGUARD_DATA, 80);
	out = with_dscp(s.frame, 26);
	s.hash = SIGNED(0, WAL);
	check(b, "to the other cluster", s, through(as_class(w, WAL), EAST));
	s.mark = MARK_JUDGED |
		 BULK << MARK_CLASS_SHIFT; /* WireGuard clears marks; one that is there says nothing */
	check(b, "a mark does not count", s, through(as_class(w, WAL), EAST));
	case_end(b);

	case_begin(b, "dscp: a class that got lost in the tunnel is counted");
	w.stats = STAT(CLASS_LOST);
	s = stack_out(f);
	s.hash = 0x12345678;
	out = f;
	check(b, "somebody else's hash", s, through(as_class(w, 0), WEST));
	s.hash = 0;
	check(b, "none", s, through(as_class(w, 0), WEST));
	case_end(b);

	case_begin(b, "dscp: the tunnel's own packets have none");
	w.stats = 0;
	w.bytes = 0;
	s.hash = SIGNED(1, BULK);
	for (uint8_t type = 1; type < WIREGUARD_DATA; type++) {
		s.frame = out = wireguard(NODE1, WEST_PEER, type, 60);
		check(b, "a handshake", s, through(as_class(w, 0), WEST));
	}
	s.frame = out = wireguard(NODE1, WEST_PEER, WIREGUARD_DATA, 0);
	check(b, "a keepalive", s, through(as_class(w, 0), WEST));
	case_end(b);
}

void test_dscp(struct bench *b)
{
	static const struct wan wan = { .qos = true };

	if (!wan_plan(b, &wan, NULL))
		return;
	test_classes(b);
	test_checksum(b);
	test_transit(b);
	test_into_tunnel(b);
	test_carried(b);
	test_workloads(b);
	wan_over(b);
}
