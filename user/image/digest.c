/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Four sums that do not wait for each other, as a table may have millions of rows. Each step of a sum can be undone, so
 * that two tables which differ in one word never have equal sums; the end mixes all four into both halves. Words are
 * taken in the machine's order, as the rows are.
 */
#include <string.h>
#include "digest.h"

#define LANES 4

static uint64_t step(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15ULL;
	return sum ^ sum >> 29;
}

static uint64_t word_at(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* All of `from` reaches all bits. */
static uint64_t mix(uint64_t from)
{
	from = (from ^ from >> 32) * 0xd6e8feb86659fd93ULL;
	from = (from ^ from >> 32) * 0xd6e8feb86659fd93ULL;
	return from ^ from >> 32;
}

struct digest digest_rows(const void *rows, size_t count, size_t key_size, size_t value_size)
{
	uint64_t a = key_size, b = value_size, c = count, d = 0, word[LANES];
	struct digest digest = { { 0, 0 } };
	size_t length = count * (key_size + value_size), done;
	const uint8_t *at = rows;

	/* Each in a register of its own: an array of them is kept in memory, and every step waits for it. */
	for (done = 0; length - done >= sizeof(word); done += sizeof(word)) {
		a = step(a, word_at(at + done));
		b = step(b, word_at(at + done + 8));
		c = step(c, word_at(at + done + 16));
		d = step(d, word_at(at + done + 24));
	}

	uint64_t sum[LANES] = { a, b, c, d };

	memset(word, 0, sizeof(word));
	if (length > done)
		memcpy(word, at + done, length - done);
	for (int i = 0; i < LANES; i++) {
		sum[i] = step(sum[i], word[i]);
		digest.half[0] = mix(digest.half[0] + sum[i]);
		digest.half[1] = mix((digest.half[1] ^ sum[i]) + 0x632be59bd9b4e019ULL);
	}
	if (!digest.half[0] && !digest.half[1])
		digest.half[0] = 1;
	return digest;
}
