/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Maglev's table, with weights. Each backend wants the slots in an order of its own, which follows from its
 * address and nothing else; in turns, each takes the first one of its order that is free. A backend of
 * less than the largest weight sits out turns. See Eisenbud et al., "Maglev", NSDI 2016, 3.4.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "maglev.h"

/* The finalizer of splitmix64: every bit of the address moves every bit of the result. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static int by_address(const void *a, const void *b)
{
	const struct maglev_backend *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static void take_slot(struct maglev_backend *b, uint32_t *slots, uint32_t size)
{
	uint32_t at = b->at, skip = b->skip;

	while (slots[at]) {
		at += skip;
		if (at >= size)
			at -= size;
	}
	slots[at] = b->address;
	b->at = at;
}

void maglev_fill(struct maglev_backend *backends, size_t count, uint32_t *slots, uint32_t size)
{
	uint64_t largest = 0;
	uint32_t taken = 0;
	bool even = true; /* nobody sits out */

	qsort(backends, count, sizeof(*backends), by_address);
	for (size_t i = 0; i < count; i++) {
		uint64_t hash = mix(backends[i].address);

		backends[i].at = (uint32_t)(hash >> 32) % size;
		backends[i].skip = (uint32_t)hash % (size - 1) + 1;
		backends[i].due = 0; /* in the first turn everybody: no backend is without a slot */
		even &= backends[i].weight == backends[0].weight;
		if (backends[i].weight > largest)
			largest = backends[i].weight;
	}
	memset(slots, 0, size * sizeof(*slots));
	while (even && taken < size)
		for (size_t i = 0; i < count && taken < size; i++, taken++)
			take_slot(&backends[i], slots, size);
	for (uint64_t turn = 1; taken < size; turn++) {
		for (size_t i = 0; i < count && taken < size; i++) {
			struct maglev_backend *b = &backends[i];

			if (turn * b->weight < b->due)
				continue;
			/* Half a turn early or late, so that shares are rounded, not raised. */
			b->due = b->due ? b->due + largest : largest + largest / 2;
			take_slot(b, slots, size);
			taken++;
		}
	}
}
