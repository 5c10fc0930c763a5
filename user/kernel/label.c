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

struct look {
	struct wanted *wanted;
	size_t count;
};

static void visit(void *closure, const void *key, const void *value)
{
	const struct look *look = closure;
	struct wanted *w = look->count ? bsearch(key, look->wanted, look->count, sizeof(*w), by_key) : NULL;

	if (!w)
		return;
	w->there = true;
	w->right = !memcmp(value, w->name, sizeof(*w->name));
}

/* In order of keys. NULL: no memory, or sl_name cannot be read. */
static struct wanted *look(const struct kernel *k, const struct image *image, uint32_t generation)
{
	struct wanted *wanted = calloc(image->name_count + 1, sizeof(*wanted));
	struct look all = { wanted, image->name_count };
	struct trouble ignored;

	if (!wanted)
		return NULL;
	for (size_t i = 0; i < image->name_count; i++)
		wanted[i] = (struct wanted){ .key = key_in(&image->names[i], generation),
					     .name = &image->names[i].name };
	qsort(wanted, image->name_count, sizeof(*wanted), by_key);
	if (!rows_walk(k->table[SL_TABLE_sl_name], sizeof(struct sl_name_key), sizeof(struct sl_name), visit,
		       &all, &ignored))
		return wanted;
	free(wanted);
	return NULL;
}

/* Those of `wanted` that are not right, or of these only what the running generation does not show, at one go. */
static int write_names(const struct kernel *k, const struct wanted *wanted, size_t count, bool all)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);
	struct sl_name_key *keys = calloc(count + 1, sizeof(*keys));
	struct sl_name *names = calloc(count + 1, sizeof(*names));
	int error = keys && names ? 0 : -ENOMEM;
	__u32 used = 0;

	for (size_t i = 0; !error && i < count; i++) {
		const struct wanted *w = &wanted[i];

		if (w->right || (!all && w->there && !is_numbered(&w->key)))
			continue;
		keys[used] = w->key;
		names[used++] = *w->name;
	}
	if (used && bpf_map_update_batch(k->table[SL_TABLE_sl_name], keys, names, &used, &opts))
		error = -errno;
	free(keys);
	free(names);
	return error;
}

int label_before(const struct kernel *k, const struct image *image, uint32_t generation, struct trouble *t)
{
	struct wanted *wanted = look(k, image, generation);
	int error = wanted ? write_names(k, wanted, image->name_count, false) : -ENOMEM;

	free(wanted);
	if (!error)
		return 0;
	return trouble(t, error,
		       "no room for the names of the plan in sl_name (%zu names, "
		       "room for %u): %s",
		       image->name_count, kernel_room(k, SL_TABLE_sl_name), strerror(-error));
}

/* Deletes the names that `keep` (in order) does not have; of rules only those in `slot` if it is not -1. */
static void forget(const struct kernel *k, const struct wanted *keep, size_t count, int rule_slot,
		   bool rules_only)
{
	int fd = k->table[SL_TABLE_sl_name];
	struct trouble ignored;
	struct rows rows;
	__u32 gone = 0;

	if (rows_read(&rows, fd, sizeof(struct sl_name_key), sizeof(struct sl_name), 1, &ignored))
		return;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_name_key *key = rows_key(&rows, i);

		if (rules_only && !is_numbered(key))
			continue;
		if (is_numbered(key) && rule_slot >= 0 && key->slot != rule_slot)
			continue;
		if (!count || !bsearch(key, keep, count, sizeof(*keep), by_key))
			memmove(rows.keys + sizeof(*key) * gone++, key, sizeof(*key));
	}
	if (gone)
		bpf_map_delete_batch(fd, rows.keys, &gone, NULL);
	rows_free(&rows);
}

void label_undo(const struct kernel *k, uint32_t generation)
{
	forget(k, NULL, 0, generation & 1, true);
}

void label_after(const struct kernel *k, const struct image *image, uint32_t generation)
{
	struct wanted *wanted = look(k, image, generation);

	if (!wanted)
		return;
	write_names(k, wanted, image->name_count, true);
	forget(k, wanted, image->name_count, -1, false);
	free(wanted);
}
