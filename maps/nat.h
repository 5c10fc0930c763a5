/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outside addresses. Of the plan: sl_eip says what an EIP is and which node each block of its ports belongs to,
 * sl_snat_from and sl_snat_to which rule carries a source to a destination, sl_snat what the rule says, sl_guest
 * which other VPCs may use an address, sl_reserved which ports are never handed out. State: sl_binding and
 * sl_outside are the two ways round of one mapping, apart from flows, so that a flow that is lost finds its port
 * again; sl_port_word says which ports are taken; sl_holder how many a workload has.
 */
#ifndef SL_MAPS_NAT_H
#define SL_MAPS_NAT_H
#include <linux/types.h>
#include "../include/limits.h"

struct sl_eip_key {
	__be32 addr;
};

#define SL_EIP_SNAT 0x1 /* its ports are handed out to sources */
#define SL_EIP_FIP 0x2 /* stands for one inside address */
#define SL_EIP_HOST 0x4 /* an address of this node (nat_outgoing): what no mapping takes is the host's */
#define SL_EIP_OWNED 0x8 /* this node speaks ARP for it: what is sent to it arrives here */

struct sl_eip {
	__u16 network; /* external network that it stands in; SL_NET_WORLD: none, the stack's routes lead out */
	__u16 vpc; /* of that network: in which flows from outside are looked up */
	__u16 flags; /* SL_EIP_* */
	__u16 inside_vpc; /* of the FIP's workload, or of the sources that the EIP carries */
	__be32 fip; /* the inside address */
	__u16 fip_node; /* where that stands: index into sl_node, SL_NODE_SELF; 0: not known */
	__u16 owned; /* how many of `own` */
	__u16 node[SL_EIP_BLOCKS]; /* of each block of ports: SL_NODE_SELF, index into sl_node, 0: nobody's */
	__u8 own[SL_EIP_BLOCKS]; /* this node's blocks, one after the other */
};

/* Longest prefix of the source in its VPC. A /32 with `fip` is a floating IP's workload. */
struct sl_snat_from_key {
	__u32 prefixlen; /* 32 + length of the prefix */
	__be16 vpc;
	__u16 pad;
	__be32 addr;
};

struct sl_snat_from {
	__u32 list; /* of destinations in sl_snat_to; what stands in none of its rows has no way out */
	__be32 fip; /* the EIP that stands for this source; 0: none */
};

struct sl_snat_to_key {
	__u32 prefixlen; /* 32 + length of the prefix */
	__be32 list;
	__be32 addr;
};

#define SL_SNAT_EXCEPT 0xffffffffU /* as a rule: goes on with its own address, by the stack's routes */

struct sl_snat_to {
	__u32 rule; /* row of sl_snat, or SL_SNAT_EXCEPT */
};

/* What of the other end is part of a mapping, or asked of who sends to one. */
#define SL_NAT_ENDPOINT 0 /* nothing: endpoint-independent */
#define SL_NAT_ADDRESS 1
#define SL_NAT_ADDRESS_PORT 2

struct sl_snat_key {
	__u32 rule; /* from 1, in the plan's order; then those of nat_outgoing */
};

struct sl_snat {
	__u32 ring; /* first of `slots` rows of sl_ring, which hold EIPs */
	__u32 slots;
	__u32 max_ports; /* of one workload, per protocol */
	__u32 max_flows; /* of one workload; 0: no limit */
	__u16 first; /* ports that may be handed out, host byte order */
	__u16 last;
	__u8 mapping; /* SL_NAT_* */
	__u8 filtering;
	__u16 pad;
};

/* A VPC that may use a service of another one (port and protocol as in sl_service), or a floating IP (both 0). */
struct sl_guest_key {
	__be32 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
	__u16 vpc;
	__u16 pad2;
};

struct sl_guest {
	__u32 allowed; /* always 1 */
};

