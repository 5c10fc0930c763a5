/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a flow is over. Pure arithmetic: no table, no clock, no system call.
 */
#ifndef SLUICE_EXPIRY_H
#define SLUICE_EXPIRY_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "../../include/limits.h"
#include "../../maps/flow.h"
#include "../plan/plan.h"

/*
 * Ticks between `then` and `now`, right across the wrap. A packet may have been seen after the caller read
 * the clock: what lies in the future counts as now.
 */
static inline uint32_t expiry_idle(uint32_t now, uint32_t then)
{
	uint32_t idle = now - then;

	return idle > UINT32_MAX / 2 ? 0 : idle;
}

static inline uint32_t expiry_ticks(uint32_t seconds)
{
	uint64_t ticks = ((uint64_t)seconds * 1000000000ULL) >> SL_TICK_SHIFT;

	return ticks > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)ticks;
}

/* RFC 5382 REQ-5 and RFC 7857 for TCP, RFC 4787 REQ-5 for UDP, RFC 5508 REQ-2 for ICMP. */
static inline uint32_t expiry_timeout_s(const struct timeouts *timeouts, uint8_t proto, uint8_t state,
					bool answered)
{
	switch (proto) {
	case IPPROTO_TCP:
		return state == SL_FLOW_ESTABLISHED ? timeouts->tcp_established_s
						    : timeouts->tcp_transitory_s;
	case IPPROTO_ICMP:
		return timeouts->icmp_s;
	default:
		return answered ? timeouts->udp_s : timeouts->udp_new_s;
	}
}

/*
 * One direction alone; `answered` is of the pair. A flow is over when both directions are, so that one
 * side that only listens does not end it.
 */
static inline bool expiry_over(const struct timeouts *timeouts, uint8_t proto, const struct sl_flow *flow,
			       bool answered, uint32_t now)
{
	uint32_t timeout = expiry_timeout_s(timeouts, proto, flow->state, answered);

	/* How such a flow ends may not be seen here; when it goes on after all, its service finds the backend again. */
	if (flow->verdict.flags & SL_VERDICT_DIRECT && timeout > SL_DIRECT_S)
		timeout = SL_DIRECT_S;
	return expiry_idle(now, flow->seen) > expiry_ticks(timeout);
}

/*
 * The direction of a translated flow that comes in, if it does not keep the flow: whoever is outside could hold a mapping
 * for ever, so but for TCP only what goes out counts (RFC 4787 REQ-6). The answers of services are looked at too, since a
 * flow of a guest has its mapping on the other side.
 */
static inline bool expiry_inward(uint8_t proto, const struct sl_flow *flow)
{
	return proto != IPPROTO_TCP && flow->verdict.flags & (SL_VERDICT_NAT | SL_VERDICT_ANSWER) &&
	       !(flow->verdict.flags & SL_VERDICT_BOUND);
}

/* Both directions of a flow. A mapping on one side alone decides; on both, either keeps it. */
static inline bool expiry_pair_over(const struct timeouts *timeouts, uint8_t proto,
				    const struct sl_flow *flow, const struct sl_flow *peer, uint32_t now)
{
	bool answered = (flow->flags | peer->flags) & SL_FLOW_ANSWERED;

	if (expiry_inward(proto, flow) && peer->verdict.flags & SL_VERDICT_BOUND)
		return expiry_over(timeouts, proto, peer, answered, now);
	if (expiry_inward(proto, peer) && flow->verdict.flags & SL_VERDICT_BOUND)
		return expiry_over(timeouts, proto, flow, answered, now);
	return expiry_over(timeouts, proto, flow, answered, now) &&
	       expiry_over(timeouts, proto, peer, answered, now);
}

#endif
