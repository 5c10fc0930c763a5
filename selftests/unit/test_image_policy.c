/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may talk to whom: rules, postures, port sets, asserts, warnings, and the matrix, on small plans.
 */
#include "image_fixture.h"

#define TCP 6
#define UDP 17
#define ICMP 1
#define SCTP 132

/* Networks a (10.0.0.0/24), b, c of VPC default, blue (10.0.0.0/24 again); EXTRA and RULES complete it. */
#define PLAN(intra_a, host, groups, workloads, policy, more)                                                 \
	"{ 'sluice': 1, 'fabric': 'x', 'clusters': {"                                                        \
	" 'main': { 'id': 1, " host                                                                          \
	" 'nodes': { 'n1': { 'addresses': ['172.16.0.1'] }, 'n2': { 'addresses': "                           \
	"['172.16.0.2'] } } }, 'edge': { 'id': 2, 'nodes': { 'e1': { 'addresses': ['172.17.0.1'] } } } },"   \
	" 'vpcs': { 'blue': {} }, 'networks': {"                                                             \
	" 'a': { 'id': 1, 'intra': '" intra_a                                                                \
	"', 'sites': { 'main': { 'vlan': 1, 'cidrs': ['10.0.0.0/24'] },"                                     \
	"   'edge': { 'overlay': true, 'cidrs': ['10.9.0.0/24'] } } },"                                      \
	" 'b': { 'id': 2, 'sites': { 'main': { 'vlan': 2, 'cidrs': ['10.0.1.0/24'] } } },"                   \
	" 'c': { 'id': 3, 'intra': 'allow', 'sites': { 'main': { 'vlan': 3, 'cidrs': ['10.0.2.0/24'] } } }," \
	" 'blue': { 'id': 4, 'vpc': 'blue', 'sites': { 'main': { 'vlan': 4, 'cidrs': ['10.0.0.0/24'] } } } " \
	"},"                                                                                                 \
	" 'groups': {" groups "}, 'workloads': [" workloads "], 'policy': [" policy "]" more "}"
#define RULE(name, from, to, ports, action)                                                                  \
	"{ 'name': '" name "', 'from': [" from "], 'to': [" to "], 'ports': [" ports "], 'action': '" action \
	"' }"

#define A "10.0.0.5"
#define A_OTHER "10.0.0.6"
#define A_EDGE "10.9.0.5"
#define B "10.0.1.5"
#define C "10.0.2.5"
#define OUTSIDE "8.8.8.8"
#define HOST "172.16.0.1"
#define REMOTE "172.16.0.2"

static void deny_wins_and_the_number_says_who(void **unused)
{
	struct compiled c = compile_text(
		PLAN("deny", "", "", "",
		     RULE("web", "'network:a'", "'network:b'", "'tcp/80-90'", "allow") "," RULE(
			     "more", "'network:a'", "'network:b'", "'tcp/85-100'",
			     "allow") "," RULE("not-88", "'network:a'", "'network:b'", "'tcp/88'",
					       "deny") "," RULE("closed", "'network:c'", "'network:b'",
								"'any'",
								"deny") "," RULE("vain", "'network:c'",
										 "'network:b'", "'icmp'",
										 "allow"),
		     ""),
		"n1");
	const struct image *i = c.image;

	(void)unused;
	assert_true(may(i, A, B, TCP, 80));
	assert_string_equal(decided_by(i, A, B, TCP, 85), "web"); /* the first that allows */
	assert_string_equal(decided_by(i, A, B, TCP, 91), "more");
	assert_false(may(i, A, B, TCP, 88));
	assert_string_equal(decided_by(i, A, B, TCP, 88), "not-88");
	assert_false(may(i, A, B, TCP, 101));
	assert_string_equal(decided_by(i, A, B, TCP, 101), "default deny");
	assert_false(may(i, A, B, UDP, 80));
	assert_false(may(i, B, A, TCP, 80)); /* one way */
	assert_false(may(i, C, B, ICMP, 0));
	assert_string_equal(decided_by(i, C, B, ICMP, 0), "closed");
	assert_false(may(i, B, B, TCP, 80));
	assert_true(
		says(&c.report, "rule \"vain\" allows nothing: whatever it allows, rule \"closed\" denies"));
	assert_int_equal(c.report.warnings, 1);
	compiled_free(&c);
}

