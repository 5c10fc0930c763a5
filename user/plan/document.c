/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads the plan's files: see document.h. Sizes are bounded before anything is allocated for them, and
 * what is not JSON is named with its line and column.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "document.h"
#include "plan.h"
#include "populate.h"

/* A text this long is worth a thread. */
#define LONG ((size_t)1 << 20)
/* So much of it stays in the cache until it is filled. */
#define STEP ((size_t)256 << 10)

/* A plan of a million workloads is about this large; more is a mistake, such as a disk image. */
#define PLAN_LARGEST ((size_t)256 << 20)

/* Part of a file that is to be there whole. */
struct piece {
	int fd;
	char *to;
	size_t at;
	size_t end;
	bool zero; /* there is such a byte in it */
};

static void *read_piece(void *argument)
{
	struct piece *p = argument;

	while (p->at < p->end) {
		size_t next = p->end - p->at < STEP ? p->end - p->at : STEP;
		ssize_t got;

		populate(p->to + p->at, next);
		got = pread(p->fd, p->to + p->at, next, (off_t)p->at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		p->zero |=
			memchr(p->to + p->at, 0, (size_t)got) != NULL; /* as long as they are in the cache */
		p->at += (size_t)got;
	}
	return NULL;
}

/*
 * How much of `size` bytes could be read, in two halves at once, since most of the time is spent on finding memory for
 * them. Where it stopped, or why, is for a read() there to find out.
 */
static size_t read_halves(int fd, char *data, size_t size, bool *zero)
{
	struct piece first = { fd, data, 0, size / 2, false }, second = { fd, data, size / 2, size, false };
	pthread_t thread;

	if (pthread_create(&thread, NULL, read_piece, &second))
		return 0;
	read_piece(&first);
	pthread_join(thread, NULL);
	*zero = first.zero || second.zero;
	return first.at == first.end ? second.at : first.at;
}

/* Whole file or nothing; it may be a pipe. There is always a byte more, for the zero. */
static int read_all(int fd, size_t hint, struct text *out)
{
	size_t room = hint < PLAN_LARGEST ? hint + 1 : PLAN_LARGEST + 1, length = 0;
	char *data = malloc(room), *more;
	bool zero = false;
	ssize_t got;

	if (!data)
		return ENOMEM;
	if (hint >= LONG && hint < room)
		length = read_halves(fd, data, hint, &zero);
	if (length && lseek(fd, (off_t)length, SEEK_SET) < 0)
		length = 0; /* it is where it was */
	out->checked = zero ? 0 : length;
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
	data[length] = 0;
	out->data = data;
	out->length = length;
	return 0;
}

static bool read_file(const char *path, struct text *out, struct report *r)
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

/* jansson says where a text is wrong and how; it knows no NUL. */
static void explain(const char *name, const struct text *text, struct report *r)
{
	const struct place place = { .file = name };
	const char *nul = memchr(text->data, 0, text->length);
	json_error_t error;
	size_t line = 1;
	json_t *root;

	if (nul) {
		for (const char *s = text->data; s < nul; s++)
			line += *s == '\n';
		report_error(r, &place, "line %zu: a NUL byte, expected JSON text in UTF-8", line);
		return;
	}
	root = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, &error);
	if (root)
		report_error(r, &place, "cannot be read, expected valid JSON");
	else if (json_error_code(&error) == json_error_out_of_memory)
		r->lost = true;
	else
		report_error(r, &place, "line %d, column %d: %s, expected %s", error.line, error.column,
			     error.text,
			     json_error_code(&error) == json_error_duplicate_key ? "every key once"
										 : "valid JSON");
	json_decref(root);
}

/* Takes the text over. */
static struct tree *parse(struct document *d, const char *name, struct text *text, struct report *r)
{
	struct tree *root = NULL;

	text->next = d->texts;
	d->texts = text;
	if (!d->nodes)
		d->nodes = arena_new();
	if (!d->nodes) {
		r->lost = true;
		return NULL;
	}
	if (!memchr(text->data + text->checked, 0, text->length - text->checked))
		root = tree_read(text->data, text->length, d->nodes);
	if (arena_failed(d->nodes))
		r->lost = true;
	else if (!root)
		explain(name, text, r);
	else if (!tree_is_object(root))
		report_error(r, &(struct place){ .file = name }, "$: found a list, expected an object");
	return tree_is_object(root) ? root : NULL;
}

static void text_free(struct text *text)
{
	free(text->data);
	free(text);
}

static char *keep_name(struct arena *arena, const char *name)
{
	return arena_copy(arena, name, strlen(name));
}

/* False: the document cannot be whole any more. */
static bool add_file(struct document *d, const char *path, size_t *total, struct arena *arena,
		     struct report *r)
{
	const char *name = keep_name(arena, path);
	struct text *text = calloc(1, sizeof(*text));
	struct tree *root = NULL;

	if (!text)
		r->lost = true;
	if (!name || !text || !read_file(name, text, r)) {
		free(text);
		return false;
	}
	*total += text->length;
	if (*total > PLAN_LARGEST) {
		report_error(r, &(struct place){ .file = name },
			     "the plan is larger than %zu MiB with this file", PLAN_LARGEST >> 20);
		text_free(text);
	} else {
		root = parse(d, name, text, r);
	}
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
	if (!whole)
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
	const char *file = keep_name(arena, name);
	struct text *copy = calloc(1, sizeof(*copy));
	struct tree *root;

	*d = (struct document){ 0 };
	if (copy)
		copy->data = malloc(length + 1);
	if (!file || !copy || !copy->data) {
		free(copy);
		r->lost = true;
		return;
	}
	memcpy(copy->data, text, length);
	copy->data[length] = 0;
	copy->length = length;
	if (length > PLAN_LARGEST) {
		report_error(r, &(struct place){ .file = file }, "is larger than %zu MiB, expected a plan",
			     PLAN_LARGEST >> 20);
		text_free(copy);
		return;
	}
	root = parse(d, file, copy, r);
	if (root)
		document_merge(d, root, file, arena, r);
}

void document_free(struct document *d)
{
	while (d->texts) {
		struct text *next = d->texts->next;

		text_free(d->texts);
		d->texts = next;
	}
	arena_free(d->nodes);
	origins_free(&d->origins);
	*d = (struct document){ 0 };
}
