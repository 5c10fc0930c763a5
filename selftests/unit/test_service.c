/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services in the image: rows of ports, rings, backends, sources and VIPs, who owns which VIP, and what a
 * rule to a service means.
 */
#include <time.h>
#include "image_fixture.h"

#define TCP 6
#define UDP 17

#define SITE                                                                                                 \
	"'sluice': 1, 'clusters': {"                                                                         \
	" 'here': { 'id': 1, 'pools': { 'lb': ['198.51.100.0/24'] },"                                        \
	"  'delivery': { 'port': 7000, 'vni': 9, 'mtu': 1400 }, 'nodes': {"                                  \
	"  'n1': { 'addresses': ['192.0.2.1'], 'uplinks': { 'eth1': {}, 'eth0': {} }, 'gateway': true },"    \
	"  'n2': { 'addresses': ['192.0.2.2'], 'uplinks': { 'eth0': {} }, 'gateway': true },"                \
	"  'n3': { 'addresses': ['192.0.2.3'], 'uplinks': { 'eth0': {} } } } },"                             \
	" 'there': { 'id': 2, 'nodes': { 't1': { 'addresses': ['192.0.2.9'] } } } },"                        \
	" 'vpcs': { 'blue': { 'id': 7 } },"                                                                  \
	" 'networks': {"                                                                                     \
	"  'pods': { 'id': 1, 'sites': { 'here': { 'overlay': true, 'cidrs': ['10.1.0.0/16'] },"             \
	"   'there': { 'overlay': true, 'cidrs': ['10.2.0.0/16'] } } },"                                     \
	"  'blue-pods': { 'id': 2, 'vpc': 'blue', 'sites': { 'here': { 'overlay': true, 'cidrs': "           \
	"['10.1.0.0/16'] } } },"                                                                             \
	"  'out': { 'id': 40, 'external': true, 'sites': { 'here': { 'vlan': 40, 'cidrs': "                  \
	"['203.0.113.0/24'], 'gateway': '203.0.113.1' } } },"                                                \
	"  'far-out': { 'id': 41, 'external': true, 'sites': { 'there': { 'vlan': 41, 'cidrs': "             \
	"['203.0.112.0/24'] } } } },"                                                                        \
	" 'eips': { 'e': { 'address': '203.0.113.7', 'network': 'out', 'nodes': ['n2', 'n1'] },"             \
	"  'free': { 'address': '203.0.113.8', 'network': 'out' },"                                          \
	"  'far': { 'address': '203.0.112.7', 'network': 'far-out', 'nodes': ['t1'] } },"                    \
	" 'workloads': ["                                                                                    \
	"  { 'name': 'a', 'network': 'pods', 'address': '10.1.0.1', 'node': 'n1', 'interface': 'veth-a' },"  \
	"  { 'name': 'b', 'network': 'pods', 'address': '10.1.0.2', 'node': 'n2', 'interface': 'veth-b' },"  \
	"  { 'name': 'c', 'network': 'blue-pods', 'address': '10.1.0.1', 'node': 'n3', 'interface': "        \
	"'veth-c' } ],"
#define PLAN(more) "{" SITE more "}"

static const char whole[] = PLAN(
	" 'policy': [ { 'name': 'r', 'from': ['world'], 'to': ['network:pods'], 'ports': ['tcp/1'], "
	"'action': "
	"'allow' } ],"
	" 'services': {"
	"  'blue': { 'vpc': 'blue', 'eip': 'e', 'ports': [{ 'proto': 'udp', 'port': 53, 'target': 5353 }],"
	"   'backends': [{ 'address': '10.1.0.1' }, { 'address': '10.1.0.9', 'node': 'n1' }], 'on_empty': "
	"'drop',"
	"   'echo': 'drop' },"
	"  'far': { 'eip': 'far', 'ports': [{ 'proto': 'tcp', 'port': 80 }], 'backends': [{ 'address': "
	"'10.2.0.1' }] "
	"},"
	"  'host': { 'address': '192.0.2.1', 'ports': [{ 'proto': 'tcp', 'port': 443 }],"
	"   'backends': [{ 'address': '192.0.2.2' }, { 'address': '192.0.2.1' }], 'affinity_s': 60 },"
	"  'empty': { 'address': '198.51.100.9', 'ports': [{ 'proto': 'tcp', 'port': 80 }],"
	"   'backends': [{ 'address': '10.1.0.1', 'state': 'drain' }] },"
	"  'web': { 'address': '198.51.100.8', 'ring_size': 101, 'nodes': ['n1'],"
	"   'ports': [{ 'proto': 'tcp', 'port': 80, 'target': 8080 }, { 'proto': 'tcp', 'port': 443 }],"
	"   'backends': [{ 'address': '10.1.0.1' }, { 'address': '10.1.0.2' }, { 'address': '10.1.0.3', "
	"'node': "
	"'n3', 'state': 'drain' }, { 'address': '10.1.0.4' }],"
	"   'sources': { 'allow': ['192.0.0.0/8', '10.0.0.0/8'], 'deny': ['192.0.2.0/24'] },"
	"   'limit': { 'new_per_s': 10, 'new_per_source_per_s': 3 } } }");

