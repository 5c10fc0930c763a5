// SPDX-License-Identifier: GPL-2.0
/*
 * Not a door: gives ports back, and says how many flows a workload has. The agent knows which mappings nobody uses; it runs this with a list of them, because
 * bits and counts that packets change at the same time can only be changed from here.
 */
#define SL_DOOR_TC
#include <linux/pkt_cls.h>
#include "71_port.h"

struct release {
	struct __sk_buff *ctx;
	__u32 what;
	__u32 done;
};

/* Ends the mapping. Its port rests: nobody gets it until it is freed. */
static __always_inline bool release_rest(const struct sl_outside_key *key, struct sl_outside *outside)
{
	struct sl_binding_key inside = outside->inside;
	const struct sl_binding *binding = bpf_map_lookup_elem(&sl_binding, &inside);
	struct sl_holder_key holder_key = { .addr = inside.addr, .vpc = inside.vpc };
	struct sl_holder *holder = bpf_map_lookup_elem(&sl_holder, &holder_key);

	if (outside->state != SL_OUTSIDE_BOUND)
		return false;
	if (binding && binding->port == key->port)
		bpf_map_delete_elem(&sl_binding, &inside);
	outside->state = SL_OUTSIDE_RESTS;
	outside->seen = tick_now();
	if (holder && *holder_ports(holder, key->proto)) /* a row may have been lost and made anew */
		__sync_fetch_and_sub(holder_ports(holder, key->proto), 1);
	stat(SL_STAT_BINDINGS_ENDED);
	return true;
}

static __always_inline bool release_free(const struct sl_outside_key *key, const struct sl_outside *outside)
{
	struct sl_outside_key own = *key;

	if (outside->state != SL_OUTSIDE_RESTS)
		return false;
	bpf_map_delete_elem(&sl_outside, &own);
	port_free(own.eip, own.proto, bpf_ntohs(own.port));
	stat(SL_STAT_PORTS_FREED);
	return true;
}

static long release_item(__u32 index, struct release *release)
{
	struct sl_release_item item;
	struct sl_outside *outside;
	__u32 at = sizeof(struct sl_release) + (index & (SL_RELEASE_ITEMS - 1)) * sizeof(item);

	if (bpf_skb_load_bytes(release->ctx, at, &item, sizeof(item)))
		return 1;
	outside = bpf_map_lookup_elem(&sl_outside, &item.key);
	if (!outside || outside->seen != item.seen)
		return 0;
	if (release->what == SL_RELEASE_REST ? release_rest(&item.key, outside)
					     : release_free(&item.key, outside))
		release->done++;
	return 0;
}

/* Between the agent's counts the programs add to the figure. */
static long release_flows(__u32 index, struct release *release)
{
	struct sl_release_flows item;
	struct sl_holder *holder;
	__u32 at = sizeof(struct sl_release) + (index & (SL_RELEASE_ITEMS - 1)) * sizeof(item);

	if (bpf_skb_load_bytes(release->ctx, at, &item, sizeof(item)))
		return 1;
	holder = bpf_map_lookup_elem(&sl_holder, &item.key);
	if (!holder)
		return 0;
	holder->flows = item.flows;
	release->done++;
	return 0;
}

SEC("tc")
int sl_release(struct __sk_buff *ctx)
{
	struct release release = { .ctx = ctx };
	struct sl_release order;

	if (bpf_skb_load_bytes(ctx, 0, &order, sizeof(order)) || order.count > SL_RELEASE_ITEMS)
		return 0;
	release.what = order.what;
	if (order.what == SL_RELEASE_FLOWS)
		bpf_loop(order.count, release_flows, &release, 0);
	else
		bpf_loop(order.count, release_item, &release, 0);
	return release.done;
}

char LICENSE[] SEC("license") = "GPL";
