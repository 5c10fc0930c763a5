/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of the plan while an order is carried out: which one the plan is read in, and, where the order is to go to
 * another one, what is recorded when. One order at a time: the state directory is locked from change_begin() to
 * change_end().
 */
#ifndef SLUICE_CHANGE_H
#define SLUICE_CHANGE_H
#include "fence.h"
#include "force.h"

struct change {
	const char *dir;
	struct fence was; /* as found */
	struct fence now; /* as ordered, or as found */
	bool ordered; /* by somebody who has shown a fence that is great enough */
	bool recorded; /* `now` stands in the file */
	bool undone; /* and should not, or does not any more: there was no flip */
	int lock; /* of the state directory, -1: none can be had, then nothing can be written either */
	int journal;
};

/* What came of it, for the journal. */
struct change_result {
	const char *node;
	const char *reason; /* NULL: all went well */
	uint64_t plan; /* as `sluice status` shows it */
	uint32_t generation;
};

/* Reads what is in force. An order without a fence that is great enough is refused, and nothing is changed. */
int change_begin(struct change *c, const struct order *order, struct trouble *t);
/* The state to read a plan in, and, for the plan that was kept, the one to read it in where it has none of that name. */
const char *change_state(const struct change *c);
const char *change_otherwise(const struct change *c);
/* Right before the flip; see change.c. */
int change_record(struct change *c, struct trouble *t);
/* There was no flip: as before. */
void change_undo(struct change *c);
/* The plan in `state` is in force and kept. */
int change_settle(struct change *c, const char *state, struct trouble *t);
/* Writes the journal, and lets others go on. */
int change_end(struct change *c, const struct change_result *result, struct trouble *t);

#endif
