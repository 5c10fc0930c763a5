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
#include "tree.h"

/* To be given to free(). NULL: no memory. `likely`: as long as it may well become; 0: not known. */
char *canonical_write(const struct tree *root, size_t likely);
/* Freed with the arena. */
char *canonical_text(const struct tree *root, struct arena *arena);

#endif
