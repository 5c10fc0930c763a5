/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ports: what a list of clauses says about each protocol and port, and its shape in sl_ports. Ports are cut
 * into disjoint ranges with one answer each; equal sets of answers become one port set. A port that no
 * clause speaks of gets no row: the default denies it. Where a route is among the clauses, the ends stand in two
 * clusters, and rules are heard only of ports that some route takes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"

/* Prefix lengths of sl_ports_key: see maps/policy.h. */
#define ANY_PROTO 32
#define ANY_PORT 48
#define ONE_PORT 64

#define PORTS 65536U
#define NO_PROTO 256 /* every protocol that no clause names */

/* Databases that no route takes between clusters, however wide its ports: TCP. */
static const struct {
	uint16_t first;
	uint16_t last;
} kept_home[] = { { SL_ETCD_FIRST, SL_ETCD_LAST }, { SL_OVN_IC_FIRST, SL_OVN_IC_LAST } };

static bool stays_home(unsigned int proto, uint32_t port)
{
	for (size_t i = 0; i < sizeof(kept_home) / sizeof(*kept_home); i++) {
		if (proto == IPPROTO_TCP && port >= kept_home[i].first && port <= kept_home[i].last)
			return true;
	}
	return false;
}

static bool has_route(const struct compile *c, const uint32_t *clause, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (c->clauses[clause[i]].kind == CLAUSE_ROUTE)
			return true;
	}
	return false;
}

/* A row of a set before the set has a number. No padding: sets are compared as bytes. */
struct port_row {
	uint32_t rule;
	uint16_t port;
	uint8_t prefixlen;
	uint8_t proto;
	uint8_t policy;
	uint8_t qos;
	uint8_t pad[2];
};

struct answer {
	uint32_t rule;
	uint8_t policy; /* 0: no rule speaks of it */
	uint8_t qos;
};

static bool says(struct answer a)
{
	return a.policy || a.qos;
}

struct cell { /* ports first..last, inclusive */
	uint32_t first;
	uint32_t last;
	struct answer answer;
};

