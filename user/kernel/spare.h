/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table that the generation before the one in force has left in the slot of the one to come. Nobody looks into it any
 * more, and mostly it differs in a few rows from what is wanted: those are written, all others are read and found right,
 * which is a third of the work of a table of its own.
 */
#ifndef SLUICE_SPARE_H
#define SLUICE_SPARE_H
#include "kernel.h"
#include "rows.h"

/* Of all tables that have one, with its rows. */
struct spares;

/*
 * Begins to read them, in a thread of its own, and to wait for the last packets that look into them. What is read holds as
 * long as the lock is held. NULL: there are none. `names`: what sl_name says is read as well.
 */
struct spares *spares_begin(const struct kernel *in_force, bool names);
/* They are those that an install over this generation may write to, and are read. */
bool spares_ready(struct spares *s, uint32_t generation);
/* The rows of sl_name, of spares that are ready; NULL: they were not asked for, or could not be read. */
const struct rows *spares_names(const struct spares *s);
void spares_end(struct spares *s);

/*
 * *fd holds the very rows of `image`, or is -1: there is none, it is in force, too much is different, or it cannot be
 * written to. That is no error: it takes a table of its own. What is written is seen by no packet and by no generation
 * that could be fallen back to.
 */
void spare_take(const struct spares *s, int table, const struct image_table *image, int *fd);

#endif
