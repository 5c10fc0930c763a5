/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of one row that programs reach without a lookup (ROW() in bpf/tables.h).
 */
#ifndef SLUICE_DIRECT_H
#define SLUICE_DIRECT_H
#include "kernel.h"

/* From now on libbpf loads the doors with these rows' addresses in them. 0, or negative errno and a line in t. */
int direct_register(struct trouble *t);

#endif
