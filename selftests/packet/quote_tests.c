/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ICMP errors about flows through a VIP: each end hears about the packet that it sent itself, addresses, ports and
 * checksums of the quoted packet included.
 */
#include <arpa/inet.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define ROUTER IP(9, 9, 9, 1) /* somewhere on the way */

static void opened(struct bench *b, struct frame f, struct send (*in)(struct frame f), struct want w)
{
	struct frame out = into(f, A1, frame_ip(&f)->proto == TCP_ ? 8080 : 5353);

	w.out = &out;
	check(b, "the flow's first packet", in(f), w);
}

/* About `f`, to its sender, from a router; `quoted` bytes of it, 0: as few as there may be. */
static struct frame about(const struct frame *f, uint32_t from, uint32_t to, uint8_t type, uint8_t code,
			  uint16_t quoted, const uint8_t *dmac, const uint8_t *smac)
{
	return PACKET(.saddr = from, .daddr = to, .dmac = dmac, .smac = smac, .quote = f, .quote_len = quoted,
		      .proto = SL_PROTO_ICMP, .icmp_type = type, .icmp_code = code, .icmp_id = 0);
}

/*
 * What the backend sent, and what the client got of it, as `there`: an error about the latter comes from out there to
 * the VIP and has to arrive at the backend as one about the former.
 */
static void from_outside(struct bench *b, const char *name, struct frame sent, uint32_t vip, uint16_t port,
			 uint16_t quoted, struct send (*in)(struct frame f), bool tagged)
{
	struct frame seen = readdress(sent, vip, port, 0, 0), f, out;
	struct want w = { .fate = SENT, .src = SL_NET_WORLD, .dst = NET_A, .out = &out };

	frame_ip(&seen)->ttl = 3; /* several hops later */
	frame_sum(&seen);
	if (frame_ip(&seen)->proto == UDP_ && !frame_udp(&sent)->check)
		frame_udp(&seen)->check = 0;
	f = about(&seen, ROUTER, vip, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, quoted, scene_mac(NODE1),
		  mac_alien);
	frame_icmp(&f)->seq = htons(1400);
	frame_sum(&f);
	frame_ip(&sent)->ttl = 3;
	frame_sum(&sent);
	if (frame_ip(&seen)->proto == UDP_ && !frame_udp(&seen)->check)
		frame_udp(&sent)->check = 0;
	if (frame_ip(&seen)->proto == TCP_) /* is left: no stack looks at it in a quoted packet */
		frame_tcp(&sent)->check = frame_tcp(&seen)->check;
	out = about(&sent, ROUTER, A1, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, quoted, scene_mac(A1),
		    mac_router);
	frame_icmp(&out)->seq = htons(1400);
	frame_ip(&out)->ttl--;
	frame_sum(&out);
	if (tagged)
		frame_tag(&f, SL_ETH_VLAN, EXT);
	check(b, name, next(in(f)), w);
	that(b, frame_sum_right(&out), "right checksums");
}

static void test_to_backend(struct bench *b)
{
	static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };
	struct want w = opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A);
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN));

	case_begin(b, "quote: errors to a backend, TCP");
	opened(b, f, wire, w);
	f = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, ACK), .payload = 100, .id = 77, .frag = SL_IP_DF);
	from_outside(b, "eight bytes", f, VIP_POOL, 80, 0, wire, false);
	from_outside(b, "the whole TCP header", f, VIP_POOL, 80, 40, wire, false);
	from_outside(b, "an odd number of bytes", f, VIP_POOL, 80, 61, wire, false);
	f = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, ACK), .options = options, .option_len = 8);
	from_outside(b, "IP options within", f, VIP_POOL, 80, 0, wire, false);
	case_end(b);

	case_begin(b, "quote: errors to a backend, UDP");
	f = TO_VIP(VIP_EXT, UDP(1000, 53), VLAN(EXT));
	opened(b, f, wire, opens(VIP_EXT, 53, UDP_, A1, SL_NET_WORLD, NET_A));
	f = FROM(A1, .daddr = CLIENT, UDP(5353, 1000), .payload = 1450, .id = 78);
	from_outside(b, "tag in the frame", f, VIP_EXT, 53, 0, wire, true);
	from_outside(b, "tag beside the frame", f, VIP_EXT, 53, 0, wire_beside, true);
	from_outside(b, "much of it", f, VIP_EXT, 53, 548, wire, true);
	frame_udp(&f)->check = 0;
	from_outside(b, "without a checksum", f, VIP_EXT, 53, 0, wire, true);
	case_end(b);
}

