// SPDX-License-Identifier: GPL-2.0
/*
 * A test run hands a program the same packet again and again as the program left it. These wrappers make it what it
 * was, as the next flow in turn would send it, and go on as the program that is measured; around a program that does
 * nothing they are what has to be taken off.
 *
 * A tail call, since kernels without BTF trampolines take no fentry and no freplace; it keeps the door's own frame and
 * costs what it costs in every measurement.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../../include/wire.h"
#include "../../maps/flow.h"
#include "wrap.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} door_tc SEC(".maps"), door_xdp SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WRAP_TURNS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct wrap_turn);
} turns SEC(".maps");

/* Stand for sluice's own, which user space puts in their place: flows that have been answered, and that have not. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sl_flow_key);
	__type(value, struct sl_flow);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct sl_flow_key);
	__type(value, struct sl_flow);
} unanswered SEC(".maps");

struct wrap_way way SEC(".data.way") = { .len = WRAP_FRAME };

static __always_inline void write_words(__u64 *to, const __u64 *from)
{
	for (int i = 0; i < WRAP_FRAME / 8; i++)
		to[i] = from[i];
}

/* The bytes of the frame, with the addresses and ports of the next turn. */
static __always_inline bool restore(void *data, void *end)
{
	__u32 turn_key = way.next++ & way.mask, l3 = way.l3 & 0x3f;
	struct wrap_turn *turn = bpf_map_lookup_elem(&turns, &turn_key);
	struct sl_l4_ports *ports;
	struct sl_ipv4 *ip;
	__u16 *check;
	__u32 fence = 0;

	if (!turn || data + WRAP_FRAME > end)
		return false;
	write_words(data, (const __u64 *)way.frame);
	if (way.len > WRAP_FRAME) {
		if (data + WRAP_LONG > end)
			return false;
		write_words(data + WRAP_FRAME, (const __u64 *)(way.frame + WRAP_FRAME));
	}
	ip = data + l3;
	ports = (void *)(ip + 1);
	check = (void *)ports + (way.check & 0x1f);
	if ((void *)(ports + 1) > end || (void *)(check + 1) > end)
		return false;
	ip->saddr = turn->saddr;
	ip->daddr = turn->daddr;
	ip->check = turn->ip_check;
	ports->src = turn->sport;
	ports->dst = turn->dport;
	*check = turn->l4_check;
	/*
	 * A card has written its frame long before anybody reads it. What has been written just now in other pieces than
	 * those that are read would be waited for at every read.
	 */
	__sync_lock_test_and_set(&fence, 1);
	return true;
}

/* Tag, length and mark first: what moves the frame must be done before it is written. */
SEC("tc")
int wrap_tc(struct __sk_buff *ctx)
{
	if (ctx->vlan_present ? ctx->vlan_tci != way.tci : way.tci) {
		if (ctx->vlan_present && bpf_skb_vlan_pop(ctx))
			return TC_ACT_STOLEN;
		if (way.tci && bpf_skb_vlan_push(ctx, bpf_htons(SL_ETH_VLAN), way.tci))
			return TC_ACT_STOLEN;
	}
	if (ctx->len != way.len &&
	    bpf_skb_adjust_room(ctx, (__s32)way.len - (__s32)ctx->len, BPF_ADJ_ROOM_MAC, 0))
		return TC_ACT_STOLEN;
	if (!restore((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return TC_ACT_STOLEN;
	ctx->mark = way.mark;
	/* Also where it has not changed: so it is in the empty program's figure as well. */
	if (bpf_skb_change_type(ctx, way.type))
		return TC_ACT_STOLEN;
	bpf_tail_call(ctx, &door_tc, 0);
	return TC_ACT_STOLEN;
}

SEC("xdp.frags")
int wrap_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *meta = (void *)(long)ctx->data_meta;
	long len = (void *)(long)ctx->data_end - data;

	if (meta < data && bpf_xdp_adjust_meta(ctx, data - meta))
		return XDP_ABORTED;
	asm volatile("" : "+r"(len)); /* of pointers there is no half */
	/* Asked for also where the begin has not moved: so it is in the empty program's figure as well. */
	if (bpf_xdp_adjust_head(ctx, (int)len - (int)way.len))
		return XDP_ABORTED;
	if (!restore((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &door_xdp, 0);
	return XDP_ABORTED;
}

/* --- what stands beside the doors */

SEC("tc")
int empty_tc(struct __sk_buff *ctx)
{
	(void)ctx;
	return TC_ACT_UNSPEC;
}

SEC("xdp.frags")
int empty_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

/* One lookup of what the packet says, in sluice's own table with all that is in it. */
static __always_inline void look_up(void *map, void *data, void *end)
{
	struct sl_ipv4 *ip = data + (way.l3 & 0x3f);
	struct sl_l4_ports *ports = (void *)(ip + 1);
	struct sl_flow_key key = { .vpc = way.vpc, .proto = way.proto };
	struct sl_flow *flow;

	if ((void *)(ports + 1) > end)
		return;
	key.saddr = ip->saddr;
	key.daddr = ip->daddr;
	key.sport = ports->src;
	key.dport = ports->dst;
	flow = bpf_map_lookup_elem(map, &key);
	if (!flow || !flow->generation)
		way.missed++;
}

SEC("tc")
int lookup_tc(struct __sk_buff *ctx)
{
	look_up(&table, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return TC_ACT_UNSPEC;
}

SEC("xdp.frags")
int lookup_xdp(struct xdp_md *ctx)
{
	look_up(&table, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return XDP_PASS;
}

SEC("tc")
int lookup_new_tc(struct __sk_buff *ctx)
{
	look_up(&unanswered, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return TC_ACT_UNSPEC;
}

SEC("xdp.frags")
int lookup_new_xdp(struct xdp_md *ctx)
{
	look_up(&unanswered, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return XDP_PASS;
}

/* What the wrapper has to undo, without a door: a tag put beside the frame, a tag taken, room taken and given. */
SEC("tc")
int tag_tc(struct __sk_buff *ctx)
{
	if (ctx->vlan_present)
		return bpf_skb_vlan_pop(ctx) ? TC_ACT_STOLEN : TC_ACT_UNSPEC;
	return bpf_skb_vlan_push(ctx, bpf_htons(SL_ETH_VLAN), 1) ? TC_ACT_STOLEN : TC_ACT_UNSPEC;
}

SEC("tc")
int room_tc(struct __sk_buff *ctx)
{
	return bpf_skb_adjust_room(ctx, -44, BPF_ADJ_ROOM_MAC, 0) ? TC_ACT_STOLEN : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
