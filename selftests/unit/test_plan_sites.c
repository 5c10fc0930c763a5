/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plans of the six sites: each is whole, checks clean but for what its site is to be warned of, and
 * this build enforces all of it.
 */
#include "plan_fixture.h"

#define PLANS "selftests/plans/"

static void checks(const char *path, const char *lines)
{
	char *text = copy_of(path, STATE_NORMAL), *twice;
	struct reading r = read_path(path), again;
	struct folder f;

	assert_non_null(r.plan);
	assert_lines(&r.report, lines);
	/* What is kept as the last good plan says the same, and says it the same way. */
	folder_new(&f);
	folder_write(&f, "plan.json", text);
	again = read_path(f.names[0]);
	twice = copy_of(f.names[0], STATE_NORMAL);
	assert_non_null(again.plan);
	assert_int_equal(again.report.errors, 0);
	assert_int_equal(again.report.warnings, r.report.warnings);
	assert_string_equal(twice, text);
	folder_remove(&f);
	free(text);
	free(twice);
	reading_free(&again);
	reading_free(&r);
}

#define VLAN_109                                                                                             \
	"$.clusters.pn-main.managed_vlans[0]: VLAN 109 is managed but no network has it: dropped as "        \
	"vlan_unassigned, expected a network\n"

static void sites_check_clean(void **state)
{
	(void)state;
	checks(PLANS "pn-main-lab.json", "warning: " PLANS "pn-main-lab.json: " VLAN_109);
	checks(PLANS "pn", "warning: " PLANS "pn/pn-main.json: " VLAN_109);
	checks(PLANS "kube-dc.json", "");
	checks(PLANS "talos.json", "");
	checks(PLANS "multicloud.json", "");
	checks(PLANS "every-key.json", "");
}

static void refuses(const char *path, const char *node, const char *lines)
{
	struct report report = { 0 };
	struct plan *plan = plan_read(path, &report);

	assert_non_null(plan);
	assert_lines(&report, "");
	plan_refuse_unenforced(plan, node, &report);
	assert_lines(&report, lines);
	report_free(&report);
	plan_free(plan);
}

static void nothing_of_the_sites_is_refused(void **state)
{
	(void)state;
	refuses(PLANS "pn-main-lab.json", "node1", "");
	refuses(PLANS "pn-main-lab.json", "node2", "");
	refuses(PLANS "kube-dc.json", "worker-1", "");
	refuses(PLANS "kube-dc.json", "worker-2", "");
	refuses(PLANS "pn", "contabo-1", "");
	refuses(PLANS "talos.json", "infra-1", "");
}

/* A backend stands on a node of another cluster than the service's other one. */
static void backends_abroad_are_named(void **state)
{
	static const char TEXT[] =
		"{\"sluice\":1,\"clusters\":{\"a\":{\"id\":1,\"nodes\":{\"n\":{\"addresses\":[\"192.0.2.1\"]}"
		"}},"
		"\"b\":{\"id\":2,\"nodes\":{\"m\":{\"addresses\":[\"192.0.2.2\"]}}}},"
		"\"services\":{\"s\":{\"address\":\"192.0.2.9\",\"ports\":[{\"proto\":\"tcp\",\"port\":80}],"
		"\"backends\":[{\"address\":\"10.0.0.1\",\"node\":\"n\"},"
		"{\"address\":\"10.0.0.2\",\"node\":\"m\"}]}}}";
	struct reading r = read_text(TEXT, strlen(TEXT));
	struct report refused = { 0 };

	(void)state;
	assert_non_null(r.plan);
	plan_refuse_unenforced(r.plan, "n", &refused);
	assert_lines(&refused,
		     "p: $.services.s.backends[1]: backends in another cluster than their service are "
		     "not enforced by this build, expected a plan without\n");
	report_free(&refused);
	reading_free(&r);
}

/* EIPs that nobody uses may stand in the plan. */
static void unused_eips_are_no_use(void **state)
{
	static const char TEXT[] = PLAN_WITH(
		"\"networks\":{\"x\":{\"id\":1,\"external\":true,\"sites\":{\"c\":{\"vlan\":5,\"cidrs\":"
		"[\"203.0.113.0/24\"]}}}},\"eips\":{\"e\":{\"address\":\"203.0.113.9\",\"network\":\"x\"}}");
	struct reading r = read_text(TEXT, strlen(TEXT));

	(void)state;
	assert_lines(&r.report, "");
	plan_refuse_unenforced(r.plan, "n", &r.report);
	assert_lines(&r.report, "");
	reading_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sites_check_clean),
		cmocka_unit_test(nothing_of_the_sites_is_refused),
		cmocka_unit_test(backends_abroad_are_named),
		cmocka_unit_test(unused_eips_are_no_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
