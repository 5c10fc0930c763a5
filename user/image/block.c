/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shares blocks, see block.h: every node bids for every block with a hash of both, the highest bid takes its
 * block unless the node has its share. Without the shares this would be rendezvous hashing, in which nothing
 * but the newcomer's blocks moves; with them a few more do.
 */
#include <stdlib.h>
#include "block.h"

struct bid {
	uint64_t hash;
	uint8_t node;
	uint8_t block;
};

/* The finalizer of splitmix64: every bit of the input moves every bit of the result. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t block_node_hash(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3ULL;
	return hash;
}

static int by_bid(const void *a, const void *b)
{
	const struct bid *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash > y->hash ? -1 : 1;
	return x->block != y->block ? x->block - y->block : x->node - y->node;
}

void blocks_assign(const uint64_t *hash, size_t nodes, const uint8_t *blocks, size_t count,
		   uint8_t owner[SL_EIP_BLOCKS])
{
	struct bid bid[SL_EIP_BLOCKS * SL_EIP_BLOCKS];
	size_t bids = 0, share = count / nodes, larger = count % nodes;
	size_t has[SL_EIP_BLOCKS] = { 0 };
	uint64_t taken = 0;

	for (size_t n = 0; n < nodes; n++)
		for (size_t b = 0; b < count; b++)
			bid[bids++] = (struct bid){ .hash = mix(hash[n] ^ mix(blocks[b] + 1U)),
						    .node = (uint8_t)n,
						    .block = blocks[b] };
	/* cppcheck-suppress uninitvar; there is at least one node and one block */
	qsort(bid, bids, sizeof(*bid), by_bid);
	for (size_t i = 0; i < bids; i++) {
		size_t n = bid[i].node;

		if (taken >> bid[i].block & 1 || has[n] > share || (has[n] == share && !larger))
			continue;
		larger -= has[n]++ == share;
		taken |= 1ULL << bid[i].block;
		owner[bid[i].block] = bid[i].node;
	}
}
