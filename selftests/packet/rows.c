/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows that packets have left behind, see rows.h.
 */
#include <bpf/bpf.h>
#include <string.h>
#include "../../user/kernel/shape.h"
#include "rows.h"

void rows_collect(struct bench *b, enum sl_table_id table, size_t words, struct rows *to)
{
	static uint64_t one[CPUS_MAX * 8];
	int fd = b->kernel.table[table];
	uint8_t key[32] = { 0 };
	void *last = NULL;

	memset(to, 0, sizeof(*to));
	for (; !bpf_map_get_next_key(fd, last, key); last = key) {
		if (to->count == ROWS || bpf_map_lookup_elem(fd, key, one)) {
			fail(b, "cannot read %s", shapes[table].name);
			return;
		}
		memcpy(to->key[to->count], key, shapes[table].key_size);
		for (uint32_t cpu = 0; cpu < b->cpus; cpu++)
			for (size_t i = 0; i < words; i++)
				to->word[to->count][i] += one[cpu * words + i];
		to->count++;
	}
}

void rows_same(struct bench *b, const char *what, const struct rows *without, const struct rows *with)
{
	if (without->count != with->count)
		fail(b, "%zu rows of %s without the cache, %zu with it", without->count, what, with->count);
	for (size_t i = 0; i < without->count; i++) {
		size_t at = 0;

		while (at < with->count && memcmp(without->key[i], with->key[at], sizeof(without->key[i])))
			at++;
		if (at == with->count)
			fail(b, "a row of %s is not there with the cache", what);
		else if (memcmp(without->word[i], with->word[at], sizeof(without->word[i])))
			fail(b, "a row of %s: %llu, %llu without the cache, %llu, %llu with it", what,
			     (unsigned long long)without->word[i][0], (unsigned long long)without->word[i][1],
			     (unsigned long long)with->word[at][0], (unsigned long long)with->word[at][1]);
	}
}

static const struct {
	enum sl_table_id table;
	size_t words;
} counted[COUNTED] = {
	{ SL_TABLE_sl_traffic, sizeof(struct sl_count) / 8 },
	{ SL_TABLE_sl_drop, sizeof(struct sl_count) / 8 },
	{ SL_TABLE_sl_served, sizeof(struct sl_served) / 8 },
	{ SL_TABLE_sl_unserved, sizeof(struct sl_count) / 8 },
	{ SL_TABLE_sl_eip_count, sizeof(struct sl_eip_count) / 8 },
	{ SL_TABLE_sl_qos, sizeof(struct sl_qos) / 8 },
	{ SL_TABLE_sl_stat, 1 },
};

void tally_collect(struct bench *b, struct tally *to)
{
	struct rows *stats = &to->table[COUNTED - 1];

	to->line_packets = 0;
	to->lines_filled = 0;
	for (size_t i = 0; i < COUNTED; i++)
		rows_collect(b, counted[i].table, counted[i].words, &to->table[i]);
	for (size_t i = 0; i < stats->count; i++) {
		uint32_t stat;

		memcpy(&stat, stats->key[i], sizeof(stat));
		if (stat == SL_STAT_LINE_PACKETS)
			to->line_packets = stats->word[i][0];
		else if (stat == SL_STAT_LINES_FILLED)
			to->lines_filled = stats->word[i][0];
		if (!bench_of_cache(stat))
			continue;
		stats->word[i][0] = 0;
	}
}

void tally_same(struct bench *b, const struct tally *without, const struct tally *with)
{
	for (size_t i = 0; i < COUNTED; i++)
		rows_same(b, shapes[counted[i].table].name, &without->table[i], &with->table[i]);
}
