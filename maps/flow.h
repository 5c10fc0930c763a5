/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_flow and sl_unanswered: connections as this node sees them, two entries each, one per direction.
 * Written by the programs; aged by the agent. A flow begins in sl_unanswered (LRU) and moves to sl_flow
 * (never evicting) with its first reply; of TCP, where that is a SYN-ACK, with the packet that follows it:
 * a server answers a flood too.
 */
#ifndef SL_MAPS_FLOW_H
#define SL_MAPS_FLOW_H
#include <linux/types.h>
#include "verdict.h"

/*
 * An ICMP query carries its identifier as source port and 0 as destination port, so that its reply has
 * the swapped key and a query never passes for a reply. Protocols without ports carry 0 in both.
 */
struct sl_flow_key {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u16 vpc;
	__u8 proto;
	__u8 pad;
};

/* TCP as far as timeouts need it (RFC 5382, RFC 7857); other protocols are OPENING or ESTABLISHED. */
#define SL_FLOW_OPENING 0
#define SL_FLOW_ESTABLISHED 1
#define SL_FLOW_CLOSING 2 /* one side has sent FIN */
#define SL_FLOW_CLOSED 3 /* both have, or RST */

#define SL_FLOW_REPLY 0x01 /* this entry is of the direction opposite to the first packet */
#define SL_FLOW_ANSWERED 0x02
#define SL_FLOW_FIN 0x04 /* this direction has sent FIN */

struct sl_flow {
	struct sl_verdict verdict;
	struct sl_flow_key
		peer; /* the key of the other direction; its mirror unless an address is translated */
	__u32 generation; /* the plan that judged it last */
	__u32 created; /* tick */
	__u64 packets;
	__u64 bytes; /* of the IP packet */
	__u32 seen; /* tick of the last packet */
	__u8 state; /* SL_FLOW_*; kept equal in both entries */
	__u8 flags;
	__u8 pad[2];
	__u32 asked; /* µs of CLOCK_MONOTONIC at its SYN, if that was sent once and from this side; else 0 */
	__u32 key_hash; /* of its own key: a row may become another flow's while it is read */
};

/* sl_promoted: both entries of a flow on their way from one table to the other. */
struct sl_promoted {
	struct sl_flow flow;
	struct sl_flow peer;
};

#endif
