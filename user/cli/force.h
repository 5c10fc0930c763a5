/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bringing a plan into force, for `up` and `apply`.
 */
#ifndef SLUICE_FORCE_H
#define SLUICE_FORCE_H
#include <stdbool.h>

struct order {
	const char *command; /* "up" or "apply" */
	bool load; /* programs and tables as well; else they have to be there */
	bool fallback; /* a plan that is refused gives way to the last good one */
	const char *plan; /* FILE or DIR; NULL: the last good one */
	const char *node; /* NULL: the host's name, or with the last good plan its node */
};

/* --plan, --node and, if the command may, --fallback. 0, or an exit code. */
int order_read(struct order *order, bool may_fall_back, int argc, char **argv);
/* Carries it out and says so; returns the exit code. */
int order_force(const struct order *order);

#endif
