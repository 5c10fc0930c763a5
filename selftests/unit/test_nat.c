/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SNAT, floating IPs and guests in the image: who leaves by what towards where, which node has which ports of
 * an EIP, and what is kept back.
 */
#include <time.h>
#include "image_fixture.h"

#define TCP 6
#define UDP 17
#define GATEWAY ", 'gateway': true"

#define SITE_OF(n2_gateway)                                                                                  \
	"'sluice': 1, 'clusters': {"                                                                         \
	" 'here': { 'id': 1, 'nodes': {"                                                                     \
	"  'n1': { 'addresses': ['192.0.2.1', '192.0.2.11'], 'uplinks': { 'eth0': {} } },"                   \
	"  'n2': { 'addresses': ['192.0.2.2'], 'uplinks': { 'eth0': {} }" n2_gateway " },"                   \
	"  'n3': { 'addresses': ['192.0.2.3'], 'uplinks': { 'eth0': {} } } } },"                             \
	" 'there': { 'id': 2, 'nodes': { 't1': { 'addresses': ['192.0.2.9'] } } } },"                        \
	" 'vpcs': { 'blue': { 'id': 7 }, 'green': { 'id': 8 } },"                                            \
	" 'groups': { 'offices': { 'members': ['198.51.100.0-198.51.100.191'] } },"                          \
	" 'networks': {"                                                                                     \
	"  'pods': { 'id': 1, 'sites': { 'here': { 'overlay': true, 'cidrs': ['10.1.0.0/16'] },"             \
	"   'there': { 'overlay': true, 'cidrs': ['10.2.0.0/16'], 'nat_outgoing': true } } },"               \
	"  'blue': { 'id': 2, 'vpc': 'blue', 'sites': { 'here': { 'overlay': true, 'cidrs': "                \
	"['10.1.0.0/16'] } } },"                                                                             \
	"  'empty': { 'id': 3, 'vpc': 'green', 'sites': { 'here': { 'overlay': true, 'cidrs': "              \
	"['10.3.0.0/16'] } } },"                                                                             \
	"  'out': { 'id': 40, 'external': true, 'sites': { 'here': { 'vlan': 40, 'cidrs': "                  \
	"['203.0.113.0/24'], 'gateway': '203.0.113.1' } } },"                                                \
	"  'routed': { 'id': 42, 'vpc': 'green', 'external': true, 'sites': { 'here': { 'overlay': true, "   \
	"'cidrs': ['203.0.114.0/24'] } } },"                                                                 \
	"  'far-out': { 'id': 41, 'external': true, 'sites': { 'there': { 'vlan': 41, 'cidrs': "             \
	"['203.0.112.0/24'] } } } },"                                                                        \
	" 'workloads': ["                                                                                    \
	"  { 'name': 'a', 'network': 'pods', 'address': '10.1.0.1', 'node': 'n1', 'interface': 'veth-a' },"  \
	"  { 'name': 'b', 'network': 'pods', 'address': '10.1.0.2', 'node': 'n3', 'interface': 'veth-b' },"  \
	"  { 'name': 'c', 'network': 'blue', 'address': '10.1.0.1', 'node': 'n3', 'interface': 'veth-c' },"  \
	"  { 'name': 'd', 'network': 'blue', 'address': '10.1.0.2', 'node': 'n1' } ],"                       \
	" 'eips': { 'e': { 'address': '203.0.113.7', 'network': 'out', 'nodes': ['n2'],"                     \
	"   'reserved': ['tcp/80', 'udp/5000-5002', 'udp/5001'], 'echo': 'drop' },"                          \
	"  'f': { 'address': '203.0.113.8', 'network': 'out' },"                                             \
	"  'g': { 'address': '203.0.113.9', 'network': 'out', 'nodes': ['n3'] },"                            \
	"  'r': { 'address': '203.0.114.9', 'network': 'routed', 'nodes': ['n1'] },"                         \
	"  'far': { 'address': '203.0.112.7', 'network': 'far-out' } },"
#define SITE SITE_OF(GATEWAY)
#define PLAN(more) "{" SITE more "}"

static const struct sl_eip *eip_at(const struct image *i, const char *eip)
{
	struct sl_eip_key key = { .addr = htonl(addr(eip)) };

	return value_of(&i->table[SL_TABLE_sl_eip], &key);
}

static const struct sl_vip *vip_at(const struct image *i, const char *vip)
{
	struct sl_vip_key key = { .addr = htonl(addr(vip)) };

	return value_of(&i->table[SL_TABLE_sl_vip], &key);
}

static const struct sl_snat *rule_at(const struct image *i, uint32_t number)
{
	struct sl_snat_key key = { .rule = number };

	return value_of(&i->table[SL_TABLE_sl_snat], &key);
}

static bool has(const struct image *i, int table, const void *key)
{
	return value_of(&i->table[table], key);
}

static bool reserved(const struct image *i, const char *eip, uint8_t proto, uint16_t port)
{
	struct sl_reserved_key key = { .addr = htonl(addr(eip)), .port = htons(port), .proto = proto };

	return has(i, SL_TABLE_sl_reserved, &key);
}

