/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One path: runs of the door, of an empty program and of one lookup in the same table take turns, so that whatever the
 * machine does meanwhile happens to all of them. Every run's verdicts are compared with what has to come of the packets.
 */
#include <linux/pkt_cls.h>
#include <stdio.h>
#include "course.h"

#define FIRSTS 16384U /* most first packets at a time: the table of unanswered flows holds them all */
#define SINGLES 4096U /* most packets of a run, one by one, of no more flows */
#define DISTURBED 1.25 /* times the best that an empty program has taken */
#define AGAIN 3 /* times that a run is made again */

enum { DOOR, LOOKUP };

struct lane {
	const struct path *path;
	const struct leg *leg;
	uint32_t packets;
	uint32_t disturbed; /* runs that could not be had quiet */
	uint64_t sent; /* to the door */
	uint32_t turn[2]; /* where each goes on: it meets every flow, whoever has run meanwhile */
	double door[RUNS_MOST], empty[RUNS_MOST], lookup[RUNS_MOST];
	double least_door, least_empty; /* by the kernel's clock */
	bool looks_up;
};

static bool returned(struct course *c, const char *what, int retval, int wanted)
{
	return retval == wanted || fail(&c->bench, "%s returned %d instead of %d", what, retval, wanted);
}

static bool run(struct course *c, const struct lane *l, int program, int *retval, double *ns)
{
	return l->path->once ? run_single(c, l->leg, program, l->packets, retval, ns)
			     : run_many(c, l->leg, program, l->packets, retval, ns);
}

/* Flows that the first packets open, or did open in the run before, go; and what the cache knows of those dropped. */
static bool forget(struct course *c, const struct path *path)
{
	if (path->kind != FIRST)
		return true;
	if (path->reason)
		return tables_no_lines(c);
	if (!tables_empty(c, SL_TABLE_sl_unanswered))
		return false;
	return !(path->stats & STAT(BINDINGS)) ||
	       (tables_empty(c, SL_TABLE_sl_binding) && tables_empty(c, SL_TABLE_sl_outside) &&
		tables_empty(c, SL_TABLE_sl_port_word) && tables_empty(c, SL_TABLE_sl_holder));
}

static void keep_least(double *least, double ns)
{
	if (!*least || ns < *least)
		*least = ns;
}

static void sent(struct course *c, struct lane *l)
{
	l->sent += l->packets;
	l->turn[DOOR] += l->packets;
	if (tables_left_to_tc(c, l->path))
		c->left += l->packets;
}

static bool door_run(struct course *c, struct lane *l, uint32_t i)
{
	struct counts before;
	int retval;

	/* First packets are the same ones every time: they share the mappings that the ones before have made. */
	c->wrap->data_way->way.next = l->path->kind == FIRST ? 0 : l->turn[DOOR];
	if (!forget(c, l->path) || !counts_read(c, &before) ||
	    !run(c, l, c->bench.program[l->leg->door], &retval, &l->door[i]) ||
	    !returned(c, "the door", retval, l->path->retval) ||
	    !counts_moved(c, l->path, &before, l->packets))
		return false;
	keep_least(&l->least_door, c->kernel_ns);
	sent(c, l);
	return true;
}

/* Of flows that were answered before, or of those that the door has just opened, in the same order. */
static bool lookup_run(struct course *c, struct lane *l, uint32_t i)
{
	bool xdp = l->leg->door == SL_UP_XDP, first = l->path->kind == FIRST;
	struct wrap_bpf *w = c->wrap;
	const struct bpf_program *program = first ? xdp ? w->progs.lookup_new_xdp : w->progs.lookup_new_tc
					    : xdp ? w->progs.lookup_xdp
						  : w->progs.lookup_tc;
	int retval;

	w->data_way->way.missed = 0;
	w->data_way->way.next = first ? 0 : l->turn[LOOKUP];
	if (!run(c, l, bpf_program__fd(program), &retval, &l->lookup[i]) ||
	    !returned(c, "the lookup", retval, xdp ? XDP_PASS : TC_ACT_UNSPEC))
		return false;
	l->turn[LOOKUP] += l->packets;
	return !w->data_way->way.missed ||
	       fail(&c->bench, "%u lookups found nothing", w->data_way->way.missed);
}

