/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One agent a node: a lock on STATE/agent.lock that dies with its holder, however it dies.
 */
#ifndef SLUICE_LOCK_H
#define SLUICE_LOCK_H
#include <sys/types.h>
#include "../kernel/kernel.h"

/* A descriptor to keep open. -EBUSY names the process that holds it. */
int lock_take(const char *state, struct trouble *t);
/* The agent's process; 0: none runs; -1: one runs, its number is not to be had. */
pid_t lock_holder(const char *state);

#endif
