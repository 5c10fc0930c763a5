/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between clusters, for people: the tunnel, its peers, the routes, the guard, round trips.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include "../image/selector.h"
#include "../kernel/spread.h"
#include "../plan/value.h"
#include "cli.h"
#include "offender.h"
#include "phrase.h"
#include "table.h"
#include "wan.h"

#define CELL 512

static bool finish(struct table *table)
{
	bool good = table_print(table);

	table_free(table);
	return good;
}

static void print_tunnel(const struct wan_view *v)
{
	const struct sl_setting *setting = &v->setting;

	printf("cluster     %s%s\n",
	       name_find(v->k.table[SL_TABLE_sl_name], SL_NAME_CLUSTER, 0, setting->cluster).text,
	       setting->flags & SL_SETTING_GATEWAY ? ", this node is a gateway" : "");
	if (!(setting->flags & SL_SETTING_WAN))
		printf("tunnel      the plan has no other cluster\n");
	else if (!setting->wan_port)
		printf("tunnel      none: nothing may pass between this cluster and others\n");
	else if (!(setting->flags & SL_SETTING_GATEWAY))
		printf("tunnel      not on this node: only gateways have one\n");
	else if (!*v->tunnel.text)
		printf("tunnel      its interface is not there: what goes to other clusters is dropped\n");
	else
		printf("tunnel      %s, UDP port %u, MTU %u\n", v->tunnel.text, ntohs(setting->wan_port),
		       setting->wan_mtu);
	if (!v->cluster)
		printf("routes      not known: the plan in force is not readable here\n");
}

static bool print_peers(const struct wan_view *v)
{
	static const char *const heads[] = { "PEER", "ADDRESSES" };
	const struct tunnel *tunnel = &v->cluster->tunnel;
	struct table table;

	if (!tunnel->present)
		return true;
	printf("\n");
	table_head(&table, heads, 2);
	for (size_t i = 0; i < tunnel->peer_count; i++) {
		const struct ranges *list = &tunnel->peers[i].addresses;
		char text[CELL] = "-", first[ADDRESS_TEXT];
		size_t used = 0;

		for (size_t r = 0; r < list->count && used < sizeof(text); r++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", r ? "," : "",
						 address_text(list->item[r].first, first));
		table_cell(&table, "%s", tunnel->peers[i].cluster);
		table_cell(&table, "%s", text);
	}
	return finish(&table);
}

static bool print_routes(const struct wan_view *v)
{
	static const char *const heads[] = { "ROUTE", "FROM", "TO", "PORTS" };
	struct table table;

	printf("\n");
	table_head(&table, heads, 4);
	for (size_t i = 0; i < v->plan->route_count; i++) {
		const struct route *route = &v->plan->routes[i];
		char text[CELL];

		if (!wan_route_here(v, route))
			continue;
		table_cell(&table, "%s", route->name);
		table_cell(&table, "%s", selector_text(&route->from, text, sizeof(text)));
		table_cell(&table, "%s", selector_text(&route->to, text, sizeof(text)));
		phrase_ports(&route->ports, text, sizeof(text));
		table_cell(&table, "%s", text);
	}
	return finish(&table);
}

static bool print_guard(const struct wan_view *v)
{
	static const char *const heads[] = { "DROPPED", ">PACKETS", ">BYTES", "MEANING" };
	struct table table;

	printf("\n");
	table_head(&table, heads, 4);
	for (size_t i = 0; i < WAN_REASONS; i++) {
		table_cell(&table, "%s", reason_name(wan_reasons[i]));
		table_cell(&table, "%llu", (unsigned long long)v->dropped[i].packets);
		table_cell(&table, "%llu", (unsigned long long)v->dropped[i].bytes);
		table_cell(&table, "%s", reason_text(wan_reasons[i]));
	}
	return finish(&table);
}

static void limit_cells(struct table *table, const struct wan_way *way)
{
	const struct sl_slo *limit = &way->limit;

	if (limit->high_us)
		table_cell(table, "%.4g-%.4g", limit->low_us / 1000.0, limit->high_us / 1000.0);
	else
		table_cell(table, "-");
	if (limit->max_us)
		table_cell(table, "%.4g", limit->max_us / 1000.0);
	else
		table_cell(table, "-");
	table_cell(table, "%s", *wan_verdict(way) ? wan_verdict(way) : "-");
}

static bool print_ways(const struct wan_view *v)
{
	static const char *const heads[] = { "HANDSHAKES FROM", "TO",	     ">COUNT",	 ">P50 ms", ">P95 ms",
					     ">P99 ms",		">EXPECTED", ">AT MOST", "P95 IS" };
	static const double parts[] = { 0.5, 0.95, 0.99 };
	struct table table;

	printf("\n");
	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < v->way_count; i++) {
		const struct wan_way *way = &v->way[i];
		struct spread spread = spread_of_rtt(&way->rtt);

		table_cell(&table, "%s", wan_end(v, way, true).text);
		table_cell(&table, "%s", wan_end(v, way, false).text);
		table_cell(&table, "%llu", (unsigned long long)spread_count(&spread));
		for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++)
			table_cell(&table, "%.1f", spread_us(&spread, parts[part]) / 1000);
		limit_cells(&table, way);
	}
	return finish(&table);
}

int wan_print(const struct wan_view *v)
{
	print_tunnel(v);
	if (v->cluster && (!print_peers(v) || !print_routes(v)))
		return EXIT_REFUSED;
	if (!print_guard(v) || offender_print(&v->k))
		return EXIT_REFUSED;
	return print_ways(v) ? EXIT_DONE : EXIT_REFUSED;
}
