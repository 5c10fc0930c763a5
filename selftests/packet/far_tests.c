/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Answers of flows that cross the tunnel: straight to clients in the world, back through the tunnel to workloads of
 * the node they came by, the sizes both ends are told, and packets that are cut in two.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define FAR 87
#define ROOM (TUNNEL_MTU - 44)
#define MSS (ROOM - 40)
#define MARK_JUDGED 0x00800000U

static const uint8_t mac_ext_router[6] = { 0x02, 0xee, 0, 0, 0, 1 };

static struct frame from_node2(const struct frame *f, uint32_t backend)
{
	return wrap(f, scene_mac(NODE1), mac_node2, NODE2, NODE1, backend);
}

/* The port it is sent under comes from the packet's hash. */
static void same_port(struct bench *b, struct send s, struct frame *out)
{
	struct got got;

	if (bench_run(b, &s, &got) && got.frame.len > 36 && got.frame.bytes[34] >= 0xc0)
		memcpy(out->bytes + 34, got.frame.bytes + 34, 2);
}

static void arrives(struct bench *b, const struct frame *f, uint16_t target, struct want w)
{
	struct frame in = from_node2(f, A1), out = into(*f, A1, target);

	w.stats |= STAT(TUNNEL_RECEIVED);
	w.bytes = (int)(f->len - f->l3);
	w.out = &out;
	check(b, "comes through the tunnel", wire(in), w);
}

static void learn(struct bench *b)
{
	struct sl_neigh_key key = { .ifindex = UP0, .vlan = EXT, .addr = htonl(EXT_ROUTER) };
	struct sl_neigh row = { .state = SL_NEIGH_KNOWN, .asked = tick(), .heard = tick() };

	memcpy(row.mac, mac_ext_router, 6);
	if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_neigh], &key, &row, BPF_ANY))
		fail(b, "cannot write sl_neigh");
}

static const uint8_t big_mss[4] = { 2, 4, 0x05, 0xb4 }; /* 1460 */

static struct frame with_mss(struct frame f, uint16_t mss)
{
	f.bytes[f.l4 + 22] = (uint8_t)(mss >> 8);
	f.bytes[f.l4 + 23] = (uint8_t)mss;
	frame_sum(&f);
	return f;
}

/* A client in the world who came in by node2, to a VIP of an external network. */
static void test_direct_vlan(struct bench *b)
{
	struct want w = opens(VIP_EXT_OTHER, 80, TCP_, A1, SL_NET_WORLD, NET_A), ask;
	struct frame f = TO_VIP(VIP_EXT_OTHER, TCP(1000, 80, SYN)), r, out;
	struct got got;

	case_begin(b, "far: the answer to the world goes out as the VIP, by its network's own router");
	arrives(b, &f, 8080, w);
	r = tcp_options(FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK)), big_mss, 4);
	learn(b);
	out = hop(with_mss(readdress(r, VIP_EXT_OTHER, 80, 0, 0), MSS), mac_ext_router, scene_mac(NODE1));
	w = answers(VIP_EXT_OTHER, 80, TCP_, A1, NET_A, SL_NET_WORLD);
	w.out = &out;
	check(b, "SYN ACK", next(workload(W_A1, r)), w);
	r = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, ACK), .payload = 1460);
	out = hop(readdress(r, VIP_EXT_OTHER, 80, 0, 0), mac_ext_router, scene_mac(NODE1));
	check(b, "data", next(workload(W_A1, r)), goes_on(w));
	case_end(b);

	case_begin(b, "far: a router that is not known is asked for, in nobody's name");
	f = TO_VIP(VIP_EXT_OTHER, UDP(1000, 53));
	arrives(b, &f, 5353, opens(VIP_EXT_OTHER, 53, UDP_, A1, SL_NET_WORLD, NET_A));
	r = FROM(A1, .daddr = CLIENT, UDP(5353, 1000), .payload = 100);
	ask = answers(VIP_EXT_OTHER, 53, UDP_, A1, NET_A, SL_NET_WORLD);
	struct send s = next(workload(W_A1, r));
	bench_clear_counts(b);
	if (bench_run(b, &s, &got)) {
		got.frame.l3 = 14;
		that(b,
		     frame_eth(&got.frame)->type == htons(SL_ETH_ARP) &&
			     frame_arp(&got.frame)->tpa == htonl(EXT_ROUTER) && !frame_arp(&got.frame)->spa,
		     "a question for the router from 0.0.0.0");
	}
	ask = goes_on(ask);
	ask.fate = DROPPED;
	ask.reason = SL_DROP_NO_NEIGHBOUR;
	ask.network = NET_A;
	check(b, "asked just now: silence", s, ask);
	case_end(b);
}

