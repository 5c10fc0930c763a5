/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache of lines and deliveries between nodes: what is wrapped or unwrapped by a line, what takes the long way all the
 * same, and what makes such a line void.
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

static uint32_t sent_to(const struct got *got)
{
	uint32_t addr;

	memcpy(&addr, got->frame.bytes + OUTER + 16, 4);
	return ntohl(addr);
}

static bool is_wrapped(const struct got *got)
{
	return got->retval == TC_ACT_REDIRECT && got->frame.bytes[OUTER + 9] == SL_PROTO_UDP;
}

static bool is_delivered(const struct got *got)
{
	return got->retval == TC_ACT_REDIRECT && sent_to(got) == A1;
}

/* Each with an ordinary packet that opens a flow, and what passes here of its answers. */
static const struct direction {
	const char *name;
	uint32_t opens, back; /* cache_way(); 0: they pass elsewhere */
	uint16_t sport, dport;
	bool (*arrives)(const struct got *got);
	const char *arrival;
	enum sl_stat_id stat;
} to = { "to", 38, 0, 3000, 87, is_wrapped, "it is wrapped", SL_STAT_TUNNEL_SENT },
  from = { "from", 22, 23, 2000, 80, is_delivered, "it goes to the backend", SL_STAT_TUNNEL_RECEIVED };

static void node_case(struct bench *b, const struct direction *d, const char *name)
{
	case_begin(b, "cache: %s another node: %s", d->name, name);
}

static struct send from_node2(const struct frame *f, uint32_t backend)
{
	return next(wire(wrap(f, scene_mac(NODE1), mac_node2, NODE2, NODE1, backend)));
}

static void run_way(struct bench *b, uint32_t which)
{
	struct send s = cache_packet(which);
	struct got got;

	bench_run(b, &s, &got);
}

/* A line is made of `s`, whose flow `first` opens and `back` answers; 0: it does so itself, and nothing that passes here. */
static void open_line(struct bench *b, const struct send *s, uint32_t first, uint32_t back)
{
	struct got got;

	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	if (first)
		run_way(b, first);
	else
		bench_run(b, s, &got);
	if (back)
		run_way(b, back);
	bench_run(b, s, &got);
	usleep(TICK_US); /* no flow has a line in the tick that it began in */
	bench_run(b, s, &got);
}

/* Of the direction's own packet, which is returned. */
static struct send open_own(struct bench *b, const struct direction *d)
{
	struct send s = cache_packet(d->opens);

	open_line(b, &s, 0, d->back);
	return s;
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

static void put_beside(struct send *s)
{
	frame_untag(&s->frame);
	*s = beside(*s, SL_ETH_VLAN, EXT);
}

static void put_tag(struct send *s)
{
	frame_tag(&s->frame, SL_ETH_VLAN, MGMT);
}

static void put_tag_beside(struct send *s)
{
	*s = beside(*s, SL_ETH_VLAN, MGMT);
}

static void make_odd(struct send *s)
{
	*s = next(wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK | SL_TCP_PSH), .payload = 333, .tos = 0xb9,
			      .ttl = 1, .padding = 5)));
}

static void make_odd_wrapped(struct send *s)
{
	struct frame f =
		TO_VIP(VIP_POOL, TCP(2000, 80, ACK | SL_TCP_PSH), .payload = 333, .tos = 0xb9, .ttl = 2);

	*s = from_node2(&f, A1);
	memset(s->frame.bytes + s->frame.len, 0xaa, 5);
	s->frame.len += 5;
}