static struct link_fact links[] = { { .name = "eth0", .ifindex = 2 }, { .name = "eth1", .ifindex = 3 } };
static const struct link_facts present = { .item = links, .count = 2 };

static struct sl_service_key at(const char *vip, uint8_t proto, uint16_t port)
{
	return (struct sl_service_key){ .addr = htonl(addr(vip)), .port = htons(port), .proto = proto };
}

static const struct sl_service *service_at(const struct image *i, const char *vip, uint8_t proto,
					   uint16_t port)
{
	struct sl_service_key key = at(vip, proto, port);

	return value_of(&i->table[SL_TABLE_sl_service], &key);
}

static const struct sl_backend *backend_at(const struct image *i, struct sl_service_key key,
					   const char *backend)
{
	struct sl_backend_key at_backend = { .service = key, .backend = htonl(addr(backend)) };

	return value_of(&i->table[SL_TABLE_sl_backend], &at_backend);
}

static const struct sl_vip *vip_at(const struct image *i, const char *vip)
{
	struct sl_vip_key key = { .addr = htonl(addr(vip)) };

	return value_of(&i->table[SL_TABLE_sl_vip], &key);
}

/* Slots of the service's ring that hold the backend. */
static uint32_t share(const struct image *i, const struct sl_service *s, const char *backend)
{
	uint32_t count = 0;

	for (uint32_t k = s->ring; k < s->ring + s->slots; k++) {
		const struct sl_slot *slot = value_of(&i->table[SL_TABLE_sl_ring], &k);

		assert_non_null(slot);
		count += slot->addr == htonl(addr(backend));
	}
	return count;
}

static void ports_and_rings(void **state)
{
	struct compiled c = compile_with(whole, "n1", &present);
	const struct image *i = c.image;
	const struct sl_service *s = service_at(i, "198.51.100.8", TCP, 80), *t;

	(void)state;
	assert_non_null(i);
	assert_sorted(i);
	assert_non_null(s);
	assert_int_equal(ntohs(s->target), 8080);
	assert_int_equal(s->slots, 101);
	assert_int_equal(s->vpc, vpc_id(i, "default"));
	assert_int_equal(s->new_per_s, 10);
	assert_int_equal(s->new_per_source_per_s, 3);
	assert_int_equal(s->affinity, 0);
	assert_int_equal(s->flags, SL_SERVICE_RESET | SL_SERVICE_ALLOW_LIST);
	assert_string_equal(image_rule_name(i, s->rule), "service web");
	assert_int_equal(s->rule, 7); /* after one rule, the host policy and four services by name */
	assert_int_equal(share(i, s, "10.1.0.1") + share(i, s, "10.1.0.2") + share(i, s, "10.1.0.4"), 101);
	assert_int_equal(share(i, s, "10.1.0.3"), 0); /* drains */
	assert_in_range(share(i, s, "10.1.0.4"), 33, 34);
	/* Ports of one service share everything but the port. */
	t = service_at(i, "198.51.100.8", TCP, 443);
	assert_int_equal(ntohs(t->target), 443);
	assert_int_equal(t->ring, s->ring);
	assert_int_equal(t->sources, s->sources);
	assert_int_equal(t->rule, s->rule);
	assert_null(service_at(i, "198.51.100.8", UDP, 443));

	s = service_at(i, "192.0.2.1", TCP, 443);
	assert_int_equal(s->affinity, SL_TICKS(60));
	assert_int_equal(s->slots, 401);
	assert_int_equal(s->sources, 0);
	assert_int_equal(s->flags, SL_SERVICE_RESET);
	s = service_at(i, "203.0.113.7", UDP, 53);
	assert_int_equal(s->vpc, 7);
	assert_int_equal(s->flags, 0);
	s = service_at(i, "198.51.100.9", TCP, 80); /* nobody takes new connections, one keeps the old */
	assert_int_equal(s->slots, 0);
	assert_non_null(backend_at(i, at("198.51.100.9", TCP, 80), "10.1.0.1"));
	/* Another cluster's. */
	assert_null(service_at(i, "203.0.112.7", TCP, 80));
	assert_null(vip_at(i, "203.0.112.7"));
	assert_int_equal(i->table[SL_TABLE_sl_service].count, 5);
	assert_int_equal(i->table[SL_TABLE_sl_ring].count, 101 + 401 + 401);
	compiled_free(&c);
}

