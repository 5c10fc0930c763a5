/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading: programs and tables come into the kernel and are pinned. Tables that are pinned already are
 * taken over with all they hold; programs are replaced, but whatever is attached goes on running the old
 * ones until kernel_attach() updates the links. A load that fails leaves what ran before as it was.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "cache.h"
#include "extra.h"
#include "grow.h"
#include "inner.h"
#include "pins.h"
#include "shape.h"

/* An outer map is made with an inner one that shows the type of all later ones. Its own, of the ceiling's
 * size, would cost memory for nothing; one without type information would not do for kernel 6.1. */
static int small_template(struct bpf_map *map, int i, const struct types *types, int *template,
			  struct trouble *t)
{
	int error;

	*template = inner_make(i, NULL, types, t);
	if (*template <0)
		return *template;
	error = bpf_map__set_inner_map_fd(map, *template);
	return error ? trouble(t, error, "cannot prepare %s: %s", shapes[i].name, strerror(-error)) : 0;
}

/* As the plan says; 0: as tables.def does. */
static uint32_t size_asked(int i, const struct limits *limits)
{
	int cpus = libbpf_num_possible_cpus();

	switch (i) {
	case SL_TABLE_sl_flow:
		return limits->flows;
	case SL_TABLE_sl_unanswered:
		return limits->unanswered_flows;
	case SL_TABLE_sl_binding:
	case SL_TABLE_sl_outside:
		return limits->bindings;
	case SL_TABLE_sl_line:
		return cache_rows(limits->cache_lines, cpus < 1 ? 1 : (uint32_t)cpus);
	default:
		return 0;
	}
}

/*
 * What these two hold is not for long, and wrong without the other: epochs that begin anew soon have the same sums as
 * those by which lines of before are void.
 */
static bool of_cache(int i)
{
	return i == SL_TABLE_sl_line || i == SL_TABLE_sl_cache;
}

/*
 * Is one of the cache's tables gone, of another version or not as large as it is to be? Then both are made anew, and what
 * lines hold is counted before: the programs that ran until now have both.
 */
static bool cache_is_stale(const char *pins, const struct limits *limits)
{
	bool stale = false;

	for (int i = 0; i < SL_TABLES; i++) {
		uint32_t asked = size_asked(i, limits);
		struct bpf_map_info info = { 0 };
		__u32 size = sizeof(info);
		int fd;

		if (!of_cache(i))
			continue;
		fd = bpf_obj_get(pin_path(pins, "maps", shapes[i].name).text);
		if (fd < 0) {
			stale |= errno == ENOENT;
			continue;
		}
		stale |= !bpf_obj_get_info_by_fd(fd, &info, &size) &&
			 (info.value_size != shapes[i].value_size || (asked && info.max_entries != asked));
		close(fd);
	}
	return stale;
}

/* By the program that knows those lines. Where it fails, the last second's packets of established flows are not counted. */
static void count_stale(const char *pins, int cpus)
{
	struct trouble ignored = { 0 };
	int program = cache_open(pins, &ignored);
	uint32_t missed;

	if (program < 0)
		return;
	cache_flush(program, SL_FLUSH_ALL, cpus < 1 ? 1 : (uint32_t)cpus, NULL, &missed, &ignored);
	close(program);
}

/*
 * Takes over the pinned table, but for one that is stale or has too few rows, or sets the size of the one to be made. `anew`:
 * there is one of which this takes the place.
 */
static int prepare_table(struct bpf_object *object, int i, const char *pins, const struct limits *limits,
			 const struct types *types, bool *anew, int *template, struct trouble *t)
{
	struct path path = pin_path(pins, "maps", shapes[i].name);
	struct bpf_map *map = bpf_object__find_map_by_name(object, shapes[i].name);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	uint32_t type = shapes[i].plan ? BPF_MAP_TYPE_ARRAY_OF_MAPS : shapes[i].type;
	uint32_t key_size = shapes[i].plan ? sizeof(__u32) : shapes[i].key_size;
	uint32_t value_size = shapes[i].plan ? sizeof(__u32) : shapes[i].value_size;
	uint32_t asked = size_asked(i, limits);
	int error = 0, fd;

	if (!map)
		return trouble(t, -EINVAL, "the BPF object in this binary has no table %s", shapes[i].name);
	if (asked)
		error = bpf_map__set_max_entries(map, asked);
	if (error)
		return trouble(t, error, "cannot set the size of %s: %s", shapes[i].name, strerror(-error));
	if (shapes[i].plan && (error = small_template(map, i, types, template, t)))
		return error;

	if (*anew)
		return 0;
	fd = bpf_obj_get(path.text);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return trouble(t, -errno, "cannot open %s: %s", path.text, strerror(errno));
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		error = trouble(t, -errno, "cannot read %s: %s", path.text, strerror(errno));
	else if (info.type != type || info.key_size != key_size || info.value_size != value_size)
		error = trouble(t, -EPROTO,
				"%s is not the table this program knows: it stays in force; run "
				"\"sluice down\" first to begin anew (flows are lost)",
				path.text);
	else if (!shapes[i].plan && grow_needed(map, &info))
		*anew = true;
	else if ((error = bpf_map__reuse_fd(map, fd)))
		trouble(t, error, "cannot take over %s: %s", path.text, strerror(-error));
	close(fd);
	return error;
}

