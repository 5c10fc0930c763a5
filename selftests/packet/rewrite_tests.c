/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is changed in packets to a VIP and in the answers, and where both go: every byte of it. Checksums come from
 * frames that were built with the addresses they have to end up with.
 */
#include <arpa/inet.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define HTTP 80
#define HTTP_TARGET 8080
#define DNS 53
#define DNS_TARGET 5353

static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };

/* A client's packet to A1 behind a VIP. */
static void request(struct bench *b, const char *name, struct send s, struct want w)
{
	struct frame out = into(s.frame, A1, frame_ip(&s.frame)->proto == TCP_ ? HTTP_TARGET : DNS_TARGET);

	w.out = &out;
	check(b, name, s, w);
}

/* A1's answer to the client, out of the uplink to the client's router. */
static void answer(struct bench *b, const char *name, struct frame f, struct want w)
{
	struct frame out = back(f, w.served.vip, w.served.port, mac_alien);

	w.out = &out;
	check(b, name, next(workload(W_A1, f)), w);
}

/* Where the flow's answers go. */
static void answers_go(struct bench *b, uint8_t action, uint32_t ifindex, uint16_t vlan)
{
	struct sl_flow_key key = flow_key(vpc_of(b, "default"), TCP_, A1, HTTP_TARGET, CLIENT, CLIENT_PORT);
	struct sl_flow flow;

	if (flow_find(b, &key, &flow) < 0)
		fail(b, "no flow of the answers");
	else if (flow.verdict.action != action || flow.verdict.ifindex != ifindex ||
		 flow.verdict.vlan != vlan)
		fail(b, "answers go by action %u to interface %u, VLAN %u; wanted %u, %u, %u",
		     flow.verdict.action, flow.verdict.ifindex, flow.verdict.vlan, action, ifindex, vlan);
}

#define REPLY_TCP(bits) .saddr = A1, .daddr = CLIENT, .dmac = mac_router, TCP(HTTP_TARGET, CLIENT_PORT, bits)
#define REPLY_UDP .saddr = A1, .daddr = CLIENT, .dmac = mac_router, UDP(DNS_TARGET, CLIENT_PORT)

/* A connection from the handshake to the end, over one VIP. */
static void connection(struct bench *b, const char *name, uint32_t vip, struct send (*in)(struct frame f),
		       bool tagged)
{
	struct want there = opens(vip, HTTP, TCP_, A1, SL_NET_WORLD, NET_A);
	struct want here = answers(vip, HTTP, TCP_, A1, NET_A, SL_NET_WORLD);
	struct frame f = TO_VIP(vip, TCP(CLIENT_PORT, HTTP, SYN));

	case_begin(b, "rewrite: a connection, %s", name);
	if (tagged)
		frame_tag(&f, SL_ETH_VLAN, 0xa000 | EXT);
	request(b, "SYN", in(f), there);
	answers_go(b, SL_ACTION_WIRE, UP0, tagged ? EXT : 0);
	there = goes_on(there);
	request(b, "SYN again", next(in(f)), there);
	answer(b, "SYN ACK", PACKET(REPLY_TCP(SYN | ACK)), here);
	here = goes_on(here);
	f = TO_VIP(vip, TCP(CLIENT_PORT, HTTP, ACK), .payload = 1001, .tos = 0xb8, .id = 7);
	if (tagged)
		frame_tag(&f, SL_ETH_VLAN, EXT);
	request(b, "odd data, DSCP", next(in(f)), promotes(there));
	answer(b, "odd data", PACKET(REPLY_TCP(ACK), .payload = 333, .frag = SL_IP_DF), here);
	f = TO_VIP(vip, TCP(CLIENT_PORT, HTTP, ACK), .options = options, .option_len = 8, .payload = 2);
	if (tagged)
		frame_tag(&f, SL_ETH_VLAN, EXT);
	request(b, "IP options", next(in(f)), there);
	answer(b, "IP options", PACKET(REPLY_TCP(ACK), .options = options, .option_len = 8), here);
	answer(b, "padded", PACKET(REPLY_TCP(ACK), .padding = 6), here);
	f = TO_VIP(vip, TCP(CLIENT_PORT, HTTP, FIN | ACK));
	if (tagged)
		frame_tag(&f, SL_ETH_VLAN, EXT);
	request(b, "FIN", next(in(f)), there);
	answer(b, "FIN", PACKET(REPLY_TCP(FIN | ACK)), here);
	check(b, "XDP leaves all of it to TC", next(wire_xdp(f)), (struct want){ .fate = UNTOUCHED });
	case_end(b);
}

