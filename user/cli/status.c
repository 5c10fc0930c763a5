/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice status: is a plan in force here, which, through which doors, and is anybody looking after it?
 * Exit code 0 when a plan is in force, 1 when not.
 */
#include <bpf/bpf.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../agent/fence.h"
#include "../agent/lock.h"
#include "../kernel/cache.h"
#include "../kernel/names.h"
#include "../kernel/rows.h"
#include "cli.h"
#include "qos.h"
#include "show.h"
#include "../agent/state.h"
#include "table.h"
#include "wan.h"

const char help_status[] =
	"Says what is in force on this node.\n"
	"\n"
	"usage: sluice status [--json]\n"
	"\n"
	"Exit code 0 if a plan is in force, 1 if not. Works whether an agent runs or not.\n";

struct view {
	struct kernel k;
	uint32_t cpus;
	struct rows doors;
	struct sl_fill fill[SL_TABLES];
	uint64_t gauge[SL_GAUGES];
	uint64_t stat[SL_STATS];
	struct sl_count dropped;
	struct sl_count monitored;
	char cluster[SL_NAME_LEN]; /* empty: not known */
	char hash[16];
	pid_t agent; /* see lock_holder() */
	struct sl_setting setting; /* all zero while no plan is in */
	struct name_text tunnel; /* empty: none is attached */
	struct qos_uplink *uplink;
	size_t uplink_count;
	bool carried;
	struct sl_cache cache;
	struct fence fence; /* on disk; shown with the state that runs unless somebody stopped half-way */
	struct trouble fence_trouble; /* empty: the fence is known */
};

static int read_gauges(struct view *v, struct trouble *t)
{
	const uint32_t only = 0;
	int error = 0;

	for (uint32_t i = 0; i < SL_GAUGES; i++)
		bpf_map_lookup_elem(v->k.table[SL_TABLE_sl_gauge], &i, &v->gauge[i]);
	for (uint32_t i = 0; i < SL_TABLES; i++)
		bpf_map_lookup_elem(v->k.table[SL_TABLE_sl_fill], &i, &v->fill[i]);
	bpf_map_lookup_elem(v->k.table[SL_TABLE_sl_cache], &only, &v->cache);
	for (uint32_t i = 0; !error && i < SL_STATS; i++)
		error = rows_stat(v->k.table[SL_TABLE_sl_stat], i, v->cpus, &v->stat[i], t);
	snprintf(v->hash, sizeof(v->hash), "%012llx", (unsigned long long)v->gauge[SL_GAUGE_PLAN_HASH]);
	return error;
}

static int read_drops(struct view *v, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, v->k.table[SL_TABLE_sl_drop], sizeof(struct sl_drop_key),
			      sizeof(struct sl_count), v->cpus, t);

	for (size_t i = 0; !error && i < rows.count; i++) {
		const struct sl_drop_key *key = rows_key(&rows, i);
		struct sl_count *sum = key->outcome == SL_MONITORED ? &v->monitored : &v->dropped;
		struct sl_count more = rows_count(&rows, i);

		sum->packets += more.packets;
		sum->bytes += more.bytes;
	}
	if (!error)
		rows_free(&rows);
	return error;
}

static int read_wan(struct view *v, struct trouble *t)
{
	uint32_t zero = 0;
	int error;

	v->carried = true;
	if (!v->k.generation)
		return 0;
	if (bpf_map_lookup_elem(v->k.plan[SL_TABLE_sl_setting], &zero, &v->setting))
		return trouble(t, -1, "cannot read sl_setting");
	error = wan_tunnel(&v->k, &v->tunnel, t);
	if (!error)
		error = qos_carried(&v->k, v->cpus, &v->carried, t);
	return error ? error : qos_uplinks(&v->k, &v->setting, &v->uplink, &v->uplink_count, t);
}

static void read_fence(struct view *v)
{
	if (!fence_read(cli_state(), &v->fence, &v->fence_trouble))
		*v->fence_trouble.text = 0;
}

