/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says of qdiscs, in the bytes of its messages, and what follows for an uplink that is to have fq.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
/* Need no kernel, and are linked nowhere else in the unit tests. */
#include "../../user/kernel/rtnl.c"
#include "../../user/kernel/qdisc.c"
#include "../../user/kernel/pace.c"

#define ETH 7

/* Everything that the kernel is said to have; as a dump it is read in one go. */
static struct qdiscs said;

static struct nlmsghdr *begin(char *buffer, uint32_t parent, uint32_t handle, const char *kind)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));

	message->nlmsg_type = RTM_NEWQDISC;
	tc->tcm_ifindex = ETH;
	tc->tcm_parent = parent;
	tc->tcm_handle = handle;
	mnl_attr_put_strz(message, TCA_KIND, kind);
	return message;
}

static void say(const struct nlmsghdr *message)
{
	assert_int_equal(add_qdisc(message, &said), MNL_CB_OK);
}

static void say_kind(uint32_t parent, uint32_t handle, const char *kind)
{
	char buffer[RTNL_REQUEST];

	say(begin(buffer, parent, handle, kind));
}

static void say_fq(uint32_t parent, uint32_t handle, uint32_t flow_packets, uint32_t most)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *message = begin(buffer, parent, handle, "fq");
	struct nlattr *options = mnl_attr_nest_start(message, TCA_OPTIONS);

	mnl_attr_put_u32(message, TCA_FQ_FLOW_PLIMIT, flow_packets);
	mnl_attr_put_u32(message, TCA_FQ_FLOW_MAX_RATE, most);
	mnl_attr_nest_end(message, options);
	say(message);
}

static struct qdisc_view view(void)
{
	return qdisc_look(&said, ETH);
}

static int forget(void **state)
{
	(void)state;
	qdiscs_free(&said);
	return 0;
}

static void test_root(void **state)
{
	struct qdisc_view v;

	(void)state;
	assert_int_equal(pace_step(&(struct qdisc_view){ 0 }), PACE_LATER);
	say_kind(TC_H_INGRESS, TC_H_INGRESS & TC_H_MAJ_MASK, "clsact");
	assert_null(view().root);
	say_kind(TC_H_ROOT, 0, "fq_codel");
	v = view();
	assert_string_equal(v.root->kind, "fq_codel");
	assert_false(v.fair);
	assert_null(v.shaper);
	assert_int_equal(pace_step(&v), PACE_ROOT);
	assert_int_equal(pace_handle(&v), 0x73600000);
	assert_null(pace_before(pace_handle(&v)));
}

/* What has a handle has somebody's options. */
static void test_chosen_root(void **state)
{
	static const char *const kinds[] = { "fq_codel", "sfq", "pfifo", "prio", "noqueue", "fq", "mq" };
	struct qdisc_view v;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		say_kind(TC_H_ROOT, 0x80010000, kinds[i]);
		v = view();
		assert_int_equal(pace_step(&v), PACE_OTHERS);
		assert_ptr_equal(pace_others(&v), v.root);
		assert_false(pace_ours(&v));
		forget(NULL);
	}
}

/* What the kernel takes by itself, "net.core.default_qdisc" included, has none. */
static void test_default_root(void **state)
{
	static const char *const kinds[] = { "noqueue", "pfifo_fast", "fq_codel", "fq", "sfq", "cake" };
	struct qdisc_view v;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		say_kind(TC_H_ROOT, 0, kinds[i]);
		v = view();
		assert_int_equal(pace_step(&v), PACE_ROOT);
		assert_null(pace_others(&v));
		forget(NULL);
	}
}

static void test_fq(void **state)
{
	struct qdisc_view v;

	(void)state;
	say_fq(TC_H_ROOT, 0, 100, ~0U);
	v = view();
	assert_true(v.fair);
	assert_null(v.shaper);
	assert_int_equal(pace_step(&v), PACE_ROOT); /* too little room for a flow */
	forget(NULL);
	say_fq(TC_H_ROOT, 0x73600000, PACE_FLOW_PACKETS, ~0U);
	v = view();
	assert_true(pace_ours(&v));
	assert_int_equal(pace_handle(&v), 0x73600000);
	assert_int_equal(pace_step(&v), PACE_KEEP);
	forget(NULL);
	say_fq(TC_H_ROOT, 0x10000, PACE_FLOW_PACKETS, 12500000);
	v = view();
	assert_string_equal(v.shaper, "fq");
	assert_int_equal(pace_step(&v), PACE_SHAPED);
}

static void test_mq(void **state)
{
	struct qdisc_view v;

	(void)state;
	say_kind(TC_H_ROOT, 0, "mq");
	v = view();
	assert_int_equal(pace_step(&v), PACE_LATER); /* down: no queue yet */
	say_kind(2, 0, "fq_codel");
	say_fq(1, 0, PACE_FLOW_PACKETS, ~0U);
	v = view();
	assert_int_equal(v.queues, 2);
	assert_false(v.fair);
	assert_int_equal(pace_step(&v), PACE_QUEUES);
	forget(NULL);
	say_kind(TC_H_ROOT, 0x736a0000, "mq");
	say_fq(0x736a0002, 0x80010000, PACE_FLOW_PACKETS, ~0U);
	say_fq(0x736a0001, 0x80020000, PACE_FLOW_PACKETS, ~0U);
	v = view();
	assert_true(pace_ours(&v));
	assert_string_equal(pace_before(pace_handle(&v)), "mq");
	assert_int_equal(pace_step(&v), PACE_KEEP);
	forget(NULL);
	say_kind(TC_H_ROOT, 0, "mq");
	say_kind(1, 0x10000, "htb");
	v = view();
	assert_string_equal(v.shaper, "htb");
}