/* A port of an EIP that no source is given: one that the plan reserves, or a service's. */
struct sl_reserved_key {
	__be32 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

struct sl_reserved {
	__u32 reserved; /* always 1 */
};

/* --- state: outlives plans */

/* From inside. `daddr` and `dport` are 0 as far as the mapping does not depend on them. */
struct sl_binding_key {
	__be32 addr;
	__be32 eip;
	__be32 daddr;
	__be16 port; /* an ICMP query: its identifier */
	__be16 dport;
	__u16 vpc;
	__u8 proto;
	__u8 pad;
};

struct sl_binding {
	__be16 port; /* of the EIP */
	__u16 pad;
};

struct sl_outside_key {
	__be32 eip;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

#define SL_OUTSIDE_BOUND 0
#define SL_OUTSIDE_RESTS 1 /* given back; not handed out again before it has rested */

struct sl_outside {
	struct sl_binding_key inside;
	__u32 created; /* tick */
	__u32 seen; /* tick of the last flow made from it; while resting: since when */
	__u8 state; /* SL_OUTSIDE_* */
	__u8 filtering; /* SL_NAT_* */
	__u16 pad;
};

/* 64 ports of an EIP and a protocol: those taken, resting ones too. */
struct sl_port_key {
	__be32 eip;
	__u16 word; /* port / 64 */
	__u8 proto;
	__u8 pad;
};

struct sl_port_word {
	__u64 taken;
};

/* Whom a mapping has sent to, where filtering asks for the address. */
struct sl_contact_key {
	__be32 eip;
	__be32 remote;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

struct sl_contact {
	__u32 seen; /* tick */
};

#define SL_HOLDER_TCP 0
#define SL_HOLDER_UDP 1
#define SL_HOLDER_ICMP 2
#define SL_HOLDERS 3

/* What a workload holds. */
struct sl_holder_key {
	__be32 addr;
	__u16 vpc;
	__u16 pad;
};

struct sl_holder {
	__u32 ports[SL_HOLDERS]; /* without resting ones */
	__u32 flows; /* as the agent last counted them, and new ones since */
	__u64 refused; /* flows, for its limits or for want of a port */
};

/* What happened to an EIP's ports. Per CPU. */
struct sl_eip_count_key {
	__be32 eip;
	__u8 proto;
	__u8 pad[3];
};

struct sl_eip_count {
	__u64 bound; /* mappings made */
	__u64 kept; /* of them, with the port that the source has */
	__u64 no_port; /* flows refused: no free port was found */
	__u64 limit; /* flows refused: the workload holds as much as its rule allows */
	__u64 filtered; /* packets from outside that a mapping does not accept, or for which there is none */
	__u64 forwarded; /* packets sent on to the node whose block or workload it is */
};

/* How much of an EIP is in use on this node. Written by the agent. */
struct sl_eip_use {
	__u32 ports; /* that this node may hand out */
	__u32 bound;
	__u32 resting;
	__u32 pad;
};

/*
 * What the agent asks sl_release to do with ports that nobody uses: a frame that holds this, then the items. One that
 * was used again meanwhile (`seen` differs) is left alone.
 */
#define SL_RELEASE_REST 1 /* ends the mapping; the port begins to rest */
#define SL_RELEASE_FREE 2 /* ends the rest */
#define SL_RELEASE_FLOWS                                                                                     \
	3 /* items are sl_release_flows: a holder's `flows`, written where programs add to it */
#define SL_RELEASE_ITEMS 128

struct sl_release {
	__u8 dmac[6]; /* a frame must have an Ethernet header to be run; nothing reads it */
	__u8 smac[6];
	__be16 type;
	__u16 what; /* SL_RELEASE_* */
	__u32 count;
};

struct sl_release_item {
	struct sl_outside_key key;
	__u32 seen;
};

struct sl_release_flows {
	struct sl_holder_key key;
	__u32 flows;
};

#endif