static bool guest(const struct image *i, const char *vip, uint8_t proto, uint16_t port, const char *vpc)
{
	struct sl_guest_key key = {
		.addr = htonl(addr(vip)), .port = htons(port), .proto = proto, .vpc = vpc_id(i, vpc)
	};

	return has(i, SL_TABLE_sl_guest, &key);
}

static const char *name_of(const struct image *i, uint16_t kind, uint32_t id)
{
	for (size_t k = 0; k < i->name_count; k++) {
		if (i->names[k].key.kind == kind && i->names[k].key.id == id)
			return i->names[k].name.name;
	}
	return "";
}

/* What the kernel would find: the longest source prefix. NULL: none. */
static const struct sl_snat_from *from(const struct image *i, const char *vpc, const char *src)
{
	for (uint32_t len = 33; len-- > 0;) {
		struct sl_snat_from_key key = { .prefixlen = 32 + len,
						.vpc = htons(vpc_id(i, vpc)),
						.addr = htonl(len ? addr(src) & (UINT32_MAX << (32 - len))
								  : 0) };
		const struct sl_snat_from *row = value_of(&i->table[SL_TABLE_sl_snat_from], &key);

		if (row)
			return row;
	}
	return NULL;
}

/* And the rule for a destination. 0: nothing leads out. */
static uint32_t way(const struct image *i, const char *vpc, const char *src, const char *dst)
{
	const struct sl_snat_from *list = from(i, vpc, src);

	for (uint32_t len = 33; list && len-- > 0;) {
		struct sl_snat_to_key key = { .prefixlen = 32 + len,
					      .list = htonl(list->list),
					      .addr = htonl(len ? addr(dst) & (UINT32_MAX << (32 - len))
								: 0) };
		const struct sl_snat_to *row = value_of(&i->table[SL_TABLE_sl_snat_to], &key);

		if (row)
			return row->rule;
	}
	return 0;
}

static size_t blocks_of(const struct sl_eip *eip, uint16_t node)
{
	size_t count = 0;

	for (size_t i = 0; i < SL_EIP_BLOCKS; i++)
		count += eip->node[i] == node;
	return count;
}

/* --- sources and destinations */

static void longest_source_and_destination(void **state)
{
	struct compiled c = compile_text(
		PLAN("'snat': ["
		     " { 'name': 'all', 'from': ['10.1.0.0/16'], 'eips': ['e'], 'except': ['192.168.0.0/16'] "
		     "},"
		     " { 'name': 'offices', 'from': ['10.1.0.0/16'], 'eips': ['f'], 'to': ['group:offices',"
		     "   'cidr:192.168.7.0/24', 'network:out'] },"
		     " { 'name': 'some', 'from': ['10.1.0.0/24'], 'eips': ['f'], 'to': "
		     "['cidr:198.51.100.0/25',"
		     "   'cidr:8.0.0.0/8'], 'except': ['8.8.8.0/24'] },"
		     " { 'name': 'blue', 'vpc': 'blue', 'from': ['10.1.0.0/24'], 'eips': ['g'],"
		     "   'to': ['world'] },"
		     " { 'name': 'far', 'from': ['10.1.0.0/25'], 'eips': ['far'] } ]"),
		"n1");
	const struct image *i = c.image;

	(void)state;
	assert_sorted(i);
	/* Rule 1 but where rule 2, of the same source, names a longer destination; its exception likewise. */
	assert_int_equal(way(i, "default", "10.1.9.9", "8.8.8.8"), 1);
	assert_int_equal(way(i, "default", "10.1.9.9", "198.51.100.191"), 2);
	assert_int_equal(way(i, "default", "10.1.9.9", "198.51.100.192"), 1);
	assert_int_equal(way(i, "default", "10.1.9.9", "203.0.113.200"), 2);
	assert_int_equal(way(i, "default", "10.1.9.9", "192.168.1.1"), SL_SNAT_EXCEPT);
	assert_int_equal(way(i, "default", "10.1.9.9", "192.168.7.1"), 2);
	/* A longer source goes first, and leaves what it does not name to the shorter one. */
	assert_int_equal(way(i, "default", "10.1.0.9", "8.9.9.9"), 3);
	assert_int_equal(way(i, "default", "10.1.0.9", "8.8.8.8"), SL_SNAT_EXCEPT);
	assert_int_equal(way(i, "default", "10.1.0.9", "198.51.100.127"), 3);
	assert_int_equal(way(i, "default", "10.1.0.9", "198.51.100.128"), 2);
	assert_int_equal(way(i, "default", "10.1.0.9", "9.9.9.9"), 1);
	assert_int_equal(way(i, "default", "10.1.0.9", "192.168.1.1"), SL_SNAT_EXCEPT);
	/* Another VPC with the same addresses knows nothing of it. */
	assert_int_equal(way(i, "blue", "10.1.0.9", "198.51.100.1"), 4);
	assert_int_equal(way(i, "blue", "10.1.9.9", "198.51.100.1"), 0);
	assert_null(from(i, "green", "10.1.0.9"));
	/* The rule whose EIP is in no network of this site is not here. */
	assert_null(rule_at(i, 5));
	assert_null(eip_at(i, "203.0.112.7"));
	assert_int_equal(i->table[SL_TABLE_sl_snat].count, 4);
	assert_string_equal(name_of(i, SL_NAME_SNAT, 2), "offices");
	assert_string_equal(name_of(i, SL_NAME_SNAT, 5), "");
	assert_string_equal(name_of(i, SL_NAME_EIP, htonl(addr("203.0.113.7"))), "e");
	assert_string_equal(name_of(i, SL_NAME_EIP, htonl(addr("203.0.112.7"))), "");
	compiled_free(&c);
}

