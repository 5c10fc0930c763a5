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
/* On which CPUs lines have been filled of late: nobody else need be disturbed. All 0 at first. */
struct cache_seen {
	uint64_t *now, *before; /* lines filled */
	uint8_t *passes; /* to be made over what has been filled before */
};
/* To be called once a second. */
int cache_seen(struct cache_seen *seen, int stat, uint32_t cpus, struct trouble *t);
void cache_seen_free(struct cache_seen *seen);

/*
 * Counts what lines of all CPUs hold, or of those that `seen` says: SL_FLUSH_OLD or SL_FLUSH_ALL. Goes to each CPU and
 * comes back. Those that this
 * process may not run on are left out, and their number is in `missed`: their lines are counted when filled again.
 */
int cache_flush(int program, uint32_t what, uint32_t cpus, const struct cache_seen *seen, uint32_t *missed,
		struct trouble *t);

#endif
