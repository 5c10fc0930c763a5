/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of addresses with open addressing: see occupant.h. It never grows.
 */
#include "hash.h"
#include "occupant.h"

/* Addresses that share all but so many bits are neighbours in the table, within two lines of a cache. */
#define NEAR 4

struct occupied {
	uint32_t address;
	uint32_t workload; /* plus one; 0: free */
};

struct occupants occupants_new(struct arena *arena, size_t most)
{
	struct occupants o = { .room = 1 << NEAR };

	while (o.room < most * 2)
		o.room *= 2;
	o.slot = arena_alloc(arena, o.room, sizeof(*o.slot));
	o.vpc = arena_alloc(arena, most ? most : 1, sizeof(*o.vpc));
	if (!o.slot || !o.vpc || most >= UINT32_MAX)
		o.room = 0;
	return o;
}

static struct occupied *find(const struct occupants *o, uint32_t vpc, uint32_t address)
{
	uint64_t start = hash_number(hash_number(0, vpc), address >> NEAR) << NEAR;

	for (size_t i = (start | (address & ((1 << NEAR) - 1))) & (o->room - 1);;
	     i = (i + 1) & (o->room - 1)) {
		struct occupied *slot = &o->slot[i];

		if (!slot->workload || (slot->address == address && o->vpc[slot->workload - 1] == vpc))
			return slot;
	}
}

size_t occupants_add(struct occupants *o, size_t vpc, uint32_t address, size_t workload)
{
	struct occupied *slot;

	if (!o->room)
		return SIZE_MAX;
	slot = find(o, (uint32_t)vpc, address);
	if (slot->workload)
		return slot->workload - 1;
	*slot = (struct occupied){ address, (uint32_t)workload + 1 };
	o->vpc[workload] = (uint32_t)vpc;
	return SIZE_MAX;
}

size_t occupants_find(const struct occupants *o, size_t vpc, uint32_t address)
{
	const struct occupied *slot = o->room ? find(o, (uint32_t)vpc, address) : NULL;

	return slot && slot->workload ? slot->workload - 1 : SIZE_MAX;
}