/* A shorter source's long destination does not come before a longer source's short one. */
static void sources_come_first(void **state)
{
	struct compiled c = compile_text(
		PLAN("'snat': ["
		     " { 'name': 'wide', 'from': ['10.1.0.0/16'], 'eips': ['e'], 'to': ['cidr:8.8.8.0/24'] },"
		     " { 'name': 'narrow', 'from': ['10.1.0.0/24'], 'eips': ['f'] },"
		     " { 'name': 'inmost', 'from': ['10.1.0.0/28'], 'eips': ['f'], 'to': ['cidr:9.0.0.0/8'] "
		     "} ]"),
		"n1");

	(void)state;
	assert_int_equal(way(c.image, "default", "10.1.9.1", "8.8.8.8"), 1);
	assert_int_equal(way(c.image, "default", "10.1.9.1", "8.8.9.8"), 0);
	assert_int_equal(way(c.image, "default", "10.1.0.99", "8.8.8.8"), 2);
	assert_int_equal(way(c.image, "default", "10.1.0.1", "9.8.8.8"), 3);
	assert_int_equal(way(c.image, "default", "10.1.0.1", "8.8.8.8"), 2);
	compiled_free(&c);
}

static void what_a_rule_says(void **state)
{
	struct compiled c = compile_text(
		PLAN("'snat': ["
		     " { 'name': 'a', 'from': ['10.1.0.0/16'], 'eips': ['e', 'f'], 'ports': '2000-9000',"
		     "   'max_ports_per_workload': 9, 'max_flows_per_workload': 99,"
		     "   'mapping': 'address-and-port-dependent', 'filtering': 'endpoint-independent' },"
		     " { 'name': 'b', 'vpc': 'blue', 'from': ['10.1.0.0/16'], 'eips': ['g'] } ]"),
		"n1");
	const struct sl_snat *rule = rule_at(c.image, 1);
	uint32_t shares[2] = { 0 };

	(void)state;
	assert_int_equal(rule->first, 2000);
	assert_int_equal(rule->last, 9000);
	assert_int_equal(rule->max_ports, 9);
	assert_int_equal(rule->max_flows, 99);
	assert_int_equal(rule->mapping, SL_NAT_ADDRESS_PORT);
	assert_int_equal(rule->filtering, SL_NAT_ENDPOINT);
	compiled_free(&c);
	c = compile_text(PLAN("'snat': [ { 'name': 'a', 'from': ['10.1.0.0/16'], 'eips': ['e', 'f'] },"
			      " { 'name': 'b', 'vpc': 'blue', 'from': ['10.1.0.0/16'], 'eips': ['g'] } ]"),
			 "n1");
	rule = rule_at(c.image, 1);
	assert_int_equal(rule->max_ports, UINT32_MAX); /* no limit */
	assert_int_equal(rule->max_flows, 0);
	assert_int_equal(rule->mapping, SL_NAT_ENDPOINT);
	assert_int_equal(rule->filtering, SL_NAT_ADDRESS);
	assert_true(rule->slots > 100);
	for (uint32_t k = rule->ring; k < rule->ring + rule->slots; k++) {
		const struct sl_slot *slot = value_of(&c.image->table[SL_TABLE_sl_ring], &k);

		assert_non_null(slot);
		shares[slot->addr == htonl(addr("203.0.113.7"))]++;
		assert_true(slot->addr == htonl(addr("203.0.113.7")) ||
			    slot->addr == htonl(addr("203.0.113.8")));
	}
	assert_in_range(shares[0], shares[1] - 1, shares[1] + 1);
	/* A choice among one needs no more than one slot. */
	assert_int_equal(rule_at(c.image, 2)->slots, 1);
	compiled_free(&c);
}

/* --- EIPs and their blocks */

