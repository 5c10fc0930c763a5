/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading a plan: what every key becomes, what is there when it is not written, and that text which is no
 * plan at all is refused in one line.
 */
#include "plan_fixture.h"

static void every_key_arrives(void **state)
{
	struct reading r = read_path("selftests/plans/every-key.json");
	const struct cluster *c;
	const struct network *n;
	const struct service *s;
	const struct plan *p = r.plan;

	(void)state;
	assert_non_null(p);
	assert_string_equal(p->fabric, "pn");
	c = plan_cluster(p, "pn-main");
	assert_int_equal(c->id, 1);
	assert_string_equal(c->site, "hyderabad");
	assert_int_equal(c->pod_cidrs.item[0].addr, 0x0a100000);
	assert_int_equal(c->service_cidrs.item[0].len, 18);
	assert_int_equal(c->reserved_cidrs.item[0].addr, 0x0a130000);
	assert_int_equal(c->mark_mask, 0x00f00000);
	assert_string_equal(c->pools[0].name, "lb");
	assert_int_equal(c->pools[0].ranges.item[0].last, 0x676eae16);
	assert_int_equal(c->managed_vlan_count, 3);
	assert_int_equal(c->managed_vlans[1].first, 104);
	assert_int_equal(c->managed_vlans[2].last, 108);
	assert_true(c->tunnel.present);
	assert_string_equal(c->tunnel.interface, "wg0");
	assert_string_equal(c->tunnel.kind, "wireguard");
	assert_int_equal(c->tunnel.port, 51820);
	assert_int_equal(c->tunnel.mtu, 1420);
	assert_int_equal(c->tunnel.path_mtu, 1500);
	assert_string_equal(c->tunnel.peers[1].cluster, "pn-ovh");
	assert_int_equal(c->tunnel.peers[1].addresses.item[0].first, 0xcb00710a);
	assert_true(c->host_present);
	assert_int_equal(c->host_allow[0].from.item[0].kind, SELECT_ANY);
	assert_true(c->host_allow[0].ports.item[0].any);
	assert_true(c->nodes[0].gateway);
	assert_int_equal(c->nodes[0].addresses.item[0].first, 0xc0a8640b);
	assert_string_equal(c->nodes[0].uplinks[0].name, "eth0");
	assert_int_equal(c->nodes[0].uplinks[0].mbit, 1000);
	assert_false(c->nodes[0].uplinks[0].unmanaged_drop);
	assert_int_equal(c->nodes[0].uplinks[0].xdp, XDP_OWN);
	assert_true(c->nodes[0].uplinks[1].unmanaged_drop);
	assert_int_equal(c->nodes[0].uplinks[1].xdp, XDP_SHARED);
	assert_int_equal(c->nodes[0].uplinks[0].pacing, PACING_FQ);
	assert_int_equal(c->nodes[0].uplinks[1].pacing, PACING_BUCKET);
	assert_int_equal(plan_vpc(p, "shalb-demo")->id, 1000);
	assert_string_equal(plan_vpc(p, "shalb-dev")->external, "ext-public");
	assert_string_equal(plan_vpc(p, "shalb-dev")->extra_external.item[0], "ext-cloud");
	n = plan_network(p, "net-replication");
	assert_int_equal(n->id, 106);
	assert_string_equal(n->vpc, "default");
	assert_string_equal(n->isolation, "high");
	assert_int_equal(n->intra, INTRA_ALLOW);
	assert_false(n->monitor || n->fail_open || n->external || n->ipv6_pass || n->broadcast ||
		     n->multicast);
	assert_true(n->trust_dscp);
	assert_int_equal(network_site(n, "pn-main")->vlan, 106);
	assert_int_equal(network_site(n, "pn-main")->gateway, 0xc0a86a01);
	assert_string_equal(network_site(n, "pn-main")->uplink, "eth0");
	assert_true(network_site(n, "pn-contabo")->overlay && network_site(n, "pn-contabo")->nat_outgoing);
	assert_null(network_site(n, "pn-ovh"));
	n = plan_network(p, "net-internal");
	assert_int_equal(n->intra, INTRA_SAME);
	assert_string_equal(n->intra_label, "tenant");
	assert_true(n->monitor && n->fail_open && n->ipv6_pass && n->broadcast && n->multicast);
	assert_int_equal(network_site(plan_network(p, "net-platform"), "pn-contabo")->vni, 104);
	assert_true(plan_network(p, "ext-cloud")->external && !plan_network(p, "ext-cloud")->routable);
	assert_int_equal(plan_group(p, "everyone")->networks.count, 1);
	assert_int_equal(plan_group(p, "everyone")->addresses.count, 3);
	assert_string_equal(plan_group(p, "everyone")->labels.item[0].value, "a");
	assert_string_equal(p->workloads[0].name, "osd-1");
	assert_string_equal(p->workloads[0].interface, "veth-osd1");
	assert_true(p->workloads[0].has_mac);
	assert_int_equal(p->workloads[0].mac[5], 0x0b);
	assert_string_equal(p->policy[1].name, "no-saas-to-vault");
	assert_true(p->policy[1].deny && !p->policy[0].deny);
	assert_int_equal(p->policy[1].to.item[0].cidr.len, 32);
	assert_string_equal(p->policy[2].from.item[0].cluster, "pn-main");
	assert_int_equal(p->policy[2].to.item[3].kind, SELECT_REMOTE_HOST);
	assert_false(p->asserts[0].reaches);
	assert_true(p->asserts[1].reaches);
	assert_int_equal(p->asserts[1].ports.item[0].first, 6800);
	assert_int_equal(plan_eip(p, "demo-gw")->address, 0x64410066);
	assert_string_equal(p->snat[0].eips.item[0], "demo-gw");
	assert_int_equal(p->snat[0].ports.first, 1024);
	assert_int_equal(p->snat[0].max_ports_per_workload, 4096);
	assert_int_equal(p->snat[0].max_flows_per_workload, 65536);
	assert_int_equal(p->snat[0].mapping, NAT_ENDPOINT);
	assert_int_equal(p->snat[0].filtering, NAT_ADDRESS_PORT);
	assert_int_equal(p->snat[0].to.count, 4);
	assert_int_equal(p->snat[0].to.item[3].kind, SELECT_GROUP);
	assert_int_equal(p->snat[0].except.item[0].len, 8);
	assert_int_equal(plan_eip(p, "demo-gw")->reserved.count, 3);
	assert_int_equal(plan_eip(p, "demo-gw")->reserved.item[2].last, 8100);
	assert_int_equal(plan_eip(p, "demo-gw")->echo, ECHO_DROP);
	assert_int_equal(plan_eip(p, "bohdan-prod-eip")->echo, ECHO_UNSAID);
	assert_string_equal(p->fips[0].eip, "bohdan-prod-eip");
	assert_string_equal(p->fips[0].from_vpcs.item[0], "shalb-demo");
	s = plan_service(p, "test-http-app");
	assert_int_equal(s->ports[0].target, 8080);
	assert_int_equal(s->backends[1].weight, 2);
	assert_int_equal(s->backends[1].state, BACKEND_DRAIN);
	assert_int_equal(s->allow.item[0].len, 0);
	assert_int_equal(s->deny.item[0].addr, 0xc0000200);
	assert_string_equal(s->from_vpcs.item[0], "shalb-dev");
	assert_int_equal(ring_size(s), 307);
	assert_true(s->empty_drop);
	assert_int_equal(s->echo, ECHO_DROP);
	assert_int_equal(s->new_per_s, 10000);
	assert_int_equal(s->new_per_source_per_s, 100);
	s = plan_service(p, "envoy");
	assert_true(s->has_address);
	assert_false(s->empty_drop);
	assert_int_equal(s->echo, ECHO_PASS);
	assert_string_equal(s->nodes.item[0], "worker-1");
	c = plan_cluster(p, "kube-dc");
	assert_int_equal(c->delivery.port, 6083);
	assert_int_equal(c->delivery.vni, 1);
	assert_int_equal(c->delivery.mtu, 1500);
	assert_int_equal(c->nat_outgoing.ports.first, 61000);
	assert_int_equal(c->nat_outgoing.max_ports_per_workload, 1024);
	assert_int_equal(c->nat_outgoing.mapping, NAT_ADDRESS);
	assert_int_equal(c->nat_outgoing.filtering, NAT_ENDPOINT);
	assert_int_equal(p->routes[0].to.kind, SELECT_NETWORK);
	assert_string_equal(p->qos.classes[0].name, "kafka");
	assert_int_equal(p->qos.classes[0].dscp, 18);
	assert_int_equal(p->qos.classes[1].burst_bytes, 65536);
	assert_string_equal(p->qos.rules[1].class, "kafka");
	assert_int_equal(p->qos.per_cluster[0].rate_mbit, 500);
	assert_string_equal(p->qos.per_label[0].to, "tunnel");
	assert_int_equal(p->qos.default_priority, 4);
	assert_int_equal(p->qos.max_delay_ms, 100);
	assert_int_equal(p->slos[0].expect_high_ms, 100);
	assert_int_equal(p->slos[0].max_ms, 200);
	assert_int_equal(p->timeouts.udp_new_s, 30);
	assert_int_equal(p->timeouts.port_rest_s, 120);
	assert_int_equal(p->limits.unanswered_flows, 131072);
	assert_int_equal(p->limits.cache_lines, 131072);
	assert_int_equal(p->limits.bindings, 1048576);
	assert_int_equal(p->states.count, 3);
	assert_string_equal(p->states.item[0], "failover");
	reading_free(&r);
}

