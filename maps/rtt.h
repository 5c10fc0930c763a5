/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_rtt: from SYN to SYN-ACK, for connections that open on this node's side, per CPU, never reset. sl_slo: the
 * plan's limits on it, for who compares.
 */
#ifndef SL_MAPS_RTT_H
#define SL_MAPS_RTT_H
#include <linux/types.h>

/* Upper bounds in µs; a last bucket holds all others. */
#define SL_RTT_LIST(X)                                                                                       \
	X(500)                                                                                               \
	X(1000)                                                                                              \
	X(2000)                                                                                              \
	X(5000)                                                                                              \
	X(10000)                                                                                             \
	X(20000)                                                                                             \
	X(50000)                                                                                             \
	X(80000)                                                                                             \
	X(100000)                                                                                            \
	X(150000)                                                                                            \
	X(200000)                                                                                            \
	X(250000)                                                                                            \
	X(300000)                                                                                            \
	X(500000)                                                                                            \
	X(1000000)
#define SL_RTT_BUCKETS 16

struct sl_rtt_key {
	__u16 src_network; /* the opener's */
	__u16 dst_network;
	__u16 src_cluster; /* 0: none */
	__u16 dst_cluster;
};

struct sl_rtt {
	__u64 sum_us;
	__u64 bucket[SL_RTT_BUCKETS];
};

/* Key: its place in the plan. A network or a cluster on either side, the other 0. */
struct sl_slo {
	__u16 src_network;
	__u16 dst_network;
	__u16 src_cluster;
	__u16 dst_cluster;
	__u32 low_us; /* what is expected */
	__u32 high_us;
	__u32 max_us; /* what is acceptable */
};

#endif
