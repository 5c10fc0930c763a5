/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the generator and the sink of live.bpf.c are told. Shared with user space.
 */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H
#include <linux/types.h>

#define LIVE_FRAME 64

struct live_way {
	/* Ethernet, a tag or none, IPv4 and UDP without a checksum; the source port is the flow's */
	__u8 frame[LIVE_FRAME];
	__u32 flows; /* a power of two; that less one */
	__u32 next; /* frame; 0 begins a run */
	__be32 saddr, daddr; /* as frames have to arrive; 0: any */
	__be16 dport;
	__u16 sport_at; /* offset in the frame */
	__u32 count; /* frames that end a run */
	__u32 arrived;
	__u32 pad2;
	__u64 begun, ended; /* ns */
};

#endif
