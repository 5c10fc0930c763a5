/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One plan for each mistake: selftests/plans/bad/NAME.json must give exactly the lines of NAME.lines. The
 * table is the folder; a plan without its lines, or lines without a plan, fail.
 */
#include <dirent.h>
#include "plan_fixture.h"

#define BAD "selftests/plans/bad"

static char *slurp(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *f = fopen(path, "r");
	size_t length;

	if (!f)
		fail_msg("cannot open %s: run from the top of the tree", path);
	assert_non_null(text);
	length = fread(text, 1, 65535, f);
	assert_true(length < 65535);
	fclose(f);
	return text;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Whether the plan gives its lines; tells what differs. */
static int holds(const char *name)
{
	char path[512], *text, *lines, *got;
	struct reading r = { 0 };
	int same;

	snprintf(path, sizeof(path), BAD "/%s.json", name);
	text = slurp(path);
	snprintf(path, sizeof(path), BAD "/%s.lines", name);
	lines = slurp(path);
	snprintf(path, sizeof(path), "%s.json", name);
	r.plan = plan_read_text(path, text, strlen(text), &r.report);
	if (r.plan && !report_failed(&r.report))
		plan_check(r.plan, &r.report);
	got = report_text(&r.report);
	same = *lines && !strcmp(got, lines);
	if (!same)
		print_error("%s.json: expected\n%sgot\n%s", name, lines, got);
	free(got);
	free(lines);
	free(text);
	reading_free(&r);
	return same;
}

static void every_mistake_is_told(void **state)
{
	struct dirent **entries;
	int count = scandir(BAD, &entries, visible, alphasort), wrong = 0, plans = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		char *dot = strrchr(entries[i]->d_name, '.');

		assert_non_null(dot);
		if (!strcmp(dot, ".json")) {
			*dot = 0;
			wrong += !holds(entries[i]->d_name);
			plans++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(wrong, 0);
	assert_int_equal(plans * 2, count);
	assert_true(plans >= 55);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_mistake_is_told) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
