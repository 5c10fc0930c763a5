/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the agent follows: the dataplane that is pinned, the plan in force, the interfaces present. When one
 * of them changes, the others are brought in line. Knows nothing of timers, signals or metrics.
 */
#ifndef SLUICE_FOLLOW_H
#define SLUICE_FOLLOW_H
#include <stdbool.h>
#include "../kernel/kernel.h"

struct follow {
	const char *pins;
	const char *state;
	const char *asked_node; /* by the user; NULL: as applied last, else the host's name */
	char node[SL_NAME_LEN];
	struct kernel kernel;
	bool open; /* the dataplane is here and everything below is set */
	uint32_t id; /* of sl_active: tells this dataplane from another one under the same pins */
	struct plan *plan; /* this and the image only until follow_rest(), and again from follow_recall() */
	struct image *image;
	struct timeouts timeouts; /* as the plan has them */
	struct link_facts links;
	struct notes noted; /* of the last attach */
	int held; /* the kept plan, open; -1: it is not. Whoever puts another one in its place need not free its disk */
};

/*
 * With `plan`, or when nothing is up: first as `sluice up --fallback`. Then takes over what is pinned. A plan
 * that is refused leaves what is in force, or gives way to the last good one; only when there is neither
 * does it fail.
 */
int follow_begin(struct follow *f, const char *plan, struct trouble *t);
/* Puts `plan` in as `sluice up` does; when it is refused nothing changes. */
int follow_apply(struct follow *f, const char *plan, struct trouble *t);
/* Interfaces came, went or changed. `again`: see to every door even if all looks the same. */
int follow_links(struct follow *f, bool again, bool *changed, struct trouble *t);
/* Has somebody else put a plan in, taken the dataplane down, or brought it up anew? Then follows that. */
int follow_others(struct follow *f, bool *changed, struct trouble *t);
/* A number that is another one when the tables of the plan, or of the dataplane, are others; 0: none are here. */
uint32_t follow_tables(const struct follow *f);
/* The plan and the image may take a hundred MiB and are needed only when something changes. */
void follow_rest(struct follow *f);
/* Has them in memory again; -ESTALE when they are of a generation that follow_others() has yet to see. */
int follow_recall(struct follow *f, struct trouble *t);
void follow_end(struct follow *f);

#endif