/* Who may reach whom is in no other table, if the plans say so to others in the same words. */
static void pairs_count(void **unused)
{
	struct compiled a = compile_text(
		PLAN("deny", "", "", "", RULE("web", "'network:a'", "'network:b'", "'tcp/80'", "allow"), ""),
		"n1");
	struct compiled b = compile_text(
		PLAN("deny", "", "", "", RULE("web", "'network:b'", "'network:a'", "'tcp/80'", "allow"), ""),
		"n1");

	(void)unused;
	for (int t = 0; t < SL_TABLES; t++) {
		const struct image_table *one = &a.image->table[t], *other = &b.image->table[t];

		assert_int_equal(one->count, other->count);
		if (one->count)
			assert_int_equal(t == SL_TABLE_sl_pair,
					 memcmp(one->rows, other->rows,
						one->count * (one->key_size + one->value_size)) != 0);
	}
	assert_true(a.image->hash != b.image->hash);
	compiled_free(&a);
	compiled_free(&b);
}

static const char tenants[] =
	"{ 'name': 'w1', 'network': 'a', 'address': '10.0.0.5', 'node': 'n1', 'labels': { 'tenant': 'x' } },"
	"{ 'name': 'w2', 'network': 'a', 'address': '10.0.0.6', 'node': 'n2', 'labels': { 'tenant': 'y' } },"
	"{ 'name': 'w3', 'network': 'a', 'address': '10.0.0.7', 'node': 'n1', 'labels': { 'tenant': 'x', "
	"'app': 'db' } },"
	"{ 'name': 'w4', 'network': 'a', 'address': '10.0.0.8', 'node': 'n1', 'labels': { 'app': 'db' } },"
	"{ 'name': 'w5', 'network': 'b', 'address': '10.0.1.8', 'node': 'n1', 'labels': { 'tenant': 'x' } }";

static struct compiled compile_tenants(const char *intra, const char *rule)
{
	char text[4096];
	struct compiled c;

	snprintf(text, sizeof(text), PLAN("%s", "", "", "%s", "%s", ""), intra, tenants, rule);
	c = compile_text(text, "n1");
	return c;
}

static void postures_of_a_network(void **unused)
{
	struct compiled c = compile_tenants("deny", "");

	(void)unused;
	assert_false(may(c.image, A, A_OTHER, TCP, 1));
	assert_false(may(c.image, A, "10.0.0.7", TCP, 1));
	assert_int_equal(class_at(c.image, "default", A), class_at(c.image, "default", A_OTHER));
	compiled_free(&c);
	c = compile_tenants("allow", RULE("no", "'network:a'", "'network:a'", "'udp'", "deny"));
	assert_true(may(c.image, A, A_OTHER, TCP, 1));
	assert_string_equal(decided_by(c.image, A, A_OTHER, TCP, 1), "intra a");
	assert_false(may(c.image, A, A_OTHER, UDP, 1));
	assert_false(may(c.image, A, A_EDGE, TCP, 1)); /* another cluster */
	assert_true(may(c.image, A_EDGE, "10.9.0.6", TCP, 1));
	compiled_free(&c);
	c = compile_tenants("same:tenant", "");
	assert_true(may(c.image, A, "10.0.0.7", TCP, 1));
	assert_true(may(c.image, "10.0.0.7", A, TCP, 1));
	assert_false(may(c.image, A, A_OTHER, TCP, 1));
	assert_true(may(c.image, A_OTHER, A_OTHER, TCP, 1));
	assert_false(may(c.image, "10.0.0.8", "10.0.0.8", TCP, 1)); /* no tenant is nobody's tenant */
	assert_false(may(c.image, "10.0.0.8", "10.0.0.99", TCP, 1));
	assert_false(may(c.image, A, "10.0.1.8", TCP, 1)); /* the same tenant, but another network */
	compiled_free(&c);
	c = compile_tenants("same:tenant",
			    RULE("ping", "'network:a'", "'network:a'", "'icmp'", "allow") "," RULE(
				    "no-ssh", "'network:a'", "'network:a'", "'tcp/22'", "deny"));
	assert_true(may(c.image, A, A_OTHER, ICMP, 0));
	assert_false(may(c.image, A, A_OTHER, TCP, 80));
	assert_true(may(c.image, A, "10.0.0.7", TCP, 80));
	assert_false(may(c.image, A, "10.0.0.7", TCP, 22));
	assert_string_equal(decided_by(c.image, A, "10.0.0.7", ICMP, 0), "ping");
	assert_string_equal(decided_by(c.image, A, "10.0.0.7", TCP, 80), "intra a");
	compiled_free(&c);
}

