/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many items in the order of a number each, in a time that grows with how many they are and not faster.
 */
#ifndef SLUICE_IMAGE_ORDER_H
#define SLUICE_IMAGE_ORDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Ascending by `key`; those with equal keys by `rest`, as qsort() takes it, NULL: they stay as they were. False: memory
 * is out, and they are in the order that they were in.
 */
bool order_by(void *items, size_t count, size_t size, uint64_t (*key)(const void *item),
	      int (*rest)(const void *a, const void *b));

#endif
