/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What packets leave behind in tables that count, so that two ways of getting there can be compared: rows by key, those
 * of all CPUs summed.
 */
#ifndef PACKET_ROWS_H
#define PACKET_ROWS_H
#include "bench.h"

#define ROWS 96 /* of a table that packets write here */
#define COUNTED 7 /* tables */

struct rows {
	size_t count;
	uint8_t key[ROWS][32];
	uint64_t word[ROWS][8];
};

struct tally {
	struct rows table[COUNTED];
	uint64_t line_packets, lines_filled; /* not among the others: what the cache does is its own */
};

void rows_collect(struct bench *b, enum sl_table_id table, size_t words, struct rows *to);
/* Everything that counts packets, flows apart. */
void tally_collect(struct bench *b, struct tally *to);
/* Both the same? Says what is not. */
void rows_same(struct bench *b, const char *what, const struct rows *without, const struct rows *with);
void tally_same(struct bench *b, const struct tally *without, const struct tally *with);

#endif
