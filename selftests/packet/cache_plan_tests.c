/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache where a plan has more to say: packets that no line may stand for, since they are counted, paced or marked
 * one by one, or come out of something else; and what a line has to do beside where it sends them.
 */
#include <linux/pkt_cls.h>
#include <unistd.h>
#include "../../user/kernel/extra.h"
#include "cache.h"
#include "rows.h"

/* Run three times once its flow has been there for a while: nothing is filled, nothing decided. */
static void never(struct bench *b, const char *what, struct send s, bool passes)
{
	uint64_t before = cache_stat(b, SL_STAT_LINES_FILLED);
	struct got got;

	bench_run(b, &s, &got);
	usleep(TICK_US);
	for (int i = 0; i < 3; i++)
		if (cache_decides(b, &s, &got))
			fail(b, "%s: a line decides", what);
	if ((got.retval != TC_ACT_SHOT) != passes)
		fail(b, "%s: %s", what, passes ? "dropped" : "not dropped");
	if (cache_stat(b, SL_STAT_LINES_FILLED) != before)
		fail(b, "%s: a line was made of it", what);
}

static void monitor(struct bench *b)
{
	struct got got;
	struct send there = cache_packet(24), back = cache_packet(25);
	struct rows drops;

	case_begin(b, "cache: what only a monitor lets pass is looked at each time");
	nat_fresh(b);
	bench_run(b, &there, &got);
	bench_run(b, &back, &got);
	never(b, "there", there, true);
	never(b, "back", back, true);
	bench_count_lines(b);
	rows_collect(b, SL_TABLE_sl_drop, 2, &drops);
	that(b, drops.count && drops.word[0][0] >= 5, "and is counted each time as what would be dropped");
	case_end(b);
}

/* Behind libxdp's dispatcher TC judges and counts what XDP has let pass. */
static void dispatched(struct bench *b)
{
	struct send s = cache_packet(5);
	struct trouble t;
	struct got got;

	case_begin(b, "cache: what will be judged again has no line yet");
	if (extra_open(&b->kernel, SL_UP_SHARED, 1, b->program, &t)) {
		fail(b, "%s", t.text);
	} else {
		cache_open_way(b, 4);
		bench_void_lines(b);
		bench_clear_counts(b);
		s.door = SL_UP_SHARED;
		for (int i = 0; i < 3; i++)
			that(b, bench_run(b, &s, &got) && got.retval == XDP_PASS, "it passes");
		that(b, !cache_stat(b, SL_STAT_LINES_FILLED), "and leaves no line");
	}
	case_end(b);
}

/* The class in a line's mark, and what becomes of the sender's own DSCP. */
static void marked(struct bench *b, const char *name, uint32_t which, uint8_t class, uint8_t tos,
		   uint8_t left)
{
	struct send s = next(cache_way(which, 20, 64, tos, ACK));
	uint32_t mark = MARK_JUDGED | (uint32_t) class << MARK_CLASS_SHIFT;
	struct got by_line, by_hand;
	const struct sl_ipv4 *ip;

	case_begin(b, "cache: %s", name);
	cache_open_way(b, which & ~1U);
	bench_run(b, &s, &by_line);
	that(b, cache_decides(b, &s, &by_line), "a line decides");
	if (by_line.mark != mark)
		fail(b, "mark 0x%08x instead of 0x%08x", by_line.mark, mark);
	ip = frame_ip(&by_line.frame);
	if (ip->tos != left)
		fail(b, "TOS 0x%02x instead of 0x%02x", ip->tos, left);
	bench_void_lines(b);
	that(b, !cache_decides(b, &s, &by_hand), "then the long way");
	that(b, by_hand.mark == by_line.mark && by_hand.priority == by_line.priority, "does the same");
	same_frame(b, &by_hand.frame, &by_line.frame);
	case_end(b);
}

static void leaving(struct bench *b)
{
	struct send there = cache_packet(18);
	struct got got;

	case_begin(b, "cache: who leaves by an uplink that has classes is asked for each time");
	nat_fresh(b);
	bench_run(b, &there, &got);
	bench_run(b, &(struct send[]){ cache_packet(19) }[0], &got);
	never(b, "a flow of the stack's", there, true);
	never(b, "what is left alone", cache_packet(36), true);
	case_end(b);
}

void cache_plans(struct bench *b)
{
	static const struct wan classes = { .qos = true, .nat = true, .shaped = true };
	static const struct wan trust = { .qos = true, .trust = true, .nat = true, .shaped = true };

	monitor(b);
	dispatched(b);
	if (wan_plan(b, &classes, NULL)) {
		marked(b, "a class stands in its line's mark", 28, WAL, 0, 0);
		marked(b, "of the answers as well", 29, WAL, 0, 0);
		marked(b, "a sender that is not trusted, its DSCP and ECN", 28, WAL, 26 << 2 | 1, 1);
		leaving(b);
	}
	if (wan_plan(b, &trust, NULL))
		marked(b, "one that is trusted", 28, WAL, 26 << 2 | 1, 26 << 2 | 1);
	wan_over(b);
}
