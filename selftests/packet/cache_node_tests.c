/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache of lines and deliveries between nodes: what is wrapped by a line, what takes the long way all the same, and
 * what makes such a line void.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <unistd.h>
#include "cache.h"
#include "rows.h"

#define ROOM (TUNNEL_MTU - SL_TUNNEL_BYTES) /* for the whole packet within */
#define OUTER 14 /* of the header in front of a packet without a tag */

static struct send from_world(void)
{
	return cache_packet(38);
}

/* Both directions have been seen, if both pass here, and a line made of the one that opens. */
static void open_line(struct bench *b, struct send (*of)(void), const struct send *back)
{
	struct got got;

	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	for (int i = 0; i < 3; i++) {
		struct send s = of();

		bench_run(b, &s, &got);
		if (i == 1)
			usleep(TICK_US); /* no flow has a line in the tick that it began in */
		if (back && !i)
			bench_run(b, back, &got);
	}
}

/* The same packet by a line and without any ends the same way, counters and all. */
static void same_both_ways(struct bench *b, const struct send *s)
{
	static struct tally by_line, by_hand;
	struct got line, hand;

	bench_count_lines(b);
	bench_clear_counts(b);
	bench_run(b, s, &line);
	bench_count_lines(b);
	tally_collect(b, &by_line);
	that(b, by_line.line_packets == 1 && !by_line.lines_filled, "a line decides");
	bench_void_lines(b);
	bench_clear_counts(b);
	bench_run(b, s, &hand);
	bench_count_lines(b);
	tally_collect(b, &by_hand);
	that(b, !by_hand.line_packets && by_hand.lines_filled == 1, "without one the long way makes one");
	that(b, line.retval == hand.retval && line.mark == hand.mark && line.priority == hand.priority,
	     "to the same end");
	same_frame(b, &hand.frame, &line.frame);
	tally_same(b, &by_hand, &by_line);
}

static struct send on_vlan(void)
{
	return cache_packet(39);
}

static struct send beside_frame(void)
{
	struct send s = beside(cache_packet(39), SL_ETH_VLAN, EXT);

	frame_untag(&s.frame);
	return s;
}

static struct send from_workload(void)
{
	return cache_packet(40);
}

static struct send answer_back(void)
{
	return cache_packet(43);
}

static struct send odd(void)
{
	return next(wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK | SL_TCP_PSH), .payload = 333, .tos = 0xb9,
				.ttl = 1, .padding = 5)));
}

static void wrapped(struct bench *b)
{
	static const struct {
		const char *name;
		struct send (*of)(void);
		uint32_t back;
	} ways[] = {
		{ "from the world", from_world, 0 },	   { "tagged", on_vlan, 0 },
		{ "tag beside", beside_frame, 0 },	   { "from a workload", from_workload, 41 },
		{ "a backend's answer", answer_back, 42 }, { "odd, of a class, for one hop", odd, 0 },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct send back = cache_packet(ways[i].back), s;
		struct got got;

		case_begin(b, "cache: to another node: %s", ways[i].name);
		if (ways[i].of == answer_back) { /* its flow is opened by the other node */
			nat_fresh(b);
			bench_run(b, &back, &got);
			usleep(TICK_US);
			cache_last(b, LINE_SECONDS);
			s = answer_back();
			bench_run(b, &s, &got);
			bench_run(b, &s, &got);
		} else {
			open_line(b, ways[i].of, ways[i].back ? &back : NULL);
		}
		s = ways[i].of();
		same_both_ways(b, &s);
		bench_run(b, &s, &got);
		that(b, got.retval == TC_ACT_REDIRECT && got.frame.bytes[OUTER + 9] == SL_PROTO_UDP,
		     "it is wrapped");
		case_end(b);
	}
}

