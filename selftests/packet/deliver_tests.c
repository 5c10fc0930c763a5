/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where packets go and what is changed in them on the way. A test run does not say which interface a packet
 * was sent to: the flow's verdict does, and live_tests.c sees real frames.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "../../include/csum.h"
#include "vip.h"

static const struct want passes = { .fate = SENT, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW };

/* The verdict that the packet of `s` has left in its flow. */
static void verdict(struct bench *b, struct send *s, uint8_t action, uint16_t flags, uint32_t ifindex,
		    uint16_t vlan)
{
	const struct sl_ipv4 *ip = frame_ip(&s->frame);
	struct sl_flow_key key =
		flow_key(vpc_of(b, "default"), ip->proto, ntohl(ip->saddr), ntohs(frame_udp(&s->frame)->src),
			 ntohl(ip->daddr), ntohs(frame_udp(&s->frame)->dst));
	struct sl_flow flow;

	if (flow_find(b, &key, &flow) < 0) {
		fail(b, "no flow");
		return;
	}
	if (flow.verdict.action != action || flow.verdict.flags != flags || flow.verdict.ifindex != ifindex ||
	    flow.verdict.vlan != vlan)
		fail(b, "verdict: action %u, flags 0x%x, ifindex %u, vlan %u; wanted %u, 0x%x, %u, %u",
		     flow.verdict.action, flow.verdict.flags, flow.verdict.ifindex, flow.verdict.vlan, action,
		     flags, ifindex, vlan);
}

static void delivered(struct bench *b, const char *name, struct send s, struct want w, uint8_t action,
		      uint16_t flags, uint32_t ifindex, uint16_t vlan)
{
	case_begin(b, "deliver: %s", name);
	check(b, name, s, w);
	verdict(b, &s, action, flags, ifindex, vlan);
	case_end(b);
}

#define SET SL_VERDICT_SET_DMAC
#define ROUTED SL_VERDICT_ROUTED
#define PEER SL_VERDICT_PEER

static void test_here(struct bench *b)
{
	struct frame f = PACKET(.saddr = A2, .daddr = A1, UDP(1000, 2000)), out = f;
	struct want w = passes;

	delivered(b, "same network", workload(W_A2, f), w, SL_ACTION_LOCAL, SET, W_A1, 0);
	f = PACKET(.saddr = A2, .daddr = A1, UDP(1000, 2000), .dmac = mac_alien);
	w.out = &out;
	delivered(b, "same network, a stale MAC is put right", workload(W_A2, f), w, SL_ACTION_LOCAL, SET,
		  W_A1, 0);
	f = PACKET(.saddr = A1, .daddr = A2, UDP(1000, 2000));
	w.out = NULL;
	w.unmarked = true;
	delivered(b, "by redirect_peer", workload(W_A1, f), w, SL_ACTION_LOCAL, SET | PEER, W_A2, 0);
	f = PACKET(.saddr = A1, .daddr = A3, UDP(1000, 2000));
	w.unmarked = false;
	delivered(b, "to a workload without a MAC in the plan", workload(W_A1, f), w, SL_ACTION_LOCAL, 0,
		  W_A3, 0);
	f = PACKET(.saddr = A2, .daddr = A1, UDP(1000, 2000), .dmac = mac_router);
	out = hop(f, scene_mac(A1), mac_router);
	w.out = &out;
	delivered(b, "same network through the gateway", workload(W_A2, f), w, SL_ACTION_LOCAL, SET | ROUTED,
		  W_A1, 0);
	f = PACKET(.saddr = A1, .daddr = B1, UDP(1000, 53));
	out = hop(f, scene_mac(B1), mac_router);
	w.dst = NET_B;
	delivered(b, "another network", workload(W_A1, f), w, SL_ACTION_LOCAL, SET | ROUTED, W_B1, 0);
	f = PACKET(.saddr = A1, .daddr = V1, TCP(1000, 443, SYN));
	out = hop(f, scene_mac(V1), mac_router);
	w.dst = NET_OVERLAY;
	delivered(b, "an overlay's workload", workload(W_A1, f), w, SL_ACTION_LOCAL, SET | ROUTED, W_V1, 0);
	w = (struct want){ .fate = STACK, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW };
	f = PACKET(.saddr = A1, .daddr = A_STACK, UDP(1000, 2000));
	delivered(b, "a workload behind the stack", workload(W_A1, f), w, SL_ACTION_STACK, 0, 0, 0);
	f = PACKET(.saddr = A1, .daddr = NODE1, UDP(1000, 2000));
	w.dst = MGMT;
	w.unmarked = true; /* whatever comes of it there, nobody has judged */
	delivered(b, "the node", workload(W_A1, f), w, SL_ACTION_STACK, SL_VERDICT_HERE, 0, 0);
}

