/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `sluice version`.
 */
#include <stdio.h>
#include "../../maps/tables.h"
#include "cli.h"

const char help_version[] = "Prints the version of sluice and of the layout of its tables.\n"
			    "\n"
			    "usage: sluice version\n"
			    "\n"
			    "A program takes over running tables only of its own layout.\n";

int cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return cli_usage("version", "version takes no argument");
	printf("sluice %s (table layout %d)\n", SLUICE_VERSION, SL_LAYOUT);
	return EXIT_DONE;
}
