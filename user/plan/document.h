/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan as one JSON document, merged from its files, without the keys that begin with `#`. Knows JSON
 * and files, nothing of what the keys mean.
 */
#ifndef SLUICE_DOCUMENT_H
#define SLUICE_DOCUMENT_H
#include <jansson.h>
#include "arena.h"
#include "origin.h"
#include "report.h"

struct document {
	json_t *root; /* an object; NULL when a file could not be read or is not JSON */
	const char *file; /* the first one */
	struct origins origins;
};

/* File names are kept in the arena. Every error of every file is reported. */
void document_read(struct document *d, const char *path, struct arena *arena, struct report *r);
void document_read_text(struct document *d, const char *name, const char *text, size_t length,
			struct arena *arena, struct report *r);
void document_free(struct document *d);

/* merge.c: adds `from` of `file` to the document; takes the reference. */
void document_merge(struct document *d, json_t *from, const char *file, struct arena *arena,
		    struct report *r);

#endif
