/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mark: how one door tells the next that a packet has been judged, so that it is judged once per node.
 * XDP speaks to TC through packet metadata, which nobody outside the node can write; TC speaks to TC
 * through skb->mark, inside the bits the plan gives sluice.
 */
#ifndef SL_BPF_MARK_H
#define SL_BPF_MARK_H
#include "20_classify.h"
#include "../include/csum.h"

#define SL_META_MAGIC 0x736c6331 /* "slc1" */

/* At most 32 bytes, a multiple of 4: what all kernels take as metadata. */
struct sl_meta {
	__u32 magic;
	__u32 ifindex;
	__u16 vlan; /* that the packet came in by */
	__u16 flags;
	__u8 dmac[6];
	__u8 action;
	__u8 qos;
};
_Static_assert(sizeof(struct sl_meta) <= 32 && sizeof(struct sl_meta) % 4 == 0, "sl_meta");

#ifdef SL_DOOR_XDP
static __always_inline bool mark_meta(struct xdp_md *ctx, const struct packet *p, const struct sl_verdict *v)
{
	struct sl_meta *meta;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return false;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return false;
	__builtin_memset(meta, 0, sizeof(*meta));
	meta->magic = SL_META_MAGIC;
	meta->ifindex = v->ifindex;
	meta->vlan = p->vlan;
	meta->action = v->action;
	meta->flags = v->flags;
	meta->qos = p->qos;
	__builtin_memcpy(meta->dmac, v->dmac, 6);
	return true;
}
#else
/*
 * The judgement XDP left, if it did. It holds only for the tag that XDP saw: where an outer tag stood beside
 * the frame, XDP has judged by the inner one.
 */
static __always_inline bool mark_from_meta(struct __sk_buff *ctx, struct packet *p, struct sl_verdict *v)
{
	struct sl_meta *meta = (void *)(long)ctx->data_meta;

	if ((void *)(meta + 1) > (void *)(long)ctx->data || meta->magic != SL_META_MAGIC)
		return false;
	if (meta->vlan != p->vlan || p->flags & PACKET_DOUBLE_TAG)
		return false;
	v->ifindex = meta->ifindex;
	v->action = meta->action;
	v->flags = meta->flags;
	p->qos = meta->qos;
	__builtin_memcpy(v->dmac, meta->dmac, 6);
	return true;
}

static __always_inline bool mark_judged(struct __sk_buff *ctx, const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);

	return setting && ctx->mark & setting->judged_mark;
}

static __always_inline void mark_set(struct __sk_buff *ctx, const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);

	/* The class stands in the three bits below. */
	if (setting)
		ctx->mark = (ctx->mark & ~setting->mark_mask) | setting->judged_mark |
			    p->qos * (setting->judged_mark >> 3);
}

/*
 * Into the tunnel only what has been judged for it: the stack may lead there what was judged for somewhere else, and
 * then given another destination. The sign is no more than the mark: only the node itself can write it.
 */
#define MARK_WAN_SIGN 0x5a1c
static __always_inline void mark_wan(struct __sk_buff *ctx, const struct packet *p)
{
	mark_set(ctx, p);
	ctx->tc_index = MARK_WAN_SIGN;
}

static __always_inline bool mark_read_wan(struct __sk_buff *ctx)
{
	bool signed_here = ctx->tc_index == MARK_WAN_SIGN;

	ctx->tc_index = 0;
	return signed_here;
}

/* Writes the DSCP and leaves ECN alone (RFC 2474, RFC 3168). */
static __always_inline bool mark_dscp_body(struct __sk_buff *ctx, __u32 l3, __u8 dscp)
{
	struct sl_ipv4 *ip = packet_begin(ctx) + (l3 & 0x3f);
	__u16 *word = (__u16 *)ip, old;

	if ((void *)(ip + 1) > packet_end(ctx))
		return false;
	old = *word;
	ip->tos = dscp << 2 | (ip->tos & SL_ECN);
	if (old != *word)
		ip->check = sl_csum_replace16(ip->check, old, *word);
	return true;
}
STATION(bool, mark_dscp, (struct __sk_buff * ctx, __u32 l3, __u8 dscp), true, (ctx, l3, dscp))

/* What a workload writes there is no claim on anything, unless the plan trusts it. */
static __always_inline void mark_distrust(struct __sk_buff *ctx, const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);
	const struct sl_iface *iface = classify_interface(p);

	if (setting && setting->flags & SL_SETTING_QOS && iface && !(iface->flags & SL_IFACE_TRUST_DSCP) &&
	    p->ethertype == SL_ETH_IPV4)
		mark_dscp(ctx, p->l3, 0);
}

/*
 * WireGuard keeps nothing of a packet but its flow hash. It says whose it is: a sign of sluice's, the number of the
 * sender's label, bits that keep flows apart, the class.
 */
#define MARK_HASH_SIGN 0xa5U
static __always_inline void mark_hash(struct __sk_buff *ctx, const struct packet *p, __u16 tenant)
{
	__u32 spread = bpf_get_hash_recalc(ctx) & 0xf8;

	bpf_set_hash(ctx, MARK_HASH_SIGN << 24 | (__u32)tenant << 8 | spread | (p->qos & 7));
}

static __always_inline bool mark_from_hash(struct __sk_buff *ctx, struct packet *p, __u16 *tenant)
{
	__u32 hash = ctx->hash;

	if (hash >> 24 != MARK_HASH_SIGN)
		return false;
	*tenant = hash >> 8;
	p->qos = hash & 7;
	return true;
}

/* Was it judged, and in which class? */
static __always_inline bool mark_read(struct __sk_buff *ctx, struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);
	__u32 mark = ctx->mark, lowest;

	if (!setting || !(mark & setting->judged_mark))
		return false;
	lowest = setting->judged_mark >> 3;
	p->qos = lowest ? (mark & setting->mark_mask & ~setting->judged_mark) / lowest & 7 : 0;
	return true;
}
#endif

#endif
