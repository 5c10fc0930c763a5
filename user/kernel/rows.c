/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Batches of a hash table go bucket by bucket, so a table that changes while it is read can neither send
 * the reader round in circles nor end the reading early, as walking from key to key would.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "rows.h"

#define FIRST_BATCH 4096U

static int rows_grow(struct rows *rows, size_t room)
{
	uint8_t *keys = realloc(rows->keys, room * rows->key_size);

	if (!keys)
		return -ENOMEM;
	rows->keys = keys;

	uint8_t *values = realloc(rows->values, room * rows->value_size);

	if (!values)
		return -ENOMEM;
	rows->values = values;
	return 0;
}

static struct rows shape(uint32_t key_size, uint32_t value_size, uint32_t cpus)
{
	return (struct rows){ .key_size = key_size,
			      .cpus = cpus > 1 ? cpus : 1,
			      .value_size = cpus > 1 ? (value_size + 7) / 8 * 8 * cpus : value_size };
}

/* `most`: rows that there is room for from the beginning. */
static int read_expecting(struct rows *rows, int fd, uint32_t key_size, uint32_t value_size, uint32_t cpus,
			  size_t most, struct trouble *t)
{
	uint8_t token[2][64] = { { 0 } }; /* an opaque place in the table, at least as large as a key */
	uint32_t batch = FIRST_BATCH;
	unsigned int turn = 0;
	size_t room = 0;
	int error;

	*rows = shape(key_size, value_size, cpus);
	if (key_size > sizeof(token[0]))
		return trouble(t, -EINVAL, "a key of %u bytes is longer than any table's", key_size);

	for (;;) {
		uint32_t got = batch;

		if (room < rows->count + batch) {
			room = rows->count + batch > room * 2 ? rows->count + batch : room * 2;
			room = room < most + batch ? most + batch : room;
			error = rows_grow(rows, room);
			if (error) {
				trouble(t, error, "out of memory for %zu rows of a table", room);
				goto failed;
			}
		}
		error = bpf_map_lookup_batch(fd, turn ? token[(turn - 1) & 1] : NULL, token[turn & 1],
					     rows->keys + rows->count * key_size,
					     rows->values + rows->count * rows->value_size, &got, NULL);
		if (error == -ENOSPC && batch < 1U << 24) {
			batch *= 4; /* one bucket held more than the batch */
			continue;
		}
		if (error && error != -ENOENT) {
			trouble(t, error, "cannot read a table: %s", strerror(-error));
			goto failed;
		}
		rows->count += got;
		turn++;
		if (error == -ENOENT)
			return 0;
	}
failed:
	rows_free(rows);
	return error;
}

int rows_read(struct rows *rows, int fd, uint32_t key_size, uint32_t value_size, uint32_t cpus,
	      struct trouble *t)
{
	return read_expecting(rows, fd, key_size, value_size, cpus, 0, t);
}

int rows_read_most(struct rows *rows, int fd, uint32_t key_size, uint32_t value_size, size_t most,
		   struct trouble *t)
{
	return read_expecting(rows, fd, key_size, value_size, 1, most, t);
}

static int walk(struct rows *batch, uint32_t room, int fd, rows_visit *visit, void *closure,
		struct trouble *t)
{
	uint8_t token[2][64] = { { 0 } };
	unsigned int turn = 0;
	int error = 0;

	while (error != -ENOENT) {
		uint32_t got = room;

		error = bpf_map_lookup_batch(fd, turn ? token[(turn - 1) & 1] : NULL, token[turn & 1],
					     batch->keys, batch->values, &got, NULL);
		if (error == -ENOSPC && room < 1U << 24) {
			room *= 4;
			error = rows_grow(batch, room);
			if (error)
				return trouble(t, error, "out of memory for %u rows of a table", room);
			continue;
		}
		if (error && error != -ENOENT)
			return trouble(t, error, "cannot read a table: %s", strerror(-error));
		for (batch->count = 0; batch->count < got; batch->count++)
			visit(closure, rows_key(batch, batch->count), rows_value(batch, batch->count));
		turn++;
	}
	return 0;
}

