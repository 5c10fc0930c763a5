/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What to do with a packet of a flow. Written by the stations that judge, carried out by rewrite, mark,
 * deliver and count, which decide nothing. A plain record without pointers, small enough to be copied
 * into one line of a cache together with its key and counters.
 */
#ifndef SL_MAPS_VERDICT_H
#define SL_MAPS_VERDICT_H
#include <linux/types.h>

#define SL_ACTION_DROP 0
#define SL_ACTION_STACK 1 /* go on to the node's stack */
#define SL_ACTION_LOCAL 2 /* into the workload interface `ifindex` */
#define SL_ACTION_WIRE 3 /* out of the uplink `ifindex`, tagged with `vlan` */
#define SL_ACTION_ECHO 4 /* back to the workload as the answer to its ping of the gateway */

#define SL_VERDICT_ROUTED 0x01 /* sluice is the hop: lower the TTL, set both MACs */
#define SL_VERDICT_PEER 0x02 /* local: by bpf_redirect_peer */
#define SL_VERDICT_MONITOR 0x04 /* would be dropped for `reason`, but a monitor lets it pass */
#define SL_VERDICT_SET_DMAC 0x08 /* write dmac */
#define SL_VERDICT_VIA_NODE 0x10 /* wire: dmac is the neighbour `next_hop` on (ifindex, vlan) */

struct sl_verdict {
	__u8 action; /* SL_ACTION_* */
	__u8 reason; /* of a drop, or of what a monitor let pass; 0: none */
	__u8 flags; /* SL_VERDICT_* */
	__u8 qos; /* QoS class; 0: none */
	__u32 rule; /* the rule that decided, 0: the default */
	__u32 ifindex; /* where to */
	__u16 vlan;
	__u16 in_network; /* the network the packet has to come in by */
	__u16 src_network; /* for the counters */
	__u16 dst_network;
	__u8 dmac[6];
	__u16 pad;
	__be32 next_hop;
	__u32 in_ifindex; /* the interface the packet has to come in by */
};

#endif
