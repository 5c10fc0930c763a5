/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the agent says of services and backends in sl_serving: rows that differ, and those only.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* Need no kernel but the calls of the fixture, and are linked nowhere else in the unit tests. */
#include "../../user/kernel/trouble.c"
#include "../../user/kernel/names.c"
#include "../../user/kernel/roster.c"
#include "../../user/kernel/rows.c"
#include "../../user/agent/serving.c"

#include "tables_fixture.h"

#define VIP htonl(0xcb007101U)
#define BACKEND htonl(0x0a000005U)
static struct serving serving;

static const struct sl_service_key service = { .addr = 0xcb007101U, .port = 80, .proto = IPPROTO_TCP };

static struct sl_service_key service_be(void)
{
	return (struct sl_service_key){ .addr = htonl(service.addr),
					.port = htons(service.port),
					.proto = service.proto };
}

static struct fake *rows(void)
{
	return &fakes[SL_TABLE_sl_serving];
}

static struct sl_serving said(__be32 backend)
{
	struct sl_served_key key = { .service = service_be(), .backend = backend };
	struct sl_serving row;

	assert_int_equal(bpf_map_lookup_elem(kernel.table[SL_TABLE_sl_serving], &key, &row), 0);
	return row;
}

static void put_served(uint64_t connections)
{
	struct sl_served_key key = { .service = service_be(), .backend = BACKEND };
	struct sl_served row = { .connections = connections };

	bpf_map_update_elem(kernel.table[SL_TABLE_sl_served], &key, &row, BPF_ANY);
}

/* One service with one backend. */
static int scene(void **state)
{
	static const struct sl_slot ring[1] = { { 0 } };
	struct sl_service_key key = service_be();
	struct sl_service row = { .slots = 1 };
	struct sl_backend_key backend_key = { .service = key, .backend = BACKEND };
	struct sl_backend backend = { 0 };
	struct sl_active active = { .generation = 1 };
	uint32_t zero = 0;
	struct trouble t;

	(void)state;
	fakes_open();
	kernel.generation = 1;
	SIZES(sl_service, struct sl_service_key, struct sl_service);
	SIZES(sl_backend, struct sl_backend_key, struct sl_backend);
	SIZES(sl_vip, struct sl_vip_key, struct sl_vip);
	SIZES(sl_name, struct sl_name_key, struct sl_name);
	SIZES(sl_active, uint32_t, struct sl_active);
	SIZES(sl_serving, struct sl_served_key, struct sl_serving);
	SIZES(sl_served, struct sl_served_key, struct sl_served);
	SIZES(sl_unserved, struct sl_unserved_key, struct sl_count);
	fakes[SL_TABLE_sl_ring].array = ring;
	bpf_map_update_elem(kernel.plan[SL_TABLE_sl_service], &key, &row, BPF_ANY);
	bpf_map_update_elem(kernel.plan[SL_TABLE_sl_backend], &backend_key, &backend, BPF_ANY);
	bpf_map_update_elem(kernel.table[SL_TABLE_sl_active], &zero, &active, BPF_ANY);
	return serving_open(&serving, &kernel, 1, &t);
}

static int leave(void **state)
{
	(void)state;
	serving_close(&serving);
	return 0;
}

static void meet(enum serving_pass pass, uint32_t flows)
{
	struct sl_flow_key key = { .saddr = 1, .daddr = VIP, .dport = htons(80), .proto = IPPROTO_TCP };
	struct sl_flow flow = { .verdict = { .flags = SL_VERDICT_SERVICE, .daddr = BACKEND } };

	for (uint32_t i = 0; i < flows; i++)
		(pass == SERVING_ANSWERED ? serving_answered : serving_unanswered)(&serving.met[pass], &key,
										   &flow);
}

/* Returns how many rows were written. */
static uint32_t ends(enum serving_pass pass)
{
	struct trouble t;

	rows()->writes = 0;
	assert_int_equal(serving_write(&serving, pass, &t), 0);
	return rows()->writes;
}

