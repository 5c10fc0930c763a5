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

/* Numbers that mean something else in each generation. */
static bool is_numbered(const struct sl_name_key *key)
{
	return key->kind == SL_NAME_RULE || key->kind == SL_NAME_SNAT;
}

static struct sl_name_key key_in(const struct image_name *name, uint32_t generation)
{
	struct sl_name_key key = name->key;

	if (is_numbered(&key))
		key.slot = generation & 1;
	return key;
}

int label_before(const struct kernel *k, const struct image *image, uint32_t generation, struct trouble *t)
{
	for (size_t i = 0; i < image->name_count; i++) {
		struct sl_name_key key = key_in(&image->names[i], generation);
		__u64 how = is_numbered(&key) ? BPF_ANY : BPF_NOEXIST;

		if (bpf_map_update_elem(k->table[SL_TABLE_sl_name], &key, &image->names[i].name, how) &&
		    errno != EEXIST)
			return trouble(t, -errno,
				       "no room for the names of the plan in sl_name (%zu names, "
				       "room for %u): %s",
				       image->name_count, kernel_room(k, SL_TABLE_sl_name), strerror(errno));
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sl_name_key));
}

/* Deletes the names that `keep` (sorted) does not have; of rules only those in `slot` if it is not -1. */
static void forget(const struct kernel *k, const struct sl_name_key *keep, size_t count, int rule_slot,
		   bool rules_only)
{
	int fd = k->table[SL_TABLE_sl_name];
	struct trouble ignored;
	struct rows rows;

	if (rows_read(&rows, fd, sizeof(struct sl_name_key), sizeof(struct sl_name), 1, &ignored))
		return;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_name_key *key = rows_key(&rows, i);

		if (rules_only && !is_numbered(key))
			continue;
		if (is_numbered(key) && rule_slot >= 0 && key->slot != rule_slot)
			continue;
		if (!count || !bsearch(key, keep, count, sizeof(*keep), by_key))
			bpf_map_delete_elem(fd, key);
	}
	rows_free(&rows);
}

void label_undo(const struct kernel *k, uint32_t generation)
{
	forget(k, NULL, 0, generation & 1, true);
}

void label_after(const struct kernel *k, const struct image *image, uint32_t generation)
{
	struct sl_name_key *keep = calloc(image->name_count + 1, sizeof(*keep));
	struct sl_name row;

	if (!keep)
		return;
	for (size_t i = 0; i < image->name_count; i++) {
		keep[i] = key_in(&image->names[i], generation);
		if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_name], &keep[i], &row) ||
		    memcmp(&row, &image->names[i].name, sizeof(row)))
			bpf_map_update_elem(k->table[SL_TABLE_sl_name], &keep[i], &image->names[i].name,
					    BPF_ANY);
	}
	qsort(keep, image->name_count, sizeof(*keep), by_key);
	forget(k, keep, image->name_count, -1, false);
	free(keep);
}
