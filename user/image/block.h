/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Blocks of an EIP's ports among the nodes that share it. Pure arithmetic, equal on every node: balanced
 * within one block, and a node that comes or goes moves little of the others'.
 */
#ifndef SLUICE_BLOCK_H
#define SLUICE_BLOCK_H
#include <stddef.h>
#include <stdint.h>
#include "../../include/limits.h"

uint64_t block_node_hash(const char *name);
/*
 * `count` blocks for `nodes` nodes, by the hashes of their names, none the same twice. Both are at least 1 and
 * at most SL_EIP_BLOCKS. owner[b] is the place of the node that gets block b.
 */
void blocks_assign(const uint64_t *hash, size_t nodes, const uint8_t *blocks, size_t count,
		   uint8_t owner[SL_EIP_BLOCKS]);

#endif
