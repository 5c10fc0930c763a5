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
/* Makes DIR, and what it is in. */
int state_make(const char *dir, struct trouble *t);
/* That a name is another file's, or nobody's, is the directory's to keep: it is forced to disk. */
int state_force(const char *dir, struct trouble *t);
/* DIR/NAME holds `text` whole, on disk, or what it held before. */
int state_replace(const char *dir, const char *name, const char *text, struct trouble *t);

/* The node the last plan was applied for; -ENOENT without trouble if none was. */
int state_node(const char *dir, char node[SL_NAME_LEN], struct trouble *t);
/* Gone from the disk as well when it returns 0. None there is no trouble. */
int state_remove(const char *dir, const char *name, struct trouble *t);
/* Removes both files; none there is no trouble. Fences stay (fence.h): none may be used twice. */
int state_forget(const char *dir, struct trouble *t);

#endif
