/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan in force as it was kept: for the names of nodes and workloads, which stand in no table. What it cannot say is
 * shown as an address.
 */
#ifndef SLUICE_KEPT_H
#define SLUICE_KEPT_H
#include <stdint.h>
#include "../kernel/names.h"
#include "../kernel/kernel.h"

/* NULL: not readable, which is no trouble. */
struct plan *kept_plan(void);
/* A node of sl_node by its index, or SL_NODE_SELF; its name, else its address, else "-". */
struct name_text kept_node(const struct plan *plan, const struct kernel *k, uint16_t index);
/* NULL: the plan names none. */
const char *kept_workload(const struct plan *plan, const char *vpc, uint32_t addr_be);

#endif