static void backends_stand_on_nodes(void **state)
{
	struct compiled c = compile_with(whole, "n1", &present), d = compile_with(whole, "n3", NULL);
	struct sl_service_key web = at("198.51.100.8", TCP, 443), blue = at("203.0.113.7", UDP, 53);
	struct sl_node_key node = { 0 };
	const struct sl_backend *b;
	const struct sl_node *n;

	(void)state;
	b = backend_at(c.image, web, "10.1.0.1"); /* a workload of this node */
	assert_int_equal(b->flags, 0);
	assert_int_equal(b->node, 0);
	b = backend_at(c.image, web, "10.1.0.2"); /* of another node, by the workload alone */
	assert_int_equal(b->flags, SL_BACKEND_REMOTE);
	node.node = b->node;
	n = value_of(&c.image->table[SL_TABLE_sl_node], &node);
	assert_int_equal(ntohl(n->addr), addr("192.0.2.2"));
	b = backend_at(c.image, web, "10.1.0.3");
	assert_int_equal(b->flags, SL_BACKEND_REMOTE | SL_BACKEND_DRAIN);
	b = backend_at(c.image, web, "10.1.0.4"); /* nobody knows: the routes do */
	assert_int_equal(b->flags, 0);
	assert_int_equal(b->node, 0);
	/* The same address in another VPC is another workload. */
	assert_int_equal(backend_at(c.image, blue, "10.1.0.1")->flags, SL_BACKEND_REMOTE);
	assert_int_equal(backend_at(d.image, blue, "10.1.0.1")->flags, 0);
	/* A node itself. */
	b = backend_at(c.image, at("192.0.2.1", TCP, 443), "192.0.2.2");
	assert_int_equal(b->flags, SL_BACKEND_REMOTE);
	assert_int_equal(backend_at(c.image, at("192.0.2.1", TCP, 443), "192.0.2.1")->flags, 0);
	/* No route leads into a VPC: told on the node that would need one, and only there. */
	assert_true(says(&c.report,
			 "$.services.blue.backends[1]: backend 10.1.0.9 of VPC blue cannot be delivered: "
			 "name its interface in workloads"));
	assert_int_equal(c.report.warnings, 1);
	assert_int_equal(d.report.warnings, 0);
	compiled_free(&c);
	compiled_free(&d);
}

static void sources_by_prefix(void **state)
{
	struct compiled c = compile_with(whole, "n1", &present);
	const struct sl_service *s = service_at(c.image, "198.51.100.8", TCP, 80);
	struct sl_source_key key = { .prefixlen = 32 + 8,
				     .list = htonl(s->sources),
				     .addr = htonl(192U << 24) };
	const struct sl_source *source;

	(void)state;
	assert_int_not_equal(s->sources, 0);
	source = value_of(&c.image->table[SL_TABLE_sl_source], &key);
	assert_int_equal(source->allow, 1);
	key.prefixlen = 32 + 24;
	key.addr = htonl(addr("192.0.2.0"));
	source = value_of(&c.image->table[SL_TABLE_sl_source], &key);
	assert_int_equal(source->allow, 0);
	assert_int_equal(c.image->table[SL_TABLE_sl_source].count, 3);
	compiled_free(&c);
}