/* To a VIP that stands in no VLAN: by the routes of the stack, whatever MACs those give. */
static void test_direct_routed(struct bench *b)
{
	struct want w = opens(VIP_POOL_OTHER, 80, TCP_, A1, SL_NET_WORLD, NET_A);
	struct frame f = TO_VIP(VIP_POOL_OTHER, TCP(1000, 80, SYN)), r, out;

	case_begin(b, "far: the answer to the world goes out as the VIP, by the stack's routes");
	arrives(b, &f, 8080, w);
	r = tcp_options(FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK)), big_mss, 4);
	out = with_mss(readdress(r, VIP_POOL_OTHER, 80, 0, 0), MSS);
	out = hop(out, r.bytes, r.bytes + 6);
	w = answers(VIP_POOL_OTHER, 80, TCP_, A1, NET_A, SL_NET_WORLD);
	w.out = &out;
	check(b, "SYN ACK", next(workload(W_A1, r)), w);
	case_end(b);
}

/* A workload of node2 as client: the answer goes back by the tunnel, to nobody by name. */
static void test_back(struct bench *b)
{
	struct want w = opens(VIP_POOL_OTHER, 80, TCP_, A1, NET_B, NET_A);
	struct frame f = PACKET(.saddr = B_FAR, .daddr = VIP_POOL_OTHER, TCP(1000, 80, SYN),
				.dmac = mac_router),
		     r, vip, out;
	struct send s;

	case_begin(b, "far: the answer to a workload of the other node goes back through the tunnel");
	arrives(b, &f, 8080, w);
	r = tcp_options(FROM(A1, .daddr = B_FAR, TCP(8080, 1000, SYN | ACK)), big_mss, 4);
	vip = with_mss(readdress(r, VIP_POOL_OTHER, 80, 0, 0), MSS);
	out = wrap(&vip, r.bytes, r.bytes + 6, NODE1, NODE2, 0);
	s = next(workload(W_A1, r));
	w = answers(VIP_POOL_OTHER, 80, TCP_, A1, NET_A, NET_B);
	w.out = &out;
	{
		struct got got;

		if (bench_run(b, &s, &got))
			memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
	}
	w = goes_on(w);
	w.stats = STAT(TUNNEL_SENT);
	check(b, "SYN ACK again", s, w);
	case_end(b);

	r = FROM(A1, .daddr = B_FAR, TCP(8080, 1000, ACK), .frag = SL_IP_DF, .payload = ROOM - 39, .id = 3);
	out = unreachable(r, SL_ICMP_FRAG_NEEDED, ROOM);
	w.fate = DROPPED;
	w.network = NET_A;
	w.question = true;
	w.stats = STAT(TOO_BIG_TOLD);
	w.out = &out;
	hit(b, SL_DROP_TOO_BIG, "a backend's answer: it is told about its own packet",
	    next(workload(W_A1, r)), w);
}

/* Where a workload here opens a flow to a backend of node2, the answer comes through the tunnel. */
static void test_answer_arrives(struct bench *b)
{
	struct frame f = tcp_options(FROM(B1, .daddr = VIP_POOL, TCP(1000, FAR, SYN)), big_mss, 4), clamped,
		     out, r, in;
	struct want w = opens(VIP_POOL, FAR, TCP_, A_FAR, NET_B, NET_A);

	case_begin(b, "far: a workload's flow to a backend of another node, there and back");
	clamped = with_mss(f, MSS);
	out = wrap(&clamped, f.bytes, f.bytes + 6, NODE1, NODE2, A_FAR);
	w.stats |= STAT(TUNNEL_SENT);
	w.out = &out;
	bench_clear(b);
	same_port(b, workload(W_B1, f), &out);
	check(b, "SYN, with the size that fits", workload(W_B1, f), w);
	r = PACKET(.saddr = VIP_POOL, .daddr = B1, TCP(FAR, 1000, SYN | ACK), .ttl = 60, .dmac = mac_alien);
	in = from_node2(&r, 0);
	out = hop(r, scene_mac(B1), mac_router);
	w = answers(VIP_POOL, FAR, TCP_, A_FAR, NET_A, NET_B);
	w.stats |= STAT(TUNNEL_RECEIVED);
	w.bytes = (int)(r.len - r.l3);
	w.out = &out;
	check(b, "SYN ACK", next(wire(in)), w);
	frame_tag(&in, SL_ETH_VLAN, MGMT);
	w = goes_on(w);
	w.stats = STAT(TUNNEL_RECEIVED);
	check(b, "data, on the nodes' VLAN", next(wire(in)), w);
	r = PACKET(.saddr = VIP_POOL, .daddr = B1, TCP(FAR, 1000, ACK), .dmac = scene_mac(NODE1));
	check(b, "not through the tunnel: from the wire, the VIP is a stranger to B1", next(wire(r)),
	      (struct want){ .fate = UNTOUCHED });
	case_end(b);
}

