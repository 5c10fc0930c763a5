/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Other clusters in the image: whose an address is, what it means on an uplink, the tunnel, routes beside rules, and
 * services that stand elsewhere.
 */
#include "image_fixture.h"

#define TCP 6
#define UDP 17
#define ICMP 1

#define RULE(name, from, to, ports)                                                                          \
	"{ 'name': '" name "', 'from': ['" from "'], 'to': ['" to "'], 'ports': [" ports                     \
	"], 'action': 'allow' }"
#define DENY(name, from, to, ports)                                                                          \
	"{ 'name': '" name "', 'from': ['" from "'], 'to': ['" to "'], 'ports': [" ports                     \
	"], 'action': 'deny' }"
#define ROUTE(name, from, to, ports)                                                                         \
	"{ 'name': '" name "', 'from': '" from "', 'to': '" to "', 'ports': [" ports "] }"

#define CLUSTERS(host)                                                                                       \
	"'clusters': { 'main': { 'id': 7, 'pod_cidrs': ['10.16.0.0/16'], 'service_cidrs': "                  \
	"['10.233.0.0/18'], "                                                                                \
	"'reserved_cidrs': ['10.19.0.0/16'], 'pools': { 'lb': ['198.18.0.18-198.18.0.19'] }, 'tunnel': { "   \
	"'interface': 'wg0', 'port': 51821, 'mtu': 1400, 'peers': { 'edge': ['198.51.100.10'], 'far': "      \
	"['203.0.113.10'] } }," host " 'nodes': { 'g1': { 'addresses': ['192.168.106.2', '192.0.2.1'], "     \
	"'gateway': true, 'uplinks': { 'eth0': { 'mbit': 1000 }, 'eth1': { 'unmanaged': 'drop' } } }, "      \
	"'n2': { 'addresses': ['192.0.2.2'], 'uplinks': { 'eth0': {} } } } }, "                              \
	"'edge': { 'id': 8, 'pod_cidrs': ['10.17.128.0/17'], 'service_cidrs': ['10.233.64.0/18'], "          \
	"'reserved_cidrs': ['10.20.0.0/16'], 'pools': { 'lb': ['198.51.100.200-198.51.100.201'] }, "         \
	"'tunnel': { 'interface': 'wg0', 'peers': { 'main': ['192.0.2.1'] } }, 'nodes': { 'e1': { "          \
	"'addresses': ['198.51.100.10'], 'gateway': true }, 'e2': { 'addresses': ['10.17.16.250'] } } }, "   \
	"'far': { 'id': 9, 'nodes': { 'f1': { 'addresses': ['203.0.113.10'] } } } }"

#define NETWORKS                                                                                             \
	"'vpcs': { 'default': {}, 'blue': {} }, 'networks': { "                                              \
	"'repl': { 'id': 106, 'intra': 'allow', 'trust_dscp': true, 'sites': { 'main': { 'vlan': 106, "      \
	"'cidrs': ['192.168.106.0/24'] }, 'edge': { 'overlay': true, 'cidrs': ['10.17.16.0/24'] } } }, "     \
	"'plat': { 'id': 104, 'sites': { 'main': { 'vlan': 104, 'cidrs': ['192.168.104.0/24'] }, "           \
	"'edge': { 'overlay': true, 'cidrs': ['10.17.14.0/24'] } } }, "                                      \
	"'theirs': { 'id': 201, 'vpc': 'blue', 'sites': { 'edge': { 'overlay': true, 'cidrs': "              \
	"['10.50.0.0/24'] } } }, 'ours': { 'id': 202, 'vpc': 'blue', 'sites': { 'main': { 'vlan': 202, "     \
	"'cidrs': ['10.51.0.0/24'] } } }, 'internet': { 'id': 300, 'external': true, 'routable': true, "     \
	"'sites': { 'edge': { 'vlan': 300, 'cidrs': ['192.0.3.0/24'] } } }, 'cloud': { 'id': 301, "          \
	"'external': true, 'routable': false, 'sites': { 'edge': { 'vlan': 301, 'cidrs': "                   \
	"['100.65.0.0/16'] } } } }, "                                                                        \
	"'workloads': [ { 'name': 'db', 'network': 'repl', 'address': '192.168.106.11', 'node': 'g1', "      \
	"'interface': 'veth-db' }, { 'name': 'edb', 'network': 'repl', 'address': '10.17.16.11', 'node': "   \
	"'e1' }, { 'name': 'web', 'network': 'plat', 'address': '192.168.104.11', 'node': 'g1', "            \
	"'interface': 'veth-web' } ]"

