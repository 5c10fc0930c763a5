/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SNAT: rules whose EIPs do not fit together or have no port to give, destinations that no rule can mean, two
 * rules for the same source and destination, and what nat_outgoing takes from the node itself.
 */
#include <netinet/in.h>
#include <string.h>
#include "../../include/limits.h"
#include "destination.h"
#include "outside.h"

static bool overlaps_vpc(const struct check *c, const char *vpc, struct prefix prefix)
{
	for (size_t i = 0; i < c->plan->network_count; i++) {
		const struct network *n = &c->plan->networks[i];

		if (strcmp(n->vpc, vpc) != 0 || n->external)
			continue;
		for (size_t j = 0; j < n->site_count; j++)
			for (size_t k = 0; k < n->sites[j].cidrs.count; k++)
				if (prefix_has(n->sites[j].cidrs.item[k], prefix.addr) ||
				    prefix_has(prefix, n->sites[j].cidrs.item[k].addr))
					return true;
	}
	return false;
}

/* Whether the EIP keeps back every port of the range, of one protocol. */
static bool all_reserved(const struct eip *eip, const struct range *range, uint8_t proto)
{
	for (uint32_t port = range->first; port <= range->last; port++)
		if (!ports_include(&eip->reserved, proto, (uint16_t)port))
			return false;
	return true;
}

static void check_eip(struct check *c, size_t i, size_t j, struct seen *users)
{
	const struct snat *snat = &c->plan->snat[i];
	const char *name = snat->eips.item[j];
	const struct eip *eip = plan_eip(c->plan, name), *first_eip = plan_eip(c->plan, snat->eips.item[0]);
	const struct fip *fip = fip_of(c, name);
	char text[ADDRESS_TEXT];
	struct below b;
	size_t first;

	below(&b, &snat->place, ".eips[%zu]", j);
	if (!known(c, NOUN_EIP, name, &b.place))
		return;
	check_external_of(c, snat->vpc, eip, &b.place);
	if (fip)
		report_error(c->report, &b.place,
			     "EIP %s is that of FIP \"%s\", expected it as FIP or SNAT, not both", name,
			     fip->name);
	/* A workload's way out must not depend on which EIP its hash gives it. */
	if (first_eip && strcmp(first_eip->network, eip->network) != 0)
		report_error(c->report, &b.place,
			     "EIP %s is in network %s and EIP %s in %s, expected EIPs of one network", name,
			     eip->network, first_eip->name, first_eip->network);
	for (size_t k = 0; k < j; k++)
		if (!strcmp(snat->eips.item[k], name)) {
			report_error(c->report, &b.place, "EIP %s stands twice, expected it once", name);
			break;
		}
	for (int k = 0; k < 2; k++)
		if (all_reserved(eip, &snat->ports, k ? IPPROTO_UDP : IPPROTO_TCP)) {
			report_error(c->report, &b.place,
				     "EIP %s reserves every %s port of %u-%u, expected some to be given to "
				     "sources",
				     name, k ? "udp" : "tcp", snat->ports.first, snat->ports.last);
			break;
		}
	first = seen_add(users, (struct seen_key){ .a = eip->address }, i);
	if (first != SIZE_MAX && strcmp(c->plan->snat[first].vpc, snat->vpc) != 0)
		report_error(c->report, &b.place,
			     "EIP %s (%s) carries VPC %s already (snat \"%s\"), expected one VPC for each",
			     name, address_text(eip->address, text), c->plan->snat[first].vpc,
			     c->plan->snat[first].name);
}

