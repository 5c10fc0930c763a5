/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rates: a packet goes when all the clocks of its rates allow and moves each of them on by the time that it takes. Where
 * the uplink keeps to times written on packets, that time is written; elsewhere what comes too early is dropped. Levels
 * of the link stand in level_tests.c.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include "clock.h"

#define BYTES 1000
#define CLASS_MBIT 8 /* a packet takes 1 ms */
#define HORIZON_MS 1000
#define SOON (500 * MS) /* far enough off for a slow machine, and yet before the horizon */
#define LATE (5000 * MS)

/* --- by times written on packets */

static const struct wan edt = { .qos = true,
				.fq = true,
				.horizon_ms = HORIZON_MS,
				.rate = { { SL_RATE_CLASS, BULK, CLASS_MBIT, 4000 } } };

static void test_spacing(struct bench *b)
{
	struct send s = leaving(BULK, BYTES);
	uint64_t first = now_ns() + SOON, cost = cost_of(CLASS_MBIT, BYTES);
	struct frame out;
	struct want w = delayed(goes_out(&out, &s, BULK));
	struct got got;

	case_begin(b, "pace: packets leave one after the other, as far apart as the rate says");
	bench_clear(b);
	that(b, cost >= MS - 1 && cost <= MS, "1000 bytes at 8 Mbit/s are a millisecond");
	clock_set(b, SL_RATE_CLASS, BULK, first);
	w.got = &got;
	for (uint32_t i = 0; i < 5; i++) {
		check(b, "a packet", s, w);
		if (got.tstamp != first + i * cost)
			fail(b, "packet %u leaves %lld ns too late", i,
			     (long long)(got.tstamp - first - i * cost));
	}
	that(b, clock_of(b, SL_RATE_CLASS, BULK) == first + 5 * cost, "the clock stands behind them all");
	s = leaving(BULK, 100);
	w = delayed(goes_out(&out, &s, BULK));
	w.got = &got;
	check(b, "a small one", s, w);
	that(b, got.tstamp == first + 5 * cost, "waits for those before it");
	that(b, clock_of(b, SL_RATE_CLASS, BULK) == first + 5 * cost + cost_of(CLASS_MBIT, 100),
	     "and takes less itself");
	case_end(b);
}

static void test_burst(struct bench *b)
{
	struct send s = leaving(BULK, BYTES);
	uint64_t cost = cost_of(CLASS_MBIT, BYTES), start, end, at;
	uint32_t free = 0;
	struct got got;

	case_begin(b, "pace: after a rest a burst goes at once, and no more");
	bench_clear(b);
	start = now_ns();
	that(b, bench_run(b, &s, &got) && !got.tstamp, "the first");
	end = now_ns();
	at = clock_of(b, SL_RATE_CLASS, BULK);
	that(b, at >= start - 4 * MS + cost && at <= end - 4 * MS + cost, "the clock lies the burst behind");
	for (free = 1; free < 1000 && bench_run(b, &s, &got) && !got.tstamp; free++)
		end = now_ns();
	if (free < 5 || free > 6 + (end - start) / cost)
		fail(b, "%u packets went at once, in %llu µs", free,
		     (unsigned long long)(end - start) / 1000);
	clock_set(b, SL_RATE_CLASS, BULK, 1); /* an hour's rest is no more than a burst's */
	start = now_ns();
	bench_run(b, &s, &got);
	that(b, clock_of(b, SL_RATE_CLASS, BULK) >= start - 4 * MS + cost, "nothing is saved up beyond it");
	case_end(b);
}

static void test_horizon(struct bench *b)
{
	struct send s = leaving(BULK, BYTES);
	uint64_t at = now_ns() + LATE;
	struct frame out;
	struct want w = goes_out(&out, &s, BULK);

	bench_clear(b);
	clock_set(b, SL_RATE_CLASS, BULK, at);
	hit(b, SL_DROP_QOS_RATE, "would wait longer than the plan allows", s, held(BULK));
	case_begin(b, "pace: what is dropped takes no time");
	that(b, clock_of(b, SL_RATE_CLASS, BULK) == at, "the clock is where it was");
	case_end(b);
	clock_set(b, SL_RATE_CLASS, BULK, now_ns() + HORIZON_MS * MS);
	miss(b, SL_DROP_QOS_RATE, "waits nearly as long as the plan allows", s, delayed(w));
	clock_set(b, SL_RATE_CLASS, BULK, at);
	s = leaving(SYNC, BYTES);
	w = goes_out(&out, &s, SYNC);
	miss(b, SL_DROP_QOS_RATE, "of another class", s, w);
	s = leaving(0, BYTES);
	w = goes_out(&out, &s, 0);
	miss(b, SL_DROP_QOS_RATE, "of no class", s, w);
}

