/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A port of the lab's switch for a host that knows nothing of VLANs and stands in one: ext-public, VLAN 4011, or
 * ext-cloud, VLAN 4013. What it sends is tagged, what it gets is untagged, all else stays away from it. With it a
 * kernel without VLAN devices has hosts with real stacks on a VLAN. It must never carry a frame of another VLAN to
 * the host.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TPID 0x8100

/* From the host into the switch. */
static __always_inline int push(struct __sk_buff *skb, __u16 vlan)
{
	if (skb->vlan_present)
		return TC_ACT_SHOT;
	return bpf_skb_vlan_push(skb, bpf_htons(TPID), vlan) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Out of the switch to the host; here the kernel has any tag beside the frame. */
static __always_inline int pop(struct __sk_buff *skb, __u16 vlan)
{
	if (!skb->vlan_present || (skb->vlan_tci & 0xfff) != vlan)
		return TC_ACT_SHOT;
	return bpf_skb_vlan_pop(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc/push4011")
int push4011(struct __sk_buff *skb)
{
	return push(skb, 4011);
}

SEC("tc/pop4011")
int pop4011(struct __sk_buff *skb)
{
	return pop(skb, 4011);
}

SEC("tc/push4013")
int push4013(struct __sk_buff *skb)
{
	return push(skb, 4013);
}

SEC("tc/pop4013")
int pop4013(struct __sk_buff *skb)
{
	return pop(skb, 4013);
}

char _license[] SEC("license") = "GPL";
