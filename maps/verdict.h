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
#define SL_ACTION_ECHO 4 /* back to the sender as the answer to its ping of a gateway or a VIP */

#define SL_ACTION_TUNNEL 5 /* wrapped, to node `next_hop` */
#define SL_ACTION_ROUTE 6 /* by the stack's routes, past its input */
#define SL_ACTION_HOST 7 /* to the node's stack as if from the uplink `ifindex` */
#define SL_ACTION_RESET 8 /* back to the sender: TCP reset or port unreachable, for `reason` */
#define SL_ACTION_WAN 9 /* into the tunnel to another cluster, the interface `ifindex` */

#define SL_VERDICT_ROUTED 0x01 /* sluice is the hop: lower the TTL, set both MACs */
#define SL_VERDICT_PEER 0x02 /* local: by bpf_redirect_peer */
#define SL_VERDICT_MONITOR 0x04 /* would be dropped for `reason`, but a monitor lets it pass */
#define SL_VERDICT_SET_DMAC 0x08 /* write dmac */
#define SL_VERDICT_NEXT_HOP 0x10 /* wire: dmac is the neighbour `next_hop` on (ifindex, vlan) */
#define SL_VERDICT_SRC 0x20 /* rewrite the source to saddr, sport */
#define SL_VERDICT_DST 0x40 /* rewrite the destination to daddr, dport */
#define SL_VERDICT_SERVICE 0x80 /* to a VIP; backend: daddr */
#define SL_VERDICT_ANSWER 0x100 /* from a VIP, saddr and sport; the backend sent it */
#define SL_VERDICT_CLAMP 0x200 /* lower the MSS of SYNs to what fits through the tunnel */
#define SL_VERDICT_DIRECT                                                                                    \
	0x400 /* answers go to the client past this node: a flow is answered when it goes on */

#define SL_VERDICT_NAT 0x800 /* translated by an EIP: SNAT or FIP */
#define SL_VERDICT_BOUND                                                                                     \
	0x1000 /* the source is rewritten to that of a mapping: (saddr, sport) stands in sl_outside */
#define SL_VERDICT_FORWARD 0x2000 /* tunnel: as it came, to the node behind the EIP */
#define SL_VERDICT_HERE 0x4000 /* stack: it ends at this node; what comes of it there is judged anew */

struct sl_verdict {
	__u8 action; /* SL_ACTION_* */
	__u8 reason; /* of a drop, or of what a monitor let pass; 0: none */
	__u16 flags; /* SL_VERDICT_* */
	__u32 rule; /* the rule that decided, 0: the default */
	__u32 ifindex; /* where to */
	__u16 vlan; /* wire: 0 is untagged */
	__u16 in_network; /* the network the packet has to come in by */
	__u16 src_network; /* for the counters */
	__u16 dst_network;
	__u8 dmac[6];
	__u8 qos; /* QoS class; 0: none */
	__u8 pad;
	__be32 next_hop;
	__u32 in_ifindex; /* the interface the packet has to come in by */
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
};

#endif
