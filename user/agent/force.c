/* SPDX-License-Identifier: GPL-2.0 */
/*
 * plan → check → image → kernel, in an order in which nothing is lost: on a first `up` the plan is in
 * force before the doors open their eyes; whatever can be refused is refused before anything changes. The
 * lock of the pins is held until the plan is kept, so that the agent never sees one without the other.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../image/image.h"
#include "../kernel/cache.h"
#include "../plan/plan.h"
#include "change.h"
#include "claim.h"
#include "force.h"
#include "keep.h"
#include "neighbour.h"
#include "state.h"
#include "tally.h"

/* What is in hand while an order is carried out. */
struct work {
	const struct order *order;
	struct change change; /* of the plan's state */
	char node[SL_NAME_LEN];
	struct plan *plan;
	struct keep keep; /* the plan's text */
	struct image *image;
	struct link_facts links;
	struct kernel k;
	bool stateless; /* the plan does not have the state it has to be read in */
	bool open; /* k is */
	bool ahead; /* k is open and locked, which nobody has asked for yet */
	struct notes notes;
	struct claims claims; /* VIPs that this node did not own before */
	struct trouble t;
};

static void progress(const char *what)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s", what);
}

static int fail(const struct work *w)
{
	progress("");
	fprintf(stderr, "sluice: %s\n", w->t.text);
	return 1;
}

/* --node, else the node of the last good plan when that is used or only its state changes, else the host name. */
static int choose_node(struct work *w, bool last_good)
{
	int error = -ENOENT;

	if (w->order->node) {
		if (snprintf(w->node, sizeof(w->node), "%s", w->order->node) >= (int)sizeof(w->node))
			return trouble(&w->t, -ENAMETOOLONG, "the node's name is longer than %d characters",
				       SL_NAME_LEN - 1);
		return 0;
	}
	if (last_good || w->order->to)
		error = state_node(w->order->state, w->node, &w->t);
	if (error != -ENOENT)
		return error;
	if (gethostname(w->node, sizeof(w->node) - 1))
		return trouble(&w->t, -errno, "cannot read the host name: %s", strerror(errno));
	w->node[sizeof(w->node) - 1] = 0;
	return 0;
}

/* A host that is called node1.example.org may stand in the plan as node1. */
static void shorten_node(struct work *w)
{
	const struct cluster *cluster;
	char brief[SL_NAME_LEN];

	snprintf(brief, sizeof(brief), "%.*s", (int)strcspn(w->node, "."), w->node);
	if (!w->order->node && !plan_node(w->plan, w->node, &cluster) && plan_node(w->plan, brief, &cluster))
		memcpy(w->node, brief, sizeof(brief));
}

static void drop_plan(struct work *w)
{
	keep_drop(&w->keep);
	if (w->image)
		image_free(w->image);
	if (w->plan)
		plan_free(w->plan);
	w->image = NULL;
	w->plan = NULL;
}

/* A plan without the state that this node is in must not be put in by the way; what to do is the last line. */
static int refused(struct work *w)
{
	const struct change *c = &w->change;

	if (w->order->to || !w->stateless)
		return trouble(&w->t, -EINVAL, "the plan is refused, nothing is changed");
	return trouble(
		&w->t, -EINVAL,
		"the plan is refused, nothing is changed: this node is in state \"%s\" with fence %llu, "
		"so that a plan has to have it; to leave that state: sluice state normal --fence N --plan "
		"%s, N greater than that",
		change_state(c), (unsigned long long)c->was.number, w->order->plan ? w->order->plan : "FILE");
}

/*
 * The plan will most likely be installed: what is there is read beside the compiler. Whatever is in the way is not said
 * before the plan is known to be good.
 */
static void look_ahead(struct work *w)
{
	struct trouble later;

	if (w->ahead || w->order->load || kernel_open(&w->k, w->order->pins, false, &later))
		return;
	if (kernel_lock(&w->k, &later) || kernel_reopen_plan(&w->k, &later)) {
		kernel_close(&w->k);
		return;
	}
	w->ahead = true;
	kernel_expect(&w->k);
}

/* From file to image; every finding is printed. False: refused. */
static bool compile(struct work *w, const char *path, const char *otherwise)
{
	const struct cluster *cluster;
	const struct copy copy = { keep_write, &w->keep };
	struct report r = { 0 };

	progress("checking the plan");
	keep_begin(&w->keep, w->order->state);
	w->plan = plan_read_in(path, change_state(&w->change), otherwise, &copy, &r);
	w->stateless = w->plan && !w->plan->state;
	if (w->plan && !report_failed(&r)) {
		/* Mostly it is in order: what the install needs is done beside finding that out. */
		keep_force(&w->keep);
		look_ahead(w);
		plan_check(w->plan, &r);
	}
	if (w->plan && !report_failed(&r)) {
		shorten_node(w);
		if (!plan_node(w->plan, w->node, &cluster))
			report_error(&r, NULL, "%s: no cluster has a node \"%s\"; name this node with --node",
				     path, w->node);
	}
	if (w->plan && !report_failed(&r))
		plan_refuse_unenforced(w->plan, w->node, &r);
	progress("compiling");
	if (w->plan && !report_failed(&r))
		w->image = image_compile_lean(w->plan, w->node, &w->links, &r);
	progress("");
	report_print(&r, stderr);
	if (!w->image || report_failed(&r))
		drop_plan(w);
	report_free(&r);
	return w->image;
}

