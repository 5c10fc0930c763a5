/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A document as canonical JSON: sorted keys, no blanks, one spelling for each string. Equal plans have
 * equal text, whatever files and order they were written in.
 */
#ifndef SLUICE_CANONICAL_H
#define SLUICE_CANONICAL_H
#include <stdbool.h>
#include <stdint.h>
#include "arena.h"
#include "plan.h"
#include "tree.h"

/* Hands it on block by block: of a large plan it takes as long to find memory for the text as to write it. False: no
 * memory, and what was handed on is not whole. */
bool canonical_write(const struct tree *root, const struct copy *copy);
/* Freed with the arena. NULL: no memory. */
char *canonical_text(const struct tree *root, struct arena *arena);

#endif
