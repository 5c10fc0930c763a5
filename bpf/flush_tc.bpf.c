// SPDX-License-Identifier: GPL-2.0
/*
 * Not a door: counts what lines of the cache hold that nobody asks for any more, and ends them. The agent runs it on
 * each CPU for the lines of that CPU, which nobody else may touch.
 */
#define SL_DOOR_TC
#include <linux/pkt_cls.h>
#include "96_fill.h"

struct flush {
	__u32 first;
	__u32 all;
};

static long flush_line(__u32 index, struct flush *flush)
{
	__u32 at = flush->first + index, set_at = at / SL_LINE_WAYS;
	struct sl_line_set *set = bpf_map_lookup_elem(&sl_line, &set_at);
	struct sl_line *line;

	if (!set)
		return 1;
	line = &set->way[at % SL_LINE_WAYS];
	if (line_fresh(line) ? !flush->all || !line->packets : !line->packets && !line->generation)
		return 0;
	line_flush(line);
	return 0;
}

static __always_inline void flush_aside(struct sl_cache *cache, __u32 aside)
{
	__u32 sets = cache->sets;

	/* Who sets the size meanwhile has the last word. */
	if (sets)
		__sync_val_compare_and_swap(&cache->sets, sets,
					    (sets & SL_LINE_SETS) | aside << SL_LINE_ASIDE_SHIFT);
}

/* Returns 1 if there are lines behind those that it has looked at, or what it was asked. */
SEC("tc")
int sl_flush(struct __sk_buff *ctx)
{
	struct sl_cache *cache = cache_row();
	struct flush flush = {};
	struct sl_flush order;
	__u32 lines;

	if (bpf_skb_load_bytes(ctx, 0, &order, sizeof(order)))
		return 0;
	if (order.what == SL_FLUSH_SIZE) {
		cache->second = order.second;
		cache->sets = order.sets;
		cache_forget_all();
		return 0;
	}
	if (order.what == SL_FLUSH_ASIDE) {
		flush_aside(cache, order.sets);
		return 0;
	}
	if (order.what == SL_FLUSH_TELL)
		return cache->sets;
	if (order.cpu != bpf_get_smp_processor_id() && !order.offline)
		return 0;
	flush.all = order.what == SL_FLUSH_ALL;
	lines = (cache->sets & SL_LINE_SETS) * SL_LINE_WAYS;
	if (order.first >= lines)
		return 0;
	flush.first = order.cpu * lines + order.first;
	lines -= order.first;
	bpf_loop(lines < SL_FLUSH_LINES ? lines : SL_FLUSH_LINES, flush_line, &flush, 0);
	return lines > SL_FLUSH_LINES;
}

char LICENSE[] SEC("license") = "GPL";
