/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache of lines: what must make a line void, and that what is counted is what was sent.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../user/kernel/cache.h"
#include "../../user/kernel/shape.h"
#include "cache.h"
#include "rows.h"

static void set_neighbour(struct bench *b, uint8_t state)
{
	struct sl_neigh_key key = { .ifindex = UP0, .vlan = EXT, .addr = htonl(EXT_ROUTER) };
	struct sl_neigh row;
	int fd = b->kernel.table[SL_TABLE_sl_neigh];

	that(b, !bpf_map_lookup_elem(fd, &key, &row), "the neighbour is known");
	row.state = state;
	bpf_map_update_elem(fd, &key, &row, BPF_ANY);
}

/* What outlives a line in the table that holds it. */
static void old_lines(struct bench *b)
{
	const uint32_t ages[] = { LONG_AGO, 0x7fffffff, 0x80000001, 0x80000001U + LONG_AGO, 0xc0000000 };
	struct send there = cache_packet(14), back = cache_packet(15);
	int flows = b->kernel.table[SL_TABLE_sl_flow];
	struct sl_flow_key keys[8];
	struct sl_flow before, after;
	uint32_t missed, left = 0, count = 0;
	struct sl_line_set set;
	struct trouble t;
	struct got got;

	case_begin(b, "cache: lines that nobody has asked for, of days, weeks and months");
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		cache_open_way(b, 14);
		that(b, cache_decides(b, &there, &got), "a line decides");
		cache_age(b, ages[i]);
		that(b, !cache_decides(b, &there, &got), "an old one does not");
	}
	cache_age(b, LONG_AGO);
	if (cache_flush(b->flush, SL_FLUSH_OLD, b->cpus, NULL, &missed, &t))
		fail(b, "%s", t.text);
	for (uint32_t i = 0; i < b->cpus * CACHE_LINES / SL_LINE_WAYS; i++) {
		if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_line], &i, &set))
			fail(b, "sl_line cannot be read");
		for (int way = 0; way < SL_LINE_WAYS; way++)
			left += set.way[way].generation != 0;
	}
	that(b, !left, "sl_flush ends what has expired");
	case_end(b);

	case_begin(b, "cache: a flow is not told by its first tick from who had its ports before");
	nat_fresh(b);
	bench_void_lines(b);
	bench_clear_counts(b);
	for (int i = 0; i < 4; i++)
		bench_run(b, i & 1 ? &back : &there, &got);
	if (bpf_map_get_next_key(flows, NULL, &keys[0]) || !flow_find(b, &keys[0], &before))
		fail(b, "there is no flow");
	else if (before.created == before.seen) /* not where this thread was stopped in the midst of it */
		that(b, !cache_stat(b, SL_STAT_LINES_FILLED), "it has no line in that");
	cache_open_way(b, 14);
	that(b, cache_decides(b, &there, &got), "but later");
	bench_run(b, &there, &got); /* by the line, which counts it later */
	/* Who writes a row moves it within the table: keys first. */
	for (void *last = NULL; count < 8 && !bpf_map_get_next_key(flows, last, &keys[count]); count++)
		last = &keys[count];
	for (uint32_t i = 0; i < count; i++)
		if (flow_find(b, &keys[i], &before)) {
			before.created = tick();
			bpf_map_update_elem(flows, &keys[i], &before, BPF_ANY);
			bench_count_lines(b);
			flow_find(b, &keys[i], &after);
			that(b, after.packets == before.packets,
			     "what a line counts is none of the next flow's");
		}
	case_end(b);
}

static struct send stranger(uint32_t i)
{
	struct send s = wire(PACKET(.saddr = WORLD + i * 7, .daddr = IP(203, 0, 113, 99),
				    UDP((uint16_t)(i * 31 + 1), 2), .payload = 20));

	s.keep = true;
	return s;
}

static void strangers(struct bench *b, uint32_t count)
{
	struct got got;
	struct send s;

	for (uint32_t i = 0; i < count; i++) {
		s = stranger(i);
		bench_run(b, &s, &got);
		that(b, got.retval == (uint32_t)TC_ACT_UNSPEC, "it passes");
	}
}

