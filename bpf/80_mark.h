/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mark: how one door tells the next that a packet has been judged, so that it is judged once per node.
 * XDP speaks to TC through packet metadata, which nobody outside the node can write; TC speaks to TC
 * through skb->mark, inside the bits the plan gives sluice.
 */
#ifndef SL_BPF_MARK_H
#define SL_BPF_MARK_H
#include "20_classify.h"

#define SL_META_MAGIC 0x736c6331 /* "slc1" */

/* At most 32 bytes, a multiple of 4: what all kernels take as metadata. */
struct sl_meta {
	__u32 magic;
	__u32 ifindex;
	__u16 vlan; /* that the packet came in by */
	__u8 action;
	__u8 flags;
	__u8 dmac[6];
	__u16 pad;
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
	__builtin_memcpy(meta->dmac, v->dmac, 6);
	return true;
}
#else
/*
 * The judgement XDP left, if it did. It holds only for the tag that XDP saw: where an outer tag stood beside
 * the frame, XDP has judged by the inner one.
 */
static __always_inline bool mark_from_meta(struct __sk_buff *ctx, const struct packet *p,
					   struct sl_verdict *v)
{
	struct sl_meta *meta = (void *)(long)ctx->data_meta;

	if ((void *)(meta + 1) > (void *)(long)ctx->data || meta->magic != SL_META_MAGIC)
		return false;
	if (meta->vlan != p->vlan || p->flags & PACKET_DOUBLE_TAG)
		return false;
	v->ifindex = meta->ifindex;
	v->action = meta->action;
	v->flags = meta->flags;
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

	if (setting)
		ctx->mark = (ctx->mark & ~setting->mark_mask) | setting->judged_mark;
}
#endif

#endif
