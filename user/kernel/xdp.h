/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The XDP program of an uplink: by a pinned link of our own, or through libxdp's dispatcher.
 */
#ifndef SLUICE_XDP_H
#define SLUICE_XDP_H
#include "link.h"

/* Refuses a NIC that runs somebody else's program, by name, and "shared" where the kernel cannot. */
int xdp_check(const char *pins, const struct link *link, enum xdp_mode wish, const struct sl_door *door,
	      struct trouble *t);
/* Attaches, or brings what is attached up to date. Sets door->xdp. */
int xdp_attach(const struct kernel *k, const struct link *link, enum xdp_mode wish, int program,
	       struct sl_door *door, struct notes *notes, struct trouble *t);
int xdp_detach(const char *pins, uint32_t ifindex, const struct sl_door *door, struct trouble *t);

/* shared.c */
int shared_possible(struct trouble *t);
bool shared_dispatcher(uint32_t program);
int shared_attach(const struct kernel *k, const struct link *link, int program, struct notes *notes,
		  struct trouble *t);
int shared_detach(uint32_t ifindex, struct trouble *t);

#endif