#define OWNED SL_VIP_OWNED
#define ECHO SL_VIP_ECHO
#define EIP_DROP (SL_VIP_EIP | SL_VIP_ECHO_DROP)

static void vips_have_one_owner(void **state)
{
	static const struct {
		const char *vip;
		uint16_t network;
		uint16_t flags[3]; /* on n1, n2, n3 */
	} expected[] = {
		{ "203.0.113.7", 40, { EIP_DROP, EIP_DROP | OWNED, EIP_DROP } },
		{ "192.0.2.1", 0, { OWNED | SL_VIP_HOST, 0, 0 } }, /* pings are the node's */
		{ "198.51.100.8", 0, { OWNED | ECHO, ECHO, ECHO } },
	};
	static const char *const nodes[] = { "n1", "n2", "n3" };
	int owners = 0;

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		struct compiled c = compile_text(whole, nodes[n]);

		for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
			const struct sl_vip *vip = vip_at(c.image, expected[i].vip);

			assert_non_null(vip);
			assert_int_equal(vip->network, expected[i].network);
			assert_int_equal(vip->flags, expected[i].flags[n]);
		}
		owners += vip_at(c.image, "198.51.100.9")->flags & OWNED;
		/* FNV-1a of "198.51.100.9/n1" is the highest of the gateways'. */
		assert_int_equal(vip_at(c.image, "198.51.100.9")->flags & OWNED, n == 0 ? OWNED : 0);
		assert_int_equal(c.image->table[SL_TABLE_sl_vip].count,
				 6); /* and an alias, and an EIP for SNAT */
		compiled_free(&c);
	}
	assert_int_equal(owners, 1);
}

/* What a node's own clients call its address: the same on every node, whatever other VIPs there are. */
static void aliases_are_agreed_on(void **state)
{
	static const char *const nodes[] = { "n1", "n2", "n3" };
	/* 16 + FNV-1a (64 bits) of "192.0.2.1" % 154. */
	static const char *const alias = "192.0.0.16";

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		struct compiled c = compile_text(whole, nodes[n]);
		const struct sl_vip *vip = vip_at(c.image, "192.0.2.1"), *back = vip_at(c.image, alias);

		assert_int_equal(vip->other, n == 0 ? htonl(addr(alias)) : 0);
		assert_non_null(back);
		assert_int_equal(back->flags, SL_VIP_ALIAS);
		assert_int_equal(back->network, SL_NET_WORLD);
		assert_int_equal(back->other, htonl(addr("192.0.2.1")));
		assert_int_equal(vip_at(c.image, "198.51.100.8")->other, 0);
		compiled_free(&c);
	}
}

/* More of them than there are aliases: the lowest addresses have one, each its own, and the rest is told of. */
static void aliases_run_out(void **state)
{
	const size_t room = 1 << 17, wanted = 200;
	char *text = malloc(room);
	bool seen[256] = { false };
	size_t used = 0, aliases = 0, without = 0;
	const struct image_table *vips;
	struct compiled c;

	(void)state;
	assert_non_null(text);
	used += (size_t)snprintf(
		text, room, "{ 'sluice': 1, 'clusters': { 'c': { 'id': 1, 'nodes': { 'n1': { 'addresses': [");
	for (size_t i = 0; i < wanted; i++)
		used += (size_t)snprintf(text + used, room - used, "%s'192.0.2.%zu'", i ? ", " : "", i + 1);
	used += (size_t)snprintf(text + used, room - used,
				 "], 'uplinks': { 'eth0': {} } } } } }, 'services': {");
	for (size_t i = 0; i < wanted; i++)
		used += (size_t)snprintf(text + used, room - used,
					 "%s 's%zu': { 'address': '192.0.2.%zu', 'ports': [{ 'proto': "
					 "'tcp', 'port': 1 }], 'backends': [] }",
					 i ? "," : "", i, i + 1);
	snprintf(text + used, room - used, "} }");
	c = compile_text(text, "n1");
	assert_non_null(c.image);
	vips = &c.image->table[SL_TABLE_sl_vip];
	for (size_t i = 0; i < vips->count; i++) {
		const struct sl_vip *vip = (const void *)((const uint8_t *)row_at(vips, i) + 4);

		without += vip->flags & SL_VIP_HOST && !vip->other;
		if (!(vip->flags & SL_VIP_HOST) || !vip->other)
			continue;
		assert_in_range(ntohl(vip->other), SL_ALIAS_FIRST, SL_ALIAS_FIRST + SL_ALIASES - 1);
		assert_false(seen[ntohl(vip->other) & 0xff]);
		seen[ntohl(vip->other) & 0xff] = true;
		aliases++;
	}
	assert_int_equal(aliases, SL_ALIASES);
	assert_int_equal(without, wanted - SL_ALIASES);
	compiled_free(&c);
	free(text);
}

