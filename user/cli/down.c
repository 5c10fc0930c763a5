/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `sluice down`: the node as it was before `up`.
 */
#include <getopt.h>
#include <stdio.h>
#include "cli.h"
#include "../agent/state.h"

const char help_down[] =
	"Takes sluice off this node: every program, link, filter, table and pin; flows are forgotten.\n"
	"\n"
	"usage: sluice down [--forget]\n"
	"\n"
	"  --forget   also remove the last good plan from the state directory\n"
	"\n"
	"A clsact qdisc that sluice has made goes, unless others use it by now. Promiscuous mode, receive\n"
	"VLAN offload and the qdiscs of uplinks are put back where sluice had changed them, the latter\n"
	"also where all else of it has gone. Networks are not isolated any more. Nothing to do is no error.\n"
	"Also for tables of another version's layout.\n";

int cmd_down(int argc, char **argv)
{
	static const struct option options[] = { { "forget", no_argument, NULL, 'f' }, { 0 } };
	const char *pins = cli_pins();
	struct notes notes = { 0 };
	struct trouble t;
	bool forget = false, found;
	int option, error;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'f')
			return cli_usage("down", "down does not know \"%s\"", argv[optind - 1]);
		forget = true;
	}
	if (optind < argc)
		return cli_usage("down", "down takes no argument \"%s\"", argv[optind]);

	error = kernel_unload(pins, &notes, &found, &t);
	if (!error && !found)
		printf("nothing to do: sluice is not up on this node (nothing at %s)\n", pins);
	for (size_t i = 0; i < notes.count; i++)
		fprintf(stderr, "note: %s\n", notes.line[i]);
	notes_free(&notes);
	if (!error && forget)
		error = state_forget(cli_state(), &t);
	if (error) {
		fprintf(stderr, "sluice: %s\n", t.text);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}