/* Were there one place for each, every fifth would find that taken. */
static void crowd(struct bench *b)
{
	uint64_t filled;

	case_begin(b, "cache: what is left alone stands wherever there is room");
	nat_fresh(b);
	bench_leave_nothing(b);
	cache_last(b, LINE_SECONDS);
	strangers(b, CACHE_LINES / 2);
	that(b, cache_lines(b, NULL, 0) > CACHE_LINES * 7 / 16,
	     "half as many as there are lines nearly all have one");
	filled = cache_stat(b, SL_STAT_LINES_FILLED);
	strangers(b, CACHE_LINES / 2);
	that(b, cache_stat(b, SL_STAT_LINES_FILLED) == filled, "which they keep");
	case_end(b);
}

/* The same addresses and ports everywhere: more than have room in one set. */
static void wherever(struct bench *b)
{
	const struct frame f = PACKET(.saddr = WORLD, .daddr = IP(203, 0, 113, 99), UDP(1, 2), .payload = 20);
	const uint16_t vlans[] = { 0, VLAN_OUTSIDE, VLAN_OUTSIDE + 1 };
	struct got got;
	struct send s;

	case_begin(b, "cache: a packet takes no place from its like by another door");
	nat_fresh(b);
	bench_leave_nothing(b);
	cache_last(b, LINE_SECONDS);
	bench_void_lines(b);
	bench_clear_counts(b);
	for (int i = 0; i < 12; i++) {
		s = i & 1 ? stack_out(f) : wire(f);
		s.keep = true;
		if (vlans[i / 2 % 3])
			frame_tag(&s.frame, SL_ETH_VLAN, vlans[i / 2 % 3]);
		bench_run(b, &s, &got);
		that(b, got.retval == (uint32_t)TC_ACT_UNSPEC, "it passes");
	}
	that(b, cache_stat(b, SL_STAT_LINES_FILLED) == 6, "each has its line, and keeps it");
	case_end(b);
}

/* Anybody can send what is left alone, in any number. */
static void flooded(struct bench *b)
{
	case_begin(b, "cache: a flood of what is left alone keeps no flow out");
	nat_fresh(b);
	bench_leave_nothing(b);
	bench_void_lines(b);
	strangers(b, 3000);
	cache_keeps(b, stranger(3000), 1);
	case_end(b);
}

/* The same five words name a delivery between nodes and what only looks like one. */
static void short_delivery(struct bench *b)
{
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN)), whole;
	struct send real, brief;
	struct got first, got;
	const uint8_t *ports;

	case_begin(b, "cache: a short datagram to the tunnel's port says nothing about deliveries");
	bench_plan(b, "{\"services\":{\"node\":{\"address\":\"203.0.113.12\",\"nodes\":[\"node1\"]}}}");
	whole = wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1);
	ports = whole.bytes + whole.l3 + 20;
	real = wire(whole);
	brief = wire(PACKET(.saddr = NODE2, .daddr = NODE1,
			    UDP((uint16_t)(ports[0] << 8 | ports[1]), (uint16_t)(ports[2] << 8 | ports[3])),
			    .payload = 4));
	bench_clear(b);
	bench_run(b, &real, &first);
	that(b, first.retval == TC_ACT_REDIRECT, "a delivery goes to the backend");
	bench_clear(b);
	brief.keep = real.keep = true;
	bench_run(b, &brief, &got);
	that(b, got.retval == (uint32_t)TC_ACT_UNSPEC, "a short one is left to the node");
	bench_run(b, &real, &got);
	that(b, got.retval == first.retval, "and the next delivery is one as well");
	bench_plan(b, NULL);
	case_end(b);
}

static bool make_void(struct sl_line *line, uint32_t unused)
{
	(void)unused;
	line->generation = 0;
	return true;
}

/* As programs have filled it to which something in it means something else. */
static bool make_older(struct sl_line *line, uint32_t unused)
{
	(void)unused;
	line->door ^= SL_LINE_LAYOUT;
	return true;
}

