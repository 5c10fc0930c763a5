/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the node says itself about VIPs: pings, resets, port unreachable, ARP.
 */
#include <arpa/inet.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP

/* The answer to a ping: from whom it was sent to, to whom it came from. */
static struct frame pong(struct frame f)
{
	struct sl_ipv4 *ip = frame_ip(&f);
	uint32_t addr = ip->saddr;
	uint8_t mac[6];

	memcpy(mac, f.bytes, 6);
	memcpy(f.bytes, f.bytes + 6, 6);
	memcpy(f.bytes + 6, mac, 6);
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	ip->ttl = 64;
	frame_icmp(&f)->type = SL_ICMP_ECHO_REPLY;
	frame_sum(&f);
	return f;
}

static void test_echo(struct bench *b)
{
	struct frame f = TO_VIP(VIP_EXT, ICMP(SL_ICMP_ECHO, 7), VLAN(EXT), .ttl = 3, .payload = 33),
		     out = pong(f);
	struct want w = { .fate = SENT, .dst = EXT, .out = &out }, no;

	miss(b, SL_DROP_VIP_ECHO, "a VIP that answers", wire(f), w);
	frame_untag(&out);
	miss(b, SL_DROP_VIP_ECHO, "a VIP that answers, tag beside the frame", wire_beside(f), w);
	check(b, "say: XDP leaves pings of VIPs to TC", wire_xdp(f), (struct want){ .fate = UNTOUCHED });
	f = TO_VIP(VIP_POOL, ICMP(SL_ICMP_ECHO, 7));
	out = pong(f);
	w.dst = SL_NET_WORLD;
	miss(b, SL_DROP_VIP_ECHO, "a VIP that answers, untagged", wire(f), w);
	f = FROM(A1, .daddr = VIP_POOL, ICMP(SL_ICMP_ECHO, 7));
	out = pong(f);
	w.src = NET_A;
	miss(b, SL_DROP_VIP_ECHO, "a VIP that answers, to a workload", workload(W_A1, f), w);

	f = TO_VIP(VIP_QUIET, ICMP(SL_ICMP_ECHO, 7), VLAN(EXT));
	no = (struct want){ .fate = DROPPED, .dst = EXT, .network = EXT };
	hit(b, SL_DROP_VIP_ECHO, "a VIP that drops them", wire(f), no);
	hit(b, SL_DROP_VIP_ECHO, "a VIP that drops them, tag beside the frame", wire_beside(f), no);
	f = FROM(A1, .daddr = VIP_QUIET, ICMP(SL_ICMP_ECHO, 7));
	no.src = no.network = NET_A;
	hit(b, SL_DROP_VIP_ECHO, "a VIP that drops them, from a workload", workload(W_A1, f), no);
	f = TO_VIP(NODE1, ICMP(SL_ICMP_ECHO, 7));
	miss(b, SL_DROP_VIP_ECHO, "the node's own address is the host's to answer", wire(f),
	     (struct want){ .fate = UNTOUCHED });

	f = TO_VIP(VIP_EXT, ICMP(SL_ICMP_TIMESTAMP, 7), VLAN(EXT));
	no = (struct want){ .fate = DROPPED, .reason = SL_DROP_ICMP_TYPE, .dst = EXT, .network = EXT };
	check(b, "say: no other query of a VIP is answered", wire(f), no);
	f = TO_VIP(VIP_EXT, ICMP(SL_ICMP_ECHO_REPLY, 7), VLAN(EXT));
	no.reason = SL_DROP_NO_BINDING;
	no.outside = (struct outside){ VIP_EXT, SL_PROTO_ICMP, EIP_FILTERED };
	check(b, "say: nor an answer", wire(f), no);
	f = TO_VIP(VIP_POOL, ICMP(SL_ICMP_ECHO_REPLY, 7));
	check(b, "say: nor an answer, untagged", wire(f), (struct want){ .fate = UNTOUCHED });
}

/* --- services without a backend */

