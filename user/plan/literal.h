/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers and words as they stand in JSON text, by RFC 8259. The text ends with a zero byte.
 */
#ifndef SLUICE_LITERAL_H
#define SLUICE_LITERAL_H
#include "tree.h"

/* The value that stands at `at`; returns the text behind it. NULL: it is none, or a number beyond 64 bits. */
char *literal_read(char *at, struct tree *value);

#endif
