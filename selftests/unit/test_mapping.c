/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When an outside port is given back: which flows hold it, what its timers say, how full an EIP is. A few arrays stand
 * for the kernel's tables.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* Need no kernel but the calls below, and are linked nowhere else in the unit tests. */
#include "../../user/kernel/trouble.c"
#include "../../user/kernel/names.c"
#include "../../user/kernel/supply.c"
#include "../../user/kernel/roster.c"
#include "../../user/kernel/rows.c"
#include "../../user/agent/index.c"
#include "../../user/agent/bound.c"
#include "../../user/agent/eip_use.c"
#include "../../user/agent/release.c"
#include "../../user/agent/mapping.c"

#include "tables_fixture.h"

int bpf_obj_get(const char *path)
{
	return strstr(path, "/progs/sl_release") ? 0 : -ENOENT;
}

/* What the program is asked to do. */
static struct release orders[8];
static size_t order_count;

int bpf_prog_test_run_opts(int program, struct bpf_test_run_opts *opts)
{
	struct release *order = &orders[order_count++];

	(void)program;
	assert_true(order_count <= 8);
	memset(order, 0, sizeof(*order));
	memcpy(order, opts->data_in, opts->data_size_in);
	assert_int_equal(opts->data_size_in, 20 + 12 * order->head.count);
	opts->retval = order->head.count;
	return 0;
}

void tally_gauge(const struct kernel *k, enum sl_gauge_id gauge, uint64_t value)
{
	(void)k;
	(void)gauge;
	(void)value;
}

void tally_fill(const struct kernel *k, enum sl_table_id table, uint64_t entries)
{
	(void)k;
	(void)table;
	(void)entries;
}

static const struct timeouts timeouts = { .tcp_established_s = 7440,
					  .tcp_transitory_s = 240,
					  .udp_s = 300,
					  .udp_new_s = 30,
					  .icmp_s = 60,
					  .port_rest_s = 120 };
static struct bound bound;
static struct mapping mapping;
static uint32_t now = 4000000000U; /* soon before the wrap */

static void put_made(uint64_t made)
{
	uint32_t key = SL_STAT_BINDINGS;

	bpf_map_update_elem(kernel.table[SL_TABLE_sl_stat], &key, &made, BPF_ANY);
}

static int scene(void **state)
{
	struct trouble t;

	(void)state;
	fakes_open();
	order_count = 0;
	now = 4000000000U;
	SIZES(sl_outside, struct sl_outside_key, struct sl_outside);
	SIZES(sl_holder, struct sl_holder_key, struct sl_holder);
	SIZES(sl_eip_use, struct sl_eip_count_key, struct sl_eip_use);
	SIZES(sl_eip_count, struct sl_eip_count_key, struct sl_eip_count);
	SIZES(sl_contact, struct sl_contact_key, struct sl_contact);
	SIZES(sl_name, struct sl_name_key, struct sl_name);
	SIZES(sl_eip, struct sl_eip_key, struct sl_eip);
	SIZES(sl_snat, struct sl_snat_key, struct sl_snat);
	SIZES(sl_reserved, struct sl_reserved_key, struct sl_reserved);
	SIZES(sl_stat, uint32_t, uint64_t);
	put_made(0);
	bound_open(&bound);
	return mapping_open(&mapping, &kernel, 1, &bound, &t);
}

static int leave(void **state)
{
	(void)state;
	mapping.program = -1; /* 0 is not ours */
	mapping_close(&mapping);
	bound_close(&bound);
	return 0;
}

#define EIP_BE 0x66004164U /* 100.65.0.102 */
#define EIP ((__be32)EIP_BE)
static struct sl_outside_key port_key(uint16_t port, uint8_t proto)
{
	return (struct sl_outside_key){ .eip = EIP, .port = htons(port), .proto = proto };
}

