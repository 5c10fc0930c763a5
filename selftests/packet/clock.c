/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clocks, see clock.h.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include "clock.h"

const uint8_t level_of[] = { [0] = SL_LEVEL_DEFAULT, [WAL] = 1, [SYNC] = 2, [BULK] = 7 };
static const uint8_t dscps[] = { [0] = 0, [WAL] = 26, [SYNC] = 0, [BULK] = 8 };

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t cost_of(uint32_t mbit, uint32_t bytes)
{
	return bytes * ((8000ULL << SL_COST_SHIFT) / mbit) >> SL_COST_SHIFT;
}

uint64_t clock_of(struct bench *b, uint32_t kind, uint32_t id)
{
	struct sl_rate_key key = { .kind = kind, .id = id };
	struct sl_shaper row;

	return bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_shaper], &key, &row) ? 0 : row.clock;
}

void clock_set(struct bench *b, uint32_t kind, uint32_t id, uint64_t at)
{
	clock_refused(b, kind, id, at, 0);
}

void clock_refused(struct bench *b, uint32_t kind, uint32_t id, uint64_t at, uint64_t refused)
{
	struct sl_rate_key key = { .kind = kind, .id = id };
	struct sl_shaper row = { .clock = at, .refused = refused };

	if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_shaper], &key, &row, BPF_ANY))
		fail(b, "cannot write sl_shaper: %s", strerror(errno));
}

struct sl_link link_of(struct bench *b)
{
	struct sl_link row = { .pad = 0 };

	bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_link], &(uint32_t){ UP0 }, &row);
	return row;
}

void link_set(struct bench *b, const struct sl_link *link)
{
	if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_link], &(uint32_t){ UP0 }, link, BPF_ANY))
		fail(b, "cannot write sl_link: %s", strerror(errno));
}

struct send leaving(uint8_t class, uint16_t bytes)
{
	struct frame f = PACKET(.saddr = A1, .daddr = B_FAR, UDP(1, 2), .payload = (uint16_t)(bytes - 28));

	return next(judged(stack_out(f), class));
}

struct send tunnelled(uint8_t class, uint16_t tenant, uint16_t inner)
{
	struct send s = next(stack_out(wireguard(NODE1, WEST_PEER, WIREGUARD_DATA, inner)));

	s.hash = 0xa5000000U | (uint32_t)tenant << 8 | class;
	return s;
}

struct want goes_out(struct frame *out, const struct send *s, uint8_t class)
{
	*out = with_dscp(s->frame, dscps[class]);
	return as_class((struct want){ .fate = UNTOUCHED, .out = out }, class);
}

struct want delayed(struct want w)
{
	w.queued.delayed = true;
	return w;
}

struct want held(uint8_t class)
{
	return as_class((struct want){ .fate = DROPPED, .reason = SL_DROP_QOS_RATE }, class);
}
