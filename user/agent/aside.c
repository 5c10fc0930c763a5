/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file is written beside the one it replaces, forced to disk, then renamed over it. What is equal already is not
 * written, so that a boot with a full or read-only disk goes through: nothing is as long as the two are alike, and what
 * they have in common is then copied from the one that is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "aside.h"
#include "state.h"

#define PART ((size_t)64 << 10)

int aside_begin(struct aside *a, const char *dir, const char *name, struct trouble *t)
{
	a->same = 0;
	a->fd = -1;
	a->written = false;
	if (state_path(a->path, sizeof(a->path), dir, name) ||
	    snprintf(a->fresh, sizeof(a->fresh), "%s.new", a->path) >= (int)sizeof(a->fresh))
		return trouble(t, -ENAMETOOLONG, "the name of the state directory is too long");
	a->fd = open(a->path, O_RDONLY | O_CLOEXEC);
	return 0;
}

/* Less than `length` only where the file ends. */
static ssize_t read_at(int fd, char *part, size_t length, size_t at)
{
	size_t got = 0;

	while (got < length) {
		ssize_t more = pread(fd, part + got, length - got, (off_t)(at + got));

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -errno;
		if (!more)
			break;
		got += (size_t)more;
	}
	return (ssize_t)got;
}

static int write_all(int fd, const char *text, size_t length)
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
	return 0;
}

static int failed(struct aside *a, int error, struct trouble *t)
{
	aside_drop(a);
	return trouble(t, error, "cannot write %s: %s", a->path, strerror(-error));
}

/* The first `length` bytes of one file. */
static int copy_first(int from, int to, size_t length)
{
	char part[PART];

	for (size_t at = 0; at < length;) {
		ssize_t got = read_at(from, part, length - at < PART ? length - at : PART, at);
		int error = got > 0 ? write_all(to, part, (size_t)got) : got < 0 ? (int)got : -EIO;

		if (error)
			return error;
		at += (size_t)got;
	}
	return 0;
}

/* They differ from here on. */
static int part_ways(struct aside *a, struct trouble *t)
{
	int before = a->fd, error;

	a->fd = open(a->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (a->fd < 0) {
		error = trouble(t, -errno, "cannot write %s: %s", a->fresh, strerror(errno));
	} else {
		a->written = true;
		error = copy_first(before, a->fd, a->same);
		if (error)
			failed(a, error, t);
	}
	if (before >= 0)
		close(before);
	return error;
}

/* How much of the text the file that is there has as well. */
static size_t alike(const struct aside *a, const char *text, size_t length)
{
	char part[PART];
	size_t same = 0;

	while (a->fd >= 0 && same < length) {
		size_t next = length - same < PART ? length - same : PART;

		if (read_at(a->fd, part, next, a->same + same) != (ssize_t)next ||
		    memcmp(part, text + same, next))
			break;
		same += next;
	}
	return same;
}

int aside_write(struct aside *a, const char *text, size_t length, struct trouble *t)
{
	int error = 0;

	if (!a->written) {
		size_t same = alike(a, text, length);

		a->same += same;
		text += same;
		length -= same;
		if (length)
			error = part_ways(a, t);
	}
	if (error || !length)
		return error;
	error = write_all(a->fd, text, length);
	return error ? failed(a, error, t) : 0;
}

static bool is_whole(const struct aside *a)
{
	struct stat st;

	return a->fd >= 0 && !fstat(a->fd, &st) && st.st_size >= 0 && (size_t)st.st_size == a->same;
}

int aside_end(struct aside *a, struct trouble *t)
{
	int error = a->written || is_whole(a) ? 0 : part_ways(a, t);

	if (error)
		return error;
	if (a->written && fsync(a->fd))
		return failed(a, -errno, t);
	error = close(a->fd) && a->written ? -errno : 0;
	a->fd = -1;
	return error ? failed(a, error, t) : 0;
}

int aside_put(struct aside *a, const char *dir, struct trouble *t)
{
	if (!a->written)
		return 0;
	if (rename(a->fresh, a->path))
		return failed(a, -errno, t);
	a->written = false;
	return state_force(dir, t);
}

void aside_drop(struct aside *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	if (a->written)
		unlink(a->fresh);
	a->written = false;
}
