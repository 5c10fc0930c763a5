/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text of one scrape: a buffer that grows, and the escaping that the Prometheus text format asks for.
 * Knows neither tables nor HTTP.
 */
#ifndef SLUICE_PAGE_H
#define SLUICE_PAGE_H
#include <stdbool.h>
#include <stddef.h>

struct page {
	char *text;
	size_t length;
	size_t room;
	bool lost; /* memory ran out: the page must not be sent */
};

void page_print(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* HELP and TYPE lines; `type` is "counter", "gauge" or "histogram". */
void page_family(struct page *page, const char *name, const char *type, const char *help);
/* name="value" with backslash, quote and newline escaped; control bytes and bad UTF-8 become '?'. */
void page_label(struct page *page, const char *name, const char *value);
struct spread;
/* The lines of one histogram in seconds; `labels` has been printed with page_label() and commas. */
void page_histogram(struct page *page, const char *name, const struct page *labels,
		    const struct spread *spread);
void page_free(struct page *page);

#endif
