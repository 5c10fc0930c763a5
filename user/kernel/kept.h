/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tables of a generation were filled with, by digest: one more map in the folder of its pins, so that it is
 * there exactly as long as they are, and a reboot or another generation leaves none that speaks of other tables.
 */
#ifndef SLUICE_KEPT_H
#define SLUICE_KEPT_H
#include <stdbool.h>
#include "../image/digest.h"
#include "kernel.h"

struct kept {
	struct digest table[SL_TABLES]; /* zero: not known */
};

/* Of the generation in force; nothing is known where there is no such map, or another one. */
void kept_read(const struct kernel *k, struct kept *kept);
/* Pins it in `folder`. Nobody can write to it any more. */
int kept_write(const char *folder, const struct kept *kept, struct trouble *t);
/* Of the rows that the table is to have, or of what they follow from. */
int kept_of(int table, const struct image *image, struct digest *digest, struct trouble *t);
bool kept_known(const struct digest *digest);
bool kept_equal(const struct digest *a, const struct digest *b);

#endif
