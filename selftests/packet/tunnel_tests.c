/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Backends of other nodes, and clients who come in by other nodes: what is wrapped, what is unwrapped and from
 * whom, and how the answers find back. Halves of packets meet again in live_tests.c.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define FAR 87
#define FAR_TARGET 8087
#define ROOM (TUNNEL_MTU - 44)

/* The port under which it is sent may be any of the upper quarter: it comes from the packet's hash. */
static bool sent(struct bench *b, const char *name, struct send s, struct want w, struct frame want)
{
	struct got got;

	bench_clear(b);
	if (!bench_run(b, &s, &got))
		return false;
	if (got.frame.len > 36 && got.frame.bytes[34] >= 0xc0)
		memcpy(want.bytes + 34, got.frame.bytes + 34, 2);
	w.out = &want;
	return check(b, name, s, w);
}

static struct want tunnelled(uint16_t vip_port, uint8_t proto, uint16_t src)
{
	struct want w = opens(VIP_POOL, vip_port, proto, A_FAR, src, NET_A);

	w.stats |= STAT(TUNNEL_SENT);
	return w;
}

static struct frame to_node2(struct frame f)
{
	return wrap(&f, f.bytes, f.bytes + 6, NODE1, NODE2, A_FAR);
}

static void test_sent(struct bench *b)
{
	static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, FAR, SYN));
	struct want w = tunnelled(FAR, TCP_, SL_NET_WORLD);

	case_begin(b, "tunnel: a client's packet goes whole and untouched to the backend's node");
	sent(b, "TCP", wire(f), w, to_node2(f));
	f = TO_VIP(VIP_POOL, TCP(1000, FAR, SYN), .tos = 0xb9, .id = 77, .ttl = 1, .frag = SL_IP_DF,
		   .payload = 333, .options = options, .option_len = 8);
	sent(b, "odd length, IP options, DSCP and ECN, the last hop's TTL", wire(f), w, to_node2(f));
	f = TO_VIP(VIP_POOL, TCP(1000, FAR, SYN), .padding = 5);
	struct frame out = to_node2(f);
	memcpy(out.bytes + out.len, f.bytes + f.len - 5, 5);
	out.len += 5;
	sent(b, "padded", wire(f), w, out);
	f = TO_VIP(VIP_POOL, UDP(1000, FAR), .payload = 7);
	frame_udp(&f)->check = 0;
	sent(b, "UDP without a checksum", wire(f), tunnelled(FAR, UDP_, SL_NET_WORLD), to_node2(f));
	f = FROM(A1, .daddr = VIP_POOL, TCP(1000, FAR, SYN));
	sent(b, "from a workload", workload(W_A1, f), tunnelled(FAR, TCP_, NET_A), to_node2(f));
	f = PACKET(.saddr = NODE1, .daddr = VIP_POOL, TCP(1000, FAR, SYN), .dmac = mac_alien);
	w.src = MGMT;
	sent(b, "from the node itself", stack_out(f), w, to_node2(f));
	case_end(b);

	case_begin(b, "tunnel: without the tag that it came with");
	f = TO_VIP(VIP_EXT, TCP(1000, FAR, SYN), VLAN(EXT), .payload = 9);
	w = tunnelled(FAR, TCP_, SL_NET_WORLD);
	w.served.vip = VIP_EXT;
	sent(b, "in the frame", wire(f), w, to_node2(f));
	sent(b, "beside the frame", wire_beside(f), w, to_node2(f));
	case_end(b);

	case_begin(b, "tunnel: fragments");
	f = TO_VIP(VIP_POOL, UDP(1000, FAR), .frag = SL_IP_MF, .id = 9, .payload = 24);
	w = tunnelled(FAR, UDP_, SL_NET_WORLD);
	w.stats |= STAT(FRAGMENTS);
	sent(b, "the first", wire(f), w, to_node2(f));
	f = TO_VIP(VIP_POOL, .proto = UDP_, .bare = true, .frag = 4, .id = 9, .payload = 13);
	out = to_node2(f);
	struct got got;
	struct send s = next(wire(f));
	w = goes_on(w);
	w.stats = STAT(TUNNEL_SENT);
	if (bench_run(b, &s, &got))
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
	w.out = &out;
	check(b, "the last", s, w);
	case_end(b);
}

/* Under which port it is sent; 0: it is not. */
static uint16_t outer_port(struct bench *b, uint16_t client)
{
	struct send s = wire(TO_VIP(VIP_POOL, TCP(client, FAR, SYN)));
	struct got got;

	if (!bench_run(b, &s, &got) || got.frame.len < 36)
		return 0;
	return (uint16_t)(got.frame.bytes[34] << 8 | got.frame.bytes[35]);
}