/* It fits, or it is cut or its sender is told: that only the long way can. */
static void sizes(struct bench *b)
{
	struct send fits =
		next(wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK), .frag = SL_IP_DF, .payload = ROOM - 40)));
	struct send large =
		next(wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK), .frag = SL_IP_DF, .payload = ROOM - 39)));
	struct send cut = next(wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK), .payload = ROOM - 39))),
		    segments = cut;
	struct got got;

	case_begin(b, "cache: to another node: sizes");
	open_line(b, from_world, NULL);
	that(b, cache_decides(b, &fits, &got) && got.frame.len == fits.frame.len + SL_TUNNEL_BYTES,
	     "what just fits goes by a line");
	that(b, !cache_decides(b, &large, &got) && got.frame.bytes[large.frame.l3 + 9] == SL_PROTO_ICMP,
	     "of one byte more the sender is told");
	that(b,
	     !cache_decides(b, &cut, &got) && got.retval == TC_ACT_REDIRECT && got.frame.len < cut.frame.len,
	     "or it is cut");
	segments.gso_size = 700;
	segments.gso_segs = 3;
	bench_count_lines(b);
	bench_clear_counts(b);
	bench_run(b, &segments, &got);
	bench_count_lines(b);
	that(b, !cache_stat(b, SL_STAT_LINE_PACKETS), "segments take the long way");
	that(b, cache_decides(b, &fits, &got), "the line is still there");
	case_end(b);
}

static void shapes(struct bench *b)
{
	static const uint8_t options[4] = { 1, 1, 1, 0 };
	struct send all[] = {
		wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK), .payload = 24, .frag = SL_IP_MF, .id = 7)),
		wire(TO_VIP(VIP_POOL, .proto = SL_PROTO_TCP, .bare = true, .payload = 24, .frag = 4,
			    .id = 7)),
		wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK), .payload = 24, .options = options,
			    .option_len = 4)),
		wire(TO_VIP(VIP_POOL, TCP(3000, 87, SYN))),
		wire(TO_VIP(VIP_POOL, TCP(3000, 87, FIN | ACK))),
	};
	static const char *const names[] = { "a first fragment", "a later one", "with options", "SYN",
					     "FIN" };
	struct send line = from_world();
	struct got got;

	case_begin(b, "cache: to another node: not by a line");
	open_line(b, from_world, NULL);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct send s = next(all[i]);

		that(b, !cache_decides(b, &s, &got) && got.retval == TC_ACT_REDIRECT, names[i]);
		that(b, cache_decides(b, &line, &got), "the line is still there");
	}
	case_end(b);
}

/* Who wraps a packet counts it, and its flow, its service and its networks do. */
static void sums(struct bench *b)
{
	struct sl_flow_key key = flow_key(vpc_of(b, "default"), SL_PROTO_TCP, CLIENT, 3000, VIP_POOL, 87);
	struct send s = from_world();
	struct sl_flow before, after;
	struct got got;

	case_begin(b, "cache: to another node: counted");
	open_line(b, from_world, NULL);
	bench_count_lines(b);
	that(b, flow_find(b, &key, &before) == 1, "there is a flow");
	bench_clear_counts(b);
	for (int i = 0; i < 50; i++)
		bench_run(b, &s, &got);
	bench_count_lines(b);
	flow_find(b, &key, &after);
	that(b, cache_stat(b, SL_STAT_LINE_PACKETS) == 50, "by a line");
	that(b, cache_stat(b, SL_STAT_TUNNEL_SENT) == 50, "all are sent");
	that(b, after.packets == before.packets + 50 && after.bytes == before.bytes + 50 * 60,
	     "the flow has them all, without what they are wrapped in");
	case_end(b);
}

static uint32_t sent_to(const struct got *got)
{
	uint32_t addr;

	memcpy(&addr, got->frame.bytes + OUTER + 16, 4);
	return ntohl(addr);
}

