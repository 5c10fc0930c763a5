/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EIPs shared by nodes: what is for a port of another node's block, or for a FIP whose workload is there, goes on
 * through the tunnel as it came and leaves nothing behind; what comes so is taken for what came in by the EIP's network.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define ICMP_ SL_PROTO_ICMP
#define PORT 4000
#define FAR (NAT_HALF + 4000)
#define MSS (TUNNEL_MTU - 44 - 40)

/* The port that a wrapped packet is sent under comes from its hash; the same for the same packet. */
static void same_port(struct bench *b, struct send s, struct frame *out)
{
	struct got got;

	if (bench_run(b, &s, &got) && got.frame.len > 36 && got.frame.bytes[34] >= 0xc0)
		memcpy(out->bytes + 34, got.frame.bytes + 34, 2);
}

static void forwarded(struct bench *b, enum sl_reason_id missed, const char *name, struct frame f,
		      uint32_t eip, struct send (*in)(struct frame f))
{
	const uint8_t proto = frame_ip(&f)->proto, quoted = f.bytes[f.l4 + 8 + 9];
	bool error = proto == ICMP_ && frame_icmp(&f)->type == SL_ICMP_UNREACHABLE;
	struct frame inner = f, out;
	struct send s = next(in(f));
	struct want w = { .fate = SENT,
			  .dst = EXT,
			  .stats = STAT(TUNNEL_SENT) | STAT(EIP_FORWARDED),
			  .outside = { eip, error ? quoted : proto, EIP_FORWARDED },
			  .out = &out };

	if (frame_eth(&f)->type == htons(SL_ETH_VLAN))
		frame_untag(&inner);
	out = wrap(&inner, f.bytes, f.bytes + 6, NODE1, NODE2, eip);
	same_port(b, s, &out);
	if (ntohs(frame_ip(&f)->frag) & SL_IP_MF && !(ntohs(frame_ip(&f)->frag) & SL_IP_OFFSET))
		w.stats |= STAT(FRAGMENTS);
	if (missed)
		miss(b, missed, name, s, w);
	else
		check(b, name, s, w);
}

static void test_forward(struct bench *b)
{
	uint16_t vpc = vpc_of(b, "default");
	struct sl_flow_key key = flow_key(vpc, TCP_, REMOTE, 80, EIP_A, FAR);
	struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, FAR, SYN | ACK)), quoted;
	struct sl_flow flow;

	case_begin(b, "block: a port of another node's block goes on to it as it came");
	nat_fresh(b);
	forwarded(b, 0, "SYN ACK", f, EIP_A, wire);
	forwarded(b, 0, "tag beside the frame", f, EIP_A, wire_beside);
	forwarded(b, 0, "UDP", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, FAR), .payload = 7), EIP_A, wire);
	forwarded(b, 0, "reply", OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, FAR)), EIP_A, wire);
	forwarded(b, 0, "the first port of the block", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, NAT_HALF)),
		  EIP_A, wire);
	that(b, flow_find(b, &key, &flow) < 0, "no flow is kept");
	check(b, "XDP leaves it to TC", next(wire_xdp(f)), (struct want){ .fate = UNTOUCHED });
	case_end(b);

	case_begin(b, "block: an error about what another node sent goes on to it");
	quoted = translate(A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 20).frame, EIP_A, FAR, 0, 0);
	f = OUTSIDE(EIP_A, .saddr = IP(9, 9, 9, 1), ICMP(SL_ICMP_UNREACHABLE, 0), .icmp_code = SL_ICMP_PORT,
		    .quote = &quoted);
	forwarded(b, 0, "port unreachable", f, EIP_A, wire);
	case_end(b);

	case_begin(b, "block: fragments of a datagram all go on");
	nat_fresh(b);
	quoted = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, FAR), .payload = 601, .id = 9);
	forwarded(b, 0, "the first", piece(&quoted, 0, 400, true), EIP_A, wire);
	forwarded(b, 0, "the last", piece(&quoted, 400, 209, false), EIP_A, wire);
	case_end(b);
}

static struct frame from_node2(const struct frame *f, uint32_t eip)
{
	return wrap(f, scene_mac(NODE1), mac_node2, NODE2, NODE1, eip);
}

/* Without its tag, as the other node wraps it. */
static struct frame came_to(struct frame f)
{
	if (frame_eth(&f)->type == htons(SL_ETH_VLAN))
		frame_untag(&f);
	return f;
}

