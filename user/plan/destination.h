/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The destinations that an snat names, as prefixes. The checker, which compares rules, and the compiler, which
 * makes rows of them, must see the same ones.
 */
#ifndef SLUICE_DESTINATION_H
#define SLUICE_DESTINATION_H
#include "plan.h"

/* False stops the walk. */
typedef bool destination_fn(void *context, struct prefix prefix, const struct selector *from);

/*
 * Every prefix of the rule's `to`, in its order; networks as they are in the cluster, or in all of them if it
 * is NULL. A rule without `to` has the world, for which there is no selector. False: the walk was stopped.
 */
bool destinations_each(const struct plan *plan, const struct snat *snat, const char *cluster,
		       destination_fn *each, void *context);

#endif
