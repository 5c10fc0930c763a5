/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plans of the six sites: each is whole, checks clean but for what its site is to be warned of, and
 * what this build does not enforce of it is named.
 */
#include "plan_fixture.h"

#define PLANS "selftests/plans/"

static void checks(const char *path, const char *lines)
{
	struct reading r = read_path(path), again;

	assert_non_null(r.plan);
	assert_lines(&r.report, lines);
	/* What is kept as the last good plan says the same, and says it the same way. */
	again = read_text(r.plan->text, strlen(r.plan->text));
	assert_non_null(again.plan);
	assert_int_equal(again.report.errors, 0);
	assert_int_equal(again.report.warnings, r.report.warnings);
	assert_string_equal(again.plan->text, r.plan->text);
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

#define NOT_ENFORCED "not enforced by this build, expected a plan without\n"

static void what_is_not_enforced_is_named(void **state)
{
	(void)state;
	refuses(PLANS "pn-main-lab.json", "node1", "");
	refuses(PLANS "pn-main-lab.json", "node2", "");
	refuses(PLANS "kube-dc.json", "worker-1", "");
	refuses(PLANS "kube-dc.json", "worker-2", "");
	refuses(PLANS "pn", "contabo-1",
		PLANS
		"pn/pn-contabo.json: $.clusters.pn-contabo.tunnel: tunnels between clusters are " NOT_ENFORCED
			PLANS
		"pn/pn-contabo.json: $.routes[0]: routes between clusters are " NOT_ENFORCED PLANS
		"pn/fabric.json: $.qos.classes.ceph: QoS classes are " NOT_ENFORCED PLANS
		"pn/fabric.json: $.qos.rules[0]: QoS rules are " NOT_ENFORCED PLANS
		"pn/fabric.json: $.qos.per_cluster.pn-contabo: rates towards clusters are " NOT_ENFORCED PLANS
		"pn/fabric.json: $.qos.per_label.tenant: rates for labels are " NOT_ENFORCED PLANS
		"pn/fabric.json: $.slo[0]: latency limits (slo) are " NOT_ENFORCED);
	/* A tunnel of another cluster is not this node's to enforce. */
	refuses(PLANS "talos.json", "nobody",
		PLANS "talos.json: $.qos.classes.backup: QoS classes are " NOT_ENFORCED PLANS
		      "talos.json: $.qos.rules[0]: QoS rules are " NOT_ENFORCED);
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
		cmocka_unit_test(what_is_not_enforced_is_named),
		cmocka_unit_test(unused_eips_are_no_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
