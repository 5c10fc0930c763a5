// SPDX-License-Identifier: GPL-2.0
/*
 * The doors of a workload interface. In: everything a workload sends is judged here, before the node's
 * stack sees it. Out: what no door has judged, from the node itself or by way of its stack, is judged before
 * the workload sees it.
 */
#define SL_DOOR_TC
#include <linux/pkt_cls.h>
#include "25_arp.h"
#include "door.h"

SEC("tc")
int sl_wl_in(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	struct packet p;

	path_begin(&p, DOOR_WL_IN, ctx->ifindex);
	switch (door_again(ctx, &p)) {
	case AGAIN_BROKEN:
		return TC_ACT_SHOT;
	default:
		break;
	}
	path_begin(&p, DOOR_WL_IN, ctx->ifindex);
	return door_carry_out(ctx, &p, &v, path_workload(ctx, &p, &v), false);
}

SEC("tc")
int sl_wl_out(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	struct packet p;

	path_begin(&p, DOOR_WL_OUT, ctx->ifindex);
	if (classify_plan(&p) && mark_judged(ctx, &p))
		return TC_ACT_UNSPEC;
	return door_carry_out(ctx, &p, &v, path_workload(ctx, &p, &v), false);
}

char LICENSE[] SEC("license") = "GPL";