static void what_is_not_written(void **state)
{
	static const char TEXT[] =
		"{\"sluice\":1,\"clusters\":{\"c\":{\"id\":1,\"tunnel\":{\"interface\":\"wg0\",\"peers\":{}},"
		"\"nodes\":{\"n\":{\"addresses\":\"192.0.2.1\",\"uplinks\":{\"eth0\":{}},\"gateway\":true}}}}"
		","
		"\"vpcs\":{\"zoo\":{},\"apes\":{}},"
		"\"networks\":{\"x\":{\"id\":1,\"sites\":{\"c\":{\"overlay\":true,\"cidrs\":\"10.0.0.0/"
		"24\"}}},\"o\":{\"id\":2,\"external\":true,\"sites\":{\"c\":{\"vlan\":2,\"cidrs\":"
		"\"203.0.113.0/24\"}}}},"
		"\"eips\":{\"e\":{\"address\":\"203.0.113.9\",\"network\":\"o\"}},"
		"\"snat\":[{\"name\":\"out\",\"from\":[\"10.0.0.0/24\"],\"eips\":[\"e\"]}],"
		"\"services\":{\"s\":{\"address\":\"192.0.2.1\",\"ports\":[{\"proto\":\"tcp\",\"port\":80}],"
		"\"backends\":[{\"address\":\"10.0.0.9\"}]}}}";
	struct reading r = read_text(TEXT, strlen(TEXT));
	const struct plan *p = r.plan;
	const struct cluster *in = NULL;

	(void)state;
	assert_lines(&r.report, "");
	assert_string_equal(p->fabric, "default");
	assert_int_equal(p->clusters[0].mark_mask, 0x00f00000);
	assert_string_equal(p->clusters[0].tunnel.kind, "wireguard");
	assert_int_equal(p->clusters[0].tunnel.port, 51820);
	assert_int_equal(p->clusters[0].tunnel.mtu, 1420);
	assert_int_equal(p->clusters[0].tunnel.path_mtu, 1500);
	assert_int_equal(p->qos.default_priority, 4);
	assert_int_equal(p->qos.max_delay_ms, 100);
	assert_false(p->networks[1].trust_dscp);
	assert_false(p->clusters[0].host_present);
	/* One value stands for a list of one. */
	assert_int_equal(p->clusters[0].nodes[0].addresses.count, 1);
	assert_int_equal(p->networks[1].sites[0].cidrs.count, 1);
	/* The VPC "default" is there, in its place. */
	assert_int_equal(p->vpc_count, 3);
	assert_string_equal(p->vpcs[1].name, "default");
	assert_ptr_equal(plan_vpc(p, "zoo"), &p->vpcs[2]);
	assert_string_equal(p->networks[1].vpc, "default");
	assert_int_equal(p->networks[1].intra, INTRA_DENY);
	assert_false(p->networks[1].fail_open);
	assert_int_equal(p->services[0].ports[0].target, 80);
	assert_int_equal(p->services[0].echo, ECHO_UNSAID);
	assert_int_equal(p->services[0].ring_size, 0);
	assert_false(p->services[0].empty_drop);
	assert_int_equal(p->clusters[0].delivery.port, 6083);
	assert_int_equal(p->clusters[0].delivery.vni, 1);
	assert_int_equal(p->clusters[0].delivery.mtu, 1500);
	assert_int_equal(p->services[0].backends[0].weight, 1);
	assert_int_equal(p->services[0].backends[0].state, BACKEND_ACTIVE);
	assert_int_equal(p->clusters[0].nat_outgoing.ports.first, 61000);
	assert_int_equal(p->clusters[0].nat_outgoing.ports.last, 65535);
	assert_int_equal(p->clusters[0].nat_outgoing.max_ports_per_workload, 1024);
	assert_int_equal(p->clusters[0].nat_outgoing.filtering, NAT_ADDRESS);
	assert_int_equal(p->snat[0].ports.first, 1024);
	assert_int_equal(p->snat[0].max_ports_per_workload, 0);
	assert_int_equal(p->snat[0].max_flows_per_workload, 0);
	assert_int_equal(p->snat[0].to.count, 0);
	/* RFC 4787 REQ-1 and REQ-8. */
	assert_int_equal(p->snat[0].mapping, NAT_ENDPOINT);
	assert_int_equal(p->snat[0].filtering, NAT_ADDRESS);
	assert_int_equal(p->timeouts.tcp_established_s, 7440);
	assert_int_equal(p->timeouts.udp_s, 300);
	assert_int_equal(p->timeouts.port_rest_s, 120);
	assert_int_equal(p->limits.bindings, 1048576);
	assert_int_equal(p->limits.flows, 1048576);
	assert_string_equal(plan_node(p, "n", &in)->name, "n");
	assert_ptr_equal(in, &p->clusters[0]);
	assert_null(plan_node(p, "m", NULL));
	assert_null(plan_network(p, "y"));
	assert_null(plan_group(p, "y"));
	reading_free(&r);
}