static int refused(int error, struct trouble *t)
{
	struct utsname kernel;

	if (uname(&kernel))
		snprintf(kernel.release, sizeof(kernel.release), "?");
	if (error == -EPERM)
		return trouble(t, error, OBJECT_NO_PERMISSION);
	if (error == -ENOMEM)
		return trouble(t, error, "no memory for the tables: lower \"limits\" in the plan");
	return trouble(t, error,
		       "kernel %s refuses the BPF programs (%s); SLUICE_DEBUG=1 shows the "
		       "verifier's log",
		       kernel.release, strerror(-error));
}

static int pin_all(struct bpf_object *object, const char *pins, const bool *anew, struct trouble *t)
{
	/* Who is killed in between must not leave epochs that begin anew with lines of before, but may the contrary. */
	_Static_assert(SL_TABLE_sl_line > SL_TABLE_sl_cache, "lines are pinned first");
	for (int i = SL_TABLES; i-- > 0;) {
		struct path path = pin_path(pins, "maps", shapes[i].name);
		struct bpf_map *map = bpf_object__find_map_by_name(object, shapes[i].name);
		int error = 0;

		if (anew[i] && !of_cache(i))
			error = grow_copy(bpf_map__fd(map), path.text, t);
		if (!error && anew[i])
			error = pin_replace(bpf_map__fd(map), path.text, t);
		else if (!error && access(path.text, F_OK) && bpf_obj_pin(bpf_map__fd(map), path.text))
			error = trouble(t, -errno, "cannot pin %s: %s", path.text, strerror(errno));
		if (error)
			return error;
	}
	for (int i = 0; i < SL_PROGRAMS; i++) {
		struct path path = pin_path(pins, "progs", program_names[i]);
		struct bpf_program *program = bpf_object__find_program_by_name(object, program_names[i]);
		int error;

		if (!program)
			return trouble(t, -EINVAL, "the BPF object in this binary has no program %s",
				       program_names[i]);
		if (!bpf_program__autoload(program))
			continue;
		error = pin_replace(bpf_program__fd(program), path.text, t);
		if (error)
			return error;
	}
	extra_forget(pins);
	return 0;
}

/* A kernel without programs of sockets goes without; whoever attaches them says so. */
static void skip_some(struct bpf_object *object)
{
	bool sockets = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, NULL) == 1;

	for (int i = 0; i < SL_PROGRAMS; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(object, program_names[i]);

		if (program && (extra_is((enum program)i) || (i >= SL_SOCKETS && !sockets)))
			bpf_program__set_autoload(program, false);
	}
}

int kernel_load(struct kernel *k, const char *pins, const struct limits *limits, struct trouble *t)
{
	struct types types = { .fd = -1 };
	struct bpf_object *object = NULL;
	int templates[SL_TABLES];
	bool fresh = false, stale, anew[SL_TABLES];
	int lock, error;

	for (int i = 0; i < SL_TABLES; i++)
		templates[i] = -1;

	error = pins_make_root(pins, t);
	if (error)
		return error;
	lock = pins_lock(pins, t);
	if (lock < 0)
		return lock;
	error = pins_layout(pins, t);
	if (error < 0)
		goto out;
	fresh = !error;
	error = pins_make(pins, t);
	if (error)
		goto out;
	object = object_open(t);
	if (!object) {
		error = -EINVAL;
		goto out;
	}
	stale = cache_is_stale(pins, limits);
	error = types_load(&types, t);
	for (int i = 0; !error && i < SL_TABLES; i++) {
		anew[i] = stale && of_cache(i);
		error = prepare_table(object, i, pins, limits, &types, &anew[i], &templates[i], t);
	}
	if (error)
		goto out;
	skip_some(object);
	error = bpf_object__load(object);
	if (error) {
		refused(error, t);
		goto out;
	}
	if (stale)
		count_stale(pins, libbpf_num_possible_cpus());
	error = pin_all(object, pins, anew, t);
	if (error)
		goto out;
	error = kernel_open(k, pins, false, t);
	if (!error && (error = cache_start(k, limits->cache_lines, t)))
		kernel_close(k);
	if (!error) {
		k->lock = lock;
		lock = -1;
	}
out:
	bpf_object__close(object);
	types_close(&types);
	for (int i = 0; i < SL_TABLES; i++)
		if (templates[i] >= 0)
			close(templates[i]);
	if (error && fresh) {
		struct trouble ignored;

		pins_remove(pins, &ignored);
	}
	if (lock >= 0)
		close(lock);
	return error;
}
