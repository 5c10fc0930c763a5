/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan tables of a generation that is to come.
 */
#ifndef SLUICE_FRESH_H
#define SLUICE_FRESH_H
#include "kernel.h"

/*
 * Each the one of `in_force` (NULL: none is to be kept), where it holds the very same rows, or the one before that with
 * the rows that differ written anew (spare.h), or a fresh one, filled and read back. All are pinned in `folder`, which is
 * made; what it holds after a failure is the caller's to remove, as are the descriptors.
 */
int fresh_tables(const struct kernel *in_force, const struct image *image, const char *folder,
		 int fds[SL_TABLES], struct trouble *t);

#endif
