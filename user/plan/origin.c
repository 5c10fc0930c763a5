/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seams between files in the merged document: see origin.h. A hash over (holder, key), because a plan of
 * thousands of files must not become slow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "origin.h"

static size_t hash(const struct tree *holder, const char *key)
{
	uint64_t h = hash_number(0, (uintptr_t)holder);

	return (size_t)(key ? hash_text(h, key) : h);
}

/* The seam, or the free place where it belongs. */
static struct seam *find(const struct origins *o, const struct tree *holder, const char *key)
{
	size_t i = hash(holder, key) & (o->room - 1);

	for (;; i = (i + 1) & (o->room - 1)) {
		struct seam *s = &o->table[i];

		if (!s->holder)
			return s;
		if (s->holder == holder && !s->key == !key && (!key || !strcmp(s->key, key)))
			return s;
	}
}

static bool make_room(struct origins *o)
{
	struct origins bigger = { .room = o->room ? o->room * 2 : 64, .used = o->used };

	if (o->used * 2 < o->room)
		return true;
	bigger.table = calloc(bigger.room, sizeof(*bigger.table));
	if (!bigger.table)
		return false;
	for (size_t i = 0; i < o->room; i++)
		if (o->table[i].holder)
			*find(&bigger, o->table[i].holder, o->table[i].key) = o->table[i];
	free(o->table);
	*o = bigger;
	return true;
}

bool origin_add_member(struct origins *o, const struct tree *object, const char *key, const char *file,
		       const char *holder_path)
{
	struct seam *s;

	if (!make_room(o))
		return false;
	s = find(o, object, key);
	if (!s->holder)
		o->used++;
	*s = (struct seam){ .holder = object, .key = key, .file = file, .holder_path = holder_path };
	return true;
}

bool origin_add_items(struct origins *o, const struct tree *list, size_t start, const char *file,
		      const char *holder_path)
{
	struct segment *g, **end;
	struct seam *s;

	if (!make_room(o))
		return false;
	g = malloc(sizeof(*g));
	if (!g)
		return false;
	*g = (struct segment){ .start = start, .file = file, .holder_path = holder_path };
	s = find(o, list, NULL);
	if (!s->holder) {
		o->used++;
		s->holder = list;
	}
	for (end = &s->segments; *end; end = &(*end)->next)
		;
	*end = g;
	return true;
}

bool origin_copy(struct origins *o, const struct tree *holder, const struct tree *copy)
{
	for (const struct segment *g = origin_of_list(o, holder); g; g = g->next)
		if (!origin_add_items(o, copy, g->start, g->file, g->holder_path))
			return false;
	for (size_t i = 0; i < tree_members(holder); i++) {
		const struct seam *s = origin_of_member(o, holder, tree_member(holder, i)->key);

		if (s && !origin_add_member(o, copy, s->key, s->file, s->holder_path))
			return false;
	}
	return true;
}

const struct seam *origin_of_member(const struct origins *o, const struct tree *object, const char *key)
{
	const struct seam *s = o->room ? find(o, object, key) : NULL;

	return s && s->holder ? s : NULL;
}

const struct segment *origin_of_list(const struct origins *o, const struct tree *list)
{
	return o->room ? find(o, list, NULL)->segments : NULL;
}

void origins_free(struct origins *o)
{
	for (size_t i = 0; i < o->room; i++) {
		struct segment *g = o->table[i].segments, *next;

		for (; g; g = next) {
			next = g->next;
			free(g);
		}
	}
	free(o->table);
	*o = (struct origins){ 0 };
}
