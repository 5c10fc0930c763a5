/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a flow is over: across the wrap of the tick, for each protocol, for flows seen after the clock was read.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "../../user/agent/expiry.h"

static const struct timeouts timeouts = {
	.tcp_established_s = 7440, .tcp_transitory_s = 240, .udp_s = 300, .udp_new_s = 30, .icmp_s = 60
};

static void idle_across_the_wrap(void **state)
{
	(void)state;
	assert_int_equal(expiry_idle(10, 5), 5);
	assert_int_equal(expiry_idle(5, UINT32_MAX - 4), 10);
	assert_int_equal(expiry_idle(0, 0), 0);
}

static void seen_after_the_clock_was_read(void **state)
{
	(void)state;
	assert_int_equal(expiry_idle(100, 103), 0);
	assert_int_equal(expiry_idle(UINT32_MAX, 2), 0);
}

static void ticks_of_seconds(void **state)
{
	(void)state;
	assert_int_equal(expiry_ticks(1), SL_TICKS(1));
	assert_int_equal(expiry_ticks(7440), SL_TICKS(7440));
	/* More seconds than half the tick's range hold still count as long, never as short. */
	assert_int_equal(expiry_ticks(UINT32_MAX), UINT32_MAX / 2);
}

static void timeout_of_each_protocol(void **state)
{
	(void)state;
	assert_int_equal(expiry_timeout_s(&timeouts, IPPROTO_TCP, SL_FLOW_ESTABLISHED, true), 7440);
	assert_int_equal(expiry_timeout_s(&timeouts, IPPROTO_TCP, SL_FLOW_OPENING, false), 240);
	assert_int_equal(expiry_timeout_s(&timeouts, IPPROTO_TCP, SL_FLOW_CLOSING, true), 240);
	assert_int_equal(expiry_timeout_s(&timeouts, IPPROTO_TCP, SL_FLOW_CLOSED, true), 240);
	assert_int_equal(expiry_timeout_s(&timeouts, IPPROTO_UDP, SL_FLOW_OPENING, false), 30);
	assert_int_equal(expiry_timeout_s(&timeouts, IPPROTO_UDP, SL_FLOW_ESTABLISHED, true), 300);
	assert_int_equal(expiry_timeout_s(&timeouts, IPPROTO_ICMP, SL_FLOW_ESTABLISHED, true), 60);
	assert_int_equal(expiry_timeout_s(&timeouts, IPPROTO_SCTP, SL_FLOW_OPENING, false), 30);
	assert_int_equal(expiry_timeout_s(&timeouts, 47, SL_FLOW_ESTABLISHED, true), 300);
}

static void over_one_tick_after_the_timeout(void **state)
{
	struct sl_flow flow = { .state = SL_FLOW_ESTABLISHED, .seen = UINT32_MAX - 10 };
	uint32_t last = flow.seen + SL_TICKS(300);

	(void)state;
	assert_false(expiry_over(&timeouts, IPPROTO_UDP, &flow, true, last));
	assert_true(expiry_over(&timeouts, IPPROTO_UDP, &flow, true, last + 1));
	assert_true(expiry_over(&timeouts, IPPROTO_UDP, &flow, false, last));
}

/* Whose answers go past the node: its end may never be seen, so it is not kept for hours. */
static void a_flow_answered_elsewhere(void **state)
{
	struct sl_flow flow = { .verdict.flags = SL_VERDICT_SERVICE | SL_VERDICT_DIRECT,
				.state = SL_FLOW_ESTABLISHED,
				.seen = 1000 };
	uint32_t last = 1000 + expiry_ticks(SL_DIRECT_S);

	(void)state;
	assert_false(expiry_over(&timeouts, IPPROTO_TCP, &flow, true, last));
	assert_true(expiry_over(&timeouts, IPPROTO_TCP, &flow, true, last + 1));
	flow.state = SL_FLOW_CLOSED;
	assert_true(expiry_over(&timeouts, IPPROTO_TCP, &flow, true, 1001 + expiry_ticks(240)));
	flow.state = SL_FLOW_ESTABLISHED;
	flow.verdict.flags = SL_VERDICT_SERVICE;
	assert_false(expiry_over(&timeouts, IPPROTO_TCP, &flow, true, last + 1));
}

/* RFC 4787 REQ-6: whoever is outside cannot hold a mapping by sending to it. */
static void only_packets_out_keep_a_mapping(void **state)
{
	const uint32_t now = 1000 + expiry_ticks(300) + 1;
	struct sl_flow out = { .verdict.flags = SL_VERDICT_NAT | SL_VERDICT_SRC | SL_VERDICT_BOUND,
			       .flags = SL_FLOW_ANSWERED,
			       .seen = 1000 };
	struct sl_flow in = { .verdict.flags = SL_VERDICT_NAT | SL_VERDICT_DST,
			      .flags = SL_FLOW_ANSWERED | SL_FLOW_REPLY,
			      .seen = now };

	(void)state;
	assert_true(expiry_inward(IPPROTO_UDP, &in));
	assert_false(expiry_inward(IPPROTO_UDP, &out));
	assert_false(expiry_inward(IPPROTO_TCP, &in));
	assert_true(expiry_pair_over(&timeouts, IPPROTO_UDP, &out, &in, now));
	assert_true(expiry_pair_over(&timeouts, IPPROTO_UDP, &in, &out, now));
	assert_false(expiry_pair_over(&timeouts, IPPROTO_UDP, &in, &out, now - 1));
	/* Packets out keep it, whatever does not come in. */
	out.seen = now;
	in.seen = 1000;
	assert_false(expiry_pair_over(&timeouts, IPPROTO_UDP, &out, &in, now));
	assert_false(expiry_pair_over(&timeouts, IPPROTO_UDP, &in, &out, now));
	/* Of a connection either side counts. */
	out.seen = 1000;
	in.seen = now;
	assert_false(expiry_pair_over(&timeouts, IPPROTO_TCP, &out, &in, now));
	/* Between two mappings both are out. */
	in.verdict.flags |= SL_VERDICT_SRC | SL_VERDICT_BOUND;
	assert_false(expiry_pair_over(&timeouts, IPPROTO_UDP, &out, &in, now));
	/* A FIP holds no mapping: either side counts. */
	out.verdict.flags = SL_VERDICT_NAT | SL_VERDICT_SRC;
	in.verdict.flags = SL_VERDICT_NAT | SL_VERDICT_DST;
	assert_false(expiry_pair_over(&timeouts, IPPROTO_UDP, &out, &in, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_across_the_wrap),
		cmocka_unit_test(seen_after_the_clock_was_read),
		cmocka_unit_test(ticks_of_seconds),
		cmocka_unit_test(timeout_of_each_protocol),
		cmocka_unit_test(over_one_tick_after_the_timeout),
		cmocka_unit_test(a_flow_answered_elsewhere),
		cmocka_unit_test(only_packets_out_keep_a_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
