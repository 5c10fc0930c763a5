/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pinned like all programs once they are there, so that the next attach finds them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "extra.h"
#include "pins.h"
#include "shape.h"

static const enum program extras[] = { SL_UP_SHARED, SL_TUN_IN, SL_TUN_OUT };
#define EXTRAS (sizeof(extras) / sizeof(extras[0]))

bool extra_is(enum program program)
{
	for (size_t i = 0; i < EXTRAS; i++)
		if (extras[i] == program)
			return true;
	return false;
}

void extra_forget(const char *pins)
{
	for (size_t i = 0; i < EXTRAS; i++)
		unlink(pin_path(pins, "progs", program_names[extras[i]]).text);
}

struct bpf_object *extra_object(const struct kernel *k, enum program first, size_t count, struct trouble *t)
{
	struct bpf_object *object = object_open(t);
	int error = 0;

	if (!object)
		return NULL;
	for (int i = 0; !error && i < SL_TABLES; i++)
		error = bpf_map__reuse_fd(bpf_object__find_map_by_name(object, shapes[i].name), k->table[i]);
	for (size_t i = 0; !error && i < SL_PROGRAMS; i++)
		error = bpf_program__set_autoload(bpf_object__find_program_by_name(object, program_names[i]),
						  i >= first && i < first + count);
	if (!error)
		return object;
	trouble(t, error, "cannot prepare %s: %s", program_names[first], strerror(-error));
	bpf_object__close(object);
	return NULL;
}

static int load(const struct kernel *k, enum program first, size_t count, struct trouble *t)
{
	struct bpf_object *object = extra_object(k, first, count, t);
	int error;

	if (!object)
		return -EINVAL;
	error = bpf_object__load(object);
	if (error)
		trouble(t, error, "the kernel refuses %s (%s); SLUICE_DEBUG=1 shows the verifier's log",
			program_names[first], strerror(-error));
	for (size_t i = first; !error && i < first + count; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(object, program_names[i]);

		error = pin_replace(bpf_program__fd(program),
				    pin_path(k->pins, "progs", program_names[i]).text, t);
	}
	bpf_object__close(object);
	return error;
}

int extra_open(const struct kernel *k, enum program first, size_t count, int *programs, struct trouble *t)
{
	bool loaded = false;

	for (size_t i = first; i < first + count; i++) {
		struct path path = pin_path(k->pins, "progs", program_names[i]);
		int error;

		programs[i] = bpf_obj_get(path.text);
		if (programs[i] < 0 && errno == ENOENT && !loaded) {
			error = load(k, first, count, t);
			if (error)
				return error;
			loaded = true;
			programs[i] = bpf_obj_get(path.text);
		}
		if (programs[i] < 0)
			return trouble(t, -errno, "cannot open %s: %s", path.text, strerror(errno));
	}
	return 0;
}
