/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.clusters: sites with their nodes, uplinks, pools and tunnel. Parses only.
 */
#include <string.h>
#include "../../include/limits.h"
#include "section.h"
#include "value.h"

static const char *const UNMANAGED[] = { "pass", "drop", NULL };
static const char *const XDP_MODES[] = { "native", "generic", "shared", NULL };
static const char *const PACINGS[] = { "auto", "fq", "bucket", "off", NULL };
static const char *const TUNNEL_KINDS[] = { "wireguard", NULL };

static void one_uplink(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("unmanaged", take_switch, offsetof(struct uplink, unmanaged_drop), .words = UNMANAGED),
		FIELD("mbit", take_u32, offsetof(struct uplink, mbit), .low = 1, .high = 1000000),
		FIELD("xdp", take_choice, offsetof(struct uplink, xdp), .words = XDP_MODES),
		FIELD("pacing", take_choice, offsetof(struct uplink, pacing), .words = PACINGS),
	};
	struct uplink *uplink = out;

	uplink->name = interface_of(at);
	uplink->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, uplink);
}

static void take_uplinks(const struct at *at, const struct field *field, void *out)
{
	struct node *node = out;

	(void)field;
	node->uplinks = take_map(at, sizeof(*node->uplinks), one_uplink, &node->uplink_count);
}

static void one_node(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("addresses", take_addresses, offsetof(struct node, addresses), .needed = true),
		FIELD("uplinks", take_uplinks, 0),
		FIELD("gateway", take_bool, offsetof(struct node, gateway)),
	};
	struct node *node = out;

	node->name = name_of(at);
	node->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, node);
}

static void take_nodes(const struct at *at, const struct field *field, void *out)
{
	struct cluster *cluster = out;

	(void)field;
	cluster->nodes = take_map(at, sizeof(*cluster->nodes), one_node, &cluster->node_count);
}

static void one_pool(const struct at *at, void *out)
{
	struct pool *pool = out;

	pool->name = name_of(at);
	pool->place = place_of(at);
	take_ranges(at, NULL, &pool->ranges);
}

static void take_pools(const struct at *at, const struct field *field, void *out)
{
	struct cluster *cluster = out;

	(void)field;
	cluster->pools = take_map(at, sizeof(*cluster->pools), one_pool, &cluster->pool_count);
}

static void one_vlan_range(const struct at *at, void *out)
{
	static const struct field NUMBER = { .low = 1, .high = 4094 };
	const char *text = tree_text(at->value);
	struct range *vlans = out;
	char why[WHY];

	if (text) {
		if (!value_vlans(text, vlans, why))
			wrong(at, "%s", why);
	} else {
		take_u32(at, &NUMBER, &vlans->first);
		vlans->last = vlans->first;
	}
}

static void take_managed_vlans(const struct at *at, const struct field *field, void *out)
{
	struct cluster *cluster = out;

	(void)field;
	cluster->managed_vlans =
		take_list(at, sizeof(*cluster->managed_vlans), one_vlan_range, &cluster->managed_vlan_count);
}

static void one_peer(const struct at *at, void *out)
{
	struct peer *peer = out;

	peer->cluster = name_of(at);
	peer->place = place_of(at);
	take_addresses(at, NULL, &peer->addresses);
}

static void take_peers(const struct at *at, const struct field *field, void *out)
{
	struct tunnel *tunnel = out;

	(void)field;
	tunnel->peers = take_map(at, sizeof(*tunnel->peers), one_peer, &tunnel->peer_count);
}

static void take_tunnel(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("interface", take_interface, offsetof(struct tunnel, interface), .needed = true),
		FIELD("kind", take_word, offsetof(struct tunnel, kind), .words = TUNNEL_KINDS),
		FIELD("port", take_u16, offsetof(struct tunnel, port), .low = 1, .high = UINT16_MAX),
		/* RFC 791: every host takes 576; 65535 is the largest datagram. */
		FIELD("mtu", take_u32, offsetof(struct tunnel, mtu), .low = 576, .high = UINT16_MAX),
		FIELD("path_mtu", take_u32, offsetof(struct tunnel, path_mtu), .low = 576, .high = 9000),
		FIELD("peers", take_peers, 0, .needed = true),
	};
	struct tunnel *tunnel = out;

	(void)field;
	tunnel->present = true;
	tunnel->kind = keep(at, TUNNEL_KINDS[0]);
	tunnel->port = DEFAULT_TUNNEL_PORT;
	tunnel->mtu = DEFAULT_TUNNEL_MTU;
	tunnel->path_mtu = SL_WAN_MTU;
	tunnel->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, tunnel);
}

