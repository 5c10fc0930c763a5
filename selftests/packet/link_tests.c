/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The uplink's own speed where nothing can wait: what comes too early is refused, the sooner the worse its level as
 * long as a better one is in use. Where packets wait: level_tests.c.
 */
#include <arpa/inet.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include "clock.h"

#define BYTES 962 /* 1000 with what Ethernet adds */
#define LINK_MBIT 8
#define COST cost_of(LINK_MBIT, BYTES + 38)
#define BURST MS
#define AHEAD (32 * MS) /* that a level may be; halved for each level while a better one is in use */
#define USE (100 * MS) /* that each packet keeps its level in use */
#define FEW (400 * MS) /* of which so much is not yet use */
#define MOST (1000 * MS) /* and so much is the most */
#define MEMORY (1600 * MS) /* that a refusal counts */
#define FULL (62000 * MS) /* further off than any level may be */
#define SLACK (MS / 2) /* that a packet may take on a busy machine */

static const struct wan link_bucket = { .qos = true,
					.rate = { { SL_RATE_LINK, UP0, LINK_MBIT, BURST / 1000 } } };

/* What a packet finds, in ns. */
struct stand {
	uint64_t ahead[SL_LEVELS]; /* each level's clock; 0: long ago */
	uint64_t used[SL_LEVELS]; /* for so long; 0: not for long */
	uint64_t refused; /* ago; 0: never */
	bool shares; /* are there; else long given away */
};

/* What came of it. */
struct tried {
	struct sl_link before, after;
	uint64_t start, end;
	bool gone;
};

/* How far a class may be ahead while everybody is there; nobody is better than the first level. */
static uint64_t room_of(uint8_t class)
{
	return level_of[class] == 1 ? AHEAD : AHEAD >> level_of[class];
}

static void all(uint64_t of[SL_LEVELS], uint64_t ns)
{
	for (uint32_t i = 0; i < SL_LEVELS; i++)
		of[i] = ns;
}

static struct sl_link link_at(uint64_t now, const struct stand *stand)
{
	struct sl_link link = { .refused = stand->refused ? now - stand->refused : 0 };

	for (uint32_t i = 0; i < SL_LEVELS; i++) {
		link.clock[i] = stand->ahead[i] ? now + stand->ahead[i] : 0;
		link.used[i] = stand->used[i] ? now + stand->used[i] : 0;
		link.share[i] = stand->shares ? 0 : now + FULL;
	}
	return link;
}

/* One packet; on a busy machine again, until nothing else took long. */
static struct tried try_packet(struct bench *b, struct send s, const struct stand *stand)
{
	struct tried t = { .end = SLACK };
	struct got got = { .retval = 0 };

	for (int i = 0; i < 100 && t.end - t.start >= SLACK; i++) {
		bench_clear(b);
		t.start = now_ns();
		t.before = link_at(t.start, stand);
		link_set(b, &t.before);
		bench_run(b, &s, &got);
		t.end = now_ns();
	}
	that(b, t.end - t.start < SLACK, "the machine has half a millisecond");
	t.after = link_of(b);
	t.gone = got.retval != TC_ACT_SHOT;
	return t;
}

static struct tried try(struct bench *b, uint8_t class, const struct stand *stand)
{
	return try_packet(b, leaving(class, BYTES), stand);
}

