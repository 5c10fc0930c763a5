/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for plans: what an arena gives out.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/plan/arena.h"

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, length - 1);
}

/* Sizes on both sides of every ceiling, each piece filled: none is another's, and all begin as zeros. */
static void pieces_are_zero_and_stay_apart(void **state)
{
	static const size_t sizes[] = { 1,  100,      9000,	(2U << 20) - 1, 2U << 20, 3U << 20,
					17, 8U << 20, 9U << 20, 20U << 20,	5,	  16U << 20 };
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	struct arena *arena = arena_new();
	uint8_t *piece[COUNT];

	(void)state;
	assert_non_null(arena);
	for (size_t i = 0; i < COUNT; i++) {
		piece[i] = arena_alloc(arena, sizes[i], 1);
		assert_non_null(piece[i]);
		assert_int_equal((uintptr_t)piece[i] % _Alignof(max_align_t), 0);
		assert_true(is_zero(piece[i], sizes[i]));
		memset(piece[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < COUNT; i++)
		assert_true(piece[i][0] == i + 1 && !memcmp(piece[i], piece[i] + 1, sizes[i] - 1));
	assert_false(arena_failed(arena));
	arena_free(arena);
}

static void what_cannot_be_had_is_said(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	assert_null(arena_alloc(arena, SIZE_MAX / 2, 3));
	assert_true(arena_failed(arena));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zero_and_stay_apart),
		cmocka_unit_test(what_cannot_be_had_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
