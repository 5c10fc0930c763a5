/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quality of service in the image: classes, rates, tenants, who paces an uplink, which class a pair of addresses gets,
 * limits of latency, and the names that these numbers stand for.
 */
#include "image_fixture.h"

#define TCP 6
#define UDP 17

#define NODES                                                                                                \
	"'clusters': { 'c': { 'id': 7, 'tunnel': { 'interface': 'wg0', 'peers': { 'd': ['198.51.100.1'] } "  \
	"}, "                                                                                                \
	"'nodes': { 'n': { 'addresses': ['192.0.2.1'], 'gateway': true, 'uplinks': { 'eth0': { 'mbit': "     \
	"1000 "                                                                                              \
	"%s }, 'eth1': { 'mbit': 10 }, 'eth2': {}, 'eth3': { 'mbit': 100 } } } } }, 'd': { 'id': 8, "        \
	"'nodes': { 'm': { 'addresses': ['198.51.100.1'] } } } }"
#define NETWORKS                                                                                             \
	"'networks': { 'a': { 'id': 1, 'trust_dscp': true, 'sites': { 'c': { 'vlan': 5, 'cidrs': ["          \
	"'10.0.0.0/24'] } } }, 'b': { 'id': 2, 'sites': { 'c': { 'vlan': 6, 'cidrs': ['10.0.1.0/24'] }, "    \
	"'d': { 'overlay': true, 'cidrs': ['10.1.0.0/24'] } } } }"
#define WORKLOADS                                                                                            \
	"'workloads': [ { 'name': 'w1', 'network': 'a', 'address': '10.0.0.9', 'node': 'n', 'interface': "   \
	"'veth1', 'labels': { 'tenant': 'b', 'zone': 'z' } }, { 'name': 'w2', 'network': 'b', 'address': "   \
	"'10.0.1.9', 'node': 'n', 'interface': 'veth2', 'labels': { 'tenant': 'a' } }, { 'name': 'w3', "     \
	"'network': 'b', 'address': '10.0.1.10', 'node': 'n', 'labels': { 'zone': 'y', 'other': 'x' } }, "   \
	"{ 'name': 'w4', 'network': 'b', 'address': '10.1.0.9', 'node': 'm', 'labels': { 'tenant': 'b' } "   \
	"}, "                                                                                                \
	"{ 'name': 'w5', 'network': 'b', 'address': '10.0.1.11', 'node': 'n', 'labels': { 'other': 'x' } } " \
	"]"

static struct link_fact links[] = {
	{ .name = "eth0", .ifindex = 2, .qdisc = "fq" },
	{ .name = "eth1", .ifindex = 3, .qdisc = "mq" },
	{ .name = "eth2", .ifindex = 4, .qdisc = "noqueue" },
	{ .name = "veth1", .ifindex = 6 },
	{ .name = "veth2", .ifindex = 7 },
};
static const struct link_facts present = { .item = links, .count = sizeof(links) / sizeof(*links) };

/* `uplink`: more of eth0; `more`: of the plan. */
static struct compiled compile_plan(const char *uplink, const char *more)
{
	struct compiled c;
	char *text;

	assert_true(asprintf(&text, "{ 'sluice': 1, " NODES ", " NETWORKS ", " WORKLOADS " %s }", uplink,
			     more) > 0);
	c = compile_with(text, "n", &present);
	free(text);
	return c;
}

/* What maps/name.h promises of names: stable, and computable by whoever has the name. */
static uint32_t fnv1a32(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 16777619U;
	return hash;
}

static const struct sl_class *class_row(const struct image *image, uint32_t row)
{
	return value_of(&image->table[SL_TABLE_sl_class], &row);
}

static const char *name_of(const struct image *image, uint16_t kind, uint32_t id)
{
	for (size_t i = 0; i < image->name_count; i++) {
		if (image->names[i].key.kind == kind && image->names[i].key.id == id)
			return image->names[i].name.name;
	}
	return NULL;
}

static uint32_t setting_flags(const struct image *image)
{
	uint32_t key = 0;

	return ((const struct sl_setting *)value_of(&image->table[SL_TABLE_sl_setting], &key))->flags;
}

