/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shape of each table, from maps/tables.def, for code that treats all tables alike.
 */
#ifndef SLUICE_SHAPE_H
#define SLUICE_SHAPE_H
#include <stdbool.h>
#include <stdint.h>
#include "../../maps/fill.h"

struct shape {
	const char *name;
	bool plan; /* one inner map for each generation; else a state table */
	uint32_t type; /* BPF_MAP_TYPE_*, of the inner map for a plan table */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t size; /* ceiling of a plan table, size of a state table */
	uint32_t flags;
};

extern const struct shape shapes[SL_TABLES];

#endif
