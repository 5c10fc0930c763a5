/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between clusters, for programs.
 */
#include <arpa/inet.h>
#include "../image/selector.h"
#include "../kernel/spread.h"
#include "../plan/value.h"
#include "offender.h"
#include "phrase.h"
#include "wan.h"

#define CELL 512

static json_t *peers(const struct wan_view *v)
{
	json_t *object = json_object();

	for (size_t i = 0; v->cluster && i < v->cluster->tunnel.peer_count; i++) {
		const struct peer *peer = &v->cluster->tunnel.peers[i];
		json_t *list = json_array();
		char text[ADDRESS_TEXT];

		for (size_t r = 0; r < peer->addresses.count; r++)
			json_array_append_new(list,
					      json_string(address_text(peer->addresses.item[r].first, text)));
		json_object_set_new(object, peer->cluster, list);
	}
	return object;
}

static json_t *tunnel(const struct wan_view *v)
{
	const struct sl_setting *setting = &v->setting;

	if (!setting->wan_port)
		return json_null();
	return json_pack("{s:s*, s:i, s:i, s:b, s:o}", "interface", *v->tunnel.text ? v->tunnel.text : NULL,
			 "port", (int)ntohs(setting->wan_port), "mtu", (int)setting->wan_mtu, "attached",
			 *v->tunnel.text != 0, "peers", peers(v));
}

static json_t *routes(const struct wan_view *v)
{
	json_t *list;

	if (!v->cluster)
		return json_null();
	list = json_array();
	for (size_t i = 0; i < v->plan->route_count; i++) {
		const struct route *route = &v->plan->routes[i];
		char from[CELL], to[CELL], ports[CELL];

		if (!wan_route_here(v, route))
			continue;
		phrase_ports(&route->ports, ports, sizeof(ports));
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s}", "name", route->name, "from",
						selector_text(&route->from, from, sizeof(from)), "to",
						selector_text(&route->to, to, sizeof(to)), "ports", ports));
	}
	return list;
}

static json_t *guard(const struct wan_view *v)
{
	json_t *object = json_object();

	for (size_t i = 0; i < WAN_REASONS; i++)
		json_object_set_new(object, reason_name(wan_reasons[i]),
				    json_pack("{s:I, s:I, s:o*}", "packets",
					      (json_int_t)v->dropped[i].packets, "bytes",
					      (json_int_t)v->dropped[i].bytes, "last_offender",
					      offender_json(&v->k, wan_reasons[i])));
	return object;
}

static json_t *way_json(const struct wan_view *v, const struct wan_way *way)
{
	struct spread spread = spread_of_rtt(&way->rtt);

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:s}", "between",
			 way->clusters ? "clusters" : "networks", "from", wan_end(v, way, true).text, "to",
			 wan_end(v, way, false).text, "handshakes", (json_int_t)spread_count(&spread),
			 "sum_us", (json_int_t)spread.sum_us, "p50_us", spread_us(&spread, 0.5), "p95_us",
			 spread_us(&spread, 0.95), "p99_us", spread_us(&spread, 0.99), "expected_low_us",
			 (json_int_t)way->limit.low_us, "expected_high_us", (json_int_t)way->limit.high_us,
			 "max_us", (json_int_t)way->limit.max_us, "verdict", wan_verdict(way));
}

json_t *wan_json(const struct wan_view *v)
{
	json_t *ways = json_array();

	for (size_t i = 0; i < v->way_count; i++)
		json_array_append_new(ways, way_json(v, &v->way[i]));
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o}", "cluster",
			 name_find(v->k.table[SL_TABLE_sl_name], SL_NAME_CLUSTER, 0, v->setting.cluster).text,
			 "gateway", (v->setting.flags & SL_SETTING_GATEWAY) != 0, "tunnel", tunnel(v),
			 "routes", routes(v), "dropped", guard(v), "round_trips", ways);
}
