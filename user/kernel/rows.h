/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All rows of one table, copied out of the kernel in batches, for readers that print, export or count.
 * Works on read-only descriptors and without any capability. Never writes.
 */
#ifndef SLUICE_ROWS_H
#define SLUICE_ROWS_H
#include <stddef.h>
#include <stdint.h>
#include "kernel.h"

struct rows {
	uint32_t key_size;
	uint32_t value_size; /* as the kernel copies it: of a per-CPU table one value for each possible CPU */
	uint32_t cpus; /* values of a row: 1, or the number of possible CPUs */
	size_t count;
	uint8_t *keys;
	uint8_t *values;
};

/* `cpus` > 1 says that the table is per CPU. Rows that come and go meanwhile may or may not be there. */
int rows_read(struct rows *rows, int fd, uint32_t key_size, uint32_t value_size, uint32_t cpus,
	      struct trouble *t);
/* The same of a table that may have so many, and mostly has about as many: its rows are not moved to make room. */
int rows_read_most(struct rows *rows, int fd, uint32_t key_size, uint32_t value_size, size_t most,
		   struct trouble *t);
/*
 * The same rows one after the other without keeping them, for tables that may be large. Not per CPU.
 */
typedef void rows_visit(void *closure, const void *key, const void *value);
int rows_walk(int fd, uint32_t key_size, uint32_t value_size, rows_visit *visit, void *closure,
	      struct trouble *t);
/* How many rows there are; as rows_read(), and nothing is kept. */
int rows_number(int fd, uint32_t key_size, uint32_t value_size, uint32_t cpus, uint64_t *count,
		struct trouble *t);
const void *rows_key(const struct rows *rows, size_t row);
const void *rows_value(const struct rows *rows, size_t row);
/* The sum of sl_count over the CPUs. */
struct sl_count rows_count(const struct rows *rows, size_t row);
/* Orders the rows by the bytes of their keys. */
int rows_sort(struct rows *rows, struct trouble *t);
void rows_free(struct rows *rows);

/* One entry of a per-CPU array of __u64, summed. */
int rows_stat(int fd, uint32_t index, uint32_t cpus, uint64_t *sum, struct trouble *t);

#endif
