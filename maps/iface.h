/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_iface: the role of an interface that has doors. A door without a row drops (workload) or lets
 * untagged frames pass and drops the rest (uplink).
 */
#ifndef SL_MAPS_IFACE_H
#define SL_MAPS_IFACE_H
#include <linux/types.h>

#define SL_IFACE_UPLINK 1
#define SL_IFACE_WORKLOAD 2
#define SL_IFACE_TUNNEL 3 /* to other clusters */

#define SL_IFACE_UNMANAGED_DROP 0x1 /* uplink: what the plan does not manage is dropped */
#define SL_IFACE_EDT 0x2 /* uplink: its qdisc sends each packet at the time written on it */
#define SL_IFACE_SHAPED 0x4 /* uplink: somebody else shapes it; sluice only marks */
#define SL_IFACE_BARE 0x8 /* tunnel: packets without an Ethernet header */
#define SL_IFACE_TRUST_DSCP 0x10 /* workload: what it writes there is left alone */
#define SL_IFACE_XDP 0x20 /* workload: its far side takes frames that XDP redirects */

struct sl_iface_key {
	__u32 ifindex;
};

struct sl_iface {
	__u8 kind; /* SL_IFACE_UPLINK ... */
	__u8 flags;
	__u16 network; /* workload: its network; uplink: 0 */
	__u16 vpc; /* workload: its VPC; uplink: 0 */
	__u8 mac[6]; /* of the interface itself */
};

#endif