static void classes_by_priority_then_name(void **unused)
{
	static const struct {
		const char *name;
		uint8_t level, dscp, priority;
	} want[] = {
		{ "", 5, 0, 2 },      { "one", 1, 46, 6 },  { "two", 2, 0, 4 }, { "alpha", 3, 0, 0 },
		{ "beta", 3, 63, 0 }, { "five", 5, 10, 2 }, { "six", 6, 0, 2 }, { "seven", 7, 8, 1 },
	};
	struct compiled c = compile_plan("", ", 'qos': { 'default_priority': 5, 'max_delay_ms': 250, "
					     "'classes': { 'seven': { 'priority': 7, "
					     "'dscp': 'CS1' }, 'beta': { 'priority': 3, 'dscp': 63 }, "
					     "'alpha': { 'priority': 3 }, 'one': { "
					     "'priority': 1, 'dscp': 'EF' }, 'two': { 'priority': 2 }, "
					     "'five': { 'priority': 5, 'dscp': 'AF11' "
					     "}, 'six': { 'priority': 6 } } }");
	uint32_t zero = 0;

	(void)unused;
	assert_non_null(c.image);
	assert_int_equal(c.image->table[SL_TABLE_sl_class].count, 8);
	for (uint32_t i = 0; i < 8; i++) {
		const struct sl_class *row = class_row(c.image, i);

		assert_int_equal(row->name, i ? fnv1a32(want[i].name) : 0);
		assert_int_equal(row->level, want[i].level);
		assert_int_equal(row->dscp, want[i].dscp);
		assert_int_equal(row->priority, want[i].priority);
		if (i)
			assert_string_equal(name_of(c.image, SL_NAME_CLASS, row->name), want[i].name);
	}
	assert_int_equal(((const struct sl_setting *)value_of(&c.image->table[SL_TABLE_sl_setting], &zero))
				 ->horizon_ms,
			 250);
	assert_int_equal(setting_flags(c.image), SL_SETTING_WAN | SL_SETTING_GATEWAY | SL_SETTING_QOS);
	compiled_free(&c);
}

static void without_qos_there_is_one_level(void **unused)
{
	struct compiled c = compile_plan("", "");

	(void)unused;
	assert_non_null(c.image);
	assert_int_equal(c.image->table[SL_TABLE_sl_class].count, 1);
	assert_int_equal(class_row(c.image, 0)->level, SL_LEVEL_DEFAULT);
	assert_int_equal(c.image->table[SL_TABLE_sl_rate].count, 0);
	assert_int_equal(setting_flags(c.image), SL_SETTING_WAN | SL_SETTING_GATEWAY);
	assert_int_equal(endpoint(c.image, "default", "10.0.0.9")->tenant, 0);
	compiled_free(&c);
}

/* --- rates */

struct rate {
	uint32_t kind, id, mbit;
	uint64_t cost, burst; /* cost: ns a byte takes, times 2^20 */
	const char *name;
};

static void assert_rates(const struct image *image, const struct rate *want, size_t count)
{
	const struct image_table *table = &image->table[SL_TABLE_sl_rate];

	for (size_t i = 0; i < count; i++) {
		struct sl_rate_key key = { .kind = want[i].kind, .id = want[i].id };
		const struct sl_rate *row = value_of(table, &key);

		if (!row)
			fail_msg("no rate %u %u", key.kind, key.id);
		else if (row->mbit != want[i].mbit || row->cost != want[i].cost ||
			 row->burst != want[i].burst)
			fail_msg("rate %u %u: mbit %u cost %llu burst %llu", key.kind, key.id, row->mbit,
				 (unsigned long long)row->cost, (unsigned long long)row->burst);
		else
			assert_int_equal(row->name, want[i].name ? fnv1a32(want[i].name) : 0);
	}
	assert_int_equal(table->count, count);
}