static struct want said(uint32_t vip, uint8_t proto, uint16_t src, uint16_t network, const struct frame *out)
{
	struct want w = refuses(vip, 84, proto, src, network);

	w.reason = SL_DROP_SERVICE_EMPTY;
	w.question = true;
	w.stats = STAT(RESETS);
	w.out = out;
	return w;
}

static void test_reset(struct bench *b)
{
	static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };
	static const uint8_t mss[4] = { 2, 4, 5, 0xb4 };
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 84, SYN), .ttl = 9, .tos = 0xb8, .id = 33),
		     out = reset(f);
	struct want w = said(VIP_POOL, TCP_, SL_NET_WORLD, SL_NET_WORLD, &out);

	check(b, "say: RST for a SYN acknowledges it", wire(f), w);
	f = tcp_options(TO_VIP(VIP_POOL, TCP(1000, 84, SYN), .payload = 11), mss, sizeof(mss));
	out = reset(f);
	check(b, "say: RST for a SYN with options and data acknowledges the data", wire(f), w);
	f = TO_VIP(VIP_POOL, TCP(1000, 84, ACK), .payload = 5);
	out = reset(f);
	check(b, "say: RST for an ACK has its number", wire(f), w);
	f = TO_VIP(VIP_POOL, TCP(1000, 84, SYN), .options = options, .option_len = 8, .padding = 3);
	out = reset(f);
	check(b, "say: RST behind IP options, without the padding", wire(f), w);
	f = TO_VIP(VIP_EXT, TCP(1000, 84, SYN), VLAN(EXT));
	out = reset(f);
	w = said(VIP_EXT, TCP_, SL_NET_WORLD, EXT, &out);
	check(b, "say: RST on the VLAN", wire(f), w);
	frame_untag(&out);
	check(b, "say: RST, tag beside the frame", wire_beside(f), w);
	f = FROM(A1, .daddr = VIP_POOL, TCP(1000, 84, SYN));
	out = reset(f);
	w = said(VIP_POOL, TCP_, NET_A, NET_A, &out);
	check(b, "say: RST to a workload", workload(W_A1, f), w);
	f = PACKET(.saddr = NODE1, .daddr = VIP_POOL, TCP(1000, 84, SYN), .dmac = mac_alien);
	out = reset(f);
	memcpy(out.bytes + 6, mac_router, 6);
	w = said(VIP_POOL, TCP_, MGMT, SL_NET_WORLD, &out);
	check(b, "say: RST to the node itself", stack_out(f), w);

	f = TO_VIP(VIP_POOL, TCP(1000, 84, RST));
	w = refuses(VIP_POOL, 84, TCP_, SL_NET_WORLD, SL_NET_WORLD);
	w.reason = SL_DROP_TCP_STATE;
	check(b, "say: no RST for a RST", wire(f), w);
}

/* Every sum that the free word has to make up for. */
static void test_free_word(struct bench *b)
{
	case_begin(b, "say: RST for 500 different SYNs");
	for (uint16_t i = 0; i < 500 && !b->case_failed; i++) {
		struct frame f = TO_VIP(VIP_POOL, TCP(i, 84, SYN)), out;
		struct want w = said(VIP_POOL, TCP_, SL_NET_WORLD, SL_NET_WORLD, &out);

		frame_tcp(&f)->seq = htonl(0xfffffe00U + i * 7U);
		frame_sum(&f);
		out = reset(f);
		check(b, "one of them", wire(f), w);
		that(b, frame_sum_right(&out), "a right checksum");
	}
	case_end(b);
}

