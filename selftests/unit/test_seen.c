/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What finds keys that stand twice: the sieve keeps back every one that does and few others, the set and the table of
 * addresses know who came first. Keys are few enough at random that many meet.
 */
#include <stdlib.h>
#include "plan_fixture.h"
#include "../../user/plan/occupant.h"
#include "../../user/plan/seen.h"
#include "../../user/plan/sieve.h"

#define COUNT 20000

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Index of the first equal number, asked of all that came before. */
static size_t first_of(const uint32_t *number, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (number[k] == number[i])
			return k;
	return SIZE_MAX;
}

static void sieve_keeps_what_stands_twice(void **state)
{
	struct arena *arena = arena_new();
	uint32_t *hash = calloc(COUNT, sizeof(*hash)), random = 1;
	uint8_t *flags = calloc(COUNT, 1);
	size_t kept;

	(void)state;
	assert_non_null(hash);
	assert_non_null(flags);
	for (size_t i = 0; i < COUNT; i++)
		hash[i] = seen_hash((struct seen_key){ .a = i });
	for (size_t i = 0; i < COUNT; i += 100)
		hash[i] = hash[next(&random) % COUNT];
	hash[7] = hash[COUNT - 7] = 0;
	memset(flags, 1, COUNT);
	kept = sieve(arena, hash, COUNT, flags, 4);
	assert_in_range(kept, COUNT / 100, COUNT / 5);
	for (size_t i = 0; i < COUNT; i++) {
		size_t first = first_of(hash, i);

		assert_true(flags[i] == 1 || flags[i] == 5);
		kept -= flags[i] == 5;
		if (hash[i] && first != SIZE_MAX)
			assert_true(flags[i] == 5 && flags[first] == 5);
	}
	assert_int_equal(kept, 0);
	assert_true(flags[7] == 1 && flags[COUNT - 7] == 1);
	free(flags);
	free(hash);
	arena_free(arena);
}

/* As a text, as either number, or as all of them: none is another's. */
static struct seen_key key_of_kind(uint32_t number, const char *name)
{
	const struct seen_key keys[] = {
		{ .text = name }, { .a = number + 1ULL }, { .b = number + 1ULL }, { number, number, name }
	};

	return keys[number % 4];
}

static void set_knows_who_came_first(void **state)
{
	struct arena *arena = arena_new();
	struct seen seen = seen_new(arena, COUNT);
	uint32_t *number = calloc(COUNT, sizeof(*number)), random = 2;

	(void)state;
	assert_non_null(number);
	for (size_t i = 0; i < COUNT; i++) {
		char name[32];
		struct seen_key key;
		size_t first;

		number[i] = next(&random) % COUNT;
		snprintf(name, sizeof(name), "a-name-%u", number[i]);
		key = key_of_kind(number[i], arena_copy(arena, name, strlen(name)));
		first = first_of(number, i);
		assert_int_equal(seen_find(&seen, key), first);
		assert_int_equal(seen_add(&seen, key, i), first);
		assert_int_equal(seen_find(&seen, key), first == SIZE_MAX ? i : first);
	}
	free(number);
	arena_free(arena);
}

/* Runs of addresses, and the same ones in several VPCs, of which one does not exist. */
static void address_has_one_occupant_in_a_vpc(void **state)
{
	static const size_t vpcs[] = { 0, 1, 2, 65534, SIZE_MAX };
	struct arena *arena = arena_new();
	struct occupants o = occupants_new(arena, COUNT);
	uint32_t *number = calloc(COUNT, sizeof(*number)), random = 3;

	(void)state;
	assert_non_null(number);
	for (size_t i = 0; i < COUNT; i++) {
		uint32_t address, vpc;
		size_t first;

		number[i] = i % 3 ? number[i - 1] + 5 : next(&random) % (2 * COUNT);
		vpc = number[i] % 5;
		address = 0x0a000000 + number[i] / 5;
		first = first_of(number, i);
		assert_int_equal(occupants_find(&o, vpcs[vpc], address), first);
		assert_int_equal(occupants_add(&o, vpcs[vpc], address, i), first);
		assert_int_equal(occupants_find(&o, vpcs[vpc], address), first == SIZE_MAX ? i : first);
	}
	o = occupants_new(arena, 0);
	assert_int_equal(occupants_find(&o, 0, 0), SIZE_MAX);
	free(number);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sieve_keeps_what_stands_twice),
		cmocka_unit_test(set_knows_who_came_first),
		cmocka_unit_test(address_has_one_occupant_in_a_vpc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