static bool one_run(struct course *c, struct lane *l, uint32_t i)
{
	struct wrap_bpf *w = c->wrap;
	bool xdp = l->leg->door == SL_UP_XDP, first = l->path->kind == FIRST;
	int retval;

	if (!run(c, l, bpf_program__fd(xdp ? w->progs.empty_xdp : w->progs.empty_tc), &retval,
		 &l->empty[i]) ||
	    !returned(c, "the empty program", retval, xdp ? XDP_PASS : TC_ACT_UNSPEC))
		return false;
	if (l->looks_up && !first && !lookup_run(c, l, i))
		return false;
	return door_run(c, l, i) && (!l->looks_up || !first || lookup_run(c, l, i));
}

/*
 * A virtual processor whose other half is busy is half as fast for a while: the empty program, before and behind the
 * others, shows it. Such runs are made again, if that does not go on.
 */
static bool quiet_run(struct course *c, struct lane *l, uint32_t i)
{
	bool xdp = l->leg->door == SL_UP_XDP;
	double *best = &c->best_empty[xdp * 4 + (c->order_len == WRAP_TURNS) * 2 + l->path->once];
	double after, worst;
	int retval;

	if (!balance_tick(c))
		return false;
	if (c->door_only)
		return door_run(c, l, i);
	for (uint32_t tries = 0;; tries++) {
		if (!one_run(c, l, i) ||
		    !run(c, l, bpf_program__fd(xdp ? c->wrap->progs.empty_xdp : c->wrap->progs.empty_tc),
			 &retval, &after))
			return false;
		worst = after > l->empty[i] ? after : l->empty[i];
		keep_least(&l->least_empty, c->kernel_ns);
		l->empty[i] = (after + l->empty[i]) / 2;
		if (!*best || l->empty[i] < *best)
			*best = l->empty[i];
		if (worst <= *best * DISTURBED)
			return true;
		if (tries == AGAIN) {
			l->disturbed++;
			return true;
		}
	}
}

static bool all_runs(struct course *c, struct lane *l)
{
	const struct path *path = l->path;
	uint64_t rows, before = 0, after;
	double ns;
	int retval;

	if (path->kind == DATA && path->counts && !tables_left_to_tc(c, path))
		before = tables_flow_packets(c, &rows);
	/* Caches get warm, rows of counters are made, mappings that first packets share too; each flow has been met. */
	do {
		if (!forget(c, path) || !run(c, l, c->bench.program[l->leg->door], &retval, &ns) ||
		    !balance_tick(c))
			return false;
		sent(c, l);
	} while (path->kind == DATA && (l->turn[DOOR] < c->order_len || !balance_steady(c)));
	for (uint32_t i = 0; i < c->runs; i++)
		if (!quiet_run(c, l, i))
			return false;
	if (path->kind != DATA || !path->counts || tables_left_to_tc(c, path))
		return true;
	after = tables_flow_packets(c, &rows);
	return after - before == l->sent ||
	       fail(&c->bench, "flows counted %llu packets of %llu", (unsigned long long)(after - before),
		    (unsigned long long)l->sent);
}

