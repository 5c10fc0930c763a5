/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A new generation: fresh tables, filled and read back beside the running ones, then one write that every
 * program sees. Up to that write nothing that a program reads has been touched, and any failure leaves it
 * so. The generation before stays in its slot until the next install, for packets that have begun with it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "inner.h"
#include "install.h"
#include "label.h"
#include "pins.h"
#include "shape.h"

static uint64_t now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int set_gauge(const struct kernel *k, __u32 gauge, __u64 value)
{
	return bpf_map_update_elem(k->table[SL_TABLE_sl_gauge], &gauge, &value, BPF_ANY);
}

void install_tell(const struct kernel *k, const struct image *image)
{
	for (__u32 i = 0; i < SL_TABLES; i++) {
		struct sl_fill fill = { .entries = image->table[i].count, .size = kernel_room(k, i) };

		if (shapes[i].plan)
			bpf_map_update_elem(k->table[SL_TABLE_sl_fill], &i, &fill, BPF_ANY);
	}
	set_gauge(k, SL_GAUGE_PLAN_HASH, image->hash >> 16);
}

/* The plan tables of the new generation, filled and pinned in `folder`. */
static int make_tables(const struct image *image, const char *folder, int *fds, struct trouble *t)
{
	struct types types;
	int error = types_load(&types, t);

	if (error)
		return error;
	if (mkdir(folder, 0755))
		error = trouble(t, -errno, "cannot make %s: %s", folder, strerror(errno));
	for (int i = 0; !error && i < SL_TABLES; i++) {
		struct path path = pin_path(folder, shapes[i].name, "");

		if (!shapes[i].plan)
			continue;
		fds[i] = inner_make(i, &image->table[i], &types, t);
		if (fds[i] < 0) {
			error = fds[i];
			break;
		}
		error = inner_fill(i, fds[i], &image->table[i], t);
		if (!error && bpf_obj_pin(fds[i], path.text))
			error = trouble(t, -errno, "cannot pin %s: %s", path.text, strerror(errno));
	}
	types_close(&types);
	return error;
}

static int put_in_slot(const struct kernel *k, __u32 slot, const int *fds, struct trouble *t)
{
	for (int i = 0; i < SL_TABLES; i++)
		if (shapes[i].plan && bpf_map_update_elem(k->table[i], &slot, &fds[i], BPF_ANY))
			return trouble(t, -errno, "cannot put %s in its slot: %s", shapes[i].name,
				       strerror(errno));
	return 0;
}

int kernel_install(struct kernel *k, const struct image *image, struct trouble *t)
{
	uint64_t began = now_us(CLOCK_MONOTONIC);
	bool locked = k->lock >= 0;
	struct sl_active active;
	struct path folder;
	int fds[SL_TABLES];
	__u32 zero = 0;
	char name[32];
	int error;

	for (int i = 0; i < SL_TABLES; i++)
		fds[i] = -1;
	error = kernel_lock(k, t);
	if (error)
		return error;
	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_active], &zero, &active)) {
		error = trouble(t, -errno, "cannot read sl_active: %s", strerror(errno));
		goto out;
	}
	pins_plan_tidy(k->pins, active.generation); /* of an apply that was killed */
	active.generation++;
	if (!active.generation) /* 0 means that no plan is in; the slot stays the next one */
		active.generation = 2;
	snprintf(name, sizeof(name), "plan-%u", active.generation);
	folder = pin_path(k->pins, name, "");

	error = make_tables(image, folder.text, fds, t);
	if (!error)
		error = put_in_slot(k, active.generation & 1, fds, t);
	if (!error)
		error = label_before(k, image, active.generation, t);
	if (!error && bpf_map_update_elem(k->table[SL_TABLE_sl_active], &zero, &active, BPF_ANY))
		error = trouble(t, -errno, "cannot flip to generation %u: %s", active.generation,
				strerror(errno));
	if (error) {
		pins_remove_folder(folder.text);
		label_undo(k, active.generation);
		goto out;
	}

	/* It is in force. What follows only tidies up and tells. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0); /* packets of the generation before are through */
	label_after(k, image, active.generation);
	pins_plan_tidy(k->pins, active.generation);
	error = kernel_reopen_plan(k, t);
	install_tell(k, image);
	set_gauge(k, SL_GAUGE_APPLIED_AT, now_us(CLOCK_REALTIME) / 1000000);
	set_gauge(k, SL_GAUGE_APPLY_US, now_us(CLOCK_MONOTONIC) - began);
out:
	for (int i = 0; i < SL_TABLES; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (!locked)
		kernel_unlock(k);
	return error;
}