static void rates_in_time(void **unused)
{
	static const struct rate want[] = {
		{ SL_RATE_CLASS, 1, 100, 83886080, 5242880, NULL }, /* 65536 bytes */
		{ SL_RATE_CLASS, 2, 1, 8388608000, 48448000, NULL }, /* four frames take longer than 10 ms */
		{ SL_RATE_CLASS, 4, 400, 20971520, 10000000, NULL },
		{ SL_RATE_CLUSTER, 8, 500, 16777216, 10000000, NULL }, /* none towards this cluster itself */
		{ SL_RATE_LABEL, 1, 50, 167772160, 10000000, "tenant=a" },
		{ SL_RATE_LABEL, 2, 50, 167772160, 10000000, "tenant=b" },
		{ SL_RATE_LABEL, 3, 3, 2796202666, 16149333, "zone=y" },
		{ SL_RATE_LINK, 2, 1000, 8388608, 1000000, NULL },
		{ SL_RATE_LINK, 3, 10, 838860800, 2422400, NULL }, /* eth2 says no speed, eth3 is absent */
	};
	struct compiled c = compile_plan("", ", 'qos': { 'classes': { 'p': { 'priority': 1, 'rate_mbit': "
					     "100, 'burst_bytes': 65536 }, 'q': { "
					     "'priority': 2, 'rate_mbit': 1 }, 'r': { 'priority': 3 }, 's': "
					     "{ 'priority': 4, 'rate_mbit': 400 } }, "
					     "'per_cluster': { 'c': { 'rate_mbit': 9 }, 'd': { 'rate_mbit': "
					     "500 } }, 'per_label': { 'zone': { "
					     "'rate_mbit': 3 }, 'tenant': { 'rate_mbit': 50 } } }");

	(void)unused;
	assert_non_null(c.image);
	assert_rates(c.image, want, sizeof(want) / sizeof(*want));
	assert_int_equal(setting_flags(c.image),
			 SL_SETTING_WAN | SL_SETTING_GATEWAY | SL_SETTING_QOS | SL_SETTING_LABELS);
	/* "zone=z" has nobody: w1's first label by name is its tenant. */
	assert_int_equal(endpoint(c.image, "default", "10.0.0.9")->tenant, 2);
	assert_int_equal(endpoint(c.image, "default", "10.0.1.9")->tenant, 1);
	assert_int_equal(endpoint(c.image, "default", "10.0.1.10")->tenant, 3);
	assert_int_equal(endpoint(c.image, "default", "10.1.0.9")->tenant, 2);
	assert_int_equal(endpoint(c.image, "default", "10.0.1.11")->tenant, 0);
	assert_int_equal(endpoint(c.image, "default", "10.0.1.12")->tenant, 0);
	assert_string_equal(name_of(c.image, SL_NAME_LABEL, fnv1a32("tenant=b")), "tenant=b");
	assert_string_equal(name_of(c.image, SL_NAME_CLUSTER, 8), "d");
	assert_string_equal(name_of(c.image, SL_NAME_CLUSTER, 7), "c");
	compiled_free(&c);
}

/* Two names that FNV-1a does not tell apart. */
static void names_are_told_apart(void **unused)
{
	struct compiled c = compile_plan("", ", 'qos': { 'classes': { 'gtbxq': { 'priority': 1 }, 'yicrg': { "
					     "'priority': 2 } } }");

	(void)unused;
	assert_int_equal(fnv1a32("gtbxq"), fnv1a32("yicrg"));
	assert_null(c.image);
	assert_true(
		says(&c.report,
		     "$.qos: classes \"gtbxq\" and \"yicrg\" look the same to the programs, rename one") ||
		says(&c.report,
		     "$.qos: classes \"yicrg\" and \"gtbxq\" look the same to the programs, rename one"));
	compiled_free(&c);
}

/* The same of labels, of which the value is as free. */
/* Two workloads with these values of a label that has a rate. */
static struct compiled labelled(const char *one, const char *other)
{
	struct compiled c;
	char *text;

