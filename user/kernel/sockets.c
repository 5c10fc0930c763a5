/* SPDX-License-Identifier: GPL-2.0 */
/*
 * By links at the root of the cgroups, beside those of others, pinned like the doors', so that `down` finds them.
 * Nothing here fails a command: without these programs everybody but the node itself is served.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "object.h"
#include "pinned.h"
#include "pins.h"
#include "sockets.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* The number of the directory that is the root of all cgroups, not of a container's. */
#define ROOT_CGROUP 1

static const struct {
	const char *pin;
	enum bpf_attach_type type;
} sockets[SL_PROGRAMS] = {
	[SL_CONNECT4] = { "connect4", BPF_CGROUP_INET4_CONNECT },
	[SL_CONNECT6] = { "connect6", BPF_CGROUP_INET6_CONNECT },
	[SL_SENDMSG4] = { "sendmsg4", BPF_CGROUP_UDP4_SENDMSG },
	[SL_RECVMSG4] = { "recvmsg4", BPF_CGROUP_UDP4_RECVMSG },
	[SL_RECVMSG6] = { "recvmsg6", BPF_CGROUP_UDP6_RECVMSG },
	[SL_GETPEER4] = { "getpeer4", BPF_CGROUP_INET4_GETPEERNAME },
	[SL_GETPEER6] = { "getpeer6", BPF_CGROUP_INET6_GETPEERNAME },
};

static bool wanted(const struct image *image)
{
	const struct image_table *vips = &image->table[SL_TABLE_sl_vip];

	for (size_t i = 0; i < vips->count; i++) {
		const uint8_t *row = vips->rows + i * (vips->key_size + vips->value_size);
		const struct sl_vip *vip = (const void *)(row + vips->key_size);

		if (vip->flags & SL_VIP_HOST && vip->other)
			return true;
	}
	return false;
}

/* A descriptor of the root of the cgroups (version 2), or a negative errno. */
static int open_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	int root = -ENOENT;

	if (!mounts)
		return -errno;
	while (root < 0 && (mount = getmntent(mounts))) {
		struct stat status;

		if (strcmp(mount->mnt_type, "cgroup2") || stat(mount->mnt_dir, &status) ||
		    status.st_ino != ROOT_CGROUP)
			continue;
		root = open(mount->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	endmntent(mounts);
	return root;
}

/* The programs leave all sockets alone but those of this network namespace. */
static int write_home(const struct kernel *k, struct trouble *t)
{
	struct sl_home home = { 0 };
	socklen_t size = sizeof(home.netns);
	uint32_t zero = 0;
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (sock < 0 || getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &home.netns, &size))
		error = trouble(t, -errno, "the kernel does not tell the network namespace's cookie (%s)",
				strerror(errno));
	else if (bpf_map_update_elem(k->table[SL_TABLE_sl_home], &zero, &home, BPF_ANY))
		error = trouble(t, -errno, "cannot write sl_home: %s", strerror(errno));
	if (sock >= 0)
		close(sock);
	return error;
}

static int attach(const char *path, int root, int program, int type, struct trouble *t)
{
	int error;

	if (program < 0)
		return trouble(t, -ENOENT,
			       "the kernel has no programs of sockets (CONFIG_CGROUP_BPF), or \"sluice up\" "
			       "has not loaded them yet");
	error = pinned_update(path, ROOT_CGROUP, program, t);
	if (error)
		return error < 0 ? error : 0;
	t->text[0] = 0;
	error = pinned_create(path, (uint32_t)root, program, type, 0, t);
	if (error && !t->text[0])
		trouble(t, error, "the kernel does not attach %s to the root of the cgroups (%s)",
			strrchr(path, '/') + 1, strerror(-error));
	return error;
}

void sockets_attach(const struct kernel *k, const struct image *image, const int *programs,
		    struct notes *notes)
{
	bool on = wanted(image);
	struct trouble t = { "" };
	int error = 0, root = -1;

	if (on) {
		root = open_root();
		if (root < 0)
			error = trouble(&t, root, "the root of the cgroups (cgroup2) is not mounted here");
	}
	if (on && !error)
		error = write_home(k, &t);
	for (int i = SL_SOCKETS; i < SL_PROGRAMS; i++) {
		struct path path = pin_path(k->pins, "links", sockets[i].pin);

		if (!on)
			pinned_remove(path.text);
		else if (!error)
			error = attach(path.text, root, programs[i], (int)sockets[i].type, &t);
	}
	if (error)
		note(notes,
		     "%s: processes of this node itself do not reach the services on the node's own "
		     "addresses, everybody else does",
		     t.text);
	if (root >= 0)
		close(root);
}
