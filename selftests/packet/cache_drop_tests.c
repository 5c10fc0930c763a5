/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines that drop what comes again and again. Everything is counted as if there were none; and no packet is dropped that
 * would not have been, whoever sends it, whatever it says, and whatever has begun since.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../../user/kernel/cache.h"
#include "cache.h"
#include "rows.h"

#define TIMES 6
#define NOBODY "{\"policy\":[]}"

static bool is_dropped(const struct send *s, const struct got *got)
{
	return got->retval == (s->door == SL_UP_XDP ? (uint32_t)XDP_DROP : (uint32_t)TC_ACT_SHOT);
}

/* One ends the flow it had, one is noted, one makes a line: the next one is dropped by it. */
static bool offends(struct bench *b, const struct send *s)
{
	struct got got;

	for (int i = 0; i < 4; i++)
		if (cache_decides(b, s, &got))
			return that(b, is_dropped(s, &got), "a line drops it");
	return fail(b, "no line drops it");
}

/* Neither now nor when it comes again. */
static void passed_over(struct bench *b, const char *what, const struct send *s)
{
	uint64_t filled = cache_stat(b, SL_STAT_LINES_FILLED);
	struct got got;

	for (int i = 0; i < 4; i++)
		if (cache_decides(b, s, &got))
			fail(b, "%s: a line decides", what);
	if (!is_dropped(s, &got))
		fail(b, "%s: not dropped", what);
	if (cache_stat(b, SL_STAT_LINES_FILLED) != filled)
		fail(b, "%s: a line was made of it", what);
}

static bool repeat(struct bench *b, const struct send *s, bool cached, struct tally *to)
{
	struct trouble t;
	struct got got;

	nat_fresh(b);
	if (cache_start(&b->kernel, cached, &t))
		return fail(b, "%s", t.text);
	if (cached)
		cache_last(b, LINE_SECONDS);
	bench_clear_counts(b);
	for (int i = 0; i < TIMES; i++)
		if (bench_run(b, s, &got))
			that(b, is_dropped(s, &got), "it is dropped");
	bench_count_lines(b);
	tally_collect(b, to);
	return true;
}

/* One that takes the place, one that fills it, and the others by it. */
static void counted(struct bench *b, const char *name, struct send s)
{
	static struct tally without, with;

	case_begin(b, "cache: dropped again and again: %s", name);
	if (repeat(b, &s, false, &without) && repeat(b, &s, true, &with)) {
		tally_same(b, &without, &with);
		that(b, !without.line_packets, "without the cache by no line");
		that(b, with.line_packets >= TIMES - 2 && with.lines_filled == 1, "with it by one");
	}
	case_end(b);
}

static struct send segments(struct send s)
{
	s.gso_size = 500;
	s.gso_segs = 3;
	return s;
}

static void all_counted(struct bench *b)
{
	struct frame in = PACKET(.saddr = B_FAR, .daddr = A1, UDP(53, 2002), .payload = 20, VLAN(104));
	struct send tag = wire(in);

	counted(b, "UDP by policy", workload(W_B1, FROM(B1, .daddr = A1, UDP(53, 2000), .payload = 20)));
	counted(b, "what opens a TCP connection",
		workload(W_B1, FROM(B1, .daddr = A1, TCP(2000, 22, SYN), .payload = 0)));
	counted(b, "TCP in its midst",
		workload(W_B1, FROM(B1, .daddr = A1, TCP(22, 2000, ACK), .payload = 20)));
	counted(b, "in segments",
		segments(workload(W_B1, FROM(B1, .daddr = A1, TCP(22, 2000, ACK), .payload = 1400))));
	counted(b, "to the world", A_OUT(.daddr = REMOTE, TCP(4000, 25, SYN), .payload = 0));
	counted(b, "in from a VLAN", tag);
	frame_untag(&tag.frame);
	counted(b, "its tag beside the frame", beside(tag, SL_ETH_VLAN, 104));
	counted(b, "in from a VLAN, XDP", wire_xdp(in));
	counted(b, "another's address",
		workload(W_A1, FROM(A3, .smac = scene_mac(A1), .daddr = B1, UDP(2000, 53), .payload = 20)));
	counted(b, "another's MAC",
		workload(W_A1, FROM(A1, .smac = mac_alien, .daddr = B1, UDP(2000, 53), .payload = 20)));
	tag = workload(W_A1, PACKET(.saddr = NODE1, .daddr = A1, TCP(2000, 9999, SYN), .payload = 0));
	tag.door = SL_WL_OUT;
	counted(b, "from the node to a workload", tag);
}