static void test_unreachable(struct bench *b)
{
	struct frame f = TO_VIP(VIP_POOL, UDP(1000, 84), .id = 44, .tos = 8, .ttl = 2, .payload = 33), out;
	struct want w = said(VIP_POOL, UDP_, SL_NET_WORLD, SL_NET_WORLD, &out);

	out = unreachable(f, SL_ICMP_PORT, 0);
	check(b, "say: port unreachable", wire(f), w);
	f = TO_VIP(VIP_POOL, UDP(1000, 84));
	out = unreachable(f, SL_ICMP_PORT, 0);
	check(b, "say: port unreachable, for an empty datagram", wire(f), w);
	frame_udp(&f)->check = 0;
	out = unreachable(f, SL_ICMP_PORT, 0);
	check(b, "say: port unreachable, for one without a checksum", wire(f), w);
	f = TO_VIP(VIP_POOL, UDP(1000, 84), .frag = SL_IP_MF, .id = 3, .payload = 24);
	out = unreachable(f, SL_ICMP_PORT, 0);
	w.stats |= STAT(FRAGMENTS);
	check(b, "say: port unreachable, for a first fragment", wire(f), w);
	f = TO_VIP(VIP_EXT, UDP(1000, 84), VLAN(EXT), .payload = 3);
	out = unreachable(f, SL_ICMP_PORT, 0);
	w = said(VIP_EXT, UDP_, SL_NET_WORLD, EXT, &out);
	check(b, "say: port unreachable, on the VLAN", wire(f), w);
	frame_untag(&out);
	check(b, "say: port unreachable, tag beside the frame", wire_beside(f), w);
	f = FROM(A1, .daddr = VIP_POOL, UDP(1000, 84), .payload = 3);
	out = unreachable(f, SL_ICMP_PORT, 0);
	w = said(VIP_POOL, UDP_, NET_A, NET_A, &out);
	check(b, "say: port unreachable, to a workload", workload(W_A1, f), w);
	f = PACKET(.saddr = NODE1, .daddr = VIP_POOL, UDP(1000, 84), .dmac = mac_alien);
	out = unreachable(f, SL_ICMP_PORT, 0);
	memcpy(out.bytes + 6, mac_router, 6);
	w = said(VIP_POOL, UDP_, MGMT, SL_NET_WORLD, &out);
	check(b, "say: port unreachable, to the node itself", stack_out(f), w);
}

/* --- ARP */

static struct frame is_at(const struct frame *question, uint32_t who)
{
	const struct sl_arp *asked = (const void *)(question->bytes + question->l3);

	return ARP(.op = SL_ARP_REPLY, .spa = who, .sha = scene_mac(NODE1), .tpa = ntohl(asked->spa),
		   .tha = asked->sha, .dmac = asked->sha, .vlan = question->l3 > 14 ? EXT : 0);
}

static void test_arp_answers(struct bench *b)
{
	struct frame f = ARP(.spa = EXT_ROUTER, .tpa = VIP_EXT, .vlan = EXT), out = is_at(&f, VIP_EXT);
	struct want w = { .fate = SENT, .src = EXT, .dst = EXT, .stats = STAT(ARP_ANSWERED), .out = &out };
	struct want not = { .fate = UNTOUCHED };

	check(b, "say: ARP for an owned VIP, on its VLAN", wire(f), w);
	frame_untag(&out);
	check(b, "say: ARP for an owned VIP, tag beside the frame", wire_beside(f), w);
	f = ARP(.spa = IP(203, 0, 113, 1), .tpa = VIP_POOL);
	out = is_at(&f, VIP_POOL);
	w.src = w.dst = SL_NET_WORLD;
	check(b, "say: ARP for an owned VIP, untagged", wire(f), w);

	f = ARP(.spa = IP(203, 0, 113, 1), .tpa = VIP_POOL_OTHER);
	check(b, "say: no ARP for another node's VIP, untagged", wire(f), not );
	f = ARP(.spa = IP(203, 0, 113, 1), .tpa = VIP_EXT);
	check(b, "say: no ARP for a VIP of a VLAN, untagged", wire(f), not );
	f = ARP(.spa = IP(203, 0, 113, 1), .tpa = NODE1);
	check(b, "say: no ARP for the node's own address: the stack answers", wire(f), not );
	f = ARP(.op = SL_ARP_REPLY, .spa = IP(203, 0, 113, 1), .tpa = VIP_POOL);
	check(b, "say: no ARP for a reply", wire(f), not );
	f = ARP(.spa = EXT_ROUTER, .tpa = VIP_EXT_OTHER, .vlan = EXT);
	w = (struct want){ .fate = STACK, .src = EXT, .dst = EXT };
	check(b, "say: no ARP for another node's VIP, on its VLAN", wire(f), w);
	f = ARP(.spa = MGMT_HOST, .tpa = VIP_EXT, .vlan = MGMT);
	w.src = w.dst = MGMT;
	check(b, "say: no ARP for a VIP of another VLAN", wire(f), w);
}

