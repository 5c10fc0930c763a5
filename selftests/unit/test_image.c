/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The compiler's tables: addresses, networks, VLANs, interfaces, names, for one node of a small plan.
 */
#include <time.h>
#include "image_fixture.h"
#include "../../user/image/compile.h"

#define CLUSTERS                                                                                             \
	"'clusters': {"                                                                                      \
	" 'main': { 'id': 1, 'managed_vlans': ['100-104'], 'nodes': {"                                       \
	"  'node1': { 'addresses': ['192.168.100.11', '172.16.0.1'], 'uplinks': { 'eth1': {}, 'eth0': { "    \
	"'unmanaged': "                                                                                      \
	"'drop', 'mbit': 1000 } } },"                                                                        \
	"  'node2': { 'addresses': ['192.168.100.12'], 'uplinks': { 'eth0': {} } } } },"                     \
	" 'edge': { 'id': 2, 'nodes': { 'edge1': { 'addresses': ['203.0.113.9'] } } } }"

static const char small[] =
	"{ 'sluice': 1, 'fabric': 'small', " CLUSTERS ","
	" 'vpcs': { 'default': {}, 'blue': {}, 'fixed': { 'id': 77 } },"
	" 'networks': {"
	"  'mgmt': { 'id': 100, 'intra': 'allow', 'ipv6': 'pass', 'sites': { 'main': { 'vlan': 100, 'cidrs': "
	"['192.168.100.0/24'] } } },"
	"  'apps': { 'id': 103, 'intra': 'allow', 'fail': 'open', 'broadcast': 'allow', 'sites': {"
	"   'main': { 'vlan': 103, 'cidrs': ['10.0.3.0/24'], 'gateway': '10.0.3.1', 'uplink': 'eth1' },"
	"   'edge': { 'overlay': true, 'cidrs': ['10.1.3.0/24'] } } },"
	"  'tiny': { 'id': 104, 'enforce': 'monitor', 'sites': { 'main': { 'overlay': true, 'cidrs': "
	"['10.0.4.0/30'] } } },"
	"  'far': { 'id': 105, 'sites': { 'edge': { 'overlay': true, 'cidrs': ['10.1.5.0/24'] } } },"
	"  'blue-apps': { 'id': 203, 'vpc': 'blue', 'multicast': 'allow', 'sites': { 'main': { 'vlan': 101, "
	"'cidrs': "
	"['10.0.3.0/24'] } } } },"
	" 'groups': { 'few': { 'members': ['10.0.3.19-10.0.3.24'] }, 'unused': { 'members': ['10.0.3.0/25'] "
	"} },"
	" 'workloads': ["
	"  { 'name': 'a', 'network': 'apps', 'address': '10.0.3.10', 'node': 'node1', 'interface': 'veth-a', "
	"'mac': "
	"'02:00:00:00:03:0a' },"
	"  { 'name': 'a2', 'network': 'apps', 'address': '10.0.3.12', 'node': 'node1', 'interface': 'veth-a' "
	"},"
	"  { 'name': 'b', 'network': 'apps', 'address': '10.0.3.20', 'node': 'node2', 'interface': 'veth-b', "
	"'mac': "
	"'02:00:00:00:03:14' },"
	"  { 'name': 'c', 'network': 'blue-apps', 'address': '10.0.3.10', 'node': 'node1', 'interface': "
	"'tap-c' },"
	"  { 'name': 'd', 'network': 'tiny', 'address': '10.0.4.2', 'node': 'node1' } ],"
	" 'policy': ["
	"  { 'name': 'few-in', 'from': ['network:mgmt'], 'to': ['group:few'], 'ports': ['tcp/80'], 'action': "
	"'allow' },"
	"  { 'name': 'one', 'from': ['cidr:198.51.100.7/32'], 'to': ['network:apps'], 'ports': ['any'], "
	"'action': "
	"'allow' } ] }";

static struct link_fact node1_links[] = {
	{ .name = "eth0", .ifindex = 2, .mac = { 2, 0, 0, 0, 0, 2 } },
	{ .name = "eth1", .ifindex = 3, .mac = { 2, 0, 0, 0, 0, 3 } },
	{ .name = "veth-a", .ifindex = 10, .mac = { 2, 0, 0, 0, 0, 10 }, .peer_elsewhere = true },
	{ .name = "stranger", .ifindex = 11 },
};
static const struct link_facts present = { .item = node1_links, .count = 4 };

