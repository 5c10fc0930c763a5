// SPDX-License-Identifier: GPL-2.0
/*
 * The uplink's doors in TC. In: carries out what XDP has judged, judges what XDP could not see. Out: lets
 * judged packets pass and judges what the node's own stack sends.
 */
#define SL_DOOR_TC
#include <linux/pkt_cls.h>
#include "25_arp.h"
#include "door.h"

SEC("tc")
int sl_up_in(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	struct packet p;

	enum path_result path = PATH_JUDGED;
	bool handed_over;

	path_begin(&p, DOOR_UP_IN, ctx->ifindex);
	switch (door_again(ctx, &p)) {
	case AGAIN_BROKEN:
		return TC_ACT_SHOT;
	case AGAIN_JUDGED: /* by another door of sluice's, for the node's own socket */
		return TC_ACT_UNSPEC;
	default:
		break;
	}
	path_begin(&p, DOOR_UP_IN, ctx->ifindex);
	handed_over =
		parse_pull(ctx) && !parse_frame(ctx, &p) && mark_from_meta(ctx, &p, &v) && classify_plan(&p);
	if (handed_over) {
		stat(SL_STAT_HANDED_OVER);
	} else {
		path_begin(&p, DOOR_UP_IN, ctx->ifindex);
		path = path_uplink(ctx, &p, &v);
	}
	return door_carry_out(ctx, &p, &v, path, handed_over);
}

SEC("tc")
int sl_up_out(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	struct packet p;

	path_begin(&p, DOOR_UP_OUT, ctx->ifindex);
	if (classify_plan(&p) && mark_judged(ctx, &p))
		return TC_ACT_UNSPEC;
	return door_carry_out(ctx, &p, &v, path_uplink(ctx, &p, &v), false);
}

/*
 * Not a door: sends the frame it is run on out of the interface whose index is in the mark. The agent runs it
 * to ask for next hops, which spares it the right to open raw sockets.
 */
SEC("tc")
int sl_ask(struct __sk_buff *ctx)
{
	__u32 ifindex = ctx->mark;

	ctx->mark = 0;
	return bpf_clone_redirect(ctx, ifindex, 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
