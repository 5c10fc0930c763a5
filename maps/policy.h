/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_pair and sl_ports: may a class open a flow to another class? A pair without a row is denied by
 * default (rule 0). Where the answer depends on protocol or port, the pair names a port set.
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
	__u8 policy; /* SL_POLICY_* */
	__u8 pad[7];
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
	__u8 policy; /* SL_POLICY_ALLOW or SL_POLICY_DENY */
	__u8 pad[3];
};

#endif