static void nodes_share_an_eip(void **state)
{
	static const char text[] =
		PLAN("'snat': [ { 'name': 'a', 'from': ['10.1.0.0/16'], 'eips': ['e'] } ]");
	static const char *const nodes[] = { "n1", "n2", "n3" };
	const struct sl_eip *eip[3];
	struct compiled c[3];

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		c[n] = compile_text(text, nodes[n]);
		eip[n] = eip_at(c[n].image, "203.0.113.7");
		assert_non_null(eip[n]);
		assert_int_equal(eip[n]->network, 40);
		assert_int_equal(eip[n]->vpc, vpc_id(c[n].image, "default"));
		assert_int_equal(eip[n]->inside_vpc, vpc_id(c[n].image, "default"));
		assert_int_equal(eip[n]->flags, SL_EIP_SNAT | (n == 1 ? SL_EIP_OWNED : 0));
		/* The first 1024 ports are not in the rule's range; the rest in three parts: n2 is named. */
		assert_int_equal(eip[n]->owned, 21);
		assert_int_equal(blocks_of(eip[n], SL_NODE_SELF), 21);
		assert_int_equal(blocks_of(eip[n], 0), 1);
		assert_int_equal(eip[n]->node[0], 0);
		for (size_t i = 0; i < eip[n]->owned; i++) {
			assert_int_equal(eip[n]->node[eip[n]->own[i]], SL_NODE_SELF);
			assert_true(!i || eip[n]->own[i] > eip[n]->own[i - 1]);
		}
		assert_int_equal(rule_at(c[n].image, 1)->slots, 1);
	}
	/* All say the same: what is one's own is this one's by its number on the others. */
	for (size_t i = 1; i < SL_EIP_BLOCKS; i++) {
		size_t owners = 0;

		for (size_t n = 0; n < 3; n++)
			owners += eip[n]->node[i] == SL_NODE_SELF;
		assert_int_equal(owners, 1);
		for (size_t n = 0; n < 3; n++) {
			/* Nodes but the reader are numbered in the order of the plan. */
			size_t other = eip[n]->node[i] == SL_NODE_SELF	 ? n
				       : (size_t)eip[n]->node[i] - 1 < n ? (size_t)eip[n]->node[i] - 1
									 : eip[n]->node[i];

			assert_int_equal(eip[other]->node[i], SL_NODE_SELF);
		}
	}
	for (size_t n = 0; n < 3; n++)
		compiled_free(&c[n]);
	/* Another cluster has none of it. */
	c[0] = compile_text(text, "t1");
	assert_null(eip_at(c[0].image, "203.0.113.7"));
	assert_int_equal(c[0].image->table[SL_TABLE_sl_snat].count, 1); /* that of nat_outgoing */
	compiled_free(&c[0]);
}

/* Where no workload is known, gateways; without gateways every node. */
static void nodes_of_unlisted_workloads(void **state)
{
	static const char *const plans[] = { "{" SITE_OF(
						     GATEWAY) "'snat': [ { 'name': 'a', 'vpc': 'green', "
							      "'from': ['10.3.0.0/16'], 'eips': ['f'] } ]}",
					     "{" SITE_OF("") "'snat': [ { 'name': 'a', 'vpc': 'green', "
							     "'from': ['10.3.0.0/16'], 'eips': ['f'] } ]}" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct compiled c = compile_text(plans[i], "n1");
		const struct sl_eip *eip = eip_at(c.image, "203.0.113.8");

		assert_int_equal(eip->owned, i ? 21 : 0);
		assert_int_equal(blocks_of(eip, 1), i ? 21 : 63);
		assert_int_equal(rule_at(c.image, 1)->slots, i ? 1 : 0);
		compiled_free(&c);
	}
}

/* Two rules with ranges of their own on one EIP: every node has ports of both. */
static void ranges_are_shared_apart(void **state)
{
	struct compiled c = compile_text(
		PLAN("'snat': [ { 'name': 'a', 'from': ['10.1.0.0/16'], 'eips': ['e'], 'ports': '1024-4095' "
		     "},"
		     "{ 'name': 'b', 'from': ['10.1.0.0/24'], 'eips': ['e'], 'ports': '4096-7167' } ]"),
		"n1");
	const struct sl_eip *eip = eip_at(c.image, "203.0.113.7");

	(void)state;
	assert_int_equal(eip->owned, 2);
	assert_in_range(eip->own[0], 1, 3);
	assert_in_range(eip->own[1], 4, 6);
	assert_int_equal(blocks_of(eip, 0), 58);
	compiled_free(&c);
}

static void too_few_blocks(void **state)
{
	struct compiled c = compile_with(PLAN("'snat': [ { 'name': 'a', 'from': ['10.1.0.0/16'], 'eips': "
					      "['e'], 'ports': '2000-3000' } ]"),
					 "n1", NULL);

	(void)state;
	assert_null(c.image);
	assert_true(says(&c.report,
			 "$.eips.e: 3 nodes share EIP e but \"ports\" of snat \"a\" have 2 blocks of 1024, "
			 "expected a block for each"));
	compiled_free(&c);
}

static void outside_addresses(void **state)
{
	struct compiled c = compile_text(
		PLAN("'snat': [ { 'name': 'a', 'from': ['10.1.0.0/16'], 'eips': ['e'] } ],"
		     " 'fips': [ { 'name': 'x', 'vpc': 'blue', 'address': '10.1.0.1', 'eip': 'g' } ]"),
		"n3");
	uint32_t zero = 0;
	const struct sl_setting *s = value_of(&c.image->table[SL_TABLE_sl_setting], &zero);
	const struct sl_vip *vip = vip_at(c.image, "203.0.113.7");

	(void)state;
	assert_int_equal(s->flags, SL_SETTING_OUTSIDE | SL_SETTING_WAN);
	assert_int_equal(c.image->table[SL_TABLE_sl_vip].count, 4);
	assert_int_equal(vip->flags, SL_VIP_EIP | SL_VIP_ECHO_DROP);
	assert_int_equal(vip->network, 40);
	/* Pings of a floating IP are its workload's. */
	assert_int_equal(vip_at(c.image, "203.0.113.9")->flags, SL_VIP_EIP | SL_VIP_OWNED);
	assert_int_equal(vip_at(c.image, "203.0.113.8")->flags & ~SL_VIP_OWNED, SL_VIP_EIP | SL_VIP_ECHO);
	/* No VLAN carries its network here. */
	assert_int_equal(vip_at(c.image, "203.0.114.9")->network, SL_NET_WORLD);
	assert_int_equal(eip_at(c.image, "203.0.114.9")->network, SL_NET_WORLD);
	assert_int_equal(eip_at(c.image, "203.0.114.9")->vpc, 8);
	assert_int_equal(eip_at(c.image, "203.0.114.9")->flags, 0);
	compiled_free(&c);
}