static int walk_table(int fd, uint32_t key_size, uint32_t value_size, uint32_t cpus, rows_visit *visit,
		      void *closure, struct trouble *t)
{
	struct rows batch = shape(key_size, value_size, cpus);
	int error;

	if (key_size > 64)
		return trouble(t, -EINVAL, "a key of %u bytes is longer than any table's", key_size);
	error = rows_grow(&batch, FIRST_BATCH);
	if (error)
		trouble(t, error, "out of memory for %u rows of a table", FIRST_BATCH);
	else
		error = walk(&batch, FIRST_BATCH, fd, visit, closure, t);
	rows_free(&batch);
	return error;
}

int rows_walk(int fd, uint32_t key_size, uint32_t value_size, rows_visit *visit, void *closure,
	      struct trouble *t)
{
	return walk_table(fd, key_size, value_size, 1, visit, closure, t);
}

static void number_row(void *count, const void *key, const void *value)
{
	(void)key;
	(void)value;
	++*(uint64_t *)count;
}

int rows_number(int fd, uint32_t key_size, uint32_t value_size, uint32_t cpus, uint64_t *count,
		struct trouble *t)
{
	*count = 0;
	return walk_table(fd, key_size, value_size, cpus, number_row, count, t);
}

const void *rows_key(const struct rows *rows, size_t row)
{
	return rows->keys + row * rows->key_size;
}

const void *rows_value(const struct rows *rows, size_t row)
{
	return rows->values + row * rows->value_size;
}

struct sl_count rows_count(const struct rows *rows, size_t row)
{
	const struct sl_count *one = rows_value(rows, row);
	struct sl_count sum = { 0 };

	for (uint32_t cpu = 0; cpu < rows->cpus; cpu++) {
		sum.packets += one[cpu].packets;
		sum.bytes += one[cpu].bytes;
	}
	return sum;
}

static int key_order(const void *a, const void *b, void *size)
{
	return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, *(const uint32_t *)size);
}

int rows_sort(struct rows *rows, struct trouble *t)
{
	const uint8_t **order = NULL;
	uint8_t *keys = NULL, *values = NULL;

	if (rows->count < 2)
		return 0;
	order = calloc(rows->count, sizeof(*order));
	keys = calloc(rows->count, rows->key_size);
	values = calloc(rows->count, rows->value_size);
	if (!order || !keys || !values) {
		free(order);
		free(keys);
		free(values);
		return trouble(t, -ENOMEM, "out of memory for sorting %zu rows", rows->count);
	}
	for (size_t i = 0; i < rows->count; i++)
		order[i] = rows_key(rows, i);
	qsort_r(order, rows->count, sizeof(*order), key_order, &rows->key_size);
	for (size_t i = 0; i < rows->count; i++) {
		size_t from = (size_t)(order[i] - rows->keys) / rows->key_size;

		memcpy(keys + i * rows->key_size, order[i], rows->key_size);
		memcpy(values + i * rows->value_size, rows_value(rows, from), rows->value_size);
	}
	free(order);
	free(rows->keys);
	free(rows->values);
	rows->keys = keys;
	rows->values = values;
	return 0;
}

void rows_free(struct rows *rows)
{
	free(rows->keys);
	free(rows->values);
	rows->keys = NULL;
	rows->values = NULL;
	rows->count = 0;
}

int rows_stat(int fd, uint32_t index, uint32_t cpus, uint64_t *sum, struct trouble *t)
{
	uint64_t *value = calloc(cpus ? cpus : 1, sizeof(*value));
	int error = -ENOMEM;

	*sum = 0;
	if (!value)
		return trouble(t, error, "out of memory for a counter of %u CPUs", cpus);
	/* Of a version before that did not know it, nothing was counted. */
	error = bpf_map_lookup_elem(fd, &index, value) && errno != ENOENT ? -errno : 0;
	if (error)
		trouble(t, error, "cannot read counter %u: %s", index, strerror(-error));
	else
		for (uint32_t cpu = 0; cpu < cpus; cpu++)
			*sum += value[cpu];
	free(value);
	return error;
}