static void put_port(uint16_t port, uint8_t proto, uint8_t state, uint32_t seen)
{
	struct sl_outside_key key = port_key(port, proto);
	struct sl_outside row = { .state = state, .seen = seen };

	bpf_map_update_elem(kernel.table[SL_TABLE_sl_outside], &key, &row, BPF_ANY);
}

/* One direction of a flow of 10.0.0.HOST that holds the port. */
static void meet(enum bound_pass pass, uint8_t host, uint16_t port, uint32_t seen)
{
	struct sl_flow_key key = { .saddr = htonl(0x0a000000U + host), .vpc = 7, .proto = IPPROTO_UDP };
	struct sl_flow flow = { .seen = seen,
				.verdict = { .flags = SL_VERDICT_BOUND | SL_VERDICT_NAT | SL_VERDICT_SRC,
					     .saddr = EIP,
					     .sport = htons(port) } };

	bound_meet(&bound, pass, &key, &flow);
	/* Its other direction holds nothing. */
	flow.verdict.flags = SL_VERDICT_NAT | SL_VERDICT_DST;
	bound_meet(&bound, pass, &key, &flow);
}

static void empty_round(void)
{
	for (int pass = 0; pass < BOUND_PASSES; pass++) {
		bound_begin(&bound, pass);
		bound_end(&bound, pass);
	}
}

static void step(void)
{
	struct trouble t;

	now += expiry_ticks(6);
	assert_int_equal(mapping_step(&mapping, &timeouts, now, 4, &t), 0);
}

