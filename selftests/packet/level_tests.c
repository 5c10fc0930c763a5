/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The uplink's own speed where packets wait: levels are served in their order, what is served first does not see the
 * queue of what is served last, and yet the last is not starved. Where nothing can wait: link_tests.c.
 */
#include <arpa/inet.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include "clock.h"

#define BYTES 962 /* 1000 with what Ethernet adds */
#define LINK_MBIT 8
#define HORIZON_MS 60000
#define FULL 62000 /* ms: further off than any level waits */
#define AHEAD_US 32000 /* beside a better level, halved for each level */

static const struct wan link_fq = {
	.qos = true, .fq = true, .horizon_ms = HORIZON_MS, .rate = { { SL_RATE_LINK, UP0, LINK_MBIT, 1000 } }
};

/* Every level busy until `at[level]` ms from now. */
static struct sl_link busy(struct bench *b, const uint16_t at[SL_LEVELS])
{
	struct sl_link link = { .pad = 0 };
	uint64_t now = now_ns();

	for (uint32_t i = 0; i < SL_LEVELS; i++)
		link.clock[i] = at[i] ? now + at[i] * MS : now;
	bench_clear(b);
	link_set(b, &link);
	return link;
}

/* So is the first level, for as long as it counts. */
static struct sl_link crowded(struct bench *b, const uint16_t at[SL_LEVELS])
{
	struct sl_link link = busy(b, at);

	link.used[1] = now_ns() + 1000 * MS;
	link_set(b, &link);
	return link;
}

static void test_order(struct bench *b)
{
	static const uint16_t queue[SL_LEVELS] = { 0, 300, 400, 500, 600, 700, 800, 900 };
	const uint64_t cost = cost_of(LINK_MBIT, BYTES + 38);

	for (uint8_t class = 0; class <= BULK; class ++) {
		struct send s = leaving(class, BYTES);
		struct sl_link before = busy(b, queue), after;
		uint32_t level = level_of[class];
		struct frame out;
		struct want w = delayed(goes_out(&out, &s, class));
		uint64_t start = now_ns();
		struct got got;

		case_begin(b, "level: a packet of level %u waits for its own and pushes those behind it",
			   level);
		w.got = &got;
		check(b, "leaves", s, w);
		that(b, got.tstamp == before.clock[level], "waits for its own level and those before it");
		after = link_of(b);
		for (uint32_t i = 0; i < SL_LEVELS; i++)
			if (after.clock[i] != before.clock[i] + (i >= level ? cost : 0))
				fail(b, "level %u's clock moved by %lld ns", i,
				     (long long)(after.clock[i] - before.clock[i]));
		for (uint32_t i = 0; i < SL_LEVELS; i++)
			that(b,
			     i == level ? after.used[i] >= start + 100 * MS &&
						  after.used[i] <= now_ns() + 100 * MS
					: !after.used[i],
			     "its level, and no other, has used the link");
		case_end(b);
	}
}

static void test_first(struct bench *b)
{
	static const uint16_t queue[SL_LEVELS] = { 0, 0, 0, 0, 0, 0, 0, 900 };
	struct send s = leaving(WAL, BYTES);
	struct sl_link before = busy(b, queue);
	struct frame out;

	case_begin(b, "level: a backlog of the last level is nothing to the first");
	check(b, "at once", s, goes_out(&out, &s, WAL));
	that(b, link_of(b).clock[7] > before.clock[7], "which it makes longer");
	s.frame = wireguard(NODE1, WEST_PEER, 1, 116);
	s.mark = 0;
	out = s.frame;
	check(b, "a handshake of the tunnel is before all", s, through(goes_out(&out, &s, 0), WEST));
	that(b, link_of(b).clock[0] > before.clock[0], "its clock has moved");
	case_end(b);
}

/* Nobody's rate pays for what the tunnel puts around a packet, but the link has to carry it. */
static void test_around(struct bench *b)
{
	static const uint16_t queue[SL_LEVELS] = { 300, 300, 300, 300, 300, 300, 300, 300 };
	struct send s = tunnelled(WAL, 0, BYTES);
	struct sl_link before = busy(b, queue);
	struct frame out;
	struct want w = delayed(through(goes_out(&out, &s, WAL), WEST));

	case_begin(b, "level: what the tunnel puts around a packet takes the link's time");
	w.bytes = BYTES;
	w.stats = STAT(CLASS_CARRIED);
	check(b, "leaves", s, w);
	that(b, link_of(b).clock[7] == before.clock[7] + cost_of(LINK_MBIT, BYTES + 60 + 38), "all of it");
	case_end(b);
}

static void test_share(struct bench *b)
{
	static const uint16_t queue[SL_LEVELS] = { 0, 0, 0, 0, FULL, FULL, FULL, FULL };
	const uint64_t cost = cost_of(LINK_MBIT, BYTES + 38);
	struct send s = leaving(BULK, BYTES);
	struct sl_link before = crowded(b, queue), after;
	struct frame out;
	struct want w = delayed(goes_out(&out, &s, BULK));
	struct got got;
	uint64_t start = now_ns();

	case_begin(b, "level: whose turn never comes has a sixteenth of the link");
	w.got = &got;
	check(b, "one goes", s, w);
	that(b,
	     got.tstamp >= start + (AHEAD_US >> level_of[BULK]) * 1000ULL &&
		     got.tstamp <= now_ns() + (AHEAD_US >> level_of[BULK]) * 1000ULL,
	     "behind those that were given their times");
	after = link_of(b);
	that(b, after.clock[0] == before.clock[0] + cost || after.clock[0] < now_ns(),
	     "everybody waits for it");
	that(b, after.clock[7] == before.clock[7] + cost, "those behind too");
	that(b, after.share[7] && !after.share[6], "out of its level's own share");
	that(b, after.used[7] && !after.used[0], "as a packet of its level");
	after.share[7] = now_ns() + FULL * MS;
	link_set(b, &after);
	check(b, "the next has to wait", s, held(BULK));
	that(b, link_of(b).clock[7] == after.clock[7], "and takes no time");
	s = leaving(0, BYTES);
	check(b, "another level has a share of its own", s, delayed(goes_out(&out, &s, 0)));
	case_end(b);
	case_begin(b, "level: whom no better level keeps waiting has no share");
	busy(b, queue);
	s = leaving(BULK, BYTES);
	check(b, "it waits for its own", s, held(BULK));
	that(b, !link_of(b).share[7], "and takes nothing");
	case_end(b);
}

