/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which of very many keys may stand twice, by nothing but their hashes. Each of 100,000 workloads has keys of its own,
 * and hardly any stands twice; a set of them all (seen.h) is larger than a cache. So they are sieved first, and the
 * set asked only about the few that stay behind.
 */
#ifndef SLUICE_SIEVE_H
#define SLUICE_SIEVE_H
#include <stddef.h>
#include <stdint.h>
#include "arena.h"

/*
 * Sets `flag` in flags[i] wherever hash[i] may stand at another place too: wherever it does, and for about one in ten
 * that do not. A hash of 0 is that of no key. Returns how many got the flag.
 */
size_t sieve(struct arena *arena, const uint32_t *hash, size_t count, uint8_t *flags, uint8_t flag);

#endif
