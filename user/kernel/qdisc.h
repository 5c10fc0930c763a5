/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queueing disciplines of this network namespace, as the kernel lists them: which one sends for an interface, and
 * whether any holds it below a rate. Changes nothing.
 */
#ifndef SLUICE_QDISC_H
#define SLUICE_QDISC_H
#include "kernel.h"

struct nlmsghdr;

struct qdisc {
	uint32_t ifindex;
	uint32_t handle; /* 0: the kernel's own choice, nobody put it there */
	uint32_t parent;
	char kind[16];
	bool limits; /* it holds what it sends below a rate */
	uint32_t flow_packets; /* fq: how many of one flow may wait */
};

struct qdiscs {
	struct qdisc *item;
	size_t count;
};

/* What an interface sends through. */
struct qdisc_view {
	const struct qdisc *root; /* NULL: none is listed */
	uint32_t queues; /* root mq: its queues, each with a qdisc of its own */
	const struct qdisc *chosen; /* one of theirs that has a handle; NULL: none. Rather not fq */
	bool fair; /* fq sends every packet */
	uint32_t flow_packets; /* of the least of those fq */
	const char *shaper; /* kind of one that limits a rate; NULL: none */
};

int qdiscs_read(struct qdiscs *qdiscs);
void qdiscs_free(struct qdiscs *qdiscs);
struct qdisc_view qdisc_look(const struct qdiscs *qdiscs, uint32_t ifindex);
/* One message of the kernel; false if it is none of a qdisc that sends. */
bool qdisc_parse(const struct nlmsghdr *message, struct qdisc *qdisc);

#endif
