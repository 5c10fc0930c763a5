/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file on its way to replace one of the state directory, which happens in one step or not at all. What it holds comes
 * piece by piece: it may be many megabytes, of which nobody needs to have all in memory.
 */
#ifndef SLUICE_ASIDE_H
#define SLUICE_ASIDE_H
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include "../kernel/kernel.h"

struct aside {
	char path[PATH_MAX];
	char fresh[PATH_MAX]; /* beside it */
	size_t same; /* with so much `path` begins as well */
	int fd; /* of the fresh one, or of `path`; -1: closed, or there is none */
	bool written; /* the fresh one is there; else `path` holds all of it so far */
};

/* An error of one of these leaves nothing there, and nothing to call any more. */
int aside_begin(struct aside *a, const char *dir, const char *name, struct trouble *t);
int aside_write(struct aside *a, const char *text, size_t length, struct trouble *t);
/* Whole and on disk beside DIR/NAME. */
int aside_end(struct aside *a, struct trouble *t);
/* Becomes DIR/NAME, or is gone. */
int aside_put(struct aside *a, const char *dir, struct trouble *t);
/* Is gone. */
void aside_drop(struct aside *a);

#endif
