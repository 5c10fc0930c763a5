/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rings: every slot taken, shares as the weights say, little moved by one backend more or less, nothing
 * dependent on the order of the list.
 */
#include "plan_fixture.h"
#include "../../user/image/maglev.h"

#define MOST 64

struct ring {
	struct maglev_backend backends[MOST];
	size_t count;
	uint32_t slots[MOST_RING_SIZE];
	uint32_t size;
};

static struct ring before, after;

static void add(struct ring *r, uint32_t address, uint32_t weight)
{
	assert_true(r->count < MOST);
	r->backends[r->count++] = (struct maglev_backend){ .address = address, .weight = weight };
}

static void begin(struct ring *r, uint32_t size)
{
	memset(r, 0, sizeof(*r));
	r->size = size;
}

static void fill(struct ring *r)
{
	maglev_fill(r->backends, r->count, r->slots, r->size);
}

static uint32_t share(const struct ring *r, uint32_t address)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < r->size; i++)
		count += r->slots[i] == address;
	return count;
}

static uint32_t moved(const struct ring *a, const struct ring *b)
{
	uint32_t count = 0;

	assert_int_equal(a->size, b->size);
	for (uint32_t i = 0; i < a->size; i++)
		count += a->slots[i] != b->slots[i];
	return count;
}

/* Ten addresses side by side and ten far apart: the hash must spread both. */
static uint32_t address_of(uint32_t i)
{
	return i % 2 ? 0x0a000a14 + i : 0x0a640000 + i * 2654435761U % 65536;
}

static void shares_follow_weights(void **state)
{
	static const uint32_t weights[][4] = {
		{ 1, 1, 1, 0 },	  { 1, 2, 1, 0 },	 { 1, 2, 3, 4 },
		{ 5, 5, 1, 0 },	  { 1, 1, 0, 0 },	 { 7, 11, 13, 3 },
		{ 1, 10, 10, 0 }, { 1000, 999, 998, 1 }, { 1000, 501, 501, 501 },
	};

	(void)state;
	for (size_t w = 0; w < sizeof(weights) / sizeof(*weights); w++) {
		uint32_t total = 0, sum = 0;

		begin(&before, 401);
		for (uint32_t i = 0; i < 4 && weights[w][i]; i++) {
			add(&before, address_of(i), weights[w][i]);
			total += weights[w][i];
		}
		fill(&before);
		for (uint32_t i = 0; i < 4 && weights[w][i]; i++) {
			double want = 401.0 * weights[w][i] / total;
			uint32_t have = share(&before, address_of(i));

			/* Within 5 % of the weight, or within a slot where a slot is more than that. */
			assert_true(have >= 1);
			assert_true(have <= want * 1.05 || have <= want + 1);
			assert_true(have >= want * 0.95 || have >= want - 1);
			sum += have;
		}
		assert_int_equal(sum, 401);
	}
}

/* 1.2 slots are one, not two. */
static void shares_are_rounded(void **state)
{
	(void)state;
	begin(&before, 401);
	add(&before, address_of(0), 1000);
	for (uint32_t i = 1; i < 4; i++)
		add(&before, address_of(i), 3);
	fill(&before);
	assert_int_equal(share(&before, address_of(0)), 398);
}

static void equal_weights_differ_by_a_slot(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 20; n++) {
		uint32_t least = UINT32_MAX, most = 0;

		begin(&before, 2003);
		for (uint32_t i = 0; i < n; i++)
			add(&before, address_of(i), 3);
		fill(&before);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t have = share(&before, address_of(i));

			least = have < least ? have : least;
			most = have > most ? have : most;
		}
		assert_true(most - least <= 1);
	}
}

