/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An interface came or went: the few rows that speak of it change in the tables that are in force, then
 * the generation moves on by 2 (the same slot), so that flows are judged again. Never used for a plan
 * that changed: packets may see some of the rows before the others.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "inner.h"
#include "install.h"
#include "kept.h"
#include "label.h"
#include "leave.h"
#include "pins.h"
#include "proof.h"
#include "shape.h"

/* Most tables speak of no interface, and the largest ones are among these: they are not even read. */
static int find_others(const struct kernel *k, const struct image *image, bool *other, struct trouble *t)
{
	struct kept kept;

	kept_read(k, &kept);
	for (int i = 0; i < SL_TABLES; i++) {
		struct image_table whole;
		struct digest wanted;
		struct proof proof;
		int error;

		other[i] = false;
		if (!shapes[i].plan)
			continue;
		error = kept_of(i, image, &wanted, t);
		if (error)
			return error;
		if (inner_sealed(i) && kept_equal(&wanted, &kept.table[i]))
			continue;
		if (!image_rows(image, i, &whole))
			return trouble(t, -ENOMEM, "out of memory for %zu rows of %s", whole.count,
				       shapes[i].name);
		error = proof_read(i, k->plan[i], &whole, &proof, t);
		image_rows_free(image, i, &whole);
		if (error)
			return error;
		other[i] = !proof_holds(&proof);
	}
	return 0;
}

static int patch_tables(const struct kernel *k, const struct image *image, size_t *changes, struct trouble *t)
{
	bool other[SL_TABLES] = { false };
	int error = find_others(k, image, other, t);

	for (int i = 0; !error && i < SL_TABLES; i++)
		if (other[i] && inner_sealed(i))
			error = trouble(t, -EPERM, "%s is sealed", shapes[i].name);
		else if (other[i])
			error = inner_fits(i, k->plan[i], &image->table[i], changes, t);
	if (error || !*changes)
		return error;
	for (int i = 0; !error && i < SL_TABLES; i++)
		if (other[i])
			error = inner_patch(i, k->plan[i], &image->table[i], changes, t);
	return error;
}

/* The flip within the slot; the pins then follow. */
static int move_on(struct kernel *k, struct trouble *t)
{
	struct sl_active active = { .generation = k->generation + 2 };
	struct path from, to;
	__u32 zero = 0;
	char name[32];
	int error;

	if (!active.generation) /* 0 means that no plan is in */
		active.generation = 2;
	error = pins_plan(k->pins, k->generation, &from);
	if (error)
		return trouble(t, error, "the tables of generation %u are not pinned below %s", k->generation,
			       k->pins);
	snprintf(name, sizeof(name), "plan-%u", active.generation);
	to = pin_path(k->pins, name, "");
	pins_remove_folder(to.text); /* of an apply that was killed */
	if (bpf_map_update_elem(k->table[SL_TABLE_sl_active], &zero, &active, BPF_ANY))
		return trouble(t, -errno, "cannot move on to generation %u: %s", active.generation,
			       strerror(errno));
	k->generation = active.generation;
	if (rename(from.text, to.text))
		return trouble(t, -errno, "cannot rename %s to %s: %s", from.text, to.text, strerror(errno));
	return 0;
}

static void relabel(const struct kernel *k, const struct image *image)
{
	struct trouble ignored;
	struct naming naming;

	if (label_read(&naming, k, image, k->generation, NULL, &ignored))
		return;
	label_after(k, &naming);
	label_free(&naming);
}

int kernel_patch(struct kernel *k, const struct image *image, struct trouble *t)
{
	bool locked = k->lock >= 0;
	struct sl_leave *leave = NULL;
	struct sl_active active;
	size_t changes = 0;
	__u32 zero = 0;
	int error = kernel_lock(k, t);

	if (error)
		return error;
	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_active], &zero, &active)) {
		error = trouble(t, -errno, "cannot read sl_active: %s", strerror(errno));
		goto out;
	}
	if (active.generation != k->generation) {
		error = trouble(t, -ESTALE, "generation %u came in while generation %u was being patched",
				active.generation, k->generation);
		goto out;
	}
	if (!k->generation) {
		error = kernel_install(k, image, t);
		goto out;
	}
	error = patch_tables(k, image, &changes, t);
	if (error) {
		/* Too many rows, a table that is sealed, or only some were written: a whole new generation puts it
		 * right. */
		error = kernel_install(k, image, t);
		goto out;
	}
	if (changes)
		error = move_on(k, t);
	if (!error && changes)
		error = leave_make(&leave, image, k->generation, t);
	if (leave && !error)
		error = leave_put(k, leave, t);
	if (!error) {
		relabel(k, image);
		install_tell(k, image);
	}
out:
	free(leave);
	if (!locked)
		kernel_unlock(k);
	return error;
}
