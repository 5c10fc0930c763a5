/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show networks: the networks of the plan in force as this node has them, and what went by.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kernel/names.h"
#include "../kernel/rows.h"
#include "cli.h"
#include "show.h"
#include "table.h"

/* Indexed by network id. */
struct tally {
	uint64_t workloads;
	struct sl_count sent; /* passed, from this network */
	struct sl_count received; /* passed, to this network */
	struct sl_count dropped;
	struct sl_count monitored;
};

struct view {
	struct kernel k;
	uint32_t cpus;
	struct rows networks;
	struct tally *tallies; /* 65536 */
};

static const struct {
	uint16_t flag;
	const char *name;
} flags[] = {
	{ SL_NETWORK_MONITOR, "monitor" },     { SL_NETWORK_FAIL_OPEN, "fail-open" },
	{ SL_NETWORK_IPV6_PASS, "ipv6" },      { SL_NETWORK_BROADCAST, "broadcast" },
	{ SL_NETWORK_MULTICAST, "multicast" }, { SL_NETWORK_OVERLAY, "overlay" },
	{ SL_NETWORK_EXTERNAL, "external" },
};

static void add(struct sl_count *to, struct sl_count more)
{
	to->packets += more.packets;
	to->bytes += more.bytes;
}

static int count_workloads(struct view *v, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, v->k.plan[SL_TABLE_sl_exact], sizeof(struct sl_exact_key),
			      sizeof(struct sl_endpoint), 1, t);

	for (size_t i = 0; !error && i < rows.count; i++) {
		const struct sl_endpoint *endpoint = rows_value(&rows, i);

		if (endpoint->kind == SL_ENDPOINT_LOCAL)
			v->tallies[endpoint->network].workloads++;
	}
	if (!error)
		rows_free(&rows);
	return error;
}

static int count_traffic(struct view *v, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, v->k.table[SL_TABLE_sl_traffic], sizeof(struct sl_traffic_key),
			      sizeof(struct sl_count), v->cpus, t);

	if (error)
		return error;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_traffic_key *key = rows_key(&rows, i);

		if (key->outcome == SL_DROPPED)
			continue; /* counted by reason as well, there for the network it was dropped for */
		add(&v->tallies[key->src_network].sent, rows_count(&rows, i));
		add(&v->tallies[key->dst_network].received, rows_count(&rows, i));
	}
	rows_free(&rows);
	error = rows_read(&rows, v->k.table[SL_TABLE_sl_drop], sizeof(struct sl_drop_key),
			  sizeof(struct sl_count), v->cpus, t);
	if (error)
		return error;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_drop_key *key = rows_key(&rows, i);
		struct tally *tally = &v->tallies[key->network];

		add(key->outcome == SL_MONITORED ? &tally->monitored : &tally->dropped, rows_count(&rows, i));
	}
	rows_free(&rows);
	return 0;
}

static int network_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static const struct sl_network *find(const struct view *v, uint32_t id)
{
	for (size_t i = 0; i < v->networks.count; i++)
		if (((const struct sl_network_key *)rows_key(&v->networks, i))->network == id)
			return rows_value(&v->networks, i);
	return NULL;
}

static struct name_text uplink_name(const struct view *v, uint32_t ifindex)
{
	if (!ifindex)
		return (struct name_text){ "-" };
	return name_find(v->k.table[SL_TABLE_sl_name], SL_NAME_UPLINK, 0, ifindex);
}

static struct name_text gateway_text(const struct sl_network *network)
{
	struct name_text out = { "-" };

	if (network->gateway)
		inet_ntop(AF_INET, &network->gateway, out.text, sizeof(out.text));
	return out;
}

static struct name_text flags_text(uint16_t set)
{
	struct name_text out = { "" };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		size_t used = strlen(out.text);

		if (set & flags[i].flag)
			snprintf(out.text + used, sizeof(out.text) - used, "%s%s", used ? "," : "",
				 flags[i].name);
	}
	return *out.text ? out : (struct name_text){ "-" };
}

static json_t *count_json(const struct sl_count *count)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)count->packets, "bytes",
			 (json_int_t)count->bytes);
}

