/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A lean image leaves the rings' rows for later. Whenever they are made they are the whole image's, and what stands in
 * their place until then tells any two apart: over plans at random and one change after the other.
 */
#include "image_fixture.h"
#include "../../user/image/rings.h"

#define PLANS 12
#define CHANGES 40
#define SERVICES 8
#define BACKENDS 5

struct member {
	unsigned int address;
	unsigned int weight;
};

struct service_text {
	unsigned int size; /* of its ring; 0: as follows from its backends */
	unsigned int backends;
	struct member backend[BACKENDS];
};

struct services {
	unsigned int count;
	struct service_text service[SERVICES];
};

static uint32_t state = 20261122;

static uint32_t any(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % below;
}

static struct service_text any_service(void)
{
	static const unsigned int sizes[] = { 0, 0, 11, 101, 103 };
	struct service_text s = { .size = sizes[any(5)], .backends = any(BACKENDS + 1) };
	unsigned int address = 1 + any(20);

	for (unsigned int i = 0; i < s.backends; i++, address += 1 + any(9))
		s.backend[i] = (struct member){ address, 1 + any(3) };
	return s;
}

static void change(struct services *all)
{
	struct service_text *s = &all->service[any(all->count)];

	switch (any(5)) {
	case 0:
		*s = any_service();
		break;
	case 1:
		all->count = all->count == SERVICES ? all->count - 1 : all->count + 1;
		break;
	case 2:
		s->size = s->size == 101 ? 103 : 101;
		break;
	case 3:
		if (s->backends)
			s->backend[any(s->backends)].weight = 1 + any(3);
		break;
	default: /* their order in the plan says nothing to the rows */
		if (s->backends > 1) {
			struct member first = s->backend[0];

			s->backend[0] = s->backend[1];
			s->backend[1] = first;
		}
	}
}

static struct plan *plan_of(const struct services *all, struct report *r)
{
	char text[16384], *json;
	size_t used = 0;
	struct plan *plan;

#define ADD(...) (used += (size_t)snprintf(text + used, sizeof(text) - used, __VA_ARGS__))
	ADD("{ 'sluice': 1, 'clusters': { 'c': { 'id': 1, 'pools': { 'lb': ['198.51.100.0/24'] }, 'nodes': { "
	    "'n': "
	    "{ 'addresses': ['192.0.2.1'], 'uplinks': { 'eth0': {} } } } } }, 'networks': { 'pods': { 'id': "
	    "1, "
	    "'sites': { 'c': { 'overlay': true, 'cidrs': ['10.1.0.0/16'] } } } }, 'services': {");
	for (unsigned int i = 0; i < all->count; i++) {
		const struct service_text *s = &all->service[i];

		ADD("%s 's%u': { 'address': '198.51.100.%u', ", i ? "," : "", i, i + 1);
		if (s->size)
			ADD("'ring_size': %u, ", s->size);
		ADD("'ports': [{ 'proto': 'tcp', 'port': 80 }], 'backends': [");
		for (unsigned int k = 0; k < s->backends; k++)
			ADD("%s{ 'address': '10.1.0.%u', 'weight': %u }", k ? "," : "", s->backend[k].address,
			    s->backend[k].weight);
		ADD("] }");
	}
	ADD("} }");
#undef ADD
	assert_true(used < sizeof(text));
	json = quoted(text);
	plan = plan_read_text("rings.json", json, strlen(json), r);
	free(json);
	if (report_failed(r))
		report_print(r, stderr);
	assert_false(report_failed(r));
	return plan;
}

/* One plan compiled in both ways. */
struct both {
	struct plan *plan;
	struct report report;
	struct image *whole;
	struct image *lean;
	struct digest from;
	bool waits;
};

static void both_free(struct both *b)
{
	image_free(b->whole);
	image_free(b->lean);
	plan_free(b->plan);
	report_free(&b->report);
	free(b);
}

static struct both *both_of(const struct services *all)
{
	struct both *b = calloc(1, sizeof(*b));
	struct digest unused;