static bool between(uint64_t at, uint64_t first, uint64_t last)
{
	return at >= first && at <= last;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A level's use is what it was, or by `packets` longer. */
static void used_by(struct bench *b, const struct tried *t, uint32_t level, uint32_t packets)
{
	uint64_t before = t->before.used[level], after = t->after.used[level];
	uint64_t first = least(most(before, t->start) + packets * USE, t->start + MOST);
	uint64_t last = least(most(before, t->end) + packets * USE, t->end + MOST);

	if (packets ? !between(after, first, last) : after != before)
		fail(b, "level %u's use was until %lld ns and is until %lld ns from the start", level,
		     (long long)(before - t->start), (long long)(after - t->start));
}

/* Bits of the levels whose clock, use and share have changed by a packet; nothing else has. */
static void moved(struct bench *b, const struct tried *t, uint32_t clocks, uint32_t used, uint32_t shares)
{
	for (uint32_t i = 0; i < SL_LEVELS; i++) {
		if ((t->after.clock[i] != t->before.clock[i]) != (clocks >> i & 1))
			fail(b, "level %u's clock moved by %lld ns", i,
			     (long long)(t->after.clock[i] - t->before.clock[i]));
		if ((t->after.share[i] != t->before.share[i]) != (shares >> i & 1))
			fail(b, "level %u's share moved by %lld ns", i,
			     (long long)(t->after.share[i] - t->before.share[i]));
		used_by(b, t, i, used >> i & 1);
	}
}

/* That it was refused is noted, or not. */
static void noted(struct bench *b, const struct tried *t, bool now)
{
	if (now ? !between(t->after.refused, t->start, t->end) : t->after.refused != t->before.refused)
		fail(b, "the refusal: %lld ns from the start", (long long)(t->after.refused - t->start));
}

/* Bits of a level and of all behind it. */
static uint32_t and_behind(uint32_t level)
{
	return 0xff & ~0U << level;
}

static void test_refused(struct bench *b)
{
	struct want drop = as_class((struct want){ .fate = DROPPED }, BULK);
	struct sl_link link = link_at(now_ns(), &(struct stand){ .used = { [1] = MOST } }), after;
	struct send s = leaving(BULK, BYTES);
	struct frame out;

	link.clock[7] = now_ns() + FULL;
	link_set(b, &link);
	hit(b, SL_DROP_QOS_RATE, "the uplink is full, somebody better is there, nothing can wait", s, drop);
	case_begin(b, "link: who is refused for somebody better takes no time, and does not count as there");
	after = link_of(b);
	that(b, !memcmp(after.clock, link.clock, sizeof(link.clock)), "no clock moves");
	that(b, !memcmp(after.used, link.used, sizeof(link.used)), "no use");
	that(b, !memcmp(after.share, link.share, sizeof(link.share)), "no share");
	that(b, !after.refused, "it is nothing to remember");
	case_end(b);
	link.clock[7] = 0;
	link.used[1] = now_ns() + MOST;
	link_set(b, &link);
	miss(b, SL_DROP_QOS_RATE, "somebody better is there, the uplink has room", s,
	     goes_out(&out, &s, BULK));

	link = link_at(now_ns(), &(struct stand){ .used = { [1] = FEW } });
	link.clock[7] = now_ns() + FULL;
	link_set(b, &link);
	hit(b, SL_DROP_QOS_RATE, "the uplink is full, nobody better is there, nothing can wait", s, drop);
	link.clock[7] = now_ns() + AHEAD;
	link_set(b, &link);
	miss(b, SL_DROP_QOS_RATE, "the uplink is nearly full, nobody better is there", s,
	     goes_out(&out, &s, BULK));
}

/* The better the level the more may be on its way, in whoever's queue; alone each may have as much as TCP needs. */
static void test_room(struct bench *b)
{
	for (uint8_t class = 0; class <= BULK; class ++) {
		const uint32_t level = level_of[class];

		for (int alone = 0; alone < 2; alone++) {
			const uint64_t room = alone ? AHEAD : room_of(class);
			struct stand stand = { .shares = false };
			struct tried t;

			case_begin(b, "link: without a queue, %llu µs ahead at level %u, %s there",
				   (unsigned long long)room / 1000, level, alone ? "nobody" : "everybody");
			all(stand.used, alone ? FEW : MOST);
			all(stand.ahead, room);
			t = try(b, class, &stand);
			that(b, t.gone, "so much goes");
			moved(b, &t, and_behind(level), 1U << level, 0);
			for (uint32_t i = level; i < SL_LEVELS; i++)
				that(b, t.after.clock[i] == t.before.clock[i] + COST, "and takes its time");
			noted(b, &t, false);
			all(stand.ahead, room + SLACK);
			t = try(b, class, &stand);
			that(b, !t.gone, "half a millisecond more does not");
			moved(b, &t, 0, 0, 0);
			noted(b, &t, alone || level == 1);
			case_end(b);
		}
	}
}

/* Each of the better levels counts, whatever the others do, as long as it is in use for more than a few packets. */
static void test_better(struct bench *b)
{
	for (uint8_t class = 0; class <= BULK; class ++) {
		for (uint32_t better = 1; better < level_of[class]; better++) {
			struct stand stand = { .shares = false };

			case_begin(b, "link: level %u has less room while level %u is in use",
				   level_of[class], better);
			all(stand.ahead, AHEAD);
			for (int others = 0; others < 2; others++) {
				all(stand.used, others ? FEW : 0);
				for (uint32_t i = level_of[class]; i < SL_LEVELS; i++)
					stand.used[i] = MOST;
				stand.used[better] = MOST;
				that(b, !try(b, class, &stand).gone, "as much as can be");
				stand.used[better] = FEW + USE;
				that(b, !try(b, class, &stand).gone, "for a packet more than a few");
				stand.used[better] = FEW + SLACK;
				that(b, !try(b, class, &stand).gone, "for a little more than a few");
				stand.used[better] = FEW;
				that(b, try(b, class, &stand).gone, "not by a few packets");
				stand.used[better] = -MS;
				that(b, try(b, class, &stand).gone, "not after its time");
			}
			case_end(b);
		}
	}
}

/* Its own level, those behind it, and the tunnel's own packets are nobody to stand back for. */
static void test_not_better(struct bench *b)
{
	struct send s = stack_out(wireguard(NODE1, WEST_PEER, 1, 116));
	struct stand stand = { .shares = false };
	struct tried t;

	for (uint8_t class = 0; class <= BULK; class ++) {
		const uint32_t level = level_of[class];

		case_begin(b, "link: level %u stands back for no worse one, nor for itself", level);
		for (uint32_t who = 0; who < SL_LEVELS; who++) {
			if (who >= 1 && who < level)
				continue;
			all(stand.used, 0);
			all(stand.ahead, AHEAD);
			stand.used[who] = MOST;
			t = try(b, class, &stand);
			if (!t.gone)
				fail(b, "refused for level %u", who);
			moved(b, &t, and_behind(level), 1U << level, 0);
		}
		case_end(b);
	}

	case_begin(b,
		   "link: a handshake of the tunnel is nobody to stand back for, and stands back for nobody");
	all(stand.used, MOST);
	all(stand.ahead, AHEAD);
	t = try_packet(b, s, &stand);
	that(b, t.gone, "it goes");
	moved(b, &t, and_behind(0), 1U << 0, 0);
	all(stand.ahead, AHEAD + SLACK);
	t = try_packet(b, s, &stand);
	that(b, !t.gone, "not half a millisecond more");
	case_end(b);
}

/* What a level's packets make of its use. */
static void test_use(struct bench *b)
{
	static const uint64_t before[] = { 0, -MS, MS, FEW, MOST - USE, MOST - USE / 2, MOST };
	struct frame large = PACKET(.saddr = A1, .daddr = B_FAR, TCP(1, 2, ACK), .payload = 3000);
	struct frame arp = ARP(.op = SL_ARP_REPLY, .spa = NODE1, .tpa = NODE2);
	struct stand stand = { .shares = false };
	struct send s;
	struct tried t;

	for (uint8_t class = 0; class <= BULK; class ++) {
		const uint32_t level = level_of[class];

		case_begin(b, "link: each packet keeps level %u in use for 0.1 s, all together for 1 s",
			   level);
		for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
			all(stand.used, before[i]);
			t = try(b, class, &stand);
			that(b, t.gone, "goes");
			moved(b, &t, and_behind(level), 1U << level, 0);
		}
		s = judged(stack_out(large), class);
		s.gso_segs = 3;
		s.gso_size = 1000;
		all(stand.used, 3 * USE);
		t = try_packet(b, s, &stand);
		that(b, t.gone, "a buffer of three goes");
		used_by(b, &t, level, 3);
		case_end(b);
	}

	case_begin(b, "link: the tunnel's own packets, and what is not IPv4, keep no level in use");
	all(stand.used, MS);
	t = try_packet(b, stack_out(wireguard(NODE1, WEST_PEER, 1, 116)), &stand);
	moved(b, &t, and_behind(0), 1U << 0, 0);
	t = try_packet(b, judged(stack_out(arp), 0), &stand);
	moved(b, &t, and_behind(level_of[0]), 0, 0);
	case_end(b);
}

