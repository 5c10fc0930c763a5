/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan as one JSON document, merged from its files, without the keys that begin with `#`. Knows JSON
 * and files, nothing of what the keys mean.
 */
#ifndef SLUICE_DOCUMENT_H
#define SLUICE_DOCUMENT_H
#include "arena.h"
#include "origin.h"
#include "report.h"

/* What a file says. */
struct text {
	struct text *next;
	char *data; /* ends with a zero byte */
	size_t length;
	size_t checked; /* so many of its first bytes were seen when they were read, and none is zero */
};

struct document {
	struct tree *root; /* an object; NULL when a file could not be read or is not JSON */
	const char *file; /* the first one */
	struct arena
		*nodes; /* of the tree, and of what states make of it: the origins know parts by address */
	struct text *texts; /* that the tree's strings stand in */
	struct origins origins;
};

/* File names are kept in the arena. Every error of every file is reported. */
void document_read(struct document *d, const char *path, struct arena *arena, struct report *r);
void document_read_text(struct document *d, const char *name, const char *text, size_t length,
			struct arena *arena, struct report *r);
void document_free(struct document *d);

/*
 * patch.c: the document as the state `name` makes it, or, where it has none of that name, as it is. It shares with the
 * document what is equal; the document keeps and owns it. NULL: no memory.
 */
const struct tree *document_in_state(struct document *d, const char *name, struct arena *arena,
				     struct report *r);

/* merge.c: adds `from` of `file`, a tree in `nodes`, to the document. */
void document_merge(struct document *d, struct tree *from, const char *file, struct arena *arena,
		    struct report *r);

#endif
