/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which state of the plan this node is in, and the fence that brought it there: STATE/fence.json, which survives a
 * reboot. Whoever orders a state has to show a greater number than the one before, so that an order that was delayed,
 * or comes from somebody who does not know that he was replaced, does no harm.
 *
 * A file that cannot be read or understood is never taken for "normal": nothing is put in force until somebody has
 * looked at it.
 */
#ifndef SLUICE_FENCE_H
#define SLUICE_FENCE_H
#include <sys/types.h>
#include "../kernel/kernel.h"

#define FENCE_FILE "fence.json"
#define FENCE_WHO 64
#define FENCE_TIME 24

/* Who orders, and when. */
struct fence_sign {
	char who[FENCE_WHO];
	uid_t uid;
	char time[FENCE_TIME]; /* 2026-11-21T12:00:00Z */
};

struct fence {
	bool used; /* a state was ordered here; else the node is in "normal", and any number is greater */
	uint64_t number;
	char state[STATE_LONGEST + 1];
	char before[STATE_LONGEST + 1]; /* the one that was in force until then */
	bool whole; /* false: whoever ordered it stopped before all was done */
	struct fence_sign sign;
};

/* A decimal number and nothing else. */
bool fence_number(const char *text, uint64_t *number);
/* Of this process. */
void fence_sign(struct fence_sign *sign);

/*
 * No file: none was used. -ENODATA: there was one, as the journal says, of which `fence` is filled; then only an order
 * with a fence of its own may go on.
 */
int fence_read(const char *dir, struct fence *fence, struct trouble *t);
int fence_write(const char *dir, const struct fence *fence, struct trouble *t);
/* The plan that was kept, in the state in force. NULL: `t` says why, `r` more. */
struct plan *fence_plan(const char *dir, struct report *r, struct trouble *t);

#endif