static void flows_are_those_of_both_tables(void **state)
{
	(void)state;
	meet(SERVING_ANSWERED, 3);
	assert_int_equal(ends(SERVING_ANSWERED), 1);
	assert_int_equal(said(BACKEND).flows, 3);
	meet(SERVING_UNANSWERED, 2);
	assert_int_equal(ends(SERVING_UNANSWERED), 1);
	assert_int_equal(said(BACKEND).flows, 3);
	assert_int_equal(said(BACKEND).waiting, 2);
	assert_int_equal(said(0).flows, 0);
}

static void what_is_gone_is_said_and_what_stays_is_not(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		meet(SERVING_ANSWERED, 3);
		assert_int_equal(ends(SERVING_ANSWERED), !i);
		assert_int_equal(ends(SERVING_UNANSWERED), 0);
	}
	meet(SERVING_ANSWERED, 2);
	assert_int_equal(ends(SERVING_ANSWERED), 1);
	assert_int_equal(said(BACKEND).flows, 2);
	assert_int_equal(ends(SERVING_ANSWERED), 1);
	assert_int_equal(said(BACKEND).flows, 0);
	assert_int_equal(ends(SERVING_ANSWERED), 0);
	assert_false(serving.met[SERVING_ANSWERED].counted); /* and nothing is gone through */
}

static void what_a_pass_began_under_another_plan_has_met_does_not_count(void **state)
{
	(void)state;
	meet(SERVING_ANSWERED, 3);
	serving_forget(&serving, SERVING_ANSWERED);
	meet(SERVING_ANSWERED, 2);
	assert_int_equal(ends(SERVING_ANSWERED), 1);
	assert_int_equal(said(BACKEND).flows, 2);
}

/* Its agent may have died while there were flows. */
static void counts_of_an_agent_before_this_one_do_not_stay(void **state)
{
	struct trouble t;

	(void)state;
	meet(SERVING_ANSWERED, 3);
	ends(SERVING_ANSWERED);
	serving_close(&serving);
	assert_int_equal(serving_open(&serving, &kernel, 1, &t), 0);
	assert_int_equal(said(BACKEND).flows, 3);
	assert_int_equal(ends(SERVING_UNANSWERED), 1);
	assert_int_equal(said(BACKEND).flows, 0);
}

static void what_could_not_be_written_is_written_later(void **state)
{
	struct trouble t;

	(void)state;
	ends(SERVING_ANSWERED);
	meet(SERVING_ANSWERED, 3);
	rows()->refuses = ENOMEM;
	assert_int_equal(serving_write(&serving, SERVING_ANSWERED, &t), -ENOMEM);
	assert_int_equal(said(BACKEND).flows, 0);
	assert_int_equal(ends(SERVING_UNANSWERED), 1);
	assert_int_equal(said(BACKEND).flows, 3);
}

static void handshakes_that_came_to_nothing(void **state)
{
	(void)state;
	ends(SERVING_UNANSWERED);
	put_served(5);
	meet(SERVING_UNANSWERED, 2);
	assert_int_equal(ends(SERVING_UNANSWERED), 1);
	assert_int_equal(said(BACKEND).timed_out, 3);
	/* With no flow met, they alone are news. */
	assert_int_equal(ends(SERVING_UNANSWERED), 1);
	assert_int_equal(said(BACKEND).timed_out, 5);
	put_served(7);
	assert_int_equal(ends(SERVING_UNANSWERED), 1);
	assert_int_equal(said(BACKEND).timed_out, 7);
	put_served(6); /* never falls */
	assert_int_equal(ends(SERVING_UNANSWERED), 0);
	assert_int_equal(said(BACKEND).timed_out, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene, leave)
		TEST(flows_are_those_of_both_tables),
		TEST(what_is_gone_is_said_and_what_stays_is_not),
		TEST(what_a_pass_began_under_another_plan_has_met_does_not_count),
		TEST(counts_of_an_agent_before_this_one_do_not_stay),
		TEST(what_could_not_be_written_is_written_later),
		TEST(handshakes_that_came_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
