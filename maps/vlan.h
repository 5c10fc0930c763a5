/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_vlan: what a VLAN id means on this node's uplinks. Index = VLAN id; 0 and 4095 are never networks.
 */
#ifndef SL_MAPS_VLAN_H
#define SL_MAPS_VLAN_H
#include <linux/types.h>

#define SL_VLAN_UNMANAGED 0
#define SL_VLAN_NETWORK 1
#define SL_VLAN_UNASSIGNED 2 /* inside managed_vlans, without a network */

struct sl_vlan {
	__u16 network;
	__u8 state; /* SL_VLAN_* */
	__u8 pad;
};

#endif
