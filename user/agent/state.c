/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file is written beside the one it replaces, forced to disk, then renamed over it. What is equal
 * already is not written, so that a boot with a full or read-only disk goes through.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "state.h"

int state_path(char *path, size_t size, const char *dir, const char *name)
{
	int length = snprintf(path, size, "%s/%s", dir, name);

	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

int state_make(const char *dir, struct trouble *t)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return trouble(t, -ENAMETOOLONG, "the name of the state directory is too long");
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return trouble(t, -errno, "cannot make %s: %s", path, strerror(errno));
		*slash = '/';
	}
	if (mkdir(path, 0750) && errno != EEXIST)
		return trouble(t, -errno, "cannot make %s: %s", path, strerror(errno));
	return 0;
}

/* Looks no further than to the first difference: a plan may have many megabytes. */
static bool equal(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char part[65536];
	bool same = fd >= 0 && !fstat(fd, &st) && st.st_size >= 0 && (size_t)st.st_size == length;

	while (same && length) {
		ssize_t got = read(fd, part, sizeof(part));

		if (got < 0 && errno == EINTR)
			continue;
		same = got > 0 && (size_t)got <= length && !memcmp(part, text, (size_t)got);
		if (!same)
			break;
		text += got;
		length -= (size_t)got;
	}
	if (fd >= 0)
		close(fd);
	return same;
}

static int write_whole(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t done = write(fd, text, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		length -= (size_t)done;
	}
	return fsync(fd) ? -errno : 0;
}

/* That a name is another file's, or nobody's, is the directory's to keep. */
static int force_folder(const char *dir, struct trouble *t)
{
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (folder < 0 || fsync(folder))
		error = trouble(t, -errno, "cannot force %s to disk: %s", dir, strerror(errno));
	if (folder >= 0)
		close(folder);
	return error;
}

int state_aside(struct aside *a, const char *dir, const char *name, const char *text, struct trouble *t)
{
	int fd, error;

	a->written = false;
	if (state_path(a->path, sizeof(a->path), dir, name) ||
	    snprintf(a->fresh, sizeof(a->fresh), "%s.new", a->path) >= (int)sizeof(a->fresh))
		return trouble(t, -ENAMETOOLONG, "the name of the state directory is too long");
	if (equal(a->path, text, strlen(text)))
		return 0;
	fd = open(a->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return trouble(t, -errno, "cannot write %s: %s", a->fresh, strerror(errno));
	a->written = true;
	error = write_whole(fd, text, strlen(text));
	if (close(fd) && !error)
		error = -errno;
	if (!error)
		return 0;
	state_drop(a);
	return trouble(t, error, "cannot write %s: %s", a->path, strerror(-error));
}

int state_put(struct aside *a, const char *dir, struct trouble *t)
{
	int error;

	if (!a->written)
		return 0;
	if (rename(a->fresh, a->path)) {
		error = -errno;
		state_drop(a);
		return trouble(t, error, "cannot write %s: %s", a->path, strerror(-error));
	}
	a->written = false;
	return force_folder(dir, t);
}

void state_drop(struct aside *a)
{
	if (a->written)
		unlink(a->fresh);
	a->written = false;
}

int state_replace(const char *dir, const char *name, const char *text, struct trouble *t)
{
	struct aside aside;
	int error = state_aside(&aside, dir, name, text, t);

	return error ? error : state_put(&aside, dir, t);
}

int state_node(const char *dir, char node[SL_NAME_LEN], struct trouble *t)
{
	char path[PATH_MAX];
	int error = state_path(path, sizeof(path), dir, STATE_NODE);
	FILE *file;

	if (error)
		return trouble(t, error, "the name of the state directory is too long");
	file = fopen(path, "re");
	if (!file && errno == ENOENT)
		return -ENOENT;
	if (!file)
		return trouble(t, -errno, "cannot read %s: %s", path, strerror(errno));
	if (!fgets(node, SL_NAME_LEN, file))
		error = trouble(t, -EIO, "%s is empty: name the node with --node", path);
	else
		node[strcspn(node, "\n")] = 0;
	fclose(file);
	return error;
}

int state_remove(const char *dir, const char *name, struct trouble *t)
{
	char path[PATH_MAX];
	int error;

	if (state_path(path, sizeof(path), dir, name))
		return trouble(t, -ENAMETOOLONG, "the name of the state directory is too long");
	if (!unlink(path))
		return force_folder(dir, t);
	error = -errno; /* EROFS also where there is none */
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	return trouble(t, error, "cannot remove %s: %s", path, strerror(-error));
}

int state_forget(const char *dir, struct trouble *t)
{
	int error = state_remove(dir, STATE_PLAN, t);

	return error ? error : state_remove(dir, STATE_NODE, t);
}
