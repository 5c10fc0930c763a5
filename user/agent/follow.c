/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whatever is read to decide a write is read under the kernel's lock, so that an apply by another process
 * comes wholly before or wholly after.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../cli/state.h"
#include "follow.h"

static void print_notes(struct notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		fprintf(stderr, "sluice: %s\n", notes->line[i]);
	notes_free(notes);
}

/* Reads, checks, prints what was found. NULL: refused. */
static struct plan *read_plan(const char *path, const char *node, struct trouble *t)
{
	struct report report = { 0 };
	struct plan *plan = plan_read(path, &report);

	if (plan && !report_failed(&report))
		plan_check(plan, &report);
	if (plan && !report_failed(&report))
		plan_refuse_unenforced(plan, node, &report);
	report_print(&report, stderr);
	if (!plan || report_failed(&report)) {
		trouble(t, -EINVAL, "the plan %s is refused: %zu errors", path, report.errors);
		plan_free(plan);
		plan = NULL;
	}
	report_free(&report);
	return plan;
}

static struct image *compile(const struct plan *plan, const char *node, const struct link_facts *links,
			     struct trouble *t)
{
	struct report report = { 0 };
	struct image *image = image_compile(plan, node, links, &report);

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

static int node_name(struct follow *f, bool from_state, struct trouble *t)
{
	int error;

	if (f->asked_node) {
		if (strlen(f->asked_node) >= sizeof(f->node))
			return trouble(t, -EINVAL, "--node %s: a name has %zu bytes at most", f->asked_node,
				       sizeof(f->node) - 1);
		strcpy(f->node, f->asked_node);
		return 0;
	}
	if (from_state) {
		error = state_node(f->state, f->node, t);
		if (error != -ENOENT)
			return error;
	}
	if (gethostname(f->node, sizeof(f->node)))
		return trouble(t, -errno, "cannot read the host's name: %s; give --node", strerror(errno));
	f->node[sizeof(f->node) - 1] = 0;
	return 0;
}

/* Before anything is changed. Doors that are ours already are known by the tables of an earlier `up`. */
static int check_doors(const struct follow *f, const struct image *image, const struct link_facts *links,
		       struct trouble *t)
{
	struct kernel earlier;
	int error;

	if (f->open)
		return kernel_attach_check(&f->kernel, image, links, t);
	if (!kernel_present(f->pins) || kernel_open(&earlier, f->pins, true, t))
		return kernel_attach_check(NULL, image, links, t);
	error = kernel_attach_check(&earlier, image, links, t);
	kernel_close(&earlier);
	return error;
}

/* The steps of `up`, for a plan that was read from `path`. Takes over `plan` when it succeeds. */
static int bring_up(struct follow *f, struct plan *plan, bool keep, struct trouble *t)
{
	struct link_facts links = { 0 };
	struct notes notes = { 0 };
	struct image *image = NULL;
	struct kernel k = { .lock = -1 };
	bool loaded = false;
	int error = links_read(&links, t);

	if (error)
		return error;
	image = compile(plan, f->node, &links, t);
	error = image ? check_doors(f, image, &links, t) : -EINVAL;
	if (error)
		goto out;
	error = kernel_load(&k, f->pins, &image->limits, t);
	if (error)
		goto out;
	loaded = true;
	error = kernel_install(&k, image, t);
	if (!error)
		error = kernel_attach(&k, image, &links, &notes, t);
	if (!error && keep)
		error = state_keep(f->state, plan->text, f->node, t);
	kernel_unlock(&k);
	if (error)
		goto out;
	if (f->open)
		kernel_close(&f->kernel);
	f->kernel = k;
	loaded = false;
	adopt(f, plan, image, &links);
	image = NULL;
	opened(f);
out:
	if (loaded)
		kernel_close(&k);
	print_notes(&notes);
	image_free(image);
	links_free(&links);
	return error;
}

int follow_apply(struct follow *f, const char *path, struct trouble *t)
{
	int error = node_name(f, !f->asked_node && f->open, t);
	struct plan *plan;

	if (error)
		return error;
	plan = read_plan(path, f->node, t);
	if (!plan)
		return -EINVAL;
	error = bring_up(f, plan, true, t);
	if (error)
		plan_free(plan);
	return error;
}

static struct plan *read_state(struct follow *f, struct trouble *t)
{
	char path[4096];

	if (node_name(f, true, t) || state_path(path, sizeof(path), f->state, STATE_PLAN))
		return NULL;
	if (access(path, R_OK)) {
		trouble(t, -ENOENT, "no plan was applied on this node yet (%s is not there): give --plan", path);
		return NULL;
	}
	return read_plan(path, f->node, t);
}

/* Rows and doors in line with the plan and the interfaces. Under the lock; f->kernel is open. */
static int bring_in_line(struct follow *f, struct plan *plan, struct link_facts *links, struct trouble *t)
{
	const struct plan *in_force = plan ? plan : f->plan;
	struct notes notes = { 0 };
	struct image *image = compile(in_force, f->node, links, t);
	int error;

	if (!image)
		return -EINVAL;
	error = kernel_patch(&f->kernel, image, t);
	if (!error)
		error = kernel_attach(&f->kernel, image, links, &notes, t);
	print_notes(&notes);
	if (error)
		image_free(image);
	else
		adopt(f, plan, image, links);
	return error;
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

int follow_begin(struct follow *f, const char *path, struct trouble *t)
{
	struct plan *plan;
	int error;

	if (path) {
		error = follow_apply(f, path, t);
		if (!error)
			return 0;
		fprintf(stderr, "sluice: %s; trying the plan that was applied last\n", t->text);
	}
	if (kernel_present(f->pins)) {
		error = take_over(f, t);
		/* Up, but no plan came in: as if it were not up. */
		if (!error || error == -EPROTO)
			return error;
	}
	plan = read_state(f, t);
	if (!plan)
		return -EINVAL;
	error = bring_up(f, plan, false, t);
	if (error)
		plan_free(plan);
	return error;
}

static bool same_links(const struct link_facts *a, const struct link_facts *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->item[i].name, b->item[i].name) || a->item[i].ifindex != b->item[i].ifindex ||
		    memcmp(a->item[i].mac, b->item[i].mac, 6) ||
		    a->item[i].peer_elsewhere != b->item[i].peer_elsewhere)
			return false;
	return true;
}

int follow_links(struct follow *f, bool again, bool *changed, struct trouble *t)
{
	struct link_facts links = { 0 };
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
	error = bring_in_line(f, NULL, &links, t);
	*changed = !error;
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
			return error == -ENOENT ? 0 : trouble(t, error, "cannot look at the pins below %s: %s",
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

void follow_end(struct follow *f)
{
	if (f->open)
		kernel_close(&f->kernel);
	f->open = false;
	plan_free(f->plan);
	image_free(f->image);
	links_free(&f->links);
	f->plan = NULL;
	f->image = NULL;
	memset(&f->links, 0, sizeof(f->links));
}