/* --- floating IPs */

static void floating_ips(void **state)
{
	static const char text[] =
		PLAN("'snat': [ { 'name': 'a', 'vpc': 'blue', 'from': ['10.1.0.0/16'], 'eips': ['e'] } ],"
		     " 'fips': [ { 'name': 'x', 'vpc': 'blue', 'address': '10.1.0.1', 'eip': 'g', "
		     "'from_vpcs': ['green'] },"
		     "  { 'name': 'y', 'vpc': 'blue', 'address': '10.1.0.2', 'eip': 'f' },"
		     "  { 'name': 'far', 'address': '10.2.0.2', 'eip': 'far' },"
		     "  { 'name': 'z', 'vpc': 'green', 'address': '10.3.0.2', 'eip': 'r' } ]");
	struct compiled c = compile_with(text, "n1", NULL);
	const struct image *i = c.image;
	const struct sl_snat_from *row;
	const struct sl_eip *eip;

	(void)state;
	assert_non_null(i);
	assert_sorted(i);
	eip = eip_at(i, "203.0.113.9");
	assert_int_equal(eip->flags, SL_EIP_FIP);
	assert_int_equal(ntohl(eip->fip), addr("10.1.0.1"));
	assert_int_equal(eip->inside_vpc, 7);
	assert_int_equal(eip->fip_node, 2); /* n3 is the second of the others */
	assert_int_equal(eip->owned, 0);
	row = from(i, "blue", "10.1.0.1");
	assert_int_equal(ntohl(row->fip), addr("203.0.113.9"));
	assert_int_equal(row->list, from(i, "blue", "10.1.7.7")->list);
	assert_int_equal(way(i, "blue", "10.1.0.1", "8.8.8.8"), 1);
	/* On this node, without an interface: told. */
	assert_int_equal(eip_at(i, "203.0.113.8")->fip_node, SL_NODE_SELF);
	assert_true(
		says(&c.report, "$.fips[1]: 10.1.0.2 of VPC blue cannot be delivered: name its interface"));
	/* Nobody knows where: told; nothing else leads its source out. */
	assert_int_equal(eip_at(i, "203.0.114.9")->fip_node, 0);
	assert_true(says(&c.report, "$.fips[3]: no node is known for 10.3.0.2 of VPC green"));
	assert_int_equal(from(i, "green", "10.3.0.2")->list, 0);
	assert_null(from(i, "green", "10.3.0.3"));
	/* Of another cluster's EIP nothing is here. */
	assert_null(from(i, "default", "10.2.0.2"));
	assert_true(guest(i, "203.0.113.9", 0, 0, "green"));
	assert_int_equal(i->table[SL_TABLE_sl_guest].count, 1);
	/* All of blue's workloads have floating IPs: who else needs the EIP is not known. */
	assert_int_equal(eip_at(i, "203.0.113.7")->owned, 0);
	assert_int_equal(blocks_of(eip_at(i, "203.0.113.7"), 1), 63);
	compiled_free(&c);
}

/* --- services: guests, and ports kept back */

static void guests_and_reserved_ports(void **state)
{
	struct compiled c =
		compile_text(PLAN("'snat': [ { 'name': 'a', 'from': ['10.1.0.0/16'], 'eips': ['e'] } ],"
				  " 'services': {"
				  "  's': { 'eip': 'e', 'ports': [{ 'proto': 'tcp', 'port': 80 }, { 'proto': "
				  "'udp', 'port': 53 }],"
				  "   'backends': [{ 'address': '10.1.0.1' }], 'echo': 'answer',"
				  "   'from_vpcs': ['blue', 'default', 'green', 'blue'] },"
				  "  't': { 'eip': 'f', 'ports': [{ 'proto': 'tcp', 'port': 81 }], "
				  "'backends': [{ 'address':"
				  "   '10.1.0.1' }] } }"),
			     "n1");
	const struct image *i = c.image;

	(void)state;
	assert_sorted(i);
	assert_true(guest(i, "203.0.113.7", TCP, 80, "blue"));
	assert_true(guest(i, "203.0.113.7", UDP, 53, "green"));
	assert_false(guest(i, "203.0.113.7", TCP, 53, "green"));
	/* Its own VPC needs no row. */
	assert_false(guest(i, "203.0.113.7", TCP, 80, "default"));
	assert_int_equal(i->table[SL_TABLE_sl_guest].count, 4);
	assert_true(reserved(i, "203.0.113.7", TCP, 80));
	assert_true(reserved(i, "203.0.113.7", UDP, 53));
	assert_true(reserved(i, "203.0.113.7", UDP, 5000) && reserved(i, "203.0.113.7", UDP, 5002));
	assert_false(reserved(i, "203.0.113.7", UDP, 5003));
	/* Nobody leaves by the other one. */
	assert_false(reserved(i, "203.0.113.8", TCP, 81));
	assert_int_equal(i->table[SL_TABLE_sl_reserved].count, 5);
	/* What the service says of pings goes before what the EIP says. */
	assert_int_equal(vip_at(i, "203.0.113.7")->flags, SL_VIP_EIP | SL_VIP_ECHO);
	compiled_free(&c);
}

