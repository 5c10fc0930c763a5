/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One line for the user about what went wrong, and remarks about what went other than asked. Nothing
 * here prints: the caller does, once.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernel.h"

int trouble(struct trouble *t, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t->text, sizeof(t->text), format, args);
	va_end(args);
	return error;
}

/* A remark that finds no memory is lost: it is never worth failing for. */
void note(struct notes *notes, const char *format, ...)
{
	char **line = realloc(notes->line, (notes->count + 1) * sizeof(*line));
	va_list args;

	if (!line)
		return;
	notes->line = line;
	va_start(args, format);
	if (vasprintf(&line[notes->count], format, args) >= 0)
		notes->count++;
	va_end(args);
}

void notes_free(struct notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		free(notes->line[i]);
	free(notes->line);
	notes->line = NULL;
	notes->count = 0;
}