static void take_delivery(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("port", take_u16, offsetof(struct delivery, port), .low = 1, .high = UINT16_MAX),
		/* RFC 8926: 24 bits. */
		FIELD("vni", take_u32, offsetof(struct delivery, vni), .low = 1, .high = (1U << 24) - 1),
		FIELD("mtu", take_u32, offsetof(struct delivery, mtu), .low = 576, .high = 9000),
	};
	struct delivery *delivery = out;

	(void)field;
	delivery->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, delivery);
}

static void take_nat_outgoing(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("ports", take_port_range, offsetof(struct nat_outgoing, ports)),
		FIELD("max_ports_per_workload", take_u32,
		      offsetof(struct nat_outgoing, max_ports_per_workload), .low = 1, .high = UINT16_MAX),
		FIELD("mapping", take_choice, offsetof(struct nat_outgoing, mapping), .words = NAT_SCOPES),
		FIELD("filtering", take_choice, offsetof(struct nat_outgoing, filtering),
		      .words = NAT_SCOPES),
	};
	struct nat_outgoing *nat = out;

	(void)field;
	nat->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, nat);
}

static void one_host_rule(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("from", take_selectors, offsetof(struct host_rule, from), .needed = true),
		FIELD("ports", take_ports, offsetof(struct host_rule, ports), .needed = true),
	};
	struct host_rule *rule = out;

	rule->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, rule);
}

static void take_host_allow(const struct at *at, const struct field *field, void *out)
{
	struct cluster *cluster = out;

	(void)field;
	cluster->host_allow =
		take_list(at, sizeof(*cluster->host_allow), one_host_rule, &cluster->host_allow_count);
}

static void take_host(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("allow", take_host_allow, 0, .needed = true),
	};
	struct cluster *cluster = out;

	(void)field;
	cluster->host_present = true;
	TAKE_OBJECT(at, FIELDS, cluster);
}

static void one_cluster(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("id", take_u32, offsetof(struct cluster, id), .needed = true, .low = 1,
		      .high = UINT16_MAX),
		FIELD("site", take_title, offsetof(struct cluster, site)),
		FIELD("pod_cidrs", take_prefixes, offsetof(struct cluster, pod_cidrs)),
		FIELD("service_cidrs", take_prefixes, offsetof(struct cluster, service_cidrs)),
		FIELD("reserved_cidrs", take_prefixes, offsetof(struct cluster, reserved_cidrs)),
		FIELD("pools", take_pools, 0),
		FIELD("managed_vlans", take_managed_vlans, 0),
		FIELD("mark", take_mark, offsetof(struct cluster, mark_mask)),
		FIELD("tunnel", take_tunnel, offsetof(struct cluster, tunnel)),
		FIELD("delivery", take_delivery, offsetof(struct cluster, delivery)),
		FIELD("nat_outgoing", take_nat_outgoing, offsetof(struct cluster, nat_outgoing)),
		FIELD("host", take_host, 0),
		FIELD("nodes", take_nodes, 0, .needed = true),
	};
	struct cluster *cluster = out;

	cluster->name = name_of(at);
	cluster->mark_mask = SL_MARK_MASK;
	cluster->delivery =
		(struct delivery){ .port = SL_TUNNEL_PORT, .vni = SL_TUNNEL_VNI, .mtu = SL_TUNNEL_MTU };
	cluster->place = place_of(at);
	cluster->nat_outgoing =
		(struct nat_outgoing){ .ports = { SL_NAT_FIRST, SL_NAT_LAST },
				       .max_ports_per_workload = DEFAULT_HOST_PORTS_PER_WORKLOAD,
				       .mapping = NAT_ENDPOINT,
				       .filtering = NAT_ADDRESS,
				       .place = cluster->place };
	TAKE_OBJECT(at, FIELDS, cluster);
}

void take_clusters(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->clusters = take_map(at, sizeof(*plan->clusters), one_cluster, &plan->cluster_count);
	if (tree_is_object(at->value) && !tree_members(at->value))
		wrong(at, "the plan has no cluster, expected at least one");
}