static void ways(struct bench *b)
{
	static const struct {
		const struct direction *d;
		const char *name;
		uint32_t which, first, back; /* as open_line() has them */
		void (*change)(struct send *s);
	} ways[] = {
		{ &from, "TCP", 22, 0, 23, NULL },
		{ &from, "tagged", 22, 0, 23, put_tag },
		{ &from, "tag beside", 22, 0, 23, put_tag_beside },
		{ &from, "UDP", 44, 0, 45, NULL },
		{ &from, "odd, of a class, the last hop but one", 22, 0, 23, make_odd_wrapped },
		{ &from, "an answer", 41, 40, 0, NULL },
		{ &to, "from the world", 38, 0, 0, NULL },
		{ &to, "tagged", 39, 0, 0, NULL },
		{ &to, "tag beside", 39, 0, 0, put_beside },
		{ &to, "from a workload", 40, 0, 41, NULL },
		{ &to, "a backend's answer", 43, 42, 0, NULL },
		{ &to, "odd, of a class, for one hop", 38, 0, 0, make_odd },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct send s = cache_packet(ways[i].which);
		struct got got;

		node_case(b, ways[i].d, ways[i].name);
		if (ways[i].change)
			ways[i].change(&s);
		open_line(b, &s, ways[i].first, ways[i].back);
		same_both_ways(b, &s);
		bench_run(b, &s, &got);
		that(b, ways[i].d->arrives(&got), ways[i].d->arrival);
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

	node_case(b, &to, "sizes");
	open_own(b, &to);
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

/* --- what no line decides */

/* There is a line for packets of the flow, but this one takes the long way. */
static void not_by_line(struct bench *b, const struct send *line, const char *name, const struct send *s,
			uint32_t retval, struct got *got)
{
	that(b, cache_decides(b, line, got), "there is a line");
	that(b, !cache_decides(b, s, got) && got->retval == retval, name);
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
	struct send line;
	struct got got;

	node_case(b, &to, "not by a line");
	line = open_own(b, &to);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct send s = next(all[i]);

		not_by_line(b, &line, names[i], &s, TC_ACT_REDIRECT, &got);
		that(b, cache_decides(b, &line, &got), "the line is still there");
	}
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
	struct send line = from_node2(&f, A1), s;
	struct got got;

	node_case(b, &from, "not by a line");
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		s = line;
		s.frame.bytes[odd[i].at] ^= odd[i].flip;
		open_own(b, &from);
		not_by_line(b, &line, odd[i].name, &s, odd[i].retval, &got);
		that(b, !odd[i].told || (got.frame.bytes[OUTER + 1] & 3) == 3, "who can hear it is told");
	}
	open_own(b, &from);
	s = line;
	s.mark = 0x4000;
	that(b, cache_decides(b, &line, &got) && !cache_decides(b, &s, &got), "somebody's mark");
	case_end(b);
}

/* The same addresses and ports may come as they are, or from a third node. */
static void other_ways(struct bench *b)
{
	static const char third[] = "{\"clusters\":{\"main\":{\"nodes\":{\"node3\":"
				    "{\"addresses\":[\"192.168.100.13\"],\"uplinks\":{\"up0\":{}}}}}}}";
	struct frame f = TO_VIP(VIP_POOL, TCP(2000, 80, ACK), .payload = 20);
	struct send plain = next(wire(f)), line, other;
	struct got got;

	node_case(b, &from, "the same packet by itself");
	line = open_own(b, &from);
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

	node_case(b, &from, "from a third one");
	nat_plan(b, &nat_plain, third);
	open_own(b, &from);
	that(b, cache_decides(b, &line, &got), "a line decides");
	other = next(wire(wrap(&f, scene_mac(NODE1), mac_node2, IP(192, 168, 100, 13), NODE1, A1)));
	that(b, !cache_decides(b, &other, &got) && got.retval == TC_ACT_REDIRECT,
	     "not about what comes from there");
	nat_plan(b, &nat_plain, NULL);
	run_way(b, from.back);
	case_end(b);
}

/* Who wraps or unwraps a packet counts it, and its flow, its service and its networks do. */
static void sums(struct bench *b, const struct direction *d)
{
	struct sl_flow_key key =
		flow_key(vpc_of(b, "default"), SL_PROTO_TCP, CLIENT, d->sport, VIP_POOL, d->dport);
	struct sl_flow before, after;
	struct got got;
	struct send s;

	node_case(b, d, "counted");
	s = open_own(b, d);
	bench_count_lines(b);
	that(b, flow_find(b, &key, &before) == 1, "there is a flow");
	bench_clear_counts(b);
	for (int i = 0; i < 50; i++)
		bench_run(b, &s, &got);
	bench_count_lines(b);
	flow_find(b, &key, &after);
	that(b, cache_stat(b, SL_STAT_LINE_PACKETS) == 50, "by a line");
	that(b, cache_stat(b, d->stat) == 50, "all are sent, or received");
	that(b, after.packets == before.packets + 50 && after.bytes == before.bytes + 50 * 60,
	     "the flow has them all, without what they are wrapped in");
	case_end(b);
}