#define PLAN(host, policy, more)                                                                             \
	"{ 'sluice': 1, 'fabric': 'f', " CLUSTERS(host) ", " NETWORKS ", 'policy': [" policy "]" more " }"

static const char plain[] = PLAN("", "", "");

/* Interfaces of g1, for a test to change. */
#define WG 9
static struct link_fact links[] = {
	{ .name = "eth0", .ifindex = 2, .mtu = 1500, .qdisc = "fq" },
	{ .name = "eth1", .ifindex = 3, .mtu = 1500, .qdisc = "mq" },
	{ .name = "veth-db", .ifindex = 4, .mtu = 1500 },
	{ .name = "veth-web", .ifindex = 5, .mtu = 1500 },
	{ .name = "wg0", .ifindex = WG, .mtu = 1400, .bare = true },
};
static const struct link_facts present = { .item = links, .count = sizeof(links) / sizeof(*links) };

static const struct sl_setting *setting_of(const struct image *image)
{
	uint32_t key = 0;

	return value_of(&image->table[SL_TABLE_sl_setting], &key);
}

static const struct sl_iface *iface(const struct image *image, uint32_t ifindex)
{
	struct sl_iface_key key = { .ifindex = ifindex };

	return value_of(&image->table[SL_TABLE_sl_iface], &key);
}

struct meaning {
	const char *addr;
	uint32_t len;
	uint16_t cluster;
	uint16_t flags;
};

static void assert_abroad(const struct image *image, const struct meaning *want, size_t count)
{
	const struct image_table *table = &image->table[SL_TABLE_sl_abroad];

	for (size_t i = 0; i < count; i++) {
		struct sl_abroad_key key = { .prefixlen = want[i].len, .addr = htonl(addr(want[i].addr)) };
		const struct sl_abroad *row = value_of(table, &key);

		if (!row)
			fail_msg("no row for %s/%u", want[i].addr, want[i].len);
		else if (row->cluster != want[i].cluster || row->flags != want[i].flags)
			fail_msg("%s/%u is %u %x, expected %u %x", want[i].addr, want[i].len, row->cluster,
				 row->flags, want[i].cluster, want[i].flags);
	}
	assert_int_equal(table->count, count);
}

#define INSIDE SL_ABROAD_INSIDE
#define NODE SL_ABROAD_NODE
#define PEER SL_ABROAD_PEER

static void every_prefix_has_its_meaning(void **unused)
{
	static const struct meaning from_main[] = {
		{ "10.16.0.0", 16, 7, 0 },
		{ "10.233.0.0", 18, 7, 0 },
		{ "198.18.0.18", 31, 7, 0 },
		{ "192.168.106.2", 32, 7, 0 },
		{ "192.0.2.1", 32, 7, 0 },
		{ "192.0.2.2", 32, 7, 0 },
		{ "192.168.106.0", 24, 7, 0 },
		{ "192.168.104.0", 24, 7, 0 },
		{ "10.51.0.0", 24, 7, 0 },
		{ "10.17.128.0", 17, 8, INSIDE },
		{ "10.233.64.0", 18, 8, INSIDE },
		{ "10.20.0.0", 16, 8, INSIDE },
		{ "10.17.16.0", 24, 8, INSIDE },
		{ "10.17.14.0", 24, 8, INSIDE },
		{ "10.50.0.0", 24, 8, INSIDE }, /* of whatever VPC */
		{ "100.65.0.0", 16, 8, INSIDE }, /* but 192.0.3.0/24 faces the Internet */
		{ "10.17.16.250", 32, 8, NODE | INSIDE }, /* in a network of its cluster */
		{ "198.51.100.10", 32, 8, NODE | PEER },
		{ "198.51.100.200", 31, 8, NODE },
		{ "203.0.113.10", 32, 9, NODE | PEER },
	};
	/* far has no tunnel, so nobody is its peer. */
	static const struct meaning from_far[] = {
		{ "10.16.0.0", 16, 7, INSIDE },
		{ "10.233.0.0", 18, 7, INSIDE },
		{ "10.19.0.0", 16, 7, INSIDE },
		{ "198.18.0.18", 31, 7, NODE },
		{ "192.168.106.2", 32, 7, NODE | INSIDE },
		{ "192.0.2.1", 32, 7, NODE },
		{ "192.0.2.2", 32, 7, NODE },
		{ "192.168.106.0", 24, 7, INSIDE },
		{ "192.168.104.0", 24, 7, INSIDE },
		{ "10.51.0.0", 24, 7, INSIDE },
		{ "10.17.128.0", 17, 8, INSIDE },
		{ "10.233.64.0", 18, 8, INSIDE },
		{ "10.20.0.0", 16, 8, INSIDE },
		{ "10.17.16.0", 24, 8, INSIDE },
		{ "10.17.14.0", 24, 8, INSIDE },
		{ "10.50.0.0", 24, 8, INSIDE },
		{ "100.65.0.0", 16, 8, INSIDE },
		{ "10.17.16.250", 32, 8, NODE | INSIDE },
		{ "198.51.100.10", 32, 8, NODE },
		{ "198.51.100.200", 31, 8, NODE },
		{ "203.0.113.10", 32, 9, 0 },
	};
	struct compiled c = compile_text(plain, "g1"), far = compile_text(plain, "f1");

	(void)unused;
	assert_abroad(c.image, from_main, sizeof(from_main) / sizeof(*from_main));
	assert_abroad(far.image, from_far, sizeof(from_far) / sizeof(*from_far));
	assert_int_equal(c.report.count, 0);
	compiled_free(&c);
	compiled_free(&far);
}

