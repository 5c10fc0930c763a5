// SPDX-License-Identifier: GPL-2.0
/*
 * The first door of what comes from the wire. It sees tags that stand in the frame; what carries its tag
 * beside the frame looks untagged here, passes untouched, and is judged by uplink_tc. It drops what must
 * not come in and leaves its judgement of the rest to TC, which can reach all workload interfaces; XDP only some, by a
 * line of the cache.
 */
#define SL_DOOR_XDP
#include "path.h"
#include "99_carry.h"

static __always_inline int up_xdp(struct xdp_md *ctx, bool hand_over)
{
	struct sl_verdict v = {};
	enum path_result path;
	struct packet p;

	path_begin(&p, DOOR_UP_XDP, ctx->ingress_ifindex);
	p.flags = hand_over ? 0 : PACKET_AGAIN;
	path = path_uplink(ctx, &p, &v);
	hit_prepare(ctx, &p, &v, path);
	if (path != PATH_JUDGED)
		return XDP_PASS;
	/* Without metadata, as some drivers are: TC judges again, and counts. */
	if (v.action != SL_ACTION_DROP && (!hand_over || !mark_meta(ctx, &p, &v)))
		return XDP_PASS;
	count_packet(ctx, &p, &v);
	return v.action == SL_ACTION_DROP ? XDP_DROP : XDP_PASS;
}

static __always_inline int uplink(struct xdp_md *ctx, bool hand_over)
{
	int act = hit_xdp(ctx, hand_over);

	return act == HIT_NOT ? up_xdp(ctx, hand_over) : act;
}

SEC("xdp.frags")
int sl_up_xdp(struct xdp_md *ctx)
{
	return uplink(ctx, true);
}

/*
 * For libxdp's dispatcher, whose functions change no packet and may not be replaced by one that does, as handing
 * over in metadata would: it only drops.
 */
SEC("xdp.frags")
int sl_up_shared(struct xdp_md *ctx)
{
	return uplink(ctx, false);
}

char LICENSE[] SEC("license") = "GPL";
