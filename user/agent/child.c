/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pauses between starts grow, so that an exporter that cannot run costs nothing but one line a minute.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "child.h"

#define PAUSE_S 1
#define PAUSE_MOST_S 60

static time_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int child_start(struct child *child, const char *pins, uint32_t tables, struct trouble *t)
{
	struct feed feed;
	int error;

	child->due = 0;
	if (child->listener < 0 || (child->exporter.pid && child->tables == tables))
		return 0;
	error = feed_open(&feed, pins, t);
	if (!error) {
		error = child->exporter.pid ? exporter_feed(&child->exporter, &feed, t)
					    : exporter_start(&child->exporter, &feed, child->listener, t);
		feed_close(&feed);
	}
	if (!error)
		child->tables = tables;
	else
		child->due = seconds_now() + PAUSE_MOST_S;
	return error;
}

void child_follow(struct child *child, uint32_t dataplane)
{
	if (child->dataplane == dataplane)
		return;
	exporter_stop(&child->exporter);
	child->dataplane = dataplane;
}

bool child_due(const struct child *child)
{
	return child->due && seconds_now() >= child->due;
}

void child_reap(struct child *child)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		if (pid != child->exporter.pid)
			continue;
		close(child->exporter.leash);
		child->exporter.pid = 0;
		child->pause = child->pause ? child->pause * 2 : PAUSE_S;
		if (child->pause > PAUSE_MOST_S)
			child->pause = PAUSE_MOST_S;
		child->due = seconds_now() + child->pause;
		fprintf(stderr, "sluice: the exporter died, starting again in %ld s\n", (long)child->pause);
	}
}

void child_end(struct child *child)
{
	exporter_stop(&child->exporter);
	if (child->listener >= 0)
		close(child->listener);
	child->listener = -1;
}
