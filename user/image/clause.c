/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clauses: everything that says something of pairs of types, in the order of its number. The plan's rules come
 * first, then one clause for each network whose posture lets members talk, then the host policy: these allow and
 * deny. Behind them QoS rules, which give classes, and routes, which open the ways between clusters; their numbers are
 * in no row.
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
bool clause_keep(struct compile *c, struct list *types, uint32_t **kept, size_t *count)
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

bool clause_ends(struct compile *c, const struct selectors *selectors, struct list *types, uint32_t **kept,
		 size_t *count)
{
	types->count = 0;
	for (size_t i = 0; i < selectors->count; i++) {
		if (!selector_types(c, &selectors->item[i], types))
			return false;
	}
	return clause_keep(c, types, kept, count);
}

static bool keep_one(struct compile *c, const struct selector *selector, struct list *types, uint32_t **kept,
		     size_t *count)
{
	const struct selectors one = { .item = (struct selector *)selector, .count = 1 };

	return clause_ends(c, &one, types, kept, count);
}

struct clause *clause_new(struct compile *c, enum clause_kind kind, uint32_t number, const char *name,
			  const struct place *place)
{
	struct clause *clause = &c->clauses[c->clause_count++];

	clause->kind = kind;
	clause->number = number;
	clause->name = name;
	clause->place = place;
	clause->ports = &every_port;
	return clause;
}

static bool add_intra(struct compile *c, struct list *types, uint32_t *number)
{
	for (size_t i = 0; i < c->plan->network_count; i++) {
		const struct network *n = &c->plan->networks[i];
		struct selector self = { .kind = SELECT_NETWORK, .name = n->name };
		struct clause *clause;

		if (n->intra == INTRA_DENY)
			continue;
		clause = clause_new(c, CLAUSE_INTRA, ++*number, heap_format(&c->scratch, "intra %s", n->name),
				    &n->place);
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
		struct clause *clause = clause_new(c, CLAUSE_HOST, number, "host", &cluster->place);
		bool done;

		clause->to = to;
		clause->to_count = to_count;
		if (cluster->host_present) {
			clause->place = &cluster->host_allow[i].place;
			clause->ports = &cluster->host_allow[i].ports;
			done = clause_ends(c, &cluster->host_allow[i].from, types, &clause->from,
					   &clause->from_count);
		} else {
			done = keep_one(c, &any, types, &clause->from, &clause->from_count);
		}
		if (!done)
			return false;
	}
	return true;
}

bool clauses_build(struct compile *c)
{
	size_t most = clauses_most(c) + c->plan->network_count + c->cluster->host_allow_count + 1;
	struct list types = { .size = sizeof(uint32_t) };
	uint32_t number = (uint32_t)c->plan->rule_count;
	bool done = false;

	c->clauses = heap_take(&c->scratch, most * sizeof(*c->clauses));
	if (c->clauses)
		done = clauses_of_rules(c, &types) && add_intra(c, &types, &number) &&
		       add_host(c, &types, number + 1) && clauses_of_qos(c, &types) &&
		       clauses_of_routes(c, &types);
	c->last_rule = number + 1;
	list_free(&types);
	return done;
}