static json_t *network_json(const struct view *v, uint32_t id, const struct sl_network *network)
{
	const struct tally *tally = &v->tallies[id];
	json_t *set = json_array();
	int names = v->k.table[SL_TABLE_sl_name];

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (network->flags & flags[i].flag)
			json_array_append_new(set, json_string(flags[i].name));
	return json_pack("{s:s, s:I, s:s, s:i, s:s*, s:s*, s:o, s:I, s:o, s:o, s:o, s:o}", "network",
			 name_of_network(names, (uint16_t)id).text, "id", (json_int_t)id, "vpc",
			 name_find(names, SL_NAME_VPC, 0, network->vpc).text, "vlan", network->vlan, "uplink",
			 network->uplink ? uplink_name(v, network->uplink).text : NULL, "gateway",
			 network->gateway ? gateway_text(network).text : NULL, "flags", set, "workloads",
			 (json_int_t)tally->workloads, "sent", count_json(&tally->sent), "received",
			 count_json(&tally->received), "dropped", count_json(&tally->dropped), "monitored",
			 count_json(&tally->monitored));
}

static int print(const struct view *v, const uint32_t *ids, bool json)
{
	static const char *const heads[] = { "NETWORK",	  ">ID",    "VPC",	  "VLAN",      "UPLINK",
					     "GATEWAY",	  "FLAGS",  ">WORKLOADS", ">SENT",     ">BYTES",
					     ">RECEIVED", ">BYTES", ">DROPPED",	  ">MONITORED" };
	int names = v->k.table[SL_TABLE_sl_name];
	json_t *list = json ? json_array() : NULL;
	struct table table;
	int code;

	table_head(&table, heads, 14);
	for (size_t i = 0; i < v->networks.count; i++) {
		const struct sl_network *network = find(v, ids[i]);
		const struct tally *tally = &v->tallies[ids[i]];

		if (json) {
			json_array_append_new(list, network_json(v, ids[i], network));
			continue;
		}
		table_cell(&table, "%s", name_of_network(names, (uint16_t)ids[i]).text);
		table_cell(&table, "%u", ids[i]);
		table_cell(&table, "%s", name_find(names, SL_NAME_VPC, 0, network->vpc).text);
		if (network->vlan)
			table_cell(&table, "%u", network->vlan);
		else
			table_cell(&table, "-");
		table_cell(&table, "%s", uplink_name(v, network->uplink).text);
		table_cell(&table, "%s", gateway_text(network).text);
		table_cell(&table, "%s", flags_text(network->flags).text);
		table_cell(&table, "%llu", (unsigned long long)tally->workloads);
		table_cell(&table, "%llu", (unsigned long long)tally->sent.packets);
		table_cell(&table, "%llu", (unsigned long long)tally->sent.bytes);
		table_cell(&table, "%llu", (unsigned long long)tally->received.packets);
		table_cell(&table, "%llu", (unsigned long long)tally->received.bytes);
		table_cell(&table, "%llu", (unsigned long long)tally->dropped.packets);
		table_cell(&table, "%llu", (unsigned long long)tally->monitored.packets);
	}
	code = json ? show_json(list) : table_print(&table) ? EXIT_DONE : EXIT_REFUSED;
	table_free(&table);
	return code;
}

static int show_networks(struct view *v, bool json)
{
	struct trouble t = { "" };
	uint32_t *ids = NULL;
	int error;
	int code;

	if (!v->k.generation) {
		trouble(&t, -1, "no plan is in: \"sluice up --plan FILE\" puts one in");
		return show_failed(&t);
	}
	v->tallies = calloc(65536, sizeof(*v->tallies));
	error = v->tallies ? 0 : trouble(&t, -1, "out of memory");
	if (!error)
		error = rows_read(&v->networks, v->k.plan[SL_TABLE_sl_network], sizeof(struct sl_network_key),
				  sizeof(struct sl_network), 1, &t);
	if (!error)
		error = count_workloads(v, &t);
	if (!error)
		error = count_traffic(v, &t);
	ids = calloc(v->networks.count + 1, sizeof(*ids));
	if (!error && !ids)
		error = trouble(&t, -1, "out of memory");
	if (error) {
		code = show_failed(&t);
	} else {
		for (size_t i = 0; i < v->networks.count; i++)
			ids[i] = ((const struct sl_network_key *)rows_key(&v->networks, i))->network & 0xffff;
		qsort(ids, v->networks.count, sizeof(*ids), network_order);
		code = print(v, ids, json);
	}
	free(ids);
	free(v->tallies);
	rows_free(&v->networks);
	return code;
}

int cmd_show_networks(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct view v = { 0 };
	bool json = false;
	int option;
	int code;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option != 'j')
			return cli_usage("show", "networks: unknown option %s", argv[optind - 1]);
		json = true;
	}
	if (optind < argc)
		return cli_usage("show", "networks: unexpected \"%s\"", argv[optind]);
	code = show_open(&v.k, &v.cpus);
	if (code)
		return code;
	code = show_networks(&v, json);
	kernel_close(&v.k);
	return code;
}
