/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_setting: one row of plan-wide choices. Key 0.
 */
#ifndef SL_MAPS_SETTING_H
#define SL_MAPS_SETTING_H
#include <linux/types.h>

#define SL_SETTING_HOST_POLICY 0x1 /* the plan limits who reaches this node: judge untagged traffic to it */
#define SL_SETTING_OUTSIDE 0x2 /* there are VIPs or EIPs: look untagged packets up among them */
#define SL_SETTING_HOST_SERVES 0x4 /* this node is a backend itself: look at what its own stack sends */
#define SL_SETTING_WAN 0x8 /* there are other clusters: guard the uplinks */
#define SL_SETTING_GATEWAY 0x10 /* this node speaks to the peers of `wan_port` */
#define SL_SETTING_QOS 0x20 /* there are classes or rates: mark and pace */
#define SL_SETTING_LABELS 0x40 /* there are rates per label */

struct sl_setting {
	__u32 judged_mark; /* one bit of skb->mark */
	__u32 mark_mask; /* all the bits sluice may write */
	__u32 flags; /* SL_SETTING_* */
	__u16 node_vpc; /* the VPC that node addresses stand in */
	__be16 tunnel_port; /* UDP port of deliveries between nodes */
	__be32 node_addr; /* this node's first address: the sender of its ARP questions, its end of tunnels */
	__u32 tunnel_vni;
	__u32 tunnel_mtu; /* what nodes can send each other */
	__u32 uplink; /* first one present; where the routes of the stack do not say better */
	__u32 wan_ifindex; /* the tunnel to other clusters; 0: none on this node, or absent */
	__be16 wan_port; /* UDP port of this cluster's tunnel; 0: it has none */
	__u16 wan_mtu; /* of the tunnel */
	__u16 cluster; /* this cluster's id */
	__u16 horizon_ms; /* a packet that would have to wait longer is dropped */
};

#endif