static void groups_of_every_kind(void **unused)
{
	struct compiled c = compile_text(
		PLAN("same:tenant", "",
		     "'range': { 'members': ['10.0.0.4-10.0.0.9'] }, 'prefix': { 'members': ['10.0.1.0/25'] "
		     "},"
		     "'whole': { 'members': ['network:c', '10.0.1.200'] }, 'labelled': { 'labels': { 'app': "
		     "'db' } },"
		     "'both': { 'labels': { 'app': 'db', 'tenant': 'x' } }",
		     "{ 'name': 'w3', 'network': 'a', 'address': '10.0.0.70', 'node': 'n1', 'labels': { "
		     "'tenant': 'x', "
		     "'app': 'db' } }, { 'name': 'w4', 'network': 'a', 'address': '10.0.0.80', 'node': 'n1', "
		     "'labels': { "
		     "'app': 'db' } }",
		     RULE("r", "'group:range'", "'group:whole'", "'tcp/1'", "allow") "," RULE(
			     "p", "'group:prefix'", "'group:whole'", "'tcp/2'",
			     "allow") "," RULE("l", "'group:labelled'", "'group:whole'", "'tcp/3'",
					       "allow") "," RULE("b", "'group:both'", "'group:whole'",
								 "'tcp/4'", "allow"),
		     ""),
		"n1");
	const struct image *i = c.image;

	(void)unused;
	assert_false(may(i, "10.0.0.3", C, TCP, 1));
	assert_true(may(i, "10.0.0.4", C, TCP, 1));
	assert_true(may(i, "10.0.0.9", C, TCP, 1));
	assert_false(may(i, "10.0.0.10", C, TCP, 1));
	assert_true(may(i, "10.0.1.127", C, TCP, 2));
	assert_false(may(i, "10.0.1.128", C, TCP, 2));
	assert_true(may(i, "10.0.1.5", "10.0.1.200", TCP, 2));
	assert_false(may(i, "10.0.1.5", "10.0.1.201", TCP, 2));
	assert_true(may(i, "10.0.0.70", C, TCP, 3));
	assert_true(may(i, "10.0.0.80", C, TCP, 3));
	assert_true(may(i, "10.0.0.70", C, TCP, 4));
	assert_false(may(i, "10.0.0.80", C, TCP, 4));
	assert_false(may(i, "10.0.0.81", C, TCP, 3));
	compiled_free(&c);
}

static void equal_addresses_in_two_vpcs_never_meet(void **unused)
{
	struct compiled c =
		compile_text(PLAN("allow", "", "'g': { 'members': ['10.0.0.0/25'] }", "",
				  RULE("to-g", "'any'", "'group:g'", "'tcp/80'", "allow") "," RULE(
					  "across", "'network:blue'", "'network:b'", "'any'", "allow"),
				  ""),
			     "n1");
	const struct image *i = c.image;

	(void)unused;
	assert_true(may(i, B, A, TCP, 80));
	assert_string_equal(decided_by(i, A, A_OTHER, TCP, 81), "intra a");
	assert_int_equal(judge_in(i, "blue", A, A_OTHER, TCP, 80).policy, SL_POLICY_ALLOW);
	assert_int_equal(judge_in(i, "blue", A, A_OTHER, TCP, 81).policy,
			 SL_POLICY_DENY); /* intra is a's alone */
	assert_int_equal(image_judge(i, class_at(i, "blue", A), class_at(i, "default", A), TCP, 80).policy,
			 SL_POLICY_DENY);
	assert_int_equal(image_judge(i, class_at(i, "blue", A), class_at(i, "default", B), TCP, 80).policy,
			 SL_POLICY_DENY);
	assert_true(says(&c.report,
			 "rule \"across\" can never match: its \"from\" and \"to\" stand in different VPCs"));
	compiled_free(&c);
}

