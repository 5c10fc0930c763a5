// SPDX-License-Identifier: GPL-2.0
/*
 * A test run cannot hand a program a frame whose VLAN tag stands beside it, as drivers and VLAN devices do, nor the
 * hash of a flow, nor what another door has written there. This program puts there the tag (cb[0]: its type, 0: none;
 * cb[1]: its value), the hash (cb[2]; 0: none) and the index for traffic control (cb[3]; 0: none), and goes on as the
 * door in slot 0.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} door SEC(".maps");

SEC("tc")
int tag_beside(struct __sk_buff *ctx)
{
	if (ctx->cb[0] && bpf_skb_vlan_push(ctx, bpf_htons(ctx->cb[0]), ctx->cb[1]))
		return TC_ACT_STOLEN;
	if (ctx->cb[2])
		bpf_set_hash(ctx, ctx->cb[2]);
	if (ctx->cb[3])
		ctx->tc_index = ctx->cb[3];
	bpf_tail_call(ctx, &door, 0);
	return TC_ACT_STOLEN;
}

char LICENSE[] SEC("license") = "GPL";
