/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The example plans compile for each of their nodes, asserts included; and what the pn-main site promises of
 * each network holds on the image. Paths are seen from the top of the tree, where `make unit` runs.
 */
#include "image_fixture.h"

#define LAB "selftests/plans/pn-main-lab.json"
#define TCP 6
#define UDP 17
#define ICMP 1

static struct compiled compile_lab(const char *node)
{
	struct compiled c = { 0 };

	c.plan = plan_read(LAB, &c.report);
	if (c.plan)
		plan_check(c.plan, &c.report);
	if (c.plan && !report_failed(&c.report))
		c.image = image_compile(c.plan, node, NULL, &c.report);
	if (!c.image)
		report_print(&c.report, stderr);
	assert_non_null(c.image);
	return c;
}

static void check_promises(const struct image *i)
{
	char from[32], to[32];

	/* Each vCluster only within itself. */
	assert_true(may(i, "192.168.105.11", "192.168.105.12", TCP, 80));
	assert_true(may(i, "192.168.105.21", "192.168.105.22", ICMP, 0));
	assert_false(may(i, "192.168.105.11", "192.168.105.21", TCP, 80));
	assert_false(may(i, "192.168.105.22", "192.168.105.12", TCP, 80));
	/* Ceph clients reach 101, not 102; OSDs see each other. */
	assert_true(may(i, "192.168.103.11", "192.168.101.12", TCP, 6789));
	assert_true(may(i, "192.168.103.11", "192.168.101.12", TCP, 7300));
	assert_false(may(i, "192.168.103.11", "192.168.101.12", TCP, 7301));
	assert_false(may(i, "192.168.103.12", "192.168.101.12", TCP, 6789)); /* no client */
	assert_false(may(i, "192.168.103.11", "192.168.102.11", TCP, 6800));
	assert_true(may(i, "192.168.102.11", "192.168.102.12", TCP, 6800));
	/* Replication is nothing else. */
	assert_true(may(i, "192.168.106.11", "192.168.106.12", TCP, 9093));
	assert_false(may(i, "192.168.106.11", "192.168.106.12", TCP, 22));
	assert_false(may(i, "192.168.106.11", "192.168.103.11", TCP, 5432));
	/* 108 reaches none of 100 to 106. */
	for (int vlan = 100; vlan <= 106; vlan++) {
		static const uint16_t ports[] = { 0, 22, 53, 80, 443, 3300, 5432, 6789, 8200, 9092, 65535 };

		snprintf(from, sizeof(from), "192.168.108.%d", 11);
		snprintf(to, sizeof(to), "192.168.%d.11", vlan);
		for (size_t p = 0; p < sizeof(ports) / sizeof(*ports); p++) {
			assert_false(may(i, from, to, TCP, ports[p]));
			assert_false(may(i, from, to, UDP, ports[p]));
		}
		assert_false(may(i, from, to, ICMP, 0));
	}
	assert_string_equal(decided_by(i, "192.168.108.11", "192.168.102.11", TCP, 80), "saas-is-sealed");
}

static void check_vlans(const struct image *i)
{
	for (uint32_t vlan = 100; vlan <= 109; vlan++) {
		const struct sl_vlan *row = value_of(&i->table[SL_TABLE_sl_vlan], &vlan);

		assert_non_null(row);
		assert_int_equal(row->state, vlan == 109 ? SL_VLAN_UNASSIGNED : SL_VLAN_NETWORK);
		assert_int_equal(row->network, vlan == 109 ? 0 : vlan);
	}
	assert_int_equal(i->table[SL_TABLE_sl_vlan].count, 10);
}

static void pn_main_on_both_nodes(void **unused)
{
	struct compiled one = compile_lab("node1"), two = compile_lab("node2");

	(void)unused;
	check_promises(one.image);
	check_promises(two.image);
	check_vlans(one.image);
	check_vlans(two.image);
	assert_int_equal(endpoint(one.image, "default", "192.168.106.11")->kind, SL_ENDPOINT_LOCAL);
	assert_int_equal(endpoint(two.image, "default", "192.168.106.11")->kind, SL_ENDPOINT_REMOTE);
	assert_int_equal(endpoint(one.image, "default", "192.168.100.11")->kind, SL_ENDPOINT_HOST);
	assert_int_equal(endpoint(two.image, "default", "192.168.100.11")->kind, SL_ENDPOINT_NODE);
	assert_int_equal(one.image->port_count, 10);
	assert_int_equal(two.image->port_count, 10);
	assert_true(one.image->uplinks[0].promisc);
	compiled_free(&one);
	compiled_free(&two);
}

static struct compiled compile_site(const char *path, const char *node)
{
	struct compiled c = { 0 };

	c.plan = plan_read(path, &c.report);
	assert_non_null(c.plan);
	c.image = image_compile(c.plan, node, NULL, &c.report);
	assert_non_null(c.image);
	return c;
}

static uint8_t level(const struct image *i, const char *from, const char *to, uint16_t port)
{
	uint32_t row = judge_in(i, "default", from, to, TCP, port).qos;

	return ((const struct sl_class *)value_of(&i->table[SL_TABLE_sl_class], &row))->level;
}

