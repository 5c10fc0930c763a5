/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps sl_neigh: asks for the other nodes and for the routers of external networks before the first packet
 * needs them, asks again before a MAC gets old, forgets what the plan no longer has.
 */
#ifndef SLUICE_NEIGHBOUR_H
#define SLUICE_NEIGHBOUR_H
#include <stddef.h>
#include <stdint.h>
#include "../kernel/kernel.h"

struct neighbour {
	struct sl_neigh_key key;
	uint32_t since; /* tick: asked for without an answer since */
};

struct neighbour_wire { /* (uplink, VLAN) of a network of this site */
	uint32_t ifindex;
	uint16_t vlan;
	uint8_t mac[6]; /* of the uplink */
	bool used; /* a workload of this node is on it */
	bool outside; /* external, and a VIP or EIP stands in it: its machines may be next hops */
	bool external; /* not the nodes' own: they have no address there to ask from */
	uint32_t gateway_be; /* outside: its router; 0: none */
};

struct neighbours {
	int fd; /* sl_neigh */
	int program; /* sl_ask */
	uint32_t sender_be;
	struct neighbour_wire *wires;
	size_t wire_count;
	uint32_t *nodes_be; /* all nodes of the plan, sorted */
	size_t node_count;
	uint32_t *near_be; /* those of this node's cluster */
	size_t near_count;
	struct neighbour *asked; /* sorted by key: rows without an answer */
	size_t asked_count;
	uint64_t rows; /* at the last tick */
};

int neighbours_open(struct neighbours *n, int fd, const char *pins, struct trouble *t);
/* A new plan or new interfaces: what is wanted now. Makes the rows that are missing. */
int neighbours_plan(struct neighbours *n, const struct plan *plan, const struct image *image, uint32_t now,
		    struct trouble *t);
/* Once a second. */
int neighbours_tick(struct neighbours *n, uint32_t now, struct trouble *t);
void neighbours_close(struct neighbours *n);

#endif
