/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In what order flows take turns: uniform, each as often as the others, shuffled; or as Zipf's law has it with
 * exponent 1, the i-th most busy of them 1/i as often as the first. The same numbers in every run.
 */
#include <stdlib.h>
#include "course.h"

/* xorshift64* */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ULL;
}

static uint32_t random_below(uint64_t *state, uint32_t end)
{
	return (uint32_t)((random_next(state) >> 32) * end >> 32);
}

static void shuffle(uint32_t *item, uint32_t count, uint64_t *state)
{
	for (uint32_t i = count; i > 1; i--) {
		uint32_t j = random_below(state, i), was = item[i - 1];

		item[i - 1] = item[j];
		item[j] = was;
	}
}

/* Who is busy has nothing to do with who came first: ranks are dealt to flows at random. */
static bool zipf(struct course *c, uint32_t flows, uint64_t *state)
{
	double *sum = malloc(flows * sizeof(*sum)), all = 0;
	uint32_t *flow_of = malloc(flows * sizeof(*flow_of));
	bool done = sum && flow_of;

	for (uint32_t i = 0; done && i < flows; i++) {
		all += 1.0 / (i + 1.0);
		sum[i] = all;
		flow_of[i] = i;
	}
	if (done)
		shuffle(flow_of, flows, state);
	for (uint32_t i = 0; done && i < c->order_len; i++) {
		double at = (double)(random_next(state) >> 11) / 9007199254740992.0 * all;
		uint32_t low = 0, high = flows - 1;

		while (low < high) {
			uint32_t middle = (low + high) / 2;

			if (sum[middle] <= at)
				low = middle + 1;
			else
				high = middle;
		}
		c->order[i] = flow_of[low];
	}
	free(sum);
	free(flow_of);
	return done;
}

bool order_make(struct course *c, uint32_t flows, enum traffic traffic)
{
	uint64_t state = 88172645463325252ULL;
	uint32_t at = 0;

	c->order_len = 1;
	while (c->order_len < 16 * (uint64_t)flows && c->order_len < WRAP_TURNS && flows > 1)
		c->order_len *= 2;
	if (traffic == ZIPF)
		return zipf(c, flows, &state);
	while (at < c->order_len) {
		uint32_t count = c->order_len - at < flows ? c->order_len - at : flows;

		for (uint32_t i = 0; i < count; i++)
			c->order[at + i] = i;
		shuffle(c->order + at, count, &state);
		at += count;
	}
	return true;
}
