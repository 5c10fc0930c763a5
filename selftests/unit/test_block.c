/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Blocks of an EIP's ports: everybody gets as much as everybody else, always the same, and one node more or
 * less moves little.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/image/block.h"

static void assign(size_t first, size_t nodes, size_t count, uint8_t owner[SL_EIP_BLOCKS])
{
	uint8_t blocks[SL_EIP_BLOCKS];
	uint64_t hash[SL_EIP_BLOCKS];

	for (size_t i = 0; i < nodes; i++) {
		char name[32];

		snprintf(name, sizeof(name), "worker-%zu", first + i);
		hash[i] = block_node_hash(name);
	}
	for (size_t i = 0; i < count; i++)
		blocks[i] = (uint8_t)(SL_EIP_BLOCKS - count + i);
	memset(owner, 0xff, SL_EIP_BLOCKS);
	blocks_assign(hash, nodes, blocks, count, owner);
}

static void equal_shares(void **state)
{
	(void)state;
	for (size_t count = 1; count <= SL_EIP_BLOCKS; count++) {
		for (size_t nodes = 1; nodes <= count; nodes++) {
			size_t has[SL_EIP_BLOCKS] = { 0 };
			uint8_t owner[SL_EIP_BLOCKS];

			assign(1, nodes, count, owner);
			for (size_t i = 0; i < SL_EIP_BLOCKS - count; i++)
				assert_int_equal(owner[i], 0xff);
			for (size_t i = SL_EIP_BLOCKS - count; i < SL_EIP_BLOCKS; i++) {
				assert_true(owner[i] < nodes);
				has[owner[i]]++;
			}
			for (size_t i = 0; i < nodes; i++)
				assert_in_range(has[i], count / nodes, (count + nodes - 1) / nodes);
		}
	}
}

/* A node's blocks do not depend on its place in the list. */
static void names_decide(void **state)
{
	const char *const names[] = { "a", "b", "c" };
	uint64_t one[3], other[3];
	uint8_t blocks[SL_EIP_BLOCKS], x[SL_EIP_BLOCKS], y[SL_EIP_BLOCKS];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		one[i] = block_node_hash(names[i]);
		other[2 - i] = one[i];
	}
	for (uint8_t i = 0; i < SL_EIP_BLOCKS; i++)
		blocks[i] = i;
	blocks_assign(one, 3, blocks, SL_EIP_BLOCKS, x);
	blocks_assign(other, 3, blocks, SL_EIP_BLOCKS, y);
	for (size_t i = 0; i < SL_EIP_BLOCKS; i++)
		assert_int_equal(x[i], 2 - y[i]);
}

/* Blocks that change hands when the last of `nodes` comes, or goes. */
static size_t moved(size_t first, size_t nodes, size_t count)
{
	uint8_t with[SL_EIP_BLOCKS], without[SL_EIP_BLOCKS];
	size_t moves = 0;

	assign(first, nodes, count, with);
	assign(first, nodes - 1, count, without);
	for (size_t i = SL_EIP_BLOCKS - count; i < SL_EIP_BLOCKS; i++)
		moves += with[i] != without[i];
	return moves;
}

static void little_moves(void **state)
{
	(void)state;
	for (size_t nodes = 2; nodes <= 32; nodes++) {
		size_t share = (63 + nodes - 1) / nodes, total = 0;

		for (size_t first = 0; first < 50; first++) {
			size_t moves = moved(first * 100, nodes, 63);

			assert_true(moves >= share - 1);
			total += moves;
		}
		assert_true(total <= 50 * (share + 8));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_shares),
		cmocka_unit_test(names_decide),
		cmocka_unit_test(little_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
