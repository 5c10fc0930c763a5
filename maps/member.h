/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_member: the workload interfaces of this node in a network, numbered from 0 without gaps, for
 * frames that go to all of them.
 */
#ifndef SL_MAPS_MEMBER_H
#define SL_MAPS_MEMBER_H
#include <linux/types.h>

struct sl_member_key {
	__u16 network;
	__u16 index;
};

struct sl_member {
	__u32 ifindex;
	__u8 mac[6];
	__u16 pad;
};

#endif
