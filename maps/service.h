/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services: sl_service says what a VIP's port is, sl_ring which backend a hash means, sl_backend which backends
 * there are, sl_source who may come, sl_vip what an outside address is to this node.
 */
#ifndef SL_MAPS_SERVICE_H
#define SL_MAPS_SERVICE_H
#include <linux/types.h>
#include "../include/limits.h"

/* A VIP's address is found once in the fabric, whatever VPC its backends stand in. */
struct sl_service_key {
	__be32 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

#define SL_SERVICE_RESET 0x1 /* on_empty: reset */
#define SL_SERVICE_ALLOW_LIST 0x2 /* a source that no row of sl_source holds is refused */

struct sl_service {
	__u32 ring; /* first of `slots` rows of sl_ring */
	__u32 slots; /* 0: no backend takes new connections */
	__u32 sources; /* list in sl_source; 0: everybody */
	__u32 rule; /* shown as the rule that allowed the flow */
	__u32 affinity; /* ticks that a client stays with its backend; 0: off */
	__u32 new_per_s; /* new flows a second; 0: no limit */
	__u32 new_per_source_per_s;
	__be16 target; /* the backends' port */
	__u16 vpc; /* of the backends */
	__u16 flags; /* SL_SERVICE_* */
	__u16 pad;
};

/* A slot of a Maglev ring: a service's backend, or an EIP of an SNAT rule. */
struct sl_slot {
	__be32 addr;
};

struct sl_backend_key {
	struct sl_service_key service;
	__be32 backend;
};

#define SL_BACKEND_DRAIN 0x1 /* keeps the flows it has */
#define SL_BACKEND_REMOTE 0x2 /* on node `node`: through the tunnel to it */

struct sl_backend {
	__u16 node; /* index into sl_node */
	__u16 flags; /* SL_BACKEND_* */
};

/* Longest prefix of the client's address in a service's list. */
struct sl_source_key {
	__u32 prefixlen; /* 32 + length of the prefix */
	__be32 list;
	__be32 addr;
};

struct sl_source {
	__u32 allow; /* 0: refused */
};

#define SL_VIP_OWNED 0x1 /* this node answers ARP for it */
#define SL_VIP_ECHO 0x2 /* this node answers pings of it */
#define SL_VIP_ECHO_DROP 0x4
#define SL_VIP_HOST 0x8 /* an address of this node: what no service takes is the host's */
#define SL_VIP_EIP 0x20 /* sl_eip knows more */
#define SL_VIP_ALIAS 0x10 /* no VIP: what `other`, a node's own address, is called by that node's clients */

struct sl_vip_key {
	__be32 addr;
};

struct sl_vip {
	__u16 network; /* external network that it stands in; SL_NET_WORLD: none, the untagged uplink */
	__u16 flags; /* SL_VIP_* */
	__be32 other; /* HOST: the alias, 0 if there is none; ALIAS: the VIP */
};

/* --- state: outlives plans */

/* Which backend a client went to last. */
struct sl_affinity_key {
	struct sl_service_key service;
	__be32 client;
};

struct sl_affinity {
	__be32 backend;
	__u32 seen; /* tick */
};

/* A bucket of new flows; client 0: that of the whole service. */
struct sl_bucket_key {
	struct sl_service_key service;
	__be32 client;
};

struct sl_bucket {
	__u32 tokens; /* in 1/1024 of a flow */
	__u32 filled; /* tick of the last filling */
};

/* What a service's backend was sent; backend 0: what reached none. Per CPU. */
struct sl_served_key {
	struct sl_service_key service;
	__be32 backend;
};

struct sl_served {
	__u64 connections; /* opened */
	__u64 answered; /* TCP: by the backend's SYN-ACK */
	__u64 refused; /* TCP: by RST before any answer */
	__u64 packets;
	__u64 bytes;
	__u64 reply_packets;
	__u64 reply_bytes;
};

/*
 * A backend of the plan in force and its flows alive, as the agent last found them; backend 0: the
 * service. Holds what readers need who have no plan tables. Written by the agent.
 */
struct sl_serving {
	__u64 flows; /* answered, or to a backend whose answers do not pass here */
	__u64 waiting; /* not answered yet */
	__u64 timed_out; /* TCP: opened, and neither answered, refused nor waiting; never falls */
	__u32 slots; /* of the ring: the backend's, the service's */
	__u16 flags; /* SL_BACKEND_* */
	__u16 pad;
	char name[SL_NAME_LEN]; /* of the service */
};

struct sl_unserved_key {
	struct sl_service_key service;
	__u32 reason; /* SL_DROP_* */
};

#endif
