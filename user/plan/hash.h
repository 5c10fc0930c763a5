/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hashes of keys in memory. A plan has half a million names, so they are taken eight bytes at a time. Nothing that
 * leaves the process may depend on them.
 */
#ifndef SLUICE_HASH_H
#define SLUICE_HASH_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_number(uint64_t h, uint64_t number)
{
	h = (h ^ number) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

static inline uint64_t hash_bytes(uint64_t h, const char *text, size_t length)
{
	uint64_t word = 0;

	for (; length >= sizeof(word); text += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		h = hash_number(h, word);
	}
	word = 0;
	for (size_t i = 0; i < length; i++)
		word = word << 8 | (unsigned char)text[i];
	/* The length tells texts apart that end in zero bytes. */
	return hash_number(h, word + length);
}

static inline uint64_t hash_text(uint64_t h, const char *text)
{
	return hash_bytes(h, text, strlen(text));
}

#endif
