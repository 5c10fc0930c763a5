/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_neigh: the MAC of a next hop on (uplink, VLAN). A row is made by asking, so nobody on the wire can
 * fill the table; answers update rows. Written by the programs and by the agent, which keeps rows fresh.
 */
#ifndef SL_MAPS_NEIGH_H
#define SL_MAPS_NEIGH_H
#include <linux/types.h>

#define SL_NEIGH_ASKED 0
#define SL_NEIGH_KNOWN 1

struct sl_neigh_key {
	__u32 ifindex;
	__u16 vlan;
	__u16 pad;
	__be32 addr;
};

struct sl_neigh {
	__u8 mac[6];
	__u8 state; /* SL_NEIGH_* */
	__u8 pad;
	__u32 asked; /* tick of the last question */
	__u32 heard; /* tick of the last answer */
};

#endif
