/* SPDX-License-Identifier: GPL-2.0 */
/*
 * States of a plan: a state is a merge patch (RFC 7386) of the merged document. An object is patched member by member,
 * null takes a member away, everything else replaces what was there. Besides, "KEY+" with a list appends to the list
 * KEY, after KEY itself was patched: a rule more must not mean to write all rules again.
 *
 * The document stays as it is, for the other states: what a patch goes through is copied, the rest is shared. Seams go
 * along, so that a finding names the line that somebody wrote, in the plan or in the state.
 */
#include <string.h>
#include "cursor.h"
#include "document.h"

static struct tree *merge(struct document *d, const struct at *patch, struct tree *target);

static struct tree *lost(const struct at *at)
{
	at->reader->report->lost = true;
	return NULL;
}

/* Of an object or a list. */
static struct tree *copy(struct document *d, const struct at *at, struct tree *holder)
{
	struct tree *fresh = tree_copy(holder, d->nodes);

	return fresh && origin_copy(&d->origins, holder, fresh) ? fresh : lost(at);
}

/* The list that "KEY+" means; NULL: the key is a plain one. */
static const char *list_key(const char *key, char *name, size_t size)
{
	size_t length = strlen(key);

	if (length < 2 || length > size || key[length - 1] != '+')
		return NULL;
	memcpy(name, key, length - 1);
	name[length - 1] = 0;
	return name;
}

/* Items of several files stay known as theirs. */
static bool add_items(struct document *d, const struct at *at, struct tree *list)
{
	const char *path = place_of(at).path;
	size_t start = tree_items(list);

	if (!path || !origin_add_items(&d->origins, list, start, at->file, path))
		return false;
	for (const struct segment *g = origin_of_list(&d->origins, at->value); g; g = g->next)
		if (!origin_add_items(&d->origins, list, start + g->start, g->file, path))
			return false;
	return tree_extend(list, at->value, d->nodes);
}

/* `at`: the list that "KEY+" names; `key`: KEY. */
static void append(struct document *d, const struct at *at, struct tree *object, const char *key)
{
	struct tree *old = tree_get(object, key), *list;

	if (!tree_is_list(at->value)) {
		wrong(at, "found %s, expected a list to append to \"%s\"", type_of(at), key);
		return;
	}
	if (old && !tree_is_list(old)) {
		wrong(at, "\"%s\" is no list in the plan, expected one to append to", key);
		return;
	}
	list = old ? copy(d, at, old) : tree_new(TREE_LIST, d->nodes);
	if (!list || !add_items(d, at, list) || !tree_set(object, key, list, d->nodes))
		lost(at);
}

/* One member of a patch, which is not null; `at` is its value, `holder` the path of the patch. */
static void put(struct document *d, const struct at *at, const char *holder, struct tree *object)
{
	struct tree *old = tree_get(object, at->key), *value = merge(d, at, old);
	const char *key = keep(at, at->key);

	if (!value)
		return;
	/* Of an object in an object only what is in the patch is new. */
	if (!tree_set(object, at->key, value, d->nodes) || !key || !holder ||
	    (!(tree_is_object(old) && tree_is_object(value)) &&
	     !origin_add_member(&d->origins, object, key, at->file, holder)))
		lost(at);
}

static void take_away(const struct at *at, struct tree *object)
{
	struct place place = { .file = at->file };

	if (tree_remove(object, at->key))
		return;
	place = place_of(at);
	report_warning(at->reader->report, &place, "null takes away what is not there");
}

/* What the patch makes of `target` (NULL: nothing is there); NULL: no memory. */
static struct tree *merge(struct document *d, const struct at *patch, struct tree *target)
{
	struct tree *value = (struct tree *)(uintptr_t)patch->value, *object;
	const char *holder;
	char name[256];

	if (!tree_is_object(value))
		return value;
	object = tree_is_object(target) ? copy(d, patch, target) : tree_new(TREE_OBJECT, d->nodes);
	holder = place_of(patch).path;
	if (!object)
		return lost(patch);
	/* KEY before "KEY+", whichever the patch says first: members of an object have no order. */
	for (int lists = 0; lists < 2; lists++) {
		for (size_t i = 0; i < tree_members(value); i++) {
			const struct tree_member *written = tree_member(value, i);
			struct at member = member_of(patch, written->key, written->value);
			const char *key = list_key(member.key, name, sizeof(name));

			if (!key != !lists)
				continue;
			if (key)
				append(d, &member, object, key);
			else if (tree_is(member.value, TREE_NULL))
				take_away(&member, object);
			else
				put(d, &member, holder, object);
		}
	}
	return object;
}

const struct tree *document_in_state(struct document *d, const char *name, struct arena *arena,
				     struct report *r)
{
	const struct reader reader = { arena, r, &d->origins, NULL };
	const struct at root = { &reader, d->root, d->file, NULL, NULL, 0, NULL };
	const struct tree *written = tree_get(d->root, "states"), *patch = tree_get(written, name);
	const struct at states = member_of(&root, "states", written);
	const struct at state = member_of(&states, name, patch);
	struct tree *patched;

	/* No object is no patch: said where the section is taken. */
	if (!tree_is_object(patch) || !tree_members(patch))
		return d->root;
	patched = merge(d, &state, d->root);
	if (!patched)
		r->lost = true;
	return patched;
}
