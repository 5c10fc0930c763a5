/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The BPF object inside the binary, and its type information alone. Nothing is read from disk.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xdp/libxdp.h>
#include "sluice.skel.h"
#include "direct.h"
#include "object.h"
#include "shape.h"

const char *const program_names[SL_PROGRAMS] = {
	[SL_UP_XDP] = "sl_up_xdp",     [SL_UP_IN] = "sl_up_in",	      [SL_UP_OUT] = "sl_up_out",
	[SL_WL_IN] = "sl_wl_in",       [SL_WL_OUT] = "sl_wl_out",     [SL_ASK] = "sl_ask",
	[SL_RELEASE] = "sl_release",   [SL_FLUSH] = "sl_flush",	      [SL_UP_SHARED] = "sl_up_shared",
	[SL_TUN_IN] = "sl_tun_in",     [SL_TUN_OUT] = "sl_tun_out",   [SL_CONNECT4] = "sl_connect4",
	[SL_CONNECT6] = "sl_connect6", [SL_SENDMSG4] = "sl_sendmsg4", [SL_RECVMSG4] = "sl_recvmsg4",
	[SL_RECVMSG6] = "sl_recvmsg6", [SL_GETPEER4] = "sl_getpeer4", [SL_GETPEER6] = "sl_getpeer6",
};

static int say_all(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return vfprintf(stderr, format, args);
}

static int xdp_say_all(enum libxdp_print_level level, const char *format, va_list args)
{
	(void)level;
	return vfprintf(stderr, format, args);
}

void object_quiet(void)
{
	const char *debug = getenv("SLUICE_DEBUG");
	bool loud = debug && !strcmp(debug, "1");

	libbpf_set_print(loud ? say_all : NULL);
	libxdp_set_print(loud ? xdp_say_all : NULL);
}

struct bpf_object *object_open(struct trouble *t)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "sluice_bpf");
	struct bpf_object *object;
	const void *elf;
	size_t size;

	object_quiet();
	if (direct_register(t))
		return NULL;
	elf = sluice_bpf__elf_bytes(&size);
	object = bpf_object__open_mem(elf, size, &opts);
	if (!object)
		trouble(t, -errno, "the BPF object in this binary cannot be opened: %s", strerror(errno));
	return object;
}

int types_load(struct types *types, struct trouble *t)
{
	int error;

	memset(types, 0, sizeof(*types));
	types->fd = -1;
	types->object = object_open(t);
	if (!types->object)
		return -EINVAL;
	for (int i = 0; i < SL_TABLES; i++) {
		struct bpf_map *map;

		if (!shapes[i].plan)
			continue;
		map = bpf_object__find_map_by_name(types->object, shapes[i].name);
		map = map ? bpf_map__inner_map(map) : NULL;
		if (!map) {
			error = trouble(t, -EINVAL, "the BPF object in this binary has no table %s",
					shapes[i].name);
			goto failed;
		}
		types->key[i] = bpf_map__btf_key_type_id(map);
		types->value[i] = bpf_map__btf_value_type_id(map);
	}
	error = btf__load_into_kernel(bpf_object__btf(types->object));
	if (error == -EPERM) {
		trouble(t, error, OBJECT_NO_PERMISSION);
		goto failed;
	}
	if (error) {
		error = trouble(t, error, "the kernel refuses the type information of the tables: %s",
				strerror(-error));
		goto failed;
	}
	types->fd = bpf_object__btf_fd(types->object);
	return 0;
failed:
	types_close(types);
	return error;
}

void types_close(struct types *types)
{
	bpf_object__close(types->object); /* closes fd as well */
	types->object = NULL;
	types->fd = -1;
}
