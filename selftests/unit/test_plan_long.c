/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists so long that two threads take them: the records and the findings are those of one who takes one item after the
 * other, in the same order.
 */
#include "plan_fixture.h"

#define COUNT 9001
/* More than are kept to be found again (cursor.h). */
#define LABELS 4999

static const char head[] = "{\"sluice\": 1, \"clusters\": {\"c\": {\"id\": 1, \"nodes\": {\"n\": "
			   "{\"addresses\": [\"172.16.0.1\"],"
			   " \"uplinks\": {\"u\": {}}}}}},"
			   " \"networks\": {\"net\": {\"id\": 100, \"sites\": {\"c\": {\"vlan\": 100, "
			   "\"cidrs\": [\"10.0.0.0/16\"]}}},"
			   " \"other\": {\"id\": 101, \"sites\": {\"c\": {\"vlan\": 101, "
			   "\"cidrs\": [\"10.1.0.0/16\"]}}}},"
			   " \"workloads\": [";

/* One of `every` workloads has an address that is none; 0: all are right. */
static char *long_plan(size_t every, size_t *length)
{
	char *text = malloc(sizeof(head) + (size_t)COUNT * 120);
	size_t used = sizeof(head) - 1;

	assert_non_null(text);
	memcpy(text, head, used);
	for (size_t i = 0; i < COUNT; i++)
		used += (size_t)sprintf(
			text + used,
			"%s{\"name\": \"w%zu\", \"network\": \"net\", \"address\": \"10.0.%zu.%zu%s\", "
			"\"node\": \"n\", \"labels\": {\"k\": \"v%zu\"}}",
			i ? "," : "", i, i / 250, i % 250 + 1, every && i % every == 0 ? "x" : "",
			i % LABELS);
	used += (size_t)sprintf(text + used, "]}");
	*length = used;
	return text;
}

static void records(void **state)
{
	size_t length;
	char *text = long_plan(0, &length), name[16], value[16], path[40];
	struct reading r = read_text(text, length);

	(void)state;
	assert_int_equal(r.report.count, 0);
	assert_int_equal(r.plan->workload_count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		const struct workload *w = &r.plan->workloads[i];

		snprintf(name, sizeof(name), "w%zu", i);
		snprintf(value, sizeof(value), "v%zu", i % LABELS);
		snprintf(path, sizeof(path), "$.workloads[%zu]", i);
		assert_string_equal(w->name, name);
		assert_string_equal(w->place.path, path);
		assert_int_equal(w->address, 0x0a000000 + i / 250 * 256 + i % 250 + 1);
		assert_int_equal(w->labels.count, 1);
		assert_string_equal(w->labels.item[0].value, value);
	}
	reading_free(&r);
	free(text);
}

static void findings_in_order(void **state)
{
	size_t length;
	char *text = long_plan(100, &length), path[64];
	struct reading r = read_text(text, length);

	(void)state;
	assert_int_equal(r.report.errors, (COUNT + 99) / 100);
	assert_int_equal(r.report.count, r.report.errors);
	for (size_t i = 0; i < r.report.count; i++) {
		snprintf(path, sizeof(path), ": $.workloads[%zu].address: ", i * 100);
		assert_non_null(strstr(r.report.findings[i].text, path));
	}
	reading_free(&r);
	free(text);
}

