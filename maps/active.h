/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_active: which generation is in force. The loader writes it, once per apply: that is the flip.
 * The agent adds 2 to it (the same slot of the plan tables) when an interface came or went, so that
 * flows are judged again. Every program reads it once per packet and keeps to what it read.
 * 0: no plan is in, sl_fail decides.
 */
#ifndef SL_MAPS_ACTIVE_H
#define SL_MAPS_ACTIVE_H
#include <linux/types.h>

struct sl_active {
	__u32 generation;
};

#endif
