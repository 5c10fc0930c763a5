/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hears of interfaces and qdiscs that come, go or change. Only says that something happened: what is there is read
 * afresh by links_read(), so a lost message costs nothing but the question.
 */
#ifndef SLUICE_WATCH_H
#define SLUICE_WATCH_H
#include <stdbool.h>
#include "../kernel/kernel.h"

struct mnl_socket;

struct watch {
	struct mnl_socket *links;
	struct mnl_socket *features; /* what becomes of frames from XDP; NULL: this kernel does not say */
	int fd[2]; /* of both; -1: there is none */
};

int watch_open(struct watch *watch, struct trouble *t);
/*
 * Reads what is there. `changed`: an interface may be another than before. `gone`: one was deleted; its
 * doors went with it even if a new one has its name and number.
 */
int watch_read(struct watch *watch, bool *changed, bool *gone, struct trouble *t);
void watch_close(struct watch *watch);

#endif