/* The cluster stands in the plan only; without the plan it is not worth a complaint. */
static void read_cluster(struct view *v)
{
	const struct cluster *cluster = NULL;
	struct report report = { 0 };
	struct trouble unused;
	char node[SL_NAME_LEN];
	struct plan *plan;

	if (state_node(cli_state(), node, &unused))
		return;
	plan = fence_plan(cli_state(), &report, &unused);
	if (plan && plan_node(plan, node, &cluster) && cluster)
		snprintf(v->cluster, sizeof(v->cluster), "%s", cluster->name);
	if (plan)
		plan_free(plan);
	report_free(&report);
}

static struct name_text node_text(const struct view *v)
{
	return name_find(v->k.table[SL_TABLE_sl_name], SL_NAME_NODE, 0, 0);
}

static struct name_text state_text(const struct view *v)
{
	return name_of_state(v->k.table[SL_TABLE_sl_name], v->k.generation);
}

static struct name_text door_text(const struct sl_door *door)
{
	struct name_text out = { "" };

	memcpy(out.text, door->name, sizeof(door->name));
	return out;
}

static struct name_text time_text(uint64_t seconds)
{
	struct name_text out = { "never" };
	time_t when = (time_t)seconds;
	struct tm tm;

	if (seconds && localtime_r(&when, &tm))
		strftime(out.text, sizeof(out.text), "%Y-%m-%d %H:%M:%S %z", &tm);
	return out;
}

static json_t *doors_json(const struct view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->doors.count; i++) {
		const struct sl_door *door = rows_value(&v->doors, i);

		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:s, s:s, s:s}", "interface", door_text(door).text, "ifindex",
				  (json_int_t)((const struct sl_door_key *)rows_key(&v->doors, i))->ifindex,
				  "role", door_role_name(door->kind), "xdp", door_xdp_name(door->xdp), "tc",
				  door_tc_name(door->tc)));
	}
	return list;
}

static json_t *tables_json(const struct view *v)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < SL_TABLES; i++)
		if (v->fill[i].size)
			json_object_set_new(object, table_name(i),
					    json_pack("{s:I, s:I}", "entries", (json_int_t)v->fill[i].entries,
						      "size", (json_int_t)v->fill[i].size));
	return object;
}

static json_t *stats_json(const struct view *v)
{
	static const char *const names[] = {
#define SL_STAT(symbol, name, text) name,
#include "../../include/stats.def"
#undef SL_STAT
	};
	json_t *object = json_object();

	for (unsigned int i = 0; i < SL_STATS; i++)
		json_object_set_new(object, names[i], json_integer((json_int_t)v->stat[i]));
	return object;
}

static json_t *pacing_json(const struct view *v)
{
	json_t *object = json_object();

	for (size_t i = 0; i < v->uplink_count; i++)
		json_object_set_new(object, v->uplink[i].name.text,
				    json_pack("{s:s, s:I, s:s, s:s}", "by", v->uplink[i].pacing, "mbit",
					      (json_int_t)v->uplink[i].mbit, "qdisc", v->uplink[i].qdisc,
					      "shaper", v->uplink[i].shaper));
	return object;
}

/* Of the table there is, whether it is used or not. */
static uint64_t cache_bytes(const struct view *v)
{
	return (uint64_t)kernel_room(&v->k, SL_TABLE_sl_line) * sizeof(struct sl_line_set);
}

