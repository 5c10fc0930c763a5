/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of the image: rows are gathered in any order and sorted by the bytes of their keys at the end, so
 * that equal plans give equal bytes whatever order the stages work in; those of arrays by their index.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"

struct shape {
	const char *name;
	uint32_t key_size;
	uint32_t value_size;
	uint64_t most; /* 0: a state table, not ours */
	bool array; /* its keys are indexes */
};

#define SL_PLAN(name, type, key, value, most, flags)                                                         \
	[SL_TABLE_##name] = { #name, sizeof(key), sizeof(value), most, (type) == BPF_MAP_TYPE_ARRAY },
#define SL_STATE(name, type, key, value, most, flags) [SL_TABLE_##name] = { #name, 0, 0, 0, false },
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

void *rows_add(struct compile *c, int table, size_t count)
{
	c->rows[table].size = shapes[table].key_size + shapes[table].value_size;
	return list_add(&c->rows[table], count);
}

bool row_add(struct compile *c, int table, const void *key, const void *value)
{
	const struct shape *shape = &shapes[table];
	uint8_t *row = rows_add(c, table, 1);

	if (!row)
		return false;
	memcpy(row, key, shape->key_size);
	memcpy(row + shape->key_size, value, shape->value_size);
	return true;
}

/* The byte of the key that the sort looks at, byte 0 being what weighs most: of an index by its value. */
static uint8_t digit(const struct shape *shape, const uint8_t *row, size_t byte)
{
	uint32_t index;

	if (!shape->array)
		return row[byte];
	memcpy(&index, row, sizeof(index));
	return (uint8_t)(index >> 8 * (sizeof(index) - 1 - byte));
}

static bool in_order(const struct shape *shape, const uint8_t *rows, size_t count, size_t row_size)
{
	for (size_t i = 1; i < count; i++) {
		const uint8_t *row = rows + i * row_size;
		uint32_t before, index;

		if (!shape->array && memcmp(row - row_size, row, shape->key_size) > 0)
			return false;
		if (!shape->array)
			continue;
		memcpy(&before, row - row_size, sizeof(before));
		memcpy(&index, row, sizeof(index));
		if (before > index)
			return false;
	}
	return true;
}

/*
 * Radix sort, last byte of the key first; stable, linear, and a byte that is the same in every row costs
 * one look. `spare` is as large as `rows`; the sorted rows end up in the returned one.
 */
static uint8_t *sort_rows(const struct shape *shape, uint8_t *rows, uint8_t *spare, size_t count,
			  size_t row_size)
{
	for (size_t byte = shape->key_size; byte-- > 0;) {
		size_t place[257] = { 0 };
		uint8_t *swap;

		for (size_t i = 0; i < count; i++)
			place[digit(shape, rows + i * row_size, byte) + 1]++;
		if (place[digit(shape, rows, byte) + 1] == count)
			continue;
		for (int i = 1; i < 257; i++)
			place[i] += place[i - 1];
		for (size_t i = 0; i < count; i++) {
			const uint8_t *row = rows + i * row_size;

			memcpy(spare + place[digit(shape, row, byte)]++ * row_size, row, row_size);
		}
		swap = rows;
		rows = spare;
		spare = swap;
	}
	return rows;
}

static bool too_many(struct compile *c, int t, size_t count)
{
	if (count <= shapes[t].most)
		return false;
	report_error(c->r, NULL, "the plan needs %zu rows in %s, this build holds at most %llu", count,
		     shapes[t].name, (unsigned long long)shapes[t].most);
	return true;
}

void *rows_place(struct compile *c, int t, size_t count)
{
	struct image_table *table = &c->image->table[t];
	size_t size = count * (shapes[t].key_size + shapes[t].value_size);
	void *rows = too_many(c, t, count) ? NULL : malloc(size);

	if (!rows || !heap_adopt(c->heap, rows)) {
		free(rows);
		return NULL;
	}
	table->count = count;
	table->rows = rows;
	return rows;
}

bool rows_later(struct compile *c, int t, size_t count)
{
	if (too_many(c, t, count))
		return false;
	c->image->table[t].count = count;
	return true;
}

static bool finish_table(struct compile *c, int t)
{
	struct image_table *table = &c->image->table[t];
	const struct shape *shape = &shapes[t];
	size_t row_size = shape->key_size + shape->value_size;
	uint8_t *rows, *spare, *sorted;

	table->key_size = shape->key_size;
	table->value_size = shape->value_size;
	if (table->count) /* rows_place(), rows_later() */
		return true;
	table->count = c->rows[t].count;
	if (!table->count)
		return true;
	if (too_many(c, t, table->count))
		return false;
	rows = c->rows[t].item;
	if (!in_order(shape, rows, table->count, row_size)) { /* some are */
		spare = malloc(table->count * row_size);
		if (!spare)
			return false;
		sorted = sort_rows(shape, rows, spare, table->count, row_size);
		free(sorted == rows ? spare : rows);
		c->rows[t].item = sorted;
	}
	table->rows = heap_adopt(c->heap, c->rows[t].item);
	if (!table->rows)
		return false;
	c->rows[t] = (struct list){ 0 };
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
