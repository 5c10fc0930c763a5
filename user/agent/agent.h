/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The agent: keeps an eye on a dataplane that works without it. It ages flows, keeps neighbours fresh,
 * follows interfaces and plans, and has the exporter's process kept alive. When it goes, however it goes,
 * the dataplane stays as it is.
 */
#ifndef SLUICE_AGENT_H
#define SLUICE_AGENT_H
#include <stdbool.h>
#include "../kernel/kernel.h"

struct agent_options {
	const char *pins;
	const char *state;
	const char *plan; /* NULL: what is in force, or what was applied last */
	const char *node; /* NULL: the one of the last apply, or the host's name */
	const char *listen; /* NULL: no metrics */
};

/* Until SIGTERM or SIGINT. */
int agent_run(const struct agent_options *options, struct trouble *t);

#endif
