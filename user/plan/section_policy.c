/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.groups, $.workloads, $.policy and $.assert: who is who, and who may talk to whom. Parses only.
 */
#include <stdlib.h>
#include <string.h>
#include "section.h"
#include "value.h"

static const char *const ACTIONS[] = { "allow", "deny", NULL };

/* A member of either kind, until they are sorted into the group's two lists. */
struct member {
	bool is_network;
	char *network;
	struct range range;
};

static void one_member(const struct at *at, void *out)
{
	const char *text = text_of(at, "an address, a prefix, a range or \"network:NAME\"");
	struct member *member = out;
	char why[WHY];

	if (!text)
		return;
	if (!strncmp(text, "network:", 8)) {
		member->is_network = true;
		member->network = keep(at, text + 8);
		if (!value_name(text + 8, strlen(text + 8), why))
			wrong(at, "%s", why);
	} else if (!value_range(text, &member->range, why)) {
		wrong(at, "%s", why);
	}
}

static void take_members(const struct at *at, const struct field *field, void *out)
{
	struct group *group = out;
	struct member *members;
	size_t count, networks = 0;

	(void)field;
	members = take_list(at, sizeof(*members), one_member, &count);
	for (size_t i = 0; i < count; i++)
		networks += members[i].is_network;
	group->addresses.item =
		arena_alloc(at->reader->arena, count - networks, sizeof(*group->addresses.item));
	group->networks.item = arena_alloc(at->reader->arena, networks, sizeof(*group->networks.item));
	for (size_t i = 0; i < count && !arena_failed(at->reader->arena); i++) {
		if (members[i].is_network)
			group->networks.item[group->networks.count++] = members[i].network;
		else
			group->addresses.item[group->addresses.count++] = members[i].range;
	}
}

static void one_group(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("members", take_members, 0),
		FIELD("labels", take_labels, offsetof(struct group, labels)),
	};
	struct group *group = out;

	group->name = name_of(at);
	group->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, group);
	if (tree_is_object(at->value) && !tree_get(at->value, "members") && !group->labels.count)
		wrong(at, "the group has no members, expected \"members\" or \"labels\"");
}

void take_groups(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->groups = take_map(at, sizeof(*plan->groups), one_group, &plan->group_count);
}

static void take_mac(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "a MAC address such as \"02:00:00:00:66:0b\"");
	struct workload *workload = out;
	char why[WHY];

	(void)field;
	if (!text)
		return;
	if (!value_mac(text, workload->mac, why))
		wrong(at, "%s", why);
	workload->has_mac = true;
}

static void one_workload(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("name", take_own_name, offsetof(struct workload, name), .needed = true),
		FIELD("network", take_name, offsetof(struct workload, network), .needed = true),
		FIELD("address", take_address, offsetof(struct workload, address), .needed = true),
		FIELD("node", take_name, offsetof(struct workload, node), .needed = true),
		FIELD("interface", take_interface, offsetof(struct workload, interface)),
		FIELD("mac", take_mac, 0),
		FIELD("labels", take_labels, offsetof(struct workload, labels)),
	};
	struct workload *workload = out;

	workload->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, workload);
}

void take_workloads(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->workloads = take_list(at, sizeof(*plan->workloads), one_workload, &plan->workload_count);
}

static void one_rule(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("name", take_title, offsetof(struct rule, name), .needed = true),
		FIELD("from", take_selectors, offsetof(struct rule, from), .needed = true),
		FIELD("to", take_selectors, offsetof(struct rule, to), .needed = true),
		FIELD("ports", take_ports, offsetof(struct rule, ports), .needed = true),
		FIELD("action", take_switch, offsetof(struct rule, deny), .needed = true, .words = ACTIONS),
	};
	struct rule *rule = out;

	rule->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, rule);
}

void take_policy(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->policy = take_list(at, sizeof(*plan->policy), one_rule, &plan->rule_count);
}

static void one_assertion(const struct at *at, void *out)
{
	/* "never" and "reaches" are two spellings of `to`; written twice, the count below tells. */
	static const struct field FIELDS[] = {
		FIELD("name", take_title, offsetof(struct assertion, name), .needed = true),
		FIELD("from", take_selector, offsetof(struct assertion, from), .needed = true),
		FIELD("never", take_selector, offsetof(struct assertion, to)),
		FIELD("reaches", take_selector, offsetof(struct assertion, to)),
		FIELD("ports", take_ports, offsetof(struct assertion, ports)),
	};
	struct assertion *assertion = out;
	bool never;

	assertion->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, assertion);
	never = tree_get(at->value, "never") != NULL;
	assertion->reaches = tree_get(at->value, "reaches") != NULL;
	if (tree_is_object(at->value) && never == assertion->reaches)
		wrong(at, "%s, expected either \"never\" or \"reaches\"",
		      never ? "it says both \"never\" and \"reaches\"" : "it says nothing");
}

void take_asserts(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->asserts = take_list(at, sizeof(*plan->asserts), one_assertion, &plan->assert_count);
}