static void addresses_have_their_kinds(void **unused)
{
	struct compiled c = compile_with(small, "node1", &present);
	static const uint8_t mac_a[6] = { 2, 0, 0, 0, 3, 10 }, mac_b[6] = { 2, 0, 0, 0, 3, 20 };
	const struct image *i = c.image;
	const struct sl_endpoint *e;

	(void)unused;
	assert_non_null(i);
	assert_sorted(i);
	e = endpoint(i, "default", "10.0.3.10");
	assert_int_equal(e->kind, SL_ENDPOINT_LOCAL);
	assert_int_equal(e->network, 103);
	assert_int_equal(e->ifindex, 10);
	assert_int_equal(e->flags, SL_ENDPOINT_PEER);
	assert_memory_equal(e->mac, mac_a, 6);
	e = endpoint(i, "default", "10.0.3.20");
	assert_int_equal(e->kind, SL_ENDPOINT_REMOTE);
	assert_int_equal(e->ifindex, 0);
	assert_memory_equal(e->mac, mac_b, 6);
	{
		struct sl_node_key key = { .node = e->node };
		const struct sl_node *node = value_of(&i->table[SL_TABLE_sl_node], &key);

		/* edge1 comes first: clusters by name, then nodes by name, this node left out. */
		assert_int_equal(e->node, 2);
		assert_non_null(node);
		assert_int_equal(ntohl(node->addr), addr("192.168.100.12"));
	}
	e = endpoint(i, "blue", "10.0.3.10");
	assert_int_equal(e->kind, SL_ENDPOINT_LOCAL);
	assert_int_equal(e->network, 203);
	assert_int_equal(e->ifindex, 0); /* tap-c is absent */
	assert_int_equal(e->flags, 0);
	e = endpoint(i, "default", "10.0.4.2");
	assert_int_equal(e->kind, SL_ENDPOINT_LOCAL);
	assert_int_equal(e->flags, SL_ENDPOINT_STACK);
	e = endpoint(i, "default", "192.168.100.11");
	assert_int_equal(e->kind, SL_ENDPOINT_HOST);
	assert_int_equal(e->network, 100);
	e = endpoint(i, "default", "172.16.0.1");
	assert_int_equal(e->kind, SL_ENDPOINT_HOST);
	assert_int_equal(e->network, SL_NET_HOST);
	e = endpoint(i, "default", "192.168.100.12");
	assert_int_equal(e->kind, SL_ENDPOINT_NODE);
	assert_int_equal(e->network, 100);
	e = endpoint(i, "default", "203.0.113.9");
	assert_int_equal(e->kind, SL_ENDPOINT_NODE);
	assert_int_equal(e->network, SL_NET_WORLD);
	assert_int_equal(endpoint(i, "default", "10.0.3.1")->kind, SL_ENDPOINT_GATEWAY);
	assert_int_equal(endpoint(i, "default", "10.0.3.255")->kind, SL_ENDPOINT_BROADCAST);
	assert_int_equal(endpoint(i, "blue", "10.0.3.255")->kind, SL_ENDPOINT_BROADCAST);
	/* No VLAN, no broadcast of ours. */
	assert_int_equal(endpoint(i, "default", "10.0.4.3")->kind, SL_ENDPOINT_NETWORK);
	assert_int_equal(endpoint(i, "default", "10.0.3.77")->kind, SL_ENDPOINT_NETWORK);
	assert_int_equal(endpoint(i, "default", "10.1.5.1")->kind, SL_ENDPOINT_NETWORK);
	e = endpoint(i, "default", "198.51.100.7");
	assert_int_equal(e->kind, SL_ENDPOINT_WORLD);
	assert_int_not_equal(e->class, class_at(i, "default", "198.51.100.8"));
	assert_int_equal(endpoint(i, "blue", "8.8.8.8")->kind, SL_ENDPOINT_WORLD);
	assert_int_equal(endpoint(i, "fixed", "0.0.0.0")->kind, SL_ENDPOINT_WORLD);
	assert_null(image_classify(i, 12345, addr("10.0.3.10")));
	compiled_free(&c);
}

