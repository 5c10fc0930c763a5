/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services read out of tables: order, shares of the ring, whose flow counts where. A few arrays stand for the
 * kernel, in batches as small as the caller likes.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* Need no kernel but the calls below, and are linked nowhere else in the unit tests. */
#include "../../user/kernel/trouble.c"
#include "../../user/kernel/rows.c"
#include "../../user/kernel/roster.c"

struct fake {
	const void *keys; /* NULL: an array, whose keys are indices */
	const void *values;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t count;
};
static struct fake fakes[5];
static uint32_t largest; /* batch */

int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	const struct fake *fake = &fakes[fd];
	uint32_t at = 0, done = 0, last;

	(void)opts;
	if (in_batch) {
		memcpy(&last, in_batch, sizeof(last));
		at = last + 1;
	}
	for (; done < *count && done < largest && at < fake->count; at++, done++) {
		if (fake->keys)
			memcpy((char *)keys + done * fake->key_size,
			       (const char *)fake->keys + at * fake->key_size, fake->key_size);
		else
			((uint32_t *)keys)[done] = at;
		memcpy((char *)values + done * fake->value_size,
		       (const char *)fake->values + at * fake->value_size, fake->value_size);
	}
	last = at - 1;
	memcpy(out_batch, &last, sizeof(last));
	*count = done;
	return at < fake->count ? 0 : -ENOENT;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	(void)fd;
	(void)key;
	(void)value;
	return -ENOENT;
}

#define A 0x0a000001U
#define B 0x0a000002U
#define C 0x0a000003U
static struct sl_service_key web, dns;
static struct sl_service services[2];
static struct sl_backend_key backend_keys[4];
static struct sl_backend backends[4];
static struct sl_slot ring[10];
static struct sl_vip_key vip_keys[2];
static struct sl_vip vips[2];

static int scene(void **state)
{
	static struct sl_service_key service_keys[2];
	static const uint32_t slots[10] = { 9, 9, A, A, B, A, 9, B, B, B };

	(void)state;
	web = (struct sl_service_key){ .addr = htonl(0x64410066), .port = htons(80), .proto = IPPROTO_TCP };
	dns = (struct sl_service_key){ .addr = htonl(0x64410066), .port = htons(53), .proto = IPPROTO_UDP };
	service_keys[0] = web;
	service_keys[1] = dns;
	services[0] = (struct sl_service){ .ring = 2, .slots = 4, .target = htons(8080) };
	services[1] = (struct sl_service){ .ring = 7, .slots = 3, .target = htons(53) };
	backend_keys[0] = (struct sl_backend_key){ .service = web, .backend = htonl(B) };
	backend_keys[1] = (struct sl_backend_key){ .service = dns, .backend = htonl(B) };
	backend_keys[2] = (struct sl_backend_key){ .service = web, .backend = htonl(C) };
	backend_keys[3] = (struct sl_backend_key){ .service = web, .backend = htonl(A) };
	backends[0] = (struct sl_backend){ .node = 7, .flags = SL_BACKEND_REMOTE };
	backends[2] = (struct sl_backend){ .flags = SL_BACKEND_DRAIN };
	vip_keys[0].addr = htonl(SL_ALIAS_FIRST);
	vips[0] = (struct sl_vip){ .flags = SL_VIP_ALIAS, .other = web.addr };
	vip_keys[1].addr = web.addr;
	vips[1] = (struct sl_vip){ .flags = SL_VIP_HOST, .other = htonl(SL_ALIAS_FIRST) };
	for (size_t i = 0; i < 10; i++)
		ring[i].addr = htonl(slots[i]);
	fakes[1] = (struct fake){ service_keys, services, sizeof(web), sizeof(*services), 2 };
	fakes[2] = (struct fake){ backend_keys, backends, sizeof(*backend_keys), sizeof(*backends), 4 };
	fakes[3] = (struct fake){ NULL, ring, 4, sizeof(*ring), 10 };
	fakes[4] = (struct fake){ vip_keys, vips, sizeof(*vip_keys), sizeof(*vips), 2 };
	largest = 1000;
	return 0;
}

