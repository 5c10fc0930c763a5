/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Equal bytes get equal numbers, counted from 1 in the order in which they are first seen. Names, label
 * values, sets of selectors, types and port sets are all compared by such a number.
 */
#ifndef SLUICE_INTERN_H
#define SLUICE_INTERN_H
#include <stddef.h>
#include <stdint.h>

struct intern {
	uint8_t *bytes;
	size_t used;
	size_t room;
	struct intern_entry *entries; /* index = number - 1 */
	size_t count;
	size_t entry_room;
	uint32_t *slots; /* open addressing; a number, 0: free */
	size_t slot_count;
};

/* The number of these bytes, a new one if they are new; 0 when memory is out. */
uint32_t intern(struct intern *table, const void *bytes, size_t length);
uint32_t intern_name(struct intern *table, const char *name);
/* 0: never seen. */
uint32_t intern_find(const struct intern *table, const void *bytes, size_t length);
uint32_t intern_find_name(const struct intern *table, const char *name);
/* Valid until the next intern(); aligned to 8. */
const void *intern_bytes(const struct intern *table, uint32_t number, size_t *length);
void intern_free(struct intern *table);

#endif
