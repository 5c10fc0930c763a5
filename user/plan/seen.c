/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A set of keys with open addressing: see seen.h. It never grows, since every caller knows how many keys
 * there can be.
 */
#include <stdbool.h>
#include <string.h>
#include "hash.h"
#include "seen.h"

struct seen_entry {
	struct seen_key key;
	size_t index;
};

/* Eight bytes, so that the slots of 100,000 keys fit into a cache; only a key with an equal tag is looked at. */
struct seen_slot {
	uint32_t tag;
	uint32_t entry; /* plus one; 0: free */
};

struct seen seen_new(struct arena *arena, size_t most)
{
	struct seen s = { .room = 16 };

	while (s.room < most * 2)
		s.room *= 2;
	s.slot = arena_alloc(arena, s.room, sizeof(*s.slot));
	s.entry = arena_alloc(arena, most ? most : 1, sizeof(*s.entry));
	if (!s.slot || !s.entry || most >= UINT32_MAX)
		s.room = 0;
	return s;
}

static uint64_t hash(struct seen_key key)
{
	return hash_number(hash_number(key.text ? hash_text(0, key.text) : 0, key.a), key.b);
}

uint32_t seen_hash(struct seen_key key)
{
	uint32_t h = (uint32_t)hash(key);

	return h ? h : 1;
}

static bool equal(const struct seen_key *a, const struct seen_key *b)
{
	return a->a == b->a && a->b == b->b && !a->text == !b->text &&
	       (!a->text || !strcmp(a->text, b->text));
}

static struct seen_slot *find(const struct seen *s, struct seen_key key)
{
	uint64_t h = hash(key);
	uint32_t tag = (uint32_t)(h >> 32);

	for (size_t i = h & (s->room - 1);; i = (i + 1) & (s->room - 1)) {
		struct seen_slot *slot = &s->slot[i];

		if (slot->entry && (slot->tag != tag || !equal(&s->entry[slot->entry - 1].key, &key)))
			continue;
		slot->tag = tag;
		return slot;
	}
}

size_t seen_add(struct seen *s, struct seen_key key, size_t index)
{
	struct seen_slot *slot;

	if (!s->room)
		return SIZE_MAX;
	slot = find(s, key);
	if (slot->entry)
		return s->entry[slot->entry - 1].index;
	s->entry[s->count++] = (struct seen_entry){ key, index };
	slot->entry = (uint32_t)s->count;
	return SIZE_MAX;
}

size_t seen_find(const struct seen *s, struct seen_key key)
{
	const struct seen_slot *slot = s->room ? find(s, key) : NULL;

	return slot && slot->entry ? s->entry[slot->entry - 1].index : SIZE_MAX;
}