/* An error about a client's packet, from something behind the VIP (the backend itself, or a router of its own). */
static void from_inside(struct bench *b, const char *name, struct frame sent, uint32_t source,
			uint16_t target, uint8_t type, uint8_t code)
{
	struct frame got = into(sent, A1, target), f, out;
	uint32_t vip = ntohl(frame_ip(&sent)->daddr);
	struct want w = { .fate = SENT, .src = NET_A, .dst = SL_NET_WORLD, .out = &out };

	f = about(&got, source, CLIENT, type, code, 0, mac_router, scene_mac(A1));
	frame_ip(&sent)->ttl--;
	frame_sum(&sent);
	out = about(&sent, vip, CLIENT, type, code, 0, mac_alien, scene_mac(NODE1));
	frame_ip(&out)->ttl--;
	frame_sum(&out);
	check(b, name, next(workload(W_A1, f)), w);
	that(b, frame_sum_right(&out), "right checksums");
}

static void test_to_client(struct bench *b)
{
	struct frame f = TO_VIP(VIP_POOL, UDP(1000, 53), .payload = 20), other;

	case_begin(b, "quote: errors to a client");
	opened(b, f, wire, opens(VIP_POOL, 53, UDP_, A1, SL_NET_WORLD, NET_A));
	from_inside(b, "port unreachable", f, A1, 5353, SL_ICMP_UNREACHABLE, SL_ICMP_PORT);
	f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN));
	bench_clear(b);
	opened(b, f, wire, opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A));
	from_inside(b, "TCP, filtered", f, A1, 8080, SL_ICMP_UNREACHABLE, 13);
	from_inside(b, "time exceeded", f, A1, 8080, SL_ICMP_TIME_EXCEEDED, 0);
	case_end(b);

	case_begin(b, "quote: errors about no flow, or to somebody else");
	other = into(TO_VIP(VIP_POOL, TCP(1001, 80, SYN)), A1, 8080);
	f = about(&other, A1, CLIENT, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0, mac_router, scene_mac(A1));
	check(b, "no flow", next(workload(W_A1, f)),
	      (struct want){
		      .fate = DROPPED, .reason = SL_DROP_ICMP_NO_FLOW, .src = NET_A, .network = NET_A });
	other = into(TO_VIP(VIP_POOL, TCP(1000, 80, SYN)), A1, 8080);
	f = about(&other, A1, IP(8, 8, 8, 9), SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0, mac_router,
		  scene_mac(A1));
	check(b, "not to the sender", next(workload(W_A1, f)),
	      (struct want){
		      .fate = DROPPED, .reason = SL_DROP_ICMP_NO_FLOW, .src = NET_A, .network = NET_A });
	other = readdress(FROM(A1, .daddr = CLIENT, TCP(8080, 1001, ACK)), VIP_POOL, 80, 0, 0);
	f = about(&other, ROUTER, VIP_POOL, SL_ICMP_UNREACHABLE, 1, 0, scene_mac(NODE1), mac_alien);
	check(b, "no flow, from outside: the host's to wonder about", next(wire(f)),
	      (struct want){ .fate = UNTOUCHED });
	case_end(b);
}

