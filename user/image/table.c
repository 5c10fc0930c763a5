/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of the image: rows are gathered in any order and sorted by the bytes of their keys at the end, so
 * that equal plans give equal bytes whatever order the stages work in.
 */
#include <stdlib.h>
#include <string.h>
#include "compile.h"

struct shape {
	const char *name;
	uint32_t key_size;
	uint32_t value_size;
	uint64_t most; /* 0: a state table, not ours */
};

#define SL_PLAN(name, type, key, value, most, flags)                                                         \
	[SL_TABLE_##name] = { #name, sizeof(key), sizeof(value), most },
#define SL_STATE(name, type, key, value, most, flags) [SL_TABLE_##name] = { #name, 0, 0, 0 },
static const struct shape shapes[SL_TABLES] = {
#include "../../maps/tables.def"
};
#undef SL_PLAN
#undef SL_STATE

bool rows_expect(struct compile *c, int table, size_t count)
{
	c->rows[table].size = shapes[table].key_size + shapes[table].value_size;
	return list_reserve(&c->rows[table], count);
}

bool row_add(struct compile *c, int table, const void *key, const void *value)
{
	const struct shape *shape = &shapes[table];
	uint8_t *row;

	c->rows[table].size = shape->key_size + shape->value_size;
	row = list_add(&c->rows[table], 1);
	if (!row)
		return false;
	memcpy(row, key, shape->key_size);
	memcpy(row + shape->key_size, value, shape->value_size);
	return true;
}

/*
 * Radix sort, last byte of the key first; stable, linear, and a byte that is the same in every row costs
 * one look. `spare` is as large as `rows`; the sorted rows end up in the returned one.
 */
static uint8_t *sort_rows(uint8_t *rows, uint8_t *spare, size_t count, size_t row_size, size_t key_size)
{
	for (size_t byte = key_size; byte-- > 0;) {
		size_t place[257] = { 0 };
		uint8_t *swap;

		for (size_t i = 0; i < count; i++)
			place[rows[i * row_size + byte] + 1]++;
		if (place[rows[byte] + 1] == count)
			continue;
		for (int i = 1; i < 257; i++)
			place[i] += place[i - 1];
		for (size_t i = 0; i < count; i++) {
			const uint8_t *row = rows + i * row_size;

			memcpy(spare + place[row[byte]]++ * row_size, row, row_size);
		}
		swap = rows;
		rows = spare;
		spare = swap;
	}
	return rows;
}

static bool finish_table(struct compile *c, int t)
{
	struct image_table *table = &c->image->table[t];
	const struct shape *shape = &shapes[t];
	size_t row_size = shape->key_size + shape->value_size;
	uint8_t *sorted;

	table->key_size = shape->key_size;
	table->value_size = shape->value_size;
	table->count = c->rows[t].count;
	if (!table->count)
		return true;
	if (table->count > shape->most) {
		report_error(c->r, NULL, "the plan needs %zu rows in %s, this build holds at most %llu",
			     table->count, shape->name, (unsigned long long)shape->most);
		return false;
	}
	table->rows = heap_take(c->heap, table->count * row_size);
	if (!table->rows)
		return false;
	sorted = sort_rows(c->rows[t].item, table->rows, table->count, row_size, shape->key_size);
	if (sorted != table->rows)
		memcpy(table->rows, sorted, table->count * row_size);
	list_free(&c->rows[t]);
	return true;
}

bool rows_finish(struct compile *c)
{
	bool done = true;

	for (int t = 0; t < SL_TABLES; t++) {
		if (shapes[t].most)
			done &= finish_table(c, t);
	}
	return done;
}

const void *row_find(const struct image_table *table, const void *key)
{
	size_t low = 0, high = table->count, row_size = table->key_size + table->value_size;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const uint8_t *row = table->rows + middle * row_size;
		int order = memcmp(row, key, table->key_size);

		if (!order)
			return row + table->key_size;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