	assert_true(
		asprintf(&text,
			 "{ 'sluice': 1, 'clusters': { 'c': { 'id': 1, 'nodes': { 'n': { 'addresses': "
			 "['192.0.2.1'] } } } }, 'networks': { 'a': { 'id': 1, 'sites': { 'c': { 'overlay': "
			 "true, 'cidrs': ['10.0.0.0/24'] } } } }, 'workloads': [ { 'name': 'x', 'network': "
			 "'a', 'address': '10.0.0.1', 'node': 'n', 'labels': { 't': '%s' } }, { 'name': 'y', "
			 "'network': 'a', 'address': '10.0.0.2', 'node': 'n', 'labels': { 't': '%s' } } ], "
			 "'qos': { 'per_label': { 't': { 'rate_mbit': 5 } } } }",
			 one, other) > 0);
	c = compile_with(text, "n", NULL);
	free(text);
	return c;
}

static void labels_are_told_apart(void **unused)
{
	struct compiled c = labelled("xfaf1", "yyhg3d");

	(void)unused;
	assert_int_equal(fnv1a32("t=xfaf1"), fnv1a32("t=yyhg3d"));
	assert_null(c.image);
	assert_true(says(&c.report, "look the same to the programs, rename one"));
	compiled_free(&c);
}

/* A name that is cut would be another tenant's name, too. */
static void labels_are_told_whole(void **unused)
{
#define SIXTY "a-value-of-sixty-bytes-that-a-table-of-names-can-hold-whole-"
	struct compiled c = labelled(SIXTY "1", SIXTY "2");

	(void)unused;
	assert_non_null(c.image);
	assert_non_null(name_of(c.image, SL_NAME_LABEL, fnv1a32("t=" SIXTY "2")));
	assert_string_equal(name_of(c.image, SL_NAME_LABEL, fnv1a32("t=" SIXTY "2")), "t=" SIXTY "2");
	compiled_free(&c);
	c = labelled(SIXTY "1", SIXTY "22");
	assert_null(c.image);
	assert_true(says(&c.report,
			 "$.workloads[1]: label t has a rate, and \"a-value-of-sixty...\" is too long"));
	compiled_free(&c);
#undef SIXTY
}

/* --- who paces an uplink */

static void paced(const char *planned, const char *qdisc, const char *shaper, uint8_t flags, bool warned)
{
	struct sl_iface_key key = { .ifindex = 2 };
	struct compiled c;
	char uplink[64];

	snprintf(uplink, sizeof(uplink), ", 'pacing': '%s'", planned);
	snprintf(links[0].qdisc, sizeof(links[0].qdisc), "%s", qdisc);
	snprintf(links[0].shaper, sizeof(links[0].shaper), "%s", shaper);
	c = compile_plan(uplink, ", 'qos': { 'classes': { 'x': { 'priority': 1 } } }");
	strcpy(links[0].qdisc, "fq");
	links[0].shaper[0] = 0;
	assert_non_null(c.image);
	assert_int_equal(((const struct sl_iface *)value_of(&c.image->table[SL_TABLE_sl_iface], &key))->flags,
			 flags);
	assert_int_equal(c.report.warnings, warned);
	assert_true(!warned ||
		    says(&c.report, "uplinks.eth0: eth0 is shaped by tbf already: sluice only marks there"));
	compiled_free(&c);
}

static void one_shaper_at_a_time(void **unused)
{
	(void)unused;
	paced("auto", "fq", "", SL_IFACE_EDT, false);
	paced("auto", "fq_codel", "", 0, false);
	paced("auto", "mq", "", 0, false);
	paced("fq", "fq", "", SL_IFACE_EDT, false);
	paced("bucket", "fq", "", 0, false);
	paced("bucket", "noqueue", "", 0, false);
	paced("off", "fq", "", SL_IFACE_SHAPED, false);
	paced("off", "tbf", "tbf", SL_IFACE_SHAPED, false);
	paced("auto", "tbf", "tbf", SL_IFACE_SHAPED, true);
	paced("fq", "fq", "tbf", SL_IFACE_SHAPED, true);
	paced("bucket", "tbf", "tbf", SL_IFACE_SHAPED, true);
}

