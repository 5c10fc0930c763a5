/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_fill: how full each table is, by its place in tables.def. The loader writes the plan tables, the
 * agent the state tables.
 */
#ifndef SL_MAPS_FILL_H
#define SL_MAPS_FILL_H
#include <linux/types.h>

enum sl_table_id {
#define SL_PLAN(name, type, key, value, size, flags) SL_TABLE_##name,
#define SL_STATE(name, type, key, value, size, flags) SL_TABLE_##name,
#include "tables.def"
#undef SL_PLAN
#undef SL_STATE
	SL_TABLES
};

struct sl_fill {
	__u64 entries;
	__u64 size;
};

#endif