static void one_cluster_has_nobody_abroad(void **unused)
{
	struct compiled c =
		compile_text("{ 'sluice': 1, 'clusters': { 'c': { 'id': 1, 'pod_cidrs': ['10.0.0.0/16'], "
			     "'nodes': { 'n': { 'addresses': ['192.0.2.1'] } } } } }",
			     "n");

	(void)unused;
	assert_int_equal(c.image->table[SL_TABLE_sl_abroad].count, 0);
	assert_int_equal(setting_of(c.image)->flags, 0);
	assert_int_equal(setting_of(c.image)->cluster, 1);
	compiled_free(&c);
}

/* Two clusters use one prefix, or one inside the other's, in different VPCs. */
static void own_prefixes_win(void **unused)
{
	static const struct meaning want[] = {
		{ "10.0.0.0", 16, 1, 0 }, { "10.1.0.0", 24, 1, 0 },  { "10.2.0.0", 16, 2, INSIDE },
		{ "10.2.9.0", 24, 1, 0 }, { "192.0.2.1", 32, 1, 0 }, { "192.0.2.2", 32, 2, NODE },
	};
	struct compiled c = compile_text(
		"{ 'sluice': 1, 'clusters': { 'a': { 'id': 1, 'nodes': { 'n': { 'addresses': ['192.0.2.1'] } "
		"} }, 'b': { 'id': 2, 'nodes': { 'm': { 'addresses': ['192.0.2.2'] } } } }, 'vpcs': { 'x': "
		"{}, "
		"'y': {} }, 'networks': { 'own': { 'id': 1, 'vpc': 'x', 'sites': { 'a': { 'vlan': 5, "
		"'cidrs': "
		"['10.0.0.0/16', '10.1.0.0/24', '10.2.9.0/24'] } } }, 'foreign': { 'id': 2, 'vpc': 'y', "
		"'sites': { 'b': { 'vlan': 6, 'cidrs': ['10.0.5.0/24', '10.1.0.0/24', '10.2.0.0/16'] } } } } "
		"}",
		"n");

	(void)unused;
	assert_abroad(c.image, want, sizeof(want) / sizeof(*want));
	assert_int_equal(c.report.warnings, 2);
	assert_true(says(&c.report,
			 "$.clusters.b: 10.0.5.0/24 is also in 10.0.0.0/16 of cluster a, and there taken for "
			 "its own: uplinks of a do not keep it from passing in clear text"));
	assert_true(says(&c.report, "10.1.0.0/24 is also in 10.1.0.0/24 of cluster a"));
	compiled_free(&c);
}

