/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Written by appending only. A line that a crash has cut in two is closed by the next one and then ignored.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "journal.h"
#include "state.h"

#define JOURNAL_BEFORE JOURNAL_FILE ".1"

static int broken(const char *dir, int error, struct trouble *t)
{
	return trouble(t, error, "cannot write the journal of states, %s/%s: %s", dir, JOURNAL_FILE,
		       strerror(-error));
}

/* A line begins where the last one ended, or where it was cut. */
static int close_line(int fd, off_t size)
{
	char last = '\n';

	if (size && pread(fd, &last, 1, size - 1) != 1)
		return -errno;
	if (last != '\n' && write(fd, "\n", 1) != 1)
		return -errno;
	return 0;
}

int journal_open(const char *dir, struct trouble *t)
{
	const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC;
	char path[PATH_MAX], before[PATH_MAX];
	struct stat st = {};
	int fd, error;

	if (state_path(path, sizeof(path), dir, JOURNAL_FILE) ||
	    state_path(before, sizeof(before), dir, JOURNAL_BEFORE))
		return trouble(t, -ENAMETOOLONG, "the name of the state directory is too long");
	fd = open(path, flags, 0640);
	error = fd < 0 || fstat(fd, &st) ? -errno : 0;
	if (!error && st.st_size >= JOURNAL_LARGEST) {
		close(fd);
		fd = rename(path, before) ? -1 : open(path, flags, 0640);
		error = fd < 0 || fstat(fd, &st) ? -errno : 0;
	}
	if (!error)
		error = close_line(fd, st.st_size);
	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	return broken(dir, error, t);
}

int journal_add(int fd, json_t *entry, struct trouble *t)
{
	char *text = entry ? json_dumps(entry, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	ssize_t written = -1;

	json_decref(entry);
	errno = ENOMEM;
	if (text) {
		text[length] = '\n'; /* in place of the NUL: one write, one line */
		written = write(fd, text, length + 1);
	}
	free(text);
	if (written >= 0 && (size_t)written != length + 1)
		errno = ENOSPC;
	else if (written >= 0 && !fsync(fd))
		return 0;
	return trouble(t, -errno, "cannot write the journal of states: %s", strerror(errno));
}

/* Appends the entries of one file; none there is no trouble. */
static int read_file(const char *dir, const char *name, json_t *list, struct trouble *t)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	int error = 0;
	FILE *file;

	if (state_path(path, sizeof(path), dir, name))
		return trouble(t, -ENAMETOOLONG, "the name of the state directory is too long");
	file = fopen(path, "re");
	if (!file && errno == ENOENT)
		return 0;
	if (!file)
		return trouble(t, -errno, "cannot read the journal of states, %s: %s", path, strerror(errno));
	errno = 0;
	while (!error && getline(&line, &room, file) > 0) {
		json_t *entry = json_loads(line, 0, NULL);

		if (json_is_object(entry) && json_array_append(list, entry))
			error = trouble(t, -ENOMEM, "memory ran out while reading %s", path);
		json_decref(entry);
	}
	if (!error && ferror(file))
		error = trouble(t, -EIO, "cannot read the journal of states, %s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	return error;
}

json_t *journal_read(const char *dir, size_t most, struct trouble *t)
{
	json_t *list = json_array();
	int error = list ? read_file(dir, JOURNAL_BEFORE, list, t)
			 : trouble(t, -ENOMEM, "memory ran out while reading the journal of states");

	if (!error)
		error = read_file(dir, JOURNAL_FILE, list, t);
	while (!error && json_array_size(list) > most)
		json_array_remove(list, 0);
	if (!error)
		return list;
	json_decref(list);
	return NULL;
}

int journal_last(const char *dir, struct fence *fence, struct trouble *t)
{
	json_t *list = journal_read(dir, 1, t);
	const char *state;
	json_t *number;
	int known;

	if (!list)
		return -EINVAL;
	known = (int)json_array_size(list);
	if (known &&
	    json_unpack(json_array_get(list, 0), "{s:s, s:o}", "state", &state, "last_fence", &number))
		known = trouble(
			t, -EINVAL,
			"the last line of %s/%s names no state and no fence: what was ordered last on "
			"this node is not known",
			dir, JOURNAL_FILE);
	else if (known && json_is_null(number))
		known = 0;
	if (known > 0 && (!plan_state_name(state) || !json_is_string(number) ||
			  !fence_number(json_string_value(number), &fence->number)))
		known = trouble(t, -EINVAL, "the last line of %s/%s is damaged", dir, JOURNAL_FILE);
	if (known > 0) {
		fence->used = true;
		snprintf(fence->state, sizeof(fence->state), "%s", state);
		snprintf(fence->before, sizeof(fence->before), "%s", state);
	}
	json_decref(list);
	return known;
}
