/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is about to be filled from end to end is asked for at once: page by page, as it is touched, each costs a
 * trip into the kernel, half as much again as finding the page. A hint only: a kernel older than 5.14 does not know it.
 */
#ifndef SLUICE_POPULATE_H
#define SLUICE_POPULATE_H
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* What it holds stays as it is. */
static inline void populate(void *memory, size_t size)
{
#ifdef MADV_POPULATE_WRITE
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)memory;
	uintptr_t first = (at + page - 1) & ~(page - 1), end = (at + size) & ~(page - 1);

	if (first < end)
		(void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
#else
	(void)memory;
	(void)size;
#endif
}

#endif
