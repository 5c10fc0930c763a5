/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show drops: what was dropped, or would be but for a monitor, and why. Counts since the tables were
 * made; with --watch what each second adds. Where it is known, who it was last.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../agent/lock.h"
#include "../kernel/cache.h"
#include "../kernel/names.h"
#include "../kernel/rows.h"
#include "cli.h"
#include "offender.h"
#include "show.h"
#include "table.h"

struct drop {
	struct sl_drop_key key;
	struct sl_count count;
};

/* Most packets first; among equals by key, so that the order stands still. */
static int drop_order(const void *a, const void *b)
{
	const struct drop *x = a, *y = b;

	if (x->count.packets != y->count.packets)
		return x->count.packets < y->count.packets ? 1 : -1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* What lines of the cache hold an agent counts, once a second. Where none runs, and this process may, it is done here. */
static void count_lines(const struct kernel *k, uint32_t cpus)
{
	struct trouble t;
	uint32_t missed;
	int program;

	if (lock_holder(cli_state()))
		return;
	program = cache_open(k->pins, &t);
	if (program < 0)
		return;
	cache_flush(program, SL_FLUSH_ALL, cpus, NULL, &missed, &t);
	close(program);
}

static struct drop *read_drops(const struct kernel *k, uint32_t cpus, size_t *count, struct trouble *t)
{
	struct drop *drops = NULL;
	struct rows rows;

	*count = 0;
	count_lines(k, cpus);
	if (rows_read(&rows, k->table[SL_TABLE_sl_drop], sizeof(struct sl_drop_key), sizeof(struct sl_count),
		      cpus, t))
		return NULL;
	drops = calloc(rows.count + 1, sizeof(*drops));
	if (!drops)
		trouble(t, -1, "out of memory for %zu drops", rows.count);
	for (size_t i = 0; drops && i < rows.count; i++) {
		drops[i].key = *(const struct sl_drop_key *)rows_key(&rows, i);
		drops[i].count = rows_count(&rows, i);
		*count += 1;
	}
	rows_free(&rows);
	return drops;
}

static const char *name_or(const char *name, const char *otherwise)
{
	return name ? name : otherwise;
}

static int print_json(const struct kernel *k, const struct drop *drops, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		struct name_text network = name_of_network(k->table[SL_TABLE_sl_name], drops[i].key.network);

		json_array_append_new(list,
				      json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:o*}", "network",
						network.text, "network_id", drops[i].key.network, "reason",
						name_or(reason_name(drops[i].key.reason), "unknown"),
						"outcome", outcome_name(drops[i].key.outcome), "text",
						name_or(reason_text(drops[i].key.reason), ""), "packets",
						(json_int_t)drops[i].count.packets, "bytes",
						(json_int_t)drops[i].count.bytes, "last_offender",
						offender_json(k, drops[i].key.reason)));
	}
	return show_json(list);
}

static int print_table(const struct kernel *k, const struct drop *drops, size_t count)
{
	static const char *const heads[] = {
		"NETWORK", "REASON", "OUTCOME", ">PACKETS", ">BYTES", "MEANING"
	};
	struct table table;
	int code;

	table_head(&table, heads, 6);
	for (size_t i = 0; i < count; i++) {
		table_cell(&table, "%s",
			   name_of_network(k->table[SL_TABLE_sl_name], drops[i].key.network).text);
		table_cell(&table, "%s", name_or(reason_name(drops[i].key.reason), "unknown"));
		table_cell(&table, "%s", outcome_name(drops[i].key.outcome));
		table_cell(&table, "%llu", (unsigned long long)drops[i].count.packets);
		table_cell(&table, "%llu", (unsigned long long)drops[i].count.bytes);
		table_cell(&table, "%s", name_or(reason_text(drops[i].key.reason), ""));
	}
	code = table_print(&table) ? EXIT_DONE : EXIT_REFUSED;
	table_free(&table);
	return code;
}

/* Leaves only what `now` has more than `before`. */
static size_t subtract(struct drop *now, size_t count, const struct drop *before, size_t before_count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct drop more = now[i];

		for (size_t j = 0; j < before_count; j++) {
			if (memcmp(&before[j].key, &more.key, sizeof(more.key)))
				continue;
			more.count.packets -= before[j].count.packets;
			more.count.bytes -= before[j].count.bytes;
		}
		if (more.count.packets)
			now[kept++] = more;
	}
	return kept;
}

static int watch(const struct kernel *k, uint32_t cpus, struct trouble *t)
{
	struct drop *before = NULL;
	size_t before_count = 0;
	int code = EXIT_DONE;

	while (code == EXIT_DONE) {
		size_t count, more;
		struct drop *now = read_drops(k, cpus, &count, t);
		struct drop *added = calloc(count + 1, sizeof(*added));

		if (!now || !added) {
			free(now);
			free(added);
			free(before);
			return show_failed(t);
		}
		memcpy(added, now, count * sizeof(*added));
		more = before ? subtract(added, count, before, before_count) : count;
		qsort(added, more, sizeof(*added), drop_order);
		if (more || !before)
			code = print_table(k, added, more);
		free(added);
		free(before);
		before = now;
		before_count = count;
		sleep(1);
	}
	free(before);
	return code;
}

int cmd_show_drops(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
						 { "watch", no_argument, NULL, 'w' },
						 { 0 } };
	bool json = false, again = false;
	struct trouble t = { "" };
	struct drop *drops;
	struct kernel k;
	uint32_t cpus;
	size_t count;
	int option;
	int code;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'j')
			json = true;
		else if (option == 'w')
			again = true;
		else
			return cli_usage("show", "drops: unknown option %s", argv[optind - 1]);
	}
	if (optind < argc)
		return cli_usage("show", "drops: unexpected \"%s\"", argv[optind]);
	if (json && again)
		return cli_usage("show", "drops: --json and --watch exclude each other");
	code = show_open(&k, &cpus);
	if (code)
		return code;
	if (again) {
		code = watch(&k, cpus, &t);
		kernel_close(&k);
		return code;
	}
	drops = read_drops(&k, cpus, &count, &t);
	if (!drops) {
		code = show_failed(&t);
	} else {
		qsort(drops, count, sizeof(*drops), drop_order);
		code = json ? print_json(&k, drops, count) : print_table(&k, drops, count);
		if (code == EXIT_DONE && !json)
			code = offender_print(&k);
	}
	free(drops);
	kernel_close(&k);
	return code;
}