static void addresses_say_whose_they_are(void **unused)
{
	static const struct {
		const char *vpc;
		const char *addr;
		uint16_t cluster;
		bool abroad;
		uint8_t kind;
	} want[] = {
		{ "default", "192.168.106.11", 7, false, SL_ENDPOINT_LOCAL },
		{ "default", "192.168.106.77", 7, false, SL_ENDPOINT_NETWORK },
		{ "default", "192.168.106.2", 7, false, SL_ENDPOINT_HOST },
		{ "default", "192.0.2.2", 7, false, SL_ENDPOINT_NODE },
		{ "default", "10.16.4.4", 0, false, SL_ENDPOINT_WORLD },
		{ "default", "10.17.16.11", 8, true, SL_ENDPOINT_REMOTE },
		{ "default", "10.17.16.77", 8, true, SL_ENDPOINT_NETWORK },
		{ "default", "198.51.100.10", 8, true, SL_ENDPOINT_NODE },
		{ "default", "10.17.200.1", 8, true, SL_ENDPOINT_WORLD },
		{ "default", "10.233.65.1", 8, true, SL_ENDPOINT_WORLD },
		{ "default", "10.20.0.1", 0, false, SL_ENDPOINT_WORLD },
		{ "default", "8.8.8.8", 0, false, SL_ENDPOINT_WORLD },
		{ "blue", "10.50.0.1", 8, true, SL_ENDPOINT_NETWORK },
		{ "blue", "10.17.200.1", 0, false, SL_ENDPOINT_WORLD },
	};
	struct compiled c = compile_text(plain, "g1");

	(void)unused;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct sl_endpoint *e = endpoint(c.image, want[i].vpc, want[i].addr);

		if (e->cluster != want[i].cluster || !(e->flags & SL_ENDPOINT_ABROAD) == want[i].abroad ||
		    e->kind != want[i].kind)
			fail_msg("%s: cluster %u flags %x kind %u", want[i].addr, e->cluster, e->flags,
				 e->kind);
	}
	compiled_free(&c);
}

static void gateways_have_the_tunnel(void **unused)
{
	struct compiled g1 = compile_with(plain, "g1", &present), n2 = compile_with(plain, "n2", &present);
	struct compiled absent = compile_text(plain, "g1"), f1 = compile_with(plain, "f1", &present);
	const struct sl_setting *s = setting_of(g1.image);

	(void)unused;
	assert_string_equal(g1.image->tunnel, "wg0");
	assert_int_equal(s->flags, SL_SETTING_WAN | SL_SETTING_GATEWAY);
	assert_int_equal(s->wan_ifindex, WG);
	assert_int_equal(ntohs(s->wan_port), 51821);
	assert_int_equal(s->wan_mtu, 1400);
	assert_int_equal(s->cluster, 7);
	assert_int_equal(iface(g1.image, WG)->kind, SL_IFACE_TUNNEL);
	assert_int_equal(iface(g1.image, WG)->flags, SL_IFACE_BARE);
	assert_int_equal(iface(g1.image, WG)->vpc, vpc_id(g1.image, "default"));

	/* Another node of the cluster knows the port, to keep it shut. */
	s = setting_of(n2.image);
	assert_string_equal(n2.image->tunnel, "");
	assert_int_equal(s->flags, SL_SETTING_WAN);
	assert_int_equal(ntohs(s->wan_port), 51821);
	assert_int_equal(s->wan_ifindex, 0);
	assert_null(iface(n2.image, WG));

	s = setting_of(absent.image);
	assert_string_equal(absent.image->tunnel, "wg0");
	assert_int_equal(s->flags, SL_SETTING_WAN | SL_SETTING_GATEWAY);
	assert_int_equal(s->wan_ifindex, 0);

	s = setting_of(f1.image);
	assert_string_equal(f1.image->tunnel, "");
	assert_int_equal(s->flags, SL_SETTING_WAN);
	assert_int_equal(s->wan_port, 0);
	assert_int_equal(s->cluster, 9);

	links[4].bare = false; /* a tunnel with Ethernet headers */
	compiled_free(&g1);
	g1 = compile_with(plain, "g1", &present);
	links[4].bare = true;
	assert_int_equal(iface(g1.image, WG)->flags, 0);
	compiled_free(&g1);
	compiled_free(&n2);
	compiled_free(&absent);
	compiled_free(&f1);
}

/* An MTU of the node's own that the tunnel does not fit in; 0 is not known. */
static void mtu_is(size_t link, uint32_t mtu, const char *words)
{
	uint32_t before = links[link].mtu;
	struct compiled c;

	links[link].mtu = mtu;
	c = compile_with(plain, "g1", &present);
	links[link].mtu = before;
	assert_true(words ? !c.image && says(&c.report, words) : c.image != NULL);
	compiled_free(&c);
}

