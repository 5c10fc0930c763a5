/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets the benchmark up: sluice's own loader and compiler, by way of the bench of the packet tests; the wrapper with
 * sluice's flow table in place of its own; one processor.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "course.h"

#define SMALL 8192 /* rows */

static bool open_wrap(struct course *c, char *why, size_t room)
{
	c->wrap = wrap_bpf__open();
	if (!c->wrap || bpf_map__reuse_fd(c->wrap->maps.table, c->bench.kernel.table[SL_TABLE_sl_flow]) ||
	    bpf_map__reuse_fd(c->wrap->maps.unanswered, c->bench.kernel.table[SL_TABLE_sl_unanswered]) ||
	    wrap_bpf__load(c->wrap)) {
		snprintf(why, room, "cannot load the wrapper: %s", strerror(errno));
		return false;
	}
	c->turns = mmap(NULL, WRAP_TURNS * sizeof(*c->turns), PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(c->wrap->maps.turns), 0);
	if (c->turns == MAP_FAILED) {
		c->turns = NULL;
		snprintf(why, room, "cannot map the wrapper's turns: %s", strerror(errno));
		return false;
	}
	return true;
}

bool course_open(struct course *c, const char *folder, uint32_t flows, char *why, size_t room)
{
	c->most = flows > WRAP_TURNS ? flows : WRAP_TURNS;
	/* Two rows a flow, and some more: a table that is full to the brim is none that anybody runs. */
	c->bench.limits = (struct limits){ .flows = flows * 2 + flows / 4 + 4096,
					   .unanswered_flows = c->small ? SMALL : SL_UNANSWERED,
					   .bindings = c->small ? SMALL : SL_BINDINGS };
	c->flows = calloc(c->most, sizeof(*c->flows));
	c->order = calloc(WRAP_TURNS, sizeof(*c->order));
	if (!c->flows || !c->order) {
		snprintf(why, room, "no memory for the flows");
		return false;
	}
	c->bench.limits.cache_lines = SL_LINES;
	if (getenv("BENCH_CACHE_LINES"))
		c->bench.limits.cache_lines = (uint32_t)strtoul(getenv("BENCH_CACHE_LINES"), NULL, 10);
	c->bench.cached = c->bench.limits.cache_lines;
	return bench_open(&c->bench, folder, why, room) && open_wrap(c, why, room) && ways_ready(&c->bench);
}

void course_close(struct course *c)
{
	if (c->turns)
		munmap(c->turns, WRAP_TURNS * sizeof(*c->turns));
	wrap_bpf__destroy(c->wrap);
	bench_close(&c->bench);
	cache_seen_free(&c->seen);
	free(c->flows);
	free(c->order);
}

void course_recall(struct course *c, const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f)
		return; /* the first of them */
	for (int i = 0; i < QUIETS; i++)
		if (fscanf(f, "%lf", &c->best_empty[i]) != 1)
			c->best_empty[i] = 0;
	fclose(f);
}

void course_keep(const struct course *c, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return; /* the next one finds out by itself */
	for (int i = 0; i < QUIETS; i++)
		fprintf(f, "%.3f\n", c->best_empty[i]);
	fclose(f);
}
