// SPDX-License-Identifier: GPL-2.0
/*
 * The doors of a workload interface. In: everything a workload sends is judged here, before the node's
 * stack sees it. Out: what no door has judged, from the node itself or by way of its stack, is judged before
 * the workload sees it.
 */
#define SL_DOOR_TC
#include <linux/pkt_cls.h>
#include "25_arp.h"
#include "99_carry.h"
#include "door.h"

static __always_inline int wl_in(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	enum path_result path;
	struct packet p;
	int act;

	path_begin(&p, DOOR_WL_IN, ctx->ifindex);
	switch (door_again(ctx, &p)) {
	case AGAIN_BROKEN:
		return TC_ACT_SHOT;
	default:
		break;
	}
	path_begin(&p, DOOR_WL_IN, ctx->ifindex);
	path = path_workload(ctx, &p, &v);
	if (path != PATH_UNTOUCHED && v.action != SL_ACTION_DROP)
		mark_distrust(ctx, &p);
	act = door_carry_out(ctx, &p, &v, path, false);
	hit_prepare(ctx, &p, &v, path);
	return act;
}

SEC("tc")
int sl_wl_in(struct __sk_buff *ctx)
{
	int act = hit_carry(ctx, DOOR_WL_IN);

	return act == HIT_NOT ? wl_in(ctx) : act;
}

static __always_inline int wl_out(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	enum path_result path;
	struct packet p;
	int act;

	path_begin(&p, DOOR_WL_OUT, ctx->ifindex);
	if (classify_plan(&p) && mark_judged(ctx, &p))
		return TC_ACT_UNSPEC;
	path = path_workload(ctx, &p, &v);
	act = door_carry_out(ctx, &p, &v, path, false);
	hit_prepare(ctx, &p, &v, path);
	return act;
}

SEC("tc")
int sl_wl_out(struct __sk_buff *ctx)
{
	int act = hit_carry(ctx, DOOR_WL_OUT);

	return act == HIT_NOT ? wl_out(ctx) : act;
}

char LICENSE[] SEC("license") = "GPL";
