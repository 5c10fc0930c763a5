/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is freed all at once. A plan is thousands of small strings and arrays with one lifetime;
 * an arena keeps them close together and makes forgetting one impossible. It never moves what it gave
 * out and never frees a part.
 */
#ifndef SLUICE_ARENA_H
#define SLUICE_ARENA_H
#include <stdbool.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* `count` zeroed items; NULL when memory is short (arena_failed() stays true) or when count is 0. */
void *arena_alloc(struct arena *a, size_t count, size_t size);
/* A copy of the first `length` bytes of text with a NUL behind it. */
char *arena_copy(struct arena *a, const char *text, size_t length);
/* Frees with the arena what malloc() gave. False: no memory, it stays the caller's. */
bool arena_adopt(struct arena *a, void *memory);
/* All that `more` gave out goes with `a`; `more` is no arena any longer. */
void arena_join(struct arena *a, struct arena *more);
/* Whether any allocation failed, so that callers may check once at the end. */
bool arena_failed(const struct arena *a);
void arena_free(struct arena *a);

#endif
