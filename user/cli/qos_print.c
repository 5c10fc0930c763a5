/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quality of service for people: uplinks, classes, other rates, what went, how long it waited.
 */
#include <stdio.h>
#include "../kernel/meter.h"
#include "../kernel/spread.h"
#include "cli.h"
#include "qos.h"
#include "table.h"

#define HEADS(heads) heads, sizeof(heads) / sizeof((heads)[0])

static void mbit_cell(struct table *table, uint32_t mbit)
{
	if (mbit)
		table_cell(table, "%u", mbit);
	else
		table_cell(table, "-");
}

static bool finish(struct table *table)
{
	bool good = table_print(table);

	table_free(table);
	return good;
}

static bool print_uplinks(const struct qos_view *v)
{
	static const char *const heads[] = { "UPLINK", ">MBIT/S", "PACED BY", "QDISC", "SHAPED BY" };
	struct table table;

	table_head(&table, HEADS(heads));
	for (size_t i = 0; i < v->uplink_count; i++) {
		const struct qos_uplink *uplink = &v->uplink[i];

		table_cell(&table, "%s", uplink->name.text);
		mbit_cell(&table, uplink->mbit);
		table_cell(&table, "%s", uplink->pacing);
		table_cell(&table, "%s", *uplink->qdisc ? uplink->qdisc : "-");
		table_cell(&table, "%s", *uplink->shaper ? uplink->shaper : "-");
	}
	return finish(&table);
}

static bool print_classes(const struct qos_view *v)
{
	static const char *const heads[] = { "CLASS", ">LEVEL", ">DSCP", ">PRIORITY", ">MBIT/S" };
	struct table table;

	table_head(&table, HEADS(heads));
	for (uint32_t i = 0; i < SL_CLASSES; i++) {
		const struct sl_class *class = &v->class[i];

		if (i && !class->name)
			continue;
		table_cell(&table, "%s", qos_class_name(v, class->name).text);
		table_cell(&table, "%u", class->level);
		table_cell(&table, "%u", class->dscp);
		table_cell(&table, "%u", class->priority);
		mbit_cell(&table, qos_mbit(v, SL_RATE_CLASS, i));
	}
	return finish(&table);
}

/* Those that stand in no other table. */
static bool print_rates(const struct qos_view *v)
{
	static const char *const heads[] = { "RATE OF", "NAME", ">MBIT/S" };
	struct table table;
	size_t count = 0;

	table_head(&table, HEADS(heads));
	for (size_t i = 0; i < v->rates.count; i++) {
		const struct sl_rate_key *key = rows_key(&v->rates, i);
		const struct sl_rate *rate = rows_value(&v->rates, i);

		if (key->kind == SL_RATE_CLASS || key->kind == SL_RATE_LINK)
			continue;
		count++;
		table_cell(&table, "%s", qos_rate_kind(key));
		table_cell(&table, "%s", qos_rate_name(v, key, rate).text);
		mbit_cell(&table, rate->mbit);
	}
	if (count) {
		printf("\n");
		return finish(&table);
	}
	table_free(&table);
	return true;
}

static struct name_text name_or_none(const struct qos_view *v, uint16_t kind, uint32_t id)
{
	return id ? name_find(v->k.table[SL_TABLE_sl_name], kind, 0, id) : (struct name_text){ "-" };
}

static void who_cells(const struct qos_view *v, struct table *table, const struct sl_qos_key *key)
{
	table_cell(table, "%s", name_or_none(v, SL_NAME_CLUSTER, key->cluster).text);
	table_cell(table, "%s", qos_class_name(v, key->class).text);
	table_cell(table, "%s", name_or_none(v, SL_NAME_LABEL, key->label).text);
}

static bool print_traffic(const struct qos_view *v)
{
	static const char *const heads[] = { "TO CLUSTER", "CLASS",    "LABEL",	   ">PACKETS",
					     ">BYTES",	   ">DELAYED", ">DROPPED", ">BYTES DROPPED" };
	struct table table;

	table_head(&table, HEADS(heads));
	for (size_t i = 0; i < v->traffic.count; i++) {
		const struct sl_qos_key *key = rows_key(&v->traffic, i);
		struct sl_qos sum = meter_qos(&v->traffic, i);

		who_cells(v, &table, key);
		table_cell(&table, "%llu", (unsigned long long)sum.packets);
		table_cell(&table, "%llu", (unsigned long long)sum.bytes);
		table_cell(&table, "%llu", (unsigned long long)sum.delayed);
		table_cell(&table, "%llu", (unsigned long long)sum.dropped);
		table_cell(&table, "%llu", (unsigned long long)sum.dropped_bytes);
	}
	return finish(&table);
}

static bool print_delays(const struct qos_view *v)
{
	static const char *const heads[] = { "DELAY TO", "CLASS",   "LABEL",   ">PACKETS",
					     ">MEAN ms", ">P50 ms", ">P95 ms", ">P99 ms" };
	static const double parts[] = { 0.5, 0.95, 0.99 };
	struct table table;

	table_head(&table, HEADS(heads));
	for (size_t i = 0; i < v->delays.count; i++) {
		const struct sl_qos_key *key = rows_key(&v->delays, i);
		struct sl_qos_delay sum = meter_delay(&v->delays, i);
		struct spread spread = spread_of_delay(&sum);
		uint64_t count = spread_count(&spread);

		who_cells(v, &table, key);
		table_cell(&table, "%llu", (unsigned long long)count);
		table_cell(&table, "%.2f", count ? (double)sum.sum_us / (double)count / 1000 : 0);
		for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++)
			table_cell(&table, "%.2f", spread_us(&spread, parts[part]) / 1000);
	}
	return finish(&table);
}

int qos_print(const struct qos_view *v)
{
	if (!(v->setting.flags & SL_SETTING_QOS))
		printf("the plan in force has neither classes nor rates\n");
	if (!v->carried)
		printf("this kernel does not carry the QoS class through WireGuard: outside the tunnel all "
		       "is of "
		       "no class\n");
	if (!print_uplinks(v) || (printf("\n"), !print_classes(v)) || !print_rates(v))
		return EXIT_REFUSED;
	printf("\n");
	if (!print_traffic(v))
		return EXIT_REFUSED;
	if (!v->delays.count)
		return EXIT_DONE;
	printf("\n");
	return print_delays(v) ? EXIT_DONE : EXIT_REFUSED;
}