static void test_refused(struct bench *b)
{
	struct want here = answers(VIP_POOL, HTTP, TCP_, A1, NET_A, SL_NET_WORLD);

	case_begin(b, "rewrite: a backend that refuses is counted so, and heard as the VIP");
	request(b, "SYN", wire(TO_VIP(VIP_POOL, TCP(CLIENT_PORT, HTTP, SYN))),
		opens(VIP_POOL, HTTP, TCP_, A1, SL_NET_WORLD, NET_A));
	here.stats = 0;
	here.served.event = SERVED_REFUSAL;
	answer(b, "RST", PACKET(REPLY_TCP(RST | ACK)), here);
	case_end(b);
	case_begin(b, "rewrite: what a hop may not carry on ends here");
	here = (struct want){ .fate = DROPPED,
			      .reason = SL_DROP_TTL,
			      .dst = NET_A,
			      .stats = NEW_FLOW,
			      .served = { VIP_POOL, HTTP, TCP_, A1, SERVED_CONNECTION, false, 0 } };
	check(b, "TTL 1", wire(TO_VIP(VIP_POOL, TCP(CLIENT_PORT, HTTP, SYN), .ttl = 1)), here);
	case_end(b);
}

/* --- UDP */

static void test_udp(struct bench *b)
{
	struct want there = opens(VIP_POOL, DNS, UDP_, A1, SL_NET_WORLD, NET_A);
	struct want here = answers(VIP_POOL, DNS, UDP_, A1, NET_A, SL_NET_WORLD);
	struct frame f = TO_VIP(VIP_POOL, UDP(CLIENT_PORT, DNS), .payload = 31);

	case_begin(b, "rewrite: UDP");
	request(b, "a question", wire(f), there);
	answer(b, "an answer", PACKET(REPLY_UDP, .payload = 99), here);
	request(b, "a datagram with nothing in it", next(wire(TO_VIP(VIP_POOL, UDP(CLIENT_PORT, DNS)))),
		goes_on(there));
	answer(b, "the same", PACKET(REPLY_UDP), goes_on(here));
	case_end(b);

	case_begin(b, "rewrite: UDP without a checksum goes on without");
	frame_udp(&f)->check = 0;
	request(b, "a question", wire(f), there);
	f = PACKET(REPLY_UDP, .payload = 4);
	frame_udp(&f)->check = 0;
	answer(b, "an answer", f, here);
	case_end(b);
}

/* Every corner of the sum, on the way in and on the way out: the two bytes at `word` are chosen for it. */
static void corner(struct bench *b, struct frame f, uint32_t word, uint16_t sum, bool after)
{
	uint8_t proto = frame_ip(&f)->proto;
	struct frame out = into(f, A1, proto == TCP_ ? HTTP_TARGET : DNS_TARGET), *one = after ? &out : &f;
	struct want w = opens(VIP_POOL, proto == TCP_ ? HTTP : DNS, proto, A1, SL_NET_WORLD, NET_A);
	uint32_t value;

	for (value = 0; value < 65536; value++) {
		memcpy(one->bytes + one->l4 + word, &(uint16_t){ (uint16_t)value }, 2);
		frame_sum(one);
		if ((proto == TCP_ ? frame_tcp(one)->check : frame_udp(one)->check) == htons(sum))
			break;
	}
	if (value == 65536)
		return; /* 0xffff is no TCP checksum, and 0 none of UDP's */
	memcpy(f.bytes + f.l4 + word, one->bytes + one->l4 + word, 2);
	frame_sum(&f);
	out = into(f, A1, proto == TCP_ ? HTTP_TARGET : DNS_TARGET);
	w.out = &out;
	check(b, after ? "as it comes out" : "as it comes in", wire(f), w);
	that(b, frame_sum_right(&out), "a right checksum");
}