/* Guests come as their EIP, from the world: no assert about direct ways is broken by them. */
static void guests_do_not_reach_directly(void **state)
{
	struct compiled c = compile_text(
		PLAN("'services': { 's': { 'eip': 'e', 'ports': [{ 'proto': 'tcp', 'port': 80 }],"
		     "  'backends': [{ 'address': '10.1.0.1' }], 'from_vpcs': ['blue'] } },"
		     " 'assert': [ { 'name': 'apart', 'from': 'vpc:blue', 'never': 'network:pods' } ]"),
		"n1");

	(void)state;
	compiled_free(&c);
	c = compile_with(
		PLAN("'services': { 's': { 'eip': 'e', 'ports': [{ 'proto': 'tcp', 'port': 80 }],"
		     "  'backends': [{ 'address': '10.1.0.1' }], 'from_vpcs': ['blue'] } },"
		     " 'assert': [ { 'name': 'closed', 'from': 'world', 'never': 'network:pods' } ]"),
		"n1", NULL);
	assert_null(c.image);
	assert_true(says(&c.report, "assert \"closed\": service \"s\" lets world"));
	compiled_free(&c);
}

/* --- nat_outgoing */

#define OWN                                                                                                  \
	"{ 'sluice': 1, 'clusters': { 'c': { 'id': 1, 'delivery': { 'port': 62000 },"                        \
	" 'nat_outgoing': { 'ports': '61000-65000', 'max_ports_per_workload': 7, 'filtering': "              \
	"'address-and-port-dependent' },"                                                                    \
	" 'nodes': { 'n1': { 'addresses': ['192.0.2.1', '192.0.2.11'] }, 'n2': { 'addresses': "              \
	"['192.0.2.2'] } } } },"                                                                             \
	" 'networks': {"                                                                                     \
	"  'pods': { 'id': 1, 'sites': { 'c': { 'overlay': true, 'cidrs': ['10.1.0.0/16', '10.2.0.0/16'],"   \
	"   'nat_outgoing': true } } },"                                                                     \
	"  'inner': { 'id': 2, 'sites': { 'c': { 'overlay': true, 'cidrs': ['10.3.0.0/16'] } } },"           \
	"  'out': { 'id': 40, 'external': true, 'sites': { 'c': { 'vlan': 40, 'cidrs': ['203.0.113.0/24'] "  \
	"} } } },"                                                                                           \
	" 'eips': { 'e': { 'address': '203.0.113.7', 'network': 'out' } },"                                  \
	" 'services': { 's': { 'address': '192.0.2.1', 'ports': [{ 'proto': 'tcp', 'port': 61443 }],"        \
	"  'backends': [] } },"

static void the_nodes_own_address(void **state)
{
	static const char text[] = OWN "'snat': [ { 'name': 'dns', 'from': ['10.0.0.0/8'], 'eips': ['e'], "
				       "'to': ['cidr:8.8.8.8/32'] } ] }";
	struct compiled c = compile_text(text, "n1");
	const struct image *i = c.image;
	const struct sl_eip *eip = eip_at(i, "192.0.2.1");
	const struct sl_snat *rule = rule_at(i, 2);
	const struct sl_slot *slot;

	(void)state;
	assert_sorted(i);
	assert_non_null(eip);
	assert_int_equal(eip->flags, SL_EIP_HOST | SL_EIP_SNAT | SL_EIP_OWNED);
	assert_int_equal(eip->network, SL_NET_WORLD);
	assert_int_equal(eip->vpc, vpc_id(i, "default"));
	assert_int_equal(eip->owned, 5); /* 59 to 63 */
	assert_int_equal(eip->own[0], 59);
	assert_int_equal(blocks_of(eip, 0), 59);
	assert_null(eip_at(i, "192.0.2.11"));
	assert_null(eip_at(i, "192.0.2.2"));
	assert_int_equal(rule->first, 61000);
	assert_int_equal(rule->last, 65000);
	assert_int_equal(rule->max_ports, 7);
	assert_int_equal(rule->filtering, SL_NAT_ADDRESS_PORT);
	assert_int_equal(rule->slots, 1);
	slot = value_of(&i->table[SL_TABLE_sl_ring], &rule->ring);
	assert_int_equal(ntohl(slot->addr), addr("192.0.2.1"));
	assert_string_equal(name_of(i, SL_NAME_SNAT, 2), "nat_outgoing");
	assert_string_equal(name_of(i, SL_NAME_EIP, htonl(addr("192.0.2.1"))), "n1");
	/* A rule of the plan goes first, even one of a wider source. */
	assert_int_equal(way(i, "default", "10.1.0.1", "8.8.8.8"), 1);
	assert_int_equal(way(i, "default", "10.1.0.1", "8.8.8.9"), 2);
	assert_int_equal(way(i, "default", "10.2.0.1", "8.8.8.9"), 2);
	assert_int_equal(way(i, "default", "10.3.0.1", "8.8.8.8"), 1);
	assert_int_equal(way(i, "default", "10.3.0.1", "8.8.8.9"), 0);
	/* Still the node's own: no pings of it are answered by others, and its services keep their ports. */
	assert_int_equal(vip_at(i, "192.0.2.1")->flags, SL_VIP_EIP | SL_VIP_OWNED | SL_VIP_HOST);
	assert_true(reserved(i, "192.0.2.1", TCP, 61443));
	assert_true(reserved(i, "192.0.2.1", UDP, 62000));
	compiled_free(&c);
	/* The other node has its own; no service there, so no name for its clients. */
	c = compile_text(text, "n2");
	assert_non_null(eip_at(c.image, "192.0.2.2"));
	assert_null(eip_at(c.image, "192.0.2.1"));
	assert_int_equal(vip_at(c.image, "192.0.2.2")->other, 0);
	assert_int_equal(vip_at(c.image, "192.0.2.1")->flags, 0);
	compiled_free(&c);
}