static void hosts_are_open_until_the_plan_says_otherwise(void **unused)
{
	struct compiled c =
		compile_text(PLAN("deny", "", "", "",
				  RULE("no", "'network:b'", "'host'", "'tcp/22'",
				       "deny") "," RULE("out", "'host'", "'network:c'", "'tcp/80'", "allow"),
				  ""),
			     "n1");

	(void)unused;
	assert_true(may(c.image, A, HOST, TCP, 22));
	assert_true(may(c.image, OUTSIDE, HOST, TCP, 22));
	assert_true(may(c.image, A_EDGE, HOST, TCP, 22));
	assert_string_equal(decided_by(c.image, A, HOST, TCP, 22), "host");
	assert_false(may(c.image, B, HOST, TCP, 22));
	assert_true(may(c.image, B, HOST, TCP, 23));
	assert_false(may(c.image, A, REMOTE, TCP, 22)); /* another node's affair */
	assert_true(may(c.image, HOST, C, TCP, 80));
	assert_false(may(c.image, HOST, C, TCP, 81));
	assert_false(may(c.image, HOST, A, TCP, 80));
	assert_false(may(c.image, REMOTE, C, TCP, 80));
	compiled_free(&c);
	c = compile_text(
		PLAN("deny",
		     "'host': { 'allow': [ { 'from': ['network:a'], 'ports': ['tcp/22'] }, { 'from': "
		     "['world', 'remote-host'], 'ports': ['icmp'] } ] },",
		     "", "", RULE("also", "'network:b'", "'host'", "'tcp/443'", "allow"), ""),
		"n1");
	assert_true(may(c.image, A, HOST, TCP, 22));
	assert_false(may(c.image, A, HOST, TCP, 23));
	assert_false(may(c.image, C, HOST, TCP, 22));
	assert_true(may(c.image, OUTSIDE, HOST, ICMP, 0));
	assert_true(may(c.image, REMOTE, HOST, ICMP, 0));
	assert_true(may(c.image, "172.17.0.1", HOST, ICMP, 0));
	assert_false(may(c.image, OUTSIDE, HOST, TCP, 22));
	assert_true(may(c.image, B, HOST, TCP, 443));
	assert_int_equal(((const struct sl_setting *)((const uint8_t *)row_at(
							      &c.image->table[SL_TABLE_sl_setting], 0) +
						      4))
				 ->flags,
			 SL_SETTING_HOST_POLICY | SL_SETTING_WAN);
	compiled_free(&c);
}

/* The node's address stands in a network whose members may talk: its host policy limits them all the same. */
static void a_host_policy_limits_intra(void **unused)
{
#define MEMBER(host, rules)                                                                                  \
	"{ 'sluice': 1, 'fabric': 'x', 'clusters': { 'main': { 'id': 1, " host                               \
	" 'nodes': { 'n1': { 'addresses': ['10.0.0.1'] }, 'n2': { 'addresses': ['10.0.0.2'] } } } },"        \
	" 'networks': { 'a': { 'id': 1, 'intra': 'allow', 'sites': { 'main': { 'vlan': 1, 'cidrs': "         \
	"['10.0.0.0/24'] } } } }, 'policy': [" rules "] }"
#define ONLY_SSH "'host': { 'allow': [ { 'from': ['network:a'], 'ports': ['tcp/22'] } ] },"
	struct compiled c = compile_text(MEMBER("", ""), "n1");

	(void)unused;
	assert_true(may(c.image, A, "10.0.0.1", TCP, 80));
	assert_string_equal(decided_by(c.image, A, "10.0.0.1", TCP, 80), "intra a");
	compiled_free(&c);
	c = compile_text(
		MEMBER(ONLY_SSH, RULE("web", "'network:a'", "'network:a'", "'tcp/443'", "allow") "," RULE(
					 "not-n2", "'remote-host'", "'host'", "'tcp/22'", "deny")),
		"n1");
	assert_string_equal(decided_by(c.image, A, "10.0.0.1", TCP, 22), "host");
	assert_false(may(c.image, A, "10.0.0.1", TCP, 80));
	assert_false(may(c.image, "10.0.0.2", "10.0.0.1", TCP, 80));
	assert_false(may(c.image, "10.0.0.2", "10.0.0.1", TCP, 22)); /* a deny rule wins over both */
	assert_string_equal(decided_by(c.image, A, "10.0.0.1", TCP, 443),
			    "web"); /* a rule opens what it names */
	assert_true(may(c.image, "10.0.0.1", A, TCP, 80)); /* the node itself is a member, outwards */
	assert_true(may(c.image, A, "10.0.0.2", TCP, 80)); /* another node's policy is that node's affair */
	compiled_free(&c);
}

static size_t port_rows(const struct image *image)
{
	return image->table[SL_TABLE_sl_ports].count;
}

