/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Only what the kernel has put there by itself is replaced: its options are the kernel's own, too, so it
 * comes back as it was. Nothing is written down: kind and handle of the qdisc that sluice puts there say
 * that it is sluice's. So it is known even where everything else of sluice has gone.
 */
#include <string.h>
#include "pace.h"

#define FIRST_MAJOR 0x7360U /* "s", "`" and up */

/*
 * The first stands for the kernel's own choice. In place of the others earlier versions of sluice have put
 * fq, with a handle that says which it was.
 */
static const char *const before[] = { "",    "pfifo_fast", "fq_codel", "pfifo",	  "bfifo", "codel",
				      "sfq", "fq",	   "fq_pie",   "noqueue", "mq" };
#define PLACES (sizeof(before) / sizeof(before[0]))

static bool is_fq(const struct qdisc *qdisc)
{
	return !strcmp(qdisc->kind, "fq");
}

static bool is_mq(const struct qdisc *qdisc)
{
	return !strcmp(qdisc->kind, "mq");
}

bool pace_ours(const struct qdisc_view *view)
{
	uint32_t major = view->root ? view->root->handle >> 16 : 0;

	return major >= FIRST_MAJOR && major < FIRST_MAJOR + PLACES &&
	       (is_fq(view->root) || is_mq(view->root));
}

const struct qdisc *pace_others(const struct qdisc_view *view)
{
	if (!view->root)
		return NULL;
	if (pace_ours(view))
		return view->chosen && !is_fq(view->chosen) ? view->chosen : NULL;
	return view->root->handle ? view->root : view->chosen;
}

const char *pace_before(uint32_t handle)
{
	uint32_t place = (handle >> 16) - FIRST_MAJOR;

	return place ? before[place] : NULL;
}

uint32_t pace_handle(const struct qdisc_view *view)
{
	return pace_ours(view) ? view->root->handle : FIRST_MAJOR << 16;
}

enum pace pace_step(const struct qdisc_view *view)
{
	if (view->shaper)
		return PACE_SHAPED;
	if (view->fair && view->flow_packets >= PACE_FLOW_PACKETS)
		return PACE_KEEP;
	if (pace_others(view))
		return PACE_OTHERS;
	if (!view->root || (!view->queues && is_mq(view->root)))
		return PACE_LATER;
	return view->queues ? PACE_QUEUES : PACE_ROOT;
}
