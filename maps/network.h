/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_network: a network as this node's site has it.
 */
#ifndef SL_MAPS_NETWORK_H
#define SL_MAPS_NETWORK_H
#include <linux/types.h>

#define SL_NETWORK_MONITOR 0x01 /* enforce: monitor */
#define SL_NETWORK_FAIL_OPEN 0x02
#define SL_NETWORK_IPV6_PASS 0x04
#define SL_NETWORK_BROADCAST 0x08
#define SL_NETWORK_MULTICAST 0x10
#define SL_NETWORK_OVERLAY 0x20 /* carried by the CNI on this site, not by a VLAN */
#define SL_NETWORK_EXTERNAL 0x40

struct sl_network_key {
	__u32 network;
};

struct sl_network {
	__u16 vpc;
	__u16 vlan; /* 0: none on this site */
	__u16 flags; /* SL_NETWORK_* */
	__u16 pad;
	__u32 uplink; /* ifindex that carries the VLAN; 0: absent */
	__be32 gateway; /* 0: none; of an external network a router, else sluice answers for it to workloads */
};

#endif
