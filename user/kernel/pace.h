/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What to do about an uplink's qdisc where the plan asks for "pacing": "fq". Decides only; fair.c does it.
 */
#ifndef SLUICE_PACE_H
#define SLUICE_PACE_H
#include "qdisc.h"

/*
 * All packets of a tunnel may be one flow to fq, so a flow may hold as much as waits at the slowest rate for the
 * longest time that a plan may ask for.
 */
#define PACE_FLOW_PACKETS 10000
#define PACE_PACKETS 20000

enum pace {
	PACE_KEEP, /* fq is there and takes enough */
	PACE_ROOT, /* fq instead of the root */
	PACE_QUEUES, /* fq on each queue of mq */
	PACE_LATER, /* the interface is down and has none yet, nor the queues that it may have */
	PACE_SHAPED, /* another qdisc holds the uplink below a rate */
	PACE_OTHERS, /* somebody has put one there, whose options nobody could put back */
};

enum pace pace_step(const struct qdisc_view *view);
/* The handle of what sluice puts there. */
uint32_t pace_handle(const struct qdisc_view *view);
/* Is this root one of those? */
bool pace_ours(const struct qdisc_view *view);
/* What somebody else has put there: the root, or what is on one of its queues. NULL: nothing. */
const struct qdisc *pace_others(const struct qdisc_view *view);
/* What to put back in the place of one with that handle; NULL: the kernel's own choice. */
const char *pace_before(uint32_t handle);

#endif