static bool has_ports(unsigned int proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* Ports of `p` for this protocol; false if it does not speak of the protocol. */
static bool ports_of(const struct port *p, unsigned int proto, uint32_t *first, uint32_t *last)
{
	if (!p->any && p->proto != proto)
		return false;
	*first = p->any || !has_ports(proto) ? 0 : p->first;
	*last = p->any || !has_ports(proto) ? PORTS - 1 : p->last;
	return true;
}

static bool speaks_of(const struct clause *clause, unsigned int proto, uint32_t port)
{
	uint32_t first, last;

	if (!clause->ports->count)
		return true;
	for (size_t i = 0; i < clause->ports->count; i++) {
		if (ports_of(&clause->ports->item[i], proto, &first, &last) && port >= first && port <= last)
			return true;
	}
	return false;
}

/* Somebody may pass by the routes among these clauses. */
static void note_use(struct compile *c, const uint32_t *clause, size_t count, unsigned int proto,
		     uint32_t port)
{
	for (size_t i = 0; i < count; i++) {
		struct clause *at = &c->clauses[clause[i]];

		if (at->kind == CLAUSE_ROUTE && speaks_of(at, proto, port))
			at->effective = true;
	}
}

/*
 * The first deny, else the first allow; an allow that no deny overrules is noted as effective. `closed`: no route
 * takes the port.
 */
static struct answer judge(struct compile *c, const uint32_t *clause, size_t count, bool same_label,
			   unsigned int proto, uint32_t port, bool closed)
{
	const struct clause *deny = NULL, *allow = NULL;

	for (size_t i = 0; i < count && !deny; i++) {
		const struct clause *at = &c->clauses[clause[i]];

		if (at->deny && speaks_of(at, proto, port))
			deny = at;
	}
	for (size_t i = 0; i < count; i++) {
		struct clause *at = &c->clauses[clause[i]];

		if (at->kind == CLAUSE_QOS || at->kind == CLAUSE_ROUTE || at->deny ||
		    (at->same_label && !same_label) || !speaks_of(at, proto, port))
			continue;
		if (!allow)
			allow = at;
		if (closed)
			at->unrouted = true;
		else if (!deny)
			at->effective = true;
		else if (!at->denied_by)
			at->denied_by = deny;
	}
	if (closed)
		return (struct answer){ 0 };
	if (deny)
		return (struct answer){ .rule = deny->number, .policy = SL_POLICY_DENY };
	if (allow)
		return (struct answer){ .rule = allow->number, .policy = SL_POLICY_ALLOW };
	return (struct answer){ 0 };
}

/* What rules and routes say together, and the class that the first QoS rule gives. */
static struct answer answer(struct compile *c, const uint32_t *clause, size_t count, bool same_label,
			    unsigned int proto, uint32_t port)
{
	bool apart = has_route(c, clause, count), routed = false;
	struct answer a = { 0 };
	uint8_t qos = 0;

	for (size_t i = 0; i < count; i++) {
		const struct clause *at = &c->clauses[clause[i]];

		if (at->kind == CLAUSE_ROUTE && !routed)
			routed = speaks_of(at, proto, port);
		if (at->kind == CLAUSE_QOS && !qos && speaks_of(at, proto, port))
			qos = at->qos;
	}
	if (!routed || !stays_home(proto, port))
		a = judge(c, clause, count, same_label, proto, port, apart && !routed);
	a.qos = qos;
	if (routed && !a.policy)
		a.policy =
			SL_POLICY_DENY; /* by default; that no rule speaks of it would mean that no route does */
	if (routed && a.policy == SL_POLICY_ALLOW)
		note_use(c, clause, count, proto, port);
	return a;
}

static bool same_answer(struct answer a, struct answer b)
{
	return a.policy == b.policy && a.rule == b.rule && a.qos == b.qos;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The ports where an answer can begin, for one protocol: ascending, with 0 first; may repeat. */
static bool cut_ports(const struct compile *c, const uint32_t *clause, size_t count, unsigned int proto,
		      struct list *cuts)
{
	uint32_t first, last, *at;

	cuts->count = 0;
	if (!list_add(cuts, 1))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct ports *ports = c->clauses[clause[i]].ports;

		for (size_t k = 0; k < ports->count; k++) {
			if (!ports_of(&ports->item[k], proto, &first, &last))
				continue;
			at = list_add(cuts, 2);
			if (!at)
				return false;
			at[0] = first;
			at[1] = last + 1;
		}
	}
	for (size_t i = 0; i < sizeof(kept_home) / sizeof(*kept_home) && proto == IPPROTO_TCP; i++) {
		if (!has_route(c, clause, count))
			break;
		at = list_add(cuts, 2);
		if (!at)
			return false;
		at[0] = kept_home[i].first;
		at[1] = kept_home[i].last + 1;
	}
	qsort(cuts->item, cuts->count, sizeof(uint32_t), by_value);
	return true;
}

/* All ports of one protocol as cells, neighbours with equal answers joined. */
static bool cells_of(struct compile *c, const uint32_t *clause, size_t count, bool same_label,
		     unsigned int proto, struct list *cuts, struct list *cells)
{
	const uint32_t *cut;
	struct cell *cell = NULL;

	cells->count = 0;
	if (!cut_ports(c, clause, count, proto, cuts))
		return false;
	cut = cuts->item;
	for (size_t i = 0; i < cuts->count && cut[i] < PORTS; i++) {
		struct answer a;

		if (i + 1 < cuts->count && cut[i + 1] == cut[i])
			continue;
		a = answer(c, clause, count, same_label, proto, cut[i]);
		if (cell && same_answer(cell->answer, a))
			continue;
		if (cell)
			cell->last = cut[i] - 1;
		cell = list_add(cells, 1);
		if (!cell)
			return false;
		cell->first = cut[i];
		cell->last = PORTS - 1;
		cell->answer = a;
	}
	return true;
}

static bool add_row(struct list *rows, unsigned int prefixlen, unsigned int proto, uint32_t port,
		    struct answer a)
{
	struct port_row *row = list_add(rows, 1);

	if (!row)
		return false;
	row->prefixlen = (uint8_t)prefixlen;
	row->proto = (uint8_t)proto;
	row->port = (uint16_t)port;
	row->rule = a.rule;
	row->policy = a.policy;
	row->qos = a.qos;
	return true;
}

/* A cell as the fewest port prefixes; counts them if `rows` is NULL. */
static int cut_cell(const struct cell *cell, unsigned int proto, struct list *rows)
{
	uint32_t at = cell->first;
	int count = 0;

	while (at <= cell->last) {
		unsigned int bits = 0;

		while (bits < 16 && !(at & ((2U << bits) - 1)) && at + (2U << bits) - 1 <= cell->last)
			bits++;
		if (rows && !add_row(rows, ONE_PORT - bits, proto, at, cell->answer))
			return -1;
		at += 1U << bits;
		count++;
	}
	return count;
}

/*
 * Rows of one protocol over `outer`, the answer for protocols not named. The answer that would cost the most
 * prefixes becomes the protocol's own row and the rest its exceptions, unless some port must stay
 * without any row.
 */
static bool add_proto(struct list *rows, unsigned int proto, const struct list *cells, struct answer outer)
{
	const struct cell *cell = cells->item;
	struct answer base = { 0 };
	int most = 0;

	for (size_t i = 0; i < cells->count; i++) {
		int cost = cut_cell(&cell[i], proto, NULL);

		if (!says(cell[i].answer)) {
			most = 0;
			break;
		}
		if (cost > most) {
			most = cost;
			base = cell[i].answer;
		}
	}
	if (!most)
		base = (struct answer){ 0 };
	if (says(base) && !same_answer(base, outer) && !add_row(rows, ANY_PORT, proto, 0, base))
		return false;
	for (size_t i = 0; i < cells->count; i++) {
		if (!says(cell[i].answer) || same_answer(cell[i].answer, base))
			continue;
		if (cut_cell(&cell[i], proto, rows) < 0)
			return false;
	}
	return true;
}

/* The number of this set of rows; a new set's rows go into the table. */
static uint32_t set_number(struct compile *c, const struct list *rows)
{
	size_t before = c->port_sets.count;
	uint32_t set = intern(&c->port_sets, rows->item, rows->count * sizeof(struct port_row));
	const struct port_row *row = rows->item;

	if (!set || c->port_sets.count == before)
		return set;
	for (size_t i = 0; i < rows->count; i++) {
		struct sl_ports_key key = { .prefixlen = row[i].prefixlen,
					    .set = htonl(set),
					    .proto = row[i].proto,
					    .port = htons(row[i].port) };
		struct sl_ports value = { .rule = row[i].rule, .policy = row[i].policy, .qos = row[i].qos };

		if (!row_add(c, SL_TABLE_sl_ports, &key, &value))
			return 0;
	}
	return set;
}

bool ports_decide(struct compile *c, const uint32_t *clause, size_t count, bool same_label,
		  struct decision *d)
{
	struct list cuts = { .size = sizeof(uint32_t) }, cells = { .size = sizeof(struct cell) };
	struct list rows = { .size = sizeof(struct port_row) };
	struct answer outer = answer(c, clause, count, same_label, NO_PROTO, 0);
	bool named[NO_PROTO] = { false }, done = false;

	memset(d, 0, sizeof(*d));
	named[IPPROTO_TCP] = has_route(c, clause, count);
	for (size_t i = 0; i < count; i++) {
		const struct ports *ports = c->clauses[clause[i]].ports;

		for (size_t k = 0; k < ports->count; k++) {
			if (!ports->item[k].any)
				named[ports->item[k].proto] = true;
		}
	}
	if (says(outer) && !add_row(&rows, ANY_PROTO, 0, 0, outer))
		goto out;
	for (unsigned int proto = 0; proto < NO_PROTO; proto++) {
		if (!named[proto])
			continue;
		if (!cells_of(c, clause, count, same_label, proto, &cuts, &cells) ||
		    !add_proto(&rows, proto, &cells, outer))
			goto out;
	}
	done = true;
	if (!rows.count)
		goto out;
	if (says(outer) && rows.count == 1) {
		d->policy = outer.policy;
		d->rule = outer.rule;
		d->qos = outer.qos;
		goto out;
	}
	d->policy = SL_POLICY_PORTS;
	d->set = set_number(c, &rows);
	done = d->set;
out:
	list_free(&cuts);
	list_free(&cells);
	list_free(&rows);
	return done;
}
