/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The same as the other tests of outside addresses, but with rows that the compiler has made of a plan: that it and the
 * programs mean the same by them.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP

#define PLAN                                                                                                 \
	"\"eips\":{"                                                                                         \
	"\"out\":{\"address\":\"198.18.0.60\",\"network\":\"ext\",\"nodes\":[\"node1\"],"                    \
	"\"reserved\":[\"tcp/22\",\"udp/5000-5009\"]},"                                                      \
	"\"blue-out\":{\"address\":\"198.18.0.62\",\"network\":\"ext\",\"nodes\":[\"node1\"]},"              \
	"\"fip\":{\"address\":\"198.18.0.70\",\"network\":\"ext\",\"nodes\":[\"node1\"]},"                   \
	"\"fip-far\":{\"address\":\"198.18.0.73\",\"network\":\"ext\",\"nodes\":[\"node1\"]}},"              \
	"\"snat\":["                                                                                         \
	"{\"name\":\"a-out\",\"vpc\":\"default\",\"from\":[\"192.168.103.0/24\"],\"eips\":[\"out\"],"        \
	"\"except\":[\"172.16.0.0/24\"]},"                                                                   \
	"{\"name\":\"blue-out\",\"vpc\":\"blue\",\"from\":[\"192.168.103.0/24\"],\"eips\":[\"blue-out\"]}]," \
	"\"fips\":[{\"name\":\"b1\",\"vpc\":\"default\",\"address\":\"192.168.104.11\",\"eip\":\"fip\"},"    \
	"{\"name\":\"b-far\",\"vpc\":\"default\",\"address\":\"192.168.104.21\",\"eip\":\"fip-far\"}],"      \
	"\"services\":{\"web\":{\"from_vpcs\":[\"blue\"]}}"

/* The external network in the nodes' VPC, and in one of its own. */
static const char *const plans[] = {
	"{" PLAN "}",
	"{" PLAN ",\"vpcs\":{\"outside\":{}},\"networks\":{\"ext\":{\"vpc\":\"outside\"}},\"policy\":["
	"{\"name\":\"out\",\"from\":[\"network:net-a\",\"network:net-b\",\"network:net-open\",\"network:blue-"
	"a\"],"
	"\"to\":[\"world\"],\"ports\":[\"any\"],\"action\":\"allow\"},"
	"{\"name\":\"in\",\"from\":[\"world\"],\"to\":[\"network:net-b\"],\"ports\":[\"tcp/22\",\"udp/53\"],"
	"\"action\":\"allow\"}]}",
};

/* A port above `from` in a block of this node, or of the other. */
static uint16_t port_of(const struct sl_eip *eip, uint16_t from, bool mine)
{
	for (uint32_t block = (from >> SL_BLOCK_SHIFT) + 1U; block < SL_EIP_BLOCKS; block++)
		if (mine ? eip->node[block] == SL_NODE_SELF : eip->node[block] == 1)
			return (uint16_t)(block << SL_BLOCK_SHIFT | 7);
	return 0;
}

static void test_out(struct bench *b, const struct sl_eip *eip)
{
	uint16_t port = port_of(eip, 2000, true), far = port_of(eip, 2000, false), vpc = vpc_of(b, "default");
	struct want w = { .fate = SENT,
			  .dst = EXT,
			  .stats = STAT(TUNNEL_SENT) | STAT(EIP_FORWARDED),
			  .outside = { EIP_A, UDP_, EIP_FORWARDED } };
	struct frame f, inner, out;
	struct got got;
	struct send s;

	case_begin(b, "compiled: out by the EIP of a rule and back, other blocks are the other node's");
	nat_fresh(b);
	that(b, port && far, "both nodes have blocks");
	goes(b, "SYN", A_OUT(.daddr = REMOTE, TCP(port, 80, SYN)), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	comes(b, "SYN ACK", OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, port, SYN | ACK)), returns(TCP_, NET_A),
	      A1, 0);
	s = next(A_OUT(.daddr = REMOTE, UDP(far, 53)));
	if (bench_run(b, &s, &got))
		that(b, nat_binding(b, vpc, A1, far, UDP_, EIP_A) != far,
		     "a port of the other node is not kept");
	f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, far));
	inner = f;
	frame_untag(&inner);
	out = wrap(&inner, f.bytes, f.bytes + 6, NODE1, NODE2, EIP_A);
	s = next(wire(f));
	if (bench_run(b, &s, &got))
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
	w.out = &out;
	check(b, "to the other node", s, w);
	case_end(b);

	case_begin(b, "compiled: what is excepted, and who has no rule");
	nat_fresh(b);
	check(b, "excepted", next(A_OUT(.daddr = EXCEPTED, TCP(4000, 80, SYN))),
	      (struct want){ .fate = STACK, .src = NET_A, .stats = NEW_FLOW });
	w = keeps_in(NET_OPEN, SL_NET_WORLD);
	w.reason = SL_DROP_NO_EIP;
	check(b, "no rule", next(workload(W_O1, FROM(O1, .daddr = REMOTE, TCP(4000, 80, SYN)))), w);
	case_end(b);
}