static void test_arrives(struct bench *b)
{
	struct frame f = came_to(OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, SYN | ACK))), in, out;
	struct want w = returns(TCP_, NET_A);

	case_begin(b, "block: what another node sent on for a port here is the flow's answer");
	nat_fresh(b);
	goes(b, "SYN", A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN)), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	in = from_node2(&f, EIP_A);
	out = lands(f, A1, 0);
	w.stats |= STAT(TUNNEL_RECEIVED);
	w.bytes = (int)(f.len - f.l3);
	w.out = &out;
	check(b, "SYN ACK", next(wire(in)), w);
	goes(b, "ACK", A_OUT(.daddr = REMOTE, TCP(PORT, 80, ACK)), promotes(binds(EIP_A, TCP_, NET_A)), EIP_A,
	     0);
	frame_tag(&in, SL_ETH_VLAN, MGMT);
	check(b, "data, on the nodes' VLAN", next(wire(in)), w);
	comes(b, "data, straight from outside: either way is the EIP's",
	      OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, ACK), .payload = 9), returns(TCP_, NET_A), A1, 0);
	case_end(b);

	case_begin(b, "block: a flow opened from outside through the other node is answered past it");
	nat_fresh(b);
	f = came_to(OUTSIDE(FIP_B, .saddr = REMOTE, UDP(1000, 53), .payload = 5));
	in = from_node2(&f, FIP_B);
	out = lands(f, B1, 0);
	w = (struct want){ .fate = SENT,
			   .src = EXT,
			   .dst = NET_B,
			   .stats = NEW_FLOW | STAT(TUNNEL_RECEIVED),
			   .bytes = (int)(f.len - f.l3),
			   .out = &out };
	check(b, "in", next(wire(in)), w);
	goes(b, "out", B_OUT(.daddr = REMOTE, UDP(53, 1000), .payload = 6),
	     (struct want){ .fate = SENT, .src = NET_B, .dst = EXT, .stats = STAT(FLOWS_PROMOTED) }, FIP_B,
	     0);
	case_end(b);
}

/* What another node has sent on is dropped here. */
static struct want turned_away(uint32_t eip, uint8_t proto, const struct frame *f, bool counted)
{
	return (struct want){ .fate = DROPPED,
			      .src = EXT,
			      .network = EXT,
			      .stats = STAT(TUNNEL_RECEIVED),
			      .bytes = (int)(f->len - f->l3),
			      .outside = { eip, proto, counted ? EIP_FILTERED : 0 } };
}

static void test_elsewhere(struct bench *b)
{
	struct frame f = OUTSIDE(FIP_LOST, .saddr = REMOTE, TCP(80, 22, SYN)), in;
	struct want w = keeps_out(FIP_LOST, TCP_, true);

	nat_fresh(b);
	hit(b, SL_DROP_EIP_ELSEWHERE, "a FIP whose workload stands nowhere", next(wire(f)), w);
	forwarded(b, SL_DROP_EIP_ELSEWHERE, "a FIP whose workload stands on another node",
		  OUTSIDE(FIP_B_FAR, .saddr = REMOTE, TCP(80, 22, SYN)), FIP_B_FAR, wire);
	f = came_to(OUTSIDE(FIP_B_FAR, .saddr = REMOTE, TCP(80, 22, SYN)));
	in = from_node2(&f, FIP_B_FAR);
	w = turned_away(FIP_B_FAR, TCP_, &f, false);
	hit(b, SL_DROP_EIP_ELSEWHERE, "sent on to this node, whose workload it is not: never on to a third",
	    next(wire(in)), w);
	f = came_to(OUTSIDE(EIP_A, .saddr = REMOTE, UDP(80, FAR)));
	in = from_node2(&f, EIP_A);
	w = turned_away(EIP_A, UDP_, &f, false);
	hit(b, SL_DROP_EIP_ELSEWHERE, "sent on to this node, whose block it is not", next(wire(in)), w);
	f = came_to(OUTSIDE(EIP_A, .saddr = REMOTE, UDP(80, PORT)));
	in = from_node2(&f, EIP_A);
	w = turned_away(EIP_A, UDP_, &f, true);
	hit(b, SL_DROP_NO_BINDING, "sent on to this node, for a port that nobody has", next(wire(in)), w);
	f = came_to(OUTSIDE(EIP_A, .saddr = REMOTE, UDP(80, PORT)));
	in = wrap(&f, scene_mac(NODE1), mac_alien, IP(192, 168, 100, 50), NODE1, EIP_A);
	hit(b, SL_DROP_TUNNEL_PEER, "to an EIP, from no node", next(wire(in)),
	    (struct want){ .fate = DROPPED, .bytes = (int)(in.len - in.l3) });
}

/* Answers come by way of the node that speaks ARP: both ends are told what fits through the tunnel. */
static void test_not_owned(struct bench *b)
{
	static const uint8_t mss[4] = { 2, 4, 0x05, 0xb4 };
	struct frame f = tcp_options(
			     PACKET(.saddr = C1, .daddr = REMOTE, .dmac = mac_router, TCP(PORT, 80, SYN)),
			     mss, 4),
		     out, r, in;
	struct want w = binds(EIP_FAR, TCP_, NET_CAST);

	case_begin(b, "block: an EIP that another node speaks for: room for the tunnel both ways");
	nat_fresh(b);
	out = translate(f, EIP_FAR, 0, 0, 0);
	out.bytes[out.l4 + 22] = MSS >> 8;
	out.bytes[out.l4 + 23] = MSS & 0xff;
	frame_sum(&out);
	out = hop(out, mac_ext_router, scene_mac(NODE1));
	w.out = &out;
	check(b, "SYN", next(workload(W_C1, f)), w);
	r = tcp_options(came_to(OUTSIDE(EIP_FAR, .saddr = REMOTE, TCP(80, PORT, SYN | ACK))), mss, 4);
	in = from_node2(&r, EIP_FAR);
	out = lands(r, C1, 0);
	w = returns(TCP_, NET_CAST);
	w.stats |= STAT(TUNNEL_RECEIVED);
	w.bytes = (int)(r.len - r.l3);
	w.out = &out;
	check(b, "SYN ACK", next(wire(in)), w);
	case_end(b);
}

void test_eip_block(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_forward(b);
	test_arrives(b);
	test_elsewhere(b);
	test_not_owned(b);
	nat_over(b);
}
