/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mark says something about a prefix of a VPC's addresses: a network begins here, a set holds these,
 * this is a workload. All of a VPC's marks, sorted, are what space.c walks over.
 */
#ifndef SLUICE_MARKS_H
#define SLUICE_MARKS_H
#include "compile.h"

/* In the order in which marks of one address are read; of the last five the last one owns the address. */
enum mark_kind {
	MARK_ROOT, /* the /0 that every VPC has */
	MARK_FOREIGN, /* pods or services of another cluster, other: that cluster */
	MARK_NETWORK, /* index: network, other: cluster */
	MARK_SET, /* index: set */
	MARK_BROADCAST,
	MARK_GATEWAY,
	MARK_WORKLOAD, /* index: workload */
	MARK_NODE, /* index: place in c->nodes */
	MARK_HOST, /* this node, likewise */
};

struct mark {
	uint32_t vpc; /* index */
	uint32_t addr;
	uint32_t index;
	uint16_t other;
	uint8_t len;
	uint8_t kind;
};

/* Every mark of the plan, by (vpc, address, length, kind, index). */
bool marks_collect(struct compile *c, struct list *marks);

#endif