/* Packets of the first level, and then one of the last, in less time than that counts. */
static bool goes_after(struct bench *b, uint32_t packets)
{
	struct send wal = leaving(WAL, BYTES), bulk = leaving(BULK, BYTES);
	struct got got = { .retval = 0 };
	uint64_t took = USE;

	for (int i = 0; i < 100 && took >= USE / 2; i++) {
		uint64_t start = now_ns();
		struct sl_link link = link_at(start, &(struct stand){ .ahead = { [7] = AHEAD - 9 * COST } });

		bench_clear(b);
		link_set(b, &link);
		for (uint32_t sent = 0; sent < packets; sent++)
			that(b, bench_run(b, &wal, &got) && got.retval != TC_ACT_SHOT,
			     "the first level goes");
		bench_run(b, &bulk, &got);
		took = now_ns() - start;
	}
	that(b, took < USE / 2, "the machine has 50 milliseconds");
	return got.retval != TC_ACT_SHOT;
}

/* One level until it is refused, and then somebody better. */
static void test_comes(struct bench *b)
{
	struct send bulk = leaving(BULK, BYTES), wal = leaving(WAL, BYTES);
	struct sl_link link = link_at(now_ns(), &(struct stand){ .shares = false });
	uint64_t start, end;
	uint32_t gone = 0;
	struct got got;

	case_begin(b, "link: a handful of packets of a better level is use, fewer are not");
	that(b, goes_after(b, 0), "none");
	that(b, goes_after(b, 1), "one");
	that(b, goes_after(b, 4), "four");
	that(b, !goes_after(b, 5), "five");
	that(b, !goes_after(b, 9), "nine");
	case_end(b);

	case_begin(b, "link: who is better waits for nothing that went before him");
	bench_clear(b);
	link_set(b, &link);
	start = end = now_ns();
	for (int i = 0; i < 1000 && bench_run(b, &bulk, &got); i++) {
		gone += got.retval != TC_ACT_SHOT;
		end = now_ns();
	}
	/* What may be ahead and the burst behind, and what has time while they come. */
	if (gone < (AHEAD + BURST) / COST || gone > (AHEAD + BURST + end - start) / COST + 1)
		fail(b, "%u packets of the last level went in %llu µs", gone,
		     (unsigned long long)(end - start) / 1000);
	link = link_of(b);
	that(b, link.clock[7] <= end + AHEAD + COST, "the last level's clock is no further ahead");
	for (uint32_t i = 0; i < 7; i++)
		that(b, !link.clock[i] && !link.used[i], "and no other clock has moved");

	link.refused = 0; /* of which test_memory() */
	link_set(b, &link);
	start = now_ns();
	that(b, bench_run(b, &wal, &got) && got.retval != TC_ACT_SHOT, "somebody better goes");
	end = now_ns();
	link = link_of(b);
	for (uint32_t i = 1; i < 7; i++)
		that(b, between(link.clock[i], start - BURST + COST, end - BURST + COST),
		     "and has the link for himself");
	case_end(b);
}