/* Pools and EIPs without nodes: each has one owner, gateways alone, and both gateways get their part. */
static void owners_are_elected(void **state)
{
	static const char *const nodes[] = { "n1", "n2", "n3" };
	size_t owned[3] = { 0 }, used = 0;
	char *text = malloc(1 << 16);

	(void)state;
	assert_non_null(text);
	used += (size_t)sprintf(
		text,
		"{ %s 'services': { 'e': { 'eip': 'free', 'ports': [{ 'proto': 'tcp', 'port': "
		"1 }], 'backends': [] }",
		SITE);
	for (int i = 0; i < 100; i++)
		used += (size_t)sprintf(text + used,
					", 's%d': { 'address': '198.51.100.%d', 'ports': [{ 'proto': 'tcp', "
					"'port': 1 }], 'backends': [] }",
					i, i);
	strcpy(text + used, "} }");
	for (size_t n = 0; n < 3; n++) {
		struct compiled c = compile_text(text, nodes[n]);
		const struct image_table *vips = &c.image->table[SL_TABLE_sl_vip];

		assert_int_equal(vips->count, 102); /* and the EIP that no service uses */
		for (size_t i = 0; i < vips->count; i++) {
			const struct sl_vip *vip = (const void *)((const uint8_t *)row_at(vips, i) + 4);

			owned[n] += vip->flags & OWNED;
		}
		compiled_free(&c);
	}
	assert_int_equal(owned[0] + owned[1], 102);
	assert_int_equal(owned[2], 0);
	assert_in_range(owned[0], 30, 71);
	free(text);
}

/* An address in no pool is nobody's to answer for. */
static void unowned(void **state)
{
	struct compiled c =
		compile_text(PLAN("'services': { 's': { 'address': '100.100.0.1', 'ports': [{ 'proto': "
				  "'tcp', 'port': 1 }], 'backends': [{ 'address': '10.1.0.1' }] } }"),
			     "n1");

	uint32_t zero = 0;

	(void)state;
	assert_int_equal(vip_at(c.image, "100.100.0.1")->flags, ECHO);
	assert_int_equal(
		((const struct sl_setting *)value_of(&c.image->table[SL_TABLE_sl_setting], &zero))->flags,
		SL_SETTING_OUTSIDE | SL_SETTING_WAN);
	compiled_free(&c);
}

static void settings_and_gateways(void **state)
{
	struct compiled c = compile_with(whole, "n1", &present),
			none = compile_text(PLAN("'groups': {}"), "n1");
	uint32_t zero = 0;
	const struct sl_setting *s = value_of(&c.image->table[SL_TABLE_sl_setting], &zero);
	struct sl_network_key out = { .network = 40 };
	const struct sl_network *n = value_of(&c.image->table[SL_TABLE_sl_network], &out);

	(void)state;
	assert_int_equal(s->flags, SL_SETTING_OUTSIDE |
					   SL_SETTING_HOST_SERVES | /* "host" is served by n1 itself */
					   SL_SETTING_WAN);
	assert_int_equal(ntohs(s->tunnel_port), 7000);
	assert_int_equal(s->tunnel_vni, 9);
	assert_int_equal(s->tunnel_mtu, 1400);
	assert_int_equal(s->uplink, 2);
	/* The router out there; it is no gateway that this node plays. */
	assert_int_equal(ntohl(n->gateway), addr("203.0.113.1"));
	assert_int_not_equal(endpoint(c.image, "default", "203.0.113.1")->kind, SL_ENDPOINT_GATEWAY);
	s = value_of(&none.image->table[SL_TABLE_sl_setting], &zero);
	assert_int_equal(s->flags, SL_SETTING_OUTSIDE | SL_SETTING_WAN); /* EIPs */
	assert_int_equal(s->uplink, 0);
	compiled_free(&c);
	compiled_free(&none);
}

