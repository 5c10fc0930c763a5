/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Merging the files of a plan: objects by key, lists one behind the other, equal values once. Two files
 * that disagree are an error that names both; nothing is ever overridden silently, since the order of
 * file names must not decide who may talk to whom.
 */
#include <string.h>
#include "canonical.h"
#include "cursor.h"
#include "document.h"

static void merge_value(struct document *d, struct at *at, struct tree *into, const char *into_file,
			struct tree *from);

static void graft(struct document *d, const struct at *at, struct tree *into, const char *key,
		  struct tree *value)
{
	/* The key must outlive the document of the file it came from. */
	const char *kept = arena_copy(at->reader->arena, key, strlen(key));

	if (!kept || !tree_set(into, key, value, d->nodes) ||
	    !origin_add_member(&d->origins, into, kept, at->file, NULL))
		at->reader->report->lost = true;
}

static void merge_object(struct document *d, struct at *at, struct tree *into, const char *into_file,
			 struct tree *from)
{
	for (size_t i = 0; i < tree_members(from); i++) {
		const char *key = tree_member(from, i)->key;
		const struct seam *seam;
		struct tree *value = tree_member(from, i)->value, *old = tree_get(into, key);
		struct at child = { at->reader, value, at->file, at, key, 0, NULL };

		if (!old) {
			graft(d, at, into, key, value);
			continue;
		}
		seam = origin_of_member(&d->origins, into, key);
		merge_value(d, &child, old, seam ? seam->file : into_file, value);
	}
}

static void merge_list(struct document *d, struct at *at, struct tree *into, struct tree *from)
{
	size_t start = tree_items(into);

	if (!tree_items(from))
		return;
	if (!tree_extend(into, from, d->nodes) || !origin_add_items(&d->origins, into, start, at->file, NULL))
		at->reader->report->lost = true;
}

static void disagree(const struct at *at, struct tree *into, const char *into_file, struct tree *from)
{
	const char *here = canonical_text(from, at->reader->arena);
	const char *there = canonical_text(into, at->reader->arena);

	if (here && there)
		wrong(at, "%.64s here, but %.64s in %s, expected one value", here, there, into_file);
	else
		at->reader->report->lost = true;
}

static void merge_value(struct document *d, struct at *at, struct tree *into, const char *into_file,
			struct tree *from)
{
	if (tree_is_object(into) && tree_is_object(from))
		merge_object(d, at, into, into_file, from);
	else if (tree_is_list(into) && tree_is_list(from))
		merge_list(d, at, into, from);
	else if (!tree_equal(into, from))
		disagree(at, into, into_file, from);
}

void document_merge(struct document *d, struct tree *from, const char *file, struct arena *arena,
		    struct report *r)
{
	const struct reader reader = { arena, r, &d->origins, NULL };
	struct at at = { &reader, from, file, NULL, NULL, 0, NULL };

	if (!d->root) {
		d->root = from;
		d->file = file;
		return;
	}
	merge_value(d, &at, d->root, d->file, from);
}
