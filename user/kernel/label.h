/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of sl_name that an image brings. Numbers of rules, of the policy and of SNAT, mean something else in
 * each generation, so their names stand in the slot of theirs; the other names are shared by both. Those of the
 * generation before stay in their slot, as its tables do: the next one, which takes the slot, mostly has the very same.
 */
#ifndef SLUICE_LABEL_H
#define SLUICE_LABEL_H
#include "kernel.h"
#include "rows.h"

/* The names of an image beside those in sl_name; what it says holds as long as the kernel's lock is held. */
struct wanted;
struct naming {
	struct wanted *wanted; /* as many as the image has names, in order of keys */
	size_t count;
	uint32_t slot; /* of the generation that they are for */
	struct strays {
		struct sl_name_key *key;
		size_t count;
		size_t room;
	} shared, /* names there that the image does not have */
		numbered; /* of these the ones in the slot, left there by the last generation that had it */
	struct image_name *was; /* those in the slot that are to go, or to be another name */
	size_t was_count;
	size_t was_room;
	bool begun; /* label_before() may have written */
	bool lost; /* memory was short */
};

/* The image has to stay. `rows`: of sl_name, read under the same lock; NULL: they are read now. */
int label_read(struct naming *naming, const struct kernel *k, const struct image *image, uint32_t generation,
	       const struct rows *rows, struct trouble *t);
/* Before the flip: makes the rule names in the slot those of the new generation, and adds names that are not there yet.
 * Changes no name that the running generation shows. */
int label_before(const struct kernel *k, struct naming *naming, struct trouble *t);
/* Puts the rule names in the slot back as they were, if label_before() was called. */
void label_undo(const struct kernel *k, struct naming *naming);
/* After the flip, or a patch: names that changed are written, names that nothing has any more go. */
void label_after(const struct kernel *k, struct naming *naming);
void label_free(struct naming *naming);

#endif
