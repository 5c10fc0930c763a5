/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rings: see rings.h. Whoever adds one learns where it begins; who is in it is written down for later.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "maglev.h"
#include "rings.h"

struct ring {
	uint32_t first;
	uint32_t size;
	size_t turn; /* of c->ring_turns, as many */
	size_t turns;
};

struct ring_row {
	uint32_t key;
	struct sl_slot slot;
};

bool ring_add(struct compile *c, const struct list *turns, uint32_t size, uint32_t *first)
{
	struct maglev_backend *turn;
	struct ring *ring;

	c->rings.size = sizeof(struct ring);
	c->ring_turns.size = sizeof(struct maglev_backend);
	ring = list_add(&c->rings, 1);
	turn = list_add(&c->ring_turns, turns->count);
	if (!ring || !turn)
		return false;
	memcpy(turn, turns->item, turns->count * sizeof(*turn));
	*ring = (struct ring){ .first = c->ring_slots,
			       .size = size,
			       .turn = c->ring_turns.count - turns->count,
			       .turns = turns->count };
	*first = c->ring_slots;
	c->ring_slots += size;
	return true;
}

/* Whoever has nothing else to do takes the next ring. */
static void *fill(void *argument)
{
	struct rings_work *work = argument;
	struct maglev_backend *turns = work->c->ring_turns.item;
	const struct ring *rings = work->c->rings.item;
	uint32_t *slots = work->slots + (size_t)work->largest * atomic_fetch_add(&work->workers, 1);

	for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < work->c->rings.count;) {
		const struct ring *ring = &rings[i];
		struct ring_row *row = (struct ring_row *)work->rows + ring->first;

		if (ring->size == 1)
			slots[0] = turns[ring->turn].address;
		else
			maglev_fill(turns + ring->turn, ring->turns, slots, ring->size);
		for (uint32_t k = 0; k < ring->size; k++) {
			row[k].key = ring->first + k;
			row[k].slot.addr = htonl(slots[k]);
		}
	}
	return NULL;
}

bool rings_begin(struct compile *c, struct rings_work *work)
{
	const struct ring *ring = c->rings.item;

	*work = (struct rings_work){ .c = c };
	if (!c->rings.count)
		return true;
	for (size_t i = 0; i < c->rings.count; i++)
		work->largest = ring[i].size > work->largest ? ring[i].size : work->largest;
	work->slots = calloc(2 * (size_t)work->largest, sizeof(*work->slots));
	work->rows = rows_place(c, SL_TABLE_sl_ring, c->ring_slots);
	if (!work->slots || !work->rows)
		return false;
	work->started = !pthread_create(&work->thread, NULL, fill, work);
	return true;
}

void rings_wait(struct rings_work *work)
{
	if (work->slots && work->rows)
		fill(work);
	if (work->started)
		pthread_join(work->thread, NULL);
	free(work->slots);
	*work = (struct rings_work){ 0 };
}
