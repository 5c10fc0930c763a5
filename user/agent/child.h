/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exporter as the agent's child: started for the dataplane that is open, started again when it died, each
 * time after a longer pause. It never waits for it.
 */
#ifndef SLUICE_CHILD_H
#define SLUICE_CHILD_H
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "../exporter/exporter.h"

struct child {
	struct exporter exporter;
	uint32_t dataplane; /* id of the one it reads; 0: none */
	uint32_t tables; /* id of the plan's tables that it was given */
	int listener; /* -1: no metrics */
	time_t due; /* when to start it again; monotonic, 0: not */
	time_t pause;
};

/* Starts it, unless nobody asked for metrics. One that runs is given the tables of the plan if they are others. */
int child_start(struct child *child, const char *pins, uint32_t tables, struct trouble *t);
/* Ends it when it reads another dataplane; not for each new plan, as a later exporter may be less weak. */
void child_follow(struct child *child, uint32_t dataplane);
bool child_due(const struct child *child);
/* Takes the exit codes of children that died. */
void child_reap(struct child *child);
void child_end(struct child *child);

#endif