static void check_to(struct check *c, const struct snat *snat)
{
	for (size_t i = 0; i < snat->to.count; i++) {
		const struct selector *s = &snat->to.item[i];
		const struct network *network = s->name ? plan_network(c->plan, s->name) : NULL;
		const struct group *group = s->name ? plan_group(c->plan, s->name) : NULL;

		if (s->kind != SELECT_WORLD && s->kind != SELECT_CIDR && s->kind != SELECT_NETWORK &&
		    s->kind != SELECT_GROUP)
			report_error(c->report, &s->place,
				     "no destination of an snat, expected world, cidr:PREFIX, network:NAME "
				     "or group:NAME");
		else if (s->kind == SELECT_NETWORK && network && !network->external)
			report_error(c->report, &s->place,
				     "network %s is not external, expected one with \"external\": true",
				     network->name);
		else if (s->kind == SELECT_GROUP && group && group->labels.count)
			report_error(c->report, &s->place,
				     "group %s is made by labels of workloads, expected one of addresses",
				     group->name);
	}
}

/* --- two rules for one source and destination */

struct counting {
	size_t count;
};

static bool count_one(void *context, struct prefix prefix, const struct selector *from)
{
	struct counting *counting = context;

	(void)prefix;
	(void)from;
	return ++counting->count <= SL_MAX_SNAT_TO;
}

struct pairing {
	struct check *c;
	struct seen *pairs;
	size_t snat;
	size_t from;
	size_t vpc;
};

static struct seen_key pair_key(const struct pairing *p, struct prefix to)
{
	struct prefix from = p->c->plan->snat[p->snat].from.item[p->from];

	return (struct seen_key){ .a = (uint64_t)p->vpc << 38 | (uint64_t)from.addr << 6 | from.len,
				  .b = (uint64_t)to.addr << 6 | to.len };
}

static bool pair_one(void *context, struct prefix to, const struct selector *selector)
{
	const struct pairing *p = context;
	const struct snat *snat = &p->c->plan->snat[p->snat];
	size_t first = seen_add(p->pairs, pair_key(p, to), p->snat);
	char from_text[PREFIX_TEXT], to_text[PREFIX_TEXT], place[OTHER_TEXT];
	const struct place *where;
	struct below b;

	if (first == SIZE_MAX)
		return true;
	prefix_text(snat->from.item[p->from], from_text);
	prefix_text(to, to_text);
	if (selector)
		where = &selector->place;
	else
		where = below(&b, &snat->place, ".from[%zu]", p->from);
	if (first == p->snat)
		report_error(p->c->report, where, "%s to %s stands twice in snat \"%s\", expected it once",
			     from_text, to_text, snat->name);
	else
		report_error(p->c->report, where,
			     "snat \"%s\" carries %s to %s, and so does snat \"%s\" (%s), expected one of "
			     "both",
			     snat->name, from_text, to_text, p->c->plan->snat[first].name,
			     other_place(where, &p->c->plan->snat[first].place, place));
	return false; /* one line for two rules */
}

/* After all destinations are known. */
static void check_except(const struct pairing *p, size_t i)
{
	const struct snat *snat = &p->c->plan->snat[p->snat];
	size_t first = seen_find(p->pairs, pair_key(p, snat->except.item[i]));
	char text[PREFIX_TEXT];
	struct below b;

	if (first != SIZE_MAX)
		report_error(p->c->report, below(&b, &snat->place, ".except[%zu]", i),
			     "%s is a destination of snat \"%s\", expected one of both",
			     prefix_text(snat->except.item[i], text), p->c->plan->snat[first].name);
}

static void each_pair(struct check *c, struct seen *pairs, bool except)
{
	struct pairing p = { .c = c, .pairs = pairs };

	for (p.snat = 0; p.snat < c->plan->snat_count; p.snat++) {
		const struct snat *snat = &c->plan->snat[p.snat];

		p.vpc = vpc_index(c, snat->vpc);
		if (p.vpc == SIZE_MAX)
			continue;
		for (p.from = 0; p.from < snat->from.count; p.from++) {
			if (!except && !destinations_each(c->plan, snat, NULL, pair_one, &p))
				break;
			for (size_t i = 0; except && i < snat->except.count; i++)
				check_except(&p, i);
		}
	}
}

