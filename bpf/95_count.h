/* SPDX-License-Identifier: GPL-2.0 */
/*
 * count: every judged packet once, by network pair and outcome; every drop by reason and network.
 * Counters outlive plans, agents and programs.
 */
#ifndef SL_BPF_COUNT_H
#define SL_BPF_COUNT_H
#include "22_guard.h"

static __always_inline struct sl_count *count_find(void *map, const void *key)
{
	struct sl_count *count = bpf_map_lookup_elem(map, key);

	if (!count) {
		struct sl_count zero = {};

		bpf_map_update_elem(map, key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(map, key);
		if (!count)
			stat(SL_STAT_UNCOUNTED);
	}
	return count;
}

static __always_inline void count_row(void *map, const void *key, __u32 packets, __u32 bytes)
{
	struct sl_count *count = count_find(map, key);

	if (!count)
		return;
	/* Per CPU, and a program is not interrupted by another of sluice's on its CPU in the same context. */
	count->packets += packets;
	count->bytes += bytes;
}

static __noinline void count_packet(sl_ctx *ctx, const struct packet *p, struct sl_verdict *v)
{
	__u32 packets = packet_segments(ctx);
	__u8 outcome = v->action == SL_ACTION_DROP     ? SL_DROPPED
		       : v->flags & SL_VERDICT_MONITOR ? SL_MONITORED
						       : SL_PASSED;
	struct sl_traffic_key traffic = {
		.src_network = v->src_network,
		.dst_network = v->dst_network,
		.outcome = outcome,
	};

	count_row(&sl_traffic, &traffic, packets, p->len);
	if (outcome != SL_PASSED) {
		struct sl_drop_key drop = {
			.network = p->network,
			.reason = v->reason,
			.outcome = outcome,
		};

		count_row(&sl_drop, &drop, packets, p->len);
		if (guard_notes(v->reason))
			guard_note(p, v);
	}
}

#endif
