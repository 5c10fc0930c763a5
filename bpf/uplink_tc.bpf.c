// SPDX-License-Identifier: GPL-2.0
/*
 * The uplink's doors in TC. In: carries out what XDP has judged, judges what XDP could not see. Out: lets
 * judged packets pass and judges what the node's own stack sends.
 */
#define SL_DOOR_TC
#include <linux/pkt_cls.h>
#include "25_arp.h"
#include "82_pace.h"
#include "99_carry.h"
#include "door.h"

static __always_inline int up_in(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	struct packet p;
	enum path_result path = PATH_JUDGED;
	bool handed_over;
	int act;

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
	act = door_carry_out(ctx, &p, &v, path, handed_over);
	hit_prepare(ctx, &p, &v, path);
	return act;
}

SEC("tc")
int sl_up_in(struct __sk_buff *ctx)
{
	int act = hit_carry(ctx, DOOR_UP_IN);

	if (act == HIT_NOT)
		act = hit_unwrap(ctx);
	return act == HIT_NOT ? up_in(ctx) : act;
}

/*
 * A packet that another door has judged. It is still looked at: a route of the stack may lead out here what was meant
 * for the tunnel. 0: let it go; a reason; or JUDGED_NOT.
 */
#define JUDGED_NOT 255
static __always_inline __u32 judged_before(struct __sk_buff *ctx, struct packet *p)
{
	__u32 reason;

	if (!classify_plan(p) || !mark_read(ctx, p))
		return JUDGED_NOT;
	reason = parse_pull(ctx) ? parse_frame(ctx, p) : SL_DROP_FRAME_SHORT;
	p->len = packet_length(ctx) - p->l3;
	if (reason)
		return reason;
	return p->flags & PACKET_DOUBLE_TAG ? SL_DROP_VLAN_DOUBLE : guard_uplink(ctx, p);
}

static __always_inline int up_out(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	enum path_result path;
	struct packet p;
	__u32 reason;
	int act;

	path_begin(&p, DOOR_UP_OUT, ctx->ifindex);
	reason = judged_before(ctx, &p);
	if (!reason)
		return pace_packet(ctx, &p, true);
	if (reason == JUDGED_NOT) {
		path_begin(&p, DOOR_UP_OUT, ctx->ifindex);
		path = path_uplink(ctx, &p, &v);
	} else {
		path = path_drop(&v, reason);
	}
	act = door_carry_out(ctx, &p, &v, path, false);
	hit_prepare(ctx, &p, &v, path);
	return act == TC_ACT_UNSPEC ? pace_packet(ctx, &p, path != PATH_UNTOUCHED) : act;
}

SEC("tc")
int sl_up_out(struct __sk_buff *ctx)
{
	int act = hit_carry(ctx, DOOR_UP_OUT);

	return act == HIT_NOT ? up_out(ctx) : act;
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
