/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clauses: everything that can allow or deny, in the order of its number. The plan's rules come first, then
 * one clause for each network whose posture lets members talk, then the host policy. A rule that leads to
 * services is several clauses, since their ports are the backends' own. Tells which rules of the plan can
 * never match, or match only what is denied anyway.
 */
#include <stdlib.h>
#include <string.h>
#include "compile.h"

static const struct ports every_port;

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorted, each type once, kept in scratch memory. */
static bool keep_types(struct compile *c, struct list *types, uint32_t **kept, size_t *count)
{
	uint32_t *item = types->item;

	*count = 0;
	if (types->count)
		qsort(item, types->count, sizeof(*item), by_number);
	for (size_t i = 0; i < types->count; i++) {
		if (!i || item[i] != item[i - 1])
			item[(*count)++] = item[i];
	}
	*kept = heap_take(&c->scratch, *count * sizeof(*item));
	if (!*kept)
		return false;
	if (*count)
		memcpy(*kept, item, *count * sizeof(*item));
	return true;
}

static bool keep_selectors(struct compile *c, const struct selectors *selectors, struct list *types,
			   uint32_t **kept, size_t *count)
{
	types->count = 0;
	for (size_t i = 0; i < selectors->count; i++) {
		if (!selector_types(c, &selectors->item[i], types))
			return false;
	}
	return keep_types(c, types, kept, count);
}

static bool keep_one(struct compile *c, const struct selector *selector, struct list *types, uint32_t **kept,
		     size_t *count)
{
	const struct selectors one = { .item = (struct selector *)selector, .count = 1 };

	return keep_selectors(c, &one, types, kept, count);
}

static struct clause *clause_new(struct compile *c, uint32_t number, const char *name,
				 const struct place *place)
{
	struct clause *clause = &c->clauses[c->clause_count++];

	clause->number = number;
	clause->name = name;
	clause->place = place;
	clause->ports = &every_port;
	return clause;
}

/*
 * What a rule's ports mean at the backends of a service: those of the service's ports that they name, at the
 * port the backends have for them.
 */
static bool target_ports(struct compile *c, const struct service *service, const struct ports *named,
			 struct ports **targets)
{
	struct ports *kept = heap_take(&c->scratch, sizeof(*kept));

	if (!kept)
		return false;
	kept->item = heap_take(&c->scratch, service->port_count * sizeof(*kept->item));
	if (!kept->item)
		return false;
	for (size_t i = 0; i < service->port_count; i++) {
		const struct service_port *port = &service->ports[i];

		for (size_t k = 0; k < named->count; k++) {
			const struct port *p = &named->item[k];

			if (!p->any &&
			    (p->proto != port->proto || port->port < p->first || port->port > p->last))
				continue;
			kept->item[kept->count++] = (struct port){ .proto = port->proto,
								   .first = port->target,
								   .last = port->target };
			break;
		}
	}
	*targets = kept;
	return true;
}

static struct clause *rule_clause(struct compile *c, size_t i, struct list *types)
{
	const struct rule *rule = &c->plan->policy[i];
	struct clause *clause = clause_new(c, (uint32_t)i + 1, rule->name, &rule->place);

	clause->ports = &rule->ports;
	clause->deny = rule->deny;
	clause->written = true;
	return keep_selectors(c, &rule->from, types, &clause->from, &clause->from_count) ? clause : NULL;
}

/* One clause for what the rule's ports are meant for as they stand, and one for each service of it. */
static bool add_rule(struct compile *c, size_t i, struct list *types)
{
	const struct rule *rule = &c->plan->policy[i];
	struct selectors plain = { .item = heap_take(&c->scratch, rule->to.count * sizeof(*plain.item)) };
	struct clause *clause;

	if (!plain.item)
		return false;
	for (size_t k = 0; k < rule->to.count; k++) {
		const struct selector *to = &rule->to.item[k];
		struct ports *targets;

		if (to->kind != SELECT_SERVICE) {
			plain.item[plain.count++] = *to;
			continue;
		}
		if (!target_ports(c, plan_service(c->plan, to->name), &rule->ports, &targets))
			return false;
		clause = rule_clause(c, i, types);
		if (!clause)
			return false;
		clause->ports = targets;
		/* No ports at all would mean every port. */
		if (targets->count && !keep_one(c, to, types, &clause->to, &clause->to_count))
			return false;
	}
	if (!plain.count)
		return true;
	clause = rule_clause(c, i, types);
	return clause && keep_selectors(c, &plain, types, &clause->to, &clause->to_count);
}