static void test_chosen_queue(void **state)
{
	static const char *const kinds[] = { "prio", "red", "cake", "etf", "fq_codel", "pfifo_fast" };
	struct qdisc_view v;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		/* An mq of somebody, whatever is on its queues. */
		say_kind(TC_H_ROOT, 0x10000, "mq");
		say_kind(0x10002, i % 2 ? 0 : 0x80020000, kinds[i]);
		say_kind(0x10001, 0, "fq_codel");
		v = view();
		assert_int_equal(v.queues, 2);
		assert_int_equal(pace_step(&v), PACE_OTHERS);
		assert_ptr_equal(pace_others(&v), v.root);
		forget(NULL);
		/* That of the kernel, and of sluice, with one of somebody on a queue. */
		for (uint32_t root = 0; root <= 0x73600000; root += 0x73600000) {
			say_kind(TC_H_ROOT, root, "mq");
			say_fq(root | 1, 0x80010000, PACE_FLOW_PACKETS, ~0U);
			say_kind(root | 2, 0x80020000, kinds[i]);
			say_fq(root | 3, 0x80030000, PACE_FLOW_PACKETS, ~0U);
			v = view();
			assert_int_equal(pace_ours(&v), root != 0);
			assert_int_equal(pace_step(&v), PACE_OTHERS);
			assert_string_equal(pace_others(&v)->kind, kinds[i]);
			forget(NULL);
		}
	}
	/* Queues that came later, or an fq of an earlier version of sluice: its own are no obstacle. */
	say_kind(TC_H_ROOT, 0x73600000, "mq");
	say_fq(0x73600001, 0x80010000, 100, ~0U);
	say_kind(0x73600002, 0, "fq_codel");
	v = view();
	assert_null(pace_others(&v));
	assert_int_equal(pace_step(&v), PACE_QUEUES);
}

/* A handle of sluice's on what sluice never puts there is somebody's. */
static void test_foreign_handle(void **state)
{
	static const char *const kinds[] = { "htb", "prio", "cake", "fq_codel", "pfifo" };
	struct qdisc_view v;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		say_kind(TC_H_ROOT, 0x73620000, kinds[i]);
		v = view();
		assert_false(pace_ours(&v));
		assert_ptr_equal(pace_others(&v), v.root);
		forget(NULL);
	}
	/* Earlier versions have put theirs in the place of what somebody had chosen. */
	say_fq(TC_H_ROOT, 0x73620000, PACE_FLOW_PACKETS, ~0U);
	v = view();
	assert_true(pace_ours(&v));
	assert_string_equal(pace_before(pace_handle(&v)), "fq_codel");
}

static void say_netem(uint32_t rate)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *message = begin(buffer, TC_H_ROOT, 0x10000, "netem");
	struct nlattr *options = mnl_attr_nest_start(message, TCA_OPTIONS);
	struct tc_netem_qopt *fixed = (void *)mnl_nlmsg_get_payload_tail(message);
	struct tc_netem_rate limit = { .rate = rate };

	memset(fixed, 0, sizeof(*fixed));
	message->nlmsg_len += MNL_ALIGN(sizeof(*fixed));
	mnl_attr_put(message, TCA_NETEM_RATE, sizeof(limit), &limit);
	mnl_attr_nest_end(message, options);
	say(message);
}

static void say_cake(uint64_t rate)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *message = begin(buffer, TC_H_ROOT, 0x10000, "cake");
	struct nlattr *options = mnl_attr_nest_start(message, TCA_OPTIONS);

	mnl_attr_put_u64(message, TCA_CAKE_BASE_RATE64, rate);
	mnl_attr_nest_end(message, options);
	say(message);
}

static void test_rates(void **state)
{
	(void)state;
	say_netem(0);
	assert_null(view().shaper);
	forget(NULL);
	say_netem(125000);
	assert_string_equal(view().shaper, "netem");
	forget(NULL);
	say_cake(0);
	assert_null(view().shaper);
	forget(NULL);
	say_cake(125000);
	assert_string_equal(view().shaper, "cake");
	forget(NULL);
	say_kind(TC_H_ROOT, 0x10000, "tbf");
	assert_string_equal(view().shaper, "tbf");
}

/* Messages that are cut, or of another kind, are none of a qdisc. */
static void test_short(void **state)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *message = begin(buffer, TC_H_ROOT, 0, "fq");
	struct qdisc qdisc;

	(void)state;
	message->nlmsg_type = RTM_DELQDISC;
	assert_false(qdisc_parse(message, &qdisc));
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = RTM_NEWQDISC;
	assert_false(qdisc_parse(message, &qdisc));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_root, forget),
		cmocka_unit_test_teardown(test_chosen_root, forget),
		cmocka_unit_test_teardown(test_default_root, forget),
		cmocka_unit_test_teardown(test_fq, forget),
		cmocka_unit_test_teardown(test_mq, forget),
		cmocka_unit_test_teardown(test_chosen_queue, forget),
		cmocka_unit_test_teardown(test_foreign_handle, forget),
		cmocka_unit_test_teardown(test_rates, forget),
		cmocka_unit_test_teardown(test_short, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
