/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs note one for each reason, the last.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <time.h>
#include "../kernel/names.h"
#include "cli.h"
#include "offender.h"
#include "table.h"

static bool find(const struct kernel *k, uint32_t reason, struct sl_offender *row)
{
	return !bpf_map_lookup_elem(k->table[SL_TABLE_sl_offender], &reason, row) && row->at;
}

static struct name_text network_text(const struct kernel *k, uint16_t network)
{
	return name_of_network(k->table[SL_TABLE_sl_name], network);
}

static struct name_text cluster_text(const struct kernel *k, uint16_t cluster)
{
	if (!cluster)
		return (struct name_text){ "" };
	return name_find(k->table[SL_TABLE_sl_name], SL_NAME_CLUSTER, 0, cluster);
}

static struct name_text interface_text(const struct kernel *k, uint32_t ifindex)
{
	struct sl_door_key key = { .ifindex = ifindex };
	struct name_text out;
	struct sl_door door;

	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_door], &key, &door))
		snprintf(out.text, sizeof(out.text), "%u", ifindex);
	else
		snprintf(out.text, sizeof(out.text), "%.*s", (int)sizeof(door.name), door.name);
	return out;
}

static uint64_t milliseconds_ago(const struct sl_offender *row)
{
	struct timespec now;
	uint64_t now_ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	return now_ms > row->at / 1000000 ? now_ms - row->at / 1000000 : 0;
}

json_t *offender_json(const struct kernel *k, uint32_t reason)
{
	struct sl_offender row;

	if (!find(k, reason, &row))
		return NULL;
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "ago_ms",
			 (json_int_t)milliseconds_ago(&row), "interface", interface_text(k, row.ifindex).text,
			 "direction", row.out ? "out" : "in", "src_network",
			 network_text(k, row.src_network).text, "src_cluster",
			 cluster_text(k, row.src_cluster).text, "dst_network",
			 network_text(k, row.dst_network).text, "dst_cluster",
			 cluster_text(k, row.dst_cluster).text, "proto", proto_name(row.proto).text,
			 "src_port", (int)ntohs(row.sport), "dst_port", (int)ntohs(row.dport));
}

static void end_cell(struct table *table, const struct kernel *k, uint16_t network, uint16_t cluster)
{
	table_cell(table, "%s%s%s", network_text(k, network).text, cluster ? "@" : "",
		   cluster_text(k, cluster).text);
}

int offender_print(const struct kernel *k)
{
	static const char *const heads[] = { "LAST OFFENDER", ">AGO",  "INTERFACE", "WAY", "FROM", "TO",
					     "PROTO",	      ">PORT", ">TO PORT" };
	struct table table;
	size_t count = 0;
	int code = EXIT_DONE;

	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (uint32_t reason = 0; reason < SL_REASONS; reason++) {
		struct sl_offender row;

		if (!find(k, reason, &row))
			continue;
		count++;
		table_cell(&table, "%s", reason_name(reason));
		table_cell(&table, "%s", span_text(milliseconds_ago(&row)).text);
		table_cell(&table, "%s", interface_text(k, row.ifindex).text);
		table_cell(&table, "%s", row.out ? "out" : "in");
		end_cell(&table, k, row.src_network, row.src_cluster);
		end_cell(&table, k, row.dst_network, row.dst_cluster);
		table_cell(&table, "%s", proto_name(row.proto).text);
		table_cell(&table, "%u", ntohs(row.sport));
		table_cell(&table, "%u", ntohs(row.dport));
	}
	if (count) {
		printf("\n");
		code = table_print(&table) ? EXIT_DONE : EXIT_REFUSED;
	}
	table_free(&table);
	return code;
}
