/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `sluice show` can show. cmd_show_NAME() gets argv[0] = NAME.
 */
#ifndef SLUICE_SHOW_H
#define SLUICE_SHOW_H
#include <jansson.h>
#include "../kernel/kernel.h"

int cmd_show_networks(int argc, char **argv);
int cmd_show_drops(int argc, char **argv);
int cmd_show_flows(int argc, char **argv);
int cmd_show_policy(int argc, char **argv);
int cmd_show_eips(int argc, char **argv);
int cmd_show_services(int argc, char **argv);
int cmd_show_qos(int argc, char **argv);
int cmd_show_wan(int argc, char **argv);

/* Opens the dataplane for reading; EXIT_REFUSED after saying why, else EXIT_DONE. */
int show_open(struct kernel *k, uint32_t *cpus);
/* Prints and drops the object; exit code. */
int show_json(json_t *object);
/* Says it on stderr; EXIT_REFUSED. */
int show_failed(const struct trouble *t);

#endif
