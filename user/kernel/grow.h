/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables whose rows are numbered, as counters are, and which a later version has more rows of than the one whose tables are
 * pinned.
 */
#ifndef SLUICE_GROW_H
#define SLUICE_GROW_H
#include <bpf/libbpf.h>
#include "kernel.h"

/* Has this table, as it is pinned, fewer rows than the programs to be loaded know? Then it is made anew. */
bool grow_needed(const struct bpf_map *map, const struct bpf_map_info *pinned);
/*
 * Copies what the pinned table holds, before the one of `fd` takes its pin. What programs of before add from here on until
 * they are replaced is lost.
 */
int grow_copy(int fd, const char *pin, struct trouble *t);

#endif
