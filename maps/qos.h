/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quality of service. sl_class: what a class does to a packet. sl_rate: what may go how fast; the programs keep the
 * clocks in sl_shaper and sl_link. sl_qos, sl_qos_delay: what went, per CPU, never reset. A clock is a time in ns of
 * CLOCK_MONOTONIC: that at which everything let go so far will have left at the rate.
 */
#ifndef SL_MAPS_QOS_H
#define SL_MAPS_QOS_H
#include <linux/bpf.h>
#include <linux/types.h>
#include "../include/limits.h"

/* Key of sl_class: 1 to SL_CLASSES - 1, by (priority, name); row 0 is what belongs to no class. */
struct sl_class {
	__u32 name; /* stable over plans: the 32-bit FNV-1a of the class's name; 0: no such class */
	__u8 level; /* 1 is served first, SL_LEVELS - 1 last */
	__u8 dscp;
	__u8 priority; /* of the socket buffer */
	__u8 pad;
};

#define SL_RATE_CLASS 1 /* id: row of sl_class */
#define SL_RATE_CLUSTER 2 /* id: the plan's id of the cluster that the tunnel leads to */
#define SL_RATE_LABEL 3 /* id: sl_endpoint.tenant of the source; through the tunnel */
#define SL_RATE_LINK 4 /* id: ifindex of an uplink whose speed the plan says */

struct sl_rate_key {
	__u32 kind; /* SL_RATE_* */
	__u32 id;
};

struct sl_rate {
	__u64 cost; /* ns a byte takes, times 2^SL_COST_SHIFT */
	__u64 burst; /* ns that a clock may lie behind the present */
	__u32 name; /* label: stable, the 32-bit FNV-1a of "KEY=VALUE"; else 0 */
	__u32 mbit; /* as in the plan */
};

struct sl_shaper {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 clock;
	__u64 refused; /* when it last had to refuse a packet */
};

/* Key: ifindex. clock[level]: everything of that level and of those before it. */
struct sl_link {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 clock[SL_LEVELS];
	__u64 used[SL_LEVELS]; /* until when what the level sent keeps it in use */
	__u64 refused; /* when one was last refused though no better level was in use */
	__u64 share[SL_LEVELS]; /* of what would wait too long: its level's own sixteenth of the link */
};

struct sl_qos_key {
	__u32 class; /* sl_class.name; 0: none */
	__u32 label; /* sl_rate.name of the source's label; 0: none */
	__u16 cluster; /* that it went to through the tunnel; 0: within this one, or the world */
	__u16 pad;
};

struct sl_qos {
	__u64 packets; /* that left */
	__u64 bytes; /* of the IP packet that was sent; through the tunnel: before encryption */
	__u64 delayed; /* of those packets */
	__u64 dropped; /* packets: more than the rate and its queue take */
	__u64 dropped_bytes;
};

/* Key: as that of sl_qos. Of delayed packets only: bucket i holds delays up to SL_DELAY_FIRST_US << i; the last one all others. */
struct sl_qos_delay {
	__u64 sum_us;
	__u64 bucket[SL_DELAY_BUCKETS];
};

#endif
