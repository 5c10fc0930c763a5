/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two tables are made at a time: filling one is mostly the kernel's work, reading it back ours.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include "fresh.h"
#include "inner.h"
#include "kept.h"
#include "pins.h"
#include "proof.h"
#include "shape.h"
#include "spare.h"

/* What both workers have in hand. */
struct work {
	const struct kernel *in_force;
	const struct image *image;
	const char *folder;
	int *fds;
	const struct spares *spares; /* NULL: none */
	struct kept was;
	struct kept now;
	struct types types; /* as soon as a table is made */
	pthread_mutex_t typing;
	bool typed;
	atomic_int next;
	atomic_bool failed;
};

struct worker {
	struct work *work;
	pthread_t thread;
	bool started;
	int error;
	struct trouble t;
};

/*
 * The table in force, if the new generation would have the very same rows: *fd, else -1. Nobody writes to an open table
 * that is in force but kernel_patch(), and that one means both generations, as no packet is left in the one before.
 */
static int find_same(const struct kernel *k, int table, const struct image_table *image,
		     const struct digest *was, const struct digest *wanted, int *fd, struct trouble *t)
{
	bool same = kept_equal(was, wanted);
	struct proof proof;

	*fd = -1;
	if (k->plan[table] < 0 || (!same && (inner_sealed(table) || kept_known(was))))
		return 0;
	if (!inner_sealed(table)) {
		int error;

		if (proof_fails(table, k->plan[table], image))
			return 0;
		error = proof_read(table, k->plan[table], image, &proof, t);
		if (error || !proof_holds(&proof))
			return error;
	}
	*fd = fcntl(k->plan[table], F_DUPFD_CLOEXEC, 0);
	return *fd < 0 ? trouble(t, -errno, "cannot keep %s: %s", shapes[table].name, strerror(errno)) : 0;
}

/* Mostly there are spare tables for all that differs, and nobody asks. */
static int know_types(struct work *w, struct trouble *t)
{
	int error = 0;

	pthread_mutex_lock(&w->typing);
	if (!w->typed)
		error = types_load(&w->types, t);
	w->typed |= !error;
	pthread_mutex_unlock(&w->typing);
	return error;
}

/* A table of its own, filled and closed to all who would write to it. */
static int make_table(int table, struct work *w, int *fd, struct trouble *t)
{
	const struct image *image = w->image;
	struct image_table whole;
	int error = know_types(w, t);

	if (error)
		return error;
	if (!image_rows(image, table, &whole))
		return trouble(t, -ENOMEM, "out of memory for %zu rows of %s", whole.count,
			       shapes[table].name);
	*fd = inner_make(table, &whole, &w->types, t);
	error = *fd < 0 ? *fd : inner_fill(table, *fd, &whole, t);
	image_rows_free(image, table, &whole);
	return error ? error : inner_seal(table, *fd, t);
}

static int one_table(struct work *w, int i, struct trouble *t)
{
	const struct image_table *image = &w->image->table[i];
	struct path path = pin_path(w->folder, shapes[i].name, "");
	int error = kept_of(i, w->image, &w->now.table[i], t);

	if (!error && w->in_force)
		error = find_same(w->in_force, i, image, &w->was.table[i], &w->now.table[i], &w->fds[i], t);
	if (!error && w->spares && w->fds[i] < 0)
		spare_take(w->spares, i, image, &w->fds[i]);
	if (!error && w->fds[i] < 0)
		error = make_table(i, w, &w->fds[i], t);
	if (!error && bpf_obj_pin(w->fds[i], path.text))
		error = trouble(t, -errno, "cannot pin %s: %s", path.text, strerror(errno));
	return error;
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	struct work *w = worker->work;

	for (int i; !w->failed && (i = atomic_fetch_add(&w->next, 1)) < SL_TABLES;) {
		if (shapes[i].plan)
			worker->error = one_table(w, i, &worker->t);
		if (!worker->error)
			continue;
		w->failed = true;
		break;
	}
	return NULL;
}

int fresh_tables(const struct kernel *in_force, const struct image *image, const char *folder,
		 int fds[SL_TABLES], struct trouble *t)
{
	struct work w = { .in_force = in_force,
			  .image = image,
			  .folder = folder,
			  .fds = fds,
			  .typing = PTHREAD_MUTEX_INITIALIZER };
	struct worker here = { .work = &w }, beside = { .work = &w };
	int error;

	if (in_force)
		kept_read(in_force, &w.was);
	if (mkdir(folder, 0755))
		return trouble(t, -errno, "cannot make %s: %s", folder, strerror(errno));
	if (in_force && spares_ready(in_force->spares, in_force->generation))
		w.spares = in_force->spares;
	beside.started = !pthread_create(&beside.thread, NULL, run, &beside);
	run(&here);
	if (beside.started)
		pthread_join(beside.thread, NULL);
	error = here.error ? here.error : beside.error;
	if (error)
		*t = here.error ? here.t : beside.t;
	else
		error = kept_write(folder, &w.now, t);
	if (w.typed)
		types_close(&w.types);
	return error;
}
