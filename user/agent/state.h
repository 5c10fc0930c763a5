/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state directory: what has to survive a reboot. plan.json is the merged text of the plan that was
 * applied last, node the name it was applied for. Both are replaced whole or not at all: a full disk or
 * a crash leaves the earlier ones.
 */
#ifndef SLUICE_STATE_H
#define SLUICE_STATE_H
#include <stddef.h>
#include "../../include/limits.h"
#include "../kernel/kernel.h"

#define SLUICE_STATE "/var/lib/sluice"
#define STATE_PLAN "plan.json"
#define STATE_NODE "node"

/* DIR/NAME into `path`; -ENAMETOOLONG if it does not fit. */
int state_path(char *path, size_t size, const char *dir, const char *name);
/* Keeps the plan's text and the node's name. Called after the flip. */
int state_keep(const char *dir, const char *plan_text, const char *node, struct trouble *t);
/* The node the last plan was applied for; -ENOENT without trouble if none was. */
int state_node(const char *dir, char node[SL_NAME_LEN], struct trouble *t);
/* Removes both files; none there is no trouble. */
int state_forget(const char *dir, struct trouble *t);

#endif
