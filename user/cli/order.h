/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `up` and `apply` have in common on the command line.
 */
#ifndef SLUICE_ORDER_H
#define SLUICE_ORDER_H
#include "../agent/force.h"

/* --plan, --node and, if the command may, --fallback. 0, or an exit code. */
int order_read(struct order *order, const char *command, bool may_fall_back, int argc, char **argv);

#endif
