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
#include <string.h>

struct arena {
	unsigned char *at; /* zeroed memory from here... */
	unsigned char *end; /* ...to here; strings are taken from this end, as they need no alignment */
	struct arena_chunk *head; /* the one being filled */
	struct arena_adopted *adopted;
	size_t grow;
	bool failed;
};

struct arena *arena_new(void);
/* As arena_alloc(), when there is no room left in the chunk. */
void *arena_more(struct arena *a, size_t count, size_t size);
char *arena_copy_more(struct arena *a, const char *text, size_t length);

/* `count` zeroed items; NULL when memory is short (arena_failed() stays true) or when count is 0. */
static inline void *arena_alloc(struct arena *a, size_t count, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	size_t room = (size_t)(a->end - a->at), bytes;
	void *given = a->at;

	if (__builtin_mul_overflow(count, size, &bytes) || !bytes || bytes > room ||
	    (bytes = (bytes + align - 1) / align * align) > room)
		return arena_more(a, count, size);
	a->at += bytes;
	return given;
}

/* A copy of the first `length` bytes of text with a NUL behind it. */
static inline char *arena_copy(struct arena *a, const char *text, size_t length)
{
	if (length >= (size_t)(a->end - a->at))
		return arena_copy_more(a, text, length);
	a->end -= length + 1;
	memcpy(a->end, text, length);
	return (char *)a->end;
}

/* Frees with the arena what malloc() gave. False: no memory, it stays the caller's. */
bool arena_adopt(struct arena *a, void *memory);
/* All that `more` gave out goes with `a`; `more` is no arena any longer. */
void arena_join(struct arena *a, struct arena *more);
/* Whether any allocation failed, so that callers may check once at the end. */
bool arena_failed(const struct arena *a);
void arena_free(struct arena *a);

#endif
