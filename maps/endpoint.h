/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_exact and sl_prefix: who an address is. Looked up in a VPC: first the exact address, then the
 * longest prefix. Every VPC has a /0 row, so a miss in both means that the plan is not in.
 */
#ifndef SL_MAPS_ENDPOINT_H
#define SL_MAPS_ENDPOINT_H
#include <linux/types.h>

#define SL_ENDPOINT_WORLD 1 /* no network of the plan */
#define SL_ENDPOINT_NETWORK 2 /* in a network, but no workload of the plan */
#define SL_ENDPOINT_LOCAL 3 /* a workload of this node */
#define SL_ENDPOINT_REMOTE 4 /* a workload of another node */
#define SL_ENDPOINT_HOST 5 /* this node's own address */
#define SL_ENDPOINT_NODE 6 /* another node's own address */
#define SL_ENDPOINT_GATEWAY 7 /* the gateway sluice plays */
#define SL_ENDPOINT_BROADCAST 8 /* the directed broadcast of a network */

#define SL_ENDPOINT_PEER 0x1 /* local: reach it by bpf_redirect_peer */
#define SL_ENDPOINT_ABROAD 0x4 /* of another cluster */
#define SL_ENDPOINT_STACK 0x2 /* local: no interface in the plan, the stack delivers */

struct sl_exact_key {
	__u16 vpc;
	__u16 pad;
	__be32 addr;
};

struct sl_prefix_key {
	__u32 prefixlen; /* 32 + length of the prefix */
	__be16 vpc;
	__u16 pad;
	__be32 addr;
};

struct sl_endpoint {
	__u32 class;
	__u16 network; /* SL_NET_WORLD, SL_NET_HOST or the plan's id */
	__u16 node; /* remote: index into sl_node, 0: not known */
	__u32 ifindex; /* local: 0 while the interface is absent */
	__u8 mac[6]; /* of the workload; all zero: not known */
	__u8 kind; /* SL_ENDPOINT_* */
	__u8 flags;
	__u16 cluster; /* the plan's id; 0: the world */
	__u16 tenant; /* number of the label value that has a rate; 0: none */
};

/* In a network of the plan. */
static inline int sl_endpoint_managed(__u8 kind)
{
	return kind == SL_ENDPOINT_LOCAL || kind == SL_ENDPOINT_REMOTE || kind == SL_ENDPOINT_NETWORK ||
	       kind == SL_ENDPOINT_GATEWAY || kind == SL_ENDPOINT_BROADCAST;
}

#endif