static int find_image(struct work *w)
{
	char kept[PATH_MAX];
	const char *path = w->order->plan ? w->order->plan : kept;

	if (state_path(kept, sizeof(kept), w->order->state, STATE_PLAN))
		return trouble(&w->t, -ENAMETOOLONG, "the name of the state directory is too long");
	if (!w->order->plan) {
		if (access(kept, R_OK))
			return trouble(&w->t, -errno,
				       "no plan: name one with --plan; there is no last good one "
				       "either (%s: %s)",
				       kept, strerror(errno));
		fprintf(stderr, "note: using the last good plan, %s\n", kept);
	}
	if (choose_node(w, !w->order->plan))
		return -EINVAL;
	if (compile(w, path, w->order->plan ? NULL : change_otherwise(&w->change)))
		return 0;
	if (!w->order->plan || !w->order->fallback || access(kept, R_OK))
		return refused(w);
	fprintf(stderr, "sluice: THE PLAN %s IS REFUSED: falling back to the last good one, %s\n", path,
		kept);
	if (choose_node(w, true))
		return -EINVAL;
	if (compile(w, kept, change_otherwise(&w->change)))
		return 0;
	return trouble(&w->t, -EINVAL, "the last good plan is refused as well, nothing is changed");
}

/* Refuses before anything is changed; then w->k is open and locked. */
static int open_kernel(struct work *w)
{
	const char *pins = w->order->pins;
	bool up = kernel_present(pins);
	int error;

	if (w->ahead) {
		w->open = true;
	} else if (up || !w->order->load) {
		error = kernel_open(&w->k, pins, false, &w->t);
		/* A later `up` completes what is missing; another layout stays refused. */
		if (error && (!w->order->load || error == -EPROTO))
			return error;
		w->open = !error;
	}
	if (w->open && (error = kernel_lock(&w->k, &w->t)))
		return error;
	error = kernel_attach_check(w->open ? &w->k : NULL, pins, w->image, &w->links, &w->t);
	if (error)
		return error;
	if (!w->order->load)
		return w->ahead ? 0 : kernel_reopen_plan(&w->k, &w->t);

	if (w->open)
		kernel_close(&w->k);
	progress("loading");
	error = kernel_load(&w->k, pins, &w->image->limits, &w->t);
	w->open = !error;
	return error;
}

/* The compiler has to know what the uplinks send through once the qdiscs are as the plan asks. */
static int pace(struct work *w)
{
	struct report r = { 0 };
	bool changed;
	int error = kernel_pace(w->image, &w->notes, &changed, &w->t);

	if (error || !changed)
		return error;
	image_free(w->image);
	links_free(&w->links);
	error = links_read(&w->links, &w->t);
	w->image = error ? NULL : image_compile_lean(w->plan, w->node, &w->links, &r);
	if (!error && !w->image) {
		report_print(&r, stderr);
		error = w->k.generation
				? trouble(&w->t, -EINVAL, "the plan is refused, generation %u stays in force",
					  w->k.generation)
				: trouble(&w->t, -EINVAL,
					  "the plan is refused, and no other one is in force");
	}
	report_free(&r);
	return error;
}

/* `each`: how many of them a row holds. */
static void compare_limit(const struct work *w, enum sl_table_id table, const char *what, uint32_t each,
			  uint32_t wanted, const char *after)
{
	uint32_t room = kernel_room(&w->k, table) * each;

	if (wanted && room != wanted)
		fprintf(stderr,
			"warning: the running table of %s has room for %u, the plan says %u: that takes "
			"effect %s \"sluice up\"\n",
			what, room, wanted, after);
}

/* Attaches with what is in force; also says what went other than asked. */
static int attach(struct work *w)
{
	int error;

	progress("attaching");
	error = kernel_attach(&w->k, w->image, &w->links, &w->notes, &w->t);
	progress("");
	for (size_t i = 0; i < w->notes.count; i++)
		fprintf(stderr, "note: %s\n", w->notes.line[i]);
	return error;
}

static int install(struct work *w)
{
	int error;

	progress("installing");
	error = change_record(&w->change, &w->t);
	if (error)
		return error;
	error = kernel_install(&w->k, w->image, &w->t);
	if (!error)
		return 0;
	change_undo(&w->change);
	fail(w);
	if (w->k.generation) {
		trouble(&w->t, error, "generation %u stays in force", w->k.generation);
	} else if (attach(w)) {
		fail(w);
		trouble(&w->t, error, "no plan is in force, and not every interface is guarded");
	} else {
		trouble(&w->t, error,
			"no plan is in force: the interfaces are guarded and each network fails "
			"as its \"fail\" says (closed unless it says open)");
	}
	return error;
}

/* So that first packets to other nodes find their next hop, and the wire this node's VIPs, also where no agent
 * runs. Without it they ask. */