static void port_ranges_become_prefixes(void **unused)
{
	static const struct {
		uint16_t first, last;
		size_t rows;
	} ranges[] = {
		{ 0, 0, 1 },	    { 1, 1, 1 },	 { 65535, 65535, 1 }, { 0, 1, 1 },
		{ 1, 2, 2 },	    { 0, 65535, 1 },	 { 1, 65535, 16 },    { 0, 65534, 16 },
		{ 1, 65534, 30 },   { 32768, 65535, 1 }, { 443, 443, 1 },     { 6800, 7300, 7 },
		{ 1024, 65535, 6 },
	};

	(void)unused;
	for (size_t k = 0; k < sizeof(ranges) / sizeof(*ranges); k++) {
		struct compiled c =
			compile_text(PLAN("deny", "", "", "",
					  RULE("r", "'network:a'", "'network:b'", "'tcp/80'", "allow"), ""),
				     "n1");
		struct port *port = &c.plan->policy[0].ports.item[0];

		/* The parser knows no port 0; the compiler must be right about it all the same. */
		port->first = ranges[k].first;
		port->last = ranges[k].last;
		image_free(c.image);
		c.image = image_compile(c.plan, "n1", NULL, &c.report);
		assert_non_null(c.image);
		assert_int_equal(port_rows(c.image), ranges[k].rows);
		for (uint32_t p = 0; p < 65536; p++) {
			if (p > ranges[k].first + 2U && p + 2U < ranges[k].last && p % 97)
				continue;
			assert_int_equal(may(c.image, A, B, TCP, (uint16_t)p),
					 p >= ranges[k].first && p <= ranges[k].last);
		}
		assert_false(may(c.image, A, B, UDP, ranges[k].first));
		compiled_free(&c);
	}
}

static void equal_port_sets_are_shared(void **unused)
{
	struct compiled c =
		compile_text(PLAN("deny", "", "", "",
				  RULE("r", "'network:a', 'network:b'", "'network:c', 'network:b'",
				       "'tcp/80', 'tcp/443', 'udp/53'", "allow"),
				  ""),
			     "n1");

	(void)unused;
	/* a→b, a→c, b→b, b→c: one set of three rows. */
	assert_int_equal(port_rows(c.image), 3);
	compiled_free(&c);
	c = compile_text(
		PLAN("deny", "", "", "",
		     RULE("all", "'network:a'", "'network:b'", "'any'", "allow") "," RULE(
			     "no-ssh", "'network:a'", "'network:b'", "'tcp/22'",
			     "deny") "," RULE("no-udp", "'network:a'", "'network:b'", "'udp'", "deny"),
		     ""),
		"n1");
	/* Everything, but for one port and one protocol: an exception each, not 65,535 allowed ports. */
	assert_int_equal(port_rows(c.image), 3);
	assert_true(may(c.image, A, B, TCP, 21));
	assert_false(may(c.image, A, B, TCP, 22));
	assert_true(may(c.image, A, B, TCP, 23));
	assert_false(may(c.image, A, B, UDP, 53));
	assert_true(may(c.image, A, B, SCTP, 22));
	assert_true(may(c.image, A, B, ICMP, 0));
	compiled_free(&c);
	/* Without ports in it, a pair needs no set at all. */
	c = compile_text(PLAN("deny", "", "", "",
			      RULE("all", "'network:a'", "'network:b'", "'any', 'tcp/5'", "allow"), ""),
			 "n1");
	assert_int_equal(port_rows(c.image), 0);
	assert_true(may(c.image, A, B, TCP, 5));
	compiled_free(&c);
}

static void rules_that_say_nothing_are_named(void **unused)
{
	struct compiled c = compile_text(
		PLAN("deny", "", "'nobody': { 'labels': { 'app': 'none' } }", "",
		     RULE("empty", "'group:nobody'", "'network:b'", "'any'", "allow") "," RULE(
			     "empty-to", "'network:b'", "'group:nobody'", "'any'",
			     "deny") "," RULE("apart", "'network:a@edge'", "'network:b'", "'any'",
					      "allow") "," RULE("apart-no", "'network:a@edge'", "'network:b'",
								"'any'",
								"deny") "," RULE("half", "'network:a'",
										 "'network:b'", "'tcp/1-10'",
										 "allow") "," RULE("half-no",
												   "'network:"
												   "a'",
												   "'network:"
												   "b'",
												   "'tcp/"
												   "1-9'",
												   "deny"),
		     ""),
		"n1");

	(void)unused;
	assert_true(
		says(&c.report, "rule \"empty\" can never match: nothing in the plan matches its \"from\""));
	assert_true(
		says(&c.report, "rule \"empty-to\" can never match: nothing in the plan matches its \"to\""));
	assert_true(
		says(&c.report,
		     "rule \"apart\" can never match: its \"from\" and \"to\" stand in different clusters"));
	assert_int_equal(c.report.warnings, 3);
	assert_int_equal(c.report.errors, 0);
	compiled_free(&c);
}

