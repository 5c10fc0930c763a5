// SPDX-License-Identifier: GPL-2.0
/*
 * The node's own sockets. A VIP that is an address of this node is never reached by an uplink from here: the stack
 * keeps such a packet to itself, where no door stands. A socket that wants a service there is led to the VIP's alias
 * (maps/service.h) instead, which is routed as any stranger is; the application reads the VIP, whenever it asks.
 *
 * Every process of the machine asks these programs. They must never change, nor refuse, what is not a socket of this
 * node's network namespace towards a service of the plan in force.
 */
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include "tables.h"

#define SOCK_GO_ON 1

/* The slot of the plan in force if the socket is this node's own and the doors are there; negative: leave it alone. */
static __always_inline int sock_slot(struct bpf_sock_addr *ctx)
{
	__u32 zero = 0;
	const struct sl_home *home = bpf_map_lookup_elem(&sl_home, &zero);
	const struct sl_active *active = bpf_map_lookup_elem(&sl_active, &zero);
	const struct sl_setting *setting;
	__u32 generation;

	if (!home || !active || !home->netns || home->netns != bpf_get_netns_cookie(ctx))
		return -1;
	generation = active->generation;
	setting = plan_row(&sl_setting, generation & 1, &zero);
	return generation && setting && setting->uplink ? (int)(generation & 1) : -1;
}

/* What a socket that wants `addr` is to be given. */
static __always_inline __be32 sock_alias(struct bpf_sock_addr *ctx, __be32 addr)
{
	struct sl_service_key service = { .addr = addr, .port = ctx->user_port, .proto = ctx->protocol };
	struct sl_vip_key key = { .addr = addr };
	int slot = sock_slot(ctx);
	const struct sl_vip *vip;

	if (slot < 0)
		return addr;
	vip = plan_row(&sl_vip, slot, &key);
	if (!vip || !(vip->flags & SL_VIP_HOST) || !vip->other || !plan_row(&sl_service, slot, &service))
		return addr;
	return vip->other;
}

/* What a socket that speaks with `addr` is to be told. */
static __always_inline __be32 sock_vip(struct bpf_sock_addr *ctx, __be32 addr)
{
	struct sl_vip_key key = { .addr = addr };
	int slot = sock_slot(ctx);
	const struct sl_vip *vip;

	if (slot < 0)
		return addr;
	vip = plan_row(&sl_vip, slot, &key);
	return vip && vip->flags & SL_VIP_ALIAS ? vip->other : addr;
}

/* ::ffff:0:0/96: how a socket of IPv6 writes an address of IPv4. */
static __always_inline bool sock_mapped(const struct bpf_sock_addr *ctx)
{
	return !ctx->user_ip6[0] && !ctx->user_ip6[1] && ctx->user_ip6[2] == bpf_htonl(0xffff);
}

SEC("cgroup/connect4")
int sl_connect4(struct bpf_sock_addr *ctx)
{
	ctx->user_ip4 = sock_alias(ctx, ctx->user_ip4);
	return SOCK_GO_ON;
}

SEC("cgroup/connect6")
int sl_connect6(struct bpf_sock_addr *ctx)
{
	if (sock_mapped(ctx))
		ctx->user_ip6[3] = sock_alias(ctx, ctx->user_ip6[3]);
	return SOCK_GO_ON;
}

/* Of IPv6 too: what is sent to an address of IPv4 comes by here. */
SEC("cgroup/sendmsg4")
int sl_sendmsg4(struct bpf_sock_addr *ctx)
{
	ctx->user_ip4 = sock_alias(ctx, ctx->user_ip4);
	return SOCK_GO_ON;
}

SEC("cgroup/recvmsg4")
int sl_recvmsg4(struct bpf_sock_addr *ctx)
{
	ctx->user_ip4 = sock_vip(ctx, ctx->user_ip4);
	return SOCK_GO_ON;
}

SEC("cgroup/recvmsg6")
int sl_recvmsg6(struct bpf_sock_addr *ctx)
{
	if (sock_mapped(ctx))
		ctx->user_ip6[3] = sock_vip(ctx, ctx->user_ip6[3]);
	return SOCK_GO_ON;
}

SEC("cgroup/getpeername4")
int sl_getpeer4(struct bpf_sock_addr *ctx)
{
	ctx->user_ip4 = sock_vip(ctx, ctx->user_ip4);
	return SOCK_GO_ON;
}

SEC("cgroup/getpeername6")
int sl_getpeer6(struct bpf_sock_addr *ctx)
{
	if (sock_mapped(ctx))
		ctx->user_ip6[3] = sock_vip(ctx, ctx->user_ip6[3]);
	return SOCK_GO_ON;
}

char LICENSE[] SEC("license") = "GPL";
