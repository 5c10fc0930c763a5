/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A port of the lab's switch for a host that knows nothing of VLANs and stands in ext-cloud, VLAN 4013: what it
 * sends is tagged, what it gets is untagged, all else stays away from it. With it a kernel without VLAN devices
 * has hosts with real stacks on a VLAN. It must never carry a frame of another VLAN to the host.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN 4013
#define TPID 0x8100

/* From the host into the switch. */
SEC("tc/push")
int push(struct __sk_buff *skb)
{
	if (skb->vlan_present)
		return TC_ACT_SHOT;
	return bpf_skb_vlan_push(skb, bpf_htons(TPID), VLAN) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Out of the switch to the host; here the kernel has any tag beside the frame. */
SEC("tc/pop")
int pop(struct __sk_buff *skb)
{
	if (!skb->vlan_present || (skb->vlan_tci & 0xfff) != VLAN)
		return TC_ACT_SHOT;
	return bpf_skb_vlan_pop(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
