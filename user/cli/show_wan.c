/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show wan: everything between clusters as this node sees it. Round trips are those of connections that were
 * opened on this node's side.
 */
#include <bpf/bpf.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kernel/meter.h"
#include "../kernel/spread.h"
#include "cli.h"
#include "kept.h"
#include "show.h"
#include "wan.h"

const uint32_t wan_reasons[WAN_REASONS] = { SL_DROP_PLAINTEXT_WAN, SL_DROP_WAN_PEER, SL_DROP_ROUTE_LEAK };

struct name_text wan_end(const struct wan_view *v, const struct wan_way *way, bool source)
{
	uint16_t network = source ? way->key.src_network : way->key.dst_network;
	uint16_t cluster = source ? way->key.src_cluster : way->key.dst_cluster;
	int names = v->k.table[SL_TABLE_sl_name];
	struct name_text out = name_find(names, SL_NAME_CLUSTER, 0, cluster), in;

	if (way->clusters)
		return out;
	in = name_of_network(names, network);
	if (cluster)
		snprintf(in.text + strlen(in.text), sizeof(in.text) - strlen(in.text), "@%.*s",
			 (int)(sizeof(in.text) - strlen(in.text) - 2), out.text);
	return in;
}

bool wan_route_here(const struct wan_view *v, const struct route *route)
{
	const char *from = route->from.cluster, *to = route->to.cluster;

	/* A service stands in no cluster by its name: better one route too many. */
	return !from || !to || !strcmp(from, v->cluster->name) || !strcmp(to, v->cluster->name);
}

const char *wan_verdict(const struct wan_way *way)
{
	struct spread spread = spread_of_rtt(&way->rtt);
	double p95 = spread_us(&spread, 0.95);

	if (!way->limit.max_us || !spread_count(&spread))
		return "";
	if (p95 > way->limit.max_us)
		return "over";
	return way->limit.high_us && p95 > way->limit.high_us ? "slow" : "ok";
}

int wan_tunnel(const struct kernel *k, struct name_text *name, struct trouble *t)
{
	struct rows doors;
	int error = rows_read(&doors, k->table[SL_TABLE_sl_door], sizeof(struct sl_door_key),
			      sizeof(struct sl_door), 1, t);

	*name = (struct name_text){ "" };
	if (error)
		return error;
	for (size_t i = 0; i < doors.count; i++) {
		const struct sl_door *door = rows_value(&doors, i);

		if (door->kind == SL_IFACE_TUNNEL)
			snprintf(name->text, sizeof(name->text), "%.*s", (int)sizeof(door->name), door->name);
	}
	rows_free(&doors);
	return 0;
}

/* --- gathering */

static bool speaks_of(const struct sl_slo *slo, const struct wan_way *way)
{
	const struct sl_rtt_key *key = &way->key;

	if (way->clusters && (slo->src_network || slo->dst_network))
		return false;
	return (slo->src_network ? slo->src_network == key->src_network
				 : slo->src_cluster == key->src_cluster) &&
	       (slo->dst_network ? slo->dst_network == key->dst_network
				 : slo->dst_cluster == key->dst_cluster);
}

/* What the plan says of networks goes before what it says of their clusters. */
static void find_limit(const struct rows *limits, struct wan_way *way)
{
	int best = -1;

	for (size_t i = 0; i < limits->count; i++) {
		const struct sl_slo *slo = rows_value(limits, i);
		int exact = !!slo->src_network + !!slo->dst_network;

		if (!slo->max_us || exact <= best || !speaks_of(slo, way))
			continue;
		way->limit = *slo;
		best = exact;
	}
}

static struct wan_way *cluster_way(struct wan_view *v, const struct sl_rtt_key *key)
{
	for (size_t i = 0; i < v->way_count; i++)
		if (v->way[i].clusters && v->way[i].key.src_cluster == key->src_cluster &&
		    v->way[i].key.dst_cluster == key->dst_cluster)
			return &v->way[i];
	v->way[v->way_count] = (struct wan_way){
		.clusters = true, .key = { .src_cluster = key->src_cluster, .dst_cluster = key->dst_cluster }
	};
	return &v->way[v->way_count++];
}