static void classes_split_only_where_rules_look(void **unused)
{
	struct compiled c = compile_text(small, "node1");
	const struct image *i = c.image;

	(void)unused;
	/* "few" is .19-.24; "unused" splits nothing, nor do workloads by themselves. */
	assert_int_equal(class_at(i, "default", "10.0.3.10"), class_at(i, "default", "10.0.3.200"));
	assert_int_equal(class_at(i, "default", "10.0.3.18"), class_at(i, "default", "10.0.3.200"));
	assert_int_not_equal(class_at(i, "default", "10.0.3.19"), class_at(i, "default", "10.0.3.200"));
	for (uint32_t host = 19; host <= 24; host++)
		assert_int_equal(image_classify(i, vpc_id(i, "default"), addr("10.0.3.0") + host)->class,
				 class_at(i, "default", "10.0.3.20"));
	assert_int_equal(class_at(i, "default", "10.0.3.25"), class_at(i, "default", "10.0.3.200"));
	/* The same addresses in another VPC, and in another cluster, are somebody else. */
	assert_int_not_equal(class_at(i, "default", "10.0.3.10"), class_at(i, "blue", "10.0.3.10"));
	assert_int_not_equal(class_at(i, "default", "10.0.3.10"), class_at(i, "default", "10.1.3.10"));
	assert_string_equal(i->classes[class_at(i, "default", "10.0.3.19") - 1].label, "apps+few");
	assert_string_equal(i->classes[class_at(i, "default", "10.1.3.19") - 1].label, "apps@edge");
	assert_string_equal(i->classes[class_at(i, "blue", "1.1.1.1") - 1].label, "world (vpc blue)");
	assert_string_equal(i->classes[class_at(i, "default", "192.168.100.11") - 1].label, "host in mgmt");
	assert_string_equal(i->classes[class_at(i, "default", "203.0.113.9") - 1].label, "remote-host@edge");
	compiled_free(&c);
}

static void networks_and_vlans(void **unused)
{
	struct compiled c = compile_with(small, "node1", &present);
	const struct image *i = c.image;
	const struct sl_network *n;
	const struct sl_vlan *v;
	uint32_t key = 103;

	(void)unused;
	assert_non_null(i);
	n = value_of(&i->table[SL_TABLE_sl_network], &key);
	assert_non_null(n);
	assert_int_equal(n->vlan, 103);
	assert_int_equal(n->uplink, 3);
	assert_int_equal(ntohl(n->gateway), addr("10.0.3.1"));
	assert_int_equal(n->flags, SL_NETWORK_FAIL_OPEN | SL_NETWORK_BROADCAST);
	key = 100;
	n = value_of(&i->table[SL_TABLE_sl_network], &key);
	assert_int_equal(n->uplink, 2); /* the first by name */
	assert_int_equal(n->flags, SL_NETWORK_IPV6_PASS);
	assert_int_equal(n->vpc, vpc_id(i, "default"));
	key = 104;
	n = value_of(&i->table[SL_TABLE_sl_network], &key);
	assert_int_equal(n->flags, SL_NETWORK_MONITOR | SL_NETWORK_OVERLAY);
	assert_int_equal(n->vlan, 0);
	assert_int_equal(n->uplink, 0);
	key = 105; /* no site here */
	n = value_of(&i->table[SL_TABLE_sl_network], &key);
	assert_non_null(n);
	assert_int_equal(n->vlan, 0);
	assert_int_equal(n->flags, 0);
	/* 100, 101, 103 are networks, 102 and 104 are managed without one. */
	assert_int_equal(i->table[SL_TABLE_sl_vlan].count, 5);
	key = 101;
	v = value_of(&i->table[SL_TABLE_sl_vlan], &key);
	assert_int_equal(v->state, SL_VLAN_NETWORK);
	assert_int_equal(v->network, 203);
	key = 102;
	v = value_of(&i->table[SL_TABLE_sl_vlan], &key);
	assert_int_equal(v->state, SL_VLAN_UNASSIGNED);
	assert_int_equal(i->vlan_fail_count, 3);
	assert_int_equal(i->vlan_fail[2].vlan, 103);
	assert_true(i->vlan_fail[2].open);
	assert_false(i->vlan_fail[0].open);
	compiled_free(&c);
}

