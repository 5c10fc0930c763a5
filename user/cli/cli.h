/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands. Each lives in a file of its own, NAME.c, with its help text beside it: cmd_NAME() gets
 * argv[0] = NAME and returns the exit code; help_NAME is what `sluice help NAME` prints. The one table of
 * them is in main.c. A command never calls exit().
 */
#ifndef SLUICE_CLI_H
#define SLUICE_CLI_H
#include <stdbool.h>
#include <stddef.h>

#define EXIT_DONE 0
#define EXIT_REFUSED 1 /* refused or failed; one line on stderr says why */
#define EXIT_USAGE 2

int cmd_up(int argc, char **argv);
int cmd_down(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_state(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* The first line of a help text says what the command does, in one sentence; then usage and options. */
extern const char help_up[];
extern const char help_down[];
extern const char help_apply[];
extern const char help_check[];
extern const char help_state[];
extern const char help_status[];
extern const char help_show[];
extern const char help_run[];
extern const char help_version[];
extern const char help_help[];

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};
/* Ends with a row without a name. */
extern const struct command commands[];
const struct command *command_find(const char *name);

/* Where things are: the environment variable if it is set, else the default. */
const char *cli_pins(void); /* SLUICE_PINS */
const char *cli_state(void); /* SLUICE_STATE */
/* "sluice: TEXT" and "sluice help NAME says how" on stderr; returns EXIT_USAGE. */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
