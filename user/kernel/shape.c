/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of tables as data.
 */
#include <linux/bpf.h>
#include "../../include/limits.h"
#include "../../maps/tables.h"
#include "shape.h"

#define ROW(table, is_plan, kind, key, value, max, how)                                                      \
	[SL_TABLE_##table] = { .name = #table,                                                               \
			       .plan = is_plan,                                                              \
			       .type = kind,                                                                 \
			       .key_size = sizeof(key),                                                      \
			       .value_size = sizeof(value),                                                  \
			       .size = max,                                                                  \
			       .flags = how },

const struct shape shapes[SL_TABLES] = {
#define SL_PLAN(table, kind, key, value, max, how) ROW(table, true, kind, key, value, max, how)
#define SL_STATE(table, kind, key, value, max, how) ROW(table, false, kind, key, value, max, how)
#include "../../maps/tables.def"
#undef SL_PLAN
#undef SL_STATE
};