static bool add_rules(struct compile *c, struct list *types)
{
	for (size_t i = 0; i < c->plan->rule_count; i++) {
		if (!add_rule(c, i, types))
			return false;
	}
	return true;
}

static bool add_intra(struct compile *c, struct list *types, uint32_t *number)
{
	for (size_t i = 0; i < c->plan->network_count; i++) {
		const struct network *n = &c->plan->networks[i];
		struct selector self = { .kind = SELECT_NETWORK, .name = n->name };
		struct clause *clause;

		if (n->intra == INTRA_DENY)
			continue;
		clause = clause_new(c, ++*number, heap_format(&c->scratch, "intra %s", n->name), &n->place);
		clause->intra = true;
		clause->same_label = n->intra == INTRA_SAME;
		if (!clause->name || !keep_one(c, &self, types, &clause->from, &clause->from_count))
			return false;
		clause->to = clause->from;
		clause->to_count = clause->from_count;
	}
	return true;
}

/* A cluster without "host" lets everybody reach its nodes, so that no plan locks an administrator out. */
static bool add_host(struct compile *c, struct list *types, uint32_t number)
{
	const struct cluster *cluster = c->cluster;
	const struct selector host = { .kind = SELECT_HOST }, any = { .kind = SELECT_ANY };
	size_t count = cluster->host_present ? cluster->host_allow_count : 1;
	uint32_t *to;
	size_t to_count;

	if (!keep_one(c, &host, types, &to, &to_count))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct clause *clause = clause_new(c, number, "host", &cluster->place);
		bool done;

		clause->host = true;
		clause->to = to;
		clause->to_count = to_count;
		if (cluster->host_present) {
			clause->place = &cluster->host_allow[i].place;
			clause->ports = &cluster->host_allow[i].ports;
			done = keep_selectors(c, &cluster->host_allow[i].from, types, &clause->from,
					      &clause->from_count);
		} else {
			done = keep_one(c, &any, types, &clause->from, &clause->from_count);
		}
		if (!done)
			return false;
	}
	return true;
}

/* A rule makes a clause for itself and one for each service that it leads to. */
static size_t most_clauses(const struct compile *c)
{
	size_t most = c->plan->network_count + c->cluster->host_allow_count + 1;

	for (size_t i = 0; i < c->plan->rule_count; i++)
		most += c->plan->policy[i].to.count + 1;
	return most;
}

bool clauses_build(struct compile *c)
{
	struct list types = { .size = sizeof(uint32_t) };
	uint32_t number = (uint32_t)c->plan->rule_count;
	bool done = false;

	c->clauses = heap_take(&c->scratch, most_clauses(c) * sizeof(*c->clauses));
	if (c->clauses)
		done = add_rules(c, &types) && add_intra(c, &types, &number) &&
		       add_host(c, &types, number + 1);
	c->last_rule = number + 1;
	list_free(&types);
	return done;
}

/* What is to be said of a rule, whose clauses these are. */
static void warn_rule(struct compile *c, const struct clause *clause, size_t count)
{
	const char *why = "its \"from\" and \"to\" stand in different VPCs";
	const struct clause *denied_by = NULL;
	bool met = false, effective = false, other_cluster = false, to = false, ports = false;

	for (size_t i = 0; i < count; i++) {
		met |= clause[i].met;
		effective |= clause[i].effective;
		other_cluster |= clause[i].other_cluster;
		to |= clause[i].to_count != 0;
		ports |= clause[i].ports->count != 0;
		if (!denied_by)
			denied_by = clause[i].denied_by;
	}
	/* Between clusters all is denied anyway, but saying so again is no mistake. */
	if (!met && clause->deny && other_cluster)
		return;
	if (!met) {
		if (!clause->from_count)
			why = "nothing in the plan matches its \"from\"";
		else if (!ports)
			why = "its \"ports\" are none of the service's";
		else if (!to)
			why = "nothing in the plan matches its \"to\"";
		else if (other_cluster)
			why = "its \"from\" and \"to\" stand in different clusters, which no rule joins";
		report_warning(c->r, clause->place, "rule \"%s\" can never match: %s", clause->name, why);
	} else if (!clause->deny && !effective && denied_by) {
		report_warning(c->r, clause->place,
			       "rule \"%s\" allows nothing: whatever it allows, rule \"%s\" denies",
			       clause->name, denied_by->name);
	}
}

void clauses_warn(struct compile *c)
{
	for (size_t i = 0, end; i < c->clause_count && c->clauses[i].written; i = end) {
		for (end = i + 1; end < c->clause_count && c->clauses[end].number == c->clauses[i].number;)
			end++;
		warn_rule(c, &c->clauses[i], end - i);
	}
}
