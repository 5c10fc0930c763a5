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
#include <unistd.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)

/*
 * For memory that was just allocated and not yet touched. What is told is the whole pages around it and not only the large
 * ones within: memory of which parts were told something is cut in pieces, which realloc() must then copy to let it grow.
 */
static inline void huge_advise(void *memory, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)memory;
	uintptr_t first = at & ~(page - 1), end = (at + size + page - 1) & ~(page - 1);

	if (memory && (at + size) / HUGE_PAGE > (at + HUGE_PAGE - 1) / HUGE_PAGE)
		(void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}

#endif
