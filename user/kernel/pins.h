/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pins: where everything that outlives its loader is found again.
 *
 *   DIR/layout-N          a directory: the version of the tables' layout (SL_LAYOUT)
 *   DIR/maps/NAME         state tables, and the outer map of each plan table
 *   DIR/progs/NAME        programs
 *   DIR/links/DOOR-IFINDEX  XDP and tcx links; DOOR is xdp, tcx-in or tcx-out
 *   DIR/plan-GENERATION/NAME  the rows of that generation
 *
 * bpffs allows no dot in a name. Nothing here removes what sluice did not put there.
 */
#ifndef SLUICE_PINS_H
#define SLUICE_PINS_H
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernel.h"

struct path {
	char text[PATH_MAX];
};

struct path pin_path(const char *pins, const char *folder, const char *name);
struct path pin_path_link(const char *pins, const char *door, uint32_t ifindex);

/* Makes DIR and its folders; mounts bpffs on /sys/fs/bpf if it is missing there. */
int pins_make(const char *pins, struct trouble *t);
/* DIR alone, for the lock. */
int pins_make_root(const char *pins, struct trouble *t);
/* 1: there and of this layout, 0: nothing there, negative: another layout, by name in t. */
int pins_layout(const char *pins, struct trouble *t);
/* Everything, whatever its layout. The doors have been taken off before. */
int pins_remove(const char *pins, struct trouble *t);

/* Whoever changes anything holds this: no two of them interleave. Returns a descriptor to close. */
int pins_lock(const char *pins, struct trouble *t);

/* Puts fd at `path`, in place of what may be pinned there: at no time is there nothing. */
int pin_replace(int fd, const char *path, struct trouble *t);

/* The folder of a generation's rows. A crash may have left it under the name of an earlier generation of
 * the same slot. */
int pins_plan(const char *pins, uint32_t generation, struct path *path);
/* Removes every plan-* folder but that of `keep` (0: every one). */
void pins_plan_tidy(const char *pins, uint32_t keep);
void pins_remove_folder(const char *path);

#endif
