/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_leave: what the image's rows say is none of the plan's business. Programs believe it for the generation that it is
 * written for, and no other.
 */
#ifndef SLUICE_LEAVE_H
#define SLUICE_LEAVE_H
#include "kernel.h"

/* For a generation that the image's rows are in. free() afterwards, whatever it returns. */
int leave_make(struct sl_leave **leave, const struct image *image, uint32_t generation, struct trouble *t);
/* That generation is in force, and none of its rows changes any more. */
int leave_put(const struct kernel *k, const struct sl_leave *leave, struct trouble *t);

#endif
