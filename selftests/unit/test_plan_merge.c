/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A plan of several files: what merges, what disagrees, and that every record and every message names the
 * file it came from.
 */
#include "plan_fixture.h"

static void objects_and_lists_merge(void **state)
{
	struct folder f;
	struct reading r;

	(void)state;
	folder_new(&f);
	folder_write(
		&f, "10-base.json",
		"{\"sluice\":1,\"#\":\"one\",\"clusters\":{\"c\":{\"id\":1,\"nodes\":{\"n\":{\"addresses\":"
		"[\"192.0.2.1\"]}}}},\"networks\":{\"red\":{\"id\":1,\"intra\":\"allow\",\"sites\":{}}},"
		"\"policy\":[{\"name\":\"a\",\"from\":[\"any\"],\"to\":[\"any\"],\"ports\":[\"any\"],"
		"\"action\":\"allow\"}]}");
	folder_write(
		&f, "20-red.json",
		"{\"sluice\":1,\"#\":\"two\",\"networks\":{\"red\":{\"id\":1,\"sites\":{\"c\":{\"vlan\":10,"
		"\"cidrs\":[\"10.0.10.0/24\"]}}},\"blue\":{\"id\":2,\"sites\":{\"c\":{\"vlan\":20,\"cidrs\":"
		"[\"10.0.20.0/"
		"24\"]}}}},\"policy\":[{\"name\":\"b\",\"from\":[\"network:red\"],\"to\":[\"any\"],"
		"\"ports\":[\"any\"],\"action\":\"deny\"},{\"name\":\"c\",\"from\":[\"any\"],\"to\":[\"any\"]"
		","
		"\"ports\":[\"any\"],\"action\":\"deny\"}]}");
	folder_write(&f, "30-workloads.json",
		     "{\"workloads\":[{\"name\":\"w\",\"network\":\"red\",\"address\":\"10.0.10.9\",\"node\":"
		     "\"n\"}],"
		     "\"networks\":{\"red\":{\"sites\":{\"c\":{\"cidrs\":[\"10.0.11.0/"
		     "24\"]}}}},\"policy\":[{\"name\":"
		     "\"d\",\"from\":[\"any\"],\"to\":[\"any\"],\"ports\":[\"any\"],\"action\":\"deny\"}]}");
	folder_write(&f, "README", "not a plan");
	folder_write(&f, ".hidden.json", "not a plan either");
	r = folder_read(&f, ".");
	assert_lines(&r.report, "");
	assert_non_null(r.plan);
	assert_int_equal(r.plan->network_count, 2);
	assert_int_equal(r.plan->rule_count, 4);
	assert_string_equal(r.plan->policy[0].place.file, "./10-base.json");
	assert_string_equal(r.plan->policy[0].place.path, "$.policy[0]");
	/* An index counts in the file that it names. */
	assert_string_equal(r.plan->policy[1].place.file, "./20-red.json");
	assert_string_equal(r.plan->policy[1].place.path, "$.policy[0]");
	assert_string_equal(r.plan->policy[1].from.item[0].place.file, "./20-red.json");
	assert_string_equal(r.plan->policy[2].place.path, "$.policy[1]");
	assert_string_equal(r.plan->policy[3].place.file, "./30-workloads.json");
	assert_string_equal(r.plan->policy[3].place.path, "$.policy[0]");
	assert_string_equal(r.plan->workloads[0].place.file, "./30-workloads.json");
	assert_string_equal(plan_network(r.plan, "red")->place.file, "./10-base.json");
	assert_string_equal(plan_network(r.plan, "red")->sites[0].place.file, "./20-red.json");
	assert_int_equal(plan_network(r.plan, "red")->sites[0].cidrs.count, 2);
	assert_string_equal(plan_network(r.plan, "blue")->place.file, "./20-red.json");
	reading_free(&r);
	folder_remove(&f);
}

static void disagreement_names_both_files(void **state)
{
	struct folder f;
	struct reading r;

	(void)state;
	folder_new(&f);
	folder_write(&f, "a.json",
		     "{" LEAST ",\"networks\":{\"red\":{\"id\":1,\"intra\":\"allow\",\"sites\":{}}}}");
	folder_write(&f, "b.json",
		     "{\"networks\":{\"red\":{\"id\":2,\"sites\":[]},\"blue\":{\"id\":3,\"sites\":{}}}}");
	folder_write(&f, "c.json", "{\"networks\":{\"red\":{\"intra\":true},\"blue\":{\"id\":4}}}");
	r = folder_read(&f, ".");
	assert_lines(
		&r.report,
		"./b.json: $.networks.red.id: 2 here, but 1 in ./a.json, expected one value\n"
		"./b.json: $.networks.red.sites: [] here, but {} in ./a.json, expected one value\n"
		"./c.json: $.networks.red.intra: true here, but \"allow\" in ./a.json, expected one value\n"
		"./c.json: $.networks.blue.id: 4 here, but 3 in ./b.json, expected one value\n");
	reading_free(&r);
	folder_remove(&f);
}

