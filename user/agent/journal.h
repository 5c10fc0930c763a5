/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The journal of states: who ordered which, when, and what came of it. STATE/states.jsonl, one JSON object a line; when
 * it has grown too large it becomes states.jsonl.1 and a new one begins, so that the two hold about 2,000 orders. Orders
 * with a fence that is too old are not written: whoever repeats one must not push the others out.
 */
#ifndef SLUICE_JOURNAL_H
#define SLUICE_JOURNAL_H
#include <jansson.h>
#include "fence.h"

#define JOURNAL_FILE "states.jsonl"
#define JOURNAL_LARGEST (256 * 1024)

/* Rotates if need be. A descriptor for journal_add(), so that what cannot be written is known before anything is done. */
int journal_open(const char *dir, struct trouble *t);
/* Takes the reference. On disk when it returns 0. */
int journal_add(int fd, json_t *entry, struct trouble *t);
/* The last `most` entries, oldest first; lines that are no entries are left out. NULL: `t` says why. */
json_t *journal_read(const char *dir, size_t most, struct trouble *t);
/* 1: the state and the fence after the last entry are in `fence`; 0: none was used until then, or there is no entry. */
int journal_last(const char *dir, struct fence *fence, struct trouble *t);

#endif