static void interfaces_present_and_planned(void **unused)
{
	struct compiled c = compile_with(small, "node1", &present);
	const struct image *i = c.image;
	struct sl_member_key member = { .network = 103 };
	const struct sl_iface *iface;
	uint32_t key = 2;

	(void)unused;
	assert_non_null(i);
	assert_int_equal(i->table[SL_TABLE_sl_iface].count, 3);
	iface = value_of(&i->table[SL_TABLE_sl_iface], &key);
	assert_int_equal(iface->kind, SL_IFACE_UPLINK);
	assert_int_equal(iface->flags, SL_IFACE_UNMANAGED_DROP);
	assert_int_equal(iface->mac[5], 2);
	key = 10;
	iface = value_of(&i->table[SL_TABLE_sl_iface], &key);
	assert_int_equal(iface->kind, SL_IFACE_WORKLOAD);
	assert_int_equal(iface->network, 103);
	assert_int_equal(iface->vpc, vpc_id(i, "default"));
	assert_int_equal(iface->mac[5], 10);
	assert_int_equal(i->table[SL_TABLE_sl_member].count, 1);
	assert_non_null(value_of(&i->table[SL_TABLE_sl_member], &member));
	assert_int_equal(i->uplink_count, 2);
	assert_string_equal(i->uplinks[0].name, "eth0");
	assert_int_equal(i->uplinks[0].mbit, 1000);
	assert_false(i->uplinks[0].promisc);
	assert_true(i->uplinks[1].promisc); /* carries VLAN 103, where a has a MAC */
	assert_int_equal(i->port_count, 2); /* two workloads share veth-a, tap-c is absent but planned */
	assert_string_equal(i->ports[0].name, "tap-c");
	assert_string_equal(i->ports[1].name, "veth-a");
	assert_true(i->ports[1].fail_open);
	compiled_free(&c);
	c = compile_text(small, "node1");
	assert_int_equal(c.image->table[SL_TABLE_sl_iface].count, 0);
	assert_int_equal(c.image->port_count, 2);
	assert_int_equal(endpoint(c.image, "default", "10.0.3.10")->ifindex, 0);
	compiled_free(&c);
}

static void names_and_settings(void **unused)
{
	struct compiled c = compile_with(small, "node1", &present);
	const struct image *i = c.image;
	const struct sl_setting *s;
	const char *state = "";
	uint32_t key = 0;

	(void)unused;
	assert_non_null(i);
	s = value_of(&i->table[SL_TABLE_sl_setting], &key);
	assert_int_equal(s->mark_mask, SL_MARK_MASK);
	assert_int_equal(s->judged_mark, 0x00800000);
	assert_int_equal(s->flags, SL_SETTING_WAN);
	assert_int_equal(s->node_vpc, vpc_id(i, "default"));
	assert_int_equal(s->node_addr, htonl(0xc0a8640b));
	assert_string_equal(i->node, "node1");
	assert_string_equal(i->cluster, "main");
	assert_int_equal(vpc_id(i, "fixed"), 77);
	assert_string_equal(image_vpc_name(i, 77), "fixed");
	assert_string_equal(image_rule_name(i, 0), "default deny");
	assert_string_equal(image_rule_name(i, 1), "few-in");
	assert_string_equal(image_rule_name(i, 3), "intra apps");
	assert_string_equal(image_rule_name(i, 4), "intra mgmt");
	assert_string_equal(image_rule_name(i, 5), "host");
	assert_string_equal(image_rule_name(i, 6), "unknown rule");
	assert_string_equal(image_network_name(i, 0), "world");
	assert_string_equal(image_network_name(i, SL_NET_HOST), "host");
	assert_string_equal(image_network_name(i, 203), "blue-apps");
	for (size_t n = 0; n < i->name_count; n++)
		if (i->names[n].key.kind == SL_NAME_STATE)
			state = i->names[n].name.name;
	assert_string_equal(state, "normal");
	for (size_t n = 1; n < i->name_count; n++)
		assert_true(memcmp(&i->names[n - 1].key, &i->names[n].key, sizeof(struct sl_name_key)) < 0);
	compiled_free(&c);
}

