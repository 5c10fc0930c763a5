/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `sluice help [COMMAND]`: prints the text that lives with the command.
 */
#include <stdio.h>
#include <string.h>
#include "cli.h"

const char help_help[] = "Says what there is to do, or how one command is used.\n"
			 "\n"
			 "usage: sluice help [COMMAND]\n";

static void overview(void)
{
	puts("sluice: the packet dataplane of a cluster node\n\nusage: sluice COMMAND [OPTION...]\n");
	for (const struct command *c = commands; c->name; c++)
		printf("  %-9s %.*s\n", c->name, (int)strcspn(c->help, "\n"), c->help);
	puts("\n\"sluice help COMMAND\" says more.\n"
	     "Exit code: 0 done, 1 refused or failed, 2 wrong usage.\n"
	     "Environment: SLUICE_PINS (default /sys/fs/bpf/sluice), SLUICE_STATE (default "
	     "/var/lib/sluice),\n"
	     "SLUICE_DEBUG=1 (what the BPF libraries and the verifier say).");
}

int cmd_help(int argc, char **argv)
{
	const struct command *command;

	if (argc > 2)
		return cli_usage(NULL, "help takes one command at most");
	if (argc < 2) {
		overview();
		return EXIT_DONE;
	}
	command = command_find(argv[1]);
	if (!command)
		return cli_usage(NULL, "there is no command \"%s\"", argv[1]);
	fputs(command->help, stdout);
	return EXIT_DONE;
}
