/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that not every node needs: those of the tunnel, and the one for libxdp's dispatcher. Each costs the verifier
 * as much as an uplink's, so kernel_load() leaves them out; who attaches them loads them first.
 */
#ifndef SLUICE_EXTRA_H
#define SLUICE_EXTRA_H
#include "object.h"

bool extra_is(enum program program);
/* The object, opened, with `count` of its programs from `first` on to be loaded, on the tables that are pinned. */
struct bpf_object *extra_object(const struct kernel *k, enum program first, size_t count, struct trouble *t);
/* Descriptors of those programs into their places; they are loaded and pinned if they are not yet. */
int extra_open(const struct kernel *k, enum program first, size_t count, int *programs, struct trouble *t);
/* The pins of an earlier version's go: the next to open them loads this version's. */
void extra_forget(const char *pins);

#endif