static void tunnels_must_fit(void **unused)
{
	(void)unused;
	mtu_is(4, 1399, "$.clusters.main.tunnel: wg0 takes 1399 bytes and \"mtu\" says 1400");
	mtu_is(4, 1400, NULL);
	mtu_is(4, 0, NULL);
	mtu_is(1, 1459,
	       "$.clusters.main.nodes.g1.uplinks.eth1: eth1 takes 1459 bytes, but full packets of the tunnel "
	       "wg0 (\"mtu\": 1400) need 1460: expected \"mtu\" of at most 1399");
	mtu_is(1, 1460, NULL);
	mtu_is(0, 0, NULL);
}

/* The tunnel is nobody's own interface. */
static void no_workload_behind_the_tunnel(void **unused)
{
	struct compiled c =
		compile_with("{ 'sluice': 1, " CLUSTERS(
				     "") ", 'networks': { 'repl': { 'id': 1, 'sites': { 'main': { 'overlay': "
					 "true, 'cidrs': ['10.9.0.0/24'] } } } }, 'workloads': [ { 'name': "
					 "'w', 'network': 'repl', 'address': '10.9.0.5', 'node': 'g1', "
					 "'interface': 'wg0' } ] }",
			     "g1", NULL);

	(void)unused;
	assert_null(c.image);
	assert_true(says(&c.report, "$.workloads[0]: interface \"wg0\" is the tunnel of cluster \"main\""));
	compiled_free(&c);
}

/* --- routes beside rules */

struct question {
	const char *from;
	const char *to;
	uint8_t proto;
	uint16_t port;
	char answer; /* a: allowed, d: denied, n: nothing is said; between clusters no route leads there */
};

static void assert_answers(const struct image *image, const struct question *asked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct question *q = &asked[i];
		struct image_decision d = judge_in(image, "default", q->from, q->to, q->proto, q->port);
		char got = d.policy == SL_POLICY_ALLOW ? 'a' : d.said ? 'd' : 'n';

		if (got != q->answer)
			fail_msg("%s -> %s %u/%u: %c, expected %c", q->from, q->to, q->proto, q->port, got,
				 q->answer);
	}
}

#define DB "192.168.106.11"
#define EDB "10.17.16.11"
#define WEB "192.168.104.11"
#define EWEB "10.17.14.9"
#define EPOD "10.17.200.1"
#define G1 "192.168.106.2"
#define E2 "10.17.16.250"

static void routes_and_rules_together(void **unused)
{
	static const struct question asked[] = {
		{ DB, EDB, TCP, 5432, 'a' }, /* intra of repl, on a route */
		{ DB, EDB, TCP, 5433, 'n' },
		{ DB, EDB, ICMP, 0, 'n' }, /* a port is not a ping */
		{ EDB, DB, TCP, 5432, 'n' }, /* one way; answers are the flow's */
		{ DB, EWEB, TCP, 443, 'a' },
		{ DB, EWEB, TCP, 444, 'd' }, /* the route leads there, no rule does */
		{ DB, EWEB, TCP, 442, 'n' },
		{ DB, EWEB, TCP, 446, 'd' }, /* a rule denies it */
		{ DB, EWEB, ICMP, 0, 'a' },
		{ WEB, EWEB, TCP, 443, 'n' }, /* a rule alone */
		{ WEB, EDB, TCP, 443, 'n' },
		{ DB, EPOD, TCP, 443, 'n' }, /* another cluster's pods are not the world */
		{ EPOD, DB, TCP, 443, 'n' },
		{ DB, "8.8.8.8", TCP, 443, 'a' },
		{ DB, WEB, TCP, 443, 'a' }, /* at home the same rule needs no route */
		{ DB, "198.51.100.10", TCP, 443, 'n' },
		{ G1, EWEB, TCP, 443, 'a' }, /* the gateway's address lies in repl */
		{ EDB, G1, TCP, 22, 'a' }, /* the host policy is everybody's */
		{ DB, E2, TCP, 5432, 'a' }, /* a node in a network that the route leads to */
		{ DB, E2, TCP, 5433, 'n' },
	};
	struct compiled c = compile_text(
		PLAN("",
		     RULE("repl-to-plat", "network:repl", "network:plat", "'tcp/443', 'icmp'") ", " RULE(
			     "out", "network:repl", "world",
			     "'any'") ", " DENY("not-446", "any", "network:plat",
						"'tcp/446'") ", " RULE("plat", "network:plat", "network:plat",
								       "'any'"),
		     ", 'routes': [" ROUTE("sql", "network:repl@main", "network:repl@edge",
					   "'tcp/5432'") ", " ROUTE("plat", "network:repl@main",
								    "network:plat@edge",
								    "'tcp/443-446', 'icmp'") "]"),
		"g1");

	(void)unused;
	assert_answers(c.image, asked, sizeof(asked) / sizeof(*asked));
	assert_string_equal(decided_by(c.image, DB, EWEB, TCP, 446), "not-446");
	assert_string_equal(decided_by(c.image, DB, EWEB, TCP, 443), "repl-to-plat");
	assert_string_equal(decided_by(c.image, DB, EDB, TCP, 5432), "intra repl");
	assert_string_equal(decided_by(c.image, DB, EWEB, TCP, 444), "default deny");
	assert_int_equal(c.report.count, 0);
	compiled_free(&c);
}

