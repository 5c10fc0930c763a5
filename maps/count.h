/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_traffic, sl_drop, sl_stat: what went by. Per CPU, never reset; they outlive plans and restarts.
 */
#ifndef SL_MAPS_COUNT_H
#define SL_MAPS_COUNT_H
#include <linux/types.h>

#define SL_PASSED 0
#define SL_DROPPED 1
#define SL_MONITORED 2 /* would have been dropped */

struct sl_traffic_key {
	__u16 src_network;
	__u16 dst_network;
	__u8 outcome; /* SL_PASSED ... */
	__u8 pad[3];
};

struct sl_drop_key {
	__u16 network; /* the network it was dropped for; SL_NET_WORLD if none is known */
	__u8 reason;
	__u8 outcome; /* SL_DROPPED or SL_MONITORED */
};

struct sl_count {
	__u64 packets;
	__u64 bytes;
};

enum sl_reason_id {
	SL_DROP_NONE,
#define SL_REASON(symbol, name, weight, text) SL_DROP_##symbol,
#include "../include/reasons.def"
#undef SL_REASON
	SL_REASONS
};

enum sl_stat_id {
#define SL_STAT(symbol, name, text) SL_STAT_##symbol,
#include "../include/stats.def"
#undef SL_STAT
	SL_STATS
};

#endif
