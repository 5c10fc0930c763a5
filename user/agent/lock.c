/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A POSIX record lock, not flock(): children do not inherit it, so an exporter that outlives its agent for
 * a moment does not keep the next agent out; and the kernel tells who holds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lock.h"

static int lock_path(char path[PATH_MAX], const char *state)
{
	return snprintf(path, PATH_MAX, "%s/agent.lock", state) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The number in the file is for a reader in another PID name space, to whom the kernel says 0. */
static pid_t lock_written(int fd)
{
	char text[32] = "";
	long pid;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return -1;
	pid = strtol(text, NULL, 10);
	return pid > 0 ? (pid_t)pid : -1;
}

static pid_t lock_asked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : lock_written(fd);
}

int lock_take(const char *state, struct trouble *t)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	char text[32];
	int error;
	int fd;

	if (lock_path(path, state))
		return trouble(t, -ENAMETOOLONG, "the state directory's name is too long");
	if (mkdir(state, 0755) && errno != EEXIST)
		return trouble(t, -errno, "cannot make %s: %s", state, strerror(errno));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return trouble(t, -errno, "cannot open %s: %s", path, strerror(errno));
	if (fcntl(fd, F_SETLK, &lock)) {
		error = -errno;
		if (error == -EAGAIN || error == -EACCES)
			trouble(t, error = -EBUSY, "an agent runs already: process %d holds %s",
				(int)lock_asked(fd), path);
		else
			trouble(t, error, "cannot lock %s: %s", path, strerror(-error));
		close(fd);
		return error;
	}
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, text, strlen(text), 0) < 0) {
		/* A full disk takes the number away, not the lock. */
	}
	return fd;
}

pid_t lock_holder(const char *state)
{
	char path[PATH_MAX];
	pid_t pid;
	int fd;

	if (lock_path(path, state))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	pid = lock_asked(fd);
	close(fd);
	return pid;
}