/* The gateway answers its own network's pings, whole or in fragments, and nothing else. */
static void test_gateway(struct bench *b)
{
	struct want sent = { .fate = SENT, .src = NET_A, .dst = NET_A };
	struct want w = { .fate = DROPPED, .src = NET_A, .dst = NET_A, .network = NET_A };
	const uint8_t *a1 = scene_mac(A1);
	struct frame f, out;

	f = PACKET(.saddr = A1, .daddr = GATEWAY_A, ICMP(SL_ICMP_ECHO, 7), .ttl = 9, .payload = 31);
	out = PACKET(.saddr = GATEWAY_A, .daddr = A1, ICMP(SL_ICMP_ECHO_REPLY, 7), .payload = 31,
		     .smac = mac_router, .dmac = a1);
	sent.out = &out;
	check(b, "gateway: a ping is answered", workload(W_A1, f), sent);

	case_begin(b, "gateway: a fragmented ping is answered");
	f = PACKET(.saddr = A1, .daddr = GATEWAY_A, ICMP(SL_ICMP_ECHO, 7), .frag = SL_IP_MF, .id = 5,
		   .payload = 24);
	out = PACKET(.saddr = GATEWAY_A, .daddr = A1, ICMP(SL_ICMP_ECHO_REPLY, 7), .frag = SL_IP_MF, .id = 5,
		     .payload = 24, .smac = mac_router, .dmac = a1);
	/* It covers the whole datagram: only the change of the type may show. */
	frame_icmp(&f)->check = htons(0x1234);
	frame_icmp(&out)->check = htons(0x1a34);
	sent.stats = STAT(FRAGMENTS);
	check(b, "the first", workload(W_A1, f), sent);
	f = PACKET(.saddr = A1, .daddr = GATEWAY_A, .proto = SL_PROTO_ICMP, .bare = true, .frag = 4, .id = 5,
		   .payload = 24);
	out = PACKET(.saddr = GATEWAY_A, .daddr = A1, .proto = SL_PROTO_ICMP, .bare = true, .frag = 4,
		     .id = 5, .payload = 24, .smac = mac_router, .dmac = a1);
	sent.stats = 0;
	check(b, "the next", next(workload(W_A1, f)), sent);
	case_end(b);

	w.reason = SL_DROP_ICMP_TYPE;
	f = PACKET(.saddr = A1, .daddr = GATEWAY_A, ICMP(SL_ICMP_TIMESTAMP, 7));
	check(b, "gateway: no other query", workload(W_A1, f), w);
	w.reason = SL_DROP_ICMP_NO_FLOW;
	f = PACKET(.saddr = A1, .daddr = GATEWAY_A, ICMP(SL_ICMP_ECHO_REPLY, 7));
	check(b, "gateway: no answer to an answer", workload(W_A1, f), w);
}

static void test_reasons(struct bench *b)
{
	struct want w = { .fate = DROPPED, .src = NET_A, .dst = NET_A, .network = NET_A };
	struct want good = passes;
	struct frame f = PACKET(.saddr = A1, .daddr = A_ABSENT, UDP(1000, 2000)), out;
	struct send s = workload(W_STRAY, f);

	hit(b, SL_DROP_NO_INTERFACE, "to a workload whose interface is absent", workload(W_A1, f), w);
	hit(b, SL_DROP_NO_INTERFACE, "from an interface the plan does not know", s,
	    (struct want){ .fate = DROPPED });
	s.door = SL_WL_OUT;
	hit(b, SL_DROP_NO_INTERFACE, "to an interface the plan does not know", s,
	    (struct want){ .fate = DROPPED });
	f = PACKET(.saddr = A1, .daddr = A3, UDP(1000, 2000));
	miss(b, SL_DROP_NO_INTERFACE, "to a workload whose interface is there", workload(W_A1, f), passes);
	f = PACKET(.saddr = A1, .daddr = GATEWAY_A, UDP(1000, 2000));
	hit(b, SL_DROP_NO_INTERFACE, "to the gateway, which is no machine", workload(W_A1, f), w);

	f = PACKET(.saddr = A_OTHER, .daddr = A_FAR, UDP(1000, 2000), VLAN(103));
	hit_wire(b, SL_DROP_NOT_HERE, "a workload of another node", f, w);
	f = PACKET(.saddr = A_FAR, .daddr = A_OTHER, UDP(1000, 2000), VLAN(103));
	good = (struct want){ .fate = STACK, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW };
	miss(b, SL_DROP_NOT_HERE, "an address of the network that the plan does not list", wire(f), good);
	f = PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 2000), VLAN(103));
	out = landed(f, scene_mac(A1));
	good = passes;
	good.out = &out;
	miss(b, SL_DROP_NOT_HERE, "a workload of this node", wire(f), good);

	f = PACKET(.saddr = A1, .daddr = WORLD, TCP(1000, 80, SYN));
	w.dst = SL_NET_WORLD;
	hit(b, SL_DROP_NO_EIP, "allowed to the world, from a network with private addresses",
	    workload(W_A1, f), w);
	f = PACKET(.saddr = E1, .daddr = WORLD, TCP(1000, 80, SYN));
	miss(b, SL_DROP_NO_EIP, "to the world from an external network", workload(W_E1, f),
	     (struct want){ .fate = SENT, .src = EXT, .dst = SL_NET_WORLD, .stats = NEW_FLOW });
	f = PACKET(.saddr = A1, .daddr = WORLD, TCP(1000, 81, SYN));
	w.reason = SL_DROP_POLICY;
	miss(b, SL_DROP_NO_EIP, "not allowed to the world", workload(W_A1, f), w);
}