/* What must make it take the long way again. */
static void voids(struct bench *b)
{
	struct send there = cache_packet(14), syn = cache_way(14, 20, 64, 0, SYN);
	struct send fin = cache_way(14, 20, 64, 0, FIN | ACK), rst = cache_way(15, 20, 64, 0, RST);
	uint64_t before;
	struct got got;

	case_begin(b, "cache: a line decides, a void one does not");
	cache_open_way(b, 14);
	that(b, cache_decides(b, &there, &got), "a line decides");
	bench_void_lines(b);
	that(b, !cache_decides(b, &there, &got), "not after the cache was emptied");
	that(b, cache_decides(b, &there, &got), "but that packet has filled it");
	cache_lines(b, make_void, 0);
	bench_generation(b, 0);
	that(b, !cache_decides(b, &there, &got), "nor a void one while there is no plan");
	bench_generation(b, b->kernel.generation);
	case_end(b);

	case_begin(b, "cache: a line that older programs have filled");
	cache_open_way(b, 14);
	that(b, cache_decides(b, &there, &got), "a line decides");
	before = cache_stat(b, SL_STAT_LINE_PACKETS);
	bench_run(b, &there, &got);
	cache_lines(b, make_older, 0);
	bench_count_lines(b);
	that(b, cache_stat(b, SL_STAT_LINE_PACKETS) == before + 1, "what it holds is counted");
	that(b, !cache_decides(b, &there, &got), "it does not decide");
	that(b, cache_decides(b, &there, &got), "but a new one does");
	case_end(b);

	case_begin(b, "cache: a new plan");
	cache_open_way(b, 14);
	that(b, cache_decides(b, &there, &got), "a line decides");
	nat_plan(b, &nat_plain, NULL);
	that(b, !cache_decides(b, &there, &got), "not under the next generation");
	that(b, !cache_decides(b, &there, &got), "and the first that obeys the new verdict fills it");
	that(b, cache_decides(b, &there, &got), "then it decides");
	nat_plan(b, &nat_plain, "{\"policy\": []}");
	that(b, !cache_decides(b, &there, &got) && got.retval == TC_ACT_SHOT,
	     "what the plan forbids is dropped");
	nat_plan(b, &nat_plain, NULL);
	case_end(b);

	case_begin(b, "cache: a connection that is over and its ports' next one");
	cache_open_way(b, 14);
	that(b, cache_decides(b, &there, &got), "a line decides");
	that(b, !cache_decides(b, &fin, &got), "never about FIN");
	that(b, !cache_decides(b, &rst, &got), "nor RST");
	that(b, !cache_decides(b, &syn, &got), "nor SYN");
	that(b, !cache_decides(b, &there, &got), "the flow was deleted: its line is void");
	case_end(b);

	case_begin(b, "cache: a line lasts a second");
	cache_open_for(b, 14, 1);
	that(b, cache_decides(b, &there, &got), "a line decides");
	usleep(1100000);
	that(b, !cache_decides(b, &there, &got), "not after more than a second, used or not");
	case_end(b);

	case_begin(b, "cache: a router that has got another MAC");
	cache_open_way(b, 14);
	that(b, cache_decides(b, &there, &got), "a line decides");
	struct send arp = wire(ARP(.op = SL_ARP_REPLY, .spa = EXT_ROUTER, .sha = mac_ext_peer, .tpa = 0,
				   .dmac = scene_mac(NODE1), .vlan = EXT));

	bench_run(b, &arp, &got);
	that(b, !cache_decides(b, &there, &got), "not with the old MAC");
	that(b, !memcmp(got.frame.bytes, mac_ext_peer, 6), "it goes to the new one");
	that(b, cache_decides(b, &there, &got), "which a line says, too");
	set_neighbour(b, SL_NEIGH_ASKED);
	arp.frame = ARP(.op = SL_ARP_REPLY, .spa = EXT_ROUTER, .sha = mac_ext_router, .tpa = 0,
			.dmac = scene_mac(NODE1), .vlan = EXT);
	bench_run(b, &arp, &got);
	that(b, !cache_decides(b, &there, &got), "nor when it is heard of again");
	that(b, !memcmp(got.frame.bytes, mac_ext_router, 6), "with another one");
	case_end(b);
}

