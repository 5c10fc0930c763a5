/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between clusters. sl_abroad: what an address means on an uplink, whatever its VPC; longest prefix. An address
 * without a row is nobody's business here. This cluster's own prefixes have rows without flags, so that they are not
 * taken for a wider one of another cluster's. sl_offender: the last packet that should not have been there.
 */
#ifndef SL_MAPS_WAN_H
#define SL_MAPS_WAN_H
#include <linux/types.h>

#define SL_ABROAD_INSIDE                                                                                     \
	0x1 /* another cluster's network, pod or service prefix: never in clear on an uplink */
#define SL_ABROAD_NODE                                                                                       \
	0x2 /* a node, a tunnel's end or a pool of another cluster: no tunnels or databases in clear */
#define SL_ABROAD_PEER 0x4 /* an end of another cluster's tunnel: WireGuard may pass to and from it */

struct sl_abroad_key {
	__u32 prefixlen;
	__be32 addr;
};

struct sl_abroad {
	__u16 cluster; /* the plan's id */
	__u16 flags; /* SL_ABROAD_* */
};

/* Key: a reason (enum sl_reason_id). Written by the programs for `plaintext_wan`, `wan_peer` and `route_leak`. */
struct sl_offender {
	__u64 at; /* CLOCK_MONOTONIC, ns; 0: never */
	__u32 ifindex;
	__u16 src_network; /* as classified in the node's VPC */
	__u16 dst_network;
	__u16 src_cluster; /* 0: none */
	__u16 dst_cluster;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 out; /* 1: on its way out of the node */
	__u8 pad[6];
};

#endif
