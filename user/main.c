/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice, one binary: finds the command and hands over. What a command does is in cli/NAME.c.
 */
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "agent/state.h"
#include "kernel/kernel.h"

#define LARGE_BLOCK (1 << 20)

const struct command commands[] = {
	{ "up", cmd_up, help_up },
	{ "apply", cmd_apply, help_apply },
	{ "down", cmd_down, help_down },
	{ "check", cmd_check, help_check },
	{ "state", cmd_state, help_state },
	{ "status", cmd_status, help_status },
	{ "show", cmd_show, help_show },
	{ "run", cmd_run, help_run },
	{ "version", cmd_version, help_version },
	{ "help", cmd_help, help_help },
	{ NULL, NULL, NULL },
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static const char *from_environment(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value && *value ? value : otherwise;
}

const char *cli_pins(void)
{
	return from_environment("SLUICE_PINS", SLUICE_PINS);
}

const char *cli_state(void)
{
	return from_environment("SLUICE_STATE", SLUICE_STATE);
}

int cli_usage(const char *command, const char *format, ...)
{
	va_list args;

	fputs("sluice: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; \"sluice help%s%s\" says how\n", command ? " " : "", command ? command : "");
	return EXIT_USAGE;
}

/*
 * Every fresh page of memory is a trip into the kernel, in a virtual machine perhaps into the host's as well: 100,000
 * workloads take twice as many of them if what is freed on the way is given back. So it is kept for what comes next, in
 * one heap for all threads. But an agent stays and has to give back what a plan once took; freed blocks of megabytes would
 * teach it to keep more of them.
 */
static void choose_memory(bool stays)
{
	if (stays) {
		mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
		return;
	}
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_ARENA_MAX, 1);
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2)
		return cli_usage(NULL, "no command");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		return cmd_help(1, argv + 1);
	if (!strcmp(argv[1], "--version"))
		return cmd_version(1, argv + 1);
	command = command_find(argv[1]);
	if (!command)
		return cli_usage(NULL, "there is no command \"%s\"", argv[1]);
	choose_memory(command->run == cmd_run);
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
			fputs(command->help, stdout);
			return EXIT_DONE;
		}
	return command->run(argc - 1, argv + 1);
}
