/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A TC program on one direction of an interface: by tcx where the kernel has it, else by a clsact filter.
 */
#ifndef SLUICE_TC_H
#define SLUICE_TC_H
#include "link.h"

enum side { SIDE_IN, SIDE_OUT };

/* Attaches, or brings what is attached up to date; no packet goes by without a program. Sets door->tc, and
 * SL_DOOR_QDISC when the qdisc had to be made. */
int tc_attach(const char *pins, const struct link *link, enum side side, int program, struct sl_door *door,
	      struct trouble *t);
/* Takes both sides off; an interface that is gone is no trouble. */
int tc_detach(const char *pins, uint32_t ifindex, const struct sl_door *door, struct notes *notes,
	      struct trouble *t);

#endif
