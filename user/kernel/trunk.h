/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an uplink has to be, and the two settings of the NIC that sluice changes and puts back.
 */
#ifndef SLUICE_TRUNK_H
#define SLUICE_TRUNK_H
#include "link.h"

/* Refuses what cannot be a trunk: a port of a bond, a VLAN device; a NIC that cannot show its tags. Changes
 * nothing. */
int trunk_check(const struct link *link, struct trouble *t);

/* Receive VLAN offload takes the tag out of the frame before XDP sees it. On a veth it means nothing. */
bool trunk_hides_tags(const struct link *link);
int trunk_show_tags(const char *name, bool show, struct trouble *t);

/* 1: it was set already, 0: done, or a negative errno. */
int trunk_promisc(const char *name, bool on, struct trouble *t);

#endif
