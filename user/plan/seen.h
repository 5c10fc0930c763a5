/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding what stands twice: a set of keys that remembers who brought each key first. Duplicates of a
 * plan of 100,000 workloads are found in one pass and reported in the order of the plan.
 */
#ifndef SLUICE_SEEN_H
#define SLUICE_SEEN_H
#include <stddef.h>
#include <stdint.h>
#include "arena.h"

/* Two numbers and a text, each optional; the text must outlive the set. */
struct seen_key {
	uint64_t a;
	uint64_t b;
	const char *text;
};

struct seen_entry;
struct seen_slot;
struct seen {
	struct seen_entry *entry; /* in the order they came */
	struct seen_slot *slot;
	size_t count;
	size_t room; /* slots, a power of two; 0: nothing is remembered */
};

/* Never 0. */
uint32_t seen_hash(struct seen_key key);
/* For up to `most` keys. */
struct seen seen_new(struct arena *arena, size_t most);
/* The index that brought the key first, or SIZE_MAX after remembering this one. */
size_t seen_add(struct seen *s, struct seen_key key, size_t index);
/* The index that brought the key, or SIZE_MAX. */
size_t seen_find(const struct seen *s, struct seen_key key);

#endif