/* A rule to a service is about its backends, at their ports, in its VPC. */
static void rules_to_services(void **state)
{
	static const char text[] =
		PLAN("'services': { 's': { 'address': '198.51.100.8', 'ports': [{ 'proto': 'tcp', 'port': "
		     "80, 'target': "
		     "8080 }, { 'proto': 'tcp', 'port': 443, 'target': 8443 }],"
		     " 'backends': [{ 'address': '10.1.0.1' }, { 'address': '10.1.0.7' }] } },"
		     "'policy': ["
		     " { 'name': 'no', 'from': ['cidr:10.1.9.0/24'], 'to': ['service:s'], 'ports': "
		     "['tcp/80'], 'action': "
		     "'deny' },"
		     " { 'name': 'yes', 'from': ['network:pods'], 'to': ['service:s', 'cidr:10.1.0.2/32'], "
		     "'ports': "
		     "['any'], 'action': 'allow' },"
		     " { 'name': 'back', 'from': ['service:s'], 'to': ['cidr:10.1.0.2/32'], 'ports': "
		     "['udp/9'], 'action': "
		     "'deny' },"
		     " { 'name': 'none', 'from': ['network:pods'], 'to': ['service:s'], 'ports': "
		     "['tcp/8080', 'udp'], "
		     "'action': 'allow' } ]");
	struct compiled c = compile_text(text, "n1");
	const struct image *i = c.image;

	(void)state;
	assert_true(may(i, "10.1.0.5", "10.1.0.1", TCP, 8080));
	assert_true(may(i, "10.1.0.5", "10.1.0.7", TCP, 8443)); /* no workload, a backend */
	assert_false(may(i, "10.1.0.5", "10.1.0.1", TCP, 80)); /* the VIP's port is not the backends' */
	assert_false(may(i, "10.1.0.5", "10.1.0.8", TCP, 8080)); /* no backend */
	assert_true(may(i, "10.1.0.5", "10.1.0.2", TCP, 80)); /* what is no service keeps its ports */
	assert_string_equal(decided_by(i, "10.1.0.5", "10.1.0.2", TCP, 80), "yes");
	assert_false(may(i, "10.1.9.5", "10.1.0.1", TCP, 8080));
	assert_string_equal(decided_by(i, "10.1.9.5", "10.1.0.1", TCP, 8080), "no");
	assert_true(may(i, "10.1.9.5", "10.1.0.1", TCP, 8443)); /* 443 was not denied */
	assert_string_equal(decided_by(i, "10.1.0.7", "10.1.0.2", UDP, 9), "back");
	assert_true(
		says(&c.report, "rule \"none\" can never match: its \"ports\" are none of the service's"));
	assert_int_equal(c.report.warnings, 1);
	/* The same addresses of another VPC are nobody's backends. */
	assert_int_equal(judge_in(i, "blue", "10.1.9.5", "10.1.0.1", TCP, 8080).rule, 0);
	compiled_free(&c);
}

