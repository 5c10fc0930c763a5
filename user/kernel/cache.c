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
	uint64_t most = lines > SL_LINES ? (uint64_t)SL_LINE_SETS * SL_LINE_WAYS : SL_LINES_MOST, sets = 1;

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

static int answered(int program, const struct sl_flush *flush, uint32_t *answer, struct trouble *t)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = flush, .data_size_in = sizeof(*flush), .repeat = 1);
	int error = bpf_prog_test_run_opts(program, &run);

	*answer = run.retval;
	return error ? trouble(t, error, "cannot run sl_flush: %s", strerror(-error)) : 0;
}

/* 1: there is more to be done. */
static int order(int program, const struct sl_flush *flush, struct trouble *t)
{
	uint32_t answer;
	int error = answered(program, flush, &answer, t);

	return error ? error : answer == 1;
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

static int read_stat(int stat, uint32_t id, uint64_t *of_cpus, uint32_t cpus, struct trouble *t)
{
	if (!bpf_map_lookup_elem(stat, &id, of_cpus))
		return 0;
	if (errno != ENOENT)
		return trouble(t, -errno, "cannot read sl_stat: %s", strerror(errno));
	memset(of_cpus, 0, cpus * sizeof(*of_cpus)); /* programs of before do not count it */
	return 0;
}

static uint64_t sum_of(const uint64_t *of_cpus, uint32_t cpus)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		sum += of_cpus[cpu];
	return sum;
}

/* Of other tables than before nothing can be said. */
static uint64_t more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* In the second that has passed; at first it is not known when that began. */
static int see_yield(struct cache_seen *seen, int stat, uint32_t cpus, bool first, struct trouble *t)
{
	uint64_t packets, *missed = seen->missed;
	int error = read_stat(stat, SL_STAT_LINE_PACKETS, seen->other, cpus, t);

	if (error)
		return error;
	packets = sum_of(seen->other, cpus);
	error = read_stat(stat, SL_STAT_LINES_MISSED, seen->other, cpus, t);
	if (error)
		return error;
	seen->yield = (struct cache_yield){ .packets = more(packets, seen->packets) };
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		uint64_t here = more(seen->other[cpu], missed[cpu]);

		seen->yield.missed += here;
		if (here > seen->yield.most)
			seen->yield.most = here;
		missed[cpu] = seen->other[cpu];
	}
	seen->packets = packets;
	if (first)
		seen->yield = (struct cache_yield){ 0 };
	return 0;
}

int cache_seen(struct cache_seen *seen, int stat, uint32_t cpus, struct trouble *t)
{
	bool first = !seen->now;
	int error;

	if (first) {
		seen->now = calloc(cpus, sizeof(*seen->now));
		seen->before = calloc(cpus, sizeof(*seen->before));
		seen->missed = calloc(cpus, sizeof(*seen->missed));
		seen->other = calloc(cpus, sizeof(*seen->other));
		seen->passes = calloc(cpus, sizeof(*seen->passes));
		if (!seen->now || !seen->before || !seen->missed || !seen->other || !seen->passes) {
			cache_seen_free(seen);
			return trouble(t, -ENOMEM, "out of memory for counting lines");
		}
		memset(seen->passes, SEEN_PASSES, cpus); /* what an agent before this one has left */
	}
	error = read_stat(stat, SL_STAT_LINES_FILLED, seen->now, cpus, t);
	if (error)
		return error;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		if (seen->now[cpu] != seen->before[cpu])
			seen->passes[cpu] = SEEN_PASSES;
		else if (seen->passes[cpu])
			seen->passes[cpu]--;
		seen->before[cpu] = seen->now[cpu];
	}
	return see_yield(seen, stat, cpus, first, t);
}

uint32_t cache_aside(uint32_t aside, uint32_t lines, struct cache_yield yield)
{
	/* As many would miss if nobody stood aside. */
	bool crowded = yield.most * (aside + 1) > lines / 4;

	if (!crowded || yield.packets > yield.missed)
		return aside >> 1;
	if (yield.packets < yield.missed / 2 && aside < SL_LINE_ASIDE_MOST)
		return aside << 1 | 1;
	return aside;
}

uint32_t cache_sixteenths(uint32_t sets)
{
	return 16 - 16 / ((sets >> SL_LINE_ASIDE_SHIFT) + 1);
}

static int stand_aside(int program, uint32_t aside, struct trouble *t)
{
	struct sl_flush flush = { .what = SL_FLUSH_ASIDE, .sets = aside };

	return order(program, &flush, t);
}

int cache_rejoin(int program, struct trouble *t)
{
	return stand_aside(program, 0, t);
}

int cache_balance(int program, const struct cache_seen *seen, uint32_t *sixteenths, struct trouble *t)
{
	const struct sl_flush tell = { .what = SL_FLUSH_TELL };
	uint32_t sets, before, aside;
	int error = answered(program, &tell, &sets, t);

	if (error)
		return error;
	before = sets >> SL_LINE_ASIDE_SHIFT;
	/* With one set nobody need stand aside; and nothing else do programs of before answer. */
	aside = sets < 2 ? 0 : cache_aside(before, (sets & SL_LINE_SETS) * SL_LINE_WAYS, seen->yield);
	*sixteenths = cache_sixteenths(aside << SL_LINE_ASIDE_SHIFT);
	return aside == before ? 0 : stand_aside(program, aside, t);
}

void cache_seen_free(struct cache_seen *seen)
{
	free(seen->now);
	free(seen->before);
	free(seen->missed);
	free(seen->other);
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
