/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rings of services and SNAT rules in sl_ring. There may be millions of slots, so they are filled beside what is left
 * to do for the image, by a thread of their own; what comes out does not depend on it. Of a lean image they are filled
 * when somebody needs them, or never: the rows follow from where each ring begins, its size, and who is in it with which
 * weight, and from nothing else.
 */
#ifndef SLUICE_IMAGE_RINGS_H
#define SLUICE_IMAGE_RINGS_H
#include <pthread.h>
#include <stdatomic.h>
#include "compile.h"

/* Those in `turns` (struct maglev_backend, not none) share `size` slots, a prime or 1; `first` is where they begin. */
bool ring_add(struct compile *c, const struct list *turns, uint32_t size, uint32_t *first);

struct rings_work {
	struct rings *rings;
	uint8_t *rows;
	uint32_t *slots; /* room for the largest ring, for each of two workers */
	uint32_t largest;
	atomic_size_t next;
	atomic_size_t workers;
	pthread_t thread;
	bool started;
};

/* All are added: the table takes its place in the image, and is filled until rings_wait(), which always has to be called. */
bool rings_begin(struct compile *c, struct rings_work *work);
void rings_wait(struct rings_work *work);
/* Zero: there are none. */
struct digest rings_digest(const struct rings *rings);

#endif