/* However wide a route and its rule are, and whatever the protocol's neighbours. */
static void databases_stay_at_home(void **unused)
{
	static const struct question asked[] = {
		{ DB, EWEB, TCP, 2378, 'a' }, { DB, EWEB, TCP, 2379, 'd' }, { DB, EWEB, TCP, 2380, 'd' },
		{ DB, EWEB, TCP, 2381, 'a' }, { DB, EWEB, TCP, 6644, 'a' }, { DB, EWEB, TCP, 6645, 'd' },
		{ DB, EWEB, TCP, 6646, 'd' }, { DB, EWEB, TCP, 6647, 'a' }, { DB, EWEB, UDP, 2379, 'a' },
		{ DB, EWEB, ICMP, 0, 'a' },   { DB, WEB, TCP, 2379, 'a' },
	};
#define WIDE(ports)                                                                                          \
	PLAN("", RULE("wide", "network:repl", "network:plat", ports),                                        \
	     ", 'routes': [" ROUTE("wide", "network:repl@main", "network:plat@edge", ports) "]")
	static const char *const plans[] = { WIDE("'any'"), WIDE("'tcp/1-65535', 'udp/2379', 'icmp'") };

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		struct compiled c = compile_text(plans[i], "g1");

		assert_answers(c.image, asked, sizeof(asked) / sizeof(*asked));
		compiled_free(&c);
	}
#undef WIDE
}

/* A host policy that is written is asked of other clusters too; a route does not open a node beside it. */
static void hosts_have_their_own_policy(void **unused)
{
	static const struct question asked[] = {
		{ EDB, G1, TCP, 22, 'a' },
		{ EDB, G1, TCP, 5432, 'n' },
		{ "198.51.100.10", G1, TCP, 179, 'a' },
		{ "198.51.100.10", G1, TCP, 180, 'n' },
	};
	struct compiled c = compile_text(
		PLAN("'host': { 'allow': [ { 'from': ['cluster:edge'], 'ports': ['tcp/22'] }, { 'from': "
		     "['remote-host'], 'ports': ['tcp/179'] } ] },",
		     "",
		     ", 'routes': [" ROUTE("sql", "network:repl@edge", "network:repl@main",
					   "'tcp/5432'") "]"),
		"g1");

	(void)unused;
	assert_answers(c.image, asked, sizeof(asked) / sizeof(*asked));
	compiled_free(&c);
}

/* `words`: what is warned of; NULL: nothing. */
static void warns(const char *policy, const char *more, const char *words)
{
	struct compiled c;
	char *text;

	assert_true(asprintf(&text, "{ 'sluice': 1, " CLUSTERS("") ", " NETWORKS ", 'policy': [%s] %s }",
			     policy, more) > 0);
	c = compile_text(text, "g1");
	assert_int_equal(c.report.errors, 0);
	assert_true(!words || says(&c.report, words));
	assert_int_equal(c.report.warnings, words != NULL);
	compiled_free(&c);
	free(text);
}

#define ROUTES(ports) ", 'routes': [" ROUTE("r", "network:plat@main", "network:plat@edge", ports) "]"
#define ACROSS(name, ports) RULE(name, "network:plat@main", "network:plat@edge", ports)

