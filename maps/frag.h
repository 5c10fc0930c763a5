/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_frag: the ports of a fragmented datagram, left by its first fragment for the later ones.
 */
#ifndef SL_MAPS_FRAG_H
#define SL_MAPS_FRAG_H
#include <linux/types.h>

struct sl_frag_key {
	__be32 saddr;
	__be32 daddr;
	__be16 id;
	__u16 vpc;
	__u8 proto;
	__u8 pad[3];
};

struct sl_frag {
	__be16 sport;
	__be16 dport;
	__u32 seen; /* tick */
};

#endif
