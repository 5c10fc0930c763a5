/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Digests of rows: equal for equal rows, another one for whatever differs, known even where there are none.
 */
#include "plan_fixture.h"
#include "../../user/image/digest.h"

#define KEY 8
#define VALUE 12
#define ROWS 37 /* 740 bytes: not a whole number of the words it is taken in */

static bool same(struct digest a, struct digest b)
{
	assert_true(a.half[0] || a.half[1]);
	/* Both halves take part, or one of them would be for nothing. */
	assert_int_equal(a.half[0] == b.half[0], a.half[1] == b.half[1]);
	return a.half[0] == b.half[0];
}

static void equal_rows(void **state)
{
	uint8_t rows[ROWS * (KEY + VALUE) + 1], moved[sizeof(rows)];

	(void)state;
	for (size_t i = 0; i < sizeof(rows); i++)
		rows[i] = (uint8_t)(i * 7);
	memcpy(moved + 1, rows, sizeof(rows) - 1); /* where they lie is nothing to it */
	assert_true(same(digest_rows(rows, ROWS, KEY, VALUE), digest_rows(moved + 1, ROWS, KEY, VALUE)));
	assert_true(same(digest_rows(NULL, 0, KEY, VALUE), digest_rows(rows, 0, KEY, VALUE)));
}

static void every_bit_counts(void **state)
{
	uint8_t rows[ROWS * (KEY + VALUE)] = { 0 };
	struct digest before = digest_rows(rows, ROWS, KEY, VALUE);

	(void)state;
	for (size_t bit = 0; bit < sizeof(rows) * 8; bit++) {
		rows[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(same(before, digest_rows(rows, ROWS, KEY, VALUE)));
		rows[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(same(before, digest_rows(rows, ROWS, KEY, VALUE)));
}

static void what_else_differs(void **state)
{
	uint8_t rows[ROWS * (KEY + VALUE)], turned[sizeof(rows)];
	const size_t row = KEY + VALUE;

	(void)state;
	for (size_t i = 0; i < sizeof(rows); i++)
		rows[i] = (uint8_t)(i * i);
	memset(turned, 0, sizeof(turned));
	/* A zero row more or less, rows the other way round, the same bytes as other rows. */
	assert_false(same(digest_rows(turned, ROWS, KEY, VALUE), digest_rows(turned, ROWS - 1, KEY, VALUE)));
	for (size_t i = 0; i < ROWS; i++)
		memcpy(turned + i * row, rows + (ROWS - 1 - i) * row, row);
	assert_false(same(digest_rows(rows, ROWS, KEY, VALUE), digest_rows(turned, ROWS, KEY, VALUE)));
	assert_false(same(digest_rows(rows, 30, KEY, VALUE), digest_rows(rows, 30, VALUE, KEY)));
	/* Two rows exchanged whose words go into the same sums. */
	memcpy(turned, rows, sizeof(rows));
	memcpy(turned, rows + 8 * row, row);
	memcpy(turned + 8 * row, rows, row);
	assert_false(same(digest_rows(rows, ROWS, KEY, VALUE), digest_rows(turned, ROWS, KEY, VALUE)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_rows),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(what_else_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
