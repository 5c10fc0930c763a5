// SPDX-License-Identifier: GPL-2.0
/*
 * Beside the doors in live tests: what a door lets pass is seen by a program that runs after it, and
 * a tag is put beside a frame that leaves the far end, as an offloading driver would. Judges nothing.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

__u16 outer_tci; /* that put_outer puts beside the frame */
__u32 frames; /* that were let pass */
__u32 type; /* of the last one: PACKET_* */
__u32 tci; /* of its tag, 0: none */
__u32 mark;
__u32 priority;
__u32 hash;

SEC("tc")
int witness(struct __sk_buff *ctx)
{
	frames++;
	type = ctx->pkt_type;
	tci = ctx->vlan_present ? ctx->vlan_tci : 0;
	mark = ctx->mark;
	priority = ctx->priority;
	hash = ctx->hash;
	return TC_ACT_UNSPEC;
}

SEC("tc")
int put_outer(struct __sk_buff *ctx)
{
	return bpf_skb_vlan_push(ctx, bpf_htons(0x8100), outer_tci) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