/* --- what must make it take the long way again */

#define ELSEWHERE IP(192, 168, 100, 13)

static void follows(struct bench *b, const struct send *s)
{
	struct got got;

	that(b, !cache_decides(b, s, &got) && sent_to(&got) == ELSEWHERE, "it goes where the node is now");
	bench_run(b, s, &got);
	that(b, cache_decides(b, s, &got) && sent_to(&got) == ELSEWHERE, "then by a line");
	nat_plan(b, &nat_plain, NULL);
	that(b, !cache_decides(b, s, &got) && sent_to(&got) == NODE2, "and back");
}

static void by_other_tunnel(struct bench *b, const struct send *s)
{
	struct send large = next(wire(TO_VIP(VIP_POOL, TCP(3000, 87, ACK), .payload = ROOM - 40)));
	struct got got;

	bench_run(b, s, &got);
	bench_run(b, s, &got);
	that(b, cache_decides(b, s, &got) && got.frame.bytes[OUTER + 20 + 8 + 6] == 77,
	     "its number is another");
	that(b, !cache_decides(b, &large, &got), "and its room");
	nat_plan(b, &nat_plain, NULL);
	bench_run(b, s, &got);
	bench_run(b, s, &got);
	that(b, cache_decides(b, &large, &got), "which there is by the one of before");
}

static void stays_here(struct bench *b, const struct send *s)
{
	struct got got;

	bench_clear_counts(b);
	that(b, !cache_decides(b, s, &got) && !cache_stat(b, SL_STAT_TUNNEL_SENT), "it is not sent any more");
}

static void is_refused(struct bench *b, const struct send *s)
{
	struct got got;

	that(b, !cache_decides(b, s, &got) && got.retval != TC_ACT_REDIRECT, "it is not delivered");
}

static void voids(struct bench *b)
{
	static const char moved[] =
		"{\"clusters\":{\"main\":{\"nodes\":{\"node2\":{\"addresses\":[\"192.168.100.13\"]}}}}}";
	static const char tunnel[] = "{\"clusters\":{\"main\":{\"delivery\":{\"vni\":77,\"mtu\":1400}}}}";
	static const struct {
		const struct direction *d;
		const char *name, *plan;
		void (*then)(struct bench *b, const struct send *s);
	} plans[] = {
		{ &from, "the backend is gone",
		  "{\"services\":{\"pool\":{\"backends\":[{\"address\":\"192.168.103.12\"}]}}}", is_refused },
		{ &from, "the node has gone", moved, is_refused },
		{ &from, "by another tunnel", tunnel, is_refused },
		{ &to, "the node has another address", moved, follows },
		{ &to, "by another tunnel", tunnel, by_other_tunnel },
		{ &to, "the backend is gone",
		  "{\"services\":{\"far\":{\"backends\":[{\"address\":\"192.168.103.11\"}]}}}", stays_here },
	};

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		const struct direction *d = plans[i].d;
		struct send s;
		struct got got;

		node_case(b, d, plans[i].name);
		s = open_own(b, d);
		that(b, cache_decides(b, &s, &got) && d->arrives(&got), "a line decides");
		nat_plan(b, &nat_plain, plans[i].plan);
		plans[i].then(b, &s);
		nat_plan(b, &nat_plain, NULL);
		case_end(b);
	}
}

static void ends(struct bench *b, const struct direction *d)
{
	struct send rst = next(cache_way(d->opens, 20, 64, 0, RST)),
		    syn = next(cache_way(d->opens, 20, 64, 0, SYN)), s;
	struct got got;

	node_case(b, d, "the connection is over");
	s = open_own(b, d);
	that(b, cache_decides(b, &s, &got), "a line decides");
	that(b, !cache_decides(b, &rst, &got) && !cache_decides(b, &syn, &got), "never about RST and SYN");
	that(b, !cache_decides(b, &s, &got), "the next one begins without");
	case_end(b);
}

void cache_nodes(struct bench *b)
{
	ways(b);
	sizes(b);
	shapes(b);
	outer_headers(b);
	other_ways(b);
	sums(b, &from);
	sums(b, &to);
	voids(b);
	ends(b, &from);
	ends(b, &to);
}
