/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clocks that packets are paced by, read and moved by tests: a rate is busy until its clock's time.
 */
#ifndef PACKET_CLOCK_H
#define PACKET_CLOCK_H
#include "wan.h"

#define MS 1000000ULL /* in ns */

/* CLOCK_MONOTONIC, ns. */
uint64_t now_ns(void);
/* What `bytes` take at a rate. */
uint64_t cost_of(uint32_t mbit, uint32_t bytes);

/* Of a rate; 0: it has none yet. */
uint64_t clock_of(struct bench *b, uint32_t kind, uint32_t id);
void clock_set(struct bench *b, uint32_t kind, uint32_t id, uint64_t at);
/* The same, and when it has last refused a packet. */
void clock_refused(struct bench *b, uint32_t kind, uint32_t id, uint64_t at, uint64_t refused);
/* Of the uplink UP0, all zero: it has none yet. */
struct sl_link link_of(struct bench *b);
void link_set(struct bench *b, const struct sl_link *link);

/* A packet of `bytes` of a class, judged, on its way out of UP0; of the tunnel to west, by a sender with a label. */
struct send leaving(uint8_t class, uint16_t bytes);
struct send tunnelled(uint8_t class, uint16_t tenant, uint16_t inner);

/* The level that each class is served at. */
extern const uint8_t level_of[];

/* A packet that leaves, marked for its class and counted; the same, but later. */
struct want goes_out(struct frame *out, const struct send *s, uint8_t class);
struct want delayed(struct want w);
/* A packet that does not. */
struct want held(uint8_t class);

#endif
