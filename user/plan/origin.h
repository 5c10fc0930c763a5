/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which file a part of the merged document came from. Only the seams are kept: a member that another file
 * than the object's own added, and where in a list the items of the next file begin. Everything below a
 * seam belongs to its file. A plan of one file has no seams and costs nothing. What a state of the plan has put
 * in stands elsewhere in its file: its seam also tells where.
 */
#ifndef SLUICE_ORIGIN_H
#define SLUICE_ORIGIN_H
#include <stdbool.h>
#include <stddef.h>
#include "tree.h"

/* Items of a merged list from `start` up to the next segment's start. */
struct segment {
	size_t start;
	const char *file;
	const char *holder_path; /* of the list that was written; NULL: this one */
	struct segment *next;
};

struct seam {
	const struct tree *holder; /* the object or list; NULL: free */
	const char *key; /* of an object's member; NULL for a list */
	const char *file; /* of an object's member */
	const char *holder_path; /* of the object that was written with the member; NULL: this one */
	struct segment *segments; /* of a list */
};

struct origins {
	struct seam *table; /* open addressing */
	size_t room; /* power of two, or 0 */
	size_t used;
};

/* File names, paths and keys must outlive the origins; false: no memory. */
bool origin_add_member(struct origins *o, const struct tree *object, const char *key, const char *file,
		       const char *holder_path);
bool origin_add_items(struct origins *o, const struct tree *list, size_t start, const char *file,
		      const char *holder_path);
/* `copy` holds what `holder` does: its seams as well. */
bool origin_copy(struct origins *o, const struct tree *holder, const struct tree *copy);
/* NULL: the holder's own file. Good until something is added. */
const struct seam *origin_of_member(const struct origins *o, const struct tree *object, const char *key);
const struct segment *origin_of_list(const struct origins *o, const struct tree *list);
void origins_free(struct origins *o);

#endif
