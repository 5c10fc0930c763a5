/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of findings: see report.h. Texts quote what users wrote, so they are made safe to print here,
 * once: a finding is always one line of printable UTF-8.
 */
#include <stdlib.h>
#include <string.h>
#include "plan.h"

/* Length of the UTF-8 sequence that begins at s, 0 if it is broken (a quote may have cut it). */
static size_t sequence(const unsigned char *s)
{
	size_t length = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static void make_printable(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t length = sequence(s);

		/* Control characters, also the C1 ones that steer terminals. */
		if (!length || *s < 0x20 || *s == 0x7f || (length == 2 && *s == 0xc2 && s[1] < 0xa0)) {
			*s++ = '?';
			while (length-- > 1)
				*s++ = '?';
			continue;
		}
		s += length;
	}
}

static char *render(const struct place *where, const char *what)
{
	char *text = NULL;
	int done;

	if (!where)
		done = asprintf(&text, "%s", what);
	else if (!where->path)
		done = asprintf(&text, "%s: %s", where->file, what);
	else
		done = asprintf(&text, "%s: %s: %s", where->file, where->path, what);
	if (done < 0)
		return NULL;
	make_printable(text);
	return text;
}

/* Room for one more: the array doubles whenever the count reaches 16, 32, 64… */
static bool grow(struct report *r)
{
	size_t room = r->count ? r->count * 2 : 16;
	struct finding *more;

	if (r->count & (r->count - 1) || (r->count && r->count < 16))
		return true;
	more = realloc(r->findings, room * sizeof(*more));
	if (!more)
		return false;
	r->findings = more;
	return true;
}

void report_note(struct report *r, bool warning, const struct place *where, const char *format,
		 va_list arguments)
{
	char *what = NULL, *text = NULL;

	if (warning)
		r->warnings++;
	else
		r->errors++;
	if (r->count >= REPORT_KEPT)
		return;
	if (vasprintf(&what, format, arguments) < 0) {
		r->lost = true;
		return;
	}
	text = render(where, what);
	free(what);
	if (!text || !grow(r)) {
		free(text);
		r->lost = true;
		return;
	}
	r->findings[r->count].warning = warning;
	r->findings[r->count++].text = text;
}

void report_error(struct report *r, const struct place *where, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_note(r, false, where, format, arguments);
	va_end(arguments);
}

void report_warning(struct report *r, const struct place *where, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_note(r, true, where, format, arguments);
	va_end(arguments);
}

bool report_failed(const struct report *r)
{
	return r->errors || r->lost;
}

void report_print(const struct report *r, FILE *to)
{
	for (size_t i = 0; i < r->count; i++)
		fprintf(to, "%s%s\n", r->findings[i].warning ? "warning: " : "", r->findings[i].text);
	if (r->errors + r->warnings > r->count)
		fprintf(to, "and %zu findings more\n", r->errors + r->warnings - r->count);
	if (r->lost)
		fprintf(to, "out of memory while reading the plan\n");
}

void report_join(struct report *r, struct report *more)
{
	r->errors += more->errors;
	r->warnings += more->warnings;
	r->lost |= more->lost;
	for (size_t i = 0; i < more->count && r->count < REPORT_KEPT; i++) {
		if (!grow(r)) {
			r->lost = true;
			break;
		}
		r->findings[r->count++] = more->findings[i];
		more->findings[i].text = NULL;
	}
	report_free(more);
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->findings[i].text);
	free(r->findings);
	*r = (struct report){ 0 };
}