/* Whose reason is the last one's. */
static uint32_t reason_of(struct bench *b, const struct send *s)
{
	struct rows drops;
	struct sl_drop_key key;
	struct got got;

	bench_count_lines(b);
	bench_clear_counts(b);
	bench_run(b, s, &got);
	bench_count_lines(b);
	rows_collect(b, SL_TABLE_sl_drop, 2, &drops);
	memcpy(&key, drops.key[0], sizeof(key));
	if (drops.count != 1)
		fail(b, "%zu reasons", drops.count);
	return drops.count == 1 ? key.reason : 0;
}

static void by_itself(struct bench *b, const char *what, struct send s, uint32_t reason)
{
	struct got got;
	uint32_t found;

	if (cache_decides(b, &s, &got))
		fail(b, "%s: the line decides", what);
	found = reason_of(b, &s);
	if (found != reason)
		fail(b, "%s: reason %u instead of %u", what, found, reason);
}

static void other_flags(struct bench *b)
{
	static const struct {
		uint8_t bits, reason;
	} others[] = {
		{ FIN | ACK, SL_DROP_TCP_STATE },
		{ RST, SL_DROP_TCP_STATE },
		{ RST | ACK, SL_DROP_TCP_STATE },
		{ SYN | ACK, SL_DROP_TCP_STATE },
		{ SYN | FIN, SL_DROP_TCP_FLAGS },
		{ SYN | RST, SL_DROP_TCP_FLAGS },
		{ FIN, SL_DROP_TCP_FLAGS },
		{ FIN | RST | ACK, SL_DROP_TCP_FLAGS },
		{ SYN | FIN | ACK, SL_DROP_TCP_FLAGS },
		{ SYN | RST | ACK, SL_DROP_TCP_FLAGS },
		{ 0, SL_DROP_TCP_FLAGS },
		{ SL_TCP_PSH, SL_DROP_TCP_FLAGS },
	};
	static const uint8_t opens[] = { SYN, SYN | SL_TCP_PSH, ACK, ACK | SL_TCP_PSH };
#define WITH(bits) workload(W_B1, FROM(B1, .daddr = A1, TCP(2000, 22, bits), .payload = 20))
	struct send syn = WITH(SYN), ack = WITH(ACK), s;
	struct got got;

	case_begin(b,
		   "cache: dropped: what opens a connection and what may be of one have lines of their own");
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	offends(b, &syn);
	that(b, !cache_decides(b, &ack, &got) && is_dropped(&ack, &got), "SYN's says nothing of ACK");
	cache_last(b, LINE_SECONDS);
	offends(b, &ack);
	that(b, !cache_decides(b, &syn, &got) && is_dropped(&syn, &got), "nor ACK's of SYN");
	case_end(b);

	case_begin(b, "cache: dropped: other flags have other reasons");
	for (size_t line = 0; line < sizeof(opens); line++) {
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
			char name[32];

			nat_fresh(b);
			cache_last(b, LINE_SECONDS);
			s = WITH(opens[line]);
			offends(b, &s);
			snprintf(name, sizeof(name), "flags 0x%x", others[i].bits);
			by_itself(b, name, WITH(others[i].bits), others[i].reason);
			that(b, cache_decides(b, &s, &got), "the line still does");
		}
	}
#undef WITH
	case_end(b);
}