/* What must make it take the long way again. */
static void voids(struct bench *b)
{
	static const char gone[] =
		"{\"services\":{\"far\":{\"backends\":[{\"address\":\"192.168.103.11\"}]}}}";
	static const char moved[] =
		"{\"clusters\":{\"main\":{\"nodes\":{\"node2\":{\"addresses\":[\"192.168.100.13\"]}}}}}";
	static const char other[] = "{\"clusters\":{\"main\":{\"delivery\":{\"vni\":77,\"mtu\":1400}}}}";
	struct send s = from_world(), fin = cache_way(38, 20, 64, 0, RST),
		    syn = cache_way(38, 20, 64, 0, SYN);
	struct send large = next(wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK), .payload = ROOM - 40)));
	struct got got;

	case_begin(b, "cache: to another node: the node has another address");
	open_line(b, from_world, NULL);
	that(b, cache_decides(b, &s, &got) && sent_to(&got) == NODE2, "a line decides");
	nat_plan(b, &nat_plain, moved);
	that(b, !cache_decides(b, &s, &got) && sent_to(&got) == IP(192, 168, 100, 13), "not any more");
	bench_run(b, &s, &got);
	that(b, cache_decides(b, &s, &got) && sent_to(&got) == IP(192, 168, 100, 13),
	     "then it does, to there");
	nat_plan(b, &nat_plain, NULL);
	that(b, !cache_decides(b, &s, &got) && sent_to(&got) == NODE2, "and back");
	case_end(b);

	case_begin(b, "cache: to another node: by another tunnel");
	open_line(b, from_world, NULL);
	that(b, cache_decides(b, &large, &got), "a line decides");
	nat_plan(b, &nat_plain, other);
	bench_run(b, &s, &got);
	bench_run(b, &s, &got);
	that(b, cache_decides(b, &s, &got) && got.frame.bytes[OUTER + 20 + 8 + 6] == 77,
	     "its number is another");
	that(b, !cache_decides(b, &large, &got), "and its room");
	nat_plan(b, &nat_plain, NULL);
	case_end(b);

	case_begin(b, "cache: to another node: the backend is gone");
	open_line(b, from_world, NULL);
	that(b, cache_decides(b, &s, &got), "a line decides");
	nat_plan(b, &nat_plain, gone);
	bench_clear_counts(b);
	that(b, !cache_decides(b, &s, &got) && !cache_stat(b, SL_STAT_TUNNEL_SENT), "not any more");
	nat_plan(b, &nat_plain, NULL);
	case_end(b);

	case_begin(b, "cache: to another node: the connection is over");
	open_line(b, from_world, NULL);
	that(b, cache_decides(b, &s, &got), "a line decides");
	that(b, !cache_decides(b, &fin, &got) && !cache_decides(b, &syn, &got), "never about RST and SYN");
	that(b, !cache_decides(b, &s, &got), "the next one begins without");
	case_end(b);
}

/* --- what another node has wrapped */

static struct send from_node2(const struct frame *f, uint32_t backend)
{
	return next(wire(wrap(f, scene_mac(NODE1), mac_node2, NODE2, NODE1, backend)));
}

static struct send delivered(void)
{
	return cache_packet(22);
}

static struct send delivered_tagged(void)
{
	struct send s = delivered();

	frame_tag(&s.frame, SL_ETH_VLAN, MGMT);
	return s;
}

static struct send delivered_beside(void)
{
	return beside(delivered(), SL_ETH_VLAN, MGMT);
}

static struct send delivered_datagram(void)
{
	return cache_packet(44);
}

static struct send delivered_answer(void)
{
	return cache_packet(41);
}

static struct send delivered_odd(void)
{
	struct frame f =
		TO_VIP(VIP_POOL, TCP(2000, 80, ACK | SL_TCP_PSH), .payload = 333, .tos = 0xb9, .ttl = 2);
	struct send s = from_node2(&f, A1);

	memset(s.frame.bytes + s.frame.len, 0xaa, 5);
	s.frame.len += 5;
	return s;
}

static void open_delivered(struct bench *b, struct send (*of)(void), uint32_t back)
{
	struct send answer = cache_packet(back);

	open_line(b, of, &answer);
}

static void unwrapped(struct bench *b)
{
	static const struct {
		const char *name;
		struct send (*of)(void);
		uint32_t back;
	} ways[] = {
		{ "TCP", delivered, 23 },
		{ "tagged", delivered_tagged, 23 },
		{ "tag beside", delivered_beside, 23 },
		{ "UDP", delivered_datagram, 45 },
		{ "odd, of a class, the last hop but one", delivered_odd, 23 },
	};
	struct send s, asks = cache_packet(40);
	struct got got;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		case_begin(b, "cache: from another node: %s", ways[i].name);
		open_delivered(b, ways[i].of, ways[i].back);
		s = ways[i].of();
		same_both_ways(b, &s);
		bench_run(b, &s, &got);
		that(b,
		     got.retval == TC_ACT_REDIRECT && got.frame.bytes[OUTER + 9] != 0 &&
			     !memcmp(got.frame.bytes + OUTER + 16, &(uint32_t){ htonl(A1) }, 4),
		     "it goes to the backend");
		case_end(b);
	}

	case_begin(b, "cache: from another node: an answer");
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	bench_run(b, &asks, &got);
	usleep(TICK_US);
	s = delivered_answer();
	bench_run(b, &s, &got);
	bench_run(b, &s, &got);
	same_both_ways(b, &s);
	case_end(b);
}