static void test_filtering(struct bench *b, const struct sl_eip *eip)
{
	uint16_t port = port_of(eip, 2000, true);
	struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE2, UDP(53, port));
	struct want w = keeps_out(EIP_A, UDP_, true);

	case_begin(b, "rfc4787_req8: address-dependent filtering is what a plan gets that says nothing");
	nat_fresh(b);
	goes(b, "out", A_OUT(.daddr = REMOTE, UDP(port, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	w.reason = SL_DROP_NAT_FILTERED;
	check(b, "from somebody else", next(wire(f)), w);
	comes(b, "from another port of the same", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(54, port)),
	      (struct want){ .fate = SENT, .dst = NET_A, .stats = NEW_FLOW }, A1, 0);
	case_end(b);
}

static void test_fips(struct bench *b)
{
	struct frame f = OUTSIDE(FIP_B_FAR, .saddr = REMOTE, TCP(1000, 22, SYN)), inner = f, out;
	struct want w = { .fate = SENT,
			  .dst = EXT,
			  .stats = STAT(TUNNEL_SENT) | STAT(EIP_FORWARDED),
			  .outside = { FIP_B_FAR, TCP_, EIP_FORWARDED },
			  .out = &out };
	struct send s = next(wire(f));
	struct got got;

	case_begin(b, "compiled: FIPs, of a workload here and of one on the other node");
	nat_fresh(b);
	goes(b, "out", B_OUT(.daddr = REMOTE, TCP(7, 80, SYN)), sets_out(NET_B), FIP_B, 0);
	comes(b, "in", OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 22, SYN)),
	      (struct want){ .fate = SENT, .dst = NET_B, .stats = NEW_FLOW }, B1, 0);
	frame_untag(&inner);
	out = wrap(&inner, f.bytes, f.bytes + 6, NODE1, NODE2, FIP_B_FAR);
	if (bench_run(b, &s, &got))
		memcpy(out.bytes + 34, got.frame.bytes + 34, 2);
	check(b, "to the other node", s, w);
	case_end(b);
}

static void test_vpcs(struct bench *b)
{
	struct send s = BLUE_OUT(.daddr = VIP_EXT, TCP(4000, 80, SYN));
	struct want w = keeps_in(BLUE_A, SL_NET_WORLD);
	uint16_t blue = vpc_of(b, "blue"), port;
	struct frame out;
	struct got got;

	case_begin(b, "compiled: a guest of a service; and no guest of an EIP");
	nat_fresh(b);
	s.keep = true;
	if (bench_run(b, &s, &got)) {
		port = nat_binding(b, blue, X2, 4000, TCP_, EIP_BLUE);
		that(b, port, "a mapping of its EIP");
		out = hop(translate(s.frame, EIP_BLUE, port, A1, 8080), scene_mac(A1), mac_router);
		same_frame(b, &out, &got.frame);
	}
	w.reason = SL_DROP_EIP_VPC;
	check(b, "another VPC's EIP", next(BLUE_OUT(.daddr = EIP_A, TCP(4000, 80, SYN))), w);
	case_end(b);
}

/* Fragments that another node sends on follow their first like any others. */
static void test_pieces(struct bench *b)
{
	struct frame whole = OUTSIDE(FIP_B, .saddr = REMOTE, UDP(1000, 53), .payload = 993, .id = 9), f, in,
		     out;
	struct frame becomes = translate(whole, 0, 0, B1, 0);
	struct want w = { .fate = SENT, .src = EXT, .dst = NET_B, .stats = NEW_FLOW | STAT(FRAGMENTS) };

	case_begin(b, "compiled: fragments that another node sends on");
	nat_fresh(b);
	frame_untag(&whole);
	frame_untag(&becomes);
	for (uint32_t at = 0; at < 1001; at += 400) {
		uint32_t len = at + 400 < 1001 ? 400 : 1001 - at;

		f = piece(&whole, at, len, at + len < 1001);
		in = wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, FIP_B);
		out = hop(piece(&becomes, at, len, at + len < 1001), scene_mac(B1), mac_router);
		w.stats |= STAT(TUNNEL_RECEIVED);
		w.bytes = (int)(len + 20);
		w.out = &out;
		check(b, at ? "a later one" : "the first", next(wire(in)), w);
		w.stats = 0;
	}
	case_end(b);
}

void test_nat_compiled(struct bench *b)
{
	struct sl_eip_key key = { .addr = htonl(EIP_A) };
	struct sl_reserved_key reserved = { .addr = key.addr, .port = htons(5009), .proto = UDP_ };
	const struct sl_eip *eip;

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		b->base = nat_policy;
		if (!bench_plan(b, plans[i]))
			return;
		eip = bench_find(b->image, SL_TABLE_sl_eip, &key);
		case_begin(b, "compiled: the rows of an EIP%s",
			   i ? ", whose network has a VPC of its own" : "");
		that(b, eip && eip->flags == (SL_EIP_SNAT | SL_EIP_OWNED) && eip->network == EXT,
		     "an EIP of this node");
		that(b, bench_find(b->image, SL_TABLE_sl_reserved, &reserved),
		     "the last of its reserved ports");
		if (case_end(b)) {
			test_out(b, eip);
			test_filtering(b, eip);
			test_fips(b);
			test_vpcs(b);
			test_pieces(b);
		}
	}
	nat_over(b);
}
