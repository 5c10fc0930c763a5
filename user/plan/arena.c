/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is freed all at once: see arena.h. Chunks double up to a ceiling, so that a small plan
 * costs little and a large one few calls; what does not fit a chunk gets one of its own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "arena.h"
#include "populate.h"

#define CHUNK_FIRST ((size_t)16 << 10)
#define CHUNK_LAST ((size_t)1 << 20)
#define ALIGN _Alignof(max_align_t)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	_Alignas(max_align_t) unsigned char data[];
};

/* What was allocated elsewhere and goes with the arena. */
struct arena_adopted {
	struct arena_adopted *next;
	void *memory;
};

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a)
		a->grow = CHUNK_FIRST;
	return a;
}

static struct arena_chunk *chunk_new(size_t size)
{
	struct arena_chunk *c = calloc(1, sizeof(*c) + size);

	if (!c)
		return NULL;
	if (size >= CHUNK_LAST) /* who has come so far goes on */
		populate(c, sizeof(*c) + size);
	c->size = size;
	return c;
}

void *arena_more(struct arena *a, size_t count, size_t size)
{
	struct arena_chunk *c;
	size_t bytes;
	bool own;

	if (!count || !size)
		return NULL;
	if (count > (SIZE_MAX / 2) / size) {
		a->failed = true;
		return NULL;
	}
	bytes = (count * size + ALIGN - 1) / ALIGN * ALIGN;
	own = bytes > a->grow / 2;
	c = chunk_new(own ? bytes : a->grow);
	if (!c) {
		a->failed = true;
		return NULL;
	}
	if (own && a->head) { /* keep filling the one in front */
		c->next = a->head->next;
		a->head->next = c;
		return c->data;
	}
	c->next = a->head;
	a->head = c;
	a->at = c->data + bytes;
	a->end = c->data + c->size;
	if (!own && a->grow < CHUNK_LAST)
		a->grow *= 2;
	return c->data;
}

char *arena_copy_more(struct arena *a, const char *text, size_t length)
{
	char *copy = arena_more(a, length + 1, 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

bool arena_adopt(struct arena *a, void *memory)
{
	struct arena_adopted *one = arena_alloc(a, 1, sizeof(*one));

	if (!one)
		return false;
	one->memory = memory;
	one->next = a->adopted;
	a->adopted = one;
	return true;
}

void arena_join(struct arena *a, struct arena *more)
{
	struct arena_chunk **end = a->head ? &a->head->next : &a->head;
	struct arena_adopted **last = &a->adopted;
	struct arena_chunk *rest = *end;

	*end = more->head;
	while (*end)
		end = &(*end)->next;
	*end = rest;
	while (*last)
		last = &(*last)->next;
	*last = more->adopted;
	a->failed |= more->failed;
	free(more);
}

bool arena_failed(const struct arena *a)
{
	return a->failed;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *c, *next;

	if (!a)
		return;
	for (struct arena_adopted *one = a->adopted; one; one = one->next)
		free(one->memory);
	for (c = a->head; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}
