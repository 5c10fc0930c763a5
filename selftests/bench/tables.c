/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of state, read and emptied in batches: some hold millions of rows.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../../user/kernel/names.h"
#include "../../user/kernel/shape.h"
#include "course.h"

#define BATCH 65536U

bool tables_empty(struct course *c, enum sl_table_id table)
{
	int fd = c->bench.kernel.table[table], error = 0;
	void *keys = malloc((size_t)BATCH * shapes[table].key_size);
	void *values = malloc((size_t)BATCH * shapes[table].value_size);
	uint32_t at, next, count;
	bool first = true;

	while (keys && values && !error) {
		count = BATCH;
		error = bpf_map_lookup_and_delete_batch(fd, first ? NULL : &at, &next, keys, values, &count,
							NULL);
		at = next;
		first = false;
	}
	free(keys);
	free(values);
	return error == -ENOENT ||
	       fail(&c->bench, "cannot empty %s: %s", shapes[table].name, strerror(-error));
}

bool tables_no_lines(struct course *c)
{
	size_t size = kernel_room(&c->bench.kernel, SL_TABLE_sl_line) * sizeof(struct sl_line_set);
	void *lines = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   c->bench.kernel.table[SL_TABLE_sl_line], 0);

	if (lines == MAP_FAILED)
		return fail(&c->bench, "cannot map sl_line: %s", strerror(errno));
	memset(lines, 0, size);
	munmap(lines, size);
	return true;
}

bool tables_empty_state(struct course *c)
{
	static const enum sl_table_id state[] = { SL_TABLE_sl_flow,	 SL_TABLE_sl_unanswered,
						  SL_TABLE_sl_binding,	 SL_TABLE_sl_outside,
						  SL_TABLE_sl_port_word, SL_TABLE_sl_holder,
						  SL_TABLE_sl_contact };

	for (size_t i = 0; i < sizeof(state) / sizeof(state[0]); i++)
		if (!tables_empty(c, state[i]))
			return false;
	bench_void_lines(&c->bench);
	return true;
}

uint64_t tables_flow_packets(struct course *c, uint64_t *flows)
{
	int fd = c->bench.kernel.table[SL_TABLE_sl_flow], error = 0;
	struct sl_flow_key *keys = malloc(BATCH * sizeof(*keys));
	struct sl_flow *values = malloc(BATCH * sizeof(*values));
	uint32_t at, next, count;
	uint64_t packets = 0;
	bool first = true;

	*flows = 0;
	bench_count_lines(&c->bench);
	while (keys && values && !error) {
		count = BATCH;
		error = bpf_map_lookup_batch(fd, first ? NULL : &at, &next, keys, values, &count, NULL);
		for (uint32_t i = 0; (!error || error == -ENOENT) && i < count; i++)
			packets += values[i].packets;
		*flows += error && error != -ENOENT ? 0 : count;
		at = next;
		first = false;
	}
	free(keys);
	free(values);
	if (error != -ENOENT)
		fail(&c->bench, "cannot read sl_flow: %s", strerror(-error));
	return packets;
}

/* Packets of one row, of all CPUs. */
static uint64_t row(struct course *c, enum sl_table_id table, const void *key)
{
	struct sl_count one[CPUS_MAX];
	uint64_t packets = 0;

	if (bpf_map_lookup_elem(c->bench.kernel.table[table], key, one))
		return 0;
	for (uint32_t cpu = 0; cpu < c->bench.cpus; cpu++)
		packets += one[cpu].packets;
	return packets;
}

bool counts_read(struct course *c, struct counts *counts)
{
	int traffic = c->bench.kernel.table[SL_TABLE_sl_traffic];
	int drop = c->bench.kernel.table[SL_TABLE_sl_drop];
	struct sl_traffic_key t;
	struct sl_drop_key d;
	uint64_t one[CPUS_MAX];
	void *before = NULL;

	memset(counts, 0, sizeof(*counts));
	bench_count_lines(&c->bench);
	for (; !bpf_map_get_next_key(traffic, before, &t); before = &t)
		if (t.outcome <= SL_MONITORED)
			counts->outcome[t.outcome] += row(c, SL_TABLE_sl_traffic, &t);
	for (before = NULL; !bpf_map_get_next_key(drop, before, &d); before = &d)
		if (d.reason < SL_REASONS)
			counts->reason[d.reason] += row(c, SL_TABLE_sl_drop, &d);
	for (uint32_t i = 0; i < SL_STATS; i++) {
		if (bpf_map_lookup_elem(c->bench.kernel.table[SL_TABLE_sl_stat], &i, one))
			return fail(&c->bench, "cannot read sl_stat");
		for (uint32_t cpu = 0; cpu < c->bench.cpus; cpu++)
			counts->stat[i] += one[cpu];
	}
	return true;
}

static bool moved(struct course *c, const char *what, uint64_t before, uint64_t after, uint64_t by)
{
	return after - before == by || fail(&c->bench, "%s moved by %llu instead of %llu", what,
					    (unsigned long long)(after - before), (unsigned long long)by);
}

bool tables_left_to_tc(const struct course *c, const struct path *path)
{
	return c->bench.cached && path->kind == DATA && path->leg && path->leg->door == SL_UP_XDP &&
	       !path->by_line;
}

bool counts_moved(struct course *c, const struct path *path, const struct counts *before, uint32_t packets)
{
	static const char *const outcomes[] = { "packets passed", "packets dropped", "packets excused" };
	static const char *const stats[SL_STATS] = {
#define SL_STAT(symbol, name, text) [SL_STAT_##symbol] = name,
#include "../../include/stats.def"
#undef SL_STAT
	};
	uint32_t outcome = path->reason ? SL_DROPPED : SL_PASSED;
	struct counts now;
	bool right = counts_read(c, &now);

	for (uint32_t i = 0; right && i <= SL_MONITORED; i++) {
		uint64_t all = i == outcome ? (uint64_t)path->counts * packets : 0;

		/* What XDP has not judged, since TC has a line for it, TC would count. */
		if (all && tables_left_to_tc(c, path) && now.outcome[i] - before->outcome[i] < all)
			continue;
		right = moved(c, outcomes[i], before->outcome[i], now.outcome[i], all);
	}
	for (uint32_t i = 1; right && i < SL_REASONS; i++)
		right = moved(c, reason_name(i), before->reason[i], now.reason[i],
			      i == path->reason ? packets : 0);
	for (uint32_t i = 0; right && i < SL_STATS; i++)
		/* The cache does as it pleases, but where it is all that there is. */
		if (path->by_line || !bench_of_cache(i))
			right = moved(c, stats[i], before->stat[i], now.stat[i],
				      path->stats & 1U << i ? packets : 0);
	return right;
}