/* RFC 5508 REQ-3: its own checksum and that of the quoted IP header are judged, that of the quoted transport is not. */
static void test_whole(struct bench *b)
{
	struct frame sent = into(TO_VIP(VIP_POOL, TCP(1000, 80, SYN), .payload = 40), A1, 8080);
	struct frame right =
		about(&sent, A1, CLIENT, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 61, mac_router, scene_mac(A1));
	struct want no = { .fate = DROPPED, .src = NET_A, .network = NET_A };
	uint8_t *quoted = (uint8_t *)frame_icmp(&right) + sizeof(struct sl_icmp);
	struct frame f = right;

	frame_icmp(&f)->check ^= htons(1);
	hit(b, SL_DROP_ICMP_CHECKSUM, "its own", workload(W_A1, f), no);
	f = right;
	f.bytes[f.len - 1] ^= 0x10;
	hit(b, SL_DROP_ICMP_CHECKSUM, "the last byte of what it quotes", workload(W_A1, f), no);
	f = right;
	f.bytes[quoted - right.bytes + 10] ^= 1;
	frame_sum(&f);
	hit(b, SL_DROP_ICMP_CHECKSUM, "the quoted header's", workload(W_A1, f), no);
	no.reason = SL_DROP_ICMP_NO_FLOW;
	miss(b, SL_DROP_ICMP_CHECKSUM, "none", workload(W_A1, right), no);
	f = right;
	f.bytes[quoted - right.bytes + 20 + 16] ^= 1;
	frame_sum(&f);
	miss(b, SL_DROP_ICMP_CHECKSUM, "the quoted TCP header's", workload(W_A1, f), no);
}

/* Path-MTU discovery through the tunnel: the error comes to the VIP by this node, its receiver stands on the other. */
static void test_tunnel_errors(struct bench *b)
{
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 87, SYN)), seen, out;
	struct want w = opens(VIP_POOL, 87, TCP_, A_FAR, SL_NET_WORLD, NET_A);
	struct send s = wire(f);
	struct got got;

	case_begin(b,
		   "quote: an error about an answer that went out past this node finds the backend's node");
	bench_clear(b);
	if (bench_run(b, &s, &got)) {
		out = wrap(&f, f.bytes, f.bytes + 6, NODE1, NODE2, A_FAR);
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
		w.stats |= STAT(TUNNEL_SENT);
		w.out = &out;
		check(b, "SYN", s, w);
	}
	seen = PACKET(.saddr = VIP_POOL, .daddr = CLIENT, TCP(87, 1000, ACK), .payload = 1400,
		      .dmac = mac_router, .smac = mac_alien);
	f = about(&seen, ROUTER, VIP_POOL, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 0, scene_mac(NODE1),
		  mac_alien);
	s = next(wire(f));
	if (bench_run(b, &s, &got)) {
		out = wrap(&f, f.bytes, f.bytes + 6, NODE1, NODE2, A_FAR);
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
		w = (struct want){ .fate = SENT, .dst = NET_A, .stats = STAT(TUNNEL_SENT), .out = &out };
		check(b, "frag needed", s, w);
	}
	case_end(b);

	case_begin(b, "quote: and there the backend hears of its own packet");
	f = TO_VIP(VIP_POOL_OTHER, TCP(1000, 80, SYN));
	seen = into(f, A1, 8080);
	w = opens(VIP_POOL_OTHER, 80, TCP_, A1, SL_NET_WORLD, NET_A);
	w.stats |= STAT(TUNNEL_RECEIVED);
	w.bytes = 40;
	w.out = &seen;
	out = wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1);
	check(b, "SYN", wire(out), w);
	f = PACKET(.saddr = VIP_POOL_OTHER, .daddr = CLIENT, TCP(80, 1000, ACK), .payload = 1400,
		   .dmac = mac_router, .smac = mac_alien);
	seen = about(&f, ROUTER, VIP_POOL_OTHER, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 0,
		     scene_mac(NODE1), mac_alien);
	out = wrap(&seen, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1);
	f = readdress(f, A1, 8080, 0, 0);
	seen = about(&f, ROUTER, A1, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 0, scene_mac(A1), mac_router);
	frame_ip(&seen)->ttl--;
	frame_sum(&seen);
	w = (struct want){
		.fate = SENT, .dst = NET_A, .stats = STAT(TUNNEL_RECEIVED), .bytes = 56, .out = &seen
	};
	check(b, "frag needed", next(wire(out)), w);
	case_end(b);
}

void test_quote(struct bench *b)
{
	test_to_backend(b);
	test_to_client(b);
	test_whole(b);
	test_tunnel_errors(b);
}
