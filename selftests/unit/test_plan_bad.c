/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One plan for each mistake: selftests/plans/bad/NAME.json must give exactly the lines of NAME.lines. The
 * table is the folder; a plan without its lines, or lines without a plan, fail. And so they are told of many workloads.
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

/* What is said of a plan with so many workloads, the first of them on `node`, and a rule for `from`. */
static char *said_of(int workloads, const char *node, const char *from)
{
	struct reading r = { 0 };
	char *text = NULL, *said;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	assert_non_null(f);
	fprintf(f, "{\"sluice\":1,\"fabric\":\"f\",\"clusters\":{\"here\":{\"id\":1,\"managed_vlans\":[10],"
		   "\"nodes\":{\"n1\":{\"addresses\":[\"192.0.2.1\"],\"uplinks\":{\"eth0\":{}}}}}},"
		   "\"vpcs\":{\"default\":{}},\"networks\":{\"red\":{\"id\":1,\"sites\":{\"here\":{\"vlan\":"
		   "10,\"cidrs\":[\"10.0.0.0/"
		   "16\"],"
		   "\"gateway\":\"10.0.0.1\"}}}},\"workloads\":[");
	for (int i = 0; i < workloads; i++)
		fprintf(f,
			"%s{\"name\":\"w%d\",\"network\":\"red\",\"address\":\"10.0.%d.%d\",\"node\":\"%s\"}",
			i ? "," : "", i, 1 + i / 200, 1 + i % 200, i ? "n1" : node);
	fprintf(f,
		"],\"policy\":[{\"name\":\"r\",\"from\":[\"%s\"],\"to\":[\"any\"],\"ports\":[\"tcp/1\"],"
		"\"action\":\"allow\"}]}",
		from);
	fclose(f);
	r.plan = plan_read_text("p", text, length, &r.report);
	assert_non_null(r.plan);
	plan_check(r.plan, &r.report);
	said = report_text(&r.report);
	reading_free(&r);
	free(text);
	return said;
}

/* The rest is checked beside many workloads: nothing of it is lost, nor said twice or before them. */
static void many_as_few(void **state)
{
	static const char *const cases[][2] = { { "n1", "network:red" },
						{ "n1", "network:rad" },
						{ "n2", "network:red" },
						{ "n2", "network:rad" } };

	(void)state;
	for (int i = 0; i < 4; i++) {
		char *few = said_of(3, cases[i][0], cases[i][1]),
		     *many = said_of(5000, cases[i][0], cases[i][1]);

		assert_int_equal(strstr(few, "$.workloads[0].node: ") != NULL, i >= 2);
		assert_int_equal(strstr(few, "$.policy[0].from[0]: ") != NULL, i & 1);
		assert_string_equal(many, few);
		free(few);
		free(many);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_mistake_is_told),
					    cmocka_unit_test(many_as_few) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