/* Switches and network cards spread what comes over their links and queues by it. */
static void test_spread(struct bench *b)
{
	uint16_t first = outer_port(b, 1000), others = 0;

	case_begin(b, "tunnel: each flow goes under a port of its own");
	that(b, first >= 0xc000 && outer_port(b, 1000) == first, "always the same one");
	for (uint16_t client = 1001; client <= 1020; client++)
		others += outer_port(b, client) != first;
	that(b, others >= 19, "hardly ever that of others");
	case_end(b);
}

/* --- what does not fit */

static void test_big(struct bench *b)
{
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, FAR, ACK), .frag = SL_IP_DF, .payload = ROOM - 40), out;
	struct want w = tunnelled(FAR, TCP_, SL_NET_WORLD), big;

	case_begin(b, "tunnel: the largest that fits");
	sent(b, "with DF", wire(f), w, to_node2(f));
	case_end(b);
	out = to_node2(f);
	{
		struct send s = wire(f);
		struct got got;

		bench_clear(b);
		if (bench_run(b, &s, &got))
			memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
	}
	w.out = &out;
	miss(b, SL_DROP_TOO_BIG, "the largest that fits", wire(f), w);

	f = TO_VIP(VIP_POOL, TCP(1000, FAR, ACK), .frag = SL_IP_DF, .id = 5, .payload = ROOM - 39);
	big = w;
	big.fate = DROPPED;
	big.question = true;
	big.stats = NEW_FLOW | STAT(TOO_BIG_TOLD);
	out = unreachable(f, SL_ICMP_FRAG_NEEDED, ROOM);
	big.out = &out;
	hit(b, SL_DROP_TOO_BIG, "one byte more: the sender is told", wire(f), big);
	frame_tag(&f, SL_ETH_VLAN, EXT);
	frame_ip(&f)->daddr = htonl(VIP_EXT);
	frame_sum(&f);
	out = unreachable(f, SL_ICMP_FRAG_NEEDED, ROOM);
	big.network = EXT;
	big.served.vip = VIP_EXT;
	hit(b, SL_DROP_TOO_BIG, "one byte more, on a VLAN", wire(f), big);
	frame_untag(&out);
	hit(b, SL_DROP_TOO_BIG, "one byte more, tag beside the frame", wire_beside(f), big);
	f = TO_VIP(VIP_POOL, UDP(1000, FAR), .frag = SL_IP_DF, .payload = ROOM - 27);
	out = unreachable(f, SL_ICMP_FRAG_NEEDED, ROOM);
	big.network = SL_NET_WORLD;
	big.served = (struct served){ VIP_POOL, FAR, UDP_, A_FAR, SERVED_CONNECTION, false, 0 };
	hit(b, SL_DROP_TOO_BIG, "one byte more, UDP", wire(f), big);
	f = FROM(A1, .daddr = VIP_POOL, TCP(1000, FAR, ACK), .frag = SL_IP_DF, .payload = ROOM - 39);
	out = unreachable(f, SL_ICMP_FRAG_NEEDED, ROOM);
	big.src = big.network = NET_A;
	big.served.proto = TCP_;
	hit(b, SL_DROP_TOO_BIG, "one byte more, from a workload", workload(W_A1, f), big);
}

/* --- what comes out of the tunnel */

static struct frame from_node2(const struct frame *f, uint32_t backend)
{
	return wrap(f, scene_mac(NODE1), mac_node2, NODE2, NODE1, backend);
}

static int inner_bytes(const struct frame *f)
{
	return (int)(f->len - f->l3 - f->padding);
}

static void test_received(struct bench *b)
{
	static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN), .tos = 2), in, out;
	struct want w = opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A);

	w.stats |= STAT(TUNNEL_RECEIVED);
	w.out = &out;
	in = from_node2(&f, A1);
	out = into(f, A1, 8080);
	w.bytes = inner_bytes(&f);
	miss(b, SL_DROP_TUNNEL_PEER, "from a node of the plan", wire(in), w);
	miss(b, SL_DROP_TUNNEL_BACKEND, "for a backend of this node", wire(in), w);
	frame_tag(&in, SL_ETH_VLAN, MGMT);
	check(b, "tunnel: from a node of the plan, on the nodes' VLAN", wire(in), w);
	check(b, "tunnel: from a node of the plan, tag beside the frame", wire_beside(in), w);
	check(b, "tunnel: XDP leaves it to TC", wire_xdp(in), (struct want){ .fate = UNTOUCHED });

	f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN), .payload = 33, .options = options, .option_len = 8);
	in = from_node2(&f, A1);
	out = into(f, A1, 8080);
	w.bytes = inner_bytes(&f);
	check(b, "tunnel: options and an odd length within", wire(in), w);
	f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN), .tos = 2);
	in = from_node2(&f, A1);
	in.bytes[15] |= 3; /* congestion met between the nodes */
	frame_ip(&in)->check = 0;
	frame_ip(&in)->check = sum16(frame_ip(&in), 20, 0);
	frame_ip(&f)->tos = 3;
	out = into(f, A1, 8080);
	w.bytes = inner_bytes(&f);
	check(b, "tunnel: congestion met on the way is told to those who can hear it", wire(in), w);
	f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN), .tos = 0xb8);
	in = from_node2(&f, A1);
	in.bytes[15] |= 3;
	frame_ip(&in)->check = 0;
	frame_ip(&in)->check = sum16(frame_ip(&in), 20, 0);
	out = into(f, A1, 8080);
	check(b, "tunnel: and to nobody else", wire(in), w);
}

