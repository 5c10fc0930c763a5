/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A document as canonical JSON: sorted keys, no blanks, one spelling for each string. Equal plans have
 * equal text, whatever files and order they were written in.
 */
#ifndef SLUICE_CANONICAL_H
#define SLUICE_CANONICAL_H
#include <stdbool.h>
#include <stdint.h>
#include <jansson.h>
#include "arena.h"

/* NULL: no memory. */
char *canonical_text(const json_t *root, struct arena *arena);

#endif
