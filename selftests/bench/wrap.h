/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the wrapper around a measured program (wrap.bpf.c) is told: the frame that the program is to find every time,
 * and the order in which flows take turns. Shared with user space.
 */
#ifndef BENCH_WRAP_H
#define BENCH_WRAP_H
#include <linux/types.h>

#define WRAP_FRAME 64 /* what every frame has at least; also what is written at once */
#define WRAP_LONG 128 /* and at most */
#define WRAP_TURNS (1U << 20)

/*
 * What tells flows apart. One record for each packet, in the order of the packets, so that reading them is a walk
 * through memory that the processor sees coming: what misses the caches is then the tables, not the traffic.
 */
struct wrap_turn {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u16 ip_check;
	__u16 l4_check;
};

struct wrap_way {
	__u8 frame[WRAP_LONG];
	__u32 len;
	__u32 mask; /* turns are a power of two; that less one */
	__u32 next; /* turn */
	__u32 l3; /* of the header that a turn is written into: the inner one where there are two */
	__u32 check; /* of the transport checksum, from the transport header */
	__u32 mark;
	__u32 tci; /* of the tag beside the frame; 0: none */
	__u16 vpc; /* of the key that the lookup asks for, with the protocol of the frame */
	__u8 proto;
	__u8 type; /* PACKET_*: whose the packet is, by its MAC */
	__u32 missed; /* lookups that found nothing */
	__u32 pad2;
};

#endif
