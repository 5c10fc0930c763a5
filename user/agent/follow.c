/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whatever is read to decide a write is read under the kernel's lock, so that an apply by another process
 * comes wholly before or wholly after.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fence.h"
#include "force.h"
#include "state.h"
#include "follow.h"

/* What attaching noted, unless it noted the same the last time. */
static void print_notes(struct follow *f, struct notes *notes)
{
	bool same = notes->count == f->noted.count;

	for (size_t i = 0; same && i < notes->count; i++)
		same = !strcmp(notes->line[i], f->noted.line[i]);
	for (size_t i = 0; !same && i < notes->count; i++)
		fprintf(stderr, "sluice: %s\n", notes->line[i]);
	notes_free(&f->noted);
	f->noted = *notes;
}

static struct image *compile(const struct plan *plan, const char *node, const struct link_facts *links,
			     struct trouble *t)
{
	struct report report = { 0 };
	struct image *image = image_compile_lean(plan, node, links, &report);

	if (!image) {
		report_print(&report, stderr);
		trouble(t, -EINVAL, "the plan does not compile for node %s", node);
	}
	report_free(&report);
	return image;
}

static void adopt(struct follow *f, struct plan *plan, struct image *image, struct link_facts *links)
{
	if (plan) {
		plan_free(f->plan);
		f->plan = plan;
	}
	image_free(f->image);
	f->image = image;
	f->timeouts = image->timeouts;
	links_free(&f->links);
	f->links = *links;
	memset(links, 0, sizeof(*links));
}

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static void opened(struct follow *f)
{
	f->open = true;
	f->id = map_id(f->kernel.table[SL_TABLE_sl_active]);
}

static int node_name(struct follow *f, struct trouble *t)
{
	int error = f->asked_node ? 0 : state_node(f->state, f->node, t);

	if (!f->asked_node)
		return error == -ENOENT
			       ? trouble(t, error, "no plan was applied on this node yet: give --plan")
			       : error;
	if (snprintf(f->node, sizeof(f->node), "%s", f->asked_node) >= (int)sizeof(f->node))
		return trouble(t, -EINVAL, "--node %s: a name has %zu bytes at most", f->asked_node,
			       sizeof(f->node) - 1);
	return 0;
}

/* The plan in force. It was checked when it was applied. */
static struct plan *read_state(struct follow *f, struct trouble *t)
{
	struct report report = { 0 };
	struct plan *plan;

	if (node_name(f, t))
		return NULL;
	plan = fence_plan(f->state, &report, t);
	if (!plan)
		report_print(&report, stderr);
	report_free(&report);
	return plan;
}

/* Qdiscs as the plan asks, which the compiler then has to know. */
static int pace(struct follow *f, const struct plan *plan, struct image **image, struct link_facts *links,
		struct notes *notes, struct trouble *t)
{
	bool changed;
	int error = kernel_pace(*image, notes, &changed, t);

	if (error || !changed)
		return error;
	links_free(links);
	error = links_read(links, t);
	if (error)
		return error;
	image_free(*image);
	*image = compile(plan, f->node, links, t);
	return *image ? 0 : -EINVAL;
}

/* Qdiscs, rows and doors in line with the plan and the interfaces. Under the lock; f->kernel is open. */
static int bring_in_line(struct follow *f, struct plan *plan, struct link_facts *links, struct trouble *t)
{
	const struct plan *in_force = plan ? plan : f->plan;
	struct notes notes = { 0 };
	struct image *image = compile(in_force, f->node, links, t);
	int error;

	if (!image)
		return -EINVAL;
	error = pace(f, in_force, &image, links, &notes, t);
	if (!error)
		error = kernel_patch(&f->kernel, image, t);
	if (!error)
		error = kernel_attach(&f->kernel, image, links, &notes, t);
	print_notes(f, &notes);
	if (error)
		image_free(image);
	else
		adopt(f, plan, image, links);
	return error;
}

/* The file of the plan in force from here on; what was held has another one in its place, and goes with this. */
static void hold_plan(struct follow *f)
{
	char path[PATH_MAX];
	int before = f->held;

	f->held =
		state_path(path, sizeof(path), f->state, STATE_PLAN) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (before >= 0)
		close(before);
}

/* The plan in force, from STATE: rows stay, only what interfaces did meanwhile is patched. */
static int follow_state(struct follow *f, struct trouble *t)
{
	uint32_t generation = f->kernel.generation;
	struct link_facts links = { 0 };
	struct plan *plan = NULL;
	int error = kernel_lock(&f->kernel, t);

	if (error)
		return error;
	error = kernel_reopen_plan(&f->kernel, t);
	if (!error)
		plan = read_state(f, t);
	if (!error && !plan)
		error = -EINVAL;
	if (!error)
		error = links_read(&links, t);
	if (!error)
		error = bring_in_line(f, plan, &links, t);
	kernel_unlock(&f->kernel);
	links_free(&links);
	if (!error)
		hold_plan(f);
	if (error) {
		plan_free(plan);
		/* What is in memory belongs to the generation before: it must not be patched into this one. */
		f->kernel.generation = generation;
	}
	return error;
}

static int take_over(struct follow *f, struct trouble *t)
{
	int error = kernel_open(&f->kernel, f->pins, false, t);

	if (error)
		return error;
	error = follow_state(f, t);
	if (error) {
		kernel_close(&f->kernel);
		return error;
	}
	opened(f);
	return 0;
}

int follow_apply(struct follow *f, const char *path, struct trouble *t)
{
	const struct order order = {
		.pins = f->pins, .state = f->state, .load = true, .plan = path, .node = f->asked_node
	};

	if (order_force(&order))
		return trouble(t, -EINVAL, "%s was not put in as it should be", path);
	return 0; /* follow_others() finds it */
}

