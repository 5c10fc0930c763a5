/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the compiler, see heap.h. Blocks are large so that 100,000 labels do not become 100,000
 * allocations. It must never give out memory that is not zero: rows are compared byte by byte.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "heap.h"

#define BLOCK_BYTES 65536
#define ALIGNED(n) (((n) + 15) & ~(size_t)15)

/* What was allocated elsewhere and goes with the heap. */
struct adopted {
	struct adopted *next;
	void *memory;
};

struct heap_block {
	struct heap_block *next;
	size_t pad; /* keeps what follows aligned to 16 */
};

void *heap_take(struct heap *heap, size_t size)
{
	size_t want = ALIGNED(size ? size : 1);
	size_t room = want > BLOCK_BYTES ? want : BLOCK_BYTES;
	struct heap_block *block;
	void *taken;

	if (want < size)
		return NULL;
	if (!heap->blocks || heap->room - heap->used < want) {
		block = calloc(1, sizeof(*block) + room);
		if (!block)
			return NULL;
		block->next = heap->blocks;
		heap->blocks = block;
		heap->room = room;
		heap->used = 0;
	}
	taken = (uint8_t *)(heap->blocks + 1) + heap->used;
	heap->used += want;
	return taken;
}

char *heap_format(struct heap *heap, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return NULL;
	text = heap_take(heap, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

void *heap_adopt(struct heap *heap, void *memory)
{
	struct adopted *one = heap_take(heap, sizeof(*one));

	if (!one)
		return NULL;
	one->memory = memory;
	one->next = heap->adopted;
	heap->adopted = one;
	return memory;
}

void heap_free(struct heap *heap)
{
	/* They are listed in the blocks. */
	for (; heap->adopted; heap->adopted = heap->adopted->next)
		free(heap->adopted->memory);
	while (heap->blocks) {
		struct heap_block *next = heap->blocks->next;

		free(heap->blocks);
		heap->blocks = next;
	}
	heap->used = heap->room = 0;
}

static bool set_room(struct list *list, size_t room)
{
	void *grown;

	if (room > SIZE_MAX / 2 / list->size)
		return false;
	grown = realloc(list->item, room * list->size);
	if (!grown)
		return false;
	list->item = grown;
	list->room = room;
	return true;
}

void *list_add(struct list *list, size_t n)
{
	size_t room = list->room ? list->room : 64;
	uint8_t *at;

	while (room - list->count < n)
		room *= 2;
	if (room != list->room && !set_room(list, room))
		return NULL;
	at = (uint8_t *)list->item + list->count * list->size;
	memset(at, 0, n * list->size);
	list->count += n;
	return at;
}

bool list_reserve(struct list *list, size_t n)
{
	return list->room - list->count >= n || set_room(list, list->count + n);
}

void list_free(struct list *list)
{
	free(list->item);
	list->item = NULL;
	list->count = list->room = 0;
}