static void halves_are_told(void **unused)
{
	(void)unused;
	warns(ACROSS("across", "'tcp/80'"), "",
	      "$.policy[0]: rule \"across\" can never match: its \"from\" and \"to\" stand in different "
	      "clusters, which no route joins");
	warns("", ROUTES("'tcp/80'"),
	      "$.routes[0]: route \"r\" opens nothing: no rule of \"policy\" allows what it leads to");
	warns(ACROSS("across", "'tcp/80'"), ROUTES("'tcp/80-90'"), NULL);
	warns(ACROSS("across", "'tcp/80'") ", " ACROSS("also", "'tcp/443'"), ROUTES("'tcp/80'"),
	      "$.policy[1]: rule \"also\" allows nothing: it leads to other clusters, and no route takes its "
	      "ports");
	/* At home the rule is of use without. */
	warns(RULE("both", "network:plat", "network:plat", "'tcp/443'") ", " ACROSS("a", "'tcp/80'"),
	      ROUTES("'tcp/80'"), NULL);
	/* To say no once more is no mistake. */
	warns(DENY("no", "cluster:main", "cluster:edge", "'tcp/2379'"), "", NULL);
}

#define ASSERT(from, how, to, ports)                                                                         \
	", 'assert': [ { 'name': 'x', 'from': '" from "', '" how "': '" to "' " ports " } ]"

static void asserted(const char *assertion, const char *words)
{
	struct compiled c;
	char *text;

	assert_true(asprintf(&text,
			     "{ 'sluice': 1, " CLUSTERS("") ", " NETWORKS ", 'policy': [" RULE(
				     "p", "network:plat", "network:plat",
				     "'tcp/443', 'tcp/80'") "] " ROUTES("'tcp/443-444'") " %s }",
			     assertion) > 0);
	c = compile_with(text, "g1", NULL);
	assert_true(words ? !c.image && says(&c.report, words) : c.image != NULL);
	compiled_free(&c);
	free(text);
}

static void asserts_know_routes(void **unused)
{
	(void)unused;
	asserted(ASSERT("network:plat@main", "reaches", "network:plat@edge", ", 'ports': ['tcp/443']"), NULL);
	asserted(ASSERT("network:plat@main", "reaches", "network:plat@edge", ", 'ports': ['tcp/80']"),
		 "assert \"x\": no route takes plat → plat@edge tcp/80");
	asserted(ASSERT("network:plat@main", "reaches", "network:plat@edge", ", 'ports': ['tcp/444']"),
		 "assert \"x\": no rule allows plat → plat@edge tcp/444");
	asserted(ASSERT("network:plat@edge", "reaches", "network:plat@main", ", 'ports': ['tcp/443']"),
		 "assert \"x\": no route takes plat@edge → plat tcp/443");
	asserted(ASSERT("network:plat@main", "never", "network:plat@edge", ", 'ports': ['tcp/80']"), NULL);
	asserted(ASSERT("network:plat@main", "never", "network:plat@edge", ""),
		 "assert \"x\": rule \"p\" allows plat → plat@edge tcp/443");
	asserted(ASSERT("network:plat@edge", "never", "network:plat@main", ""), NULL);
	/* Of one network in two clusters each cluster is asked for itself. */
	asserted(ASSERT("network:plat", "reaches", "network:plat", ", 'ports': ['tcp/80']"), NULL);
}

/* --- services that stand elsewhere: as clusters on one segment have them */

#define SEGMENT(vip, route, policy)                                                                          \
	"{ 'sluice': 1, 'clusters': { 'infra': { 'id': 1, 'pools': { 'lb': ['10.25.11.100-10.25.11.149'] "   \
	"}, "                                                                                                \
	"'nodes': { 'i1': { 'addresses': ['10.25.11.11'] } } }, 'apps': { 'id': 2, 'pools': { 'lb': "        \
	"['10.25.11.150-10.25.11.199'] }, 'nodes': { 'a1': { 'addresses': ['10.25.11.14'] } } } }, "         \
	"'networks': { 'ip': { 'id': 1, 'sites': { 'infra': { 'overlay': true, 'cidrs': ['10.244.0.0/16'] "  \
	"} } }, 'ap': { 'id': 2, 'sites': { 'apps': { 'overlay': true, 'cidrs': ['10.246.0.0/16'] } } } }, " \
	"'services': { 'mesh': { 'address': '" vip "', 'ports': [ { 'proto': 'tcp', 'port': 4143, "          \
	"'target': 14143 }, { 'proto': 'tcp', 'port': 4191 } ], 'backends': [ { 'address': "                 \
	"'10.246.1.10', 'node': 'a1' } ] } }, 'policy': [" policy "] " route " }"

#define POD "10.244.1.1"
#define VIP "10.25.11.150"
#define BACKEND "10.246.1.10"

