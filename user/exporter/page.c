/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names in labels come from the plan, which people write: every byte that could end the label or the
 * line is escaped here and nowhere else.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kernel/spread.h"
#include "page.h"

#define PAGE_FIRST 16384U

static bool page_room(struct page *page, size_t more)
{
	size_t room = page->room ? page->room : PAGE_FIRST;
	char *text;

	if (page->lost)
		return false;
	while (room - page->length <= more)
		room *= 2;
	if (room == page->room)
		return true;
	text = realloc(page->text, room);
	if (!text) {
		page->lost = true;
		return false;
	}
	page->text = text;
	page->room = room;
	return true;
}

void page_print(struct page *page, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0 || !page_room(page, (size_t)length)) {
		page->lost = true;
		return;
	}
	va_start(args, format);
	vsnprintf(page->text + page->length, page->room - page->length, format, args);
	va_end(args);
	page->length += (size_t)length;
}

static void page_byte(struct page *page, char byte)
{
	if (!page_room(page, 1))
		return;
	page->text[page->length++] = byte;
	page->text[page->length] = 0;
}

/* HELP text escapes backslash and newline only. */
void page_family(struct page *page, const char *name, const char *type, const char *help)
{
	page_print(page, "# HELP %s ", name);
	for (const char *c = help; *c; c++) {
		if (*c == '\\' || *c == '\n')
			page_byte(page, '\\');
		page_byte(page, *c == '\n' ? 'n' : *c);
	}
	page_print(page, "\n# TYPE %s %s\n", name, type);
}

/* Bytes of the UTF-8 sequence that starts here; 0 if it is none. */
static size_t utf8_length(const unsigned char *s)
{
	size_t length = s[0] < 0x80		      ? 1
			: s[0] >= 0xc2 && s[0] < 0xe0 ? 2
			: (s[0] & 0xf0) == 0xe0	      ? 3
			: s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						      : 0;

	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

void page_label(struct page *page, const char *name, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	page_print(page, "%s=\"", name);
	while (*s) {
		size_t length = utf8_length(s);

		if (*s == '\\' || *s == '"') {
			page_byte(page, '\\');
			page_byte(page, (char)*s++);
		} else if (*s == '\n') {
			page_print(page, "\\n");
			s++;
		} else if (!length || *s < 0x20 || *s == 0x7f) {
			page_byte(page, '?');
			s++;
		} else {
			while (length--)
				page_byte(page, (char)*s++);
		}
	}
	page_byte(page, '"');
}

void page_histogram(struct page *page, const char *name, const struct page *labels,
		    const struct spread *spread)
{
	uint64_t count = 0;

	if (labels->lost || !labels->text) {
		page->lost = true;
		return;
	}
	for (size_t i = 0; i < spread->buckets; i++) {
		count += spread->bucket[i];
		if (i + 1 < spread->buckets)
			page_print(page, "%s_bucket{%s,le=\"%g\"} %llu\n", name, labels->text,
				   (double)spread->bound_us[i] / 1e6, (unsigned long long)count);
		else
			page_print(page, "%s_bucket{%s,le=\"+Inf\"} %llu\n", name, labels->text,
				   (unsigned long long)count);
	}
	page_print(page, "%s_sum{%s} %.6f\n", name, labels->text, (double)spread->sum_us / 1e6);
	page_print(page, "%s_count{%s} %llu\n", name, labels->text, (unsigned long long)count);
}

void page_free(struct page *page)
{
	free(page->text);
	page->text = NULL;
	page->length = page->room = 0;
}