/* XDP makes TC's lines, and lets pass what TC has one for. */
static void from_xdp(struct bench *b)
{
	struct send there = cache_packet(5), xdp = there, long_way = there;
	struct got first, second, by_line, by_hand;

	xdp.door = SL_UP_XDP;
	case_begin(b, "cache: XDP leaves to TC what TC has a line for");
	cache_open_way(b, 4);
	bench_void_lines(b);
	bench_clear_counts(b);
	bench_run(b, &xdp, &first);
	that(b, first.retval == XDP_PASS && first.meta_len, "without a line XDP hands its judgement over");
	bench_run(b, &xdp, &second);
	that(b, second.retval == XDP_PASS && !second.meta_len, "with one it lets the packet pass");
	that(b, cache_decides(b, &there, &by_line), "which the line decides in TC");
	bench_void_lines(b);
	that(b, !cache_decides(b, &long_way, &by_hand), "as the long way does");
	that(b, by_line.retval == by_hand.retval && by_line.mark == by_hand.mark, "to the same end");
	same_frame(b, &by_hand.frame, &by_line.frame);
	xdp.frame.bytes[xdp.frame.l3 + 8] = 0;
	bench_run(b, &xdp, &second);
	that(b, second.retval == XDP_DROP, "not what parse would refuse");
	case_end(b);
}

/* What is not sluice's business leaves by a line as well, uncounted. */
static void left_alone(struct bench *b)
{
	struct send in = wire(PACKET(.saddr = WORLD, .daddr = IP(203, 0, 113, 99), UDP(1, 2), .payload = 20));
	struct send vlan = wire(PACKET(.saddr = WORLD, .daddr = IP(203, 0, 113, 99), UDP(1, 2), .payload = 20,
				       VLAN(VLAN_OUTSIDE)));
	struct send out = stack_out(
		PACKET(.saddr = IP(203, 0, 113, 99), .daddr = WORLD, TCP(1, 2, ACK), .payload = 20));
	struct send *all[] = { &in, &vlan, &out };
	static const char *const names[] = { "untagged, in", "an unmanaged VLAN", "untagged, out" };
	static const char drop_all[] = "{\"clusters\":{\"main\":{\"nodes\":{\"node1\":{\"uplinks\":{\"up0\":"
				       "{\"unmanaged\":\"drop\"}}}}}}}";
	struct rows traffic;
	struct got got;

	for (int i = 0; i < 3; i++) {
		case_begin(b, "cache: left alone: %s", names[i]);
		nat_fresh(b);
		bench_leave_nothing(b);
		bench_void_lines(b);
		bench_clear_counts(b);
		for (int times = 0; times < 3; times++) {
			bench_run(b, all[i], &got);
			that(b, got.retval == (uint32_t)TC_ACT_UNSPEC && !got.mark, "it passes unmarked");
			same_frame(b, &all[i]->frame, &got.frame);
		}
		that(b, cache_stat(b, SL_STAT_LINES_FILLED) == 1, "by one line");
		bench_count_lines(b);
		rows_collect(b, SL_TABLE_sl_traffic, 2, &traffic);
		that(b, !traffic.count, "and is not counted");
		nat_plan(b, &nat_plain, drop_all);
		bench_run(b, all[i], &got);
		that(b, (got.retval == TC_ACT_SHOT) == (i < 2), "until a plan drops it");
		nat_plan(b, &nat_plain, NULL);
		case_end(b);
	}
}

/* Returns what it was. */
static int set_mtu(struct bench *b, int mtu)
{
	struct ifreq before = { .ifr_name = "up0" }, request = { .ifr_name = "up0", .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFMTU, &before) || ioctl(fd, SIOCSIFMTU, &request))
		fail(b, "cannot set the MTU of up0: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return before.ifr_mtu;
}