static void test_delays(struct bench *b)
{
	struct send s = leaving(BULK, BYTES);
	struct sl_qos_delay rows[CPUS_MAX];
	struct sl_qos_key key = { .class = BULK_NAME };
	uint64_t sum = 0, bucket = 0;
	struct frame out;
	struct want w = delayed(goes_out(&out, &s, BULK));

	case_begin(b, "pace: how long packets waited");
	bench_clear(b);
	clock_set(b, SL_RATE_CLASS, BULK, now_ns() + 250 * MS);
	check(b, "250 ms", s, w);
	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_qos_delay], &key, rows))
		fail(b, "no row of delays");
	else
		for (uint32_t i = 0; i < b->cpus; i++) {
			sum += rows[i].sum_us;
			bucket += rows[i].bucket[14]; /* up to 262.144 ms */
		}
	if (bucket != 1 || sum > 250000 || sum <= 131072)
		fail(b, "%llu in the bucket, %llu µs in all", (unsigned long long)bucket,
		     (unsigned long long)sum);
	case_end(b);
}

/* What a large send makes of itself on the wire. */
static void test_segments(struct bench *b)
{
	struct frame f = PACKET(.saddr = A1, .daddr = B_FAR, TCP(1, 2, ACK), .payload = 3000), out;
	struct send s = next(judged(stack_out(f), BULK));
	uint64_t at = now_ns() + SOON;
	struct want w = delayed(goes_out(&out, &s, BULK));

	case_begin(b, "pace: a buffer of several segments takes the time of them all, with their headers");
	bench_clear(b);
	clock_set(b, SL_RATE_CLASS, BULK, at);
	s.gso_segs = 3;
	s.gso_size = 1000;
	w.packets = 3;
	w.bytes = 3040 + 2 * 52;
	check(b, "three", s, w);
	that(b, clock_of(b, SL_RATE_CLASS, BULK) == at + cost_of(CLASS_MBIT, 3040 + 2 * 52), "their time");
	case_end(b);
}

/* --- several rates at once, through the tunnel */

static const struct wan many = { .qos = true,
				 .fq = true,
				 .horizon_ms = HORIZON_MS,
				 .rate = { { SL_RATE_CLASS, BULK, 8, 1000 },
					   { SL_RATE_CLUSTER, WEST, 10, 1000 },
					   { SL_RATE_LABEL, 1, 5, 1000 },
					   { SL_RATE_LABEL, 2, 5, 1000 },
					   { SL_RATE_LINK, UP0, 100, 1000 } } };

static void test_many(struct bench *b)
{
	static const struct {
		uint32_t kind, id, mbit;
	} rates[] = { { SL_RATE_CLASS, BULK, 8 }, { SL_RATE_CLUSTER, WEST, 10 }, { SL_RATE_LABEL, 1, 5 } };
	struct send s = tunnelled(BULK, 1, BYTES);
	struct frame out;
	struct want w = delayed(through(goes_out(&out, &s, BULK), WEST));
	struct got got;

	case_begin(b, "pace: the latest of a packet's rates, and the time of what is within the tunnel");
	w.queued.label = RED_NAME;
	w.bytes = BYTES;
	w.stats = STAT(CLASS_CARRIED);
	w.got = &got;
	for (size_t late = 0; late < 3; late++) {
		uint64_t now = now_ns();
		struct sl_link link;

		bench_clear(b);
		for (size_t i = 0; i < 3; i++)
			clock_set(b, rates[i].kind, rates[i].id, now + SOON + (i == late ? 30 * MS : 0));
		check(b, "one is later than the others", s, w);
		that(b, got.tstamp == now + SOON + 30 * MS, "leaves by the latest");
		for (size_t i = 0; i < 3; i++)
			that(b,
			     clock_of(b, rates[i].kind, rates[i].id) ==
				     now + SOON + (i == late ? 30 * MS : 0) + cost_of(rates[i].mbit, BYTES),
			     "each has moved by its own time");
		link = link_of(b);
		that(b, link.clock[7] > now - 1 * MS && link.clock[7] < now_ns(), "the link's has moved too");
	}
	case_end(b);

	case_begin(b, "pace: what one rate does not let go moves none of the others");
	for (size_t late = 0; late < 3; late++) {
		uint64_t now = now_ns();

		bench_clear(b);
		for (size_t i = 0; i < 3; i++)
			clock_set(b, rates[i].kind, rates[i].id, now + (i == late ? LATE : SOON));
		w = through(held(BULK), WEST);
		w.queued.label = RED_NAME;
		w.bytes = BYTES;
		w.stats = STAT(CLASS_CARRIED);
		check(b, "one is too late", s, w);
		for (size_t i = 0; i < 3; i++)
			that(b, clock_of(b, rates[i].kind, rates[i].id) == now + (i == late ? LATE : SOON),
			     "the clock is where it was");
		that(b, !link_of(b).clock[7], "the link's too");
		that(b, !link_of(b).used[7], "and its level has not used the link");
	}
	case_end(b);
}

