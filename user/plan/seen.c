/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A set of keys with open addressing: see seen.h. It never grows, since every caller knows how many keys
 * there can be.
 */
#include <string.h>
#include "seen.h"

struct seen_entry {
	struct seen_key key;
	size_t index; /* plus one; 0: free */
};

struct seen seen_new(struct arena *arena, size_t most)
{
	struct seen s = { .room = 16 };

	while (s.room < most * 2)
		s.room *= 2;
	s.entry = arena_alloc(arena, s.room, sizeof(*s.entry));
	if (!s.entry)
		s.room = 0;
	return s;
}

static size_t hash(struct seen_key key)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (const char *s = key.text; s && *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	h = (h ^ key.a) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 29 ^ key.b) * 0xbf58476d1ce4e5b9ULL;
	return (size_t)(h ^ h >> 32);
}

static struct seen_entry *find(const struct seen *s, struct seen_key key)
{
	size_t i = hash(key) & (s->room - 1);

	for (;; i = (i + 1) & (s->room - 1)) {
		struct seen_entry *e = &s->entry[i];

		if (!e->index)
			return e;
		if (e->key.a == key.a && e->key.b == key.b && !e->key.text == !key.text &&
		    (!key.text || !strcmp(e->key.text, key.text)))
			return e;
	}
}

size_t seen_add(struct seen *s, struct seen_key key, size_t index)
{
	struct seen_entry *e;

	if (!s->room)
		return SIZE_MAX;
	e = find(s, key);
	if (e->index)
		return e->index - 1;
	e->key = key;
	e->index = index + 1;
	return SIZE_MAX;
}

size_t seen_find(const struct seen *s, struct seen_key key)
{
	return s->room ? find(s, key)->index - 1 : SIZE_MAX;
}