/* --- MSS */

static void clamp(struct bench *b, const char *name, const uint8_t *options, uint8_t len, int at,
		  uint16_t want)
{
	struct frame f = TO_VIP(VIP_POOL_OTHER, TCP(1000, 80, SYN)), r, out;
	struct want w = answers(VIP_POOL_OTHER, 80, TCP_, A1, NET_A, SL_NET_WORLD);

	case_begin(b, "far: MSS, %s", name);
	arrives(b, &f, 8080, opens(VIP_POOL_OTHER, 80, TCP_, A1, SL_NET_WORLD, NET_A));
	r = tcp_options(FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK)), options, len);
	out = readdress(r, VIP_POOL_OTHER, 80, 0, 0);
	if (at >= 0) {
		out.bytes[out.l4 + 20 + at] = (uint8_t)(want >> 8);
		out.bytes[out.l4 + 21 + at] = (uint8_t)want;
		frame_sum(&out);
	}
	out = hop(out, r.bytes, r.bytes + 6);
	w.out = &out;
	check(b, name, next(workload(W_A1, r)), w);
	that(b, frame_sum_right(&out), "a right checksum");
	case_end(b);
}

static void test_mss(struct bench *b)
{
	clamp(b, "larger than fits", (uint8_t[]){ 2, 4, 0x23, 0x00 }, 4, 2, MSS);
	clamp(b, "one more than fits", (uint8_t[]){ 2, 4, MSS >> 8, (MSS & 0xff) + 1 }, 4, 2, MSS);
	clamp(b, "what fits", (uint8_t[]){ 2, 4, MSS >> 8, MSS & 0xff }, 4, -1, 0);
	clamp(b, "less", (uint8_t[]){ 2, 4, 2, 0x18 }, 4, -1, 0);
	clamp(b, "at an odd place", (uint8_t[]){ 1, 2, 4, 0x05, 0xb4, 1, 1, 1 }, 8, 3, MSS);
	clamp(b, "behind others", (uint8_t[]){ 4, 2, 3, 3, 7, 2, 4, 0x05, 0xb4, 1, 1, 1 }, 12, 7, MSS);
	clamp(b, "behind the end", (uint8_t[]){ 0, 0, 0, 0, 2, 4, 0x05, 0xb4 }, 8, -1, 0);
	clamp(b, "none", (uint8_t[]){ 4, 2, 1, 1 }, 4, -1, 0);
	clamp(b, "an option of no length", (uint8_t[]){ 8, 0, 2, 4, 0x05, 0xb4, 1, 1 }, 8, -1, 0);
	clamp(b, "cut off", (uint8_t[]){ 1, 1, 2, 4 }, 4, -1, 0);
}

/* --- in two halves */

static struct frame half(const struct frame *whole, uint32_t from, uint32_t len, bool more)
{
	struct frame f = *whole;
	struct sl_ipv4 *ip = frame_ip(&f);
	uint16_t frag = ntohs(ip->frag);

	memmove(f.bytes + f.l4, f.bytes + f.l4 + from, len);
	f.len = f.l4 + len;
	ip->len = htons((uint16_t)(f.len - f.l3));
	/* What was a fragment already stays one at its place, with more behind it. */
	ip->frag =
		htons((uint16_t)((more ? SL_IP_MF : frag & SL_IP_MF) | ((frag & SL_IP_OFFSET) + from / 8)));
	ip->check = 0;
	ip->check = sum16(ip, 20, 0);
	return f;
}

