/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for plans: what an arena gives out, and where large pages may be.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../user/plan/arena.h"
#include "../../user/plan/huge.h"

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

static void large_pieces_begin_where_large_pages_do(void **state)
{
	struct arena *arena = arena_new();
	uint8_t *first = arena_alloc(arena, 3U << 20, 1), *second = arena_alloc(arena, 2U << 20, 1);

	(void)state;
	assert_non_null(first);
	assert_non_null(second);
	assert_int_equal((uintptr_t)first % HUGE_PAGE, 0);
	assert_ptr_equal(second, first + (3U << 20)); /* in the page that the first has begun */
	arena_free(arena);
}

/* Many small pieces of which somebody knows that they will be many, and strings between them. */
static void what_is_expected_comes_in_large_pages(void **state)
{
	struct arena *arena = arena_new();
	uint8_t *first, *last = NULL;

	(void)state;
	arena_expect(arena, 8U << 20);
	first = arena_alloc(arena, 1, 1);
	assert_int_equal((uintptr_t)first % HUGE_PAGE, 0);
	for (int i = 1; i < 1000; i++) {
		last = arena_alloc(arena, 1000, 1);
		assert_string_equal(arena_copy(arena, "a string", 5), "a str");
		assert_true(is_zero(last, 1000));
		memset(last, 1, 1000);
	}
	assert_in_range(last - first, 998 * 1000, 1000 * 1008);
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

/* As realloc() lets a mapping grow, which has the length and a few bytes in front of what it gave. */
static void what_was_told_may_grow_in_one_piece(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), length = (8U << 20) + page;
	uint8_t *mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *grown;

	(void)state;
	assert_ptr_not_equal(mapping, MAP_FAILED);
	huge_advise(mapping + 16, 8U << 20);
	grown = mremap(mapping, length, 2 * length, MREMAP_MAYMOVE);
	assert_ptr_not_equal(grown, MAP_FAILED);
	munmap(grown, 2 * length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zero_and_stay_apart),
		cmocka_unit_test(large_pieces_begin_where_large_pages_do),
		cmocka_unit_test(what_is_expected_comes_in_large_pages),
		cmocka_unit_test(what_cannot_be_had_is_said),
		cmocka_unit_test(what_was_told_may_grow_in_one_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
