/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every name that a selector or a group uses must be in the plan, wherever the selector stands.
 */
#include <string.h>
#include "check.h"

static void check_one(struct check *c, const struct selector *s)
{
	switch (s->kind) {
	case SELECT_NETWORK:
		if (!known(c, NOUN_NETWORK, s->name, &s->place) || !s->cluster)
			break;
		if (known(c, NOUN_CLUSTER, s->cluster, &s->place) &&
		    !network_site(plan_network(c->plan, s->name), s->cluster))
			report_error(c->report, &s->place,
				     "network %s has no site in cluster %s, expected a cluster where it is",
				     s->name, s->cluster);
		break;
	case SELECT_GROUP:
		known(c, NOUN_GROUP, s->name, &s->place);
		break;
	case SELECT_CLUSTER:
		known(c, NOUN_CLUSTER, s->name, &s->place);
		break;
	case SELECT_VPC:
		known(c, NOUN_VPC, s->name, &s->place);
		break;
	case SELECT_SERVICE:
		known(c, NOUN_SERVICE, s->name, &s->place);
		break;
	case SELECT_ANY:
	case SELECT_CIDR:
	case SELECT_WORLD:
	case SELECT_HOST:
	case SELECT_REMOTE_HOST:
		break;
	}
}

static void check_list(struct check *c, const struct selectors *list)
{
	for (size_t i = 0; i < list->count; i++)
		check_one(c, &list->item[i]);
}

void check_selectors(struct check *c)
{
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->cluster_count; i++)
		for (size_t j = 0; j < plan->clusters[i].host_allow_count; j++)
			check_list(c, &plan->clusters[i].host_allow[j].from);
	for (size_t i = 0; i < plan->group_count; i++) {
		const struct group *group = &plan->groups[i];

		for (size_t j = 0; j < group->networks.count; j++)
			known(c, NOUN_NETWORK, group->networks.item[j], &group->place);
	}
	for (size_t i = 0; i < plan->rule_count; i++) {
		check_list(c, &plan->policy[i].from);
		check_list(c, &plan->policy[i].to);
	}
	for (size_t i = 0; i < plan->assert_count; i++) {
		check_one(c, &plan->asserts[i].from);
		check_one(c, &plan->asserts[i].to);
	}
	for (size_t i = 0; i < plan->snat_count; i++)
		check_list(c, &plan->snat[i].to);
	for (size_t i = 0; i < plan->route_count; i++) {
		check_one(c, &plan->routes[i].from);
		check_one(c, &plan->routes[i].to);
	}
	for (size_t i = 0; i < plan->qos.rule_count; i++) {
		check_list(c, &plan->qos.rules[i].from);
		check_list(c, &plan->qos.rules[i].to);
	}
	for (size_t i = 0; i < plan->slo_count; i++) {
		check_one(c, &plan->slos[i].from);
		check_one(c, &plan->slos[i].to);
	}
}
