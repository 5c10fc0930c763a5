/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is measured: ways of packets through the node that selftests/packet/plan.json describes, with a flow's packets
 * in both directions, and the paths, each of which is one kind of packet at one door. plan.py makes the plan that
 * goes with them.
 */
#ifndef BENCH_WAYS_H
#define BENCH_WAYS_H
#include "../packet/bench.h"

struct tuple {
	uint32_t saddr, daddr; /* host byte order */
	uint16_t sport, dport;
};

/* Where a packet comes in, and as what. */
struct leg {
	enum program door; /* SL_PROGRAMS: nothing comes this way */
	uint32_t ifindex;
	const uint8_t *dmac; /* NULL: the scene knows */
	uint16_t vlan; /* 0: untagged; beside the frame in TC, in it in XDP */
	uint32_t mark;
	bool wrapped; /* by node2, for A1 */
};

/* How flows are opened: SYN there, SYN-ACK back, ACK there. */
struct way {
	const char *name;
	void (*tuple)(uint32_t flow, bool back, struct tuple *t);
	struct leg there, back;
	bool flows; /* else there are none: nothing to open */
	uint32_t most; /* flows that it can have; 0: as many as asked */
};

enum kind {
	DATA, /* of flows that are there */
	FIRST, /* each opens a flow, or would */
	ALONE, /* belongs to no flow and opens none */
};

struct path {
	const char *name;
	const struct way *way;
	const struct leg *leg; /* NULL: the way's own */
	bool back;
	enum kind kind;
	int retval;
	uint8_t counts; /* packets that sl_traffic counts for each: 0 or 1 */
	uint8_t reason; /* of a drop; else 0 */
	uint32_t stats; /* bits of SL_STAT_*: move by one with each packet */
	bool once; /* what it does to the packet cannot be undone: runs of one packet */
	bool qos; /* asks for a plan with classes */
	bool by_line; /* of a door that makes none: its flows get theirs in TC before, and keep them */
};

extern const struct path paths[];
extern const size_t path_count;

/* Rows that no packet of the benchmark brings: next hops; and ports that this node may hand out. */
bool ways_ready(struct bench *b);

#endif
