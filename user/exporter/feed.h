/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the exporter is given: read-only descriptors of the tables it prints, and nothing else. The kernel
 * refuses a write through them whatever the process tries.
 */
#ifndef SLUICE_FEED_H
#define SLUICE_FEED_H
#include <stdint.h>
#include "../kernel/kernel.h"

struct feed {
	int active;
	int traffic;
	int drop;
	int stat;
	int gauge;
	int name;
	int door;
	int fill;
	int served;
	int unserved;
	int serving;
	int eip_use;
	int eip_count;
	uint32_t cpus; /* possible CPUs: the exporter cannot read /sys */
};

/* Opens the pins of `pins`/maps with BPF_F_RDONLY. */
int feed_open(struct feed *feed, const char *pins, struct trouble *t);
void feed_close(struct feed *feed);

#endif
