/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cells are kept until all widths are known. No colours, no boxes: output goes through grep and awk.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "table.h"

void table_head(struct table *table, const char *const *heads, size_t columns)
{
	memset(table, 0, sizeof(*table));
	table->columns = columns;
	for (size_t i = 0; i < columns; i++) {
		table->right[i] = heads[i][0] == '>';
		table->heads[i] = heads[i] + table->right[i];
	}
}

void table_cell(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	if (table->count == table->room && !table->lost) {
		size_t room = table->room ? table->room * 2 : 256;
		char **cells = realloc(table->cells, room * sizeof(*cells));

		if (!cells) {
			table->lost = true;
			return;
		}
		table->cells = cells;
		table->room = room;
	}
	va_start(args, format);
	if (table->lost || vasprintf(&text, format, args) < 0)
		table->lost = true;
	else
		table->cells[table->count++] = text;
	va_end(args);
}

/* Columns of a terminal, for names in UTF-8. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void print_row(const struct table *table, const char *const *cells, const size_t *widths)
{
	for (size_t i = 0; i < table->columns; i++) {
		size_t pad = widths[i] - width_of(cells[i]);
		bool last = i + 1 == table->columns;

		printf("%*s%s%*s%s", table->right[i] ? (int)pad : 0, "", cells[i],
		       table->right[i] || last ? 0 : (int)pad, "", last ? "\n" : "  ");
	}
}

bool table_print(const struct table *table)
{
	size_t widths[TABLE_COLUMNS] = { 0 };
	size_t rows = table->columns ? table->count / table->columns : 0;

	if (table->lost) {
		fprintf(stderr, "sluice: out of memory for the output\n");
		return false;
	}
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = width_of(table->heads[i]);
	for (size_t i = 0; i < rows * table->columns; i++) {
		size_t width = width_of(table->cells[i]);

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	print_row(table, table->heads, widths);
	for (size_t i = 0; i < rows; i++)
		print_row(table, (const char *const *)table->cells + i * table->columns, widths);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "sluice: cannot write the output\n");
		return false;
	}
	return true;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->count = table->room = 0;
}

struct span span_text(uint64_t milliseconds)
{
	unsigned long long s = milliseconds / 1000;
	struct span out;

	if (s < 10)
		snprintf(out.text, sizeof(out.text), "%llu.%llus", s,
			 (unsigned long long)milliseconds % 1000 / 100);
	else if (s < 60)
		snprintf(out.text, sizeof(out.text), "%llus", s);
	else if (s < 3600)
		snprintf(out.text, sizeof(out.text), "%llum%llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out.text, sizeof(out.text), "%lluh%llum", s / 3600, s / 60 % 60);
	else
		snprintf(out.text, sizeof(out.text), "%llud%lluh", s / 86400, s / 3600 % 24);
	return out;
}