static void equal_input_gives_equal_bytes(void **unused)
{
	struct compiled a = compile_with(small, "node1", &present),
			b = compile_with(small, "node1", &present);
	struct compiled other = compile_with(small, "node2", &present), bare = compile_text(small, "node1");

	(void)unused;
	assert_same_image(a.image, b.image);
	assert_true(a.image->hash != other.image->hash);
	assert_true(a.image->hash != bare.image->hash);
	compiled_free(&a);
	compiled_free(&b);
	compiled_free(&other);
	compiled_free(&bare);
}

static void refused(const char *text, const char *node, const char *words)
{
	struct compiled c = compile_with(text, node, NULL);

	assert_null(c.image);
	assert_true(says(&c.report, words));
	compiled_free(&c);
}

static void what_cannot_be_compiled_is_named(void **unused)
{
	(void)unused;
	refused(small, "node9",
		"node \"node9\" stands in no cluster of the plan; known: edge1, node1, node2");
	refused("{ 'sluice': 1, 'fabric': 'x', " CLUSTERS ", 'networks': {"
		" 'a': { 'id': 1, 'sites': { 'main': { 'vlan': 100, 'cidrs': ['10.0.0.0/24'] } } },"
		" 'b': { 'id': 2, 'sites': { 'main': { 'vlan': 101, 'cidrs': ['10.0.1.0/24'] } } } }, "
		"'workloads': ["
		" { 'name': 'w1', 'network': 'a', 'address': '10.0.0.5', 'node': 'node1', 'interface': "
		"'veth0' },"
		" { 'name': 'w2', 'network': 'b', 'address': '10.0.1.5', 'node': 'node1', 'interface': "
		"'veth0' } ] }",
		"node1", "interface \"veth0\" of workload \"w2\" is in network \"a\" already");
	refused("{ 'sluice': 1, 'fabric': 'x', " CLUSTERS ", 'networks': {"
		" 'a': { 'id': 1, 'sites': { 'main': { 'vlan': 100, 'cidrs': ['10.0.0.0/24'] } } } }, "
		"'workloads': ["
		" { 'name': 'w1', 'network': 'a', 'address': '10.0.0.5', 'node': 'node1', 'interface': "
		"'eth0' } ] }",
		"node1", "interface \"eth0\" is an uplink of node \"node1\"");
}

/* 300 workload interfaces where each broadcast would be copied to all. */
static void too_many_members_are_refused(void **unused)
{
	char *text = NULL;
	size_t size;
	FILE *f;

	(void)unused;
	for (int allowed = 0; allowed < 2; allowed++) {
		struct compiled c;

		f = open_memstream(&text, &size);
		assert_non_null(f);
		fprintf(f,
			"{ 'sluice': 1, 'fabric': 'x', " CLUSTERS
			", 'networks': { 'crowd': { 'id': 1, 'broadcast': '%s',"
			" 'sites': { 'main': { 'vlan': 100, 'cidrs': ['10.0.0.0/22'] } } } }, 'workloads': [",
			allowed ? "allow" : "drop");
		for (int i = 0; i < SL_MAX_MEMBERS + 1; i++)
			fprintf(f,
				"%s{ 'name': 'w%d', 'network': 'crowd', 'address': '10.0.%d.%d', 'node': "
				"'node1', "
				"'interface': 'v%d' }",
				i ? "," : "", i, (i + 1) / 256, (i + 1) % 256, i);
		fprintf(f, "] }");
		assert_int_equal(fclose(f), 0);
		c = compile_with(text, "node1", NULL);
		if (allowed)
			assert_true(says(
				&c.report,
				"network \"crowd\" allows broadcast or multicast and has more than 256"));
		assert_int_equal(c.image == NULL, allowed);
		compiled_free(&c);
		free(text);
	}
}