static struct roster read_all(void)
{
	struct kernel k = { .generation = 1 };
	struct roster roster;
	struct trouble t = { "" };

	k.plan[SL_TABLE_sl_service] = 1;
	k.plan[SL_TABLE_sl_backend] = 2;
	k.plan[SL_TABLE_sl_ring] = 3;
	k.plan[SL_TABLE_sl_vip] = 4;
	assert_int_equal(roster_read(&roster, &k, &t), 0);
	return roster;
}

static struct roster_row *row_of(const struct roster *roster, struct sl_service_key service, uint32_t backend)
{
	struct sl_served_key key = { .service = service, .backend = htonl(backend) };

	return roster_find(roster, &key);
}

static void services_lead_their_backends(void **state)
{
	struct roster roster = read_all();

	(void)state;
	assert_int_equal(roster.count, 6);
	/* Port 53 stands before port 80. */
	assert_int_equal(roster.row[0].key.service.port, htons(53));
	assert_int_equal(roster.row[0].key.backend, 0);
	assert_int_equal(roster_span(&roster, 0), 2);
	assert_int_equal(roster.row[2].key.backend, 0);
	assert_int_equal(roster.row[2].service.target, htons(8080));
	assert_int_equal(roster_span(&roster, 2), 4);
	assert_int_equal(row_of(&roster, web, B)->node, 7);
	assert_int_equal(row_of(&roster, web, C)->flags, SL_BACKEND_DRAIN);
	assert_null(row_of(&roster, dns, A));
	roster_free(&roster);
}

static void slots_are_counted_within_the_ring(void **state)
{
	struct roster roster = read_all();

	(void)state;
	assert_int_equal(row_of(&roster, web, 0)->slots, 4);
	assert_int_equal(row_of(&roster, web, A)->slots, 3);
	assert_int_equal(row_of(&roster, web, B)->slots, 1);
	assert_int_equal(row_of(&roster, web, C)->slots, 0);
	assert_int_equal(row_of(&roster, dns, B)->slots, 3);
	roster_free(&roster);
}

static void a_ring_at_the_beginning(void **state)
{
	struct roster roster;

	(void)state;
	services[0].ring = 0;
	services[0].slots = 5;
	roster = read_all();
	assert_int_equal(row_of(&roster, web, A)->slots, 2);
	assert_int_equal(row_of(&roster, web, B)->slots, 1);
	roster_free(&roster);
}

static void no_ring_and_no_plan(void **state)
{
	struct kernel k = { .generation = 0 };
	struct roster roster;
	struct trouble t;

	(void)state;
	services[0].slots = 0;
	roster = read_all();
	assert_int_equal(row_of(&roster, web, A)->slots, 0);
	roster_free(&roster);
	assert_int_equal(roster_read(&roster, &k, &t), 0);
	assert_int_equal(roster.count, 0);
	assert_null(row_of(&roster, web, 0));
}

static void a_ring_cut_short_is_an_error(void **state)
{
	struct kernel k = { .generation = 1 };
	struct roster roster;
	struct trouble t = { "" };

	(void)state;
	k.plan[SL_TABLE_sl_service] = 1;
	k.plan[SL_TABLE_sl_backend] = 2;
	k.plan[SL_TABLE_sl_ring] = 3;
	k.plan[SL_TABLE_sl_vip] = 4;
	fakes[3].count = 9;
	assert_int_not_equal(roster_read(&roster, &k, &t), 0);
	assert_string_equal(t.text, "a ring of 3 slots has 2");
}

static void meet(struct roster *roster, struct sl_service_key service, uint32_t backend, uint16_t verdict,
		 uint8_t state, uint8_t flags, bool answered)
{
	struct sl_flow_key key = { .saddr = htonl(0x5863da2f),
				   .daddr = service.addr,
				   .sport = htons(40000),
				   .dport = service.port,
				   .vpc = 1,
				   .proto = service.proto };
	struct sl_flow flow = { .state = state, .flags = flags };

	flow.verdict.flags = verdict;
	flow.verdict.daddr = htonl(backend);
	roster_count(roster, &key, &flow, answered);
}

