/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A link whose interface went away stays as a pin that points nowhere: its ifindex reads 0.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "pinned.h"
#include "pins.h"

static int link_info(int fd, struct bpf_link_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

/* The ifindex is the first word of what XDP and tcx links tell about themselves. */
static bool alive(const struct bpf_link_info *info, uint32_t ifindex)
{
	return info->xdp.ifindex == ifindex;
}

uint32_t program_id(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &size) ? 0 : info.id;
}

struct program_text program_text(uint32_t id)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	struct program_text out;
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && *info.name)
		snprintf(out.text, sizeof(out.text), "%s (id %u)", info.name, id);
	else
		snprintf(out.text, sizeof(out.text), "id %u", id);
	if (fd >= 0)
		close(fd);
	return out;
}

uint32_t pinned_program(const char *path, uint32_t ifindex)
{
	struct bpf_link_info info;
	uint32_t id = 0;
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	if (!link_info(fd, &info) && alive(&info, ifindex))
		id = info.prog_id;
	close(fd);
	return id;
}

int pinned_update(const char *path, uint32_t ifindex, int program, struct trouble *t)
{
	struct bpf_link_info info;
	int fd = bpf_obj_get(path);
	int error = 1;

	if (fd < 0)
		return errno == ENOENT ? 0 : trouble(t, -errno, "cannot open %s: %s", path, strerror(errno));
	if (link_info(fd, &info) || !alive(&info, ifindex)) {
		unlink(path);
		error = 0;
	} else if (info.prog_id != program_id(program) && bpf_link_update(fd, program, NULL)) {
		error = trouble(t, -errno, "cannot put the new program into %s: %s", path, strerror(errno));
	}
	close(fd);
	return error;
}

int pinned_create(const char *path, uint32_t ifindex, int program, int attach_type, uint32_t flags,
		  struct trouble *t)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(program, (int)ifindex, (enum bpf_attach_type)attach_type, &opts);
	int error = fd < 0 ? -errno : 0;

	if (error)
		return error;
	error = pin_replace(fd, path, t);
	close(fd); /* unpinned, it takes the program off again */
	return error;
}

void pinned_remove(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	unlink(path);
}
