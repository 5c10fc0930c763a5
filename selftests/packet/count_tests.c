/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters without room: a packet goes where it would have gone, the loss is counted, and what has a row keeps
 * being counted.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"

#define AT_ONCE 4096U

/* Fills a table of counters with rows that no packet has, or removes them. */
static void fill(struct bench *b, enum sl_table_id table, const void *keys, uint32_t rows, bool in)
{
	size_t key_size =
		table == SL_TABLE_sl_traffic ? sizeof(struct sl_traffic_key) : sizeof(struct sl_drop_key);
	struct sl_count *zero = calloc((size_t)AT_ONCE * b->cpus, sizeof(*zero));
	int fd = b->kernel.table[table];

	for (uint32_t at = 0, waits = 0; zero && at < rows;) {
		uint32_t count = rows - at < AT_ONCE ? rows - at : AT_ONCE;
		const uint8_t *first = (const uint8_t *)keys + at * key_size;
		int error = in ? bpf_map_update_batch(fd, first, zero, &count, NULL)
			       : bpf_map_delete_batch(fd, first, &count, NULL);

		/* The kernel fetches memory for rows in the background, and says so when it is not there yet. */
		waits = count ? 0 : waits + 1;
		if (error && !(errno == ENOMEM && waits < 1000 && !usleep(1000))) {
			fail(b, "cannot fill or clear a table of counters: %s", strerror(errno));
			break;
		}
		at += count;
	}
	that(b, zero, "memory for rows");
	free(zero);
}

/* Runs it, and says how often nothing could be counted. */
static uint64_t uncounted(struct bench *b, const struct send *s, const struct want *w)
{
	uint64_t rows[CPUS_MAX], all = 0;
	struct got got;

	if (!bench_run(b, s, &got))
		return 0;
	that(b, got.retval == (uint32_t)(w->fate == SENT ? TC_ACT_REDIRECT : TC_ACT_SHOT),
	     "its fate is the same");
	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_stat], &(uint32_t){ SL_STAT_UNCOUNTED }, rows))
		fail(b, "sl_stat cannot be read");
	else
		for (uint32_t i = 0; i < b->cpus; i++)
			all += rows[i];
	return all;
}

static void test_traffic_full(struct bench *b, struct send known, struct send other)
{
	struct sl_traffic_key *keys = calloc(SL_TRAFFIC, sizeof(*keys));
	const struct sl_traffic_key here = { .src_network = NET_A, .dst_network = NET_A };
	const struct want sent = { .fate = SENT };
	struct sl_count rows[CPUS_MAX];
	uint64_t packets = 0;

	case_begin(b, "count: no room for another pair of networks");
	bench_clear(b);
	that(b, keys && !uncounted(b, &known, &sent), "there is room");
	for (uint32_t i = 0; keys && i < SL_TRAFFIC - 1; i++)
		keys[i] = (struct sl_traffic_key){ .src_network = 20000 + (i >> 8), .dst_network = i & 255 };
	if (keys) {
		fill(b, SL_TABLE_sl_traffic, keys, SL_TRAFFIC - 1, true);
		that(b, uncounted(b, &other, &sent) == 1, "a pair without a row: one packet uncounted");
		that(b, uncounted(b, &known, &sent) == 1, "a pair with a row: none more");
		if (!bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_traffic], &here, rows))
			for (uint32_t i = 0; i < b->cpus; i++)
				packets += rows[i].packets;
		that(b, packets == 2, "but counted as ever");
		fill(b, SL_TABLE_sl_traffic, keys, SL_TRAFFIC - 1, false);
	}
	free(keys);
	case_end(b);
}

static void test_drops_full(struct bench *b, struct send refused)
{
	struct sl_drop_key *keys = calloc(SL_DROPS, sizeof(*keys));
	const struct want dropped = { .fate = DROPPED };

	case_begin(b, "count: no room for another reason");
	bench_clear(b);
	for (uint32_t i = 0; keys && i < SL_DROPS; i++)
		keys[i] = (struct sl_drop_key){ .network = (uint16_t)(20000 + i), .reason = SL_DROP_POLICY };
	that(b, keys, "memory for rows");
	if (keys) {
		fill(b, SL_TABLE_sl_drop, keys, SL_DROPS, true);
		that(b, uncounted(b, &refused, &dropped) == 1, "one packet uncounted");
		fill(b, SL_TABLE_sl_drop, keys, SL_DROPS, false);
	}
	free(keys);
	case_end(b);
}

void test_count(struct bench *b)
{
	test_traffic_full(b, workload(W_A1, PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000))),
			  workload(W_A1, PACKET(.saddr = A1, .daddr = B1, UDP(1000, 53))));
	test_drops_full(b, workload(W_A1, PACKET(.saddr = A1, .daddr = B1, UDP(1000, 54))));
}
