/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_gauge: what the agent has measured, for the exporter and `sluice status`. SL_GAUGE(SYMBOL, "name",
 * "what it means"): exported as sluice_NAME.
 */
#ifndef SL_MAPS_GAUGE_H
#define SL_MAPS_GAUGE_H
#include <linux/types.h>

#define SL_GAUGE_LIST(X)                                                                                     \
	X(FLOWS, "flows", "entries in the established flow table, two a flow")                               \
	X(UNANSWERED, "unanswered_flows", "entries in the unanswered flow table, two a flow")                \
	X(NEIGHBOURS, "neighbours", "next hops known or asked for")                                          \
	X(APPLIED_AT, "plan_applied_timestamp_seconds", "when the plan was put in, Unix time")               \
	X(APPLY_US, "plan_apply_microseconds", "how long the last apply took")                               \
	X(PLAN_HASH, "plan_hash", "first 48 bits of the image's hash, equal on nodes with equal images")     \
	X(AGENT_SEEN, "agent_sweep_timestamp_seconds", "when the agent last aged the tables, Unix time")     \
	X(BINDINGS, "bindings", "sources mapped to an outside port")                                         \
	X(RESTING, "ports_resting", "outside ports that rest before they are handed out again")              \
	X(PLAN_FENCE, "plan_fence", "the last fence with which a state was ordered here; 0: none")           \
	X(ASIDE, "cache_sixteenths_aside", "of 16 flows those without lines of the cache: too many come by")

enum sl_gauge_id {
#define SL_GAUGE_ID(symbol, name, text) SL_GAUGE_##symbol,
	SL_GAUGE_LIST(SL_GAUGE_ID)
#undef SL_GAUGE_ID
		SL_GAUGES
};

#endif