static void trusted_workloads(void **unused)
{
	struct sl_iface_key one = { .ifindex = 6 }, two = { .ifindex = 7 };
	struct compiled c = compile_plan(", 'pacing': 'bucket'", "");
	const struct image_table *table = &c.image->table[SL_TABLE_sl_iface];

	(void)unused;
	assert_int_equal(((const struct sl_iface *)value_of(table, &one))->flags, SL_IFACE_TRUST_DSCP);
	assert_int_equal(((const struct sl_iface *)value_of(table, &two))->flags, 0);
	assert_int_equal(c.image->uplinks[0].pacing, PACING_BUCKET);
	assert_int_equal(c.image->uplinks[1].pacing, PACING_AUTO);
	compiled_free(&c);
}

/* --- which class */

#define CLASSES "'classes': { 'hi': { 'priority': 1 }, 'lo': { 'priority': 2 } }"
#define QOS(class, from, to, ports)                                                                          \
	"{ 'class': '" class "', 'from': ['" from "'], 'to': ['" to "'], 'ports': [" ports "] }"

static void the_first_rule_gives_the_class(void **unused)
{
	static const struct {
		const char *from, *to;
		uint8_t proto;
		uint16_t port;
		uint8_t qos;
		bool may;
	} asked[] = {
		{ "10.0.0.9", "10.0.1.9", TCP, 443, 2, true }, /* lo's rule stands first */
		{ "10.0.0.9", "10.0.1.9", TCP, 444, 1, true },
		{ "10.0.0.9", "10.0.1.9", TCP, 80, 1, false }, /* classes are not permissions: services are */
		{ "10.0.0.9", "10.0.1.9", UDP, 443, 0, false },
		{ "10.0.1.9", "10.0.0.9", TCP, 443, 0, false }, /* as who opens */
		{ "10.0.0.9", "8.8.8.8", TCP, 25, 2, true },
		{ "10.0.0.9", "8.8.8.8", UDP, 53, 2, true },
		{ "10.0.0.9", "10.1.0.9", TCP, 444, 0, false }, /* no route leads there */
		{ "192.0.2.1", "10.1.0.9", TCP, 443, 2, false }, /* of a node none is asked */
		{ "10.0.1.9", "10.1.0.9", TCP, 5432, 1, true },
		{ "10.0.1.9", "10.1.0.9", TCP, 5433, 1, false },
	};
	struct compiled c = compile_plan(
		"",
		", 'policy': [ { 'name': 'p', 'from': ['network:a', 'network:b'], 'to': ['network:b', "
		"'world'], "
		"'ports': ['tcp/443-444', 'tcp/25', 'tcp/5432', 'udp/53'], 'action': 'allow' } ], 'routes': "
		"[ { 'name': "
		"'r', 'from': 'network:b@c', 'to': 'network:b@d', 'ports': ['tcp/5432'] } ], 'qos': "
		"{ " CLASSES ", 'rules': [" QOS("lo", "any", "network:b", "'tcp/443'") ", " QOS(
			"hi", "network:a", "network:b",
			"'tcp'") ", " QOS("lo", "network:a", "world",
					  "'any'") ", " QOS("hi", "network:b", "cluster:d", "'tcp'") "] }");

	(void)unused;
	assert_non_null(c.image);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		struct image_decision d = judge_in(c.image, "default", asked[i].from, asked[i].to,
						   asked[i].proto, asked[i].port);

		if (d.qos != asked[i].qos || (d.policy == SL_POLICY_ALLOW) != asked[i].may)
			fail_msg("%s -> %s %u/%u: class %u policy %u", asked[i].from, asked[i].to,
				 asked[i].proto, asked[i].port, d.qos, d.policy);
	}
	compiled_free(&c);
}

/* A row that is there for its class only allows nothing, in the matrix neither. */
static void classes_open_nothing(void **unused)
{
	struct compiled c =
		compile_plan("", ", 'qos': { " CLASSES ", 'rules': [" QOS("hi", "any", "any", "'any'") "] }");
	struct sl_pair_key key = { 0 };
	const struct sl_pair *row;
	struct matrix matrix;
	char text[64];

	(void)unused;
	assert_non_null(c.image);
	key.src = class_at(c.image, "default", "10.0.0.9");
	key.dst = class_at(c.image, "default", "10.0.1.9");
	row = value_of(&c.image->table[SL_TABLE_sl_pair], &key);
	assert_non_null(row);
	assert_int_equal(row->policy, 0);
	assert_int_equal(row->qos, 1);
	assert_int_equal(row->rule, 0);
	assert_true(matrix_build(c.image, &matrix));
	matrix_text(matrix_cell(&matrix, "a", "b"), text, sizeof(text));
	assert_string_equal(text, "-");
	matrix_free(&matrix);
	compiled_free(&c);
}