static void test_corners(struct bench *b)
{
	static const uint16_t sums[] = { 0x0000, 0x0001, 0x00ff, 0x0100, 0x7fff,
					 0x8000, 0xff00, 0xfffe, 0xffff };

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		case_begin(b, "rewrite: checksum 0x%04x", sums[i]);
		for (int after = 0; after < 2; after++) {
			corner(b, TO_VIP(VIP_POOL, TCP(CLIENT_PORT, HTTP, SYN)), 6, sums[i], after);
			corner(b, TO_VIP(VIP_POOL, UDP(CLIENT_PORT, DNS), .payload = 3), 8, sums[i], after);
		}
		case_end(b);
	}
	case_begin(b, "rewrite: the checksum between address and port may be 0 too");
	for (uint16_t port = 1; port < 20; port++) {
		struct frame f = TO_VIP(VIP_POOL, UDP(port, DNS), .payload = 2), out;
		struct frame half = readdress(f, 0, 0, A1, 0);
		struct want w = opens(VIP_POOL, DNS, UDP_, A1, SL_NET_WORLD, NET_A);

		for (uint32_t word = 0; word < 65536; word++) {
			memcpy(half.bytes + half.l4 + 8, &(uint16_t){ (uint16_t)word }, 2);
			frame_sum(&half);
			if (frame_udp(&half)->check == 0xffff)
				break;
		}
		that(b, frame_udp(&half)->check == 0xffff, "a payload that makes it so");
		memcpy(f.bytes + f.l4 + 8, half.bytes + half.l4 + 8, 2);
		frame_sum(&f);
		out = into(f, A1, DNS_TARGET);
		w.out = &out;
		check(b, "one port", wire(f), w);
	}
	case_end(b);
}

/* --- fragments */

static void fragments(struct bench *b, const char *name, const struct frame *whole,
		      const struct frame *becomes, struct send (*in)(struct frame f), struct want w,
		      const uint8_t *dmac, const uint8_t *smac)
{
	static const uint32_t cut[] = { 0, 24, 1000, 1204 }; /* the last with an odd end */
	struct frame f, out;

	case_begin(b, "rewrite: fragments, %s", name);
	for (int i = 0; i < 3; i++) {
		uint32_t end = i < 2 ? cut[i + 1] : whole->len - whole->l4;

		f = piece(whole, cut[i], end - cut[i], i < 2);
		out = piece(becomes, cut[i], end - cut[i], i < 2);
		out = hop(out, dmac, smac);
		w.out = &out;
		w.stats |= i ? 0 : STAT(FRAGMENTS);
		check(b, i ? "a later one" : "the first", next(in(f)), w);
		w = goes_on(w);
		w.stats = 0;
	}
	case_end(b);
}

static struct send from_a1(struct frame f)
{
	return workload(W_A1, f);
}

static void test_fragments(struct bench *b)
{
	struct want there = opens(VIP_EXT, DNS, UDP_, A1, SL_NET_WORLD, NET_A);
	struct want here = answers(VIP_EXT, DNS, UDP_, A1, NET_A, SL_NET_WORLD);
	struct frame f = TO_VIP(VIP_EXT, UDP(CLIENT_PORT, DNS), .payload = 1201, .id = 0x1234, VLAN(EXT));
	struct frame to = readdress(f, 0, 0, A1, DNS_TARGET);

	frame_untag(&to);
	bench_clear(b);
	fragments(b, "to a VIP, tag in the frame", &f, &to, wire, there, scene_mac(A1), mac_router);
	bench_clear(b);
	fragments(b, "to a VIP, tag beside the frame", &f, &to, wire_beside, there, scene_mac(A1),
		  mac_router);
	f = PACKET(REPLY_UDP, .payload = 1201, .id = 0x4321);
	to = readdress(f, VIP_EXT, DNS, 0, 0);
	fragments(b, "from a backend", &f, &to, from_a1, here, mac_alien, scene_mac(NODE1));
	f = TO_VIP(VIP_POOL, TCP(CLIENT_PORT, HTTP, SYN), .payload = 1191, .options = options,
		   .option_len = 8);
	to = readdress(f, 0, 0, A1, HTTP_TARGET);
	bench_clear(b);
	fragments(b, "TCP, IP options, untagged", &f, &to, wire,
		  opens(VIP_POOL, HTTP, TCP_, A1, SL_NET_WORLD, NET_A), scene_mac(A1), mac_router);
}

void test_rewrite(struct bench *b)
{
	connection(b, "untagged", VIP_POOL, wire, false);
	connection(b, "tag in the frame", VIP_EXT, wire, true);
	connection(b, "tag beside the frame", VIP_EXT, wire_beside, true);
	test_refused(b);
	test_udp(b);
	test_corners(b);
	test_fragments(b);
}
