/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hash table from bytes to small numbers, see intern.h. The numbers depend on the order of the calls
 * only, never on addresses or on the hash, so that equal input gives equal numbers.
 */
#include <stdlib.h>
#include <string.h>
#include "intern.h"

struct intern_entry {
	size_t offset;
	size_t length;
	uint64_t hash;
};

/* Eight bytes at a time. */
static uint64_t hash_bytes(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t hash = length, word;

	for (; length >= sizeof(word); length -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	word = 0;
	for (size_t i = 0; i < length; i++)
		word = word << 8 | at[i];
	hash = (hash ^ word) * 0xd6e8feb86659fd93ULL;
	return hash ^ hash >> 32;
}

static size_t find_slot(const struct intern *table, const void *bytes, size_t length, uint64_t hash)
{
	size_t slot = hash & (table->slot_count - 1);

	for (; table->slots[slot]; slot = (slot + 1) & (table->slot_count - 1)) {
		const struct intern_entry *entry = &table->entries[table->slots[slot] - 1];

		if (entry->hash == hash && entry->length == length &&
		    (!length || !memcmp(table->bytes + entry->offset, bytes, length)))
			break;
	}
	return slot;
}

static int grow_slots(struct intern *table)
{
	size_t count = table->slot_count ? table->slot_count * 2 : 64;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return -1;
	free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	for (size_t i = 0; i < table->count; i++) {
		size_t slot = table->entries[i].hash & (count - 1);

		while (slots[slot])
			slot = (slot + 1) & (count - 1);
		slots[slot] = (uint32_t)i + 1;
	}
	return 0;
}

static int grow_entries(struct intern *table, size_t length)
{
	if (table->count == table->entry_room) {
		size_t room = table->entry_room ? table->entry_room * 2 : 32;
		struct intern_entry *grown = realloc(table->entries, room * sizeof(*grown));

		if (!grown)
			return -1;
		table->entries = grown;
		table->entry_room = room;
	}
	if (table->room - table->used < length) {
		size_t room = table->room ? table->room * 2 : 1024;
		uint8_t *grown;

		while (room - table->used < length)
			room *= 2;
		grown = realloc(table->bytes, room);
		if (!grown)
			return -1;
		table->bytes = grown;
		table->room = room;
	}
	return 0;
}

uint32_t intern(struct intern *table, const void *bytes, size_t length)
{
	size_t padded = (length + 7) & ~(size_t)7;
	uint64_t hash = hash_bytes(bytes, length);
	struct intern_entry *entry;
	size_t slot;

	if (table->count * 2 >= table->slot_count && grow_slots(table))
		return 0;
	slot = find_slot(table, bytes, length, hash);
	if (table->slots[slot])
		return table->slots[slot];
	if (table->count == UINT32_MAX - 1 || grow_entries(table, padded))
		return 0;
	entry = &table->entries[table->count++];
	entry->offset = table->used;
	entry->length = length;
	entry->hash = hash;
	if (length)
		memcpy(table->bytes + table->used, bytes, length);
	table->used += padded;
	table->slots[slot] = (uint32_t)table->count;
	return table->slots[slot];
}

uint32_t intern_name(struct intern *table, const char *name)
{
	return intern(table, name, strlen(name));
}

uint32_t intern_find(const struct intern *table, const void *bytes, size_t length)
{
	if (!table->slot_count)
		return 0;
	return table->slots[find_slot(table, bytes, length, hash_bytes(bytes, length))];
}

uint32_t intern_find_name(const struct intern *table, const char *name)
{
	return name ? intern_find(table, name, strlen(name)) : 0;
}

const void *intern_bytes(const struct intern *table, uint32_t number, size_t *length)
{
	const struct intern_entry *entry = &table->entries[number - 1];

	*length = entry->length;
	return table->bytes ? (const void *)(table->bytes + entry->offset) : "";
}

void intern_free(struct intern *table)
{
	free(table->bytes);
	free(table->entries);
	free(table->slots);
	memset(table, 0, sizeof(*table));
}
