/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which file a part of the merged document came from. Only the seams are kept: a member that another file
 * than the object's own added, and where in a list the items of the next file begin. Everything below a
 * seam belongs to its file. A plan of one file has no seams and costs nothing.
 */
#ifndef SLUICE_ORIGIN_H
#define SLUICE_ORIGIN_H
#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

/* Items of a merged list from `start` up to the next segment's start. */
struct segment {
	size_t start;
	const char *file;
	struct segment *next;
};

struct seam {
	const json_t *holder; /* the object or list; NULL: free */
	const char *key; /* of an object's member; NULL for a list */
	const char *file; /* of an object's member */
	struct segment *segments; /* of a list */
};

struct origins {
	struct seam *table; /* open addressing */
	size_t room; /* power of two, or 0 */
	size_t used;
};

/* File names and keys must outlive the origins; false: no memory. */
bool origin_add_member(struct origins *o, const json_t *object, const char *key, const char *file);
bool origin_add_items(struct origins *o, const json_t *list, size_t start, const char *file);
/* NULL: the holder's own file. */
const char *origin_of_member(const struct origins *o, const json_t *object, const char *key);
const struct segment *origin_of_list(const struct origins *o, const json_t *list);
void origins_free(struct origins *o);

#endif
