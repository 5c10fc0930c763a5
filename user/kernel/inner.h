/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of one plan table in the kernel: made, filled, read back, compared with the image's.
 */
#ifndef SLUICE_INNER_H
#define SLUICE_INNER_H
#include "kernel.h"
#include "object.h"
#include "rows.h"

/* A map with room for the image's rows, or for none if it is NULL, and of a hash some more for kernel_patch(). */
int inner_make(int table, const struct image_table *rows, const struct types *types, struct trouble *t);
/* Writes the image's rows, reads them back and compares every byte. */
int inner_fill(int table, int fd, const struct image_table *rows, struct trouble *t);
/* Whether nobody may write to the table once it is filled: its rows depend on no interface, so that no patch does. */
bool inner_sealed(int table);
/* From now on nobody can, if so. */
int inner_seal(int table, int fd, struct trouble *t);
/* Makes the map hold the image's rows, writing only what differs. *changed counts the rows written. */
int inner_patch(int table, int fd, const struct image_table *rows, size_t *changed, struct trouble *t);
/* -ENOSPC if the image's rows do not fit beside those that have to stay. Writes nothing. */
int inner_fits(int table, int fd, const struct image_table *rows, size_t *changes, struct trouble *t);

#endif