/* --- as a whole */

/* What a plan of SITES.md says, and what people read off the rows. */
static void the_kube_dc(void **state)
{
	static const char *const nodes[] = { "worker-1", "worker-2" };
	static const struct {
		const char *eip;
		uint16_t flags[2];
		bool shared;
	} expected[] = {
		{ "100.65.0.101", { SL_EIP_SNAT | SL_EIP_OWNED, SL_EIP_SNAT }, true },
		{ "100.65.0.102", { SL_EIP_SNAT | SL_EIP_OWNED, SL_EIP_SNAT }, true },
		{ "100.65.0.105", { SL_EIP_OWNED, 0 }, false },
		{ "168.119.17.52", { SL_EIP_SNAT, SL_EIP_SNAT | SL_EIP_OWNED }, true },
		{ "168.119.17.57", { SL_EIP_FIP | SL_EIP_OWNED, SL_EIP_FIP }, false },
	};
	struct compiled c[2] = { 0 };

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		c[n].plan = plan_read("selftests/plans/kube-dc.json", &c[n].report);
		assert_non_null(c[n].plan);
		plan_check(c[n].plan, &c[n].report);
		assert_int_equal(c[n].report.count, 0);
		c[n].image = image_compile(c[n].plan, nodes[n], NULL, &c[n].report);
		assert_false(report_failed(&c[n].report));
		assert_non_null(c[n].image);
		for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
			const struct sl_eip *eip = eip_at(c[n].image, expected[i].eip);

			assert_int_equal(eip->flags, expected[i].flags[n]);
			assert_int_equal(eip->owned, expected[i].shared ? 32 - n : 0);
		}
		assert_int_equal(eip_at(c[n].image, "168.119.17.57")->fip_node, n ? 1 : SL_NODE_SELF);
		assert_int_equal(way(c[n].image, "shalb-demo", "10.0.10.28", "1.1.1.1"), 2);
		assert_int_equal(rule_at(c[n].image, 2)->max_ports, 4096);
		assert_true(guest(c[n].image, "100.65.0.112", TCP, 80, "default"));
		assert_false(guest(c[n].image, "100.65.0.112", TCP, 80, "shalb-dev"));
		assert_true(reserved(c[n].image, "100.65.0.102", TCP, 2222));
		assert_false(reserved(c[n].image, "100.65.0.112", TCP, 80));
	}
	for (size_t i = 1; i < SL_EIP_BLOCKS; i++) {
		const struct sl_eip *a = eip_at(c[0].image, "100.65.0.101"),
				    *b = eip_at(c[1].image, "100.65.0.101");

		assert_int_equal(a->node[i] == SL_NODE_SELF, b->node[i] == 1);
		assert_int_equal(b->node[i] == SL_NODE_SELF, a->node[i] == 1);
	}
	for (size_t n = 0; n < 2; n++)
		compiled_free(&c[n]);
}

