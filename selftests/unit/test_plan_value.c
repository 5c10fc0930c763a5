/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan's little languages, word by word: what is taken and what it becomes. What is refused stands
 * with its message in selftests/plans/bad.
 */
#include "plan_fixture.h"
#include "../../user/plan/value.h"

static void addresses(void **state)
{
	uint32_t a;
	char why[WHY], text[ADDRESS_TEXT];

	(void)state;
	assert_true(value_address("0.0.0.0", &a, why) && a == 0);
	assert_true(value_address("255.255.255.255", &a, why) && a == 0xffffffff);
	assert_true(value_address("10.0.10.28", &a, why) && a == 0x0a000a1c);
	assert_string_equal(address_text(a, text), "10.0.10.28");
	assert_false(value_address("10.0.10.28 ", &a, why));
	assert_false(value_address("10.0.10", &a, why));
	assert_false(value_address("10.0.10.28.1", &a, why));
	assert_false(value_address("1000.0.0.1", &a, why));
	assert_false(value_address("4294967296.0.0.1", &a, why));
	assert_false(value_address("+1.0.0.1", &a, why));
	assert_false(value_address("10.00.0.1", &a, why));
}

static void prefixes(void **state)
{
	struct prefix p;
	char why[WHY], text[PREFIX_TEXT];

	(void)state;
	assert_true(value_prefix("0.0.0.0/0", &p, why) && p.addr == 0 && p.len == 0);
	assert_true(value_prefix("10.1.2.3/32", &p, why) && p.len == 32);
	assert_true(value_prefix("192.168.100.0/22", &p, why));
	assert_string_equal(prefix_text(p, text), "192.168.100.0/22");
	assert_true(prefix_has(p, 0xc0a86701) && !prefix_has(p, 0xc0a86801));
	assert_int_equal(prefix_last(p), 0xc0a867ff);
	assert_false(value_prefix("192.168.101.0/22", &p, why));
	assert_string_equal(why, "192.168.101.0/22 has host bits set, expected the network 192.168.100.0/22");
	assert_false(value_prefix("128.0.0.0/0", &p, why));
	assert_string_equal(why, "128.0.0.0/0 has host bits set, expected the network 0.0.0.0/0");
	assert_false(value_prefix("10.0.0.0", &p, why));
	assert_false(value_prefix("10.0.0.0/08", &p, why));
	assert_false(value_prefix("10.0.0.0/-1", &p, why));
}

static void ranges(void **state)
{
	struct range r;
	char why[WHY];

	(void)state;
	assert_true(value_range("10.0.0.7", &r, why) && r.first == 0x0a000007 && r.last == 0x0a000007);
	assert_true(value_range("10.0.0.0/30", &r, why) && r.first == 0x0a000000 && r.last == 0x0a000003);
	assert_true(value_range("0.0.0.0/0", &r, why) && r.first == 0 && r.last == 0xffffffff);
	assert_true(value_range("10.0.0.7-10.0.1.2", &r, why) && r.first == 0x0a000007 &&
		    r.last == 0x0a000102);
	assert_true(value_range("10.0.0.7-10.0.0.7", &r, why) && r.first == r.last);
	assert_false(value_range("10.0.0.7-10.0.0.6", &r, why));
	assert_true(value_vlans("1", &r, why) && r.first == 1 && r.last == 1);
	assert_true(value_vlans("100-4094", &r, why) && r.first == 100 && r.last == 4094);
	assert_false(value_vlans("0", &r, why));
	assert_false(value_vlans("4095", &r, why));
	assert_false(value_vlans("-5", &r, why));
	assert_true(value_port_range("1-65535", &r, why) && r.first == 1 && r.last == 65535);
	assert_false(value_port_range("0-65535", &r, why));
	assert_false(value_port_range("1-65536", &r, why));
}

static void port_is(const char *text, bool any, uint8_t proto, uint16_t first, uint16_t last)
{
	struct port p;
	char why[WHY];

	assert_true(value_port(text, &p, why));
	assert_int_equal(p.any, any);
	assert_int_equal(p.proto, proto);
	assert_int_equal(p.first, first);
	assert_int_equal(p.last, last);
}

static void ports(void **state)
{
	(void)state;
	port_is("any", true, 0, 0, 0);
	port_is("tcp", false, 6, 0, 65535);
	port_is("tcp/443", false, 6, 443, 443);
	port_is("udp/53", false, 17, 53, 53);
	port_is("tcp/6800-7300", false, 6, 6800, 7300);
	port_is("sctp/1-65535", false, 132, 1, 65535);
	port_is("icmp", false, 1, 0, 0);
	port_is("proto/47", false, 47, 0, 0);
	/* By number is the same as by name. */
	port_is("proto/6", false, 6, 0, 65535);
	port_is("proto/1", false, 1, 0, 0);
	port_is("proto/0", false, 0, 0, 0);
}

