/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A new generation: other tables, filled and read back beside the running ones, then one write that every
 * program sees. Up to that write nothing that a program reads has been touched, and any failure leaves it
 * so. The generation before stays in its slot until the next install, for packets that have begun with it; what it
 * leaves there may then be what the next one is made from (spare.h).
 *
 * A table that would hold what the one in force holds is not made again: both generations have it in their slots, so
 * that a plan with one other line costs one other table. What it holds is known from when it was filled, as nobody can
 * write to it since (inner_seal()); a table that is open for the patches of kernel_patch() is read and compared.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "fresh.h"
#include "install.h"
#include "label.h"
#include "leave.h"
#include "pins.h"
#include "shape.h"
#include "spare.h"

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

/* One table on its way into its slot. */
struct arrival {
	pthread_t thread;
	bool started;
	int outer;
	int inner;
	__u32 slot;
	int error;
};

static void *arrive(void *argument)
{
	struct arrival *a = argument;

	a->error = bpf_map_update_elem(a->outer, &a->slot, &a->inner, BPF_ANY) ? -errno : 0;
	return NULL;
}

/* A table that no plan has changed since the last install but one stands there already. */
static bool in_slot(const struct arrival *a)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info), id = 0;

	return !bpf_map_lookup_elem(a->outer, &a->slot, &id) &&
	       !bpf_obj_get_info_by_fd(a->inner, &info, &size) && info.id == id;
}

/*
 * The kernel answers each of these writes when no program can be using what was there before, some 10 ms later. So all
 * are made at once, each in a thread of its own that does nothing else: they wait for the same moment.
 */
static int put_in_slot(const struct kernel *k, __u32 slot, const int *fds, struct trouble *t)
{
	struct arrival arrivals[SL_TABLES] = { 0 };
	int error = 0;

	for (int i = 0; i < SL_TABLES; i++) {
		struct arrival *a = &arrivals[i];

		if (!shapes[i].plan)
			continue;
		a->outer = k->table[i];
		a->inner = fds[i];
		a->slot = slot;
		if (in_slot(a))
			continue;
		a->started = !pthread_create(&a->thread, NULL, arrive, a);
		if (!a->started)
			arrive(a);
	}
	for (int i = 0; i < SL_TABLES; i++) {
		if (arrivals[i].started)
			pthread_join(arrivals[i].thread, NULL);
		if (arrivals[i].error && !error)
			error = trouble(t, arrivals[i].error, "cannot put %s in its slot: %s", shapes[i].name,
					strerror(-arrivals[i].error));
	}
	return error;
}

/* Names are read while tables are made: neither needs the other. */
struct reading {
	const struct kernel *k;
	const struct image *image;
	const struct rows *rows; /* of sl_name; NULL: they are to be read */
	uint32_t generation;
	struct naming naming;
	struct trouble t;
	int error;
	pthread_t thread;
	bool started;
};

static void *read_names(void *argument)
{
	struct reading *r = argument;

	r->error = label_read(&r->naming, r->k, r->image, r->generation, r->rows, &r->t);
	return NULL;
}

static void reading_begin(struct reading *r)
{
	r->started = !pthread_create(&r->thread, NULL, read_names, r);
	if (!r->started)
		read_names(r);
}

static int reading_end(struct reading *r, struct trouble *t)
{
	if (r->started)
		pthread_join(r->thread, NULL);
	r->started = false;
	if (r->error)
		*t = r->t;
	return r->error;
}

void kernel_expect(struct kernel *k)
{
	if (!k->spares && k->generation)
		k->spares = spares_begin(k, true);
}

/* No packet looks into the slot any more that is written to next. Mostly somebody has waited for that already. */
static void let_through(struct kernel *k, bool current)
{
	if (!current || !spares_ready(k->spares, k->generation))
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0);
}

int kernel_install(struct kernel *k, const struct image *image, struct trouble *t)
{
	uint64_t began = now_us(CLOCK_MONOTONIC);
	bool locked = k->lock >= 0;
	struct reading names = { .k = k, .image = image };
	struct sl_leave *leave = NULL;
	struct sl_active active;
	struct path folder;
	int fds[SL_TABLES];
	bool current; /* k->plan are the tables in force */
	__u32 zero = 0;
	int reserve = -1; /* to remove the folder where descriptors run out */
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
	current = k->generation == active.generation;
	if (current && !k->spares && k->generation)
		k->spares = spares_begin(k, false); /* names are read beside them */
	else if (current && spares_ready(k->spares, k->generation))
		names.rows = spares_names(k->spares);
	active.generation++;
	if (!active.generation) /* 0 means that no plan is in; the slot stays the next one */
		active.generation = 2;
	snprintf(name, sizeof(name), "plan-%u", active.generation);
	folder = pin_path(k->pins, name, "");

	reserve = fcntl(k->lock, F_DUPFD_CLOEXEC, 0);
	if (reserve < 0) {
		error = trouble(t, -errno, "cannot make %s: %s", folder.text, strerror(errno));
		goto out;
	}

	names.generation = active.generation;
	reading_begin(&names);
	error = fresh_tables(current ? k : NULL, image, folder.text, fds, t);
	let_through(k, current);
	if (!error)
		error = put_in_slot(k, active.generation & 1, fds, t);
	if (!error)
		error = leave_make(&leave, image, active.generation, t);
	if (!error)
		error = reading_end(&names, t);
	if (!error)
		error = label_before(k, &names.naming, t);
	if (!error && bpf_map_update_elem(k->table[SL_TABLE_sl_active], &zero, &active, BPF_ANY))
		error = trouble(t, -errno, "cannot flip to generation %u: %s", active.generation,
				strerror(errno));
	if (error) {
		reading_end(&names, &(struct trouble){ "" }); /* what went wrong first is said */
		close(reserve);
		reserve = -1;
		pins_remove_folder(folder.text);
		label_undo(k, &names.naming);
		goto out;
	}

	/* It is in force. What follows only tidies up and tells: the tables of the generation before stay in their slot. */
	label_after(k, &names.naming);
	pins_plan_tidy(k->pins, active.generation);
	error = leave_put(k, leave, t);
	if (!error)
		error = kernel_reopen_plan(k, t);
	install_tell(k, image);
	set_gauge(k, SL_GAUGE_APPLIED_AT, now_us(CLOCK_REALTIME) / 1000000);
	set_gauge(k, SL_GAUGE_APPLY_US, now_us(CLOCK_MONOTONIC) - began);
out:
	free(leave);
	label_free(&names.naming);
	spares_end(k->spares);
	k->spares = NULL;
	for (int i = 0; i < SL_TABLES; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (reserve >= 0)
		close(reserve);
	if (!locked)
		kernel_unlock(k);
	return error;
}
