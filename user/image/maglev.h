/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Maglev: a table of slots in which every backend has its share, so that a hash picks a backend, and so
 * that one backend more or less moves little else. Pure arithmetic: equal backends give equal tables, on
 * every node and in whatever order the plan lists them.
 */
#ifndef SLUICE_MAGLEV_H
#define SLUICE_MAGLEV_H
#include <stddef.h>
#include <stdint.h>

struct maglev_backend {
	uint32_t address; /* not 0, each once */
	uint32_t weight; /* not 0 */
	/* the table's own */
	uint32_t at; /* the slot it would take next */
	uint32_t skip;
	uint64_t due; /* the turn, times the largest weight, that it waits for */
};

/* Fills all `size` slots with addresses. `size` is a prime not below `count`, `count` not 0. Sorts. */
void maglev_fill(struct maglev_backend *backends, size_t count, uint32_t *slots, uint32_t size);

#endif