static void flows_count_with_their_backend(void **state)
{
	struct roster roster = read_all();
	const struct roster_row *a = row_of(&roster, web, A), *b = row_of(&roster, web, B),
				*u = row_of(&roster, dns, B);
	const uint16_t to = SL_VERDICT_SERVICE | SL_VERDICT_DST;

	(void)state;
	meet(&roster, web, A, to, SL_FLOW_ESTABLISHED, SL_FLOW_ANSWERED, true);
	meet(&roster, web, A, to, SL_FLOW_CLOSING, 0, true);
	/* Answered, but without room in the other table. */
	meet(&roster, web, A, to, SL_FLOW_ESTABLISHED, SL_FLOW_ANSWERED, false);
	meet(&roster, web, A, to, SL_FLOW_OPENING, 0, false);
	assert_int_equal(a->flows, 3);
	assert_int_equal(a->waiting, 1);

	/* A client of the node itself, who calls the VIP by its alias. */
	meet(&roster,
	     (struct sl_service_key){ .addr = htonl(SL_ALIAS_FIRST), .port = web.port, .proto = web.proto },
	     A, to, SL_FLOW_ESTABLISHED, SL_FLOW_ANSWERED, true);
	assert_int_equal(a->flows, 4);

	/* None of these: closed, a reply's half, no service's, a backend that is gone. */
	meet(&roster, web, A, to, SL_FLOW_CLOSED, SL_FLOW_ANSWERED, true);
	meet(&roster, web, A, to, SL_FLOW_ESTABLISHED, SL_FLOW_REPLY, true);
	meet(&roster, web, A, SL_VERDICT_DST, SL_FLOW_ESTABLISHED, 0, true);
	meet(&roster, web, 0x0a000009U, to, SL_FLOW_ESTABLISHED, 0, true);
	assert_int_equal(a->flows, 4);
	assert_int_equal(a->waiting, 1);

	/* Answers pass another way: a TCP client has to go on, others have nothing to wait for. */
	meet(&roster, web, B, SL_VERDICT_SERVICE | SL_VERDICT_DIRECT, SL_FLOW_OPENING, 0, false);
	meet(&roster, dns, B, SL_VERDICT_SERVICE | SL_VERDICT_DIRECT, SL_FLOW_OPENING, 0, false);
	assert_int_equal(b->waiting, 1);
	assert_int_equal(b->flows, 0);
	assert_int_equal(u->flows, 1);
	assert_int_equal(u->waiting, 0);
	roster_free(&roster);
}

static void timed_out_is_what_is_left(void **state)
{
	const struct sl_served served = { .connections = 100, .answered = 80, .refused = 5 };

	(void)state;
	assert_int_equal(served_timed_out(&served, 10), 5);
	assert_int_equal(served_timed_out(&served, 15), 0);
	/* Numbers that were read one after the other may not add up. */
	assert_int_equal(served_timed_out(&served, 20), 0);
}

static void count_rows(void *closure, const void *key, const void *value)
{
	const struct sl_slot *slot = value;

	(void)key;
	*(uint32_t *)closure += ntohl(slot->addr) == 9;
}

static void a_walk_sees_every_row_in_any_batch(void **state)
{
	struct trouble t;

	(void)state;
	for (largest = 1; largest < 12; largest++) {
		uint32_t nines = 0;
		uint64_t all;

		assert_int_equal(
			rows_walk(3, sizeof(uint32_t), sizeof(struct sl_slot), count_rows, &nines, &t), 0);
		assert_int_equal(nines, 3);
		assert_int_equal(rows_number(3, sizeof(uint32_t), sizeof(struct sl_slot), 1, &all, &t), 0);
		assert_int_equal(all, 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(services_lead_their_backends, scene),
		cmocka_unit_test_setup(slots_are_counted_within_the_ring, scene),
		cmocka_unit_test_setup(a_ring_at_the_beginning, scene),
		cmocka_unit_test_setup(no_ring_and_no_plan, scene),
		cmocka_unit_test_setup(a_ring_cut_short_is_an_error, scene),
		cmocka_unit_test_setup(flows_count_with_their_backend, scene),
		cmocka_unit_test(timed_out_is_what_is_left),
		cmocka_unit_test_setup(a_walk_sees_every_row_in_any_batch, scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