static void rules_that_give_nothing_are_told(void **unused)
{
	struct compiled c = compile_plan("", ", 'qos': { " CLASSES ", 'rules': [" QOS(
						     "hi", "network:a@c", "network:b@d", "'any'") "] }");

	(void)unused;
	assert_non_null(c.image);
	assert_int_equal(c.report.warnings, 1);
	assert_true(says(&c.report,
			 "$.qos.rules[0]: rule of QoS class \"hi\" can never match: its \"from\" and \"to\" "
			 "stand in different clusters, which no route joins"));
	compiled_free(&c);
}

/* More pairs of classes than the table holds, and all of them for a class. */
static void too_many_pairs_name_the_rule(void **unused)
{
	struct compiled c;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)unused;
	assert_non_null(f);
	fprintf(f, "{ 'sluice': 1, 'clusters': { 'c': { 'id': 1, 'nodes': { 'n': { 'addresses': "
		   "['192.0.2.1'] } } } }, "
		   "'networks': { 'a': { 'id': 1, 'intra': 'same:t', 'sites': { 'c': { 'overlay': true, "
		   "'cidrs': "
		   "['10.0.0.0/16'] } } } }, 'qos': { " CLASSES
		   ", 'rules': [" QOS("hi", "network:a", "network:a", "'any'") "] }, 'workloads': [");
	for (int i = 0; i < 2100; i++)
		fprintf(f,
			"%s{ 'name': 'w%d', 'network': 'a', 'address': '10.0.%d.%d', 'node': 'n', 'labels': "
			"{ 't': '%d' } }",
			i ? ", " : "", i, i / 250, 1 + i % 250, i);
	fprintf(f, "] }");
	fclose(f);
	c = compile_with(text, "n", NULL);
	assert_null(c.image);
	assert_true(says(&c.report, "$.qos.rules[0]: the plan needs "));
	assert_true(says(&c.report, "\"hi\" makes "));
	compiled_free(&c);
	free(text);
}

static void limits_of_latency(void **unused)
{
	struct compiled c = compile_plan("", ", 'slo': [ { 'from': 'cluster:c', 'to': 'cluster:d', "
					     "'expect_ms': [50, 100], 'max_ms': 200 }, { 'from': "
					     "'network:a', 'to': 'network:b', 'max_ms': 5 }, { 'from': "
					     "'network:b', 'to': 'network:a', 'max_ms': "
					     "3600000 } ]");
	static const struct sl_slo want[] = {
		{ .src_cluster = 7, .dst_cluster = 8, .low_us = 50000, .high_us = 100000, .max_us = 200000 },
		{ .src_network = 1, .dst_network = 2, .max_us = 5000 },
		{ .src_network = 2, .dst_network = 1, .max_us = 3600000000U },
	};

	(void)unused;
	assert_non_null(c.image);
	assert_int_equal(c.image->table[SL_TABLE_sl_slo].count, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_memory_equal(value_of(&c.image->table[SL_TABLE_sl_slo], &i), &want[i], sizeof(*want));
	compiled_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_by_priority_then_name),
		cmocka_unit_test(without_qos_there_is_one_level),
		cmocka_unit_test(rates_in_time),
		cmocka_unit_test(names_are_told_apart),
		cmocka_unit_test(labels_are_told_apart),
		cmocka_unit_test(labels_are_told_whole),
		cmocka_unit_test(one_shaper_at_a_time),
		cmocka_unit_test(trusted_workloads),
		cmocka_unit_test(the_first_rule_gives_the_class),
		cmocka_unit_test(classes_open_nothing),
		cmocka_unit_test(rules_that_give_nothing_are_told),
		cmocka_unit_test(too_many_pairs_name_the_rule),
		cmocka_unit_test(limits_of_latency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
