/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Conformance: one case or more for each requirement of the RFCs that TRUST lists, named by it. The bench is that of
 * the packet tests. Timers are the agent's own code on the real tables, with time made to pass by moving what was
 * seen into the past.
 */
#ifndef RFC_H
#define RFC_H
#include "../packet/nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define ICMP_ SL_PROTO_ICMP
#define PORT 4000
#define WORD 4096 /* a rule of one word of ports */
#define HOP IP(9, 9, 9, 1) /* a router out there */

extern const struct nat one_word; /* WORD to WORD + 63 */

/* Lets time pass, and the agent look at everything. It takes about half a minute itself: leave it a margin. */
void rfc_pass(struct bench *b, uint32_t seconds);

/* From workloads other than A1. */
#define A3_OUT(...) workload(W_A3, FROM(A3, __VA_ARGS__))

/* What comes to a mapping from outside and opens a flow, and what is sent back. */
struct want lets_in(uint16_t dst);
struct want sends_back(uint16_t src, uint8_t proto);
/* Leaves only this bit's port of the word free. */
void leave_free(struct bench *b, uint8_t proto, unsigned int bit);
/* A drop that nobody hears of. */
void silence(struct bench *b, const char *name, struct frame f, uint8_t reason, bool counted);

/* `sent` by A1 left as (EIP_A, port); a router says something about it, and A1 has to hear of its own packet. */
bool hears(struct bench *b, const char *name, struct frame sent, uint16_t port, uint8_t type, uint8_t code,
	   uint16_t quoted);
/* The same as two frames: what the router sends, what A1 has to get. */
struct frame told(struct frame sent, uint16_t port, uint8_t type, uint8_t code, uint16_t quoted,
		  struct frame *out);

void test_rfc4787(struct bench *b);
void test_rfc5382(struct bench *b);
void test_rfc5508(struct bench *b);
void test_rfc6888(struct bench *b);
void test_rfc7857(struct bench *b);
void test_rfc3022(struct bench *b);

#endif
