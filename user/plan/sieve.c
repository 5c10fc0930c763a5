/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A sieve for hashes: see sieve.h. Two bits for each hash, taken modulo a size that 100,000 keys fit a cache with: it
 * was met, and it was met again.
 */
#include "sieve.h"

#define WORD 64
/* So many bits for a key keep it apart from the others most of the time. */
#define ROOM 16

static size_t flag_all(size_t count, uint8_t *flags, uint8_t flag)
{
	for (size_t i = 0; i < count; i++)
		flags[i] |= flag;
	return count;
}

size_t sieve(struct arena *arena, const uint32_t *hash, size_t count, uint8_t *flags, uint8_t flag)
{
	uint64_t bits = WORD, *met, *again;
	size_t kept = 0;

	while (bits < (uint64_t)count * ROOM && bits <= UINT32_MAX)
		bits *= 2;
	met = arena_alloc(arena, bits / WORD, sizeof(*met));
	again = arena_alloc(arena, bits / WORD, sizeof(*again));
	if (!met || !again)
		return flag_all(count, flags, flag);
	for (size_t i = 0; i < count; i++) {
		uint64_t at = hash[i] & (bits - 1), bit = 1ULL << at % WORD;

		if (!hash[i])
			continue;
		again[at / WORD] |= met[at / WORD] & bit;
		met[at / WORD] |= bit;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t at = hash[i] & (bits - 1);

		if (!hash[i] || !(again[at / WORD] >> at % WORD & 1))
			continue;
		flags[i] |= flag;
		kept++;
	}
	return kept;
}