/* Each of these has something of one that stands far before it, or of the one before. */
static void doubles_far_apart(void **state)
{
	static const char more[] =
		",{\"name\": \"w100\", \"network\": \"net\", \"address\": \"10.0.200.1\", \"node\": \"n\"}"
		",{\"name\": \"x\", \"network\": \"net\", \"address\": \"10.0.0.201\", \"node\": \"n\","
		" \"interface\": \"x\", \"mac\": \"02:00:00:00:00:01\"}"
		",{\"name\": \"y\", \"network\": \"net\", \"address\": \"10.0.200.2\", \"node\": \"n\","
		" \"interface\": \"y\", \"mac\": \"02:00:00:00:00:01\"}"
		",{\"name\": \"z\", \"network\": \"other\", \"address\": \"10.1.0.1\", \"node\": \"n\","
		" \"interface\": \"y\", \"mac\": \"02:00:00:00:00:02\"}"
		"]}";
	static const char *const expected[] = {
		"[9001].name: network net already has a workload w100, ",
		"[9002].address: 10.0.0.201 is also the address of workload w200 in VPC default, ",
		"[9003].mac: the MAC of workload x in the same network, ",
		"[9004].interface: y of node n is in network net as workload y, ",
	};
	size_t length;
	char *text = long_plan(0, &length), *longer = malloc(length + sizeof(more));
	struct reading r;

	(void)state;
	assert_non_null(longer);
	memcpy(longer, text, length - 2); /* without its end */
	memcpy(longer + length - 2, more, sizeof(more));
	r = read_text(longer, strlen(longer));
	assert_int_equal(r.report.errors, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < r.report.errors; i++)
		assert_non_null(strstr(r.report.findings[i].text, expected[i]));
	reading_free(&r);
	free(longer);
	free(text);
}

/* A name that stands again is not looked at again, unless it was none. */
static void no_name_is_told_each_time(void **state)
{
	static const char text[] =
		"{\"sluice\": 1, \"clusters\": {}, \"workloads\": ["
		"{\"name\": \"a\", \"network\": \"n n\", \"address\": \"10.0.0.1\", \"node\": \"n\"},"
		"{\"name\": \"b\", \"network\": \"n n\", \"address\": \"10.0.0.2\", \"node\": \"n\"}]}";
	struct reading r = read_text(text, strlen(text));

	(void)state;
	assert_int_equal(r.report.count, 3);
	assert_non_null(strstr(r.report.findings[1].text, "$.workloads[0].network: \"n n\" is not a name, "));
	assert_non_null(strstr(r.report.findings[2].text, "$.workloads[1].network: \"n n\" is not a name, "));
	reading_free(&r);
}

/* More than are kept are counted. */
static void too_many_findings(void **state)
{
	struct report r = { 0 }, more = { 0 };

	(void)state;
	for (size_t i = 0; i < REPORT_KEPT - 5; i++)
		report_error(&r, NULL, "%zu", i);
	for (size_t i = 0; i < 20; i++)
		report_warning(&more, NULL, "%zu", i);
	more.lost = true;
	report_join(&r, &more);
	assert_int_equal(r.count, REPORT_KEPT);
	assert_int_equal(r.errors, REPORT_KEPT - 5);
	assert_int_equal(r.warnings, 20);
	assert_true(r.lost && r.findings[REPORT_KEPT - 1].warning && !r.findings[REPORT_KEPT - 6].warning);
	assert_string_equal(r.findings[REPORT_KEPT - 1].text, "4");
	assert_true(!more.count && !more.findings);
	report_free(&r);
}

/* A file so long that two threads read it is read as any other. */
static void file_in_halves(void **state)
{
	size_t length, blanks = (2U << 20) + 1;
	char *text = long_plan(0, &length), *padded = malloc(blanks + length + 1), *once, *twice;
	struct folder f;

	(void)state;
	assert_non_null(padded);
	assert_true(length < 1U << 20);
	memset(padded, ' ', blanks);
	memcpy(padded + blanks - blanks / 4, text, length + 1);
	memset(padded + blanks - blanks / 4 + length, ' ', blanks / 4);
	padded[blanks + length] = 0;
	folder_new(&f);
	folder_write(&f, "short", text);
	folder_write(&f, "long", padded);
	once = copy_of(f.names[0], STATE_NORMAL);
	twice = copy_of(f.names[1], STATE_NORMAL);
	assert_string_equal(once, twice);
	free(once);
	free(twice);
	folder_remove(&f);
	free(padded);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),	     cmocka_unit_test(findings_in_order),
		cmocka_unit_test(doubles_far_apart), cmocka_unit_test(no_name_is_told_each_time),
		cmocka_unit_test(too_many_findings), cmocka_unit_test(file_in_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
