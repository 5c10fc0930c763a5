/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers found by a table's key of eight bytes: what the agent remembers of ports, workloads and EIPs between
 * passes. Grows as it fills. Knows no table, no clock, no system call but for memory.
 */
#ifndef SLUICE_INDEX_H
#define SLUICE_INDEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_NUMBERS 4

struct index_row {
	uint64_t key; /* the eight bytes; 0: free, as no table's key is all zero */
	uint32_t number[INDEX_NUMBERS];
};

struct index {
	struct index_row *row;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

/* NULL: it is not there. Good until the next index_put() or index_keep(). */
struct index_row *index_find(const struct index *index, const void *key);
/* The row, made of zeros if it was not there; NULL: no memory. */
struct index_row *index_put(struct index *index, const void *key);
/* Drops the rows that `keep` says false to. It shrinks if it can; no memory for that is no matter. */
typedef bool index_keeps(void *closure, struct index_row *row);
void index_keep(struct index *index, index_keeps *keep, void *closure);
/* Calls for each row. */
#define index_each(row_, index_)                                                                             \
	for (struct index_row *row_ = (index_)->row; row_ < (index_)->row + (index_)->room; row_++)          \
		if (row_->key)
void index_free(struct index *index);

#endif
