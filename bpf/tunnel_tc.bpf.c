// SPDX-License-Identifier: GPL-2.0
/*
 * The doors of the tunnel to other clusters. In: what comes out of it is judged before the node's stack sees it. Out:
 * what no door has judged is; then everything is marked for the way on, as the tunnel hides it.
 */
#define SL_DOOR_TC
#include <linux/pkt_cls.h>
#include "25_arp.h"
#include "door.h"
#include "path_wan.h"

SEC("tc")
int sl_tun_in(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	struct packet p;
	enum path_result path;

	path_begin(&p, DOOR_TUN_IN, ctx->ifindex);
	path = path_tunnel(ctx, &p, &v);
	if (path == PATH_JUDGED && v.action != SL_ACTION_DROP && !wan_clamp(ctx, &p))
		path_drop(&v, SL_DROP_L4_HEADER);
	return door_carry_out(ctx, &p, &v, path, false);
}

/* A packet that another door has sent here: what it is, to be marked. */
static __always_inline bool judged_before(struct __sk_buff *ctx, struct packet *p)
{
	const struct sl_iface *iface;
	bool sent_here = mark_read_wan(ctx);

	if (!sent_here || !classify_plan(p) || !mark_read(ctx, p) || !parse_pull(ctx))
		return false;
	iface = classify_interface(p);
	if (!iface || (iface->flags & SL_IFACE_BARE ? parse_bare(ctx, p) : parse_frame(ctx, p)))
		return false;
	return p->ethertype == SL_ETH_IPV4 && !parse_ipv4(ctx, p);
}

SEC("tc")
int sl_tun_out(struct __sk_buff *ctx)
{
	struct sl_verdict v = {};
	struct packet p;
	int act;

	path_begin(&p, DOOR_TUN_OUT, ctx->ifindex);
	if (!judged_before(ctx, &p)) {
		path_begin(&p, DOOR_TUN_OUT, ctx->ifindex);
		act = door_carry_out(ctx, &p, &v, path_tunnel(ctx, &p, &v), false);
		if (act != TC_ACT_UNSPEC)
			return act;
	}
	if (!wan_clamp(ctx, &p))
		return TC_ACT_SHOT;
	wan_mark(ctx, &p);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
