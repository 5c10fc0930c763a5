/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exporter as the agent sees it: a child process without any right, given descriptors and a listening
 * socket. The agent never waits for it and shares no memory with it.
 */
#ifndef SLUICE_EXPORTER_H
#define SLUICE_EXPORTER_H
#include <sys/types.h>
#include "feed.h"

#define EXPORTER_LISTEN "127.0.0.1:9477"

struct exporter {
	pid_t pid; /* of the keeper; 0: not running */
	int leash; /* the exporter ends when this is closed; tables come by it */
};

/* ADDRESS:PORT or [ADDRESS]:PORT; returns a listening socket. */
int exporter_listen(const char *where, struct trouble *t);
/* Forks the keeper, which gives its rights away and keeps one server process running. */
int exporter_start(struct exporter *exporter, const struct feed *feed, int listener, struct trouble *t);
/* Gives the one that runs other tables: it goes on with them. */
int exporter_feed(const struct exporter *exporter, const struct feed *feed, struct trouble *t);
void exporter_stop(struct exporter *exporter);

#endif