/* What the link gives to the last level is no leave to go before its class's time. */
static void test_share_waits(struct bench *b)
{
	static const struct wan both = { .qos = true,
					 .fq = true,
					 .horizon_ms = HORIZON_MS,
					 .rate = { { SL_RATE_LINK, UP0, LINK_MBIT, 1000 },
						   { SL_RATE_CLASS, BULK, LINK_MBIT, 4000 } } };
	static const uint16_t queue[SL_LEVELS] = { 0, 0, 0, 0, 0, 0, 0, FULL };
	struct send s = leaving(BULK, BYTES);
	struct frame out;
	struct want w = delayed(goes_out(&out, &s, BULK));
	struct got got = { .tstamp = 0 };
	struct sl_link before;
	uint64_t at;

	if (!wan_plan(b, &both, NULL))
		return;
	case_begin(b, "level: by its share a packet leaves at its class's time");
	before = crowded(b, queue);
	at = now_ns() + 500 * MS;
	clock_set(b, SL_RATE_CLASS, BULK, at);
	w.got = &got;
	check(b, "leaves", s, w);
	that(b, got.tstamp == at, "then");
	that(b, link_of(b).share[7] != before.share[7], "by its share");
	case_end(b);
	wan_plan(b, &link_fq, NULL);
}

/* ARP and the like is nobody's to drop. */
static void test_other(struct bench *b)
{
	static const uint16_t queue[SL_LEVELS] = { FULL, FULL, FULL, FULL, FULL, FULL, FULL, FULL };
	struct frame arp = ARP(.op = SL_ARP_REPLY, .spa = NODE1, .tpa = NODE2), out;
	struct send s = next(judged(stack_out(arp), 0));
	struct sl_link link = busy(b, queue);

	case_begin(b, "level: what is not IPv4 is counted, never dropped");
	for (uint32_t i = 0; i < SL_LEVELS; i++)
		link.share[i] = now_ns() + FULL * MS;
	link_set(b, &link);
	out = arp;
	check(b, "ARP", s, as_class((struct want){ .fate = UNTOUCHED, .out = &out }, 0));
	case_end(b);
}

static void room(struct bench *b, uint8_t class, bool there)
{
	const bool beside_better = there && level_of[class] > 1;
	const uint64_t ahead = beside_better ? (AHEAD_US >> level_of[class]) * 1000ULL
					     : HORIZON_MS * MS >> (level_of[class] / 2);
	struct want drop = as_class((struct want){ .fate = DROPPED }, class);
	struct send s = leaving(class, BYTES);
	struct sl_link link = { .pad = 0 };
	uint64_t now = now_ns();
	struct frame out;

	for (uint32_t i = 0; i < SL_LEVELS; i++) {
		link.share[i] = now_ns() + FULL * MS;
		link.used[i] = there ? now_ns() + 1000 * MS : 0;
	}
	bench_clear(b);
	link.clock[level_of[class]] = now_ns() + ahead + 2000 * MS;
	link.refused = there ? now_ns() : 0;
	link_set(b, &link);
	hit(b, SL_DROP_QOS_RATE,
	    there ? "longer than its level waits for the uplink, all levels are there"
		  : "longer than its level waits for the uplink, nobody else is there",
	    s, drop);
	case_begin(b, "level: where packets wait no refusal is kept");
	that(b, link_of(b).refused == link.refused, "not noted");
	case_end(b);
	/* Beside a better level it waits for less time than a slow machine takes to try it. */
	link.clock[level_of[class]] = now_ns() + (beside_better ? 0 : ahead);
	link_set(b, &link);
	miss(b, SL_DROP_QOS_RATE,
	     there ? "nearly as long as its level waits, all levels are there"
		   : "nearly as long as its level waits, nobody else is there",
	     s, beside_better ? goes_out(&out, &s, class) : delayed(goes_out(&out, &s, class)));
	case_begin(b, "level: where packets wait only the burst is kept for anybody");
	link.clock[level_of[class]] = 1;
	link_set(b, &link);
	check(b, "one that need not wait", s, goes_out(&out, &s, class));
	that(b, link_of(b).clock[level_of[class]] >= now - MS, "from the burst behind");
	case_end(b);
}

/* How far a level's clock may run ahead: less from level to level, and little while a better one uses the link. */
static void test_room(struct bench *b)
{
	for (uint8_t class = 0; class <= BULK; class ++) {
		room(b, class, false);
		room(b, class, true);
	}
}

void test_level(struct bench *b)
{
	if (!wan_plan(b, &link_fq, NULL))
		return;
	test_order(b);
	test_first(b);
	test_around(b);
	test_share(b);
	test_share_waits(b);
	test_other(b);
	test_room(b);
	wan_over(b);
}
