/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prints counters and gauges as they are in the tables. Holds no state between scrapes: what a table says
 * is what is exported, so a restart changes no number.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "../kernel/names.h"
#include "../kernel/rows.h"
#include "eip_metrics.h"
#include "metrics.h"
#include "qos_metrics.h"
#include "service_metrics.h"
#include "wan_metrics.h"

/* The agent sweeps once a second; longer silence than this means that it hangs or is gone. */
#define AGENT_SILENT_S 15

static uint64_t gauge(const struct feed *feed, uint32_t id)
{
	uint64_t value = 0;

	if (bpf_map_lookup_elem(feed->fd[FEED_gauge], &id, &value))
		return 0;
	return value;
}

static uint32_t generation(const struct feed *feed)
{
	struct sl_active active = { 0 };
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(feed->fd[FEED_active], &zero, &active))
		return 0;
	return active.generation;
}

/* Both families of one per-CPU table: packets in the first pass over its rows, bytes in the second. */
static int print_traffic(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, feed->fd[FEED_traffic], sizeof(struct sl_traffic_key),
			      sizeof(struct sl_count), feed->cpus, t);

	if (error)
		return error;
	for (int bytes = 0; bytes < 2; bytes++) {
		const char *name = bytes ? "sluice_bytes_total" : "sluice_packets_total";

		page_family(page, name, "counter",
			    bytes ? "Bytes of IP packets judged, by network pair and outcome."
				  : "Packets judged, by network pair and outcome.");
		for (size_t i = 0; i < rows.count; i++) {
			const struct sl_traffic_key *key = rows_key(&rows, i);
			struct sl_count count = rows_count(&rows, i);

			page_print(page, "%s{", name);
			page_label(page, "src_network",
				   name_of_network(feed->fd[FEED_name], key->src_network).text);
			page_print(page, ",");
			page_label(page, "dst_network",
				   name_of_network(feed->fd[FEED_name], key->dst_network).text);
			page_print(page, ",outcome=\"%s\"} %llu\n", outcome_name(key->outcome),
				   (unsigned long long)(bytes ? count.bytes : count.packets));
		}
	}
	rows_free(&rows);
	return 0;
}

static int print_drops(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, feed->fd[FEED_drop], sizeof(struct sl_drop_key), sizeof(struct sl_count),
			      feed->cpus, t);

	if (error)
		return error;
	for (int bytes = 0; bytes < 2; bytes++) {
		const char *name = bytes ? "sluice_drop_bytes_total" : "sluice_drops_total";

		page_family(page, name, "counter",
			    bytes ? "Bytes dropped, or passed by a monitor that would drop them."
				  : "Packets dropped, or passed by a monitor that would drop them.");
		for (size_t i = 0; i < rows.count; i++) {
			const struct sl_drop_key *key = rows_key(&rows, i);
			struct sl_count count = rows_count(&rows, i);
			char number[16];

			snprintf(number, sizeof(number), "reason_%u", key->reason);
			page_print(page, "%s{", name);
			page_label(page, "network", name_of_network(feed->fd[FEED_name], key->network).text);
			page_print(page, ",");
			page_label(page, "reason",
				   reason_name(key->reason) ? reason_name(key->reason) : number);
			page_print(page, ",outcome=\"%s\"} %llu\n", outcome_name(key->outcome),
				   (unsigned long long)(bytes ? count.bytes : count.packets));
		}
	}
	rows_free(&rows);
	return 0;
}

static int print_stats(const struct feed *feed, struct page *page, struct trouble *t)
{
	static const struct {
		const char *name;
		const char *help;
	} stats[] = {
#define SL_STAT(symbol, name, text) { "sluice_" name "_total", "Count of " text "." },
#include "../../include/stats.def"
#undef SL_STAT
	};

	for (uint32_t i = 0; i < SL_STATS; i++) {
		uint64_t sum;
		int error = rows_stat(feed->fd[FEED_stat], i, feed->cpus, &sum, t);

		if (error)
			return error;
		page_family(page, stats[i].name, "counter", stats[i].help);
		page_print(page, "%s %llu\n", stats[i].name, (unsigned long long)sum);
	}
	return 0;
}

static void print_gauges(const struct feed *feed, struct page *page)
{
	static const struct {
		const char *name;
		const char *help;
	} gauges[] = {
#define SL_GAUGE_ROW(symbol, name, text) [SL_GAUGE_##symbol] = { "sluice_" name, text },
		SL_GAUGE_LIST(SL_GAUGE_ROW)
#undef SL_GAUGE_ROW
	};

	for (uint32_t i = 0; i < SL_GAUGES; i++) {
		if (i == SL_GAUGE_PLAN_HASH) /* no quantity: a label of sluice_plan_info */
			continue;
		if (i == SL_GAUGE_APPLY_US) {
			page_family(page, "sluice_plan_apply_seconds", "gauge", gauges[i].help);
			page_print(page, "sluice_plan_apply_seconds %.6f\n", (double)gauge(feed, i) / 1e6);
			continue;
		}
		page_family(page, gauges[i].name, "gauge", gauges[i].help);
		page_print(page, "%s %llu\n", gauges[i].name, (unsigned long long)gauge(feed, i));
	}
}