/* Routed to an interface whose MAC nobody knows: the workload would not listen, so nothing is sent. */
static void test_no_mac(struct bench *b)
{
	static const char b_to_a[] = "{\"policy\":[{\"name\":\"b-to-a\",\"from\":[\"network:net-b\"],"
				     "\"to\":[\"network:net-a\"],\"ports\":[\"any\"],\"action\":\"allow\"}]}";
	struct want drop = { .fate = DROPPED, .src = NET_B, .dst = NET_A, .network = NET_B }, pass = passes;
	struct frame f, out;

	if (!bench_plan(b, b_to_a))
		return;
	f = PACKET(.saddr = B1, .daddr = A3, UDP(1000, 2000));
	hit(b, SL_DROP_NO_NEIGHBOUR, "to a workload without a MAC, from another network here",
	    workload(W_B1, f), drop);
	f = PACKET(.saddr = B_FAR, .daddr = A3, UDP(1000, 2000), VLAN(104));
	hit_wire(b, SL_DROP_NO_NEIGHBOUR, "to a workload without a MAC, routed by another node", f, drop);
	f = PACKET(.saddr = B_FAR, .daddr = A1, UDP(1000, 2000), VLAN(104));
	out = landed(f, scene_mac(A1));
	pass.src = NET_B;
	pass.out = &out;
	miss(b, SL_DROP_NO_NEIGHBOUR, "to a workload with a MAC, routed by another node", wire(f), pass);
	f = PACKET(.saddr = A1, .daddr = A3, UDP(1000, 2000), .dmac = mac_router);
	drop.src = drop.network = NET_A;
	hit(b, SL_DROP_NO_NEIGHBOUR, "to a workload without a MAC, through the gateway", workload(W_A1, f),
	    drop);
	f = PACKET(.saddr = A_FAR, .daddr = A3, UDP(1000, 2000), VLAN(103));
	out = landed(f, scene_mac(A3));
	pass.src = NET_A;
	miss(b, SL_DROP_NO_NEIGHBOUR, "to a workload without a MAC, from its own network", wire(f), pass);
	bench_plan(b, NULL);
}

static void test_wire(struct bench *b)
{
	struct frame f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000));
	struct want w = passes;

	delivered(b, "far, same network: tagged, MACs as they are", workload(W_A1, f), w, SL_ACTION_WIRE, 0,
		  UP0, 103);
	f = PACKET(.saddr = A1, .daddr = A_OTHER, UDP(1000, 2000));
	delivered(b, "not listed, same network", workload(W_A1, f), w, SL_ACTION_WIRE, 0, UP0, 103);
	f = PACKET(.saddr = A1, .daddr = A_OTHER, UDP(1000, 2000), .dmac = mac_router);
	w.fate = STACK;
	delivered(b, "not listed, same network, through the gateway: the stack may know the way",
		  workload(W_A1, f), w, SL_ACTION_STACK, 0, 0, 0);
	w.fate = SENT;
	f = PACKET(.saddr = E1, .daddr = WORLD, UDP(1000, 2000));
	w.src = EXT;
	w.dst = SL_NET_WORLD;
	delivered(b, "the world from an external network", workload(W_E1, f), w, SL_ACTION_WIRE, 0, UP0, EXT);
}

static struct frame question(uint32_t who)
{
	struct frame f = { .len = 96, .l3 = 14 };
	struct sl_arp *arp = frame_arp(&f);

