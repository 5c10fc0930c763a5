/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One run of the benchmark: the bench of the packet tests with tables of full size, the wrapper around the measured
 * programs, and what is kept between runs.
 */
#ifndef BENCH_COURSE_H
#define BENCH_COURSE_H
#include <stdio.h>
#include "../../user/kernel/cache.h"
#include "ways.h"
#include "wrap.h"
#include "bench/wrap.skel.h" /* knows the types above by name only */

#define RUNS_MOST 101
#define QUIETS 8

struct course {
	struct bench bench;
	struct wrap_bpf *wrap;
	struct wrap_turn *turns; /* the map's memory */
	struct wrap_turn *flows; /* a record of each flow of the leg that is set */
	uint32_t *order; /* flows as packets come */
	uint32_t order_len; /* a power of two */
	uint32_t most; /* flows that there may be */
	const char *plan; /* what it is called */
	uint32_t runs;
	uint32_t packets; /* of a run */
	double kernel_ns; /* a packet of the last test run, by the kernel's own clock: whole ones, of many packets */
	/* ns, by XDP, many turns, one by one: what this machine can do when quiet */
	double best_empty[QUIETS];
	bool door_only;
	bool small; /* tables of what is not established: most of a short run is to empty them */
	struct frame frame; /* the one that test runs are given */
	struct cache_seen seen; /* what an agent would know */
	double next; /* second of its, by the clock */
	uint64_t left,
		judged; /* packets given to XDP that leaves some to TC, in this second; all judged until it began */
	uint32_t sixteenths, steady; /* of the flows that stand aside; seconds for which that has been so */
};

/* What all counters that packets move have counted. */
struct counts {
	uint64_t outcome[SL_MONITORED + 1];
	uint64_t reason[SL_REASONS];
	uint64_t stat[SL_STATS];
};

struct sample {
	double median, least, most; /* ns a packet */
	uint32_t runs;
};

bool course_open(struct course *c, const char *folder, uint32_t flows, char *why, size_t room);
void course_close(struct course *c);
/* What the empty program takes on this machine when it is quiet, from one process to the next. */
void course_recall(struct course *c, const char *path);
void course_keep(const struct course *c, const char *path);

/* order.c: in what order flows take turns. */
enum traffic { UNIFORM, ZIPF };
bool order_make(struct course *c, uint32_t flows, enum traffic traffic);

/* turns.c: gives the wrapper the packets of a leg. `first`: number of the flow that the order calls 0. */
bool turns_set(struct course *c, const struct way *way, const struct leg *leg, bool back, uint8_t tcp_flags,
	       uint32_t first, uint32_t flows);

/* run.c: `program` around which the wrapper is put, so often; ns it took of this thread's time. */
bool run_many(struct course *c, const struct leg *leg, int program, uint32_t packets, int *retval,
	      double *ns);
/* The same one by one, as the kernel measures each. */
bool run_single(struct course *c, const struct leg *leg, int program, uint32_t packets, int *retval,
		double *ns);
struct sample sample_of(double *ns, uint32_t count);

/* tables.c */
bool counts_read(struct course *c, struct counts *counts);
/* XDP judges no packet of this path that TC has a line for. */
bool tables_left_to_tc(const struct course *c, const struct path *path);
/* Says what has moved otherwise than it should. */
bool counts_moved(struct course *c, const struct path *path, const struct counts *before, uint32_t packets);
uint64_t tables_flow_packets(struct course *c, uint64_t *flows);
bool tables_empty(struct course *c, enum sl_table_id table);
bool tables_empty_state(struct course *c);
/* Nor are there places of any: a line that is only void is still known to be somebody's. */
bool tables_no_lines(struct course *c);

/* open.c: flows of a way, by packets through the doors. */
bool flows_open(struct course *c, const struct way *way, uint32_t flows);

/* lines.c: every flow of the way has a line that outlives all runs. All lines are void after bench_void_lines(). */
bool lines_make(struct course *c, const struct way *way, uint32_t flows);
/* Are there enough of them for all flows? */
bool lines_enough(const struct course *c, uint32_t flows);

/* balance.c: what an agent does each second for flows that crowd the cache. */
bool balance_begin(struct course *c, uint32_t flows);
/* If a second has passed. */
bool balance_tick(struct course *c);
/* Has it come to rest? */
bool balance_steady(const struct course *c);

/* measure.c */
bool measure(struct course *c, const struct path *path, uint32_t flows, enum traffic traffic, FILE *out);
bool measure_wrapper(struct course *c, FILE *out);

#endif
