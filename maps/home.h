/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_home: the network namespace that sluice guards. Programs of sockets are asked by every process of the machine
 * and must know which of them are this node's own. Key 0. Written by whoever attaches.
 */
#ifndef SL_MAPS_HOME_H
#define SL_MAPS_HOME_H
#include <linux/types.h>

struct sl_home {
	__u64 netns; /* cookie; 0: not known, nobody is at home */
};

#endif