static int print_json(const struct view *v)
{
	bool known = !*v->fence_trouble.text, used = known && v->fence.used;
	char fence[24]; /* text: it may be too great for JSON's numbers */

	snprintf(fence, sizeof(fence), "%llu", (unsigned long long)v->fence.number);
	return show_json(json_pack(
		"{s:b, s:s, s:s*, s:s, s:I, s:s, s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:{s:I, s:I}, s:{s:I, "
		"s:I}, "
		"s:s*, s:o, s:b, s:s*, s:o*, s:s*, s:{s:I, s:I, s:I}, s:s}",
		"enforcing", v->k.generation != 0, "node", node_text(v).text, "cluster",
		*v->cluster ? v->cluster : NULL, "state", state_text(v).text, "generation",
		(json_int_t)v->k.generation, "plan_hash", v->hash, "applied_at",
		(json_int_t)v->gauge[SL_GAUGE_APPLIED_AT], "apply_us",
		(json_int_t)v->gauge[SL_GAUGE_APPLY_US], "agent_pid",
		v->agent > 0 ? json_integer(v->agent) : json_null(), "agent_swept_at",
		(json_int_t)v->gauge[SL_GAUGE_AGENT_SEEN], "doors", doors_json(v), "tables", tables_json(v),
		"stats", stats_json(v), "dropped", "packets", (json_int_t)v->dropped.packets, "bytes",
		(json_int_t)v->dropped.bytes, "monitored", "packets", (json_int_t)v->monitored.packets,
		"bytes", (json_int_t)v->monitored.bytes, "tunnel", *v->tunnel.text ? v->tunnel.text : NULL,
		"pacing", pacing_json(v), "class_carried", v->carried, "fence", used ? fence : NULL,
		"fence_whole", used ? json_boolean(v->fence.whole) : NULL, "fence_unknown",
		known ? NULL : v->fence_trouble.text, "cache", "lines_per_cpu",
		(json_int_t)(v->cache.sets & SL_LINE_SETS) * SL_LINE_WAYS, "bytes",
		(json_int_t)cache_bytes(v), "sixteenths_aside", (json_int_t)cache_sixteenths(v->cache.sets),
		"version", SLUICE_VERSION));
}

static void print_state(const struct view *v)
{
	const struct fence *fence = &v->fence;

	printf("state       %s", state_text(v).text);
	if (*v->fence_trouble.text)
		printf(": %s\n", v->fence_trouble.text);
	else if (fence->used && fence->whole)
		printf(", fence %llu, since %s by %s\n", (unsigned long long)fence->number, fence->sign.time,
		       fence->sign.who);
	else if (fence->used)
		printf(", fence %llu, not completed: \"sluice state\" says more\n",
		       (unsigned long long)fence->number);
	else
		printf(", no fence was used yet\n");
}

static void print_agent(const struct view *v)
{
	uint64_t seen = v->gauge[SL_GAUGE_AGENT_SEEN];
	uint64_t now = (uint64_t)time(NULL);

	if (!v->agent) {
		printf("agent       not running: flows do not age, interfaces are not followed\n");
		return;
	}
	printf("agent       running");
	if (v->agent > 0)
		printf(", process %d", (int)v->agent);
	if (seen && now >= seen)
		printf(", looked after the tables %s ago", span_text((now - seen) * 1000).text);
	printf("\n");
}

static void print_cache(const struct view *v)
{
	if (!v->cache.sets) {
		printf("cache       off\n");
		return;
	}
	printf("cache       %u lines on each processor, %.1f MiB",
	       (v->cache.sets & SL_LINE_SETS) * SL_LINE_WAYS, (double)cache_bytes(v) / (1 << 20));
	if (cache_sixteenths(v->cache.sets))
		printf("; %u of 16 flows do without, too many come by", cache_sixteenths(v->cache.sets));
	printf("\n");
}

static void print_wan(const struct view *v)
{
	if (v->setting.flags & SL_SETTING_GATEWAY)
		printf("tunnel      %s, MTU %u\n",
		       *v->tunnel.text ? v->tunnel.text : "its interface is not there", v->setting.wan_mtu);
	for (size_t i = 0; v->setting.flags & SL_SETTING_QOS && i < v->uplink_count; i++) {
		const struct qos_uplink *uplink = &v->uplink[i];

		printf("pacing      %s: %s", uplink->name.text, uplink->pacing);
		if (*uplink->shaper)
			printf(", as %s shapes it already", uplink->shaper);
		if (uplink->mbit)
			printf(", below %u Mbit/s", uplink->mbit);
		printf("\n");
	}
	if (!v->carried)
		printf("classes     this kernel does not carry the QoS class through WireGuard\n");
}

