// SPDX-License-Identifier: GPL-2.0
/*
 * The first door of what comes from the wire. It sees tags that stand in the frame; what carries its tag
 * beside the frame looks untagged here, passes untouched, and is judged by uplink_tc. It drops what must
 * not come in and leaves its judgement of the rest to TC, which can reach workload interfaces.
 */
#define SL_DOOR_XDP
#include "path.h"

SEC("xdp.frags")
int sl_up_xdp(struct xdp_md *ctx)
{
	struct sl_verdict v = {};
	struct packet p;

	path_begin(&p, DOOR_UP_XDP, ctx->ingress_ifindex);
	if (path_uplink(ctx, &p, &v) != PATH_JUDGED)
		return XDP_PASS;
	if (v.action != SL_ACTION_DROP && !mark_meta(ctx, &p, &v))
		return XDP_PASS; /* a driver without metadata: TC judges again, and counts */
	count_packet(ctx, &p, &v);
	return v.action == SL_ACTION_DROP ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
