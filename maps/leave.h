/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_leave: what is none of the plan's business at the uplinks, for sure and at a glance. Follows from the plan tables and
 * is written after they have come into force. What is set says that they know nothing of a VLAN or of an address; what is
 * not set says nothing. It speaks of one generation, and of nothing before it was written: packets go the long way then.
 */
#ifndef SL_MAPS_LEAVE_H
#define SL_MAPS_LEAVE_H
#include <linux/types.h>
#include "../include/limits.h"

#define SL_LEAVE_BITS 65536
#define SL_LEAVE_WORDS (SL_LEAVE_BITS / 32)

/*
 * Zero but for the port before it is written anew: whoever reads meanwhile finds some of what is set, and nothing that is
 * not.
 */
struct sl_leave {
	/* The plan, once for each way on which there is something to be left alone; else 0. */
	__u32 in;
	__u32 out;
	__u32 ifaces; /* by sl_leave_iface(): set where every uplink of that bit lets pass what the plan does not manage */
	__be16 tunnel_port;
	__u16 pad;
	__u8 vlan[SL_VLANS]; /* 1: no network's, nor the plan's otherwise */
	/* By sl_leave_hash(): neither a VIP or EIP, nor one of this node's that the plan says who may reach. */
	__u32 addr[SL_LEAVE_WORDS];
	/* By the upper half of an address: none that the plan manages, nor one of this node's that is asked about. */
	__u32 block[SL_LEAVE_WORDS];
};

static inline __u32 sl_leave_iface(__u32 ifindex)
{
	return 1U << (ifindex & 31);
}

static inline __u32 sl_leave_hash(__be32 addr)
{
	return (addr * 0x9e3779b1U) >> 16;
}

#endif
