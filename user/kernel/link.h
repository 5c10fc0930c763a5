/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One interface in full, as attaching needs it.
 */
#ifndef SLUICE_LINK_H
#define SLUICE_LINK_H
#include "kernel.h"

struct link {
	struct link_fact fact;
	uint32_t flags; /* IFF_* */
	uint32_t master; /* ifindex of the bond or bridge it is a port of */
	uint32_t lower; /* ifindex that a VLAN device stands on */
	char kind[16]; /* "veth", "vlan", "bond", ...; empty for hardware */
	char member_of[16]; /* kind of the master: "bond", "bridge", ... */
};

/* 0, or a negative errno: -ENODEV if it is gone. */
int link_read(uint32_t ifindex, struct link *link);
const struct link_fact *links_find(const struct link_facts *links, const char *name);

#endif
