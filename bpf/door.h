/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every door in TC does once the path has spoken: carry out, then count, so that a packet which could
 * not be carried out counts as dropped and every packet counts once.
 */
#ifndef SL_BPF_DOOR_H
#define SL_BPF_DOOR_H
#include "25_arp.h"

/* What a door in finds of sluice's own marks, which nothing from outside the node carries. */
enum again { AGAIN_NEW, AGAIN_JUDGED, AGAIN_HALF, AGAIN_BROKEN };

static __always_inline enum again door_again(struct __sk_buff *ctx, struct packet *p)
{
	const __u8 half[6] = SL_HALF_MAC;
	const struct sl_setting *setting;
	__u32 mark = ctx->mark;

	if (!mark || !classify_plan(p))
		return AGAIN_NEW;
	setting = classify_setting(p);
	if (!setting || !(mark & setting->judged_mark) || !parse_pull(ctx) || parse_frame(ctx, p))
		return AGAIN_NEW;
	/* The marks alone could be somebody else's; these MACs are nobody's on any wire. */
	if (mac_router(p->smac))
		return AGAIN_JUDGED;
	if (!mac_equal(p->dmac, half))
		return AGAIN_NEW;
	ctx->mark = mark & ~setting->mark_mask;
	return packet_second_half(ctx, p) ? AGAIN_HALF : AGAIN_BROKEN;
}

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
	/* ARP that is none of the plan's business. */
	if (act == TC_ACT_UNSPEC && path == PATH_ARP && p->flags & PACKET_OPTIONAL &&
	    v->action == SL_ACTION_STACK)
		return act;
	if (!counted || v->action == SL_ACTION_DROP)
		count_packet(ctx, p, v);
	return act;
}

#endif
