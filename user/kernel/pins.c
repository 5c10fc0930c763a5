/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pins as files of a BPF file system. What is left by a command that was killed is either whole or
 * recognised and replaced by the next one.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "pins.h"

#define BPFFS "/sys/fs/bpf"

static const char *const folders[] = { "maps", "progs", "links" };
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

struct path pin_path(const char *pins, const char *folder, const char *name)
{
	struct path path;

	/* A path cut short names nothing; the system call that is given it says so. */
	if (snprintf(path.text, sizeof(path.text), "%s%s%s%s%s", pins, *folder ? "/" : "", folder,
		     *name ? "/" : "", name) >= (int)sizeof(path.text))
		path.text[0] = 0;
	return path;
}

struct path pin_path_link(const char *pins, const char *door, uint32_t ifindex)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%u", door, ifindex);
	return pin_path(pins, "links", name);
}

static bool on_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

int pins_make_root(const char *pins, struct trouble *t)
{
	char parent[PATH_MAX];
	char *slash;

	if (snprintf(parent, sizeof(parent), "%s", pins) >= (int)sizeof(parent))
		return trouble(t, -ENAMETOOLONG, "the name of the pin directory is too long");
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return trouble(t, -EINVAL, "%s cannot hold pins: name a directory below %s", pins, BPFFS);
	*slash = 0;
	if (!strcmp(parent, BPFFS) && !on_bpffs(parent) && mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		return trouble(t, -errno,
			       "no BPF file system on %s, and mounting it failed (%s): "
			       "mount -t bpf bpf %s",
			       BPFFS, strerror(errno), BPFFS);
	if (!on_bpffs(parent))
		return trouble(t, -EINVAL, "%s is not on a BPF file system: pins can only stand below %s",
			       parent, BPFFS);
	if (mkdir(pins, 0755) && errno != EEXIST)
		return trouble(t, -errno, "cannot make %s: %s", pins, strerror(errno));
	return 0;
}

int pins_make(const char *pins, struct trouble *t)
{
	char layout[32];
	struct path path;

	snprintf(layout, sizeof(layout), "layout-%d", SL_LAYOUT);
	/* The layout first: a folder without one would have to be guessed at. */
	path = pin_path(pins, layout, "");
	if (mkdir(path.text, 0755) && errno != EEXIST)
		return trouble(t, -errno, "cannot make %s: %s", path.text, strerror(errno));
	for (size_t i = 0; i < FOLDERS; i++) {
		path = pin_path(pins, folders[i], "");
		if (mkdir(path.text, 0755) && errno != EEXIST)
			return trouble(t, -errno, "cannot make %s: %s", path.text, strerror(errno));
	}
	return 0;
}

int pins_layout(const char *pins, struct trouble *t)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;
	bool foreign = false;
	int layout = 0;
	bool maps = false;

	if (!dir) {
		if (errno == ENOENT)
			return 0;
		return trouble(t, -errno, "cannot read %s: %s", pins, strerror(errno));
	}
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "layout-", 7)) {
			layout = atoi(entry->d_name + 7);
			if (layout != SL_LAYOUT)
				foreign = true;
		}
		if (!strcmp(entry->d_name, "maps"))
			maps = true;
	}
	closedir(dir);
	if (foreign || (maps && !layout))
		return trouble(t, -EPROTO,
			       "%s holds tables of layout %d, this program knows layout %d: they "
			       "stay in force; run \"sluice down\" first to begin anew (flows are lost)",
			       pins, layout, SL_LAYOUT);
	return layout ? 1 : 0;
}

static bool ours(const char *name)
{
	for (size_t i = 0; i < FOLDERS; i++)
		if (!strcmp(name, folders[i]))
			return true;
	return !strncmp(name, "layout-", 7) || !strncmp(name, "plan-", 5);
}

void pins_remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
}

int pins_remove(const char *pins, struct trouble *t)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : trouble(t, -errno, "cannot read %s: %s", pins, strerror(errno));
	while ((entry = readdir(dir)))
		if (ours(entry->d_name))
			pins_remove_folder(pin_path(pins, entry->d_name, "").text);
	closedir(dir);
	if (rmdir(pins) && errno != ENOENT)
		return trouble(t, -errno, "cannot remove %s: %s", pins, strerror(errno));
	return 0;
}

int pins_lock(const char *pins, struct trouble *t)
{
	struct stat held, named;
	int fd;

	for (;;) {
		fd = open(pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return trouble(t, -errno, "cannot open %s: %s", pins, strerror(errno));
		while (flock(fd, LOCK_EX))
			if (errno != EINTR) {
				int error = trouble(t, -errno, "cannot lock %s: %s", pins, strerror(errno));

				close(fd);
				return error;
			}
		/* `down` may have removed it while we waited. */
		if (!fstat(fd, &held) && !stat(pins, &named) && held.st_ino == named.st_ino &&
		    held.st_dev == named.st_dev)
			return fd;
		close(fd);
	}
}

int pin_replace(int fd, const char *path, struct trouble *t)
{
	char fresh[PATH_MAX];
	int error;

	if (snprintf(fresh, sizeof(fresh), "%s-new", path) >= (int)sizeof(fresh))
		return trouble(t, -ENAMETOOLONG, "%s is too long for a pin", path);
	unlink(fresh); /* of a command that was killed */
	if (bpf_obj_pin(fd, fresh))
		return trouble(t, -errno, "cannot pin %s: %s", path, strerror(errno));
	if (rename(fresh, path)) {
		error = trouble(t, -errno, "cannot pin %s: %s", path, strerror(errno));
		unlink(fresh);
		return error;
	}
	return 0;
}

/* The generation in a folder's name; 0: not a plan's folder. */
static uint32_t plan_generation(const char *name)
{
	return strncmp(name, "plan-", 5) ? 0 : (uint32_t)strtoul(name + 5, NULL, 10);
}

int pins_plan(const char *pins, uint32_t generation, struct path *path)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;
	uint32_t best = 0;
	char name[32];

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		uint32_t found = plan_generation(entry->d_name);

		if (found > best && found <= generation && !((generation - found) & 1))
			best = found;
	}
	closedir(dir);
	if (!best)
		return -ENOENT;
	snprintf(name, sizeof(name), "plan-%u", best);
	*path = pin_path(pins, name, "");
	return 0;
}

void pins_plan_tidy(const char *pins, uint32_t keep)
{
	struct path kept = { "" };
	DIR *dir = opendir(pins);
	struct dirent *entry;

	if (!dir)
		return;
	if (keep && pins_plan(pins, keep, &kept)) {
		closedir(dir);
		return;
	}
	while ((entry = readdir(dir))) {
		struct path path;

		if (!plan_generation(entry->d_name))
			continue;
		path = pin_path(pins, entry->d_name, "");
		if (strcmp(path.text, kept.text))
			pins_remove_folder(path.text);
	}
	closedir(dir);
}