/* What a line knows of its packets beside their key. */
static void other_senders(struct bench *b)
{
	struct send line = workload(W_A1, FROM(A1, .daddr = B1, UDP(2000, 54), .payload = 20)), s;
	struct got got;

	case_begin(b, "cache: dropped: from another MAC, for all, and by other ways");
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	offends(b, &line);
	s = line;
	memcpy(s.frame.bytes + 6, mac_alien, 6);
	by_itself(b, "another MAC", s, SL_DROP_SPOOFED_MAC);
	s = line;
	memcpy(s.frame.bytes, mac_all, 6);
	by_itself(b, "to all", s, SL_DROP_BROADCAST);
	s = line;
	s.ifindex = W_A3;
	by_itself(b, "another interface", s, SL_DROP_SPOOFED_SOURCE);
	s = line;
	s.frame.bytes[s.frame.l3 + 8] = 0;
	frame_sum(&s.frame);
	by_itself(b, "no hop left", s, SL_DROP_TTL);
	s = workload(W_A1, FROM(A1, .daddr = B1, UDP(2000, 54), .payload = 24, .frag = 4));
	by_itself(b, "a later fragment", s, SL_DROP_FRAG_NO_FIRST);
	s = line;
	memcpy(s.frame.bytes, mac_alien, 6);
	that(b, cache_decides(b, &s, &got) && is_dropped(&s, &got), "whom it is for is the same");
	s = line;
	s.mark = 0x4000;
	that(b, !cache_decides(b, &s, &got) && is_dropped(&s, &got), "somebody's mark is somebody's word");
	case_end(b);
}

/* The other end, or the plan, lets it pass from now on. */
static void begun(struct bench *b, const char *name, struct send dropped, struct send opens)
{
	struct got got;

	case_begin(b, "cache: dropped: until a flow begins: %s", name);
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	offends(b, &dropped);
	bench_run(b, &opens, &got);
	that(b, !is_dropped(&opens, &got), "the other end may");
	that(b, !cache_decides(b, &dropped, &got), "no line decides");
	that(b, !is_dropped(&dropped, &got), "then it is an answer");
	usleep(TICK_US);
	bench_run(b, &dropped, &got);
	that(b, cache_decides(b, &dropped, &got) && !is_dropped(&dropped, &got),
	     "and soon has a line that lets it pass");
	case_end(b);
}

static void all_begun(struct bench *b)
{
	struct send denied = workload(W_A1, FROM(A1, .daddr = B1, UDP(2000, 53), .payload = 20));
	struct frame in = PACKET(.saddr = B_FAR, .daddr = A1, UDP(53, 2002), .payload = 20, VLAN(104));
	struct got got;

	begun(b, "UDP", workload(W_B1, FROM(B1, .daddr = A1, UDP(53, 2000), .payload = 20)), denied);
	begun(b, "TCP", workload(W_B1, FROM(B1, .daddr = A1, TCP(22, 2001, ACK), .payload = 20)),
	      workload(W_A1, FROM(A1, .daddr = B1, TCP(2001, 22, SYN))));
	begun(b, "from a VLAN", wire(in), workload(W_A1, FROM(A1, .daddr = B_FAR, UDP(2002, 53))));
	case_begin(b, "cache: dropped: until a flow begins: in XDP");
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	struct send xdp = wire_xdp(in), out = workload(W_A1, FROM(A1, .daddr = B_FAR, UDP(2002, 53)));

	offends(b, &xdp);
	bench_run(b, &out, &got);
	bench_run(b, &xdp, &got);
	that(b, got.retval == XDP_PASS && got.meta_len, "XDP hands it over");
	case_end(b);
	nat_plan(b, &nat_plain, NOBODY);
	begun(b, "of a service", cache_packet(9), cache_packet(8));
	begun(b, "of a service, TCP", cache_packet(11), cache_way(10, 0, 64, 0, SYN));

	case_begin(b, "cache: dropped: until a flow begins: its own, which asks for no MAC");
	nat_plan(b, &nat_plain, NULL);
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	struct send other = denied;

	memcpy(other.frame.bytes + 6, mac_alien, 6);
	offends(b, &other);
	bench_run(b, &denied, &got);
	that(b, !is_dropped(&denied, &got), "the right one opens it");
	that(b, !cache_decides(b, &other, &got) && !is_dropped(&other, &got), "then the other one is of it");
	nat_plan(b, &nat_plain, NOBODY);
	case_end(b);

	case_begin(b, "cache: dropped: until a plan allows it");
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	offends(b, &denied);
	nat_plan(b, &nat_plain, NULL);
	that(b, !cache_decides(b, &denied, &got) && !is_dropped(&denied, &got), "it passes at once");
	case_end(b);
}