/* What the checker would have caught is refused, not compiled into nonsense. */
static void unchecked_plans(void **state)
{
	static const struct {
		const char *text, *line;
	} bad[] = {
		{ PLAN("'snat': [ { 'name': 'a', 'from': ['10.1.0.0/16'], 'eips': ['x'] } ]"),
		  "$.snat[0]: EIP \"x\" is not in the plan" },
		{ PLAN("'snat': [ { 'name': 'a', 'vpc': 'x', 'from': ['10.1.0.0/16'], 'eips': ['e'] } ]"),
		  "$.snat[0]: VPC \"x\" is not in the plan" },
		{ PLAN("'fips': [ { 'name': 'a', 'address': '10.1.0.1', 'eip': 'x' } ]"),
		  "$.fips[0]: EIP \"x\" is not in the plan" },
		{ PLAN("'fips': [ { 'name': 'a', 'vpc': 'x', 'address': '10.1.0.1', 'eip': 'e' } ]"),
		  "$.fips[0]: VPC \"x\" is not in the plan" },
		{ PLAN("'fips': [ { 'name': 'a', 'address': '10.1.0.1', 'eip': 'e', 'from_vpcs': ['x'] } ]"),
		  "$.fips[0]: VPC \"x\" is not in the plan" },
		{ "{ 'sluice': 1, 'clusters': { 'c': { 'id': 1, 'nodes': { 'n1': { 'addresses': "
		  "['192.0.2.1'] } } } "
		  "}, 'eips': { 'e': { 'address': '203.0.113.7', 'network': 'x' } } }",
		  "$.eips.e: network \"x\" is not in the plan" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct compiled c = compile_with(bad[i].text, "n1", NULL);

		assert_null(c.image);
		assert_true(says(&c.report, bad[i].line));
		compiled_free(&c);
	}
}

static size_t append(char *text, size_t used, const char *format, ...) __attribute__((format(printf, 3, 4)));
static size_t append(char *text, size_t used, const char *format, ...)
{
	va_list arguments;
	int more;

	va_start(arguments, format);
	more = vsprintf(text + used, format, arguments);
	va_end(arguments);
	assert_true(more > 0);
	return used + (size_t)more;
}

/* 2000 projects with an EIP, a rule, a floating IP and 50 workloads each, on ten nodes: a second or so. */
static void many_projects_are_fast(void **state)
{
	enum { PROJECTS = 2000, WORKLOADS = 50, NODES = 10 };
	char *text = malloc(64U << 20);
	size_t used = 0;
	struct compiled a, b;
	clock_t start;

	(void)state;
	assert_non_null(text);
	used = append(text, used, "{ 'sluice': 1, 'clusters': { 'c': { 'id': 1, 'nodes': {");
	for (int i = 0; i < NODES; i++)
		used = append(text, used, "%s'n%d': { 'addresses': ['192.0.2.%d'] }", i ? "," : "", i, i + 1);
	used = append(text, used, "} } }, 'vpcs': {");
	for (int i = 0; i < PROJECTS; i++)
		used = append(text, used, "%s'v%d': {}", i ? "," : "", i);
	used = append(text, used,
		      "}, 'networks': { 'out': { 'id': 1, 'external': true, 'routable': false, 'sites': { "
		      "'c': { 'vlan': 40, "
		      "'cidrs': ['100.64.0.0/10'] } } }");
	for (int i = 0; i < PROJECTS; i++)
		used = append(
			text, used,
			", 'w%d': { 'id': %d, 'vpc': 'v%d', 'sites': { 'c': { 'overlay': true, 'cidrs': "
			"['10.0.0.0/16'] } } }",
			i, i + 2, i);
	used = append(text, used, "}, 'eips': {");
	for (int i = 0; i < 2 * PROJECTS; i++)
		used = append(text, used, "%s'e%d': { 'address': '100.64.%d.%d', 'network': 'out' }",
			      i ? "," : "", i, i / 250, i % 250 + 1);
	used = append(text, used, "}, 'snat': [");
	for (int i = 0; i < PROJECTS; i++)
		used = append(text, used,
			      "%s{ 'name': 's%d', 'vpc': 'v%d', 'from': ['10.0.0.0/16'], 'eips': ['e%d'] }",
			      i ? "," : "", i, i, i);
	used = append(text, used, "], 'fips': [");
	for (int i = 0; i < PROJECTS; i++)
		used = append(text, used,
			      "%s{ 'name': 'f%d', 'vpc': 'v%d', 'address': '10.0.0.1', 'eip': 'e%d' }",
			      i ? "," : "", i, i, PROJECTS + i);
	used = append(text, used, "], 'workloads': [");
	for (int i = 0; i < PROJECTS * WORKLOADS; i++)
		used = append(text, used,
			      "%s{ 'name': 'w%d', 'network': 'w%d', 'address': '10.0.0.%d', 'node': 'n%d' }",
			      i ? "," : "", i, i / WORKLOADS, i % WORKLOADS + 1, i % NODES);
	append(text, used, "] }");
	a = compile_text(text, "n1");
	start = clock();
	plan_check(a.plan, &a.report);
	b.image = image_compile(a.plan, "n1", NULL, &a.report);
	print_message("check and compile: %.2f s\n", (double)(clock() - start) / CLOCKS_PER_SEC);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 20);
	if (report_failed(&a.report))
		report_print(&a.report, stderr);
	assert_false(report_failed(&a.report));
	assert_same_image(a.image, b.image);
	assert_int_equal(a.image->table[SL_TABLE_sl_eip].count, 2 * PROJECTS);
	assert_int_equal(a.image->table[SL_TABLE_sl_snat_from].count, 2 * PROJECTS);
	image_free(b.image);
	compiled_free(&a);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_source_and_destination),
		cmocka_unit_test(sources_come_first),
		cmocka_unit_test(what_a_rule_says),
		cmocka_unit_test(nodes_share_an_eip),
		cmocka_unit_test(nodes_of_unlisted_workloads),
		cmocka_unit_test(ranges_are_shared_apart),
		cmocka_unit_test(too_few_blocks),
		cmocka_unit_test(outside_addresses),
		cmocka_unit_test(floating_ips),
		cmocka_unit_test(guests_and_reserved_ports),
		cmocka_unit_test(guests_do_not_reach_directly),
		cmocka_unit_test(the_nodes_own_address),
		cmocka_unit_test(the_kube_dc),
		cmocka_unit_test(unchecked_plans),
		cmocka_unit_test(many_projects_are_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
