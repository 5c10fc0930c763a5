/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the compiler: a heap that is freed as a whole (everything an image owns), and growing lists
 * for what is only needed while compiling. Both say NULL when memory is out; nothing here exits.
 */
#ifndef SLUICE_HEAP_H
#define SLUICE_HEAP_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct heap_block;
struct adopted;
struct heap {
	struct heap_block *blocks;
	struct adopted *adopted;
	size_t used;
	size_t room;
};

/* Zeroed. */
void *heap_take(struct heap *heap, size_t size);
/* Frees with the heap what malloc() gave; returns it. NULL: no memory, it stays the caller's. */
void *heap_adopt(struct heap *heap, void *memory);
char *heap_format(struct heap *heap, const char *format, ...) __attribute__((format(printf, 2, 3)));
void heap_free(struct heap *heap);

/* `size` is the size of one item; set it before the first use. Items move when the list grows. */
struct list {
	void *item;
	size_t count;
	size_t room;
	size_t size;
};

/* Adds n zeroed items and returns the first of them. */
void *list_add(struct list *list, size_t n);
/* Makes room for n more, so that adding them costs no copy. */
bool list_reserve(struct list *list, size_t n);
void list_free(struct list *list);

#endif
