/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache of lines: how large it is, and the orders to sl_flush, which counts what lines hold.
 */
#ifndef SLUICE_CACHE_H
#define SLUICE_CACHE_H
#include "kernel.h"

/* Rows of sl_line, which are sets, for so many lines on each CPU: a power of two for each; never none. */
uint32_t cache_rows(uint32_t lines, uint32_t cpus);
/* Puts the cache into force, empty and at the size of the table there is, or turns it off. */
int cache_start(const struct kernel *k, bool on, struct trouble *t);

/* sl_flush; negative errno and a line in t if it is not there. */
int cache_open(const char *pins, struct trouble *t);
/* What lines have brought in a second. */
struct cache_yield {
	uint64_t packets; /* that they decided */
	uint64_t missed; /* that looked for one in vain */
	uint64_t most; /* of these on one CPU */
};

/* On which CPUs lines have been filled of late: nobody else need be disturbed. All 0 at first. */
struct cache_seen {
	uint64_t *now, *before; /* lines filled */
	uint8_t *passes; /* to be made over what has been filled before */
	uint64_t *missed, packets; /* until now */
	uint64_t *other; /* what is read */
	struct cache_yield yield;
};
/* To be called once a second. */
int cache_seen(struct cache_seen *seen, int stat, uint32_t cpus, struct trouble *t);
void cache_seen_free(struct cache_seen *seen);

/*
 * Which bits of its hash a flow that is to have lines lacks, from 0 to SL_LINE_ASIDE_MOST, after a second with so many of
 * them: where far more flows come by than a CPU has lines, most packets look for one in vain, which costs all of them
 * more than lines save the others.
 */
uint32_t cache_aside(uint32_t aside, uint32_t lines, struct cache_yield yield);
/* How many flows of 16 those are that stand aside, by `sets` of sl_cache. */
uint32_t cache_sixteenths(uint32_t sets);
/* Says so to the programs, where it has changed; `sixteenths` of the flows stand aside from now on. */
int cache_balance(int program, const struct cache_seen *seen, uint32_t *sixteenths, struct trouble *t);
/* Before nobody comes to see whether lines pay: nobody stands aside. */
int cache_rejoin(int program, struct trouble *t);

/*
 * Counts what lines of all CPUs hold, or of those that `seen` says: SL_FLUSH_OLD or SL_FLUSH_ALL. Goes to each CPU and
 * comes back. Those that this
 * process may not run on are left out, and their number is in `missed`: their lines are counted when filled again.
 */
int cache_flush(int program, uint32_t what, uint32_t cpus, const struct cache_seen *seen, uint32_t *missed,
		struct trouble *t);

#endif
