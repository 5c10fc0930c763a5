/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is wrong with a plan. Everything that reads or reasons about a plan adds findings here and goes
 * on, so that the user sees all of them at once. It never prints and never exits.
 */
#ifndef SLUICE_REPORT_H
#define SLUICE_REPORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct finding {
	bool warning;
	char *text; /* "FILE: $.json.path: what is wrong, what was expected" */
};

struct report {
	struct finding *findings;
	size_t count;
	size_t errors;
	size_t warnings;
	bool lost; /* memory ran out while noting a finding; counts as an error */
};

/* `where` is a place in a plan: see place_*() in plan.h. NULL for findings without a place. */
struct place;

void report_error(struct report *r, const struct place *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_warning(struct report *r, const struct place *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool report_failed(const struct report *r);
/* One line each, errors and warnings in the order they were found; warnings begin with "warning: ". */
void report_print(const struct report *r, FILE *to);
void report_free(struct report *r);

#endif
