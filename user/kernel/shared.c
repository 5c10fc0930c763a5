/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Living with other XDP programs on one NIC, by libxdp's dispatcher. libxdp loads a program made for it a second
 * time, as an extension of its dispatcher, on the tables that are pinned. It puts its own pins beside
 * ours, in /sys/fs/bpf/xdp.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>
#include "extra.h"
#include "pinned.h"
#include "xdp.h"

int shared_possible(struct trouble *t)
{
	int possible = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_EXT, NULL);

	if (possible > 0)
		return 0;
	return trouble(t, -EOPNOTSUPP,
		       "\"xdp\": \"shared\" is not possible here: libxdp's dispatcher needs a "
		       "kernel that can replace functions of a BPF program (freplace), and this one cannot; "
		       "leave \"xdp\" out");
}

bool shared_dispatcher(uint32_t program)
{
	return !strncmp(program_text(program).text, "xdp_dispatcher ", 15);
}

static bool same_code(const struct xdp_program *a, int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(program, &info, &size) &&
	       !memcmp(xdp_program__tag(a), info.tag, sizeof(info.tag));
}

/* Our program in the dispatcher, after `from`; NULL: there is none. */
static struct xdp_program *ours(struct xdp_multiprog *all, struct xdp_program *from)
{
	struct xdp_program *program = from;

	while ((program = xdp_multiprog__next_prog(program, all)))
		if (!strcmp(xdp_program__name(program), program_names[SL_UP_SHARED]))
			return program;
	return NULL;
}

int shared_attach(const struct kernel *k, const struct link *link, int program, struct notes *notes,
		  struct trouble *t)
{
	int ifindex = (int)link->fact.ifindex;
	struct xdp_multiprog *before = xdp_multiprog__get_from_ifindex(ifindex);
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .prog_name = program_names[SL_UP_SHARED]);
	struct xdp_program *old = NULL, *fresh = NULL;
	struct bpf_object *object = NULL;
	enum xdp_attach_mode mode = XDP_MODE_NATIVE;
	int error = 0;

	if (libxdp_get_error(before))
		before = NULL;
	old = before ? ours(before, NULL) : NULL;
	if (old && same_code(old, program))
		goto out;
	if (before)
		mode = xdp_multiprog__attach_mode(before);

	object = extra_object(k, SL_UP_SHARED, 1, t);
	if (!object) {
		error = -EINVAL;
		goto out;
	}
	opts.obj = object;
	fresh = xdp_program__create(&opts);
	error = (int)libxdp_get_error(fresh);
	if (error) {
		fresh = NULL;
		trouble(t, error, "libxdp does not take the XDP program: %s", strerror(-error));
		goto out;
	}
	error = xdp_program__attach(fresh, ifindex, mode, 0);
	if (error && !before && error != -ENOENT) {
		note(notes, "%s runs generic XDP, which is slower: its driver refuses native XDP (%s)",
		     link->fact.name, strerror(-error));
		error = xdp_program__attach(fresh, ifindex, mode = XDP_MODE_SKB, 0);
	}
	if (error) {
		trouble(t, error,
			"libxdp cannot attach to %s (%s): is its xdp-dispatcher.o installed "
			"(package libxdp1)? SLUICE_DEBUG=1 shows what it says",
			link->fact.name, strerror(-error));
		goto out;
	}
	/* Both are in for a moment; the second finds every packet judged as the first did. */
	if (old) {
		error = xdp_program__detach(old, ifindex, mode, 0);
		if (error)
			trouble(t, error, "libxdp cannot take the older program off %s: %s", link->fact.name,
				strerror(-error));
	}
out:
	xdp_program__close(fresh);
	bpf_object__close(object);
	xdp_multiprog__close(before);
	return error;
}

int shared_detach(uint32_t ifindex, struct trouble *t)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct xdp_program *program;
	int error = 0;

	if (libxdp_get_error(all))
		return 0; /* nothing there, or the interface is gone */
	program = ours(all, NULL);
	if (program)
		error = xdp_program__detach(program, (int)ifindex, xdp_multiprog__attach_mode(all), 0);
	if (error)
		trouble(t, error, "libxdp cannot take the XDP program off interface %u: %s", ifindex,
			strerror(-error));
	xdp_multiprog__close(all);
	return error;
}