/* Bytes of what wraps it that a line has no ears for. */
static void outer_headers(struct bench *b)
{
	static const struct {
		const char *name;
		uint8_t at, flip;
		uint32_t retval;
		bool told; /* of congestion: the packet within is another */
	} odd[] = {
		{ "a first fragment", 20, 0x20, TC_ACT_SHOT, false },
		{ "a later one", 21, 0x01, TC_ACT_UNSPEC, false },
		{ "no UDP", 23, 0x01, TC_ACT_UNSPEC, false },
		{ "from nobody", 29, 0x40, TC_ACT_SHOT, false },
		{ "to nobody", 33, 0x40, TC_ACT_UNSPEC, false },
		{ "to another port", 37, 0x02, TC_ACT_UNSPEC, false },
		{ "another version", 42, 0x40, TC_ACT_SHOT, false },
		{ "more options", 42, 0x01, TC_ACT_SHOT, false },
		{ "not critical", 43, 0x40, TC_ACT_REDIRECT, false },
		{ "no IPv4 inside", 45, 0x01, TC_ACT_SHOT, false },
		{ "another VNI", 48, 0x02, TC_ACT_SHOT, false },
		{ "another VNI, high byte", 46, 0x01, TC_ACT_SHOT, false },
		{ "a byte behind it", 49, 0x01, TC_ACT_REDIRECT, false },
		{ "an option of another class", 51, 0x01, TC_ACT_SHOT, false },
		{ "another option", 52, 0x01, TC_ACT_SHOT, false },
		{ "a longer option", 53, 0x02, TC_ACT_SHOT, false },
		{ "another backend", 57, 0x01, TC_ACT_REDIRECT, false },
		{ "shorter than what is within", 17, 0x08, TC_ACT_REDIRECT, false },
		{ "congestion met", 15, 0x01, TC_ACT_REDIRECT, true },
		{ "of the packet within: a fragment", 64, 0x20, TC_ACT_REDIRECT, false },
		{ "of the packet within: its length", 61, 0x04, TC_ACT_REDIRECT, false },
		{ "of the packet within: a RST", 91, 0x04, TC_ACT_REDIRECT, false },
	};
	struct frame f = TO_VIP(VIP_POOL, TCP(2000, 80, ACK), .payload = 20, .tos = 2);
	struct send line = from_node2(&f, A1);
	struct got got, hand;

	case_begin(b, "cache: from another node: not by a line");
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct send s = line;

		open_delivered(b, delivered, 23);
		that(b, cache_decides(b, &line, &got), "there is a line");
		s.frame.bytes[odd[i].at] ^= odd[i].flip;
		that(b, !cache_decides(b, &s, &hand) && hand.retval == odd[i].retval, odd[i].name);
		that(b, !odd[i].told || (hand.frame.bytes[OUTER + 1] & 3) == 3, "who can hear it is told");
	}
	open_delivered(b, delivered, 23);
	line.mark = 0x4000;
	that(b, !cache_decides(b, &line, &got), "somebody's mark");
	case_end(b);
}