	assert_non_null(b);
	b->plan = plan_of(all, &b->report);
	b->whole = image_compile(b->plan, "n", NULL, &b->report);
	b->lean = image_compile_lean(b->plan, "n", NULL, &b->report);
	assert_non_null(b->whole);
	assert_non_null(b->lean);
	b->waits = image_rows_wait(b->lean, SL_TABLE_sl_ring, &b->from);
	assert_int_equal(b->waits, b->whole->table[SL_TABLE_sl_ring].count != 0);
	for (int t = 0; t < SL_TABLES; t++)
		assert_false(image_rows_wait(b->whole, t, &unused));
	return b;
}

static void same_tables(const struct image *lean, const struct image *whole)
{
	assert_true(lean->hash == whole->hash);
	for (int t = 0; t < SL_TABLES; t++) {
		const struct image_table *y = &whole->table[t];
		struct image_table x;

		/* Twice, since making them must not change what they are made from. */
		for (int turn = 0; turn < 2; turn++) {
			assert_true(image_rows(lean, t, &x));
			assert_int_equal(x.count, y->count);
			assert_int_equal(x.key_size, y->key_size);
			assert_int_equal(x.value_size, y->value_size);
			if (x.count)
				assert_memory_equal(x.rows, y->rows, x.count * (x.key_size + x.value_size));
			image_rows_free(lean, t, &x);
		}
	}
}

static bool equal(const struct digest *a, const struct digest *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool same_rings(const struct image *a, const struct image *b)
{
	const struct image_table *x = &a->table[SL_TABLE_sl_ring], *y = &b->table[SL_TABLE_sl_ring];

	return x->count == y->count && (!x->count || !memcmp(x->rows, y->rows, x->count * 8));
}

static void later_is_the_same(void **unused)
{
	unsigned int kept = 0, other = 0;

	(void)unused;
	for (int i = 0; i < PLANS; i++) {
		struct services all = { .count = 1 + any(SERVICES) };
		struct both *was = NULL;

		for (unsigned int s = 0; s < SERVICES; s++)
			all.service[s] = any_service();
		for (int k = 0; k < CHANGES; k++) {
			struct both *now = both_of(&all);

			if (was && was->waits && now->waits) {
				bool same = equal(&was->from, &now->from);

				/* Nothing is kept that would be another one. */
				assert_true(!same || same_rings(was->whole, now->whole));
				kept += same;
				other += !same;
			}
			same_tables(now->lean, now->whole);
			if (was)
				both_free(was);
			was = now;
			change(&all);
		}
		both_free(was);
	}
	assert_true(kept > 10 && other > 100);
}

/* Each thing that the rows follow from. */
static void each_input_counts(void **unused)
{
	const struct services given = { .count = 2,
					.service = { { 101, 3, { { 1, 1 }, { 2, 1 }, { 3, 2 } } },
						     { 101, 2, { { 1, 1 }, { 2, 1 } } } } };
	struct both *was = both_of(&given), *again = both_of(&given);

	(void)unused;
	assert_true(equal(&was->from, &again->from));
	for (int i = 0; i < 5; i++) {
		struct services all = given;
		struct both *now;

		if (i == 0)
			all.service[0].backend[1].address = 7;
		else if (i == 1)
			all.service[0].backend[2].weight = 3;
		else if (i == 2)
			all.service[1].size = 103;
		else if (i == 3)
			all.service[1].backends = 1;
		else
			all.count = 1;
		now = both_of(&all);
		assert_false(equal(&was->from, &now->from));
		assert_false(was->lean->hash == now->lean->hash);
		both_free(now);
	}
	both_free(was);
	both_free(again);
}

static void order_does_not_count(void **unused)
{
	const struct services one = { .count = 1, .service = { { 0, 3, { { 1, 1 }, { 2, 2 }, { 3, 3 } } } } },
			      other = { .count = 1,
					.service = { { 0, 3, { { 3, 3 }, { 1, 1 }, { 2, 2 } } } } };
	struct both *a = both_of(&one), *b = both_of(&other);

	(void)unused;
	assert_true(equal(&a->from, &b->from) && same_rings(a->whole, b->whole));
	assert_true(a->lean->hash == b->lean->hash);
	both_free(a);
	both_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_is_the_same),
		cmocka_unit_test(each_input_counts),
		cmocka_unit_test(order_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
