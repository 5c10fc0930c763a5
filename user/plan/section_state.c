/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.timeouts and $.limits: how long flows live and how many there may be. The lower bounds are the RFCs'
 * and cannot be talked down; the upper ones keep 32-bit ticks and the node's memory safe.
 */
#include "../../include/limits.h"
#include "section.h"

#define WEEK_S 604800

void take_timeouts(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		/* RFC 5382 REQ-5: 2 hours 4 minutes, and 4 minutes. */
		FIELD("tcp_established_s", take_u32, offsetof(struct timeouts, tcp_established_s),
		      .low = 7440, .high = WEEK_S),
		FIELD("tcp_transitory_s", take_u32, offsetof(struct timeouts, tcp_transitory_s), .low = 240,
		      .high = WEEK_S),
		/* RFC 4787 REQ-5: 2 minutes. */
		FIELD("udp_s", take_u32, offsetof(struct timeouts, udp_s), .low = 120, .high = WEEK_S),
		FIELD("udp_new_s", take_u32, offsetof(struct timeouts, udp_new_s), .low = 1, .high = WEEK_S),
		/* RFC 5508 REQ-2: 60 seconds. */
		FIELD("icmp_s", take_u32, offsetof(struct timeouts, icmp_s), .low = 60, .high = WEEK_S),
		/* RFC 6888 REQ-8: 2 minutes. */
		FIELD("port_rest_s", take_u32, offsetof(struct timeouts, port_rest_s), .low = SL_PORT_REST_S,
		      .high = WEEK_S),
	};
	struct plan *plan = out;

	(void)field;
	TAKE_OBJECT(at, FIELDS, &plan->timeouts);
}

void take_limits(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("flows", take_u32, offsetof(struct limits, flows), .low = 1024, .high = 1U << 25),
		FIELD("unanswered_flows", take_u32, offsetof(struct limits, unanswered_flows), .low = 1024,
		      .high = 1U << 24),
		FIELD("cache_lines", take_u32, offsetof(struct limits, cache_lines), .low = 0,
		      .high = 1U << 20),
		FIELD("bindings", take_u32, offsetof(struct limits, bindings), .low = 1024, .high = 1U << 24),
	};
	struct plan *plan = out;

	(void)field;
	TAKE_OBJECT(at, FIELDS, &plan->limits);
}

void default_state(struct plan *plan)
{
	plan->timeouts = (struct timeouts){
		.tcp_established_s = 7440,
		.tcp_transitory_s = 240,
		.udp_s = 300,
		.udp_new_s = 30,
		.icmp_s = 60,
		.port_rest_s = SL_PORT_REST_S,
	};
	plan->limits = (struct limits){ .flows = SL_FLOWS,
					.unanswered_flows = SL_UNANSWERED,
					.bindings = SL_BINDINGS,
					.cache_lines = SL_LINES };
	plan->qos.default_priority = SL_LEVEL_DEFAULT;
	plan->qos.max_delay_ms = SL_HORIZON_MS;
}