/* The same addresses and ports may come as they are, or from a third node. */
static void other_ways(struct bench *b)
{
	static const char third[] = "{\"clusters\":{\"main\":{\"nodes\":{\"node3\":"
				    "{\"addresses\":[\"192.168.100.13\"],\"uplinks\":{\"up0\":{}}}}}}}";
	struct frame f = TO_VIP(VIP_POOL, TCP(2000, 80, ACK), .payload = 20);
	struct send plain = next(wire(f)), line = delivered(), answer = cache_packet(23), other;
	struct got got;

	case_begin(b, "cache: from another node: the same packet by itself");
	open_delivered(b, delivered, 23);
	bench_count_lines(b);
	bench_clear_counts(b);
	that(b, !cache_decides(b, &plain, &got) && got.retval == TC_ACT_REDIRECT,
	     "is not decided by that line");
	that(b, cache_decides(b, &plain, &got), "but by its own");
	that(b, !cache_stat(b, SL_STAT_TUNNEL_RECEIVED), "and is none that was delivered");
	bench_void_lines(b);
	bench_run(b, &plain, &got);
	that(b, cache_decides(b, &plain, &got) && !cache_decides(b, &line, &got),
	     "nor is what is delivered by that");
	case_end(b);

	case_begin(b, "cache: from another node: from a third one");
	nat_plan(b, &nat_plain, third);
	open_delivered(b, delivered, 23);
	that(b, cache_decides(b, &line, &got), "a line decides");
	other = next(wire(wrap(&f, scene_mac(NODE1), mac_node2, IP(192, 168, 100, 13), NODE1, A1)));
	that(b, !cache_decides(b, &other, &got) && got.retval == TC_ACT_REDIRECT,
	     "not about what comes from there");
	nat_plan(b, &nat_plain, NULL);
	bench_run(b, &answer, &got);
	case_end(b);
}

static void sums_unwrapped(struct bench *b)
{
	struct sl_flow_key key = flow_key(vpc_of(b, "default"), SL_PROTO_TCP, CLIENT, 2000, VIP_POOL, 80);
	struct send s = delivered();
	struct sl_flow before, after;
	struct got got;

	case_begin(b, "cache: from another node: counted");
	open_delivered(b, delivered, 23);
	bench_count_lines(b);
	that(b, flow_find(b, &key, &before) == 1, "there is a flow");
	bench_clear_counts(b);
	for (int i = 0; i < 50; i++)
		bench_run(b, &s, &got);
	bench_count_lines(b);
	flow_find(b, &key, &after);
	that(b, cache_stat(b, SL_STAT_LINE_PACKETS) == 50, "by a line");
	that(b, cache_stat(b, SL_STAT_TUNNEL_RECEIVED) == 50, "all are received");
	that(b, after.packets == before.packets + 50 && after.bytes == before.bytes + 50 * 60,
	     "the flow has them all, without what they were wrapped in");
	case_end(b);
}

static void voids_unwrapped(struct bench *b)
{
	static const char gone[] =
		"{\"services\":{\"pool\":{\"backends\":[{\"address\":\"192.168.103.12\"}]}}}";
	static const char moved[] =
		"{\"clusters\":{\"main\":{\"nodes\":{\"node2\":{\"addresses\":[\"192.168.100.13\"]}}}}}";
	static const char other[] = "{\"clusters\":{\"main\":{\"delivery\":{\"vni\":77}}}}";
	static const char *const plans[] = { gone, moved, other };
	static const char *const names[] = { "the backend is gone", "the node has gone",
					     "by another tunnel" };
	struct frame syn_of = TO_VIP(VIP_POOL, TCP(2000, 80, SYN)),
		     rst_of = TO_VIP(VIP_POOL, TCP(2000, 80, RST));
	struct send s = delivered(), syn = from_node2(&syn_of, A1), rst = from_node2(&rst_of, A1);
	struct got got;

	for (int i = 0; i < 3; i++) {
		case_begin(b, "cache: from another node: %s", names[i]);
		open_delivered(b, delivered, 23);
		that(b, cache_decides(b, &s, &got), "a line decides");
		nat_plan(b, &nat_plain, plans[i]);
		that(b, !cache_decides(b, &s, &got) && got.retval != TC_ACT_REDIRECT, "it is not delivered");
		nat_plan(b, &nat_plain, NULL);
		case_end(b);
	}
	case_begin(b, "cache: from another node: the connection is over");
	open_delivered(b, delivered, 23);
	that(b, cache_decides(b, &s, &got), "a line decides");
	that(b, !cache_decides(b, &rst, &got) && !cache_decides(b, &syn, &got), "never about RST and SYN");
	that(b, !cache_decides(b, &s, &got), "the next one begins without");
	case_end(b);
}

void cache_nodes(struct bench *b)
{
	unwrapped(b);
	outer_headers(b);
	other_ways(b);
	sums_unwrapped(b);
	voids_unwrapped(b);
	wrapped(b);
	sizes(b);
	shapes(b);
	sums(b);
	voids(b);
}