static void test_peers(struct bench *b)
{
	/* Offsets of single bytes of the outer headers that must be as they are. */
	static const struct {
		const char *name;
		uint8_t at, flip;
	} wrong[] = {
		{ "another version", 42, 0x40 },	{ "more options", 42, 0x01 },
		{ "no IPv4 inside", 45, 0x01 },		{ "another VNI", 48, 0x02 },
		{ "another VNI, high byte", 46, 0x01 }, { "an option of another class", 51, 0x01 },
		{ "another option", 52, 0x01 },		{ "a longer option", 53, 0x02 },
		{ "a first fragment", 20, 0x20 },
	};
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN)), in;
	struct want no = { .fate = DROPPED };

	in = wrap(&f, scene_mac(NODE1), mac_alien, WORLD, NODE1, A1);
	hit(b, SL_DROP_TUNNEL_PEER, "from the world", wire(in), no);
	in = wrap(&f, scene_mac(NODE1), mac_alien, MGMT_HOST, NODE1, A1);
	hit(b, SL_DROP_TUNNEL_PEER, "from a host of the nodes' network", wire(in), no);
	in = wrap(&f, scene_mac(NODE1), mac_alien, NODE1, NODE1, A1);
	hit(b, SL_DROP_TUNNEL_PEER, "from this node", wire(in), no);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		in = from_node2(&f, A1);
		in.bytes[wrong[i].at] ^= wrong[i].flip;
		hit(b, SL_DROP_TUNNEL_PEER, wrong[i].name, wire(in), no);
	}
	in = from_node2(&f, A1);
	frame_ip(&in)->len = htons(20 + 8 + 16 + 19);
	hit(b, SL_DROP_TUNNEL_PEER, "nothing but headers", wire(in), no);
	in = from_node2(&f, A1);
	frame_ip(&in)->len = htons((uint16_t)(in.len - 14 + 1));
	hit(b, SL_DROP_TUNNEL_PEER, "a lie about the length", wire(in), no);

	case_begin(b, "tunnel: what is not for this node's end of it is none of its business");
	in = wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1);
	in.bytes[37] ^= 2; /* 6081: Kube-OVN's */
	check(b, "another port", wire(in), (struct want){ .fate = UNTOUCHED });
	in = wrap(&f, scene_mac(NODE1), mac_node2, NODE2, IP(192, 168, 200, 11), A1);
	check(b, "another address", wire(in), (struct want){ .fate = UNTOUCHED });
	case_end(b);
}

static void test_backends(struct bench *b)
{
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN)), in;
	struct want no = refuses(VIP_POOL, 80, TCP_, SL_NET_WORLD, SL_NET_WORLD), plain;

	no.stats = STAT(TUNNEL_RECEIVED);
	no.bytes = inner_bytes(&f);
	in = from_node2(&f, A3);
	hit(b, SL_DROP_TUNNEL_BACKEND, "of another service", wire(in), no);
	f = TO_VIP(VIP_POOL, TCP(1000, FAR, SYN));
	in = from_node2(&f, A_FAR);
	no.served.port = FAR;
	no.dst = NET_A;
	hit(b, SL_DROP_TUNNEL_BACKEND, "of a third node, never on to it", wire(in), no);
	plain = (struct want){ .fate = DROPPED, .stats = STAT(TUNNEL_RECEIVED), .bytes = no.bytes };
	f = TO_VIP(VIP_POOL, TCP(1000, 79, SYN));
	in = from_node2(&f, A1);
	hit(b, SL_DROP_TUNNEL_BACKEND, "for a port without a service", wire(in), plain);
	f = TO_VIP(NODE1, TCP(1000, 22, SYN));
	plain.dst = MGMT;
	in = from_node2(&f, A1);
	hit(b, SL_DROP_TUNNEL_BACKEND, "for this node itself", wire(in), plain);
	plain.dst = NET_A;
	f = TO_VIP(A1, TCP(1000, 22, SYN));
	in = from_node2(&f, A1);
	hit(b, SL_DROP_TUNNEL_BACKEND, "for a workload, past every rule", wire(in), plain);
	f = PACKET(.saddr = VIP_POOL, .daddr = A1, TCP(FAR, 1000, SYN | ACK), .dmac = mac_alien);
	in = from_node2(&f, 0);
	hit(b, SL_DROP_TUNNEL_BACKEND, "an answer to nothing", wire(in), plain);
}

void test_tunnel(struct bench *b)
{
	test_sent(b);
	test_spread(b);
	test_big(b);
	test_received(b);
	test_peers(b);
	test_backends(b);
}
