/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the exporter is given: read-only descriptors of the tables it prints, and nothing else. The kernel
 * refuses a write through them whatever the process tries.
 */
#ifndef SLUICE_FEED_H
#define SLUICE_FEED_H
#include <stdint.h>
#include "../kernel/kernel.h"

/* Without their prefix sl_. Those of the plan are of the generation that was active when they were opened. */
#define FEED_LIST(X)                                                                                         \
	X(active)                                                                                            \
	X(traffic)                                                                                           \
	X(drop)                                                                                              \
	X(stat)                                                                                              \
	X(gauge)                                                                                             \
	X(name)                                                                                              \
	X(door)                                                                                              \
	X(fill)                                                                                              \
	X(served)                                                                                            \
	X(unserved)                                                                                          \
	X(serving)                                                                                           \
	X(eip_use)                                                                                           \
	X(eip_count)                                                                                         \
	X(qos)                                                                                               \
	X(qos_delay)                                                                                         \
	X(rtt)                                                                                               \
	X(offender)                                                                                          \
	X(setting)                                                                                           \
	X(iface)                                                                                             \
	X(class)                                                                                             \
	X(rate)                                                                                              \
	X(slo)

enum feed_table {
#define FEED_NUMBER(table) FEED_##table,
	FEED_LIST(FEED_NUMBER)
#undef FEED_NUMBER
		FEED_TABLES
};

struct feed {
	int fd[FEED_TABLES]; /* -1: of the plan, and none is in */
	uint32_t cpus; /* possible CPUs: the exporter cannot read /sys */
};

int feed_open(struct feed *feed, const char *pins, struct trouble *t);
void feed_close(struct feed *feed);
/* From one process to another by a Unix socket; `socket` must not block. */
int feed_send(const struct feed *feed, int socket);
/* 0: `feed` has been replaced; -ECONNRESET: the other side is gone. */
int feed_receive(struct feed *feed, int socket);

#endif
