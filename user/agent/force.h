/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bringing a plan into force, for `up`, `apply` and the agent.
 */
#ifndef SLUICE_FORCE_H
#define SLUICE_FORCE_H
#include <stdbool.h>
#include <stdint.h>

struct order {
	const char *pins; /* directories: of the pins, of what survives a reboot */
	const char *state;
	bool load; /* programs and tables as well; else they have to be there */
	bool fallback; /* a plan that is refused gives way to the last good one */
	const char *plan; /* FILE or DIR; NULL: the last good one */
	const char *node; /* NULL: the host's name, or with the last good plan its node */
	const char *to; /* the state of the plan to go to, shown this fence; NULL: the one in force stays */
	uint64_t fence;
};

/* Carries it out and says so on stdout and stderr. 0, or 1 when it was refused or failed. */
int order_force(const struct order *order);

#endif
