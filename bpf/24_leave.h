/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leave: what comes by at an uplink and is for certain none of the plan's business, whatever flows there are, goes on after
 * a glance at bits that follow from the plan. Where they say nothing, packets go the long way, which says the same of all
 * that these leave alone.
 */
#ifndef SL_BPF_LEAVE_H
#define SL_BPF_LEAVE_H
#include "packet.h"

static __always_inline bool leave_bit(const __u32 *bits, __u32 bit)
{
	return bits[bit >> 5] >> (bit & 31) & 1;
}

static __always_inline bool leave_addr(const struct sl_leave *leave, __be32 addr)
{
	return leave_bit(leave->addr, sl_leave_hash(addr) & (SL_LEAVE_BITS - 1));
}

static __always_inline bool leave_block(const struct sl_leave *leave, __be32 addr)
{
	return leave_bit(leave->block, bpf_ntohl(addr) >> 16);
}

static __always_inline const struct sl_leave *leave_row(void)
{
	return ROW(sl_leave, struct sl_leave);
}

/*
 * Asked last, so that it costs nobody else anything: does the row speak of the plan in force, and of this interface's
 * packets?
 */
static __always_inline bool leave_speaks(const struct sl_leave *leave, __u32 door, __u32 ifindex)
{
	return (door == DOOR_UP_OUT ? leave->out : leave->in) == packet_generation() &&
	       leave->ifaces & sl_leave_iface(ifindex);
}

/* Could it end this node's tunnel, by whichever VLAN it has come? The long way finds out. UDP's header is there. */
static __always_inline bool leave_delivery(const struct sl_leave *leave, const struct sl_ipv4 *ip)
{
	const struct sl_udp *udp = (const void *)(ip + 1);

	return ip->proto == SL_PROTO_UDP && (ip->ver_ihl != 0x45 || udp->dst == leave->tunnel_port);
}

/* What is in VLAN `id`, with `type` and what may be `ip` behind the tag: frames with two tags the long way drops. */
static __always_inline bool leave_tagged(__u32 door, __u32 ifindex, __u32 id, __be16 type,
					 const struct sl_ipv4 *ip)
{
	const struct sl_leave *leave = leave_row();

	/* Masked here and not before its bytes were turned: not every verifier knows what becomes of a mask then. */
	barrier_var(id);
	if (!leave->vlan[id & SL_VLAN_ID] || type == bpf_htons(SL_ETH_VLAN) || type == bpf_htons(SL_ETH_QINQ))
		return false;
	if (door == DOOR_UP_IN && type == bpf_htons(SL_ETH_IPV4) && leave_delivery(leave, ip))
		return false;
	return leave_speaks(leave, door, ifindex);
}

/* What has no tag. In, by whom it is for; out, by both ends. */
static __always_inline bool leave_untagged(__u32 door, __u32 ifindex, const struct sl_ipv4 *ip)
{
	const struct sl_leave *leave = leave_row();

	if (!leave_addr(leave, ip->daddr))
		return false;
	if (door == DOOR_UP_OUT ? !leave_block(leave, ip->saddr) || !leave_block(leave, ip->daddr)
				: leave_delivery(leave, ip))
		return false;
	return leave_speaks(leave, door, ifindex);
}

#endif
