/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every door in TC does once the path has spoken: carry out, then count, so that a packet which could
 * not be carried out counts as dropped and every packet counts once.
 */
#ifndef SL_BPF_DOOR_H
#define SL_BPF_DOOR_H
#include "25_arp.h"

static __always_inline int door_carry_out(struct __sk_buff *ctx, struct packet *p, struct sl_verdict *v,
					  enum path_result path, bool counted)
{
	int act;

	switch (path) {
	case PATH_JUDGED:
		act = deliver_packet(ctx, p, v);
		break;
	case PATH_ARP:
		act = arp_packet(ctx, p, v);
		break;
	case PATH_L2:
		act = deliver_l2(ctx, p);
		break;
	default:
		return TC_ACT_UNSPEC;
	}
	if (!counted || v->action == SL_ACTION_DROP)
		count_packet(ctx, p, v);
	return act;
}

#endif
