/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names are for people: a name that cannot be written after the flip is missing in a list, and readers
 * then print the number.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "label.h"
#include "rows.h"

/* Numbers that mean something else in each generation; the state's too, so that it is the one of the rows. */
static bool is_numbered(const struct sl_name_key *key)
{
	return key->kind == SL_NAME_RULE || key->kind == SL_NAME_SNAT || key->kind == SL_NAME_STATE;
}

static struct sl_name_key key_in(const struct image_name *name, uint32_t generation)
{
	struct sl_name_key key = name->key;

	if (is_numbered(&key))
		key.slot = generation & 1;
	return key;
}

/* A name that the image brings, and what sl_name says. */
struct wanted {
	struct sl_name_key key; /* first, for by_key() */
	const struct sl_name *name;
	bool there;
	bool right; /* there, and the same */
};

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sl_name_key));
}

/* One that memory is short for stays until the next plan. */
static void add_stray(struct strays *strays, const struct sl_name_key *key)
{
	if (strays->count == strays->room) {
		size_t room = strays->room ? strays->room * 2 : 64;
		struct sl_name_key *more = realloc(strays->key, room * sizeof(*more));

		if (!more)
			return;
		strays->key = more;
		strays->room = room;
	}
	strays->key[strays->count++] = *key;
}

static void add_was(struct naming *naming, const struct sl_name_key *key, const struct sl_name *name)
{
	if (naming->was_count == naming->was_room) {
		size_t room = naming->was_room ? naming->was_room * 2 : 64;
		struct image_name *more = realloc(naming->was, room * sizeof(*more));

		naming->lost |= !more;
		if (!more)
			return;
		naming->was = more;
		naming->was_room = room;
	}
	naming->was[naming->was_count++] = (struct image_name){ .key = *key, .name = *name };
}

static void visit(void *closure, const void *at, const void *value)
{
	const struct sl_name_key *key = at;
	struct naming *naming = closure;
	struct wanted *w;

	if (is_numbered(key) && key->slot != naming->slot)
		return; /* the other generation's */
	w = naming->count ? bsearch(key, naming->wanted, naming->count, sizeof(*w), by_key) : NULL;
	if (w) {
		w->there = true;
		w->right = !memcmp(value, w->name, sizeof(*w->name));
	} else {
		add_stray(is_numbered(key) ? &naming->numbered : &naming->shared, key);
	}
	if (is_numbered(key) && (!w || !w->right))
		add_was(naming, key, value);
}

int label_read(struct naming *naming, const struct kernel *k, const struct image *image, uint32_t generation,
	       const struct rows *rows, struct trouble *t)
{
	int error = 0;

	memset(naming, 0, sizeof(*naming));
	naming->slot = generation & 1;
	naming->count = image->name_count;
	naming->wanted = calloc(naming->count + 1, sizeof(*naming->wanted));
	if (!naming->wanted)
		return trouble(t, -ENOMEM, "out of memory for %zu names", naming->count);
	for (size_t i = 0; i < naming->count; i++)
		naming->wanted[i] = (struct wanted){ .key = key_in(&image->names[i], generation),
						     .name = &image->names[i].name };
	/* In the image's order, which is that of the keys: the names of one kind all get the same slot. */
	if (!rows)
		error = rows_walk(k->table[SL_TABLE_sl_name], sizeof(struct sl_name_key),
				  sizeof(struct sl_name), visit, naming, t);
	for (size_t i = 0; rows && i < rows->count; i++)
		visit(naming, rows_key(rows, i), rows_value(rows, i));
	if (!error && naming->lost)
		error = trouble(t, -ENOMEM, "out of memory for the names of the generation before");
	if (error)
		label_free(naming);
	return error;
}

/* Not right, or only what the running generation does not show. */
static bool is_due(const struct wanted *w, bool all)
{
	return !w->right && (all || !w->there || is_numbered(&w->key));
}

/* Those that are due, at one go. */
static int write_names(const struct kernel *k, struct naming *naming, bool all)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);
	struct sl_name_key *keys;
	struct sl_name *names;
	__u32 due = 0, used = 0;
	int error;

	for (size_t i = 0; i < naming->count; i++)
		due += is_due(&naming->wanted[i], all);
	keys = calloc(due + 1UL, sizeof(*keys));
	names = calloc(due + 1UL, sizeof(*names));
	error = keys && names ? 0 : -ENOMEM;
	for (size_t i = 0; !error && i < naming->count; i++) {
		const struct wanted *w = &naming->wanted[i];

		if (!is_due(w, all))
			continue;
		keys[used] = w->key;
		names[used++] = *w->name;
	}
	if (used && bpf_map_update_batch(k->table[SL_TABLE_sl_name], keys, names, &used, &opts))
		error = -errno;
	for (size_t i = 0; !error && i < naming->count; i++)
		naming->wanted[i].right |= is_due(&naming->wanted[i], all);
	free(keys);
	free(names);
	return error;
}

static void delete_strays(const struct kernel *k, struct strays *strays)
{
	__u32 gone = (__u32)strays->count;

	if (gone)
		bpf_map_delete_batch(k->table[SL_TABLE_sl_name], strays->key, &gone, NULL);
	strays->count = 0;
}

int label_before(const struct kernel *k, struct naming *naming, struct trouble *t)
{
	int error;

	naming->begun = true;
	delete_strays(k, &naming->numbered); /* first: there is room for two generations of them */
	error = write_names(k, naming, false);
	if (!error)
		return 0;
	return trouble(t, error,
		       "no room for the names of the plan in sl_name (%zu names, "
		       "room for %u): %s",
		       naming->count, kernel_room(k, SL_TABLE_sl_name), strerror(-error));
}

void label_undo(const struct kernel *k, struct naming *naming)
{
	int fd = k->table[SL_TABLE_sl_name];

	if (!naming->begun)
		return;
	for (size_t i = 0; i < naming->count; i++) {
		const struct wanted *w = &naming->wanted[i];

		if (is_numbered(&w->key) && !w->there)
			bpf_map_delete_elem(fd, &w->key);
	}
	for (size_t i = 0; i < naming->was_count; i++)
		bpf_map_update_elem(fd, &naming->was[i].key, &naming->was[i].name, BPF_ANY);
}

void label_after(const struct kernel *k, struct naming *naming)
{
	write_names(k, naming, true);
	delete_strays(k, &naming->numbered);
	delete_strays(k, &naming->shared);
}

void label_free(struct naming *naming)
{
	free(naming->wanted);
	free(naming->shared.key);
	free(naming->numbered.key);
	free(naming->was);
	memset(naming, 0, sizeof(*naming));
}