static void check_pairs(struct check *c)
{
	size_t total = 0;
	struct seen pairs;

	for (size_t i = 0; i < c->plan->snat_count; i++) {
		const struct snat *snat = &c->plan->snat[i];
		struct counting counting = { .count = 0 };

		destinations_each(c->plan, snat, NULL, count_one, &counting);
		total += snat->from.count * counting.count;
		if (total > SL_MAX_SNAT_TO) {
			report_error(c->report, &snat->place,
				     "sources times destinations are more than %u here, expected fewer or "
				     "larger prefixes",
				     SL_MAX_SNAT_TO);
			return;
		}
	}
	pairs = seen_new(c->scratch, total);
	each_pair(c, &pairs, false);
	each_pair(c, &pairs, true);
}

/* --- exceptions */

struct holding {
	struct prefix except;
	bool held;
};

static bool holds(void *context, struct prefix prefix, const struct selector *from)
{
	struct holding *holding = context;

	(void)from;
	holding->held = prefix_covers(prefix, holding->except);
	return !holding->held;
}

static void check_excepts(struct check *c, const struct snat *snat)
{
	char text[PREFIX_TEXT];
	struct below b;

	for (size_t i = 0; i < snat->except.count; i++) {
		struct holding holding = { .except = snat->except.item[i] };

		destinations_each(c->plan, snat, NULL, holds, &holding);
		if (!holding.held)
			report_warning(c->report, below(&b, &snat->place, ".except[%zu]", i),
				       "%s is none of the rule's destinations and excepts nothing, expected "
				       "a part of \"to\"",
				       prefix_text(holding.except, text));
	}
}

void check_snat(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen names = seen_new(c->scratch, plan->snat_count), users;
	char text[PREFIX_TEXT];
	size_t uses = 0;
	struct below b;

	for (size_t i = 0; i < plan->snat_count; i++)
		uses += plan->snat[i].eips.count;
	users = seen_new(c->scratch, uses);
	for (size_t i = 0; i < plan->snat_count; i++) {
		const struct snat *snat = &plan->snat[i];

		if (seen_add(&names, (struct seen_key){ .text = snat->name }, i) != SIZE_MAX)
			report_error(c->report, below(&b, &snat->place, ".name"),
				     "another snat is named \"%s\", expected a name of its own", snat->name);
		for (size_t j = 0; j < snat->eips.count; j++)
			check_eip(c, i, j, &users);
		check_to(c, snat);
		check_excepts(c, snat);
		if (!known(c, NOUN_VPC, snat->vpc, below(&b, &snat->place, ".vpc")))
			continue;
		for (size_t j = 0; j < snat->from.count; j++)
			if (!overlaps_vpc(c, snat->vpc, snat->from.item[j]))
				report_error(c->report, below(&b, &snat->place, ".from[%zu]", j),
					     "%s is in no network of VPC %s, expected addresses of the VPC",
					     prefix_text(snat->from.item[j], text), snat->vpc);
	}
	check_pairs(c);
}

/* --- the node's own address */

static bool leaves_by_nodes(const struct plan *plan, const struct cluster *cluster)
{
	for (size_t i = 0; i < plan->network_count; i++) {
		const struct site *site = network_site(&plan->networks[i], cluster->name);

		if (site && site->nat_outgoing)
			return true;
	}
	return false;
}

void check_nat_outgoing(struct check *c)
{
	/* net.ipv4.ip_local_port_range as Linux sets it; nobody else may hand these out. */
	const struct range own = { 32768, 60999 };
	struct below b;

	for (size_t i = 0; i < c->plan->cluster_count; i++) {
		const struct cluster *cluster = &c->plan->clusters[i];
		const struct range *ports = &cluster->nat_outgoing.ports;

		if (ports->last < own.first || ports->first > own.last || !leaves_by_nodes(c->plan, cluster))
			continue;
		report_warning(c->report, below(&b, &cluster->nat_outgoing.place, ".ports"),
			       "%u-%u are ports that a node takes for its own connections (%u-%u unless "
			       "net.ipv4.ip_local_port_range says otherwise), expected a range apart",
			       ports->first, ports->last, own.first, own.last);
	}
}
