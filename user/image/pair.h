/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pairs of types and what was decided for them, on their way into rows of sl_pair.
 */
#ifndef SLUICE_IMAGE_PAIR_H
#define SLUICE_IMAGE_PAIR_H
#include "compile.h"

/* What some clauses say. */
struct decided {
	struct decision said[2]; /* of classes whose labels are equal: 1; that differ or are absent: 0 */
	bool split; /* a clause asks for equal labels */
	uint32_t speaker; /* the clause that makes the rows */
};

/* A type that something is said of, seen from another one. */
struct type_pair {
	uint32_t to;
	uint32_t decided; /* number + 1 */
};

struct type_pairs {
	uint32_t *start; /* by the type they lead from, as in struct buckets */
	struct list item; /* struct type_pair */
	struct list decided; /* struct decided */
};

/*
 * The rows of sl_pair, all of them and in their order: they take their place in the image, and are written beside the
 * stages to come until pairs_wait(). `pairs` is taken out of the caller's hands if it returns true.
 */
bool pairs_begin(struct compile *c, struct type_pairs *pairs);
/* Always to be called, before anybody reads the rows. *digest is theirs, unless there are none. */
void pairs_wait(struct compile *c, struct digest *digest);

#endif
