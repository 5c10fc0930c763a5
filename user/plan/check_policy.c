/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rules that cannot mean what they say: names that stand twice, partners in different VPCs, a way to the
 * world that nothing carries out. Whether a rule is shadowed or breaks an assert is the compiler's to say.
 */
#include <string.h>
#include "check.h"

/* The VPC a selector is confined to. */
#define EVERYWHERE SIZE_MAX
#define NOWHERE (SIZE_MAX - 1) /* it names what does not exist; already reported */

static size_t network_vpc(const struct check *c, const char *name)
{
	const struct network *network = plan_network(c->plan, name);
	size_t vpc = network ? vpc_index(c, network->vpc) : NOWHERE;

	return vpc == SIZE_MAX ? NOWHERE : vpc;
}

static size_t group_vpc(const struct check *c, const char *name)
{
	const struct group *group = plan_group(c->plan, name);
	size_t vpc = NOWHERE;

	if (!group)
		return NOWHERE;
	/* Addresses and labels may stand for something in any VPC. */
	if (group->addresses.count || group->labels.count)
		return EVERYWHERE;
	for (size_t i = 0; i < group->networks.count; i++) {
		size_t next = network_vpc(c, group->networks.item[i]);

		if (next == NOWHERE || (vpc != NOWHERE && vpc != next))
			return EVERYWHERE;
		vpc = next;
	}
	return vpc;
}

static size_t selector_vpc(const struct check *c, const struct selector *s)
{
	size_t vpc;

	switch (s->kind) {
	case SELECT_NETWORK:
		return network_vpc(c, s->name);
	case SELECT_GROUP:
		return group_vpc(c, s->name);
	case SELECT_VPC:
		vpc = vpc_index(c, s->name);
		return vpc == SIZE_MAX ? NOWHERE : vpc;
	case SELECT_HOST:
	case SELECT_REMOTE_HOST:
		return vpc_index(c, "default"); /* the nodes' own */
	case SELECT_ANY:
	case SELECT_CIDR:
	case SELECT_CLUSTER:
	case SELECT_SERVICE:
	case SELECT_WORLD:
		break;
	}
	return EVERYWHERE;
}

static bool meet(size_t a, size_t b)
{
	/* What does not exist has been reported; do not blame the rule as well. */
	return a == b || a == EVERYWHERE || b == EVERYWHERE || a == NOWHERE || b == NOWHERE;
}

/* The first selector of `list` that meets none of `others`, or NULL. */
static const struct selector *lonely(const struct check *c, const struct selectors *list,
				     const struct selectors *others)
{
	for (size_t i = 0; i < list->count; i++) {
		size_t vpc = selector_vpc(c, &list->item[i]);
		bool met = false;

		for (size_t j = 0; j < others->count && !met; j++)
			met = meet(vpc, selector_vpc(c, &others->item[j]));
		if (!met)
			return &list->item[i];
	}
	return NULL;
}

static void check_meeting(struct check *c, const struct rule *rule)
{
	const struct selector *from = lonely(c, &rule->from, &rule->to);
	const struct selector *to = lonely(c, &rule->to, &rule->from);
	const struct selector *alone = from ? from : to;

	if (!alone)
		return;
	report_error(c->report, &alone->place,
		     "rule \"%s\" can never match: this is in VPC %s and nothing in its \"%s\" is, expected "
		     "one VPC",
		     rule->name, c->plan->vpcs[selector_vpc(c, alone)].name, from ? "to" : "from");
}

static bool has_way_out(const struct check *c, const char *vpc)
{
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->snat_count; i++)
		if (!strcmp(plan->snat[i].vpc, vpc))
			return true;
	for (size_t i = 0; i < plan->fip_count; i++)
		if (!strcmp(plan->fips[i].vpc, vpc))
			return true;
	for (size_t i = 0; i < plan->network_count; i++)
		for (size_t j = 0; j < plan->networks[i].site_count; j++)
			if (plan->networks[i].sites[j].nat_outgoing && !strcmp(plan->networks[i].vpc, vpc))
				return true;
	return false;
}

static bool to_world(const struct rule *rule)
{
	for (size_t i = 0; i < rule->to.count; i++)
		if (rule->to.item[i].kind == SELECT_WORLD)
			return true;
	return false;
}

static void check_world(struct check *c, const struct rule *rule)
{
	size_t told = NOWHERE;

	if (rule->deny || !to_world(rule))
		return;
	for (size_t i = 0; i < rule->from.count; i++) {
		const struct selector *from = &rule->from.item[i];
		const struct network *network =
			from->kind == SELECT_NETWORK ? plan_network(c->plan, from->name) : NULL;
		size_t vpc = selector_vpc(c, from);

		/* Nodes and external networks stand outside already. */
		if (vpc >= c->plan->vpc_count || vpc == told || from->kind == SELECT_HOST ||
		    from->kind == SELECT_REMOTE_HOST || (network && network->external) ||
		    has_way_out(c, c->plan->vpcs[vpc].name))
			continue;
		told = vpc;
		report_warning(c->report, &from->place,
			       "rule \"%s\" allows the world but nothing carries VPC %s out, expected "
			       "\"snat\", a FIP or "
			       "\"nat_outgoing\"",
			       rule->name, c->plan->vpcs[vpc].name);
	}
}

static void once(struct check *c, struct seen *names, const char *what, const char *name, size_t i,
		 const struct place *place)
{
	struct below b;

	if (seen_add(names, (struct seen_key){ .text = name }, i) != SIZE_MAX)
		report_error(c->report, below(&b, place, ".name"),
			     "another %s is named \"%s\", expected a name of its own", what, name);
}

void check_policy(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen rules = seen_new(c->scratch, plan->rule_count);
	struct seen asserts = seen_new(c->scratch, plan->assert_count);

	for (size_t i = 0; i < plan->rule_count; i++) {
		once(c, &rules, "rule", plan->policy[i].name, i, &plan->policy[i].place);
		check_meeting(c, &plan->policy[i]);
		check_world(c, &plan->policy[i]);
	}
	for (size_t i = 0; i < plan->assert_count; i++)
		once(c, &asserts, "assert", plan->asserts[i].name, i, &plan->asserts[i].place);
}
