/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The folder itself, and small files; how one is replaced stands in aside.c.
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
#include "aside.h"
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

int state_force(const char *dir, struct trouble *t)
{
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (folder < 0 || fsync(folder))
		error = trouble(t, -errno, "cannot force %s to disk: %s", dir, strerror(errno));
	if (folder >= 0)
		close(folder);
	return error;
}

int state_replace(const char *dir, const char *name, const char *text, struct trouble *t)
{
	struct aside aside;
	int error = aside_begin(&aside, dir, name, t);

	if (!error)
		error = aside_write(&aside, text, strlen(text), t);
	if (!error)
		error = aside_end(&aside, t);
	return error ? error : aside_put(&aside, dir, t);
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
		return state_force(dir, t);
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
