/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Destinations of an snat: see destination.h. A name that does not exist has none; the checker has said so.
 */
#include <string.h>
#include "destination.h"
#include "value.h"

struct walk {
	const struct plan *plan;
	const char *cluster;
	const struct selector *selector;
	destination_fn *each;
	void *context;
};

static bool of_network(const struct walk *w, const char *name)
{
	const struct network *network = plan_network(w->plan, name);

	for (size_t i = 0; network && i < network->site_count; i++) {
		const struct site *site = &network->sites[i];

		if (w->cluster && strcmp(site->cluster, w->cluster) != 0)
			continue;
		if (w->selector->cluster && strcmp(site->cluster, w->selector->cluster) != 0)
			continue;
		for (size_t j = 0; j < site->cidrs.count; j++)
			if (!w->each(w->context, site->cidrs.item[j], w->selector))
				return false;
	}
	return true;
}

static bool of_group(const struct walk *w)
{
	const struct group *group = plan_group(w->plan, w->selector->name);
	struct prefix prefix;

	if (!group)
		return true;
	for (size_t i = 0; i < group->addresses.count; i++) {
		struct cut cut = cut_range(&group->addresses.item[i]);

		while (cut_next(&cut, &prefix))
			if (!w->each(w->context, prefix, w->selector))
				return false;
	}
	for (size_t i = 0; i < group->networks.count; i++)
		if (!of_network(w, group->networks.item[i]))
			return false;
	return true;
}

bool destinations_each(const struct plan *plan, const struct snat *snat, const char *cluster,
		       destination_fn *each, void *context)
{
	struct walk w = { .plan = plan, .cluster = cluster, .each = each, .context = context };
	const struct prefix everything = { 0 };
	bool more = true;

	if (!snat->to.count)
		return each(context, everything, NULL);
	for (size_t i = 0; more && i < snat->to.count; i++) {
		w.selector = &snat->to.item[i];
		if (w.selector->kind == SELECT_WORLD)
			more = each(context, everything, w.selector);
		else if (w.selector->kind == SELECT_CIDR)
			more = each(context, w.selector->cidr, w.selector);
		else if (w.selector->kind == SELECT_NETWORK)
			more = of_network(&w, w.selector->name);
		else if (w.selector->kind == SELECT_GROUP)
			more = of_group(&w);
	}
	return more;
}
