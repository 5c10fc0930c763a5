/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What interfaces do with frames from XDP, by the kernel's generic netlink family "netdev". Kernels before 6.3 do not
 * have it: there nothing is known of any interface, and hearing of changes is left out.
 */
#ifndef SLUICE_NETDEV_H
#define SLUICE_NETDEV_H
#include "kernel.h"

/* Sets `takes_xdp` of those that take frames which XDP redirects to them. 0, or a negative errno; -EINTR: ask again. */
int netdev_read(struct link_facts *links);
/* The group that hears of changes; 0: there is none. */
uint32_t netdev_group(void);

#endif
