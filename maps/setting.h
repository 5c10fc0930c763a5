/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_setting: one row of plan-wide choices. Key 0.
 */
#ifndef SL_MAPS_SETTING_H
#define SL_MAPS_SETTING_H
#include <linux/types.h>

#define SL_SETTING_HOST_POLICY 0x1 /* the plan limits who reaches this node: judge untagged traffic to it */

struct sl_setting {
	__u32 judged_mark; /* one bit of skb->mark */
	__u32 mark_mask; /* all the bits sluice may write */
	__u32 flags; /* SL_SETTING_* */
	__u16 node_vpc; /* the VPC that node addresses stand in */
	__u16 pad;
	__be32 node_addr; /* this node's first address: the sender of its ARP questions */
};

#endif
