/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is wrong with a plan. Everything that reads or reasons about a plan adds findings here and goes
 * on, so that the user sees all of them at once. It never prints and never exits.
 */
#ifndef SLUICE_REPORT_H
#define SLUICE_REPORT_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Findings kept; more are counted only, so that a file of nonsense cannot eat the memory. */
#define REPORT_KEPT 10000

struct finding {
	bool warning;
	char *text; /* "FILE: $.json.path: what is wrong, what was expected" */
};

struct report {
	struct finding *findings;
	size_t count;
	size_t errors; /* also those beyond REPORT_KEPT */
	size_t warnings;
	bool lost; /* memory ran out while noting a finding; counts as an error */
};

/* `where` is a place in a plan, see plan.h; NULL for findings without a place, a NULL path for a whole file. */
struct place;

void report_error(struct report *r, const struct place *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_warning(struct report *r, const struct place *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_note(struct report *r, bool warning, const struct place *where, const char *format,
		 va_list arguments) __attribute__((format(printf, 4, 0)));
bool report_failed(const struct report *r);
/* One line each, errors and warnings in the order they were found; warnings begin with "warning: ". */
void report_print(const struct report *r, FILE *to);
/* The findings of `more` behind those of `r`, as if they had been found there; `more` is empty then. */
void report_join(struct report *r, struct report *more);
void report_free(struct report *r);

#endif