static void print_sample(FILE *out, const char *name, struct sample s)
{
	fprintf(out, ",\"%s\":{\"median\":%.2f,\"min\":%.2f,\"max\":%.2f}", name, s.median, s.least, s.most);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The packets of a path, in their order. */
static bool line_up(struct course *c, struct lane *l, uint32_t flows, enum traffic traffic)
{
	const struct path *path = l->path;
	const struct way *way = path->way;

	l->leg = path->leg ? path->leg : path->back ? &way->back : &way->there;
	/* A dropped packet opens no flow that could be looked up. */
	l->looks_up =
		!c->door_only && path->kind != ALONE && !path->reason && !path->once && !l->leg->wrapped;
	l->packets = path->kind == FIRST ? least(c->packets, FIRSTS) : c->packets;
	/* One by one takes long, but of many flows each is to come by more than once a second. */
	if (path->once && (path->kind == FIRST || flows <= SINGLES))
		l->packets = least(l->packets, SINGLES);
	if (path->kind != FIRST)
		return (order_make(c, flows, traffic) ||
			fail(&c->bench, "no memory for the order of flows")) &&
		       turns_set(c, way, l->leg, path->back, ACK, 0, flows);
	/* First packets come once each, of flows beyond those that are there. */
	for (uint32_t i = 0; i < FIRSTS; i++)
		c->order[i] = i;
	c->order_len = FIRSTS;
	return turns_set(c, way, l->leg, path->back, SYN, flows, FIRSTS);
}

bool measure(struct course *c, const struct path *path, uint32_t flows, enum traffic traffic, FILE *out)
{
	double net[RUNS_MOST], lookup_net[RUNS_MOST], ratio[RUNS_MOST];
	struct lane l = { .path = path };

	if (!line_up(c, &l, flows, traffic) || !balance_begin(c, path->kind == DATA ? flows : 0) ||
	    !all_runs(c, &l))
		return false;
	/* Each run less the empty one beside it: what slows the machine down for a while slows both. */
	for (uint32_t i = 0; i < c->runs; i++) {
		net[i] = l.door[i] - l.empty[i];
		lookup_net[i] = l.lookup[i] - l.empty[i];
		ratio[i] = net[i] / lookup_net[i];
	}
	fprintf(out,
		"{\"plan\":\"%s\",\"path\":\"%s\",\"kind\":\"%s\",\"door\":\"%s\",\"flows\":%u,\"traffic\":"
		"\"%s\","
		"\"runs\":%u,\"disturbed\":%u,\"sixteenths_aside\":%u,\"packets\":%u,\"single\":%s",
		c->plan, path->name,
		path->kind == DATA    ? "established"
		: path->kind == FIRST ? "new"
				      : "alone",
		program_names[l.leg->door], flows, traffic == UNIFORM ? "uniform" : "zipf", c->runs,
		l.disturbed, c->next ? c->sixteenths : 0, l.packets, path->once ? "true" : "false");
	print_sample(out, "door_ns", sample_of(l.door, c->runs));
	print_sample(out, "empty_ns", sample_of(l.empty, c->runs));
	/* Where nothing else has happened, and without what it takes to set a test run up: under a clock that counts
	 * them these are instructions. */
	fprintf(out, ",\"least_net_ns\":%.2f", l.least_door - l.least_empty);
	print_sample(out, "net_ns", sample_of(net, c->runs));
	if (l.looks_up) {
		print_sample(out, "lookup_net_ns", sample_of(lookup_net, c->runs));
		print_sample(out, "lookups", sample_of(ratio, c->runs));
	}
	fprintf(out, "}\n");
	fflush(out);
	return true;
}

/* What it costs to undo, which is part of every figure of a path that does it. */
bool measure_wrapper(struct course *c, FILE *out)
{
	static const struct leg leg = { .door = SL_UP_IN, .ifindex = UP0 };
	const struct path *path = &paths[0];
	struct {
		const char *name;
		const struct bpf_program *program;
		double ns[RUNS_MOST];
	} what[] = { { "empty", c->wrap->progs.empty_tc, { 0 } },
		     { "tag put and taken", c->wrap->progs.tag_tc, { 0 } },
		     { "room taken and made", c->wrap->progs.room_tc, { 0 } } };
	const size_t count = sizeof(what) / sizeof(what[0]);
	struct sample empty;
	int retval;

	if (!order_make(c, 1, UNIFORM) || !turns_set(c, path->way, &leg, false, ACK, 0, 1))
		return false;
	/* Long, so that something is left when its room is taken. */
	c->frame.len = c->wrap->data_way->way.len = WRAP_LONG;
	for (uint32_t run_ = 0; run_ < c->runs; run_++)
		for (size_t i = 0; i < count; i++)
			if (!run_many(c, &leg, bpf_program__fd(what[i].program), c->packets, &retval,
				      &what[i].ns[run_]) ||
			    !returned(c, what[i].name, retval, TC_ACT_UNSPEC))
				return false;
	empty = sample_of(what[0].ns, c->runs);
	for (size_t i = 0; i < count; i++) {
		struct sample s = sample_of(what[i].ns, c->runs);

		fprintf(out, "{\"plan\":\"%s\",\"wrapper\":\"%s\"", c->plan, what[i].name);
		print_sample(out, "ns", s);
		fprintf(out, ",\"net_ns\":%.2f}\n", s.median - empty.median);
	}
	return true;
}