/* Whoever was refused with nobody better there finds later what the link would have taken meanwhile. */
static void test_memory(struct bench *b)
{
	for (uint8_t class = 0; class <= BULK; class ++) {
		const uint32_t level = level_of[class];
		struct stand stand = { .shares = false };
		struct tried t;

		case_begin(b, "link: alone at level %u, who was refused is kept his part for a while", level);
		all(stand.ahead, -500 * MS); /* half a second ago */
		for (uint64_t refused = MS; refused < 2 * MEMORY; refused += MEMORY - 3 * SLACK) {
			stand.refused = refused;
			t = try(b, class, &stand);
			that(b, t.gone, "goes");
			moved(b, &t, and_behind(level), 1U << level, 0);
			noted(b, &t, false);
			for (uint32_t i = level; i < SL_LEVELS; i++)
				if (refused < MEMORY)
					that(b, t.after.clock[i] == t.before.clock[i] + COST,
					     "has half a second");
				else
					that(b,
					     between(t.after.clock[i], t.start - BURST + COST,
						     t.end - BURST + COST),
					     "has a burst");
		}
		stand.refused = MS;
		all(stand.ahead, 0);
		t = try(b, class, &stand);
		for (uint32_t i = level; i < SL_LEVELS; i++)
			that(b, between(t.after.clock[i], t.start - MEMORY + COST, t.end - MEMORY + COST),
			     "no more than 1.6 s");
		all(stand.ahead, -500 * MS);
		all(stand.used, MOST);
		t = try(b, class, &stand);
		for (uint32_t i = level; i < SL_LEVELS && level > 1; i++)
			that(b, between(t.after.clock[i], t.start - BURST + COST, t.end - BURST + COST),
			     "nothing while somebody better is there");
		case_end(b);
	}
}

