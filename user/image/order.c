/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Radix sort of the keys, least byte first, each with the place of its item; the items are moved once, at the end. A byte
 * that is the same in all keys costs nothing.
 */
#include <stdlib.h>
#include <string.h>
#include "order.h"

struct keyed {
	uint64_t key;
	size_t at;
};

/* The sorted ones end up in the returned array, which is one of the two. */
static struct keyed *sort_keys(struct keyed *from, struct keyed *to, size_t count)
{
	uint64_t differing = 0;

	for (size_t i = 1; i < count; i++)
		differing |= from[i].key ^ from[0].key;
	for (int shift = 0; shift < 64; shift += 8) {
		size_t place[256] = { 0 }, next = 0;
		struct keyed *swap = from;

		if (!(differing >> shift & 0xff))
			continue;
		for (size_t i = 0; i < count; i++)
			place[from[i].key >> shift & 0xff]++;
		for (int i = 0; i < 256; i++) {
			size_t here = place[i];

			place[i] = next;
			next += here;
		}
		for (size_t i = 0; i < count; i++)
			to[place[from[i].key >> shift & 0xff]++] = from[i];
		from = to;
		to = swap;
	}
	return from;
}

/* Items with equal keys stand side by side. */
static void sort_rest(uint8_t *items, const struct keyed *keys, size_t count, size_t size,
		      int (*rest)(const void *a, const void *b))
{
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && keys[end].key == keys[i].key; end++)
			;
		if (end - i > 1)
			qsort(items + i * size, end - i, size, rest);
	}
}

bool order_by(void *items, size_t count, size_t size, uint64_t (*key)(const void *item),
	      int (*rest)(const void *a, const void *b))
{
	struct keyed *keys, *sorted;
	uint8_t *item = items, *copy;
	bool right = true;

	if (count < 2)
		return true;
	keys = calloc(2 * count, sizeof(*keys));
	copy = malloc(count * size);
	if (!keys || !copy) {
		free(keys);
		free(copy);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		keys[i] = (struct keyed){ .key = key(item + i * size), .at = i };
		right &= !i || keys[i].key >= keys[i - 1].key;
	}
	sorted = right ? keys : sort_keys(keys, keys + count, count);
	if (!right) {
		memcpy(copy, items, count * size);
		for (size_t i = 0; i < count; i++)
			memcpy(item + i * size, copy + sorted[i].at * size, size);
	}
	if (rest)
		sort_rest(item, sorted, count, size, rest);
	free(keys);
	free(copy);
	return true;
}