/* What is larger than the link it goes out by is cut, or its sender told: that only the long way can. */
static void too_large(struct bench *b)
{
	struct send fits = cache_way(12, 1400 - 28, 64, 0, ACK), large = cache_way(12, 1400 - 27, 64, 0, ACK);
	struct send segments, switched = cache_way(4, 1400 - 39, 64, 0, ACK);
	struct got got;
	int mtu;

	case_begin(b, "cache: what is too large to be routed takes the long way");
	mtu = set_mtu(b, 1400);
	cache_open_way(b, 12);
	that(b, cache_decides(b, &fits, &got) && got.frame.len == fits.frame.len,
	     "what just fits goes out by a line");
	that(b, !cache_decides(b, &large, &got), "one byte more does not");
	segments = large;
	segments.gso_size = 700;
	segments.gso_segs = 2;
	that(b, cache_decides(b, &segments, &got) && got.frame.len == large.frame.len,
	     "but in segments that fit it does");
	that(b, !cache_decides(b, &large, &got), "whole it is");
	that(b, got.frame.len < large.frame.len, "cut in two");
	cache_open_way(b, 4);
	that(b, cache_decides(b, &switched, &got), "what is only switched is not measured");
	set_mtu(b, mtu);
	case_end(b);
}

/* The agent's orders: what has expired, or everything; what is counted is what was sent. */
static void totals(struct bench *b)
{
	struct send there = cache_packet(4);
	struct sl_flow_key key = flow_key(vpc_of(b, "default"), SL_PROTO_TCP, A1, 1000, A_FAR, 5432);
	uint32_t packets = 0, missed;
	struct sl_flow flow;
	struct trouble t;
	struct got got;

	case_begin(b, "cache: what is counted is what was sent");
	cache_open_for(b, 4, 1);
	bench_clear_counts(b);
	flow_find(b, &key, &flow);
	for (uint64_t before = flow.packets; packets < 5000; packets++) {
		bench_run(b, &there, &got);
		if (packets == 50) {
			flow_find(b, &key, &flow);
			that(b, flow.packets == before, "a line keeps its counts");
			if (cache_flush(b->flush, SL_FLUSH_OLD, b->cpus, NULL, &missed, &t))
				fail(b, "%s", t.text);
			flow_find(b, &key, &flow);
			that(b, flow.packets == before, "while it holds");
			usleep(1100000);
			if (cache_flush(b->flush, SL_FLUSH_OLD, b->cpus, NULL, &missed, &t))
				fail(b, "%s", t.text);
			flow_find(b, &key, &flow);
			that(b, flow.packets == before + 51, "and not longer");
		}
		if (packets == 4999) {
			bench_count_lines(b);
			bench_count_lines(b); /* nothing twice */
			flow_find(b, &key, &flow);
			that(b, flow.packets == before + 5000, "the flow has them all");
		}
	}
	struct rows traffic;

	rows_collect(b, SL_TABLE_sl_traffic, 2, &traffic);
	that(b,
	     traffic.count == 1 && traffic.word[0][0] == packets &&
		     traffic.word[0][1] == (uint64_t)packets * 60,
	     "the pair of networks as well, to the byte");
	case_end(b);
}

void test_cache(struct bench *b)
{
	cpu_set_t home, here;

	if (!b->cached) {
		case_begin(b, "cache");
		case_skip(b, "it is off; PACKET_CACHE=1 turns it on");
		return;
	}
	/* Lines are a processor's own. */
	if (sched_getaffinity(0, sizeof(home), &home)) {
		fail(b, "cannot see on which processors to run");
		return;
	}
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here) || !nat_plan(b, &nat_plain, NULL)) {
		fail(b, "cannot stay on one processor with a plan");
		return;
	}
	voids(b);
	old_lines(b);
	crowd(b);
	wherever(b);
	flooded(b);
	too_large(b);
	from_xdp(b);
	left_alone(b);
	totals(b);
	cache_keys(b);
	cache_sums(b);
	cache_xdp(b);
	cache_counts(b);
	cache_stands_aside(b);
	cache_drops(b);
	cache_nodes(b);
	nat_over(b);
	short_delivery(b);
	cache_plans(b);
	cache_plays(b);
	sched_setaffinity(0, sizeof(home), &home);
}
