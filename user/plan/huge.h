/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Large memory in large pages. A plan of 100,000 workloads takes 150 MiB once through: 40,000 pages of 4 KiB, each a trip
 * into the kernel that costs as much as what is then done with it. A hint only: a kernel that has no large pages, or
 * is told not to give any out, gives small ones.
 */
#ifndef SLUICE_HUGE_H
#define SLUICE_HUGE_H
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)

/* For memory that was just allocated and not yet touched. */
static inline void huge_advise(void *memory, size_t size)
{
	uintptr_t first = ((uintptr_t)memory + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	uintptr_t end = ((uintptr_t)memory + size) & ~(HUGE_PAGE - 1);

	if (memory && end > first)
		(void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}

#endif
