/* SPDX-License-Identifier: GPL-2.0 */
/*
 * error: is an ICMP error whole, and the header that it quotes (RFC 5508 REQ-3)? Asked before anything is believed of
 * it, once a packet, since errors are few. The quoted transport checksum is nobody's business. TC only.
 */
#ifndef SL_BPF_ERROR_H
#define SL_BPF_ERROR_H
#include "packet.h"
#include "../include/csum.h"

#ifdef SL_DOOR_TC
#define ERROR_STEP 32
#define ERROR_STEPS 300 /* jumbo frames */

struct error_walk {
	struct __sk_buff *ctx;
	__u32 at;
	__u32 left;
	__u32 sum;
};

static long error_add(__u32 index, struct error_walk *walk)
{
	__u16 words[ERROR_STEP / 2] = {};
	__u32 take = walk->left;

	(void)index;
	if (take > ERROR_STEP)
		take = ERROR_STEP;
	if (!take)
		return 1;
	take--; /* the verifier of 6.1 sees by the mask, not by the question before, that something is read */
	barrier_var(take);
	take = (take & (ERROR_STEP - 1)) + 1;
	if (bpf_skb_load_bytes(walk->ctx, walk->at, words, take)) {
		walk->sum = 0; /* what cannot be read is not whole */
		return 1;
	}
	for (int i = 0; i < ERROR_STEP / 2; i++)
		walk->sum += words[i];
	walk->at += take;
	walk->left -= take;
	return 0;
}

/* Do `bytes` from `at` sum up as their checksum says? */
static __always_inline bool error_sums_up(struct __sk_buff *ctx, __u32 at, __u32 bytes)
{
	struct error_walk walk = { .ctx = ctx, .at = at, .left = bytes };

	bpf_loop(ERROR_STEPS, error_add, &walk, 0);
	return sl_csum_fold(walk.sum) == 0xffff;
}

static __always_inline bool error_whole_body(struct __sk_buff *ctx, const struct packet *p)
{
	__u32 l4 = p->l4 & 0xff, quoted = l4 + sizeof(struct sl_icmp);
	struct sl_ipv4 *ip = packet_begin(ctx) + quoted;

	if ((void *)(ip + 1) > packet_end(ctx))
		return false;
	if (!error_sums_up(ctx, quoted, (ip->ver_ihl & 0xf) * 4))
		return false;
	/* Of a fragment only the first part is here. */
	return p->flags & PACKET_FRAG_FIRST || error_sums_up(ctx, l4, p->len - (p->l4 - p->l3));
}
STATION(bool, error_whole, (struct __sk_buff * ctx, const struct packet *p), p, (ctx, p))
#endif

#endif
