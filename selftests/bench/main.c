/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench [-p FOLDER] [-l NAME] [-f FLOWS,...] [-t uniform,zipf] [-n RUNS] [-k PACKETS] [-c CPU] [-m PATH] [-d]
 * [-s] [-q FILE] [-o FILE]: ns a packet of every path, or of those whose name begins with PATH, with the plan in
 * FOLDER, which is called NAME; a line of JSON for each in FILE. -q: remembers what an empty program takes here at best.
 * -d: only the door, for profilers. -s: small tables, for runs of at most 2048 packets. Fails if a verdict was another
 * than it has to be. Needs root; touches nothing outside namespaces of its own.
 */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "course.h"

struct asked {
	const char *folder, *match, *traffic, *quiet;
	uint32_t flows[16];
	size_t flow_count;
	FILE *out;
};

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || !n || n > 1U << 22) {
		fprintf(stderr, "bench: %s: expected a number from 1 to 4194304\n", text);
		exit(2);
	}
	return (uint32_t)n;
}

static void read_flows(struct asked *a, char *text)
{
	a->flow_count = 0;
	for (char *one = strtok(text, ","); one && a->flow_count < 16; one = strtok(NULL, ","))
		a->flows[a->flow_count++] = number(one);
}

/* Lines belong to a processor: one that is the same from begin to end. */
static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fprintf(stderr, "bench: cannot stay on CPU %d\n", cpu);
}

static bool has_qos(const struct course *c)
{
	const struct sl_setting *setting = bench_find(c->bench.image, SL_TABLE_sl_setting, &(uint32_t){ 0 });

	return setting && setting->flags & SL_SETTING_QOS;
}

static bool is_asked(const struct course *c, const struct asked *a, const struct path *path, uint32_t flows)
{
	return (!a->match || !strncmp(path->name, a->match, strlen(a->match))) &&
	       (!path->qos || has_qos(c)) && (!path->by_line || lines_enough(c, flows));
}

static void paths_of(struct course *c, const struct asked *a, const struct way *way, uint32_t flows)
{
	static const char *const names[] = { "uniform", "zipf" };

	for (size_t i = 0; i < path_count; i++) {
		const struct path *path = &paths[i];

		if (path->way != way || !is_asked(c, a, path, flows))
			continue;
		for (int traffic = UNIFORM; traffic <= ZIPF; traffic++) {
			/* One flow has no order, and first packets come in none. */
			if (!strstr(a->traffic, names[traffic]) ||
			    (traffic == ZIPF && (flows == 1 || path->kind == FIRST)))
				continue;
			case_begin(&c->bench, "%s, %u flows, %s", path->name, flows, names[traffic]);
			if (!path->by_line || lines_make(c, way, flows))
				measure(c, path, flows, (enum traffic)traffic, a->out);
			if (path->by_line)
				bench_void_lines(&c->bench);
			case_end(&c->bench);
		}
	}
}

/* Flows are opened once for all paths of their way. */
static void all(struct course *c, const struct asked *a)
{
	for (size_t f = 0; f < a->flow_count; f++)
		for (size_t i = 0; i < path_count; i++) {
			const struct way *way = paths[i].way;
			uint32_t flows = way->most && a->flows[f] > way->most ? way->most : a->flows[f];
			bool seen = false, wanted = false, opened;

			for (size_t j = 0; j < path_count; j++) {
				seen |= j < i && paths[j].way == way;
				wanted |= paths[j].way == way && is_asked(c, a, &paths[j], flows);
			}
			if (seen || !wanted || (flows != a->flows[f] && f))
				continue;
			case_begin(&c->bench, "%u flows of %s", flows, way->name);
			opened = flows_open(c, way, flows);
			case_end(&c->bench);
			if (opened)
				paths_of(c, a, way, flows);
		}
}

int main(int argc, char **argv)
{
	struct course *c = calloc(1, sizeof(*c));
	struct asked a = { .folder = "selftests/packet",
			   .traffic = "uniform,zipf",
			   .flows = { 1, 1000 },
			   .flow_count = 2,
			   .out = stdout };
	uint32_t most = 0;
	char why[600];
	int option, cpu = sched_getcpu();
	bool good;

	if (!c)
		return 1;
	c->plan = "plain";
	c->runs = 15;
	c->packets = 1U << 17;
	while ((option = getopt(argc, argv, "p:f:t:n:k:c:m:l:o:q:ds")) != -1) {
		switch (option) {
		case 'p':
			a.folder = optarg;
			break;
		case 'f':
			read_flows(&a, optarg);
			break;
		case 't':
			a.traffic = optarg;
			break;
		case 'n':
			c->runs = number(optarg) > RUNS_MOST ? RUNS_MOST : number(optarg);
			break;
		case 'k':
			c->packets = number(optarg);
			break;
		case 'c':
			cpu = atoi(optarg);
			break;
		case 'm':
			a.match = optarg;
			break;
		case 'q':
			a.quiet = optarg;
			break;
		case 'd':
			c->door_only = true;
			break;
		case 's':
			c->small = true;
			break;
		case 'l':
			c->plan = optarg;
			break;
		case 'o':
			a.out = fopen(optarg, "w");
			if (!a.out) {
				perror(optarg);
				return 1;
			}
			break;
		default:
			return 2;
		}
	}
	pin(cpu < 0 ? 0 : cpu);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < a.flow_count; i++)
		most = a.flows[i] > most ? a.flows[i] : most;
	if (!course_open(c, a.folder, most, why, sizeof(why))) {
		printf("not ok bench: %s\n", why);
		return 1;
	}
	if (a.quiet)
		course_recall(c, a.quiet);
	if (!a.match)
		measure_wrapper(c, a.out);
	all(c, &a);
	printf("bench: %u ok, %u failed\n", c->bench.ok, c->bench.failed);
	if (a.quiet)
		course_keep(c, a.quiet);
	good = c->bench.ok && !c->bench.failed;
	if (a.out != stdout)
		fclose(a.out);
	course_close(c);
	free(c);
	return !good;
}