static void halves(struct bench *b, const char *name, struct frame f, struct send (*in)(struct frame f),
		   struct want w)
{
	uint32_t payload = f.len - f.l4, cut = payload / 2 / 8 * 8;
	struct frame one = half(&f, 0, cut, true), two = half(&f, cut, payload - cut, false), out, again = f;
	struct send s = in(f);

	case_begin(b, "far: too big and no DF: in two halves, %s", name);
	out = wrap(&one, f.bytes, f.bytes + 6, NODE1, NODE2, A_FAR);
	w.stats |= STAT(TUNNEL_SENT) | STAT(SPLIT);
	w.stats |= ntohs(frame_ip(&f)->frag) & SL_IP_OFFSET ? 0 : STAT(FRAGMENTS);
	w.bytes = (int)(20 + cut);
	w.out = &out;
	if (w.stats & NEW_FLOW)
		bench_clear(b);
	else
		s.keep = true;
	same_port(b, s, &out);
	w.served.bytes = 20 + payload; /* before it is known that it has to be cut */
	check(b, "the first", s, w);
	w.served.bytes = 0;
	/* The copy that the kernel sends in again by the same door. */
	memcpy(again.bytes, (uint8_t[6]){ 0x02, 0x73, 0x6c, 0x75, 0x69, 0x64 }, 6);
	s = in(again);
	s.mark = MARK_JUDGED;
	s.keep = true;
	out = wrap(&two, again.bytes, again.bytes + 6, NODE1, NODE2, A_FAR);
	w = goes_on(w);
	w.stats = STAT(TUNNEL_SENT);
	w.bytes = (int)(20 + payload - cut);
	w.out = &out;
	same_port(b, s, &out);
	check(b, "the second", s, w);
	case_end(b);
}

static struct send from_b1(struct frame f)
{
	return workload(W_B1, f);
}

static void test_halves(struct bench *b)
{
	struct want w = opens(VIP_POOL, FAR, UDP_, A_FAR, SL_NET_WORLD, NET_A);
	struct frame f = TO_VIP(VIP_POOL, UDP(1000, FAR), .payload = ROOM - 27, .id = 9);

	miss(b, SL_DROP_TOO_BIG, "one byte more than fits, without DF",
	     (struct send){ .door = SL_UP_XDP, .ifindex = UP0, .frame = f },
	     (struct want){ .fate = UNTOUCHED });
	halves(b, "UDP", f, wire, w);
	f = TO_VIP(VIP_POOL, UDP(1000, FAR), .payload = 1472, .id = 9);
	halves(b, "a full frame", f, wire, w);
	f = FROM(B1, .daddr = VIP_POOL, UDP(1000, FAR), .payload = 1471, .id = 9);
	w.src = NET_B;
	halves(b, "from a workload, odd", f, from_b1, w);
	w.src = SL_NET_WORLD;
	f = TO_VIP(VIP_POOL, UDP(1000, FAR), .payload = 1472, .id = 9, .frag = SL_IP_MF);
	halves(b, "a first fragment", f, wire, w);
	w = goes_on(w);
	f = TO_VIP(VIP_POOL, .proto = UDP_, .bare = true, .payload = 1480, .id = 9, .frag = SL_IP_MF | 185);
	halves(b, "a fragment in the middle", f, wire, w);
	f = TO_VIP(VIP_POOL, .proto = UDP_, .bare = true, .payload = 1479, .id = 9, .frag = 370);
	halves(b, "the last fragment", f, wire, w);

	/* Of 1480 bytes 736 go first: the second half has 764 with its header, 808 when wrapped. */
	f = TO_VIP(VIP_POOL, UDP(1000, FAR), .payload = 1472, .id = 9);
	w = opens(VIP_POOL, FAR, UDP_, A_FAR, SL_NET_WORLD, NET_A);
	w.fate = DROPPED;
	bench_plan(b, "{\"clusters\":{\"main\":{\"delivery\":{\"mtu\":807}}}}");
	hit(b, SL_DROP_TOO_BIG, "no DF, but too big for two halves", wire(f), w);
	bench_plan(b, "{\"clusters\":{\"main\":{\"delivery\":{\"mtu\":808}}}}");
	w.fate = SENT;
	halves(b, "that just fit", f, wire, w);
	bench_plan(b, NULL);
}

void test_far(struct bench *b)
{
	test_direct_vlan(b);
	test_direct_routed(b);
	test_back(b);
	test_answer_arrives(b);
	test_mss(b);
	test_halves(b);
}