static void speak(struct work *w)
{
	struct neighbours n = { 0 };
	struct trouble t;

	if (neighbours_open(&n, w->k.table[SL_TABLE_sl_neigh], w->k.pins, &t) ||
	    neighbours_plan(&n, w->plan, w->image, kernel_tick(), &t) ||
	    neighbours_tick(&n, kernel_tick(), &t))
		fprintf(stderr, "note: the other nodes are asked for with the first packets: %s\n", t.text);
	if (n.program >= 0)
		claims_say(&w->claims, n.program, SIZE_MAX);
	neighbours_close(&n);
}

static size_t own_workloads(const struct work *w)
{
	size_t count = 0;

	for (size_t i = 0; i < w->plan->workload_count; i++)
		if (w->plan->workloads[i].node && !strcmp(w->plan->workloads[i].node, w->node))
			count++;
	return count;
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static int carry_out(struct work *w)
{
	static const char made_anew[] = "after \"sluice down\" and";
	struct timespec began;
	int attached, kept, settled;
	size_t own;

	clock_gettime(CLOCK_MONOTONIC, &began);
	if (links_read(&w->links, &w->t) || find_image(w) || open_kernel(w) || pace(w))
		return fail(w);
	compare_limit(w, SL_TABLE_sl_flow, "flows", 1, w->image->limits.flows, made_anew);
	compare_limit(w, SL_TABLE_sl_unanswered, "unanswered flows", 1, w->image->limits.unanswered_flows,
		      made_anew);
	compare_limit(w, SL_TABLE_sl_outside, "bindings", 1, w->image->limits.bindings, made_anew);
	if (w->image->limits.cache_lines)
		compare_limit(w, SL_TABLE_sl_line, "the cache's lines on all processors", SL_LINE_WAYS,
			      SL_LINE_WAYS * cache_rows(w->image->limits.cache_lines,
							(uint32_t)libbpf_num_possible_cpus()),
			      "with the next");
	if (claims_plan(&w->claims, w->image, &w->t))
		return fail(w);
	claims_known(&w->claims, &w->k);
	if (install(w))
		return fail(w);

	attached = attach(w);
	if (attached) {
		fail(w);
		fprintf(stderr, "sluice: generation %u is in force, but not every interface is guarded\n",
			w->k.generation);
	}
	speak(w);
	kept = keep_end(&w->keep, w->node, &w->t);
	if (kept) {
		fail(w);
		fprintf(stderr,
			"sluice: generation %u is in force, but a reboot would bring back the plan "
			"before it\n",
			w->k.generation);
	}
	settled = kept ? 0 : change_settle(&w->change, w->plan->state, &w->t);
	if (settled) {
		fail(w);
		fprintf(stderr, "sluice: state \"%s\" is in force, but is recorded as begun only\n",
			w->plan->state);
	}
	tally_gauge(&w->k, SL_GAUGE_PLAN_FENCE, w->change.now.number);
	if (attached || kept || settled)
		return 1;
	own = own_workloads(w);
	printf("%s: generation %u in force", w->node, w->k.generation);
	if (w->change.now.used)
		printf(", state \"%s\" with fence %llu", w->plan->state,
		       (unsigned long long)w->change.now.number);
	printf(": %zu network%s, %zu workload%s, %zu rule%s (%ld ms)\n", w->plan->network_count,
	       w->plan->network_count == 1 ? "" : "s", own, own == 1 ? "" : "s", w->plan->rule_count,
	       w->plan->rule_count == 1 ? "" : "s", elapsed_ms(&began));
	return 0;
}

/* A node that is down comes up in the state that is ordered now. */
static int keep_order(struct work *w)
{
	if (links_read(&w->links, &w->t) || find_image(w) || change_record(&w->change, &w->t))
		return fail(w);
	if (keep_end(&w->keep, w->node, &w->t)) {
		change_undo(&w->change);
		return fail(w);
	}
	if (change_settle(&w->change, w->plan->state, &w->t))
		return fail(w);
	printf("%s: state \"%s\" with fence %llu is kept; sluice is not up on this node\n", w->node,
	       w->plan->state, (unsigned long long)w->change.now.number);
	return 0;
}

int order_force(const struct order *order)
{
	struct work w = { .order = order };
	struct change_result result = { .node = w.node };
	struct trouble t;
	int code;

	if (change_begin(&w.change, order, &w.t))
		code = fail(&w);
	else if (order->to && !kernel_present(order->pins))
		code = keep_order(&w);
	else
		code = carry_out(&w);
	if (w.open)
		result.generation = w.k.generation;
	if (w.image)
		result.plan = w.image->hash >> 16;
	if (code)
		result.reason = w.t.text;
	keep_drop(&w.keep); /* under the lock that change_end() gives up */
	if (change_end(&w.change, &result, &t)) {
		fprintf(stderr, "sluice: %s\n", t.text);
		code = 1;
	}

	if (w.open || w.ahead)
		kernel_close(&w.k);
	notes_free(&w.notes);
	claims_free(&w.claims);
	drop_plan(&w);
	links_free(&w.links);
	return code;
}