/* Of N equal backends each in turn goes: its own share must move, of the rest hardly more than that again. */
static void one_less_moves_little(void **state)
{
	static const uint32_t sizes[] = { 401, 1601, 6421 };

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		for (uint32_t n = 3; n <= 16; n++) {
			if (sizes[s] < n * 100)
				continue;
			for (uint32_t gone = 0; gone < n; gone++) {
				begin(&before, sizes[s]);
				begin(&after, sizes[s]);
				for (uint32_t i = 0; i < n; i++) {
					add(&before, address_of(i), 1);
					if (i != gone)
						add(&after, address_of(i), 1);
				}
				fill(&before);
				fill(&after);
				assert_true(moved(&before, &after) <= 2 * (sizes[s] / n + 1));
				/* What the issue asks for: of three, at most 40 % land differently. */
				if (n == 3)
					assert_true(moved(&before, &after) * 100 <= 40 * sizes[s]);
				assert_int_equal(share(&after, address_of(gone)), 0);
			}
		}
	}
}

/* Not by lucky addresses only. */
static void three_of_many(void **state)
{
	uint32_t worst = 0;

	(void)state;
	for (uint32_t k = 0; k < 300; k++) {
		begin(&before, 401);
		begin(&after, 401);
		for (uint32_t i = 0; i < 3; i++) {
			uint32_t address = 0x0a000001 + k * 7919 + i * (k % 17 + 1);

			add(&before, address, 1);
			if (i != k % 3)
				add(&after, address, 1);
		}
		fill(&before);
		fill(&after);
		if (moved(&before, &after) > worst)
			worst = moved(&before, &after);
	}
	print_message("worst of 300: %u of 401 slots\n", worst);
	assert_true(worst * 100 <= 40 * 401);
}

static void order_does_not_matter(void **state)
{
	(void)state;
	begin(&before, 1601);
	begin(&after, 1601);
	for (uint32_t i = 0; i < 12; i++) {
		add(&before, address_of(i), i + 1);
		add(&after, address_of(11 - i), 12 - i);
	}
	fill(&before);
	fill(&after);
	assert_int_equal(moved(&before, &after), 0);
	memset(after.slots, 0xff, sizeof(after.slots));
	fill(&after); /* and what stood in the memory does not */
	assert_int_equal(moved(&before, &after), 0);
}

static void smallest_and_largest(void **state)
{
	(void)state;
	begin(&before, 2);
	add(&before, 1, 1);
	add(&before, UINT32_MAX, 1000);
	fill(&before);
	assert_int_equal(share(&before, 1), 1);
	assert_int_equal(share(&before, UINT32_MAX), 1);
	begin(&before, MOST_RING_SIZE);
	for (uint32_t i = 0; i < MOST; i++)
		add(&before, address_of(i), 1 + i % 3 * 499);
	fill(&before);
	assert_int_equal(share(&before, 0), 0);
}

static void sizes_are_primes_in_steps(void **state)
{
	static const struct {
		size_t backends;
		uint32_t size;
	} sizes[] = { { 0, 401 },     { 1, 401 },     { 3, 401 },      { 4, 401 },    { 5, 1601 },
		      { 16, 1601 },   { 17, 6421 },   { 64, 6421 },    { 65, 25601 }, { 256, 25601 },
		      { 257, 65537 }, { 655, 65537 }, { 65537, 65537 } };
	struct service service = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		service.backend_count = sizes[i].backends;
		assert_int_equal(ring_size(&service), sizes[i].size);
		assert_true(ring_prime(ring_size(&service)));
	}
	service.ring_size = 13;
	assert_int_equal(ring_size(&service), 13);
	assert_false(ring_prime(0));
	assert_false(ring_prime(1));
	assert_true(ring_prime(2));
	assert_true(ring_prime(3));
	assert_false(ring_prime(4));
	assert_false(ring_prime(65025)); /* 255 squared */
	assert_false(ring_prime(63001)); /* 251 squared */
	assert_true(ring_prime(65521));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_weights),
		cmocka_unit_test(shares_are_rounded),
		cmocka_unit_test(equal_weights_differ_by_a_slot),
		cmocka_unit_test(one_less_moves_little),
		cmocka_unit_test(three_of_many),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(smallest_and_largest),
		cmocka_unit_test(sizes_are_primes_in_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
