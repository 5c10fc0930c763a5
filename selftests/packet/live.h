/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live tests: programs attached to the scene's interfaces, frames put on the far ends of its veths and taken from
 * them.
 */
#ifndef PACKET_LIVE_H
#define PACKET_LIVE_H
#include <bpf/libbpf.h>
#include "bench.h"

#define WAIT_MS 1000 /* for what has to come */
#define QUIET_MS 30 /* for what must not */

enum turn { DOOR = 1, AFTER_THE_DOOR };
bool attach(struct bench *b, uint32_t ifindex, enum bpf_tc_attach_point point, enum turn turn, int fd);

int listen_on(struct bench *b, uint32_t ifindex);
/* -1: nothing came; else the VLAN beside the frame, 0 for none. */
int take(int fd, struct frame *f, int wait_ms);
void put_on(struct bench *b, uint32_t ifindex, const struct frame *f);
void arrives(struct bench *b, const char *what, int fd, const struct frame *want, int vlan);
void silent(struct bench *b, const char *what, int fd);

/* The same with orders for the hardware beside each frame. */
int listen_offloaded(struct bench *b, uint32_t ifindex);
/* The frame with the pseudo header's sum in place of the checksum. */
struct frame unsummed(struct frame f);
/* As a workload's stack sends it to an interface that offers to fill in checksums. */
void put_unsummed(struct bench *b, uint32_t ifindex, struct frame f, uint16_t gso_size);
/* What comes, once the hardware has done what was left to it. */
void comes_summed(struct bench *b, const char *what, int fd, const struct frame *want);

/* With the doors and the stack as test_live_service() has them. */
void live_offload(struct bench *b);
void live_nat(struct bench *b);

#endif
