/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_door: how sluice is attached to an interface, so that `down`, `status` and the exporter know
 * without asking the kernel. Written by whoever attaches.
 */
#ifndef SL_MAPS_DOOR_H
#define SL_MAPS_DOOR_H
#include <linux/types.h>

#define SL_XDP_NONE 0 /* a workload interface */
#define SL_XDP_NATIVE 1
#define SL_XDP_GENERIC 2
#define SL_XDP_SHARED 3 /* through libxdp's dispatcher */
#define SL_XDP_DIRECT 4 /* a workload interface that takes frames from the uplinks' XDP */

#define SL_TC_TCX 1
#define SL_TC_CLSACT 2

#define SL_DOOR_QDISC 0x1 /* the clsact qdisc is ours to remove */
#define SL_DOOR_PROMISC 0x2 /* promiscuous mode is ours to end */
#define SL_DOOR_RXVLAN 0x4 /* receive VLAN offload was turned off by us */
#define SL_DOOR_GENERIC 0x8 /* generic XDP is what the plan asks for, not what was left to have */

struct sl_door_key {
	__u32 ifindex;
};

struct sl_door {
	__u8 kind; /* SL_IFACE_* */
	__u8 xdp; /* SL_XDP_* */
	__u8 tc; /* SL_TC_* */
	__u8 flags; /* SL_DOOR_* */
	char name[16];
};

#endif