#define ASSERT(name, from, verb, to, ports)                                                                  \
	", 'assert': [ { 'name': '" name "', 'from': '" from "', '" verb "': '" to "' " ports " } ]"

static void check_assert(const char *more, const char *words)
{
	char text[8192];
	struct compiled c;

	snprintf(text, sizeof(text),
		 PLAN("same:tenant", "", "'g': { 'members': ['10.0.0.5-10.0.0.6'] }", "%s",
		      RULE("web", "'group:g'", "'network:b'", "'tcp/443', 'tcp/8000-8100'", "allow") "," RULE(
			      "not-8050", "'network:a'", "'network:b'", "'tcp/8050'",
			      "deny") "," RULE("all", "'network:b'", "'network:c'", "'any'", "allow"),
		      "%s"),
		 tenants, more);
	c = compile_with(text, "n1", NULL);
	if (words)
		assert_true(says(&c.report, words));
	else if (!c.image)
		report_print(&c.report, stderr);
	assert_int_equal(c.image != NULL, !words || strstr(words, "proves nothing"));
	assert_true(c.report.errors <= 1);
	compiled_free(&c);
}

static void asserts_are_proved_on_the_rows(void **unused)
{
	(void)unused;
	check_assert(ASSERT("x", "network:a", "never", "network:c", ""), NULL);
	check_assert(ASSERT("x", "network:b", "never", "network:a", ""), NULL);
	check_assert(ASSERT("x", "network:a", "never", "network:b", ""),
		     "assert \"x\": rule \"web\" allows a+g (tenant=x) → b tcp/443");
	check_assert(
		ASSERT("x", "network:a", "never", "network:b", ", 'ports': ['udp', 'tcp/1-442', 'tcp/8050']"),
		NULL);
	check_assert(ASSERT("x", "network:a", "never", "network:b", ", 'ports': ['tcp/8100-9000']"),
		     "rule \"web\" allows a+g (tenant=x) → b tcp/8100");
	check_assert(ASSERT("x", "network:b", "never", "network:c", ", 'ports': ['icmp']"),
		     "assert \"x\": rule \"all\" allows b → c icmp");
	check_assert(ASSERT("x", "network:a", "never", "network:a", ""), "rule \"intra a\" allows");
	check_assert(
		ASSERT("x", "group:g", "reaches", "network:b", ", 'ports': ['tcp/443', 'tcp/8051-8100']"),
		NULL);
	check_assert(ASSERT("x", "network:b", "reaches", "network:c", ""), NULL);
	check_assert(ASSERT("x", "group:g", "reaches", "network:b", ", 'ports': ['tcp/8000-8100']"),
		     "assert \"x\": rule \"not-8050\" denies a+g (tenant=x) → b tcp/8050");
	check_assert(ASSERT("x", "network:a", "reaches", "network:b", ", 'ports': ['tcp/443']"),
		     "assert \"x\": no rule allows a (tenant=x) → b tcp/443");
	check_assert(ASSERT("x", "group:g", "reaches", "network:b", ", 'ports': ['tcp/440-443']"),
		     "no rule allows a+g (tenant=x) → b tcp/440-442");
	check_assert(ASSERT("x", "network:a@edge", "reaches", "network:b", ""),
		     "assert \"x\": no route takes a@edge → b any");
	check_assert(ASSERT("x", "vpc:blue", "reaches", "network:b", ""),
		     "its two sides stand in different VPCs, so neither reaches the other");
	check_assert(ASSERT("x", "world", "never", "vpc:default", ""), NULL);
}

