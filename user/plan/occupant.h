/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has an address: the first workload with it in each VPC. Addresses that lie side by side are looked for one after
 * the other more often than not, so they lie side by side here too.
 */
#ifndef SLUICE_OCCUPANT_H
#define SLUICE_OCCUPANT_H
#include <stddef.h>
#include <stdint.h>
#include "arena.h"

struct occupied;
struct occupants {
	struct occupied *slot;
	uint32_t *vpc; /* of each workload that was added */
	size_t room; /* slots, a power of two; 0: nothing is remembered */
};

/* For the workloads of index 0 to most - 1. */
struct occupants occupants_new(struct arena *arena, size_t most);
/* The workload that has the address already, or SIZE_MAX: this one has it from now on. */
size_t occupants_add(struct occupants *o, size_t vpc, uint32_t address, size_t workload);
/* The workload that has the address, or SIZE_MAX. */
size_t occupants_find(const struct occupants *o, size_t vpc, uint32_t address);

#endif
