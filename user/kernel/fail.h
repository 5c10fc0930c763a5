/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_fail: what doors do while no plan is in.
 */
#ifndef SLUICE_FAIL_H
#define SLUICE_FAIL_H
#include "kernel.h"

/* Writes what the image says of its ports and VLANs, removes what it no longer has. Before any door. */
int fail_write(const struct kernel *k, const struct image *image, const struct link_facts *links,
	       struct trouble *t);

#endif