/* A label on each of 3,000 workloads and a rule among all of them: nine million pairs. */
static void too_many_pairs_name_the_rule(void **unused)
{
	char *text = NULL;
	struct compiled c;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)unused;
	assert_non_null(f);
	fprintf(f, "{ 'sluice': 1, 'fabric': 'x', 'clusters': { 'main': { 'id': 1, 'nodes': { 'n1': { "
		   "'addresses': "
		   "['172.16.0.1'] } } } }, 'networks': { 'a': { 'id': 1, 'intra': 'same:t', 'sites': { "
		   "'main': { 'vlan': 1,"
		   " 'cidrs': ['10.0.0.0/16'] } } } }, 'policy': [" RULE(
			   "few", "'world'", "'network:a'", "'tcp/1'",
			   "allow") "," RULE("square", "'network:a'", "'network:a'", "'icmp'",
					     "allow") "], 'workloads': [");
	for (int i = 0; i < 3000; i++)
		fprintf(f,
			"%s{ 'name': 'w%d', 'network': 'a', 'address': '10.0.%d.%d', 'node': 'n1', 'labels': "
			"{ 't': '%d' } }",
			i ? "," : "", i, i / 250, i % 250 + 1, i);
	fprintf(f, "] }");
	assert_int_equal(fclose(f), 0);
	c = compile_with(text, "n1", NULL);
	assert_null(c.image);
	assert_true(says(&c.report, "this build holds at most 4194304; \"square\" makes 9006001 of them"));
	compiled_free(&c);
	free(text);
}

static void cell_says(const struct matrix *m, const char *from, const char *to, const char *want)
{
	const struct matrix_cell *cell = matrix_cell(m, from, to);
	char text[256];

	assert_non_null(cell);
	matrix_text(cell, text, sizeof(text));
	assert_string_equal(text, want);
}

static void matrix_of_networks(void **unused)
{
	struct compiled c = compile_text(
		PLAN("same:tenant", "", "'g': { 'members': ['10.0.1.5-10.0.1.6'] }",
		     "{ 'name': 'w1', 'network': 'a', 'address': '10.0.0.5', 'node': 'n1', 'labels': { "
		     "'tenant': 'x' } }",
		     RULE("web", "'network:a'", "'network:b'", "'tcp/443', 'tcp/8200', 'icmp'", "allow") "," RULE(
			     "ssh", "'network:a'", "'host'", "'tcp/22'",
			     "allow") "," RULE("some", "'group:g'", "'network:c'", "'tcp/1-9'",
					       "allow") "," RULE("more", "'cidr:10.0.1.6/32'", "'network:c'",
								 "'tcp/5-20', 'udp/53'",
								 "allow") "," RULE("out", "'network:c'",
										   "'world'", "'any'",
										   "allow") "," RULE("but",
												     "'networ"
												     "k:"
												     "c'",
												     "'world"
												     "'",
												     "'tcp/"
												     "25', "
												     "'udp'",
												     "deny"),
		     ""),
		"n1");
	struct matrix m;

	(void)unused;
	assert_true(matrix_build(c.image, &m));
	assert_int_equal(m.count, 7);
	assert_string_equal(m.ends[0].name, "a");
	assert_string_equal(m.ends[4].name, "world");
	assert_string_equal(m.ends[6].name, "remote-host");
	cell_says(&m, "a", "b", "icmp,tcp/443,tcp/8200");
	cell_says(&m, "b", "a", "-");
	cell_says(&m, "a", "a", "part:all");
	cell_says(&m, "c", "c", "all");
	cell_says(&m, "b", "b", "-");
	cell_says(&m, "b", "c", "part:tcp/1-20,udp/53");
	cell_says(&m, "c", "world", "all but tcp/25,udp");
	cell_says(&m, "a", "host", "all"); /* by two rules, on different ports */
	cell_says(&m, "blue", "a", "-");
	cell_says(&m, "blue", "blue", "-");
	matrix_free(&m);
	compiled_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deny_wins_and_the_number_says_who),
		cmocka_unit_test(pairs_count),
		cmocka_unit_test(postures_of_a_network),
		cmocka_unit_test(groups_of_every_kind),
		cmocka_unit_test(equal_addresses_in_two_vpcs_never_meet),
		cmocka_unit_test(hosts_are_open_until_the_plan_says_otherwise),
		cmocka_unit_test(a_host_policy_limits_intra),
		cmocka_unit_test(port_ranges_become_prefixes),
		cmocka_unit_test(equal_port_sets_are_shared),
		cmocka_unit_test(rules_that_say_nothing_are_named),
		cmocka_unit_test(asserts_are_proved_on_the_rows),
		cmocka_unit_test(too_many_pairs_name_the_rule),
		cmocka_unit_test(matrix_of_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