static void test_whose(struct bench *b)
{
	struct send s = tunnelled(0, 2, BYTES);
	struct frame out;
	uint64_t late;
	struct want w = through(goes_out(&out, &s, 0), WEST);

	case_begin(b, "pace: a rate is only its own label's, cluster's, class's");
	bench_clear(b);
	clock_set(b, SL_RATE_LABEL, 1, now_ns() + LATE);
	clock_set(b, SL_RATE_CLASS, BULK, now_ns() + LATE);
	w.bytes = BYTES;
	w.stats = STAT(CLASS_CARRIED);
	w.queued.label = BLUE_NAME;
	check(b, "another label", s, w);
	s = tunnelled(0, 3, BYTES);
	w.queued.label = 0;
	check(b, "a label without a rate", s, w);
	clock_set(b, SL_RATE_CLUSTER, WEST, now_ns() + LATE);
	s.frame = wireguard(NODE1, EAST_PEER, WIREGUARD_DATA, BYTES);
	out = s.frame;
	check(b, "another cluster", s, through(w, EAST));
	s = leaving(0, BYTES);
	w = goes_out(&out, &s, 0);
	check(b, "not through the tunnel", s, w);
	s.frame = wireguard(NODE1, WEST_PEER, 1, 116);
	s.mark = 0;
	late = now_ns() + LATE;
	clock_set(b, SL_RATE_CLUSTER, WEST, late);
	out = s.frame;
	check(b, "a handshake of the tunnel, without which nothing goes", s,
	      through(goes_out(&out, &s, 0), WEST));
	that(b, clock_of(b, SL_RATE_CLUSTER, WEST) == late, "takes none of the cluster's time");
	case_end(b);
}

/* --- where nothing can wait */

static void test_bucket(struct bench *b)
{
	static const struct wan bucket = { .qos = true,
					   .rate = { { SL_RATE_CLASS, BULK, CLASS_MBIT, 4000 } } };
	struct send s = leaving(BULK, BYTES);
	uint64_t at, start, last, end, stalled = 0;
	struct frame out;
	struct want w = goes_out(&out, &s, BULK);
	uint32_t gone = 0;
	struct got got;

	if (!wan_plan(b, &bucket, NULL))
		return;
	at = now_ns() + LATE;
	clock_set(b, SL_RATE_CLASS, BULK, at);
	hit(b, SL_DROP_QOS_RATE, "too early, and the uplink cannot wait", s, held(BULK));
	case_begin(b, "pace: what is dropped for it takes no time");
	that(b, clock_of(b, SL_RATE_CLASS, BULK) == at, "the clock is where it was");
	case_end(b);
	clock_set(b, SL_RATE_CLASS, BULK, now_ns());
	miss(b, SL_DROP_QOS_RATE, "in time", s, w);
	case_begin(b, "pace: without a queue a burst goes, and then what the rate says");
	bench_clear(b);
	for (start = last = end = now_ns(); end - start < 50 * MS; last = end) {
		if (bench_run(b, &s, &got))
			gone += got.retval != TC_ACT_SHOT;
		end = now_ns();
		stalled = end - last > stalled ? end - last : stalled; /* somebody else had the processor */
	}
	if (gone < (end - start - stalled) / MS || gone > 7 + (end - start) / MS)
		fail(b, "%u packets of a millisecond went in %llu µs", gone,
		     (unsigned long long)(end - start) / 1000);
	case_end(b);

	case_begin(b, "pace: without a queue, who was refused is kept his part for a while");
	start = now_ns();
	clock_refused(b, SL_RATE_CLASS, BULK, start - 500 * MS, start);
	check(b, "tries again", s, w);
	that(b, clock_of(b, SL_RATE_CLASS, BULK) == start - 500 * MS + cost_of(CLASS_MBIT, BYTES),
	     "has half a second");
	clock_refused(b, SL_RATE_CLASS, BULK, start - 500 * MS, start - 1700 * MS);
	check(b, "too late", s, w);
	that(b, clock_of(b, SL_RATE_CLASS, BULK) >= start - 4 * MS, "has a burst");
	case_end(b);
}

static void test_shaped(struct bench *b)
{
	struct wan shaped = many;
	struct send s = tunnelled(BULK, 1, BYTES);
	struct frame out;
	struct want w = through(goes_out(&out, &s, BULK), WEST);

	shaped.shaped = true;
	if (!wan_plan(b, &shaped, NULL))
		return;
	case_begin(b, "pace: where somebody else shapes, packets are marked and counted only");
	clock_set(b, SL_RATE_CLASS, BULK, now_ns() + LATE);
	clock_set(b, SL_RATE_LABEL, 1, 1);
	w.queued.label = RED_NAME;
	w.bytes = BYTES;
	w.stats = STAT(CLASS_CARRIED);
	check(b, "through the tunnel", s, w);
	that(b, clock_of(b, SL_RATE_LABEL, 1) == 1 && !link_of(b).clock[7], "no clock moves");
	that(b, !link_of(b).used[7], "nobody's use is noted");
	case_end(b);
}

void test_pace(struct bench *b)
{
	if (!wan_plan(b, &edt, NULL))
		return;
	test_spacing(b);
	test_burst(b);
	test_horizon(b);
	test_delays(b);
	test_segments(b);
	if (!wan_plan(b, &many, NULL))
		return;
	test_many(b);
	test_whose(b);
	test_bucket(b);
	test_shaped(b);
	wan_over(b);
}