/* Prints how long a large plan takes; a slow machine is no failure. */
static void a_large_plan(void **unused)
{
	struct timespec before, after;
	char *text = NULL;
	struct compiled c = { 0 };
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)unused;
	assert_non_null(f);
	fprintf(f,
		"{ \"sluice\": 1, \"fabric\": \"large\", \"clusters\": { \"main\": { \"id\": 1, \"nodes\": {"
		" \"node1\": { \"addresses\": [\"172.16.0.1\"] } } } },"
		" \"networks\": { \"shared\": { \"id\": 2, \"sites\": { \"main\": { \"vlan\": 2, \"cidrs\": "
		"[\"12.0.0.0/24\"] "
		"} } }, \"tenants\": { \"id\": 1, \"intra\": \"same:tenant\", \"sites\": { \"main\": { "
		"\"vlan\": 1,"
		" \"cidrs\": [\"11.0.0.0/8\"] } } } }, \"workloads\": [");
	for (int i = 0; i < 100000; i++)
		fprintf(f,
			"%s{\"name\":\"w%d\",\"network\":\"tenants\",\"address\":\"11.%d.%d.%d\",\"node\":"
			"\"node1\","
			"\"interface\":\"v%d\",\"labels\":{\"tenant\":\"%d\"}}",
			i ? "," : "", i, (i + 256) >> 16, (i + 256) >> 8 & 255, i & 255, i, i % 10000);
	fprintf(f, "], \"policy\": [ { \"name\": \"use\", \"from\": [\"network:tenants\"], \"to\": "
		   "[\"network:shared\"],"
		   " \"ports\": [\"tcp/443\"], \"action\": \"allow\" } ] }");
	assert_int_equal(fclose(f), 0);
	c.plan = plan_read_text("large.json", text, size, &c.report);
	assert_non_null(c.plan);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	c.image = image_compile(c.plan, "node1", NULL, &c.report);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	if (!c.image)
		report_print(&c.report, stderr);
	assert_non_null(c.image);
	/* Itself and the shared network for each tenant, the host for everybody: no squares. */
	assert_int_equal(c.image->table[SL_TABLE_sl_pair].count, 10000 + 10001 + 10004);
	printf("100,000 workloads of 10,000 tenants: %ld ms of CPU, %zu classes, %zu pairs\n",
	       (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000,
	       c.image->class_count, c.image->table[SL_TABLE_sl_pair].count);
	compiled_free(&c);
	free(text);
}

/* Whatever order the stages work in: indexes by their value, keys by their bytes. */
static void rows_are_sorted(void **unused)
{
	static const uint32_t given[] = { 300, 5, 65536, 256, 1, 70000, 4, 257, 255 };
	struct heap heap = { 0 };
	struct image image = { 0 };
	struct compile c = { .heap = &heap, .image = &image };
	const struct image_table *rings = &image.table[SL_TABLE_sl_ring];
	const size_t count = sizeof(given) / sizeof(given[0]);

	(void)unused;
	for (size_t i = 0; i < count; i++) {
		struct sl_slot slot = { .addr = given[i] + 7 };
		struct sl_vip_key key = { .addr = given[i] };
		struct sl_vip vip = { .network = (uint16_t)given[i] };

		assert_true(row_add(&c, SL_TABLE_sl_ring, &given[i], &slot));
		assert_true(row_add(&c, SL_TABLE_sl_vip, &key, &vip));
	}
	assert_true(rows_finish(&c));
	assert_sorted(&image);
	assert_int_equal(rings->count, count);
	for (size_t i = 0; i < count; i++) {
		struct sl_vip_key key = { .addr = given[i] };
		uint32_t row[2];

		memcpy(row, rings->rows + i * sizeof(row), sizeof(row));
		assert_int_equal(row[1], row[0] + 7); /* a row stays whole */
		assert_int_equal(
			((const struct sl_vip *)row_find(&image.table[SL_TABLE_sl_vip], &key))->network,
			(uint16_t)given[i]);
	}
	heap_free(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted),
		cmocka_unit_test(addresses_have_their_kinds),
		cmocka_unit_test(classes_split_only_where_rules_look),
		cmocka_unit_test(networks_and_vlans),
		cmocka_unit_test(interfaces_present_and_planned),
		cmocka_unit_test(names_and_settings),
		cmocka_unit_test(equal_input_gives_equal_bytes),
		cmocka_unit_test(what_cannot_be_compiled_is_named),
		cmocka_unit_test(too_many_members_are_refused),
		cmocka_unit_test(a_large_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