	memset(f.bytes, 0xff, 6);
	scene_link_mac(UP0, f.bytes + 6);
	memcpy(f.bytes + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10);
	scene_link_mac(UP0, arp->sha);
	arp->spa = htonl(NODE1);
	arp->tpa = htonl(who);
	/* RFC 1071: a UDP checksum filled in late, over what stands behind the place of an IPv4 header, has to
	 * come out as what stands there already. */
	for (uint32_t keep = 0; keep < 65536; keep++) {
		memcpy(f.bytes + 42, &(uint16_t){ (uint16_t)keep }, 2);
		if (sum16(f.bytes + 34, f.len - 34, 0) == *(uint16_t *)(f.bytes + 40))
			break;
	}
	return f;
}

static void test_far_node(struct bench *b)
{
	struct sl_neigh_key key = { .ifindex = UP0, .vlan = 103, .addr = htonl(NODE2) };
	struct sl_neigh known = { .state = SL_NEIGH_KNOWN, .asked = tick(), .heard = tick() }, row;
	struct frame f = PACKET(.saddr = A1, .daddr = B_FAR, UDP(1000, 53), .payload = 400),
		     out = question(NODE2);
	int fd = b->kernel.table[SL_TABLE_sl_neigh];
	struct want ask = { .fate = DROPPED,
			    .src = NET_A,
			    .dst = NET_B,
			    .network = NET_A,
			    .question = true,
			    .out = &out,
			    .stats = NEW_FLOW | STAT(ARP_ASKED) },
		    silent = ask, w = passes;
	struct frame small = PACKET(.saddr = A1, .daddr = B_FAR, UDP(1000, 53));
	uint8_t mac[6];

	silent.question = false;
	silent.stats = 0;
	hit(b, SL_DROP_NO_NEIGHBOUR, "not known: the packet becomes the question", workload(W_A1, f), ask);
	hit(b, SL_DROP_NO_NEIGHBOUR, "asked just now: silence", next(workload(W_A1, f)), silent);
	case_begin(b, "deliver: asked again after %u s", SL_ASK_S);
	that(b, !bpf_map_lookup_elem(fd, &key, &row) && row.state == SL_NEIGH_ASKED,
	     "a row for the question");
	row.asked = tick() - SL_TICKS(SL_ASK_S) - 1;
	bpf_map_update_elem(fd, &key, &row, BPF_ANY);
	ask.stats = STAT(ARP_ASKED);
	ask.reason = SL_DROP_NO_NEIGHBOUR;
	check(b, "again", next(workload(W_A1, f)), ask);
	case_end(b);
	ask.stats |= NEW_FLOW;
	hit(b, SL_DROP_NO_NEIGHBOUR, "a short packet grows to the question", workload(W_A1, small), ask);

	bench_clear(b);
	memcpy(known.mac, mac_node2, 6);
	bpf_map_update_elem(fd, &key, &known, BPF_ANY);
	scene_link_mac(UP0, mac);
	out = hop(f, mac_node2, mac);
	w.dst = NET_B;
	w.out = &out;
	miss(b, SL_DROP_NO_NEIGHBOUR, "known: routed to it", next(workload(W_A1, f)), w);
	case_begin(b, "deliver: through another node, on the source's VLAN");
	verdict(b, &(struct send){ .frame = f }, SL_ACTION_WIRE, SL_VERDICT_NEXT_HOP | ROUTED, UP0, 103);
	case_end(b);
	f = PACKET(.saddr = A1, .daddr = B_FAR, UDP(1000, 53), .ttl = 1);
	out = say_so(f, SL_ICMP_TIME_EXCEEDED, 0, 0, GATEWAY_A);
	silent.reason = SL_DROP_TTL;
	silent.question = true;
	silent.stats = STAT(TIME_EXCEEDED);
	silent.out = &out;
	check(b, "deliver: through another node with TTL 1: the gateway says so", next(workload(W_A1, f)),
	      silent);
}

