/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines belong to their CPU: sl_flush runs there, by this thread going there.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cache.h"
#include "object.h"
#include "pins.h"

/* A line expires a second after it was filled, and is looked at once a second: until then, and once more. */
#define SEEN_PASSES 3

uint32_t cache_rows(uint32_t lines, uint32_t cpus)
{
	/* Machines announce more processors than they have; who wants more than the usual has counted them. */
	uint64_t most = lines > SL_LINES ? UINT32_MAX : SL_LINES_MOST, sets = 1;

	while (sets * 2 * SL_LINE_WAYS <= lines && sets * 2 * SL_LINE_WAYS * cpus <= most)
		sets *= 2;
	return (uint32_t)(sets * cpus);
}

/* The kernel's clock that moves by jiffies says how long one is. */
static uint32_t jiffies_per_s(void)
{
	struct timespec one;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &one) || one.tv_sec || one.tv_nsec < 100000)
		return 100;
	return (uint32_t)(1000000000L / one.tv_nsec);
}

/* 1: there is more to be done. */
static int order(int program, const struct sl_flush *flush, struct trouble *t)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = flush, .data_size_in = sizeof(*flush), .repeat = 1);
	int error = bpf_prog_test_run_opts(program, &run);

	return error ? trouble(t, error, "cannot run sl_flush: %s", strerror(-error)) : run.retval == 1;
}

int cache_open(const char *pins, struct trouble *t)
{
	struct path path = pin_path(pins, "progs", program_names[SL_FLUSH]);
	int fd = bpf_obj_get(path.text);

	return fd < 0 ? trouble(t, -errno, "cannot open %s: %s", path.text, strerror(errno)) : fd;
}

int cache_start(const struct kernel *k, bool on, struct trouble *t)
{
	struct sl_flush flush = { .what = SL_FLUSH_SIZE, .second = jiffies_per_s() };
	int cpus = libbpf_num_possible_cpus(), program, error = 0;
	uint32_t missed;

	if (cpus < 1)
		return trouble(t, cpus, "cannot count the processors: %s", strerror(-cpus));
	program = cache_open(k->pins, t);
	if (program < 0)
		return program;
	if (on)
		flush.sets = kernel_room(k, SL_TABLE_sl_line) / (uint32_t)cpus;
	else
		error = cache_flush(program, SL_FLUSH_ALL, (uint32_t)cpus, NULL, &missed, t);
	if (!error)
		error = order(program, &flush, t);
	close(program);
	return error;
}

static bool cpu_offline(uint32_t cpu)
{
	char path[64], state = '1';
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	file = fopen(path, "re");
	if (!file) /* what cannot be taken away has no such file */
		return false;
	if (fread(&state, 1, 1, file) != 1)
		state = '1';
	fclose(file);
	return state == '0';
}

int cache_seen(struct cache_seen *seen, int stat, uint32_t cpus, struct trouble *t)
{
	const uint32_t filled = SL_STAT_LINES_FILLED;

	if (!seen->now) {
		seen->now = calloc(cpus, sizeof(*seen->now));
		seen->before = calloc(cpus, sizeof(*seen->before));
		seen->passes = calloc(cpus, sizeof(*seen->passes));
		if (!seen->now || !seen->before || !seen->passes) {
			cache_seen_free(seen);
			return trouble(t, -ENOMEM, "out of memory for counting lines");
		}
		memset(seen->passes, SEEN_PASSES, cpus); /* what an agent before this one has left */
	}
	if (bpf_map_lookup_elem(stat, &filled, seen->now))
		return trouble(t, -errno, "cannot read sl_stat: %s", strerror(errno));
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		if (seen->now[cpu] != seen->before[cpu])
			seen->passes[cpu] = SEEN_PASSES;
		else if (seen->passes[cpu])
			seen->passes[cpu]--;
		seen->before[cpu] = seen->now[cpu];
	}
	return 0;
}

void cache_seen_free(struct cache_seen *seen)
{
	free(seen->now);
	free(seen->before);
	free(seen->passes);
	memset(seen, 0, sizeof(*seen));
}

static int flush_cpu(int program, struct sl_flush *flush, struct trouble *t)
{
	int more;

	do {
		more = order(program, flush, t);
		flush->first += SL_FLUSH_LINES;
	} while (more == 1);
	return more;
}

int cache_flush(int program, uint32_t what, uint32_t cpus, const struct cache_seen *seen, uint32_t *missed,
		struct trouble *t)
{
	size_t size = CPU_ALLOC_SIZE(cpus < 8192 ? 8192 : cpus);
	cpu_set_t *home = calloc(1, size), *there = calloc(1, size);
	int error = 0, now = sched_getcpu();
	uint32_t here = now < 0 ? 0 : (uint32_t)now;

	*missed = 0;
	if (!home || !there) {
		error = trouble(t, -ENOMEM, "out of memory for counting lines");
		goto out;
	}
	if (sched_getaffinity(0, size, home)) {
		error = trouble(t, -errno, "cannot see on which processors to run: %s", strerror(errno));
		goto out;
	}
	for (uint32_t i = 1; !error && i <= cpus; i++) { /* to where it runs last, so as to go on there */
		uint32_t cpu = (here + i) % cpus;
		struct sl_flush flush = { .what = (uint16_t)what, .cpu = cpu };

		if (seen && !seen->passes[cpu])
			continue;
		memset(there, 0, size);
		CPU_SET_S(cpu, size, there);
		if (sched_setaffinity(0, size, there)) {
			flush.offline = cpu_offline(cpu);
			*missed += !flush.offline;
			if (!flush.offline)
				continue;
		}
		error = flush_cpu(program, &flush, t);
	}
	if (sched_setaffinity(0, size, home) && !error)
		error = trouble(t, -errno, "cannot return to the processors of before: %s", strerror(errno));
out:
	free(home);
	free(there);
	return error;
}