static void text_is_canonical(void **state)
{
	static const char A[] = "{ \"#\": \"no\", \"vpcs\": { \"b\": {}, \"a\": { \"#x\": [1] } },\n" LEAST
				", \"fabric\": \"\\u0061\" }";
	static const char B[] = "{\"fabric\":\"a\"," LEAST ",\"vpcs\":{\"a\":{},\"b\":{}}}";
	struct folder f;
	char *a, *b;

	(void)state;
	folder_new(&f);
	folder_write(&f, "a", A);
	folder_write(&f, "b", B);
	a = copy_of(f.names[0], STATE_NORMAL);
	b = copy_of(f.names[1], STATE_NORMAL);
	assert_string_equal(a, "{\"clusters\":{\"c\":{\"id\":1,\"nodes\":{}}},\"fabric\":\"a\",\"sluice\":1,"
			       "\"vpcs\":{\"a\":{},\"b\":{}}}");
	assert_string_equal(a, b);
	free(a);
	free(b);
	folder_remove(&f);
}

static void refused(const char *text, size_t length, const char *lines)
{
	struct reading r = read_text(text, length);

	assert_null(r.plan);
	assert_lines(&r.report, lines);
	reading_free(&r);
}

static void no_plan_at_all(void **state)
{
	(void)state;
	refused("", 0, "p: line 1, column 0: '[' or '{' expected near end of file, expected valid JSON\n");
	refused("[]", 2, "p: $: found a list, expected an object\n");
	refused("7", 1, "p: line 1, column 1: '[' or '{' expected near '7', expected valid JSON\n");
	refused("{\n\"a\0b\":1}", 10, "p: line 2: a NUL byte, expected JSON text in UTF-8\n");
	refused("{\"a\\u0000b\":1}", 14,
		"p: line 1, column 11: NUL byte in object key not supported near '\"a\\u0000b\"', expected "
		"valid JSON\n");
	refused("{\"a\":\"\xff\"}", 9,
		"p: line 1, column 6: unable to decode byte 0xff near '\"', expected valid JSON\n");
	refused("{\"a\":1} x", 9,
		"p: line 1, column 9: end of file expected near 'x', expected valid JSON\n");
	refused("{\"a\":99999999999999999999}", 26,
		"p: line 1, column 25: too big integer near '99999999999999999999', expected valid JSON\n");
	refused("{\"a\":{\"b\":1,\"b\":1}}", 19,
		"p: line 1, column 15: duplicate object key near '\"b\"', expected every key once\n");
}