/* A service opens what no rule does; an assert that it must not be open is broken by it. */
static void asserts_see_through_vips(void **state)
{
#define WEB(sources)                                                                                         \
	"'services': { 's': { 'address': '198.51.100.8', 'ports': [{ 'proto': 'tcp', 'port': 80, 'target': " \
	"8080 }], 'backends': [{ 'address': '10.1.0.1' }, { 'address': '10.1.9.1', 'state': 'drain' "        \
	"}]" sources " } }"
#define NEVER(from, to, ports) ", 'assert': [{ 'name': 'n', 'from': '" from "', 'never': '" to "'" ports " }]"
#define DENY(from)                                                                                           \
	", 'policy': [{ 'name': 'd', 'from': ['" from                                                        \
	"'], 'to': ['service:s'], 'ports': ['any'], 'action': "                                              \
	"'deny' }]"
	static const struct {
		const char *text;
		bool broken;
	} cases[] = {
		{ PLAN(WEB("") NEVER("world", "cidr:10.1.0.0/24", "")), true },
		{ PLAN(WEB("") NEVER("network:pods", "cidr:10.1.0.1/32", "")), true },
		{ PLAN(WEB("") NEVER("world", "cidr:10.1.0.0/24", ", 'ports': ['tcp/8080']")), true },
		{ PLAN(WEB("") NEVER("world", "cidr:10.1.0.0/24", ", 'ports': ['tcp/80', 'udp']")), false },
		{ PLAN(WEB("") NEVER("world", "cidr:10.1.9.0/24", "")), false }, /* drains */
		{ PLAN(WEB("") NEVER("network:blue-pods", "cidr:10.1.0.1/32", "")), false }, /* another VPC */
		{ PLAN(WEB("") NEVER("world", "cidr:10.1.0.1/32", "") DENY("world")), false },
		{ PLAN(WEB("") NEVER("network:pods", "cidr:10.1.0.1/32", "") DENY("world")), true },
		/* Sources keep the world out, or in, by addresses. */
		{ PLAN(WEB(", 'sources': { 'allow': ['10.1.0.0/16'] }")
			       NEVER("world", "cidr:10.1.0.1/32", "")),
		  false },
		{ PLAN(WEB(", 'sources': { 'allow': ['10.1.0.0/16'] }")
			       NEVER("network:pods@here", "cidr:10.1.0.1/32", "")),
		  true },
		{ PLAN(WEB(", 'sources': { 'allow': ['8.8.8.8/32'] }")
			       NEVER("world", "cidr:10.1.0.1/32", "")),
		  true },
		{ PLAN(WEB(", 'sources': { 'deny': ['0.0.0.0/0'] }") NEVER("world", "cidr:10.1.0.1/32", "")),
		  false },
		{ PLAN(WEB(", 'sources': { 'allow': ['0.0.0.0/0'], 'deny': ['10.0.0.0/8'] }")
			       NEVER("network:pods@here", "cidr:10.1.0.1/32", "")),
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct compiled c = compile_with(cases[i].text, "n1", NULL);

		if (!c.image != cases[i].broken)
			fail_msg("case %zu", i);
		if (cases[i].broken)
			assert_true(says(&c.report, "$.assert[0]: assert \"n\": service \"s\" lets "));
		compiled_free(&c);
	}
}

/* The checker refuses it; were it not asked, the list that refuses would win. */
static void denying_wins_in_sources(void **state)
{
	struct compiled c = compile_text(
		PLAN(WEB(", 'sources': { 'allow': ['8.0.0.0/8'], 'deny': ['8.0.0.0/8'] }")), "n1");
	const struct image_table *table = &c.image->table[SL_TABLE_sl_source];

	(void)state;
	assert_int_equal(table->count, 1);
	assert_int_equal(
		((const struct sl_source *)((const uint8_t *)row_at(table, 0) + table->key_size))->allow, 0);
	compiled_free(&c);
}

static void order_and_memory_do_not_matter(void **state)
{
	struct compiled a = compile_text(whole, "n1"), b = compile_text(whole, "n1");
	struct compiled d = { 0 };
	struct service *web;
	struct backend swap;

	(void)state;
	assert_same_image(a.image, b.image);
	d.plan = b.plan;
	web = (struct service *)plan_service(d.plan, "web");
	swap = web->backends[0];
	web->backends[0] = web->backends[3];
	web->backends[3] = swap;
	d.image = image_compile(d.plan, "n1", NULL, &d.report);
	assert_non_null(d.image);
	assert_same_image(a.image, d.image);
	image_free(d.image);
	report_free(&d.report);
	compiled_free(&a);
	compiled_free(&b);
}

/* Rings of all nodes are the same bytes. */
static void rings_are_the_fabrics(void **state)
{
	struct compiled a = compile_text(whole, "n1"), b = compile_text(whole, "n2");
	const struct image_table *x = &a.image->table[SL_TABLE_sl_ring],
				 *y = &b.image->table[SL_TABLE_sl_ring];

	(void)state;
	assert_int_equal(x->count, y->count);
	assert_memory_equal(x->rows, y->rows, x->count * (x->key_size + x->value_size));
	compiled_free(&a);
	compiled_free(&b);
}

/* What the checker would have caught is refused, not compiled into nonsense. */
static void unchecked_plans(void **state)
{
	static const struct {
		const char *text, *line;
	} bad[] = {
		{ PLAN("'services': { 's': { 'eip': 'x', 'ports': [{ 'proto': 'tcp', 'port': 1 }], "
		       "'backends': [] } }"),
		  "$.services.s: EIP \"x\" is not in the plan" },
		{ PLAN("'services': { 's': { 'address': '192.0.2.1', 'vpc': 'x', 'ports': [{ 'proto': 'tcp', "
		       "'port': 1 "
		       "}], 'backends': [] } }"),
		  "$.services.s: VPC \"x\" is not in the plan" },
		{ PLAN("'services': { 's': { 'address': '192.0.2.1', 'ring_size': 100, 'ports': [{ 'proto': "
		       "'tcp', "
		       "'port': 1 }], 'backends': [{ 'address': '10.1.0.1' }] } }"),
		  "$.services.s: ring of 100 slots for 1 backends, expected a prime not below that" },
		{ PLAN("'services': { 's': { 'address': '192.0.2.1', 'ports': [{ 'proto': 'tcp', 'port': 1 "
		       "}, { "
		       "'proto': 'tcp', 'port': 1 }], 'backends': [] } }"),
		  "$.services.s.ports[1]: this address and port stand in the plan already" },
		{ PLAN("'policy': [ { 'name': 'r', 'from': ['any'], 'to': ['service:x'], 'ports': ['any'], "
		       "'action': "
		       "'deny' } ]"),
		  "$.policy[0].to[0]: service \"x\" is not in the plan" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct compiled c = compile_with(bad[i].text, "n1", NULL);

		assert_null(c.image);
		assert_true(says(&c.report, bad[i].line));
		compiled_free(&c);
	}
}

/* 10,000 services of three backends: the sanitizers cost tenfold, hence the generous bound. */
static void many_services_are_fast(void **state)
{
	size_t used, room = 10000 * 256;
	char *text = malloc(room);
	struct timespec begin, end;
	struct compiled c;

	(void)state;
	assert_non_null(text);
	used = (size_t)sprintf(text,
			       "{ %s 'services': { 'last': { 'address': '192.0.2.1', 'ports': [{ 'proto': "
			       "'tcp', 'port': 1 }], 'backends': [] }",
			       SITE);
	for (int i = 0; i < 10000; i++)
		used += (size_t)snprintf(
			text + used, room - used,
			", 's%d': { 'address': '100.64.%d.%d', 'ports': [{ 'proto': 'tcp', 'port': 80 }], "
			"'backends': [{ 'address': '10.1.%d.1' }, { 'address': '10.1.%d.2' }, { "
			"'address': '10.1.%d.3' }] }",
			i, i / 250, i % 250, i % 250, i % 250, i % 250);
	assert_true(used + 4 < room);
	strcpy(text + used, "} }");
	clock_gettime(CLOCK_MONOTONIC, &begin);
	c = compile_text(text, "n1");
	clock_gettime(CLOCK_MONOTONIC, &end);
	print_message("read and compiled in %.2f s\n",
		      (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
	assert_int_equal(c.image->table[SL_TABLE_sl_ring].count, 10000 * 401);
	assert_true(end.tv_sec - begin.tv_sec < 20);
	compiled_free(&c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_and_rings),
		cmocka_unit_test(backends_stand_on_nodes),
		cmocka_unit_test(sources_by_prefix),
		cmocka_unit_test(vips_have_one_owner),
		cmocka_unit_test(aliases_are_agreed_on),
		cmocka_unit_test(aliases_run_out),
		cmocka_unit_test(owners_are_elected),
		cmocka_unit_test(unowned),
		cmocka_unit_test(settings_and_gateways),
		cmocka_unit_test(rules_to_services),
		cmocka_unit_test(order_and_memory_do_not_matter),
		cmocka_unit_test(rings_are_the_fabrics),
		cmocka_unit_test(unchecked_plans),
		cmocka_unit_test(asserts_see_through_vips),
		cmocka_unit_test(denying_wins_in_sources),
		cmocka_unit_test(many_services_are_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
