/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clauses of what the plan writes from selectors to selectors: rules, QoS rules and routes. One that leads to
 * services is several clauses, since their ports are not what is written: at the backends they are the backends' own,
 * and at the VIP of another cluster's service those that it offers.
 */
#include "compile.h"

/* What a rule, a QoS rule and a route have in common. */
struct line {
	enum clause_kind kind;
	uint32_t number;
	const char *name;
	const struct place *place;
	const struct ports *ports;
	const struct selectors *from;
	const struct selectors *to;
	bool deny;
	uint8_t qos;
};

/*
 * What the ports of a line mean at the backends of a service, or at its VIP: those of the service's ports that they
 * name.
 */
static bool service_ports(struct compile *c, const struct service *service, const struct ports *named,
			  bool vip, struct ports **meant)
{
	struct ports *kept = heap_take(&c->scratch, sizeof(*kept));

	if (!kept)
		return false;
	kept->item = heap_take(&c->scratch, service->port_count * sizeof(*kept->item));
	if (!kept->item)
		return false;
	for (size_t i = 0; i < service->port_count; i++) {
		const struct service_port *port = &service->ports[i];
		uint16_t number = vip ? port->port : port->target;

		for (size_t k = 0; k < named->count; k++) {
			const struct port *p = &named->item[k];

			if (!p->any &&
			    (p->proto != port->proto || port->port < p->first || port->port > p->last))
				continue;
			kept->item[kept->count++] =
				(struct port){ .proto = port->proto, .first = number, .last = number };
			break;
		}
	}
	*meant = kept;
	return true;
}

static struct clause *line_clause(struct compile *c, const struct line *line, struct list *types)
{
	struct clause *clause = clause_new(c, line->kind, line->number, line->name, line->place);

	clause->ports = line->ports;
	clause->deny = line->deny;
	clause->qos = line->qos;
	return clause_ends(c, line->from, types, &clause->from, &clause->from_count) ? clause : NULL;
}

/* At the backends, or at the VIP. */
static bool add_service(struct compile *c, const struct line *line, const struct selector *to, bool vip,
			struct list *types)
{
	struct clause *clause = line_clause(c, line, types);
	struct ports *ports;

	if (!clause || !service_ports(c, plan_service(c->plan, to->name), line->ports, vip, &ports))
		return false;
	clause->ports = ports;
	clause->vip = vip;
	types->count = 0;
	if (!(vip ? selector_vip(c, to, types) : selector_types(c, to, types)))
		return false;
	/* No ports at all would mean every port. */
	return !ports->count || clause_keep(c, types, &clause->to, &clause->to_count);
}

/* One clause for what the ports are meant for as they stand, and those of each service. */
static bool add_line(struct compile *c, const struct line *line, struct list *types)
{
	struct selectors plain = { .item = heap_take(&c->scratch, line->to->count * sizeof(*plain.item)) };
	struct clause *clause;

	if (!plain.item)
		return false;
	for (size_t i = 0; i < line->to->count; i++) {
		const struct selector *to = &line->to->item[i];

		if (to->kind != SELECT_SERVICE) {
			plain.item[plain.count++] = *to;
			continue;
		}
		if (!add_service(c, line, to, false, types) || !add_service(c, line, to, true, types))
			return false;
	}
	if (!plain.count)
		return true;
	clause = line_clause(c, line, types);
	return clause && clause_ends(c, &plain, types, &clause->to, &clause->to_count);
}

bool clauses_of_rules(struct compile *c, struct list *types)
{
	for (size_t i = 0; i < c->plan->rule_count; i++) {
		const struct rule *rule = &c->plan->policy[i];
		const struct line line = { .kind = CLAUSE_RULE,
					   .number = (uint32_t)i + 1,
					   .name = rule->name,
					   .place = &rule->place,
					   .ports = &rule->ports,
					   .from = &rule->from,
					   .to = &rule->to,
					   .deny = rule->deny };

		if (!add_line(c, &line, types))
			return false;
	}
	return true;
}

bool clauses_of_qos(struct compile *c, struct list *types)
{
	for (size_t i = 0; i < c->plan->qos.rule_count; i++) {
		const struct qos_rule *rule = &c->plan->qos.rules[i];
		const struct line line = { .kind = CLAUSE_QOS,
					   .number = (uint32_t)i + 1,
					   .name = rule->class,
					   .place = &rule->place,
					   .ports = &rule->ports,
					   .from = &rule->from,
					   .to = &rule->to,
					   .qos = qos_class_row(c, rule->class) };

		if (!line.qos) {
			report_error(c->r, &rule->place, "QoS class \"%s\" is not in the plan", rule->class);
			return false;
		}
		if (!add_line(c, &line, types))
			return false;
	}
	return true;
}

bool clauses_of_routes(struct compile *c, struct list *types)
{
	for (size_t i = 0; i < c->plan->route_count; i++) {
		const struct route *route = &c->plan->routes[i];
		const struct selectors from = { .item = (struct selector *)&route->from, .count = 1 };
		const struct selectors to = { .item = (struct selector *)&route->to, .count = 1 };
		const struct line line = { .kind = CLAUSE_ROUTE,
					   .number = (uint32_t)i + 1,
					   .name = route->name,
					   .place = &route->place,
					   .ports = &route->ports,
					   .from = &from,
					   .to = &to };

		if (!add_line(c, &line, types))
			return false;
	}
	return true;
}

/* A line makes a clause for itself and two for each service that it leads to. */
size_t clauses_most(const struct compile *c)
{
	size_t most = 3 * c->plan->route_count;

	for (size_t i = 0; i < c->plan->rule_count; i++)
		most += 2 * c->plan->policy[i].to.count + 1;
	for (size_t i = 0; i < c->plan->qos.rule_count; i++)
		most += 2 * c->plan->qos.rules[i].to.count + 1;
	return most;
}
