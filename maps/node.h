/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_node: the address by which another node is asked for on a managed VLAN. Index from sl_endpoint.
 */
#ifndef SL_MAPS_NODE_H
#define SL_MAPS_NODE_H
#include <linux/types.h>

struct sl_node_key {
	__u32 node;
};

struct sl_node {
	__be32 addr;
};

#endif
