/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables as BPF maps, made from the one list in maps/tables.def. Weak, so that every door may
 * include them and the linker keeps one of each.
 */
#ifndef SL_BPF_TABLES_H
#define SL_BPF_TABLES_H
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "../include/limits.h"
#include "../maps/tables.h"

#define SL_SLOTS 2

#define SL_STATE(table, map_type, key_type, value_type, size, flags)                                         \
	struct {                                                                                             \
		__uint(type, map_type);                                                                      \
		__uint(max_entries, size);                                                                   \
		__uint(map_flags, flags);                                                                    \
		__type(key, key_type);                                                                       \
		__type(value, value_type);                                                                   \
	} table SEC(".maps") __weak;
#define SL_PLAN(table, map_type, key_type, value_type, size, flags)                                          \
	struct table##_rows {                                                                                \
		__uint(type, map_type);                                                                      \
		__uint(max_entries, size);                                                                   \
		__uint(map_flags, flags);                                                                    \
		__type(key, key_type);                                                                       \
		__type(value, value_type);                                                                   \
	};                                                                                                   \
	struct {                                                                                             \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                                    \
		__uint(max_entries, SL_SLOTS);                                                               \
		__type(key, __u32);                                                                          \
		__array(values, struct table##_rows);                                                        \
	} table SEC(".maps") __weak;
#include "../maps/tables.def"
#undef SL_STATE
#undef SL_PLAN

/*
 * clang describes a struct that it meets only through a pointer inside another struct by its name alone,
 * and rows without a size make no map. A function that takes them all makes clang describe them whole; nobody
 * calls it, so it is never loaded.
 */
#define SL_STATE(table, map_type, key_type, value_type, size, flags)
#define SL_PLAN(table, map_type, key_type, value_type, size, flags)                                          \
	key_type table##_key;                                                                                \
	value_type table##_value;
struct tables_rows {
#include "../maps/tables.def"
};
#undef SL_STATE
#undef SL_PLAN
static __attribute__((used)) int tables_describe(const struct tables_rows *rows)
{
	return !rows;
}

/*
 * The only row of a state table that has but one, for programs in "tc" and "xdp": there is nothing to look up, and it is
 * always there. The loader puts the row's address in the place of the table's (user/kernel/direct.c). Volatile: it costs
 * less to name it again than to keep it.
 */
#define ROW(table, type)                                                                                     \
	({                                                                                                   \
		type *row_;                                                                                  \
		asm volatile("%0 = " #table " ll" : "=r"(row_));                                             \
		row_;                                                                                        \
	})

/* A row of a plan table, of the generation in `slot`. Always inlined: the verifier wants to see the map. */
static __always_inline void *plan_row(void *outer, __u32 slot, const void *key)
{
	void *rows = bpf_map_lookup_elem(outer, &slot);

	return rows ? bpf_map_lookup_elem(rows, key) : NULL;
}

#endif