/* Who would be refused for somebody better's sake has his level's sixteenth; who is alone has the link without it. */
static void test_share(struct bench *b)
{
	for (uint8_t class = 0; class <= BULK; class ++) {
		const uint32_t level = level_of[class];
		struct stand stand = { .shares = true };
		struct tried t;

		case_begin(b, "link: level %u, refused for somebody better, has a sixteenth of the link",
			   level);
		all(stand.ahead, FULL);
		all(stand.used, MOST);
		t = try(b, class, &stand);
		if (level > 1) {
			that(b, t.gone, "one goes");
			moved(b, &t, 0xff, 1U << level, 1U << level); /* before all: each waits for it */
			noted(b, &t, false);
			for (uint32_t i = 0; i < SL_LEVELS; i++)
				that(b, t.after.clock[i] == t.before.clock[i] + COST, "by its time");
			that(b,
			     between(t.after.share[level], t.start - BURST + 16 * COST,
				     t.end - BURST + 16 * COST),
			     "its share is used up by sixteen times its time");
			stand.shares = false;
			t = try(b, class, &stand);
			that(b, !t.gone, "another has to wait for the share");
			moved(b, &t, 0, 0, 0);
			stand.shares = true;
			all(stand.ahead, room_of(class));
			t = try(b, class, &stand);
			that(b, t.gone, "one that has room goes");
			moved(b, &t, and_behind(level), 1U << level, 0);
		} else {
			that(b, !t.gone, "nobody is better than the first");
		}
		case_end(b);

		case_begin(b, "link: level %u, refused alone, takes no share, and nothing from who is better",
			   level);
		for (int before = 0; before < 2; before++) { /* whether one was refused a moment ago */
			all(stand.used, 0);
			all(stand.ahead, AHEAD + SLACK);
			stand.refused = before ? MS : 0;
			t = try(b, class, &stand);
			that(b, !t.gone, "more than its room does not go");
			moved(b, &t, 0, 0, 0);
			noted(b, &t, true);
		}
		case_end(b);
	}
}

/* ARP and the like is nobody's to drop. */
static void test_other(struct bench *b)
{
	struct frame arp = ARP(.op = SL_ARP_REPLY, .spa = NODE1, .tpa = NODE2), out = arp;
	struct send s = next(judged(stack_out(arp), 0));
	struct stand stand = { .shares = false };
	struct sl_link link;

	case_begin(b, "link: what is not IPv4 is counted, never dropped, without a queue too");
	all(stand.ahead, FULL);
	all(stand.used, MOST);
	bench_clear(b);
	link = link_at(now_ns(), &stand);
	link_set(b, &link);
	check(b, "ARP", s, as_class((struct want){ .fate = UNTOUCHED, .out = &out }, 0));
	case_end(b);
}

void test_link(struct bench *b)
{
	if (!wan_plan(b, &link_bucket, NULL))
		return;
	test_refused(b);
	test_room(b);
	test_better(b);
	test_not_better(b);
	test_use(b);
	test_comes(b);
	test_memory(b);
	test_share(b);
	test_other(b);
	wan_over(b);
}