static void selectors(void **state)
{
	static const struct {
		const char *text;
		enum selector_kind kind;
		const char *name;
		size_t length;
		const char *cluster;
	} CASES[] = {
		{ "any", SELECT_ANY, NULL, 0, NULL },
		{ "world", SELECT_WORLD, NULL, 0, NULL },
		{ "host", SELECT_HOST, NULL, 0, NULL },
		{ "remote-host", SELECT_REMOTE_HOST, NULL, 0, NULL },
		{ "network:net-a", SELECT_NETWORK, "net-a", 5, NULL },
		{ "network:net-a@here", SELECT_NETWORK, "net-a", 5, "here" },
		{ "group:g.1", SELECT_GROUP, "g.1", 3, NULL },
		{ "cluster:c", SELECT_CLUSTER, "c", 1, NULL },
		{ "vpc:v", SELECT_VPC, "v", 1, NULL },
		{ "service:ns/name", SELECT_SERVICE, "ns/name", 7, NULL },
	};
	struct selector_text s;
	char why[WHY];

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		assert_true(value_selector(CASES[i].text, &s, why));
		assert_int_equal(s.kind, CASES[i].kind);
		assert_int_equal(s.name_length, CASES[i].length);
		if (CASES[i].name)
			assert_memory_equal(s.name, CASES[i].name, CASES[i].length);
		if (CASES[i].cluster)
			assert_string_equal(s.cluster, CASES[i].cluster);
		else
			assert_null(s.cluster);
	}
	assert_true(value_selector("cidr:10.0.0.0/8", &s, why));
	assert_int_equal(s.kind, SELECT_CIDR);
	assert_int_equal(s.cidr.addr, 0x0a000000);
	assert_int_equal(s.cidr.len, 8);
	assert_false(value_selector("host:x", &s, why));
	assert_false(value_selector("network:a@b@c", &s, why));
	assert_false(value_selector("group:a@b", &s, why));
}

static void the_rest(void **state)
{
	uint8_t mac[6], byte;
	uint32_t mask;
	char why[WHY];

	(void)state;
	assert_true(value_mac("02:00:00:00:66:0B", mac, why) && mac[4] == 0x66 && mac[5] == 0x0b);
	assert_false(value_mac("02:00:00:00:66:0b:", mac, why));
	assert_false(value_mac("2:0:0:0:66:b", mac, why));
	assert_true(value_mark("0x00f00000", &mask, why) && mask == 0x00f00000);
	assert_true(value_mark("0xf0000000", &mask, why) && mask == 0xf0000000);
	assert_true(value_mark("0xf", &mask, why) && mask == 0xf);
	assert_true(value_mark("0x3c", &mask, why) && mask == 0x3c);
	assert_false(value_mark("0x0", &mask, why));
	assert_false(value_mark("0x1f", &mask, why));
	assert_false(value_mark("0x000f00000", &mask, why)); /* nine digits */
	assert_true(value_dscp("AF31", &byte, why) && byte == 26);
	assert_true(value_dscp("AF21", &byte, why) && byte == 18);
	assert_true(value_dscp("CS1", &byte, why) && byte == 8);
	assert_true(value_dscp("EF", &byte, why) && byte == 46);
	assert_true(value_dscp("BE", &byte, why) && byte == 0);
	assert_false(value_dscp("AF50", &byte, why));
	assert_false(value_dscp("af31", &byte, why));
}

static void guesses(void **state)
{
	static const char *const WORDS[] = { "managed_vlans", "mark", "nodes" };

	(void)state;
	assert_string_equal(value_nearest("managed_vlan", WORDS, 3), "managed_vlans");
	assert_string_equal(value_nearest("mangaed_vlans", WORDS, 3), "managed_vlans");
	assert_string_equal(value_nearest("ndoes", WORDS, 3), "nodes");
	assert_null(value_nearest("colour", WORDS, 3));
	assert_null(value_nearest("", WORDS, 3));
	assert_null(value_nearest("nodes", WORDS, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(prefixes),  cmocka_unit_test(ranges),
		cmocka_unit_test(ports),     cmocka_unit_test(selectors), cmocka_unit_test(the_rest),
		cmocka_unit_test(guesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
