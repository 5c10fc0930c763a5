/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings as they stand in JSON text, between quotes, by RFC 8259 in UTF-8. The text ends with a zero byte.
 */
#ifndef SLUICE_QUOTED_H
#define SLUICE_QUOTED_H
#include "arena.h"

/* Moves behind plain characters: to a quote, a backslash, or what must not stand in a string. `end`: of the text. */
char *quoted_plain(char *s, const char *end);
/*
 * What the string means that begins at `start` and has an escape at `at`; *behind: the text behind its quote. NULL: it
 * is no string, or memory is out.
 */
const char *quoted_unescape(const char *start, char *at, const char *end, struct arena *arena, char **behind);

#endif