static void print_plan(const struct feed *feed, struct page *page)
{
	char hash[17];

	snprintf(hash, sizeof(hash), "%012llx", (unsigned long long)gauge(feed, SL_GAUGE_PLAN_HASH));
	page_family(page, "sluice_plan_generation", "gauge",
		    "Generation in force; 0: no plan is in. Also grows when an interface comes or goes.");
	page_print(page, "sluice_plan_generation %u\n", generation(feed));
	page_family(page, "sluice_plan_info", "gauge",
		    "The plan in force; hash is equal where images are equal.");
	page_print(page, "sluice_plan_info{");
	page_label(page, "node", name_find(feed->fd[FEED_name], SL_NAME_NODE, 0, 0).text);
	page_print(page, ",");
	page_label(page, "hash", hash);
	page_print(page, ",");
	page_label(page, "version", SLUICE_VERSION);
	page_print(page, "} 1\n");
	page_family(page, "sluice_build_info", "gauge",
		    "The program that exports, and the table layout it knows.");
	page_print(page, "sluice_build_info{");
	page_label(page, "version", SLUICE_VERSION);
	page_print(page, ",layout=\"%d\"} 1\n", SL_LAYOUT);
}

static int print_tables(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, feed->fd[FEED_fill], sizeof(uint32_t), sizeof(struct sl_fill), 1, t);

	if (error)
		return error;
	for (int size = 0; size < 2; size++) {
		const char *name = size ? "sluice_table_size" : "sluice_table_entries";

		page_family(page, name, "gauge",
			    size ? "Rows that a table has room for." : "Rows in a table.");
		for (size_t i = 0; i < rows.count; i++) {
			uint32_t table = *(const uint32_t *)rows_key(&rows, i);
			const struct sl_fill *fill = rows_value(&rows, i);

			if (table >= SL_TABLES || !fill->size)
				continue;
			page_print(page, "%s{table=\"%s\"} %llu\n", name, table_name(table),
				   (unsigned long long)(size ? fill->size : fill->entries));
		}
	}
	rows_free(&rows);
	return 0;
}

static int print_doors(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, feed->fd[FEED_door], sizeof(struct sl_door_key), sizeof(struct sl_door),
			      1, t);

	if (error)
		return error;
	page_family(
		page, "sluice_interface_info", "gauge",
		"An interface with doors and how they are attached: xdp native, generic, shared or none.");
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_door *door = rows_value(&rows, i);
		char name[sizeof(door->name) + 1] = { 0 };

		memcpy(name, door->name, sizeof(door->name));
		page_print(page, "sluice_interface_info{");
		page_label(page, "interface", name);
		page_print(page, ",role=\"%s\",xdp=\"%s\",tc=\"%s\"} 1\n", door_role_name(door->kind),
			   door_xdp_name(door->xdp), door_tc_name(door->tc));
	}
	rows_free(&rows);
	return 0;
}

int metrics_render(const struct feed *feed, struct page *page, struct trouble *t)
{
	int error = print_traffic(feed, page, t);

	if (!error)
		error = print_drops(feed, page, t);
	if (!error)
		error = service_metrics_render(feed, page, t);
	if (!error)
		error = eip_metrics_render(feed, page, t);
	if (!error)
		error = qos_metrics_render(feed, page, t);
	if (!error)
		error = wan_metrics_render(feed, page, t);
	if (!error)
		error = print_stats(feed, page, t);
	if (!error)
		error = print_tables(feed, page, t);
	if (!error)
		error = print_doors(feed, page, t);
	if (error)
		return error;
	print_gauges(feed, page);
	print_plan(feed, page);
	return 0;
}

bool metrics_healthy(const struct feed *feed, char *why, size_t room)
{
	uint64_t seen = gauge(feed, SL_GAUGE_AGENT_SEEN);
	uint64_t now = (uint64_t)time(NULL);

	if (!generation(feed)) {
		snprintf(why, room, "no plan is in: sluice up --plan FILE\n");
		return false;
	}
	if (now > seen + AGENT_SILENT_S) {
		snprintf(why, room, "the agent has not aged the tables for %llu s\n",
			 (unsigned long long)(now - seen));
		return false;
	}
	snprintf(why, room, "ok\n");
	return true;
}
