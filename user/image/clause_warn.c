/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the clauses came to: rules and routes that can never match, that open nothing, or whose other half, the route
 * or the rule, is missing. Needs all pairs of types decided.
 */
#include "compile.h"

static const char *const NOUNS[] = {
	[CLAUSE_RULE] = "rule", [CLAUSE_QOS] = "rule of QoS class", [CLAUSE_ROUTE] = "route"
};

/* Of the clauses of one line of the plan. */
struct outcome {
	const struct clause *denied_by;
	bool met;
	bool effective;
	bool other_cluster;
	bool unrouted;
	bool at_home; /* leads to a service of this cluster, which clients elsewhere know by its VIP only */
	bool to;
	bool ports;
};

static struct outcome outcome_of(const struct clause *clause, size_t count)
{
	struct outcome o = { 0 };

	for (size_t i = 0; i < count; i++) {
		o.met |= clause[i].met;
		o.effective |= clause[i].effective;
		o.other_cluster |= clause[i].other_cluster;
		o.unrouted |= clause[i].unrouted;
		o.at_home |= clause[i].vip && !clause[i].to_count;
		o.to |= clause[i].to_count != 0;
		o.ports |= clause[i].ports->count != 0;
		if (!o.denied_by)
			o.denied_by = clause[i].denied_by;
	}
	return o;
}

static const char *why_never(const struct clause *clause, const struct outcome *o)
{
	if (!clause->from_count)
		return "nothing in the plan matches its \"from\"";
	if (!o->ports)
		return "its \"ports\" are none of the service's";
	if (!o->to)
		return "nothing in the plan matches its \"to\"";
	if (o->other_cluster)
		return "its \"from\" and \"to\" stand in different clusters, which no route joins";
	return "its \"from\" and \"to\" stand in different VPCs";
}

static void warn(struct compile *c, const struct clause *clause, size_t count)
{
	const struct outcome o = outcome_of(clause, count);
	const char *noun = NOUNS[clause->kind];

	/* Between clusters all is denied anyway, but saying so again is no mistake. */
	if (!o.met && o.other_cluster && (clause->deny || o.at_home))
		return;
	if (!o.met)
		report_warning(c->r, clause->place, "%s \"%s\" can never match: %s", noun, clause->name,
			       why_never(clause, &o));
	else if (clause->deny || clause->kind == CLAUSE_QOS || o.effective)
		return;
	else if (clause->kind == CLAUSE_ROUTE)
		report_warning(c->r, clause->place,
			       "route \"%s\" opens nothing: no rule of \"policy\" allows what it leads to",
			       clause->name);
	else if (o.denied_by)
		report_warning(c->r, clause->place,
			       "rule \"%s\" allows nothing: whatever it allows, rule \"%s\" denies",
			       clause->name, o.denied_by->name);
	else if (o.unrouted)
		report_warning(c->r, clause->place,
			       "rule \"%s\" allows nothing: it leads to other clusters, and no route takes "
			       "its ports",
			       clause->name);
}

void clauses_warn(struct compile *c)
{
	for (size_t i = 0, end; i < c->clause_count; i = end) {
		const struct clause *clause = &c->clauses[i];

		for (end = i + 1; end < c->clause_count && c->clauses[end].kind == clause->kind &&
				  c->clauses[end].number == clause->number;)
			end++;
		if (clause->kind != CLAUSE_INTRA && clause->kind != CLAUSE_HOST)
			warn(c, clause, end - i);
	}
}