static void test_arp_claims(struct bench *b)
{
	struct want no = { .fate = DROPPED, .src = EXT, .dst = EXT, .network = EXT }, out;
	struct frame f;

	f = ARP(.op = SL_ARP_REPLY, .spa = VIP_EXT, .tpa = EXT_ROUTER, .vlan = EXT);
	hit(b, SL_DROP_ARP_SPOOFED, "an owned VIP, claimed on its VLAN", wire(f), no);
	hit(b, SL_DROP_ARP_SPOOFED, "an owned VIP, claimed, tag beside the frame", wire_beside(f), no);
	f = ARP(.spa = VIP_EXT, .tpa = VIP_EXT, .vlan = EXT);
	hit(b, SL_DROP_ARP_SPOOFED, "an owned VIP, announced by another", wire(f), no);
	f = ARP(.op = SL_ARP_REPLY, .spa = VIP_EXT_OTHER, .tpa = EXT_ROUTER, .vlan = EXT);
	miss(b, SL_DROP_ARP_SPOOFED, "a VIP of another node, claimed by it", wire(f),
	     (struct want){ .fate = STACK, .src = EXT, .dst = EXT });
	no = (struct want){ .fate = DROPPED };
	f = ARP(.op = SL_ARP_REPLY, .spa = VIP_POOL, .tpa = IP(203, 0, 113, 1));
	hit(b, SL_DROP_ARP_SPOOFED, "an owned VIP, claimed untagged", wire(f), no);
	f = ARP(.op = SL_ARP_REPLY, .spa = VIP_POOL_OTHER, .tpa = IP(203, 0, 113, 1));
	miss(b, SL_DROP_ARP_SPOOFED, "a VIP of another node, claimed untagged", wire(f),
	     (struct want){ .fate = UNTOUCHED });

	hit(b, SL_DROP_ARP_SPOOFED, "another node's VIP, claimed by this node's stack", stack_out(f), no);
	f = ARP(.op = SL_ARP_REPLY, .spa = VIP_EXT_OTHER, .tpa = EXT_ROUTER, .vlan = EXT);
	no.src = no.dst = no.network = EXT;
	hit(b, SL_DROP_ARP_SPOOFED, "another node's VIP, claimed by this node's stack on a VLAN",
	    stack_out(f), no);
	f = ARP(.op = SL_ARP_REPLY, .spa = VIP_POOL, .tpa = IP(203, 0, 113, 1));
	miss(b, SL_DROP_ARP_SPOOFED, "an owned VIP, claimed by this node's stack", stack_out(f),
	     (struct want){ .fate = UNTOUCHED });
	f = ARP(.op = SL_ARP_REPLY, .spa = VIP_EXT, .tpa = EXT_ROUTER, .vlan = EXT);
	out = (struct want){ .fate = STACK, .src = EXT, .dst = EXT, .unmarked = true };
	miss(b, SL_DROP_ARP_SPOOFED, "an owned VIP, claimed by this node's stack on its VLAN", stack_out(f),
	     out);
	f = ARP(.spa = NODE1, .tpa = NODE2);
	miss(b, SL_DROP_ARP_SPOOFED, "this node's own address", stack_out(f),
	     (struct want){ .fate = UNTOUCHED });
}

void test_say(struct bench *b)
{
	test_echo(b);
	test_reset(b);
	test_free_word(b);
	test_unreachable(b);
	test_arp_answers(b);
	test_arp_claims(b);
}