static void deep_nesting(void **state)
{
	enum { DEPTH = 1000000 };
	char *text = malloc(DEPTH);
	struct reading r;

	(void)state;
	assert_non_null(text);
	memset(text, '[', DEPTH);
	refused(text, DEPTH,
		"p: line 1, column 2049: maximum parsing depth reached near '[', expected valid JSON\n");
	/* Shallow enough for JSON, deeper than any plan. */
	memcpy(text, "{\"x\":", 5);
	memset(text + 5, '[', 2000);
	memset(text + 2005, ']', 2000);
	text[4005] = '}';
	r = read_text(text, 4006);
	assert_int_equal(r.report.errors, 3);
	assert_non_null(
		strstr(r.report.findings[0].text, "p: $.x: unknown key, expected one of sluice, fabric"));
	reading_free(&r);
	free(text);
}

/* Whatever a plan quotes, a finding is one line that a terminal survives. */
static void messages_are_printable(void **state)
{
	(void)state;
	expect(PLAN_WITH("\"vpcs\":{\"a\\n\\u001b[2Jb\":{}}"),
	       "p: $.vpcs[\"a??[2Jb\"]: \"a??[2Jb\" is not a name, expected letters, digits, '.', '_', '-', "
	       "'/', "
	       "beginning with a letter or digit\n");
	expect(PLAN_WITH("\"fabric\":\"\\u009b1m\""), "p: $.fabric: \"??1m\" is not a name, expected "
						      "letters, digits, '.', '_', '-', '/', beginning with a "
						      "letter or digit\n");
	expect(PLAN_WITH("\"vpcs\":{\"caf\\u00e9\":{}}"),
	       "p: $.vpcs[\"caf\xc3\xa9\"]: \"caf\xc3\xa9\" is not a name, expected letters, digits, '.', "
	       "'_', '-', "
	       "'/', beginning with a letter or digit\n");
}

/* A flood of mistakes is counted to the end but not kept to the end. */
static void findings_are_bounded(void **state)
{
	enum { MANY = 20000 };
	size_t length = 0, room = MANY * 4 + 256;
	char *text = malloc(room);
	struct reading r;
	char *lines;

	(void)state;
	assert_non_null(text);
	length = (size_t)snprintf(text, room, "{" LEAST ",\"workloads\":[7");
	for (int i = 1; i < MANY; i++)
		length += (size_t)snprintf(text + length, room - length, ",7");
	length += (size_t)snprintf(text + length, room - length, "]}");
	r = read_text(text, length);
	assert_int_equal(r.report.errors, MANY);
	assert_int_equal(r.report.count, REPORT_KEPT);
	lines = report_text(&r.report);
	assert_non_null(strstr(lines, "and 10000 findings more\n"));
	free(lines);
	reading_free(&r);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_arrives),	cmocka_unit_test(what_is_not_written),
		cmocka_unit_test(text_is_canonical),	cmocka_unit_test(no_plan_at_all),
		cmocka_unit_test(deep_nesting),		cmocka_unit_test(messages_are_printable),
		cmocka_unit_test(findings_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
