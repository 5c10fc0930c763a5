/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is remembered of an attached interface (sl_door), and taking sluice off it.
 */
#ifndef SLUICE_DOOR_H
#define SLUICE_DOOR_H
#include "kernel.h"

/* All zero but the name if there is no row. */
void door_read(int table, const struct link_fact *link, struct sl_door *door);
int door_write(int table, uint32_t ifindex, const struct sl_door *door, struct trouble *t);
/* Programs, our qdisc and the NIC's settings; the row stays. An interface that is gone is no trouble. */
int door_take_off(const char *pins, uint32_t ifindex, const struct sl_door *door, struct notes *notes,
		  struct trouble *t);

#endif
