/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EIPs for people: what they are, their ports, floating IPs, and the workloads that hold most.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "cli.h"
#include "eips.h"
#include "kept.h"
#include "table.h"

static struct name_text address_text(__be32 addr)
{
	struct name_text out = { "" };

	inet_ntop(AF_INET, &addr, out.text, sizeof(out.text));
	return out;
}

static struct name_text vpc_text(const struct eips *e, uint16_t vpc)
{
	return name_find(e->k.table[SL_TABLE_sl_name], SL_NAME_VPC, 0, vpc);
}

static bool finish(struct table *table, bool apart)
{
	bool good = true;

	if (table->count || table->lost || !apart) {
		if (apart)
			putchar('\n');
		good = table_print(table);
	}
	table_free(table);
	return good;
}

/* This node's first; of the others only how many. */
static void shares_cell(struct table *table, const struct sl_eip *eip)
{
	unsigned int from = 0, blocks, own = 0, others = 0;
	uint16_t node;

	if (!(eip->flags & SL_EIP_SNAT)) {
		table_cell(table, "-");
		return;
	}
	while ((node = eips_next_node(eip, &from, &blocks))) {
		own = node == SL_NODE_SELF ? blocks : own;
		others += node != SL_NODE_SELF;
	}
	if (others)
		table_cell(table, "%u of %u blocks, %u more node%s", own, SL_EIP_BLOCKS, others,
			   others == 1 ? "" : "s");
	else
		table_cell(table, "%u of %u blocks", own, SL_EIP_BLOCKS);
}

static bool print_eips(const struct eips *e)
{
	static const char *const heads[] = { "EIP", "ADDRESS", "NETWORK", "FOR", "SPEAKS ARP", "THIS NODE" };
	struct table table;

	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < e->supply.count; i++) {
		const struct supply_row *row = &e->supply.row[i];

		table_cell(&table, "%s", eips_name(e, row->key.addr).text);
		table_cell(&table, "%s", address_text(row->key.addr).text);
		table_cell(&table, "%s",
			   name_of_network(e->k.table[SL_TABLE_sl_name], row->eip.network).text);
		table_cell(&table, "%s", eips_purpose(e, row).text);
		table_cell(&table, "%s", eips_owner(e, row).text);
		shares_cell(&table, &row->eip);
	}
	return finish(&table, false);
}

static void protocol_cells(struct table *table, const struct eips *e, const struct supply_row *row,
			   unsigned int holder)
{
	const struct eips_protocol *use = &e->use[row - e->supply.row][holder];

	table_cell(table, "%s", eips_name(e, row->key.addr).text);
	table_cell(table, "%s", proto_name(supply_proto(holder)).text);
	table_cell(table, "%u", use->bound);
	table_cell(table, "%u", use->resting);
	table_cell(table, "%u", row->ports[holder]);
	table_cell(table, "%.1f %%", eips_percent(row, holder, use));
	table_cell(table, "%llu", (unsigned long long)use->count.bound);
	table_cell(table, "%llu", (unsigned long long)use->count.kept);
	table_cell(table, "%llu", (unsigned long long)use->count.no_port);
	table_cell(table, "%llu", (unsigned long long)use->count.limit);
	table_cell(table, "%llu", (unsigned long long)use->count.filtered);
	table_cell(table, "%llu", (unsigned long long)use->count.forwarded);
}

static bool print_ports(const struct eips *e)
{
	static const char *const heads[] = { "EIP",	 "PROTO",  ">BOUND",	">RESTING",
					     ">OF",	 ">USED",  ">MADE",	">KEPT",
					     ">NO PORT", ">LIMIT", ">FILTERED", ">FORWARDED" };
	struct table table;

	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < e->supply.count; i++)
		for (unsigned int holder = 0; e->supply.row[i].eip.flags & SL_EIP_SNAT && holder < SL_HOLDERS;
		     holder++)
			protocol_cells(&table, e, &e->supply.row[i], holder);
	return finish(&table, true);
}

static bool print_fips(const struct eips *e)
{
	static const char *const heads[] = { "FIP", "ADDRESS", "INSIDE",    "WORKLOAD",
					     "VPC", "NODE",    ">FORWARDED" };
	struct table table;

	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < e->supply.count; i++) {
		const struct supply_row *row = &e->supply.row[i];
		uint64_t forwarded = e->other[i].forwarded;

		if (!(row->eip.flags & SL_EIP_FIP))
			continue;
		for (int holder = 0; holder < SL_HOLDERS; holder++)
			forwarded += e->use[i][holder].count.forwarded;
		table_cell(&table, "%s", eips_name(e, row->key.addr).text);
		table_cell(&table, "%s", address_text(row->key.addr).text);
		table_cell(&table, "%s", address_text(row->eip.fip).text);
		table_cell(&table, "%s", eips_workload(e, row->eip.inside_vpc, row->eip.fip).text);
		table_cell(&table, "%s", vpc_text(e, row->eip.inside_vpc).text);
		table_cell(&table, "%s", kept_node(e->plan, &e->k, row->eip.fip_node).text);
		table_cell(&table, "%llu", (unsigned long long)forwarded);
	}
	return finish(&table, true);
}

static bool print_users(const struct eips *e)
{
	static const char *const heads[] = { "WORKLOAD", "ADDRESS", "VPC",    "EIP",	 ">TCP",
					     ">UDP",	 ">ICMP",   ">FLOWS", ">REFUSED" };
	struct table table;

	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < e->user_count; i++) {
		const struct eips_user *user = &e->user[i];
		struct sl_holder holder = eips_holder(e, user);

		table_cell(&table, "%s", eips_workload(e, user->vpc, user->addr).text);
		table_cell(&table, "%s", address_text(user->addr).text);
		table_cell(&table, "%s", vpc_text(e, user->vpc).text);
		table_cell(&table, "%s", eips_name(e, user->eip).text);
		for (int j = 0; j < SL_HOLDERS; j++)
			table_cell(&table, "%u", user->ports[j]);
		table_cell(&table, "%u", holder.flows);
		table_cell(&table, "%llu", (unsigned long long)holder.refused);
	}
	return finish(&table, true);
}

int eips_print(const struct eips *e)
{
	return print_eips(e) && print_ports(e) && print_fips(e) && print_users(e) ? EXIT_DONE : EXIT_REFUSED;
}
