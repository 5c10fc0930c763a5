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

/* Lives as long as the image. */
struct rings {
	struct ring *ring;
	size_t count;
	struct maglev_backend *turns; /* filling sorts them and writes into them */
	size_t turn_count;
	uint32_t slots;
	struct digest digest; /* of all this, as it was given */
};

_Static_assert(sizeof(struct ring) == 2 * sizeof(uint32_t) + 2 * sizeof(size_t), "no padding in the digest");
_Static_assert(sizeof(struct maglev_backend) == 4 * sizeof(uint32_t) + sizeof(uint64_t), "nor here");

struct ring_row {
	uint32_t key;
	struct sl_slot slot;
};

static int by_address(const void *a, const void *b)
{
	const struct maglev_backend *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

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
	for (size_t i = 0; i < turns->count; i++) {
		const struct maglev_backend *given = (const struct maglev_backend *)turns->item + i;

		/* The digest speaks of nothing but these two. */
		turn[i] = (struct maglev_backend){ .address = given->address, .weight = given->weight };
	}
	/* Whatever the order in the plan: the rows do not depend on it, each address being there once. */
	qsort(turn, turns->count, sizeof(*turn), by_address);
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
	const struct rings *rings = work->rings;
	uint32_t *slots = work->slots + (size_t)work->largest * atomic_fetch_add(&work->workers, 1);

	for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < rings->count;) {
		const struct ring *ring = &rings->ring[i];
		struct ring_row *row = (struct ring_row *)work->rows + ring->first;

		if (ring->size == 1)
			slots[0] = rings->turns[ring->turn].address;
		else
			maglev_fill(rings->turns + ring->turn, ring->turns, slots, ring->size);
		for (uint32_t k = 0; k < ring->size; k++) {
			row[k].key = ring->first + k;
			row[k].slot.addr = htonl(slots[k]);
		}
	}
	return NULL;
}

static struct digest digest_of(const struct rings *rings)
{
	const struct {
		struct digest ring;
		struct digest turns;
		uint64_t slots;
	} all = { digest_rows(rings->ring, rings->count, sizeof(*rings->ring), 0),
		  digest_rows(rings->turns, rings->turn_count, sizeof(*rings->turns), 0), rings->slots };

	return digest_rows(&all, 1, sizeof(all), 0);
}

/* Takes what was added out of the compiler's hands. NULL: no memory. */
static struct rings *rings_keep(struct compile *c)
{
	struct rings *rings = heap_take(c->heap, sizeof(*rings));

	if (!rings)
		return NULL;
	rings->count = c->rings.count;
	rings->turn_count = c->ring_turns.count;
	rings->slots = c->ring_slots;
	rings->ring = heap_adopt(c->heap, c->rings.item);
	if (!rings->ring)
		return NULL;
	c->rings = (struct list){ 0 };
	rings->turns = heap_adopt(c->heap, c->ring_turns.item);
	if (!rings->turns)
		return NULL;
	c->ring_turns = (struct list){ 0 };
	rings->digest = digest_of(rings);
	return rings;
}

/* `rows` is NULL where there was no memory for them. */
static bool fill_begin(struct rings_work *work, struct rings *rings, uint8_t *rows)
{
	*work = (struct rings_work){ .rings = rings, .rows = rows, .largest = 1 };
	for (size_t i = 0; i < rings->count; i++)
		work->largest = rings->ring[i].size > work->largest ? rings->ring[i].size : work->largest;
	work->slots = calloc(2 * (size_t)work->largest, sizeof(*work->slots));
	if (!work->slots || !work->rows)
		return false;
	work->started = !pthread_create(&work->thread, NULL, fill, work);
	return true;
}

bool rings_begin(struct compile *c, struct rings_work *work)
{
	*work = (struct rings_work){ 0 };
	if (!c->rings.count)
		return true;
	c->image->rings = rings_keep(c);
	if (!c->image->rings)
		return false;
	if (c->lean)
		return rows_later(c, SL_TABLE_sl_ring, c->ring_slots);
	return fill_begin(work, c->image->rings, rows_place(c, SL_TABLE_sl_ring, c->ring_slots));
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

struct digest rings_digest(const struct rings *rings)
{
	return rings ? rings->digest : (struct digest){ { 0, 0 } };
}

bool image_rows_wait(const struct image *image, int table, struct digest *from)
{
	const struct image_table *at = &image->table[table];

	if (at->rows || !at->count)
		return false;
	*from = rings_digest(image->rings);
	return true;
}

bool image_rows(const struct image *image, int table, struct image_table *whole)
{
	struct rings_work work;
	struct digest unused;
	size_t size;
	bool done;

	*whole = image->table[table];
	if (!image_rows_wait(image, table, &unused))
		return true;
	size = whole->count * (whole->key_size + whole->value_size);
	whole->rows = malloc(size);
	done = fill_begin(&work, image->rings, whole->rows);
	rings_wait(&work);
	if (!done)
		image_rows_free(image, table, whole);
	return done;
}

void image_rows_free(const struct image *image, int table, struct image_table *whole)
{
	if (whole->rows != image->table[table].rows)
		free(whole->rows);
	whole->rows = NULL;
}
