/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open addressing with linear probing, at most three quarters full. Rows go only all at once, by moving the others into
 * a fresh array or within the old one, so nothing has to mark where rows were.
 */
#include <stdlib.h>
#include <string.h>
#include "index.h"

#define ROOM_FIRST 256U

static uint64_t key_of(const void *key)
{
	uint64_t bytes;

	memcpy(&bytes, key, sizeof(bytes));
	return bytes;
}

/* The last step of splitmix64: every bit of the key moves every bit of the place. */
static size_t place_of(uint64_t key, size_t room)
{
	key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9ULL;
	key = (key ^ key >> 27) * 0x94d049bb133111ebULL;
	return (size_t)(key ^ key >> 31) & (room - 1);
}

/* The key's row, or the free one where it belongs. There always is a free one. */
static struct index_row *find_place(struct index_row *row, size_t room, uint64_t key)
{
	size_t at = place_of(key, room);

	while (row[at].key && row[at].key != key)
		at = (at + 1) & (room - 1);
	return &row[at];
}

struct index_row *index_find(const struct index *index, const void *key)
{
	struct index_row *row = index->room ? find_place(index->row, index->room, key_of(key)) : NULL;

	return row && row->key ? row : NULL;
}

static bool resize(struct index *index, size_t room)
{
	struct index_row *fresh = calloc(room, sizeof(*fresh));

	if (!fresh)
		return false;
	index_each(row, index) * find_place(fresh, room, row->key) = *row;
	free(index->row);
	index->row = fresh;
	index->room = room;
	return true;
}

struct index_row *index_put(struct index *index, const void *key)
{
	struct index_row *row = index_find(index, key);

	if (row)
		return row;
	if ((index->count + 1) * 4 > index->room * 3 &&
	    !resize(index, index->room ? index->room * 2 : ROOM_FIRST))
		return NULL;
	row = find_place(index->row, index->room, key_of(key));
	memset(row, 0, sizeof(*row));
	row->key = key_of(key);
	index->count++;
	return row;
}

/*
 * Puts every row where it is found, after some of them have gone. `start` was free before that: no row's way from its
 * own place leads past it, so each row meets only rows that are settled already.
 */
static void settle(struct index *index, size_t start)
{
	for (size_t i = 1; i < index->room; i++) {
		struct index_row *row = &index->row[(start + i) & (index->room - 1)];
		struct index_row moved = *row;

		if (!moved.key)
			continue;
		row->key = 0;
		*find_place(index->row, index->room, moved.key) = moved;
	}
}

void index_keep(struct index *index, index_keeps *keep, void *closure)
{
	size_t before = index->count, start = 0;

	while (start < index->room && index->row[start].key)
		start++;
	index_each(row, index)
	{
		if (keep(closure, row))
			continue;
		row->key = 0;
		index->count--;
	}
	if (index->count == before)
		return;
	settle(index, start);
	if (index->room > ROOM_FIRST && index->count * 8 < index->room)
		resize(index, index->room / 2);
}

void index_free(struct index *index)
{
	free(index->row);
	memset(index, 0, sizeof(*index));
}