/* Where its flow's line stood, void now, is not always where one that drops may stand. */
static void passed_before(struct bench *b)
{
	struct got got;

	case_begin(b, "cache: dropped: what had a line by which it passed");
	nat_fresh(b);
	for (uint16_t port = 2000; port < 2016; port++) {
		struct send s = workload(W_A1, FROM(A1, .daddr = B1, UDP(port, 53), .payload = 20));
		struct send back = workload(W_B1, FROM(B1, .daddr = A1, UDP(53, port), .payload = 20));

		bench_run(b, &s, &got);
		bench_run(b, &back, &got);
		usleep(TICK_US);
		bench_run(b, &s, &got);
		that(b, cache_decides(b, &s, &got) && !is_dropped(&s, &got), "a line lets it pass");
	}
	nat_plan(b, &nat_plain, NOBODY);
	for (uint16_t port = 2000; port < 2016; port++)
		offends(b, &(struct send[]){
				   workload(W_A1, FROM(A1, .daddr = B1, UDP(port, 53), .payload = 20)) }[0]);
	nat_plan(b, &nat_plain, NULL);
	case_end(b);
}

/* Who begins flows tells nobody, unless there are lines that have to know. */
static uint64_t told(struct bench *b)
{
	static struct sl_cache cache;
	uint64_t all = 0;

	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_cache], &(uint32_t){ 0 }, &cache))
		fail(b, "sl_cache cannot be read");
	for (int i = 0; i < SL_LINE_EPOCHS; i++)
		all += cache.refused[i];
	return all;
}

static void few_told(struct bench *b)
{
	struct send opens = workload(W_A1, FROM(A1, .daddr = B1, UDP(2000, 53), .payload = 20));
	struct send dropped = workload(W_B1, FROM(B1, .daddr = A1, UDP(53, 2000), .payload = 20));
	struct got got;
	uint64_t before;

	case_begin(b,
		   "cache: dropped: flows that begin touch what processors share only where there are lines");
	nat_fresh(b);
	bench_run(b, &opens, &got); /* whatever stood there from before */
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	before = told(b);
	bench_run(b, &opens, &got);
	that(b, told(b) == before, "nobody to be told");
	nat_fresh(b);
	offends(b, &dropped);
	that(b, told(b) == before + 1, "somebody");
	bench_run(b, &opens, &got);
	that(b, told(b) == before + 2, "who is told");
	case_end(b);
}

/* What hangs on more than the plan. */
static void never(struct bench *b)
{
	const struct sl_setting *setting = bench_find(b->image, SL_TABLE_sl_setting, &(uint32_t){ 0 });
	uint16_t port = setting ? ntohs(setting->tunnel_port) : 0;

	case_begin(b, "cache: dropped: what has no line");
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	passed_over(b, "to a mapping",
		    &(struct send[]){ wire(OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 9999, SYN))) }[0]);
	passed_over(
		b, "to the tunnel's port",
		&(struct send[]){ workload(W_A1, FROM(A1, .daddr = B1, UDP(2000, port), .payload = 20)) }[0]);
	passed_over(b, "a first fragment",
		    &(struct send[]){ workload(W_A1, FROM(A1, .daddr = B1, UDP(2000, 54), .payload = 24,
							  .frag = SL_IP_MF)) }[0]);
	passed_over(b, "with options",
		    &(struct send[]){ workload(W_A1, FROM(A1, .daddr = B1, UDP(2000, 54), .payload = 20,
							  .options = (const uint8_t[4]){ 1, 1, 1, 0 },
							  .option_len = 4)) }[0]);
	passed_over(b, "a ping",
		    &(struct send[]){ workload(W_B1, FROM(B1, .daddr = A1, ICMP(SL_ICMP_ECHO, 7))) }[0]);
	struct send last_hop = workload(W_A1, FROM(A1, .daddr = B1, UDP(2000, 54), .payload = 20));

	last_hop.frame.bytes[last_hop.frame.l3 + 8] = 0;
	frame_sum(&last_hop.frame);
	passed_over(b, "no hop left", &last_hop);
	passed_over(b, "of no connection",
		    &(struct send[]){ workload(W_B1, FROM(B1, .daddr = A1, TCP(22, 2000, SYN | ACK))) }[0]);
	passed_over(b, "to all, MAC of all",
		    &(struct send[]){ workload(
			    W_A1, PACKET(.saddr = A1, .daddr = B1, UDP(2000, 54), .dmac = mac_all)) }[0]);
	case_end(b);
}

