/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Merging the files of a plan: objects by key, lists one behind the other, equal values once. Two files
 * that disagree are an error that names both; nothing is ever overridden silently, since the order of
 * file names must not decide who may talk to whom.
 */
#include <stdlib.h>
#include <string.h>
#include "cursor.h"
#include "document.h"

static void merge_value(struct document *d, struct at *at, json_t *into, const char *into_file, json_t *from);

static void graft(struct document *d, const struct at *at, json_t *into, const char *key, json_t *value)
{
	/* The key must outlive the document of the file it came from. */
	const char *kept = arena_copy(at->reader->arena, key, strlen(key));

	if (!kept || json_object_set(into, key, value) < 0 ||
	    !origin_add_member(&d->origins, into, kept, at->file))
		at->reader->report->lost = true;
}

static void merge_object(struct document *d, struct at *at, json_t *into, const char *into_file, json_t *from)
{
	for (void *iter = json_object_iter(from); iter; iter = json_object_iter_next(from, iter)) {
		const char *key = json_object_iter_key(iter), *old_file;
		json_t *value = json_object_iter_value(iter), *old = json_object_get(into, key);
		struct at child = { at->reader, value, at->file, at, key, 0 };

		if (!old) {
			graft(d, at, into, key, value);
			continue;
		}
		old_file = origin_of_member(&d->origins, into, key);
		merge_value(d, &child, old, old_file ? old_file : into_file, value);
	}
}

static void merge_list(struct document *d, struct at *at, json_t *into, json_t *from)
{
	size_t start = json_array_size(into);

	if (!json_array_size(from))
		return;
	if (json_array_extend(into, from) < 0 || !origin_add_items(&d->origins, into, start, at->file))
		at->reader->report->lost = true;
}

static void disagree(const struct at *at, json_t *into, const char *into_file, json_t *from)
{
	char *here = json_dumps(from, JSON_ENCODE_ANY | JSON_COMPACT);
	char *there = json_dumps(into, JSON_ENCODE_ANY | JSON_COMPACT);

	if (here && there)
		wrong(at, "%.64s here, but %.64s in %s, expected one value", here, there, into_file);
	else
		at->reader->report->lost = true;
	free(here);
	free(there);
}

static void merge_value(struct document *d, struct at *at, json_t *into, const char *into_file, json_t *from)
{
	if (json_is_object(into) && json_is_object(from))
		merge_object(d, at, into, into_file, from);
	else if (json_is_array(into) && json_is_array(from))
		merge_list(d, at, into, from);
	else if (!json_equal(into, from))
		disagree(at, into, into_file, from);
}

void document_merge(struct document *d, json_t *from, const char *file, struct arena *arena, struct report *r)
{
	const struct reader reader = { arena, r, &d->origins };
	struct at at = { &reader, from, file, NULL, NULL, 0 };

	if (!d->root) {
		d->root = from;
		d->file = file;
		return;
	}
	merge_value(d, &at, d->root, d->file, from);
	json_decref(from);
}
