/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rtt: how long a connection's first answer took, from the SYN that this node's side sent to the SYN-ACK. Nobody is
 * asked anything for it. Once a connection, and never after a SYN that was sent twice.
 */
#ifndef SL_BPF_RTT_H
#define SL_BPF_RTT_H
#include "20_classify.h"
#include "40_flow.h"

static __always_inline bool rtt_answers(const struct packet *p)
{
	const __u8 both = SL_TCP_SYN | SL_TCP_ACK;

	return p->key.proto == SL_PROTO_TCP && (p->tcp_flags & both) == both &&
	       !(p->flags & PACKET_ICMP_ERROR);
}

static __always_inline __u32 rtt_bucket(__u32 us)
{
	__u32 bucket = 0;

#define RTT_BOUND(bound) bucket += us > (bound);
	SL_RTT_LIST(RTT_BOUND)
#undef RTT_BOUND
	return bucket;
}

/* When the flow that the packet answers was asked for, and how; 0: that says nothing, or has been said. */
static __always_inline __u32 rtt_asked_body(const struct packet *p, struct sl_flow_key *asker)
{
	struct sl_flow_key own = p->key, opener;
	struct sl_flow *f = bpf_map_lookup_elem(&sl_unanswered, &own);
	__u32 asked;

	if (!f || !(f->flags & SL_FLOW_REPLY))
		return 0;
	opener = f->peer;
	f = bpf_map_lookup_elem(&sl_unanswered, &opener);
	if (!f)
		return 0;
	*asker = opener;
	asked = f->asked;
	f->asked = 0;
	return asked;
}
STATION(__u32, rtt_asked, (const struct packet *p, struct sl_flow_key *asker), p &&asker, (p, asker))

static __always_inline void rtt_measure_body(const struct packet *p)
{
	struct sl_endpoint src = {}, dst = {};
	struct sl_flow_key opener = {};
	__u32 asked = rtt_asked(p, &opener), us, bucket;
	struct sl_rtt *rtt, zero = {};
	struct sl_rtt_key key = {};

	if (!asked)
		return;
	us = (__u32)(bpf_ktime_get_ns() / 1000) - asked;
	/* Whoever asked as he is known inside, whatever he is translated to; who answers as himself. */
	if (!classify_address(p, opener.vpc, opener.saddr, &src) ||
	    !classify_address(p, p->vpc, p->key.saddr, &dst))
		return;
	key.src_network = src.network;
	key.dst_network = dst.network;
	key.src_cluster = src.cluster;
	key.dst_cluster = dst.cluster;
	rtt = bpf_map_lookup_elem(&sl_rtt, &key);
	if (!rtt) {
		bpf_map_update_elem(&sl_rtt, &key, &zero, BPF_NOEXIST);
		rtt = bpf_map_lookup_elem(&sl_rtt, &key);
	}
	if (!rtt) {
		stat(SL_STAT_UNCOUNTED);
		return;
	}
	bucket = rtt_bucket(us);
	if (bucket >= SL_RTT_BUCKETS)
		return;
	rtt->sum_us += us;
	rtt->bucket[bucket]++;
}
STATION_VOID(rtt_measure, (const struct packet *p), p, (p))

#endif
