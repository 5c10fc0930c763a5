/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Columns for people: every column as wide as its widest cell.
 */
#ifndef SLUICE_TABLE_H
#define SLUICE_TABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_COLUMNS 16

struct table {
	const char *heads[TABLE_COLUMNS];
	bool right[TABLE_COLUMNS];
	size_t columns;
	char **cells; /* row after row */
	size_t count;
	size_t room;
	bool lost; /* memory ran out */
};

/* A head that begins with '>' makes a column of numbers, aligned to the right. */
void table_head(struct table *table, const char *const *heads, size_t columns);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints to stdout; false if the table or the output failed, said on stderr. */
bool table_print(const struct table *table);
void table_free(struct table *table);

struct span {
	char text[32];
};
/* 4711 ms → "4.7s", 95 s → "1m35s", 26 h → "1d2h". */
struct span span_text(uint64_t milliseconds);

#endif