static void timers(void **state)
{
	const struct {
		uint8_t proto;
		uint32_t seconds;
	} of_proto[] = { { IPPROTO_TCP, 240 }, { IPPROTO_UDP, 300 }, { IPPROTO_ICMP, 60 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sl_outside row = { .seen = UINT32_MAX - 5 };
		uint32_t last = row.seen + expiry_ticks(of_proto[i].seconds);

		assert_int_equal(mapping_due(&timeouts, of_proto[i].proto, &row, false, last), MAPPING_STAYS);
		assert_int_equal(mapping_due(&timeouts, of_proto[i].proto, &row, false, last + 1),
				 MAPPING_RESTS);
		assert_int_equal(mapping_due(&timeouts, of_proto[i].proto, &row, true, last + 1),
				 MAPPING_STAYS);
		row.state = SL_OUTSIDE_RESTS;
		last = row.seen + expiry_ticks(120);
		assert_int_equal(mapping_due(&timeouts, of_proto[i].proto, &row, false, last), MAPPING_STAYS);
		assert_int_equal(mapping_due(&timeouts, of_proto[i].proto, &row, false, last + 1),
				 MAPPING_FREED);
		assert_int_equal(mapping_due(&timeouts, of_proto[i].proto, &row, true, last + 1),
				 MAPPING_STAYS);
	}
}

static void nothing_ends_before_two_whole_rounds(void **state)
{
	(void)state;
	put_port(5000, IPPROTO_UDP, SL_OUTSIDE_BOUND, now - expiry_ticks(1000));
	put_port(5001, IPPROTO_UDP, SL_OUTSIDE_BOUND, now);
	step();
	empty_round();
	step();
	assert_int_equal(order_count, 0);
	empty_round();
	step();
	assert_int_equal(order_count, 1);
	assert_int_equal(orders[0].head.what, SL_RELEASE_REST);
	assert_int_equal(orders[0].head.count, 1);
	assert_int_equal(orders[0].item[0].key.port, htons(5000));
}

static void a_pass_that_began_before_does_not_make_a_round(void **state)
{
	(void)state;
	bound_begin(&bound, BOUND_ANSWERED);
	empty_round(); /* by then the other table's pass goes on */
	assert_int_equal(bound.round, 2);
	bound_begin(&bound, BOUND_UNANSWERED);
	bound_end(&bound, BOUND_UNANSWERED);
	bound.since[BOUND_ANSWERED] = 1;
	bound_end(&bound, BOUND_ANSWERED);
	assert_int_equal(bound.round, 2);
	bound_begin(&bound, BOUND_ANSWERED);
	bound_end(&bound, BOUND_ANSWERED);
	assert_int_equal(bound.round, 3);
}

static void who_moves_between_the_tables_keeps_its_port(void **state)
{
	struct sl_outside_key key = port_key(5000, IPPROTO_UDP);

	(void)state;
	empty_round();
	empty_round();
	bound_begin(&bound, BOUND_UNANSWERED);
	meet(BOUND_UNANSWERED, 1, 5000, now);
	bound_end(&bound, BOUND_UNANSWERED);
	bound_begin(&bound, BOUND_ANSWERED);
	bound_end(&bound, BOUND_ANSWERED);
	empty_round(); /* moved behind the back of both sweeps */
	assert_non_null(bound_seen(&bound, &key));
	empty_round();
	assert_null(bound_seen(&bound, &key));
}

static void a_flow_holds_its_port_and_keeps_the_last_tick(void **state)
{
	struct sl_outside_key key = port_key(5000, IPPROTO_UDP);

	(void)state;
	put_port(5000, IPPROTO_UDP, SL_OUTSIDE_BOUND, now - expiry_ticks(9000));
	empty_round();
	empty_round();
	bound_begin(&bound, BOUND_ANSWERED);
	meet(BOUND_ANSWERED, 1, 5000, 100);
	meet(BOUND_ANSWERED, 1, 5000, 300);
	meet(BOUND_ANSWERED, 1, 5000, 200);
	bound_end(&bound, BOUND_ANSWERED);
	assert_int_equal(*bound_seen(&bound, &key), 300);
	step();
	assert_int_equal(order_count, 0);
}

static void the_timer_runs_from_the_last_packet_of_a_flow(void **state)
{
	struct sl_outside_key key = port_key(5000, IPPROTO_UDP);
	struct sl_outside row;

	(void)state;
	put_port(5000, IPPROTO_UDP, SL_OUTSIDE_BOUND, now - 1000);
	mapping_used(&kernel, &key, now - 2000);
	bpf_map_lookup_elem(kernel.table[SL_TABLE_sl_outside], &key, &row);
	assert_int_equal(row.seen, now - 1000);
	mapping_used(&kernel, &key, now);
	bpf_map_lookup_elem(kernel.table[SL_TABLE_sl_outside], &key, &row);
	assert_int_equal(row.seen, now);
	/* One at rest is not woken. */
	put_port(5000, IPPROTO_UDP, SL_OUTSIDE_RESTS, now - 1000);
	mapping_used(&kernel, &key, now);
	bpf_map_lookup_elem(kernel.table[SL_TABLE_sl_outside], &key, &row);
	assert_int_equal(row.seen, now - 1000);
}

static void what_rests_is_freed_whatever_flows_there_are(void **state)
{
	(void)state;
	put_port(5000, IPPROTO_TCP, SL_OUTSIDE_RESTS, now - expiry_ticks(200));
	put_port(5001, IPPROTO_TCP, SL_OUTSIDE_RESTS, now);
	step();
	assert_int_equal(order_count, 1);
	assert_int_equal(orders[0].head.what, SL_RELEASE_FREE);
	assert_int_equal(orders[0].head.count, 1);
	assert_int_equal(orders[0].item[0].key.port, htons(5000));
	assert_int_equal(orders[0].item[0].seen, now - expiry_ticks(6) - expiry_ticks(200));
}

/* A port that was given back must not come with whom its last holder has sent to. */
static void contacts_end_with_their_mapping(void **state)
{
	struct sl_contact_key of_bound = {
		.eip = EIP, .remote = 1, .port = htons(5000), .proto = IPPROTO_UDP
	};
	struct sl_contact_key of_resting = of_bound, of_nobody = of_bound, older = of_bound;
	struct sl_contact contact = { .seen = now };
	struct sl_outside_key key = port_key(5000, IPPROTO_UDP);
	struct sl_outside row = { .created = now - 10, .seen = now };
	int fd = kernel.table[SL_TABLE_sl_contact];

	(void)state;
	bpf_map_update_elem(kernel.table[SL_TABLE_sl_outside], &key, &row, BPF_ANY);
	put_port(5001, IPPROTO_UDP, SL_OUTSIDE_RESTS, now);
	of_resting.port = htons(5001);
	of_nobody.port = htons(5002);
	older.remote = 2;
	bpf_map_update_elem(fd, &of_bound, &contact, BPF_ANY);
	bpf_map_update_elem(fd, &of_resting, &contact, BPF_ANY);
	bpf_map_update_elem(fd, &of_nobody, &contact, BPF_ANY);
	contact.seen = now - 11;
	bpf_map_update_elem(fd, &older, &contact, BPF_ANY);
	step();
	assert_int_equal(fakes[SL_TABLE_sl_contact].count, 4); /* not in every pass */
	now += expiry_ticks(31);
	step();
	assert_int_equal(fakes[SL_TABLE_sl_contact].count, 1);
	assert_int_equal(bpf_map_lookup_elem(fd, &of_bound, &contact), 0);
}

static void without_memory_nothing_ends(void **state)
{
	(void)state;
	empty_round();
	empty_round();
	assert_true(bound_sure(&bound));
	bound.lost = bound.round;
	assert_false(bound_sure(&bound));
	empty_round();
	assert_false(bound_sure(&bound));
	empty_round();
	assert_false(bound_sure(&bound));
	empty_round();
	assert_true(bound_sure(&bound));
}

static void walks(uint32_t seconds, uint32_t times)
{
	uint32_t *walked = &fakes[SL_TABLE_sl_outside].walks;
	struct trouble t;

	*walked = 0;
	now += expiry_ticks(seconds);
	assert_int_equal(mapping_step(&mapping, &timeouts, now, 4, &t), 0);
	assert_int_equal(*walked, times);
}

static void an_empty_table_is_left_alone_until_a_mapping_is_made(void **state)
{
	struct trouble t;

	(void)state;
	walks(0, 1);
	walks(6, 0);
	walks(6, 0);
	put_made(1);
	walks(0, 1);
	put_made(2);
	walks(4, 0);
	walks(2, 1);
	walks(29, 0);
	walks(2, 1);
	assert_int_equal(mapping_plan(&mapping, &t), 0);
	walks(0, 1);
	walks(0, 0);
}

static void a_table_with_rows_is_gone_through_by_their_number(void **state)
{
	(void)state;
	put_port(5000, IPPROTO_UDP, SL_OUTSIDE_BOUND, now);
	walks(0, 1);
	walks(4, 0);
	walks(2, 1);
	room = 100000;
	mapping.entries = FEW_ROWS;
	walks(29, 0);
	walks(2, 1);
	mapping.entries = 80001; /* nearly full */
	walks(6, 1);
}

static void flows_of_a_workload(void **state)
{
	struct sl_holder_key one = { .addr = htonl(0x0a000001), .vpc = 7 };
	struct sl_holder_key two = { .addr = htonl(0x0a000002), .vpc = 7 };
	struct sl_holder holder = { .ports = { 1, 2, 3 }, .flows = 9 };
	struct sl_release_flows order;
	struct trouble t;

	(void)state;
	bpf_map_update_elem(kernel.table[SL_TABLE_sl_holder], &one, &holder, BPF_ANY);
	holder.flows = 1;
	bpf_map_update_elem(kernel.table[SL_TABLE_sl_holder], &two, &holder, BPF_ANY);
	bound_begin(&bound, BOUND_ANSWERED);
	meet(BOUND_ANSWERED, 1, 5000, 1);
	meet(BOUND_ANSWERED, 1, 5000, 1);
	meet(BOUND_ANSWERED, 2, 5001, 1);
	bound_end(&bound, BOUND_ANSWERED);
	bound_begin(&bound, BOUND_UNANSWERED);
	meet(BOUND_UNANSWERED, 1, 5002, 1);
	assert_int_equal(bound_flows(&bound, &one), 2); /* of whole passes */
	bound_end(&bound, BOUND_UNANSWERED);
	assert_int_equal(bound_flows(&bound, &one), 3);
	assert_int_equal(mapping_flows(&mapping, &t), 0);
	assert_int_equal(order_count, 1); /* of two all is right */
	assert_int_equal(orders[0].head.what, SL_RELEASE_FLOWS);
	assert_int_equal(orders[0].head.count, 1);
	memcpy(&order, &orders[0].item[0], sizeof(order));
	assert_memory_equal(&order.key, &one, sizeof(one));
	assert_int_equal(order.flows, 3);
}

static void orders_are_carried_out_in_frames(void **state)
{
	struct sl_outside_key key = port_key(1, IPPROTO_UDP);
	struct release r;
	struct trouble t;
	uint64_t done = 0;

	(void)state;
	release_begin(&r, SL_RELEASE_REST);
	for (uint32_t i = 0; i < SL_RELEASE_ITEMS + 1; i++)
		assert_int_equal(release_port(&r, 0, &key, i, &done, &t), 0);
	assert_int_equal(order_count, 1);
	assert_int_equal(release_flush(&r, 0, &done, &t), 0);
	assert_int_equal(release_flush(&r, 0, &done, &t), 0);
	assert_int_equal(order_count, 2);
	assert_int_equal(orders[0].head.count, SL_RELEASE_ITEMS);
	assert_int_equal(orders[1].head.count, 1);
	assert_int_equal(orders[1].item[0].seen, SL_RELEASE_ITEMS);
	assert_int_equal(done, SL_RELEASE_ITEMS + 1);
}

static void ports_that_this_node_may_hand_out(void **state)
{
	static const struct sl_slot ring[4] = { { 99 }, { EIP_BE }, { 77 }, { EIP_BE } };
	struct sl_eip_key key = { .addr = EIP };
	struct sl_eip eip = { .flags = SL_EIP_SNAT };
	struct sl_snat rules[2] = { { .ring = 1, .slots = 3, .first = 1024, .last = 3071 },
				    { .ring = 3, .slots = 1, .first = 3000, .last = 8191 } };
	struct sl_reserved_key reserved[3] = { { .addr = EIP, .port = htons(1500), .proto = IPPROTO_TCP },
					       { .addr = EIP, .port = htons(80), .proto = IPPROTO_TCP },
					       { .addr = 99, .port = htons(1501), .proto = IPPROTO_TCP } };
	struct sl_reserved yes = { 1 };
	struct sl_eip_count_key use_key = { .eip = EIP, .proto = IPPROTO_TCP };
	struct sl_eip_use use;
	struct trouble t;

	(void)state;
	eip.node[1] = eip.node[3] = SL_NODE_SELF; /* 1024-2047 and 3072-4095 */
	eip.node[2] = 5;
	bpf_map_update_elem(kernel.plan[SL_TABLE_sl_eip], &key, &eip, BPF_ANY);
	for (uint32_t i = 0; i < 2; i++) {
		struct sl_snat_key rule = { i + 1 };

		bpf_map_update_elem(kernel.plan[SL_TABLE_sl_snat], &rule, &rules[i], BPF_ANY);
	}
	for (uint32_t i = 0; i < 3; i++)
		bpf_map_update_elem(kernel.plan[SL_TABLE_sl_reserved], &reserved[i], &yes, BPF_ANY);
	fakes[SL_TABLE_sl_ring].array = ring;
	kernel.generation = 4;
	assert_int_equal(mapping_plan(&mapping, &t), 0);
	put_port(1024, IPPROTO_TCP, SL_OUTSIDE_BOUND, now);
	put_port(1025, IPPROTO_TCP, SL_OUTSIDE_RESTS, now);
	put_port(1026, IPPROTO_TCP, SL_OUTSIDE_RESTS, now);
	step();
	assert_int_equal(bpf_map_lookup_elem(kernel.table[SL_TABLE_sl_eip_use], &use_key, &use), 0);
	assert_int_equal(use.ports, 2047);
	assert_int_equal(use.bound, 1);
	assert_int_equal(use.resting, 2);
	use_key.proto = IPPROTO_ICMP;
	assert_int_equal(bpf_map_lookup_elem(kernel.table[SL_TABLE_sl_eip_use], &use_key, &use), 0);
	assert_int_equal(use.ports, 2048);
	assert_int_equal(use.bound, 0);

	/* The EIP leaves the plan: its row stays as long as it has ports in use. */
	fakes[SL_TABLE_sl_eip].count = 0;
	assert_int_equal(mapping_plan(&mapping, &t), 0);
	step();
	assert_int_equal(fakes[SL_TABLE_sl_eip_use].count, 1);
	fakes[SL_TABLE_sl_outside].count = 0;
	step();
	assert_int_equal(fakes[SL_TABLE_sl_eip_use].count, 0);
}

static void scarce_is_said_once(void **state)
{
	uint32_t said = 0;

	(void)state;
	assert_false(eip_use_scarce(80, 100, &said));
	assert_true(eip_use_scarce(81, 100, &said));
	assert_false(eip_use_scarce(100, 100, &said));
	assert_false(eip_use_scarce(70, 100, &said));
	assert_false(eip_use_scarce(90, 100, &said));
	assert_false(eip_use_scarce(69, 100, &said));
	assert_true(eip_use_scarce(81, 100, &said));
	assert_false(eip_use_scarce(5, 0, &said));
}

static bool keep_even(void *closure, struct index_row *row)
{
	(void)closure;
	return row->number[0] % 2 == 0;
}

/* Against what an array says; keys that crowd into the same places. */
static void the_index_finds_what_is_there(void **state)
{
	struct index index = { 0 };
	static bool there[20000];

	(void)state;
	memset(there, 0, sizeof(there));
	for (uint32_t i = 0; i < 60000; i++) {
		uint64_t key = (uint64_t)(i * 7919 % 20000) << 32 | 1;
		struct index_row *row = index_put(&index, &key);

		assert_non_null(row);
		row->number[0] = i;
		there[key >> 32] = true;
		if (i % 9973)
			continue;
		index_keep(&index, keep_even, NULL);
		for (uint64_t n = 0; n < 20000; n++) {
			key = n << 32 | 1;
			row = index_find(&index, &key);
			if (row)
				assert_true(there[n] && row->number[0] % 2 == 0);
			there[n] = row;
		}
	}
	for (uint64_t n = 0; n < 20000; n++) {
		uint64_t key = n << 32 | 1;

		assert_int_equal(!!index_find(&index, &key), there[n]);
	}
	index_free(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene, leave)
		TEST(timers),
		TEST(nothing_ends_before_two_whole_rounds),
		TEST(a_pass_that_began_before_does_not_make_a_round),
		TEST(who_moves_between_the_tables_keeps_its_port),
		TEST(a_flow_holds_its_port_and_keeps_the_last_tick),
		TEST(the_timer_runs_from_the_last_packet_of_a_flow),
		TEST(what_rests_is_freed_whatever_flows_there_are),
		TEST(contacts_end_with_their_mapping),
		TEST(without_memory_nothing_ends),
		TEST(an_empty_table_is_left_alone_until_a_mapping_is_made),
		TEST(a_table_with_rows_is_gone_through_by_their_number),
		TEST(flows_of_a_workload),
		TEST(orders_are_carried_out_in_frames),
		TEST(ports_that_this_node_may_hand_out),
		TEST(scarce_is_said_once),
		TEST(the_index_finds_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