static void messages_name_the_right_file(void **state)
{
	struct folder f;
	struct reading r;

	(void)state;
	folder_new(&f);
	folder_write(&f, "a.json",
		     "{" LEAST ",\"groups\":{\"g\":{\"members\":[\"10.0.0.1\",\"x\"]}},\"workloads\":[7]}");
	folder_write(&f, "b.json",
		     "{\"groups\":{\"g\":{\"members\":[\"y\"]},\"h\":{\"members\":[\"10.1/8\"]}},"
		     "\"workloads\":[{},8],\"colour\":1}");
	r = folder_read(&f, ".");
	assert_lines(&r.report, "./a.json: $.groups.g.members[1]: \"x\" is not an address, expected "
				"10.0.10.28, 10.0.10.0/24 or "
				"10.0.10.5-10.0.10.9\n"
				"./b.json: $.groups.g.members[0]: \"y\" is not an address, expected "
				"10.0.10.28, 10.0.10.0/24 or "
				"10.0.10.5-10.0.10.9\n"
				"./b.json: $.groups.h.members[0]: \"10.1/8\" is not an address, expected "
				"10.0.10.28, 10.0.10.0/24 "
				"or 10.0.10.5-10.0.10.9\n"
				"./a.json: $.workloads[0]: found a number, expected an object\n"
				"./b.json: $.workloads[0]: the key \"name\" is missing, expected it here\n"
				"./b.json: $.workloads[0]: the key \"network\" is missing, expected it here\n"
				"./b.json: $.workloads[0]: the key \"address\" is missing, expected it here\n"
				"./b.json: $.workloads[0]: the key \"node\" is missing, expected it here\n"
				"./b.json: $.workloads[1]: found a number, expected an object\n"
				"./b.json: $.colour: unknown key, expected one of sluice, fabric, clusters, "
				"vpcs, networks, groups, "
				"workloads, policy, assert, eips, snat, fips, services, routes, qos, slo, "
				"timeouts, limits, states\n");
	reading_free(&r);
	folder_remove(&f);
}

static void contradictions_across_files_name_both(void **state)
{
	struct folder f;
	struct reading r;

	(void)state;
	folder_new(&f);
	folder_write(&f, "a.json",
		     "{" LEAST ",\"networks\":{\"aws\":{\"id\":1,\"sites\":{\"c\":{\"overlay\":true,"
		     "\"cidrs\":[\"10.0.0.0/16\"]}}}}}");
	folder_write(&f, "b.json",
		     "{\"networks\":{\"demo\":{\"id\":2,\"sites\":{\"c\":{\"overlay\":true,\"cidrs\":"
		     "[\"10.0.10.0/24\"]}}}}}");
	r = folder_read(&f, ".");
	assert_lines(&r.report, "./b.json: $.networks.demo.sites.c.cidrs[0]: 10.0.10.0/24 lies in "
				"10.0.0.0/16, a CIDR of network aws "
				"(./a.json: $.networks.aws.sites.c.cidrs[0]), expected prefixes apart\n");
	reading_free(&r);
	folder_remove(&f);
}

static void every_broken_file_is_told(void **state)
{
	struct folder f;
	struct reading r;

	(void)state;
	folder_new(&f);
	folder_write(&f, "a.json", "{\"sluice\":1,\n \"sluice\":1}");
	folder_write(&f, "b.json", "{\"sluice\":1,\n }");
	folder_write(&f, "c.json", "[]");
	r = folder_read(&f, ".");
	assert_null(r.plan);
	assert_lines(&r.report,
		     "./a.json: line 2, column 9: duplicate object key near '\"sluice\"', expected every key "
		     "once\n"
		     "./b.json: line 2, column 2: string or '}' expected near '}', expected valid JSON\n"
		     "./c.json: $: found a list, expected an object\n");
	reading_free(&r);
	folder_remove(&f);
}

static void what_is_not_there(void **state)
{
	struct folder f;
	struct reading r;

	(void)state;
	folder_new(&f);
	r = folder_read(&f, ".");
	assert_null(r.plan);
	assert_lines(&r.report, ".: holds no *.json file, expected the plan's files\n");
	reading_free(&r);
	r = folder_read(&f, "plan.json");
	assert_null(r.plan);
	assert_lines(&r.report, "plan.json: cannot open: No such file or directory, expected a plan file\n");
	reading_free(&r);
	r = folder_read(&f, "");
	assert_null(r.plan);
	assert_int_equal(r.report.errors, 1);
	reading_free(&r);
	folder_remove(&f);
}

/* The text kept from a merged plan is the same plan. */
static void merged_text_reads_back(void **state)
{
	char *text = copy_of("selftests/plans/pn", STATE_NORMAL), *twice;
	struct reading whole = read_path("selftests/plans/pn"), again;
	struct folder f;

	(void)state;
	assert_non_null(whole.plan);
	assert_null(strstr(text, "#"));
	folder_new(&f);
	folder_write(&f, "plan.json", text);
	again = read_path(f.names[0]);
	assert_non_null(again.plan);
	assert_false(report_failed(&again.report));
	twice = copy_of(f.names[0], STATE_NORMAL);
	assert_string_equal(text, twice);
	assert_int_equal(whole.plan->rule_count, again.plan->rule_count);
	free(text);
	free(twice);
	folder_remove(&f);
	reading_free(&whole);
	reading_free(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_and_lists_merge),
		cmocka_unit_test(disagreement_names_both_files),
		cmocka_unit_test(messages_name_the_right_file),
		cmocka_unit_test(contradictions_across_files_name_both),
		cmocka_unit_test(every_broken_file_is_told),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(merged_text_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
