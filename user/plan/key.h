/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keys of a document's objects, each known by one text. Records of one kind have the same keys in the same order, so
 * each key remembers what came after it the last time: whoever reads the next one need only compare.
 */
#ifndef SLUICE_KEY_H
#define SLUICE_KEY_H
#include <stddef.h>
#include "arena.h"

/* A plan has about a hundred; what comes when there is no room left is not kept. */
#define KEYS_MOST 512

struct key {
	const char *text;
	size_t length;
	struct key *next; /* that followed it in an object; NULL: none yet */
	struct key *inner; /* the first one of an object that was its value */
};

struct keys {
	struct arena *arena;
	size_t count;
	struct key *slot[2 * KEYS_MOST];
};

/* The key of this text, which must outlive the arena and ends with a zero byte; NULL: there is no room for it. */
struct key *key_of(struct keys *keys, const char *text, size_t length);

#endif
