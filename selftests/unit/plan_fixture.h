/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the plan share: reading from text or from a folder made for the test, and comparing a
 * report with the lines expected, all of them and in order.
 */
#ifndef PLAN_FIXTURE_H
#define PLAN_FIXTURE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>
#include "../../user/plan/plan.h"

struct reading {
	struct plan *plan;
	struct report report;
};

/* Parses, and checks what parsed. */
static inline struct reading read_text(const char *text, size_t length)
{
	struct reading r = { 0 };

	r.plan = plan_read_text("p", text, length, &r.report);
	if (r.plan && !report_failed(&r.report))
		plan_check(r.plan, &r.report);
	return r;
}

static inline struct reading read_path(const char *path)
{
	struct reading r = { 0 };

	r.plan = plan_read(path, &r.report);
	if (r.plan && !report_failed(&r.report))
		plan_check(r.plan, &r.report);
	return r;
}

static inline void take_copy(void *to, const char *text, size_t length)
{
	assert_int_equal(fwrite(text, 1, length, to), length);
}

/* The text that is kept of a plan that is read in this state; the caller frees. */
static inline char *copy_of(const char *path, const char *state)
{
	struct report report = { 0 };
	char *text = NULL;
	size_t length = 0;
	FILE *f = open_memstream(&text, &length);
	const struct copy copy = { take_copy, f };

	assert_non_null(f);
	plan_free(plan_read_in(path, state, NULL, &copy, &report));
	assert_false(report_failed(&report));
	report_free(&report);
	fclose(f);
	assert_int_equal(strlen(text), length);
	return text;
}

static inline void reading_free(struct reading *r)
{
	plan_free(r->plan);
	report_free(&r->report);
}

/* The report as report_print() writes it; the caller frees. */
static inline char *report_text(const struct report *r)
{
	char *text = NULL;
	size_t length = 0;
	FILE *f = open_memstream(&text, &length);

	assert_non_null(f);
	report_print(r, f);
	fclose(f);
	return text;
}

static inline void assert_lines(const struct report *r, const char *lines)
{
	char *text = report_text(r);

	assert_string_equal(text, lines);
	free(text);
}

/* A plan's text must give exactly these lines. */
static inline void expect(const char *text, const char *lines)
{
	struct reading r = read_text(text, strlen(text));

	assert_lines(&r.report, lines);
	reading_free(&r);
}

/* The least that is a plan, with more behind it. */
#define LEAST "\"sluice\":1,\"clusters\":{\"c\":{\"id\":1,\"nodes\":{}}}"
#define PLAN_WITH(more) "{" LEAST "," more "}"

/* A folder under /tmp, written file by file, then removed. */
struct folder {
	char path[64];
	char *names[16];
	size_t count;
};

static inline void folder_new(struct folder *f)
{
	*f = (struct folder){ .path = "/tmp/sluice-plan-XXXXXX" };
	assert_non_null(mkdtemp(f->path));
}

static inline void folder_write(struct folder *f, const char *name, const char *text)
{
	FILE *file;

	assert_true(f->count < 16);
	assert_true(asprintf(&f->names[f->count], "%s/%s", f->path, name) > 0);
	file = fopen(f->names[f->count++], "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static inline void folder_remove(struct folder *f)
{
	for (size_t i = 0; i < f->count; i++) {
		assert_int_equal(unlink(f->names[i]), 0);
		free(f->names[i]);
	}
	assert_int_equal(rmdir(f->path), 0);
}

/* Reads with the folder as working directory, so that messages name files without the random part. */
static inline struct reading folder_read(struct folder *f, const char *path)
{
	struct reading r;
	char *back = getcwd(NULL, 0);

	assert_non_null(back);
	assert_int_equal(chdir(f->path), 0);
	r = read_path(path);
	assert_int_equal(chdir(back), 0);
	free(back);
	return r;
}

#endif
