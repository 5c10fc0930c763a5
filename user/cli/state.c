/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `sluice state`: into which state of the plan this node goes, or which one it is in. An order is carried out as an
 * `apply` is; what is special about it is in agent/change.c.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../agent/force.h"
#include "../agent/journal.h"
#include "../kernel/names.h"
#include "cli.h"
#include "show.h"
#include "table.h"

#define ENTRIES 10

const char help_state[] =
	"Goes to another state of the plan, or says which one this node is in.\n"
	"\n"
	"usage: sluice state NAME --fence N [--plan FILE|DIR] [--node NAME]\n"
	"       sluice state [--json]\n"
	"\n"
	"  NAME              a state of the plan: \"normal\", or one that its \"states\" has\n"
	"  --fence N         a number greater than that of every order before, or the order is refused:\n"
	"                    who does not know of the last one must not undo it\n"
	"  --plan FILE|DIR   this plan; without it the last good one\n"
	"  --node NAME       this node's name in the plan; default: as it was applied last\n"
	"  --json            for programs; fences are text, they may be too great for JSON's numbers\n"
	"\n"
	"All of the plan in that state in one step, or nothing: then the fence is not used up either.\n"
	"Connections that both states allow go on. Later \"apply\", \"up\" and boots keep the state; a plan "
	"that\n"
	"does not have it is refused. On a node that is down the state is kept for the next \"up\".\n"
	"Without NAME: the state, its fence, since when and by whom, and the last orders.\n";

/* The state of the plan that runs; empty: none does, or it cannot be asked. */
static struct name_text running(void)
{
	struct name_text out = { "" };
	struct trouble unused;
	struct kernel k;

	if (!kernel_present(cli_pins()) || kernel_open(&k, cli_pins(), true, &unused))
		return out;
	out = name_of_state(k.table[SL_TABLE_sl_name], k.generation);
	kernel_close(&k);
	return out;
}

static int print_json(const struct fence *fence, const char *in_force, json_t *journal)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, fence->number);
	return show_json(json_pack(
		"{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:b, s:o}", "state", fence->state, "running",
		*in_force ? in_force : NULL, "fence", fence->used ? number : NULL, "since",
		*fence->sign.time ? fence->sign.time : NULL, "who", *fence->sign.who ? fence->sign.who : NULL,
		"before", fence->used ? fence->before : NULL, "whole", (int)fence->whole, "journal",
		journal));
}

static const char *text_in(const json_t *entry, const char *key)
{
	const char *text = json_string_value(json_object_get(entry, key));

	return text ? text : "-";
}

static bool print_journal(const json_t *journal)
{
	static const char *const heads[] = { "TIME",   "WHO",  "FROM",	      "TO",
					     ">FENCE", "PLAN", ">GENERATION", "OUTCOME" };
	struct table table;
	bool good;

	table_head(&table, heads, 8);
	for (size_t i = 0; i < json_array_size(journal); i++) {
		const json_t *entry = json_array_get(journal, i), *why = json_object_get(entry, "reason");

		table_cell(&table, "%s", text_in(entry, "time"));
		table_cell(&table, "%s", text_in(entry, "who"));
		table_cell(&table, "%s", text_in(entry, "from"));
		table_cell(&table, "%s", text_in(entry, "to"));
		table_cell(&table, "%s", text_in(entry, "fence"));
		table_cell(&table, "%s", text_in(entry, "plan"));
		table_cell(&table, "%lld",
			   (long long)json_integer_value(json_object_get(entry, "generation")));
		table_cell(&table, "%s%s%s", text_in(entry, "outcome"), why ? ": " : "",
			   why ? text_in(entry, "reason") : "");
	}
	good = table_print(&table);
	table_free(&table);
	return good;
}

static int print_text(const struct fence *fence, const char *in_force, const json_t *journal)
{
	printf("state       %s\n", fence->state);
	if (fence->used) {
		printf("fence       %" PRIu64 "\n", fence->number);
		printf("since       %s, by %s; before: %s\n", *fence->sign.time ? fence->sign.time : "-",
		       *fence->sign.who ? fence->sign.who : "-", fence->before);
	} else {
		printf("fence       none was used on this node\n");
	}
	if (!*in_force)
		printf("running     nothing: sluice is not up on this node\n");
	else if (strcmp(in_force, fence->state) != 0)
		printf("running     %s: \"sluice apply\" goes on to %s\n", in_force, fence->state);
	else if (!fence->whole)
		printf("running     %s, but not all was recorded: \"sluice apply\" completes it\n", in_force);
	if (!json_array_size(journal))
		return EXIT_DONE;
	printf("\n");
	return print_journal(journal) ? EXIT_DONE : EXIT_REFUSED;
}

static int show_state(bool json)
{
	struct name_text in_force = running();
	json_t *journal = NULL;
	struct fence fence;
	struct trouble t;
	int code;

	if (!fence_read(cli_state(), &fence, &t))
		journal = journal_read(cli_state(), ENTRIES, &t);
	if (!journal)
		return show_failed(&t);
	if (json)
		return print_json(&fence, in_force.text, journal);
	code = print_text(&fence, in_force.text, journal);
	json_decref(journal);
	return code;
}

int cmd_state(int argc, char **argv)
{
	static const struct option options[] = { { "fence", required_argument, NULL, 'f' },
						 { "plan", required_argument, NULL, 'p' },
						 { "node", required_argument, NULL, 'n' },
						 { "json", no_argument, NULL, 'j' },
						 { 0 } };
	struct order order = { .pins = cli_pins(), .state = cli_state() };
	bool json = false, fence = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'p')
			order.plan = optarg;
		else if (option == 'n')
			order.node = optarg;
		else if (option == 'j')
			json = true;
		else if (option == 'f' && fence_number(optarg, &order.fence))
			fence = true;
		else if (option == 'f')
			return cli_usage("state", "--fence %s: expected a number from 0 to %" PRIu64, optarg,
					 UINT64_MAX);
		else if (option == ':')
			return cli_usage("state", "\"%s\" needs a value", argv[optind - 1]);
		else
			return cli_usage("state", "state does not know \"%s\"", argv[optind - 1]);
	}
	if (optind + 1 < argc)
		return cli_usage("state", "one state at a time, not \"%s\"", argv[optind + 1]);
	if (optind == argc && (fence || order.plan || order.node))
		return cli_usage("state", "which state? expected sluice state NAME --fence N");
	if (optind == argc)
		return show_state(json);
	if (!fence)
		return cli_usage("state", "expected a fence: sluice state %s --fence N", argv[optind]);
	if (json)
		return cli_usage("state", "--json is for \"sluice state\" without a name");
	order.to = argv[optind];
	return order_force(&order);
}