static int way_order(const void *a, const void *b)
{
	const struct wan_way *x = a, *y = b;

	return x->clusters != y->clusters ? y->clusters - x->clusters
					  : memcmp(&x->key, &y->key, sizeof(x->key));
}

/* Leaves out what stays within a cluster or goes to the world, unless the plan has a limit for it. */
static void drop_near(struct wan_view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->way_count; i++) {
		const struct sl_rtt_key *key = &v->way[i].key;
		bool far = key->src_cluster && key->dst_cluster && key->src_cluster != key->dst_cluster;

		if (far || v->way[i].limit.max_us)
			v->way[kept++] = v->way[i];
	}
	v->way_count = kept;
	qsort(v->way, v->way_count, sizeof(*v->way), way_order);
}

static int read_ways(struct wan_view *v, struct trouble *t)
{
	struct rows limits = { 0 }, rtts = { 0 };
	int error =
		rows_read(&limits, v->k.plan[SL_TABLE_sl_slo], sizeof(uint32_t), sizeof(struct sl_slo), 1, t);

	if (!error)
		error = rows_read(&rtts, v->k.table[SL_TABLE_sl_rtt], sizeof(struct sl_rtt_key),
				  sizeof(struct sl_rtt), v->cpus, t);
	if (error)
		goto out;
	v->way = calloc(rtts.count * 2 + 1, sizeof(*v->way));
	if (!v->way) {
		error = trouble(t, -1, "out of memory for %zu round trips", rtts.count);
		goto out;
	}
	for (size_t i = 0; i < rtts.count; i++) {
		const struct sl_rtt_key *key = rows_key(&rtts, i);
		struct sl_rtt rtt = meter_rtt(&rtts, i);

		v->way[v->way_count++] = (struct wan_way){ .key = *key, .rtt = rtt };
		meter_add_rtt(&cluster_way(v, key)->rtt, &rtt);
	}
	for (size_t i = 0; i < v->way_count; i++)
		find_limit(&limits, &v->way[i]);
	drop_near(v);
out:
	rows_free(&limits);
	rows_free(&rtts);
	return error;
}

static int read_drops(struct wan_view *v, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, v->k.table[SL_TABLE_sl_drop], sizeof(struct sl_drop_key),
			      sizeof(struct sl_count), v->cpus, t);

	if (error)
		return error;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_drop_key *key = rows_key(&rows, i);
		struct sl_count more = rows_count(&rows, i);

		for (size_t r = 0; r < WAN_REASONS; r++)
			if (key->reason == wan_reasons[r]) {
				v->dropped[r].packets += more.packets;
				v->dropped[r].bytes += more.bytes;
			}
	}
	rows_free(&rows);
	return 0;
}

static const struct cluster *find_cluster(const struct wan_view *v)
{
	for (size_t i = 0; v->plan && i < v->plan->cluster_count; i++)
		if (v->plan->clusters[i].id == v->setting.cluster)
			return &v->plan->clusters[i];
	return NULL;
}

static int look(struct wan_view *v, struct trouble *t)
{
	uint32_t zero = 0;
	int error;

	if (!v->k.generation)
		return trouble(t, -1, "no plan is in: \"sluice up --plan FILE\" puts one in");
	if (bpf_map_lookup_elem(v->k.plan[SL_TABLE_sl_setting], &zero, &v->setting))
		return trouble(t, -1, "cannot read sl_setting");
	v->plan = kept_plan();
	v->cluster = find_cluster(v);
	error = wan_tunnel(&v->k, &v->tunnel, t);
	if (!error)
		error = read_drops(v, t);
	return error ? error : read_ways(v, t);
}

int cmd_show_wan(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct wan_view v = { 0 };
	struct trouble t = { "" };
	bool json = false;
	int option;
	int code;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option != 'j')
			return cli_usage("show", "wan: unknown option %s", argv[optind - 1]);
		json = true;
	}
	if (optind < argc)
		return cli_usage("show", "wan: unexpected \"%s\"", argv[optind]);
	code = show_open(&v.k, &v.cpus);
	if (code)
		return code;
	if (look(&v, &t))
		code = show_failed(&t);
	else
		code = json ? show_json(wan_json(&v)) : wan_print(&v);
	free(v.way);
	plan_free(v.plan);
	kernel_close(&v.k);
	return code;
}