static void vips_of_other_clusters(void **unused)
{
	static const char mesh[] =
		SEGMENT(VIP, "", RULE("mesh", "network:ip", "service:mesh", "'tcp/4143', 'tcp/80'"));
	static const struct question asked[] = {
		{ POD, VIP, TCP, 4143, 'a' },	  { POD, VIP, TCP, 4191, 'n' },
		{ POD, VIP, TCP, 80, 'n' }, /* not the service's */
		{ POD, VIP, TCP, 14143, 'n' },	  { POD, BACKEND, TCP, 14143, 'n' },
		{ POD, BACKEND, TCP, 4143, 'n' }, { POD, "10.25.11.151", TCP, 4143, 'n' },
		{ VIP, POD, TCP, 4143, 'n' },
	};
	struct compiled infra = compile_text(mesh, "i1"), apps = compile_text(mesh, "a1");
	const struct sl_endpoint *vip = endpoint(infra.image, "default", VIP);

	(void)unused;
	assert_answers(infra.image, asked, sizeof(asked) / sizeof(*asked));
	assert_int_equal(vip->kind, SL_ENDPOINT_WORLD); /* over the LAN, through no tunnel */
	assert_int_equal(vip->cluster, 0);
	assert_int_equal(vip->flags, 0);
	assert_string_equal(infra.image->classes[vip->class - 1].label, "world (vpc default)+vip:mesh");
	assert_int_equal(infra.report.warnings, 0);
	/* At the service's own cluster the rule says nothing, and nothing is wrong with it. */
	assert_int_equal(endpoint(apps.image, "default", VIP)->class,
			 endpoint(apps.image, "default", "8.8.8.8")->class);
	for (size_t i = 0; i < apps.report.count; i++)
		assert_null(strstr(apps.report.findings[i].text, "rule \"mesh\""));
	compiled_free(&infra);
	compiled_free(&apps);
}

/* A VIP that is a node's own address is reached there, and the node by nothing else. */
static void vips_on_foreign_nodes(void **unused)
{
	static const char mesh[] =
		SEGMENT("10.25.11.14", "",
			RULE("mesh", "network:ip", "service:mesh", "'any'") ", " RULE(
				"nodes", "network:ip", "remote-host",
				"'any'") ", " DENY("no", "network:ip", "cidr:10.25.11.0/24", "'tcp/4191'"));
	static const struct question asked[] = {
		{ POD, "10.25.11.14", TCP, 4143, 'a' },
		{ POD, "10.25.11.14", TCP, 4191, 'd' },
		{ POD, "10.25.11.14", TCP, 22, 'n' },
	};
	struct compiled c = compile_text(mesh, "i1");

	(void)unused;
	assert_answers(c.image, asked, sizeof(asked) / sizeof(*asked));
	compiled_free(&c);
}

/* A route to a service leads to its backends, at their own ports. */
static void routes_to_services(void **unused)
{
	static const char text[] = SEGMENT(
		VIP, ", 'routes': [" ROUTE("mesh", "network:ip@infra", "service:mesh", "'tcp/4143'") "]",
		RULE("all", "network:ip", "network:ap", "'any'"));
	static const struct question asked[] = {
		{ POD, BACKEND, TCP, 14143, 'a' },
		{ POD, BACKEND, TCP, 4143, 'n' },
		{ POD, BACKEND, TCP, 4191, 'n' },
		{ POD, "10.246.1.11", TCP, 14143, 'n' },
	};
	struct compiled c = compile_text(text, "i1");

	(void)unused;
	assert_answers(c.image, asked, sizeof(asked) / sizeof(*asked));
	compiled_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_prefix_has_its_meaning),
		cmocka_unit_test(one_cluster_has_nobody_abroad),
		cmocka_unit_test(own_prefixes_win),
		cmocka_unit_test(addresses_say_whose_they_are),
		cmocka_unit_test(gateways_have_the_tunnel),
		cmocka_unit_test(tunnels_must_fit),
		cmocka_unit_test(no_workload_behind_the_tunnel),
		cmocka_unit_test(routes_and_rules_together),
		cmocka_unit_test(databases_stay_at_home),
		cmocka_unit_test(hosts_have_their_own_policy),
		cmocka_unit_test(halves_are_told),
		cmocka_unit_test(asserts_know_routes),
		cmocka_unit_test(vips_of_other_clusters),
		cmocka_unit_test(vips_on_foreign_nodes),
		cmocka_unit_test(routes_to_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
