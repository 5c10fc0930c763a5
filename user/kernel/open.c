/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding what an earlier `up` pinned. Read-only callers never take the lock: an apply that flips while
 * they look is noticed by the generation, and they look again.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "object.h"
#include "pins.h"
#include "shape.h"
#include "spare.h"

#define LOOKS 100

bool kernel_present(const char *pins)
{
	return !access(pin_path(pins, "progs", program_names[SL_ASK]).text, F_OK);
}

static int open_map(const char *path, bool read_only)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = read_only ? BPF_F_RDONLY : 0);
	int fd = bpf_obj_get_opts(path, &opts);

	return fd < 0 ? -errno : fd;
}

static void close_plan(struct kernel *k)
{
	for (int i = 0; i < SL_TABLES; i++) {
		if (k->plan[i] >= 0)
			close(k->plan[i]);
		k->plan[i] = -1;
	}
}

static int read_generation(const struct kernel *k, uint32_t *generation, struct trouble *t)
{
	struct sl_active active;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_active], &zero, &active))
		return trouble(t, -errno, "cannot read sl_active: %s", strerror(errno));
	*generation = active.generation;
	return 0;
}

static int open_plan(struct kernel *k)
{
	struct path folder;
	int error = pins_plan(k->pins, k->generation, &folder);

	for (int i = 0; !error && i < SL_TABLES; i++) {
		if (!shapes[i].plan)
			continue;
		k->plan[i] = open_map(pin_path(folder.text, shapes[i].name, "").text, k->read_only);
		if (k->plan[i] < 0)
			error = k->plan[i];
	}
	return error;
}

int kernel_reopen_plan(struct kernel *k, struct trouble *t)
{
	uint32_t now = 0;
	int error = 0;

	for (int look = 0; look < LOOKS; look++) {
		int failed = read_generation(k, &k->generation, t);

		if (failed)
			return failed;
		close_plan(k);
		if (!k->generation)
			return 0;
		error = open_plan(k);
		failed = read_generation(k, &now, t);
		if (failed)
			return failed;
		if (now == k->generation && !error)
			return 0;
		if (now == k->generation)
			usleep(1000); /* between the flip and the rename of its folder */
	}
	close_plan(k);
	return trouble(
		t, error ? error : -EAGAIN,
		"the tables of generation %u are not pinned below %s (%s): \"sluice up\" puts the plan "
		"in again",
		k->generation, k->pins, strerror(error ? -error : EAGAIN));
}

int kernel_open(struct kernel *k, const char *pins, bool read_only, struct trouble *t)
{
	int error;

	object_quiet();
	memset(k, 0, sizeof(*k));
	k->pins = pins;
	k->read_only = read_only;
	k->lock = -1;
	for (int i = 0; i < SL_TABLES; i++)
		k->table[i] = k->plan[i] = -1;

	error = pins_layout(pins, t);
	if (error < 0)
		return error;
	if (!error)
		return trouble(t, -ENOENT,
			       "sluice is not up on this node (nothing below %s): \"sluice up\" "
			       "starts it",
			       pins);
	for (int i = 0; i < SL_TABLES; i++) {
		struct path path = pin_path(pins, "maps", shapes[i].name);

		k->table[i] = open_map(path.text, read_only);
		if (k->table[i] < 0) {
			error = k->table[i];
			if (error == -EPERM || error == -EACCES)
				trouble(t, error, "no permission to open %s: this needs CAP_BPF", path.text);
			else
				trouble(t, error,
					"cannot open %s (%s): \"sluice up\" completes what is "
					"missing",
					path.text, strerror(-error));
			goto failed;
		}
	}
	error = kernel_reopen_plan(k, t);
	if (!error)
		return 0;
failed:
	kernel_close(k);
	return error;
}

void kernel_close(struct kernel *k)
{
	close_plan(k);
	for (int i = 0; i < SL_TABLES; i++) {
		if (k->table[i] >= 0)
			close(k->table[i]);
		k->table[i] = -1;
	}
	kernel_unlock(k);
}

int kernel_lock(struct kernel *k, struct trouble *t)
{
	if (k->lock >= 0)
		return 0;
	k->lock = pins_lock(k->pins, t);
	return k->lock < 0 ? k->lock : 0;
}

void kernel_unlock(struct kernel *k)
{
	spares_end(k->spares);
	k->spares = NULL;
	if (k->lock >= 0)
		close(k->lock);
	k->lock = -1;
}

uint32_t kernel_room(const struct kernel *k, enum sl_table_id table)
{
	int fd = shapes[table].plan ? k->plan[table] : k->table[table];
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	return info.max_entries;
}
