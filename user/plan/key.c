/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of keys with open addressing: see key.h.
 */
#include <string.h>
#include "hash.h"
#include "key.h"

struct key *key_of(struct keys *keys, const char *text, size_t length)
{
	const size_t room = sizeof(keys->slot) / sizeof(keys->slot[0]);
	size_t i = hash_bytes(0, text, length) % room;
	struct key *key;

	for (; keys->slot[i]; i = (i + 1) % room)
		if (keys->slot[i]->length == length && !memcmp(keys->slot[i]->text, text, length))
			return keys->slot[i];
	key = keys->count < KEYS_MOST ? arena_alloc(keys->arena, 1, sizeof(*key)) : NULL;
	if (!key)
		return NULL;
	*key = (struct key){ .text = text, .length = length };
	keys->count++;
	keys->slot[i] = key;
	return key;
}