/* The header's checksum is updated in place: every corner of its arithmetic. */
static void test_checksum(struct bench *b)
{
	static const uint16_t corners[] = { 0x0000, 0x0001, 0x00ff, 0x0100, 0x01ff, 0x7fff,
					    0xfeff, 0xff00, 0xfefe, 0xfffe, 0xfdff, 0xffff };
	struct want w = passes;

	w.dst = NET_B;
	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++) {
		for (int ttl = 2; ttl <= 255; ttl = ttl * 11 + 1) {
			struct frame f = PACKET(.saddr = A1, .daddr = B1, UDP(1000, 53), .ttl = (uint8_t)ttl);
			struct sl_ipv4 *ip = frame_ip(&f);
			struct frame out;
			uint32_t id;

			for (id = 0; id < 65536; id++) { /* the id that makes the sum so */
				ip->id = htons((uint16_t)id);
				ip->check = 0;
				ip->check = sum16(ip, sizeof(*ip), 0);
				if (ntohs(ip->check) == corners[i])
					break;
			}
			if (id == 65536)
				continue; /* 0xffff never comes out of a sum */
			out = hop(f, scene_mac(B1), mac_router);
			w.out = &out;
			case_begin(b, "deliver: IPv4 checksum 0x%04x, TTL %d", corners[i], ttl);
			check(b, "routed", workload(W_A1, f), w);
			that(b, frame_sum_right(&out), "a right checksum");
			case_end(b);
		}
	}
}

/* The same arithmetic beyond what a TTL can ask of it. */
static void test_arithmetic(struct bench *b)
{
	static const uint16_t corners[] = { 0x0000, 0x0001, 0x00ff, 0x0100, 0x7fff,
					    0x8000, 0xff00, 0xfffe, 0xffff };
	const size_t n = sizeof(corners) / sizeof(corners[0]);

	case_begin(b, "deliver: a checksum updated is the checksum summed anew");
	for (size_t i = 0; i < n * n * n * n && !b->case_failed; i++) {
		uint16_t words[3] = { corners[i % n], corners[i / n % n], corners[i / n / n % n] };
		uint16_t old = words[0], check = sum16(words, sizeof(words), 0), anew, updated;

		words[0] = corners[i / n / n / n];
		anew = sum16(words, sizeof(words), 0);
		if (check == 0xffff || anew == 0xffff)
			continue; /* nothing but zeros: no header is */
		updated = sl_csum_replace16(check, old, words[0]);
		if (updated != anew)
			fail(b, "0x%04x, 0x%04x to 0x%04x: 0x%04x", check, old, words[0], updated);
	}
	case_end(b);
}

static void test_handover(struct bench *b)
{
	struct frame f = PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 2000), VLAN(103));
	struct {
		uint32_t magic, ifindex;
		uint16_t vlan, flags;
		uint8_t dmac[6], action, qos;
	} meta;
	struct send s = wire_xdp(f);
	struct got got;

	check(b, "deliver: XDP judges and counts", s,
	      (struct want){ .fate = STACK, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW });
	case_begin(b, "deliver: XDP tells TC where to");
	if (bench_run(b, &s, &got)) {
		memcpy(&meta, got.meta, sizeof(meta));
		that(b, got.meta_len == sizeof(meta) && meta.magic == 0x736c6331,
		     "20 bytes of metadata with the magic");
		that(b,
		     meta.ifindex == W_A1 && meta.vlan == 103 && meta.action == SL_ACTION_LOCAL &&
			     meta.flags == SET && !memcmp(meta.dmac, scene_mac(A1), 6),
		     "into the interface, with the MAC, from the VLAN");
	}
	case_end(b);
	f = PACKET(.saddr = NODE2, .daddr = NODE1, UDP(1000, 2000), VLAN(MGMT));
	check(b, "deliver: XDP judges what is for the stack", wire_xdp(f),
	      (struct want){ .fate = STACK, .src = MGMT, .dst = MGMT, .stats = NEW_FLOW });
}

static void test_marks(struct bench *b)
{
	static const uint32_t marks[] = { 0x00000000, 0x0000cf00, 0xff0fffff, 0x00700000, 0xffffffff };
	struct frame f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000));

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct send s = workload(W_A1, f);
		char name[64];

		s.mark = marks[i];
		snprintf(name, sizeof(name), "deliver: mark 0x%08x keeps what is others'", marks[i]);
		check(b, name, s, passes);
	}
}

static void test_segments(struct bench *b)
{
	struct frame f = PACKET(.saddr = A1, .daddr = A_FAR, TCP(1000, 2000, ACK), .payload = 3000);
	struct send s = workload(W_A1, f);
	struct want w = passes;

	s.gso_segs = w.packets = 3;
	check(b, "deliver: a segmented buffer counts as its packets", s, w);
	s.gso_segs = w.packets = 1;
	check(b, "deliver: one segment counts as one packet", s, w);
}

void test_deliver(struct bench *b)
{
	test_here(b);
	test_gateway(b);
	test_reasons(b);
	test_wire(b);
	test_no_mac(b);
	test_far_node(b);
	test_checksum(b);
	test_arithmetic(b);
	test_handover(b);
	test_marks(b);
	test_segments(b);
}
