/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_pair and sl_ports: may a class open a flow to another class? A pair without a row is denied by
 * default (rule 0). Where the answer depends on protocol or port, the pair names a port set. Between clusters a
 * row without policy, or none, means that no route leads there; where a route does and no rule allows it the row
 * says SL_POLICY_DENY. The QoS class of the flow, both directions of it, is found on the way.
 */
#ifndef SL_MAPS_POLICY_H
#define SL_MAPS_POLICY_H
#include <linux/types.h>

#define SL_POLICY_ALLOW 1
#define SL_POLICY_DENY 2
#define SL_POLICY_PORTS 3 /* ask sl_ports; no row there: denied by default */

struct sl_pair_key {
	__u32 src;
	__u32 dst;
};

struct sl_pair {
	__u32 set; /* with SL_POLICY_PORTS */
	__u32 rule; /* the rule that decided; 0: the default */
	__u8 policy; /* SL_POLICY_*; 0: no rule speaks of it, the row is there for its class */
	__u8 qos; /* QoS class; 0: none */
	__u8 pad[6];
};

/* Bits of prefixlen: 32 = any protocol, 48 = one protocol with any port, up to 64 = one port. */
struct sl_ports_key {
	__u32 prefixlen;
	__be32 set;
	__u8 proto;
	__u8 pad;
	__be16 port; /* destination port; 0 for protocols without ports */
};

struct sl_ports {
	__u32 rule;
	__u8 policy; /* SL_POLICY_ALLOW, SL_POLICY_DENY, or 0 as above */
	__u8 qos;
	__u8 pad[2];
};

#endif