int follow_begin(struct follow *f, const char *path, struct trouble *t)
{
	bool up = kernel_present(f->pins);
	const struct order order = { .pins = f->pins,
				     .state = f->state,
				     .load = path || !up,
				     .fallback = true,
				     .plan = path,
				     .node = f->asked_node };
	struct fence fence;

	/* What it could not do it has said; what it could is taken over all the same. A state that was ordered and
	 * not completed is put in whole; patching would let packets see half of it. */
	if ((path || !up || (!fence_read(f->state, &fence, t) && !fence.whole)) && order_force(&order) &&
	    !kernel_present(f->pins))
		return trouble(t, -EINVAL, "no plan could be put in");
	return take_over(f, t);
}

static bool same_links(const struct link_facts *a, const struct link_facts *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->item[i].name, b->item[i].name) || a->item[i].ifindex != b->item[i].ifindex ||
		    memcmp(a->item[i].mac, b->item[i].mac, 6) ||
		    a->item[i].peer_elsewhere != b->item[i].peer_elsewhere ||
		    a->item[i].takes_xdp != b->item[i].takes_xdp || a->item[i].mtu != b->item[i].mtu ||
		    a->item[i].bare != b->item[i].bare || strcmp(a->item[i].qdisc, b->item[i].qdisc) ||
		    strcmp(a->item[i].shaper, b->item[i].shaper))
			return false;
	return true;
}

/* Under the lock: STATE has the plan of the generation that is followed. */
static int is_current(const struct follow *f, struct trouble *t)
{
	struct sl_active active = { 0 };
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(f->kernel.table[SL_TABLE_sl_active], &zero, &active))
		return trouble(t, -errno, "cannot read sl_active: %s", strerror(errno));
	if (active.generation == f->kernel.generation)
		return 0;
	return trouble(t, -ESTALE, "generation %u came in while generation %u was followed",
		       active.generation, f->kernel.generation);
}

int follow_links(struct follow *f, bool again, bool *changed, struct trouble *t)
{
	struct link_facts links = { 0 };
	struct plan *plan = NULL;
	int error;

	*changed = false;
	if (!f->open)
		return 0;
	error = kernel_lock(&f->kernel, t);
	if (error)
		return error;
	error = links_read(&links, t);
	if (error || (!again && same_links(&links, &f->links)))
		goto out;
	error = is_current(f, t);
	if (!error && !f->plan) {
		plan = read_state(f, t);
		error = plan ? 0 : -EINVAL;
	}
	if (!error)
		error = bring_in_line(f, plan, &links, t);
	*changed = !error;
	if (error)
		plan_free(plan);
out:
	kernel_unlock(&f->kernel);
	links_free(&links);
	/* Somebody applied a plan a moment ago: follow_others() compiles that one, with these interfaces. */
	return error == -ESTALE ? 0 : error;
}

static int pinned_id(const struct follow *f, uint32_t *id)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/maps/sl_active", f->pins);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	*id = map_id(fd);
	close(fd);
	return 0;
}

int follow_others(struct follow *f, bool *changed, struct trouble *t)
{
	struct sl_active active = { 0 };
	uint32_t zero = 0, id = 0;
	int error = pinned_id(f, &id);

	*changed = false;
	if (error) {
		if (error != -ENOENT || !f->open)
			return error == -ENOENT ? 0
						: trouble(t, error, "cannot look at the pins below %s: %s",
							  f->pins, strerror(-error));
		fprintf(stderr, "sluice: the pins below %s are gone: waiting for \"sluice up\"\n", f->pins);
		follow_end(f);
		*changed = true;
		return 0;
	}
	if (f->open && id != f->id) {
		follow_end(f);
		*changed = true;
	}
	if (!f->open) {
		if (!kernel_present(f->pins))
			return 0;
		error = take_over(f, t);
		*changed |= !error;
		return error;
	}
	if (bpf_map_lookup_elem(f->kernel.table[SL_TABLE_sl_active], &zero, &active))
		return trouble(t, -errno, "cannot read sl_active: %s", strerror(errno));
	if (active.generation == f->kernel.generation)
		return 0;
	error = follow_state(f, t);
	*changed = !error;
	return error;
}

uint32_t follow_tables(const struct follow *f)
{
	uint32_t sum = f->open ? f->id : 0;

	/* Generations share the tables that are alike in both. */
	for (int i = 0; f->open && i < SL_TABLES; i++)
		if (f->kernel.plan[i] >= 0)
			sum = (sum ^ map_id(f->kernel.plan[i])) * 0x01000193U;
	return sum;
}

void follow_rest(struct follow *f)
{
	if (!f->plan && !f->image)
		return;
	plan_free(f->plan);
	image_free(f->image);
	f->plan = NULL;
	f->image = NULL;
	malloc_trim(0);
}

int follow_recall(struct follow *f, struct trouble *t)
{
	int error;

	if (f->plan && f->image)
		return 0;
	error = kernel_lock(&f->kernel, t);
	if (error)
		return error;
	follow_rest(f);
	error = is_current(f, t);
	if (!error)
		f->plan = read_state(f, t);
	if (f->plan)
		f->image = compile(f->plan, f->node, &f->links, t);
	kernel_unlock(&f->kernel);
	return error ? error : f->image ? 0 : -EINVAL;
}

void follow_end(struct follow *f)
{
	if (f->open)
		kernel_close(&f->kernel);
	f->open = false;
	follow_rest(f);
	if (f->held >= 0)
		close(f->held);
	f->held = -1;
	links_free(&f->links);
	notes_free(&f->noted);
	memset(&f->links, 0, sizeof(f->links));
	memset(&f->noted, 0, sizeof(f->noted));
}
