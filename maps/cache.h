/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_line: what was decided for packets that go by all the time, one part of the table per CPU, written by that CPU's
 * programs alone. sl_cache: how many lines a CPU has and what makes them void. A line holds for a second at most, and
 * its counts stand in no other table before it is flushed: by who fills it anew, or by sl_flush, which the agent runs.
 * What user space takes away without raising an epoch (a flow that has aged, a neighbour that is given up) lines may
 * outlive by that second.
 */
#ifndef SL_MAPS_CACHE_H
#define SL_MAPS_CACHE_H
#include <linux/types.h>
#include "../include/limits.h"
#include "service.h"
#include "verdict.h"

/*
 * With the door that a line is for: another number whenever what stands in a line means something else, so that the programs
 * of an upgrade go by no line that those before have filled. What a line counts for stays where it is.
 */
#define SL_LINE_LAYOUT 0x10

/* Of an enum door's packets with a tag: this and the VLAN id, so that no tag is not VLAN 0. */
#define SL_LINE_TAGGED 0x1000
/* A TCP packet that opens a connection: only a line that drops it can be for that. */
#define SL_LINE_OPENS 0x2000

#define SL_LINE_SERVED 0x01 /* a service counts it */
#define SL_LINE_HOP 0x02 /* one hop less to live */
#define SL_LINE_DMAC 0x04 /* write dmac */
#define SL_LINE_SMAC 0x08
#define SL_LINE_WASH 0x10 /* the sender's DSCP is none of its business */
#define SL_LINE_LEAVE 0x20 /* none of the plan's business: neither touched nor counted */
#define SL_LINE_UNTAG 0x40 /* its tag is taken off */
#define SL_LINE_NAT 0x80 /* addresses and ports become those of the verdict, which has all four of them */
#define SL_LINE_REFUSE 0x100 /* dropped for the verdict's reason, if from smac and to no group */
#define SL_LINE_XDP 0x800 /* XDP brings it to the workload itself */
#define SL_LINE_WRAP 0x200 /* wrapped, for the verdict's next_hop, as `outer` says */
#define SL_LINE_UNWRAP 0x400 /* came wrapped, from the verdict's next_hop */

#define SL_LINE_BUSY 1 /* being flushed: neither to be used nor to be filled */

/* What is still asked for of a verdict, at its places there; and where it has what nobody asks for, what it comes to. */
struct sl_line_verdict {
	__u8 action;
	__u8 reason;
	__u16 flags;
	/* With SL_LINE_NAT: sums of what changes, for the checksum of the IP header and for that of what it carries */
	__u16 ip_delta;
	__u16 l4_delta;
	__u32 ifindex;
	__u16 vlan;
	__u16 in_network;
	__u16 src_network;
	__u16 dst_network;
	__u16 pseudo; /* the sum of the pseudo-header, but for the packet's length */
	__u8 pad[4];
	__u8 qos;
	__u8 pad2;
	__be32 next_hop;
	__u32 pad3;
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
};

/* Two lines of the processor's cache; the first has all that a packet for the stack needs. */
struct sl_line {
	/* what it is for; compared as three words */
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u32 ifindex; /* that it came in by */
	__u16 vlan; /* SL_LINE_TAGGED and the id; 0: untagged; SL_LINE_OPENS */
	__u8 door; /* and SL_LINE_LAYOUT */
	__u8 proto;
	__u32 generation; /* the plan; 0: the line is void */

	__u32 stamp; /* of sl_cache when the flow was looked up */
	__u32 expires; /* jiffies, the lower half */
	__u32 packets; /* not counted yet */
	__u32 bytes;
	union {
		__u32 mark; /* of the socket buffer; 0: none */
		__u32 refused; /* with SL_LINE_REFUSE: of sl_cache before no flow was found */
	};
	__u16 flags; /* SL_LINE_* */
	__u8 state; /* SL_LINE_BUSY or 0 */
	__u8 noted; /* whatever the line is for: of the packet that was dropped last and may have it */
	struct sl_line_verdict verdict;
	union {
		struct {
			__u8 dmac[6]; /* both at one stroke, as they stand in the frame */
			__u8 smac[6];
		};
		struct {
			__be32 saddr; /* this node */
			__be32 vni; /* in the first three bytes */
			__be16 port;
			__u16 room; /* for the whole packet within */
		} outer; /* with SL_LINE_WRAP */
	};
	struct sl_served_key served;
	__u16 vpc; /* of the flow's key */
	__u16 delta; /* with SL_LINE_NAT: sum of what becomes of the addresses alone */
	__u32 filled; /* tick */
} __attribute__((aligned(8)));

/* A row of sl_line: the places that a packet's line may stand in. */
struct sl_line_set {
	struct sl_line way[SL_LINE_WAYS];
};

/* Of `sets` in sl_cache: how many there are, and above that which bits of its hash a flow that is to have lines lacks. */
#define SL_LINE_SETS 0x0fffffff
#define SL_LINE_ASIDE_SHIFT 28
#define SL_LINE_ASIDE_MOST 15 /* one flow in sixteen is left to show whether lines would pay */

struct sl_cache {
	__u32 sets; /* on each CPU, a power of two, and who stands aside; 0: the cache is off */
	__u32 second; /* in jiffies: how long a line holds */
	__u32 epoch; /* raised when any line may be wrong */
	__u32 flow[SL_LINE_EPOCHS]; /* raised when one of the flows with this hash ends or goes another way */
	/* odd while lines may drop packets with this hash; raised when one of them begins a flow, but only if it is odd */
	__u32 refused[SL_LINE_EPOCHS];
};

/* What sl_flush is to do: a frame that holds this. */
#define SL_FLUSH_OLD 1 /* count what lines hold that have expired */
#define SL_FLUSH_ALL 2 /* and what all the others do, which go on */
#define SL_FLUSH_SIZE 3 /* `sets` is the size from now on, nobody stands aside; all lines are void */
#define SL_FLUSH_ASIDE 4 /* `sets` is who stands aside from now on, if the cache is on */
#define SL_FLUSH_TELL 5 /* returns what `sets` is */

/* In one run, during which that CPU does nothing else. */
#define SL_FLUSH_LINES 4096

struct sl_flush {
	__u8 dmac[6]; /* a frame must have an Ethernet header to be run; nothing reads it */
	__u8 smac[6];
	__be16 type;
	__u16 what; /* SL_FLUSH_* */
	__u32 cpu; /* whose lines; the program has to run there, unless that CPU is offline */
	__u32 offline; /* 1: it is */
	__u32 first; /* of its lines; SL_FLUSH_LINES from here on are looked at */
	__u32 sets; /* or who stands aside */
	__u32 second;
};

#endif
