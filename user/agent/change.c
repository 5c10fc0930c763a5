/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The order of things, and why: first the record, marked as not whole, then the flip, then the plan is kept, then the
 * record is marked as whole.
 *
 * The record comes before the flip because a fence must never be accepted twice: if the node dies right behind the
 * flip, the fence is on disk. If it dies between the two, the fence is used up and the state not in force: the fence's
 * owner has no answer and must take a greater one, as with every order that was not answered; the next `apply`, `up`,
 * start of the agent or boot goes on to the state that was ordered. A flip that fails while we live puts the record
 * back: the fence is as good as before. So does a record that could not be forced to disk.
 *
 * The plan is kept after the flip, so that after a crash it may be the one before, which may not have the state that
 * was ordered. Then the record tells the state before, which that plan has. One of the two always fits.
 *
 * All of it under a lock on the directory, taken before anything is read: two orders with one fence go one after the
 * other, and the second finds the fence used; an `apply` that has read one state cannot install it over another one.
 * The lock needs no file, so that a boot with a full or read-only disk goes through.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "change.h"
#include "journal.h"
#include "state.h"

/* Where there is no directory and none can be made nobody else can write there either. */
static int lock(struct change *c, bool needed, struct trouble *t)
{
	int error = state_make(c->dir, t);

	if (error)
		return needed ? error : 0;
	c->lock = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->lock < 0 || flock(c->lock, LOCK_EX))
		return trouble(t, -errno, "cannot lock %s: %s", c->dir, strerror(errno));
	return 0;
}

static int stale(const struct fence *was, uint64_t number, struct trouble *t)
{
	return trouble(t, -EPERM,
		       "fence %" PRIu64 " is refused: it is not greater than %" PRIu64
		       ", the last one used on this node (state \"%s\"%s%s%s%s)",
		       number, was->number, was->state, *was->sign.who ? ", by " : "", was->sign.who,
		       *was->sign.time ? ", " : "", was->sign.time);
}

/* After a stop half-way either of two states is in force: the one that the plan which was kept has. */
static void find_before(struct change *c)
{
	struct report unused = { 0 };
	struct trouble ignored;
	struct plan *plan;

	snprintf(c->now.before, sizeof(c->now.before), "%s", c->was.state);
	if (c->was.whole)
		return;
	plan = fence_plan(c->dir, &unused, &ignored);
	if (plan)
		snprintf(c->now.before, sizeof(c->now.before), "%s", plan->state);
	plan_free(plan);
	report_free(&unused);
}

static int order_state(struct change *c, const struct order *order, struct trouble *t)
{
	if (!plan_state_name(order->to))
		return trouble(t, -EINVAL, "\"%.64s\" is no name of a state, expected a-z, 0-9 and -",
			       order->to);
	if (c->was.used && order->fence <= c->was.number)
		return stale(&c->was, order->fence, t);
	c->journal = journal_open(c->dir, t);
	if (c->journal < 0)
		return c->journal;
	c->now = (struct fence){ .used = true, .number = order->fence };
	snprintf(c->now.state, sizeof(c->now.state), "%s", order->to);
	fence_sign(&c->now.sign);
	find_before(c);
	c->ordered = true;
	return 0;
}

int change_begin(struct change *c, const struct order *order, struct trouble *t)
{
	int error;

	*c = (struct change){ .dir = order->state, .lock = -1, .journal = -1 };
	error = lock(c, order->to, t);
	if (error)
		return error;
	error = fence_read(c->dir, &c->was, t);
	if (error == -ENODATA && order->to)
		error = 0; /* what the journal knows is enough to refuse a fence that was used */
	c->now = c->was;
	return !error && order->to ? order_state(c, order, t) : error;
}

const char *change_state(const struct change *c)
{
	return c->now.state;
}

const char *change_otherwise(const struct change *c)
{
	return c->ordered || c->was.whole ? NULL : c->was.before;
}

int change_record(struct change *c, struct trouble *t)
{
	int error;

	if (!c->ordered)
		return 0;
	/* Perhaps also where it fails: the file may be renamed, and only that not be on disk. */
	c->recorded = true;
	error = fence_write(c->dir, &c->now, t);
	if (error)
		change_undo(c);
	return error;
}

/* A file that cannot be read may hold it. */
static bool stands(const struct change *c)
{
	struct fence found;
	struct trouble unused;

	return fence_read(c->dir, &found, &unused) || (found.used && found.number == c->now.number);
}

void change_undo(struct change *c)
{
	struct trouble t;

	if (!c->recorded)
		return;
	c->undone = true;
	if (!(c->was.used ? fence_write(c->dir, &c->was, &t) : state_remove(c->dir, FENCE_FILE, &t))) {
		c->recorded = false;
		return;
	}
	c->recorded = stands(c);
	fprintf(stderr,
		"sluice: %s: fence %" PRIu64 " %s used up, and the next apply or start %s to state \"%s\"\n",
		t.text, c->now.number, c->recorded ? "is" : "may be", c->recorded ? "goes" : "may go",
		c->now.state);
}

int change_settle(struct change *c, const char *state, struct trouble *t)
{
	int error;

	if (!c->now.used || c->now.whole)
		return 0;
	c->now.whole = true;
	snprintf(c->now.state, sizeof(c->now.state), "%s", state);
	if (!c->ordered) /* somebody else's, who stopped half-way */
		fprintf(stderr,
			"note: state \"%s\" was ordered with fence %" PRIu64
			" and not completed: now it is%s\n",
			c->was.state, c->was.number,
			strcmp(state, c->was.state) ? " given up, the plan in force does not have it" : "");
	error = fence_write(c->dir, &c->now, t);
	c->now.whole = !error;
	return error;
}

int change_end(struct change *c, const struct change_result *result, struct trouble *t)
{
	const struct fence *last = c->recorded ? &c->now : &c->was;
	char asked[24], used[24], plan[16];
	int error = 0;

	snprintf(asked, sizeof(asked), "%" PRIu64, c->now.number);
	snprintf(used, sizeof(used), "%" PRIu64, last->number);
	snprintf(plan, sizeof(plan), "%012" PRIx64, result->plan);
	if (c->ordered)
		error = journal_add(
			c->journal,
			json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s*, s:s, s:s?}",
				  "time", c->now.sign.time, "who", c->now.sign.who, "uid",
				  (json_int_t)c->now.sign.uid, "node", result->node, "from", c->now.before,
				  "to", c->now.state, "fence", asked, "plan", plan, "generation",
				  (json_int_t)result->generation, "outcome",
				  c->recorded && !c->undone ? "done" : "refused", "reason", result->reason,
				  "state", last->state, "last_fence", last->used ? used : NULL),
			t);
	if (c->journal >= 0)
		close(c->journal);
	if (c->lock >= 0)
		close(c->lock);
	c->journal = -1;
	c->lock = -1;
	return error;
}
