/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan that is about to be in force, on its way to being the last good one. Writing it down takes longer than
 * putting it in force: it is written aside while it is read, forced to disk while it is compiled, and gets its name after
 * the flip. A plan that does not come in force leaves nothing.
 */
#ifndef SLUICE_KEEP_H
#define SLUICE_KEEP_H
#include <pthread.h>
#include "aside.h"
#include "state.h"

struct keep {
	const char *dir; /* NULL: nothing is on its way */
	struct aside aside;
	pthread_t thread;
	bool started;
	int error; /* kept until the plan is in force, as are its words */
	struct trouble t;
};

/* Under the lock of change_begin(). */
void keep_begin(struct keep *k, const char *dir);
/* More of the plan's text. */
void keep_write(void *keep, const char *text, size_t length);
/* That was all of it. */
void keep_force(struct keep *k);
/* Keeps the plan's text and the node's name. Called after the flip. */
int keep_end(struct keep *k, const char *node, struct trouble *t);
/* The directory is as it was. Nothing to do after keep_end(). */
void keep_drop(struct keep *k);

#endif