/* Between clusters, who it was last is written down each time. */
static void noted(struct bench *b)
{
	struct send s = workload(W_A1, FROM(A1, .daddr = W1, TCP(1006, 9999, SYN)));

	case_begin(b, "cache: dropped: where no route leads has no line");
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	passed_over(b, "to another cluster", &s);
	that(b, reason_of(b, &s) == SL_DROP_ROUTE_LEAK, "that is why");
	case_end(b);
}

static bool nearly_full(struct sl_line *line, uint32_t bytes)
{
	line->bytes = bytes;
	return true;
}

static void full(struct bench *b)
{
	struct send s = workload(W_B1, FROM(B1, .daddr = A1, UDP(53, 2000), .payload = 20));
	struct rows drops;
	struct got got;

	case_begin(b, "cache: dropped: a line that can count no further is counted and filled anew");
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	offends(b, &s);
	bench_count_lines(b);
	bench_clear_counts(b);
	cache_lines(b, nearly_full, SL_LINE_BYTES - 48);
	for (int i = 0; i < 3; i++)
		bench_run(b, &s, &got);
	that(b, cache_stat(b, SL_STAT_LINES_FILLED) == 1, "it is filled anew");
	bench_count_lines(b);
	rows_collect(b, SL_TABLE_sl_drop, 2, &drops);
	that(b, drops.count == 1 && drops.word[0][0] == 3 && drops.word[0][1] == SL_LINE_BYTES - 48 + 3 * 48,
	     "and everything counted");
	case_end(b);
}

static struct send offender(uint32_t i)
{
	return workload(W_B1, FROM(B1, .daddr = A1, UDP((uint16_t)(i * 31 + 1), 2), .payload = 20));
}

/* Everybody to everybody by the same ports, of sixteen by eight. */
static struct send meshed(uint32_t i)
{
	return workload(W_B1, FROM(IP(10, 77, 0, i % 16), .daddr = IP(10, 77, 1, i / 16 % 8), UDP(7946, 7946),
				   .payload = 20));
}

static void crowd(struct bench *b, const char *of, struct send (*packet)(uint32_t i))
{
	uint64_t filled;
	struct got got;
	struct send s;

	case_begin(b, "cache: dropped: lines stand wherever there is room, %s", of);
	nat_fresh(b);
	cache_last(b, LINE_SECONDS);
	filled = cache_stat(b, SL_STAT_LINES_FILLED);
	for (uint32_t i = 0; i < CACHE_LINES; i++) {
		s = packet(i / 2);
		bench_run(b, &s, &got);
		that(b, got.retval == TC_ACT_SHOT, "it is dropped");
	}
	that(b, cache_stat(b, SL_STAT_LINES_FILLED) - filled > CACHE_LINES * 7 / 16,
	     "half as many as there are lines nearly all have one");
	case_end(b);
}

/* Anybody can send what is dropped, in any number. */
static void flooded(struct bench *b)
{
	uint64_t filled;
	struct got got;
	struct send s;

	case_begin(b,
		   "cache: dropped: a flood keeps no flow out, and leaves lines only if it repeats itself");
	nat_fresh(b);
	bench_void_lines(b);
	filled = cache_stat(b, SL_STAT_LINES_FILLED);
	for (uint32_t i = 0; i < 6000; i++) {
		s = offender(i);
		bench_run(b, &s, &got);
	}
	/* One in 256 looks like the one before it. */
	that(b, cache_stat(b, SL_STAT_LINES_FILLED) - filled < 120, "hardly any line of what came once");
	for (uint32_t i = 0; i < 6000; i++) {
		s = offender(i / 2);
		bench_run(b, &s, &got);
	}
	that(b, cache_lines(b, NULL, 0) > CACHE_LINES / 2, "many of what came twice");
	cache_keeps(b, s, 2);
	case_end(b);
}

void cache_drops(struct bench *b)
{
	struct trouble t;

	nat_plan(b, &nat_plain, NULL);
	all_counted(b);
	other_flags(b);
	other_senders(b);
	all_begun(b);
	passed_before(b);
	few_told(b);
	never(b);
	full(b);
	crowd(b, "whatever the ports are", offender);
	crowd(b, "whatever the addresses are", meshed);
	flooded(b);
	if (wan_plan(b, &wan_plain, NULL))
		noted(b);
	wan_over(b);
	if (cache_start(&b->kernel, true, &t))
		fail(b, "%s", t.text);
}
