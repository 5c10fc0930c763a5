/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the plan's files: see document.h. Sizes are bounded before anything is allocated for them, and
 * what is not JSON is named with its line and column.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "document.h"
#include "plan.h"

/* A plan of a million workloads is about this large; more is a mistake, such as a disk image. */
#define PLAN_LARGEST ((size_t)256 << 20)

struct bytes {
	char *data;
	size_t length;
};

/* Whole file or nothing; it may be a pipe. */
static int read_all(int fd, size_t hint, struct bytes *out)
{
	size_t room = hint < PLAN_LARGEST ? hint + 1 : PLAN_LARGEST + 1, length = 0;
	char *data = malloc(room), *more;
	ssize_t got;

	if (!data)
		return ENOMEM;
	while ((got = read(fd, data + length, room - length)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = errno;

			free(data);
			return error;
		}
		length += (size_t)got;
		if (length > PLAN_LARGEST) {
			free(data);
			return EFBIG;
		}
		if (length == room) {
			room = room < PLAN_LARGEST / 2 ? (room < 4096 ? 8192 : room * 2) : PLAN_LARGEST + 1;
			more = realloc(data, room);
			if (!more) {
				free(data);
				return ENOMEM;
			}
			data = more;
		}
	}
	*out = (struct bytes){ data, length };
	return 0;
}

static bool read_file(const char *path, struct bytes *out, struct report *r)
{
	const struct place place = { .file = path };
	struct stat st;
	bool done = false;
	int error, fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		report_error(r, &place, "cannot open: %s, expected a plan file", strerror(errno));
		return false;
	}
	if (fstat(fd, &st) < 0) {
		report_error(r, &place, "cannot read: %s, expected a plan file", strerror(errno));
		goto out;
	}
	if (S_ISDIR(st.st_mode)) {
		report_error(r, &place, "is a directory, expected a plan file");
		goto out;
	}
	error = read_all(fd, S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 0, out);
	if (error == EFBIG)
		report_error(r, &place, "is larger than %zu MiB, expected a plan", PLAN_LARGEST >> 20);
	else if (error)
		report_error(r, &place, "cannot read: %s, expected a plan file", strerror(error));
	else
		done = true;
out:
	close(fd);
	return done;
}

/* Comments are gone before anybody looks, so that two files may comment the same thing differently. */
static void strip_comments(json_t *value)
{
	if (json_is_object(value)) {
		void *iter = json_object_iter(value);

		while (iter) {
			const char *key = json_object_iter_key(iter);
			json_t *child = json_object_iter_value(iter);

			iter = json_object_iter_next(value, iter);
			if (*key == '#')
				json_object_del(value, key);
			else
				strip_comments(child);
		}
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			strip_comments(json_array_get(value, i));
	}
}

static json_t *parse(const char *name, const struct bytes *text, struct report *r)
{
	const struct place place = { .file = name };
	const char *nul = memchr(text->data, 0, text->length);
	json_error_t error;
	json_t *root;
	size_t line = 1;

	if (nul) {
		for (const char *s = text->data; s < nul; s++)
			line += *s == '\n';
		report_error(r, &place, "line %zu: a NUL byte, expected JSON text in UTF-8", line);
		return NULL;
	}
	root = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_error_code(&error) == json_error_out_of_memory) {
		r->lost = true;
		return NULL;
	}
	if (!root) {
		report_error(r, &place, "line %d, column %d: %s, expected %s", error.line, error.column,
			     error.text,
			     json_error_code(&error) == json_error_duplicate_key ? "every key once"
										 : "valid JSON");
		return NULL;
	}
	if (!json_is_object(root)) {
		report_error(r, &place, "$: found a list, expected an object");
		json_decref(root);
		return NULL;
	}
	strip_comments(root);
	return root;
}

static char *keep_name(struct arena *arena, const char *name)
{
	return arena_copy(arena, name, strlen(name));
}

/* False: the document cannot be whole any more. */
static bool add_file(struct document *d, const char *path, size_t *total, struct arena *arena,
		     struct report *r)
{
	struct bytes text = { 0 };
	const char *name = keep_name(arena, path);
	json_t *root = NULL;

	if (!name || !read_file(name, &text, r))
		return false;
	*total += text.length;
	if (*total > PLAN_LARGEST)
		report_error(r, &(struct place){ .file = name },
			     "the plan is larger than %zu MiB with this file", PLAN_LARGEST >> 20);
	else
		root = parse(name, &text, r);
	free(text.data);
	if (!root)
		return false;
	document_merge(d, root, name, arena, r);
	return true;
}

static int is_fragment(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 && !strcmp(entry->d_name + length - 5, ".json");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_directory(struct document *d, const char *path, struct arena *arena, struct report *r)
{
	const struct place place = { .file = keep_name(arena, path) };
	struct dirent **entries = NULL;
	bool whole = true;
	size_t total = 0;
	int count;

	count = scandir(path, &entries, is_fragment, by_name);
	if (count < 0) {
		report_error(r, &place, "cannot list: %s, expected a directory of plan files",
			     strerror(errno));
		return false;
	}
	if (!count) {
		report_error(r, &place, "holds no *.json file, expected the plan's files");
		whole = false;
	}
	for (int i = 0; i < count; i++) {
		char *file = NULL;

		if (asprintf(&file, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
			     entries[i]->d_name) < 0) {
			r->lost = true;
			file = NULL;
		}
		if (!file || !add_file(d, file, &total, arena, r))
			whole = false;
		free(file);
		free(entries[i]);
	}
	free(entries);
	return whole;
}

static void only_whole(struct document *d, bool whole)
{
	if (whole)
		return;
	json_decref(d->root);
	d->root = NULL;
}

void document_read(struct document *d, const char *path, struct arena *arena, struct report *r)
{
	struct stat st;
	size_t total = 0;

	*d = (struct document){ 0 };
	if (*path && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		only_whole(d, add_directory(d, path, arena, r));
	else
		only_whole(d, add_file(d, path, &total, arena, r));
}

void document_read_text(struct document *d, const char *name, const char *text, size_t length,
			struct arena *arena, struct report *r)
{
	const struct bytes bytes = { (char *)(uintptr_t)text, length };
	const char *file = keep_name(arena, name);
	json_t *root;

	*d = (struct document){ 0 };
	if (!file) {
		r->lost = true;
		return;
	}
	if (length > PLAN_LARGEST) {
		report_error(r, &(struct place){ .file = file }, "is larger than %zu MiB, expected a plan",
			     PLAN_LARGEST >> 20);
		return;
	}
	root = parse(file, &bytes, r);
	if (root)
		document_merge(d, root, file, arena, r);
}

void document_free(struct document *d)
{
	json_decref(d->root);
	origins_free(&d->origins);
	*d = (struct document){ 0 };
}