/* What the sites list by hand passes, in the direction that is listed; the same on all nodes. */
static void pn_between_its_clusters(void **unused)
{
	static const char *const nodes[] = { "node1", "contabo-1", "contabo-3", "ovh-1" };

	(void)unused;
	for (size_t n = 0; n < sizeof(nodes) / sizeof(*nodes); n++) {
		struct compiled c = compile_site("selftests/plans/pn", nodes[n]);
		const struct image *i = c.image;

		assert_true(may(i, "192.168.107.11", "10.17.14.11", TCP, 443));
		assert_true(may(i, "192.168.107.11", "10.18.14.11", TCP, 443));
		assert_false(may(i, "192.168.107.11", "10.17.14.11", TCP, 80));
		assert_false(may(i, "10.17.14.11", "192.168.107.11", TCP, 443));
		assert_false(may(i, "10.17.17.11", "192.168.104.11", TCP, 443)); /* at home both may */
		assert_true(may(i, "10.17.17.11", "10.17.14.11", TCP, 443));
		assert_true(may(i, "192.168.106.11", "10.17.16.11", TCP, 5432));
		assert_true(may(i, "10.17.16.11", "192.168.106.11", TCP, 9094));
		assert_false(may(i, "192.168.106.11", "10.17.16.11", TCP, 2379));
		assert_false(may(i, "10.17.16.11", "10.18.16.11", TCP, 5433));
		assert_false(may(i, "192.168.107.11", "10.17.200.1", TCP, 443)); /* a pod of no network */
		assert_int_equal(level(i, "192.168.106.11", "10.17.16.11", 5432), 1);
		assert_int_equal(level(i, "192.168.106.11", "10.17.16.11", 9093), 2);
		assert_int_equal(level(i, "192.168.106.11", "10.17.16.11", 9000), 3);
		assert_int_equal(level(i, "192.168.107.11", "10.17.14.11", 443), SL_LEVEL_DEFAULT);
		compiled_free(&c);
	}
}

/* Two clusters on one segment: the mesh gateway on the other side's pool, and nothing else. */
static void talos_by_the_mesh(void **unused)
{
	struct compiled infra = compile_site("selftests/plans/talos.json", "infra-2");
	struct compiled apps = compile_site("selftests/plans/talos.json", "apps-2");

	(void)unused;
	assert_true(may(infra.image, "10.244.3.3", "10.25.11.150", TCP, 4143));
	assert_true(may(infra.image, "10.244.3.3", "10.25.11.150", TCP, 4191));
	assert_false(may(infra.image, "10.244.3.3", "10.25.11.150", TCP, 443));
	assert_false(may(infra.image, "10.244.3.3", "10.25.11.151", TCP, 4143));
	assert_false(may(infra.image, "10.244.3.3", "10.246.1.10", TCP, 4143));
	assert_false(may(infra.image, "10.244.3.3", "10.247.0.1", TCP, 4143));
	assert_true(may(apps.image, "10.246.3.3", "10.25.11.100", TCP, 4143));
	assert_false(may(apps.image, "10.246.3.3", "10.244.1.10", TCP, 4143));
	assert_int_equal(level(infra.image, "10.244.3.3", "10.25.11.20", 2049), 7);
	assert_int_equal(infra.report.count + apps.report.count, 0);
	compiled_free(&infra);
	compiled_free(&apps);
}

/* A rule that the plan's asserts forbid is refused by name. */
static void pn_main_with_a_hole_is_refused(void **unused)
{
	struct compiled c = { 0 };

	(void)unused;
	c.plan = plan_read(LAB, &c.report);
	assert_non_null(c.plan);
	for (size_t i = 0; i < c.plan->rule_count; i++) {
		/* Without the seal, and with the OSDs open to Ceph's clients. */
		if (!strcmp(c.plan->policy[i].name, "osd-to-osd")) {
			c.plan->policy[i].from.item[0].kind = SELECT_ANY;
			c.plan->policy[i].from.count = 1;
		}
	}
	c.image = image_compile(c.plan, "node1", NULL, &c.report);
	assert_null(c.image);
	assert_true(says(&c.report,
			 "assert \"ceph clients never see the osd network\": rule \"osd-to-osd\" allows"));
	compiled_free(&c);
}

static void every_example_holds_on_every_node(void **state)
{
	static const char *const examples[] = { "pn",	      "pn-main-lab.json", "kube-dc.json",
						"talos.json", "multicloud.json",  "every-key.json" };

	(void)state;
	for (size_t e = 0; e < sizeof(examples) / sizeof(*examples); e++) {
		struct compiled c = { 0 };
		char path[64];

		snprintf(path, sizeof(path), "selftests/plans/%s", examples[e]);
		c.plan = plan_read(path, &c.report);
		assert_non_null(c.plan);
		plan_check(c.plan, &c.report);
		for (size_t k = 0; k < c.plan->cluster_count; k++)
			for (size_t n = 0; n < c.plan->clusters[k].node_count; n++) {
				c.image = image_compile(c.plan, c.plan->clusters[k].nodes[n].name, NULL,
							&c.report);
				if (!c.image)
					report_print(&c.report, stderr);
				assert_non_null(c.image);
				image_free(c.image);
			}
		assert_false(report_failed(&c.report));
		c.image = NULL;
		compiled_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_holds_on_every_node), cmocka_unit_test(pn_main_on_both_nodes),
		cmocka_unit_test(pn_between_its_clusters),	     cmocka_unit_test(talos_by_the_mesh),
		cmocka_unit_test(pn_main_with_a_hole_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