static bool print_doors(const struct view *v)
{
	static const char *const heads[] = { "INTERFACE", "ROLE", "XDP", "TC" };
	struct table table;
	bool good;

	table_head(&table, heads, 4);
	for (size_t i = 0; i < v->doors.count; i++) {
		const struct sl_door *door = rows_value(&v->doors, i);

		table_cell(&table, "%s", door_text(door).text);
		table_cell(&table, "%s", door_role_name(door->kind));
		table_cell(&table, "%s", door_xdp_name(door->xdp));
		table_cell(&table, "%s", door_tc_name(door->tc));
	}
	good = table_print(&table);
	table_free(&table);
	return good;
}

static bool print_tables(const struct view *v)
{
	static const char *const heads[] = { "TABLE", ">ENTRIES", ">SIZE", ">FULL" };
	struct table table;
	bool good;

	table_head(&table, heads, 4);
	for (unsigned int i = 0; i < SL_TABLES; i++) {
		if (!v->fill[i].size)
			continue;
		table_cell(&table, "%s", table_name(i));
		table_cell(&table, "%llu", (unsigned long long)v->fill[i].entries);
		table_cell(&table, "%llu", (unsigned long long)v->fill[i].size);
		table_cell(&table, "%.1f %%", 100.0 * (double)v->fill[i].entries / (double)v->fill[i].size);
	}
	good = table_print(&table);
	table_free(&table);
	return good;
}

static int print_text(const struct view *v)
{
	if (v->k.generation) {
		printf("node        %s%s%s\n", node_text(v).text, *v->cluster ? ", cluster " : "",
		       v->cluster);
		printf("plan        %s, generation %u\n", v->hash, v->k.generation);
		print_state(v);
		printf("applied     %s, in %llu ms\n", time_text(v->gauge[SL_GAUGE_APPLIED_AT]).text,
		       (unsigned long long)v->gauge[SL_GAUGE_APPLY_US] / 1000);
	} else {
		printf("plan        none is in: each network fails as its \"fail\" says\n");
	}
	print_agent(v);
	printf("flows       %llu established, %llu unanswered (at the agent's last look)\n",
	       (unsigned long long)v->gauge[SL_GAUGE_FLOWS] / 2,
	       (unsigned long long)v->gauge[SL_GAUGE_UNANSWERED] / 2);
	print_cache(v);
	printf("dropped     %llu packets, %llu bytes\n", (unsigned long long)v->dropped.packets,
	       (unsigned long long)v->dropped.bytes);
	if (v->monitored.packets)
		printf("monitored   %llu packets would be dropped\n",
		       (unsigned long long)v->monitored.packets);
	print_wan(v);
	printf("\n");
	if (!print_doors(v))
		return EXIT_REFUSED;
	printf("\n");
	if (!print_tables(v))
		return EXIT_REFUSED;
	return v->k.generation ? EXIT_DONE : EXIT_REFUSED;
}

int cmd_status(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct view v = { 0 };
	struct trouble t;
	bool json = false;
	int option;
	int error;
	int code;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option != 'j')
			return cli_usage("status", "unknown option %s", argv[optind - 1]);
		json = true;
	}
	if (optind < argc)
		return cli_usage("status", "unexpected \"%s\"", argv[optind]);
	code = show_open(&v.k, &v.cpus);
	if (code)
		return code;
	error = read_gauges(&v, &t);
	if (!error)
		error = read_drops(&v, &t);
	if (!error)
		error = rows_read(&v.doors, v.k.table[SL_TABLE_sl_door], sizeof(struct sl_door_key),
				  sizeof(struct sl_door), 1, &t);
	if (!error)
		error = rows_sort(&v.doors, &t);
	if (!error)
		error = read_wan(&v, &t);
	if (error) {
		code = show_failed(&t);
	} else {
		v.agent = lock_holder(cli_state());
		read_cluster(&v);
		read_fence(&v);
		code = json ? print_json(&v) : print_text(&v);
		if (code == EXIT_DONE && !v.k.generation)
			code = EXIT_REFUSED;
	}
	free(v.uplink);
	rows_free(&v.doors);
	kernel_close(&v.k);
	return code;
}
