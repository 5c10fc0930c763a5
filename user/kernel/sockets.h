/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs that the node's own sockets ask, at the root of the cgroups; see bpf/node_sock.bpf.c.
 */
#ifndef SLUICE_SOCKETS_H
#define SLUICE_SOCKETS_H
#include "kernel.h"

/* There if the image has a service on an address of this node, else taken off. What cannot be had is a note: only
 * the node's own clients of such services lack it. */
void sockets_attach(const struct kernel *k, const struct image *image, const int *programs,
		    struct notes *notes);

#endif
