/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of the cache of lines share: flows of every way that lines know, whether a line decides a packet, and what
 * stands in the lines, seen from user space.
 */
#ifndef PACKET_CACHE_H
#define PACKET_CACHE_H
#include "nat.h"
#include "wan.h"

#define TICK_US 25000 /* of the clock that flows go by, and more */
#define LINE_SECONDS 8 /* that a line lasts where a test does not wait for its end */
#define LINE_LONG 600 /* the same, where hundreds of packets are to go by it */
#define LONG_AGO 10000 /* jiffies: more than that */

static inline uint32_t chance(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33) % below;
}

/* Packets of flows, both directions; the even one opens. Which of them pass is the plan's business. */
struct send cache_way(uint32_t which, uint16_t payload, uint8_t ttl, uint8_t tos, uint8_t bits);
#define WAYS 46
/* An ordinary one, to run after the one before it. */
struct send cache_packet(uint32_t which);

/*
 * Both directions have been seen, and a line made of the one that opens if the plan lets it. It lasts longer than a
 * second: this machine may be busy.
 */
void cache_open_way(struct bench *b, uint32_t which);
void cache_open_for(struct bench *b, uint32_t which, uint32_t seconds);
/* There are none, and those that are made from now on last so long. */
void cache_last(struct bench *b, uint32_t seconds);
uint64_t cache_stat(struct bench *b, uint32_t id);
/* Does the cache decide this packet? Counts what lines hold before and after. */
bool cache_decides(struct bench *b, const struct send *s, struct got *got);
/* A flow that begins now gets a line, and none of those like `newcomer`, from other ports, each so many times, takes it. */
void cache_keeps(struct bench *b, struct send newcomer, int times);
/* Calls `change` with each line that is not void; what it returns true for is written back. Returns their number. */
uint32_t cache_lines(struct bench *b, bool (*change)(struct sl_line *line, uint32_t by), uint32_t by);
/* Every line that is not void was made so much earlier. */
void cache_age(struct bench *b, uint32_t jiffies);

/* The same packets with the cache and without it, under the plans that differ most. */
void cache_plays(struct bench *b);
/* What a line may be known by, and what must not be taken for it. */
void cache_keys(struct bench *b);
/* Lines that drop: what they drop, what not, and what ends them. */
void cache_drops(struct bench *b);
/* Checksums that lines change. */
void cache_sums(struct bench *b);
/* What XDP brings to workloads by lines. */
void cache_xdp(struct bench *b);
/* Deliveries between nodes by lines. */
void cache_nodes(struct bench *b);
/* Plans under which some packets have no line at all, or lines say more. */
void cache_plans(struct bench *b);
/* What lines hold, and where it is counted. */
void cache_counts(struct bench *b);
/* Who does without lines where too many come by. */
void cache_stands_aside(struct bench *b);

#endif
