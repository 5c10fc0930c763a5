/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VPCs and networks: ids that stand twice, names that lead nowhere, sites without substance, gateways
 * outside their CIDRs, addresses called routable that the Internet does not route.
 */
#include <string.h>
#include "../../include/limits.h"
#include "check.h"

static void check_external(struct check *c, const char *name, const struct place *where)
{
	const struct network *network = plan_network(c->plan, name);

	if (known(c, NOUN_NETWORK, name, where) && !network->external)
		report_error(c->report, where,
			     "network %s is not external, expected one with \"external\": true", name);
}

void check_vpcs(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen ids = seen_new(c->scratch, plan->vpc_count);
	struct below b;

	for (size_t i = 0; i < plan->vpc_count; i++) {
		const struct vpc *vpc = &plan->vpcs[i];

		if (vpc->id) {
			size_t first = seen_add(&ids, (struct seen_key){ .a = vpc->id }, i);

			if (first != SIZE_MAX)
				report_error(c->report, below(&b, &vpc->place, ".id"),
					     "id %u is also that of VPC %s, expected an id of its own",
					     vpc->id, plan->vpcs[first].name);
		}
		if (vpc->external)
			check_external(c, vpc->external, below(&b, &vpc->place, ".external"));
		for (size_t j = 0; j < vpc->extra_external.count; j++)
			check_external(c, vpc->extra_external.item[j],
				       below(&b, &vpc->place, ".extra_external[%zu]", j));
	}
	if (plan->vpc_count > SL_MAX_VPC)
		report_error(c->report, NULL, "the plan has %zu VPCs, expected at most %d", plan->vpc_count,
			     SL_MAX_VPC);
}

static void check_routable(struct check *c, const struct site *site)
{
	static const struct {
		struct prefix range;
		const char *what;
	} PRIVATE[] = {
		{ { 0x64400000, 10 }, "RFC 6598 space (100.64.0.0/10)" },
		{ { 0x0a000000, 8 }, "private (10.0.0.0/8)" },
		{ { 0xac100000, 12 }, "private (172.16.0.0/12)" },
		{ { 0xc0a80000, 16 }, "private (192.168.0.0/16)" },
	};
	char text[PREFIX_TEXT];
	struct below b;

	for (size_t i = 0; i < site->cidrs.count; i++)
		for (size_t j = 0; j < sizeof(PRIVATE) / sizeof(PRIVATE[0]); j++)
			if (prefix_has(PRIVATE[j].range, site->cidrs.item[i].addr))
				report_error(c->report, below(&b, &site->place, ".cidrs[%zu]", i),
					     "%s is %s and the network is Internet-routable, expected "
					     "\"routable\": "
					     "false",
					     prefix_text(site->cidrs.item[i], text), PRIVATE[j].what);
}

static void check_gateway(struct check *c, const struct site *site)
{
	char text[ADDRESS_TEXT], cidr[PREFIX_TEXT];
	struct below b;

	if (!site->gateway)
		return;
	below(&b, &site->place, ".gateway");
	for (size_t i = 0; i < site->cidrs.count; i++) {
		const char *reserved = reserved_in(site->cidrs.item[i], 0, site->gateway);

		if (!prefix_has(site->cidrs.item[i], site->gateway))
			continue;
		if (reserved)
			report_error(c->report, &b.place, "%s is %s of %s, expected a host's address",
				     address_text(site->gateway, text), reserved,
				     prefix_text(site->cidrs.item[i], cidr));
		return;
	}
	report_error(c->report, &b.place,
		     "%s lies outside the network's cidrs there, expected an address within",
		     address_text(site->gateway, text));
}

/* The uplink must exist where the network is to be carried. */
static void check_uplink(struct check *c, const struct site *site)
{
	const struct cluster *cluster = plan_cluster(c->plan, site->cluster);
	const struct node *without = NULL;
	size_t with = 0;
	struct below b;

	if (!site->uplink || !cluster)
		return;
	below(&b, &site->place, ".uplink");
	for (size_t i = 0; i < cluster->node_count; i++) {
		bool has = false;

		for (size_t j = 0; j < cluster->nodes[i].uplink_count; j++)
			has |= !strcmp(cluster->nodes[i].uplinks[j].name, site->uplink);
		if (has)
			with++;
		else if (!without)
			without = &cluster->nodes[i];
	}
	if (!with)
		report_error(c->report, &b.place,
			     "no node of cluster %s has an uplink %s, expected one that exists",
			     cluster->name, site->uplink);
	else if (without)
		report_warning(c->report, &b.place,
			       "node %s has no uplink %s, expected it on every node of cluster %s",
			       without->name, site->uplink, cluster->name);
}

static void check_site(struct check *c, const struct network *network, const struct site *site)
{
	struct below b;

	known(c, NOUN_CLUSTER, site->cluster, &site->place);
	if (!site->vlan && !site->vni && !site->overlay)
		report_error(c->report, &site->place,
			     "nothing carries the network here, expected \"vlan\", \"vni\" or "
			     "\"overlay\": true");
	if (site->vlan && (site->vni || site->overlay))
		report_error(c->report, &site->place,
			     "the network is both a VLAN and an overlay here, expected one");
	if (site->uplink && !site->vlan)
		report_error(c->report, below(&b, &site->place, ".uplink"),
			     "an overlay has no uplink, expected it with \"vlan\" only");
	if (network->external && site->nat_outgoing)
		report_error(c->report, below(&b, &site->place, ".nat_outgoing"),
			     "the network is external already, expected it on inner networks only");
	if (network->external && network->routable)
		check_routable(c, site);
	check_gateway(c, site);
	check_uplink(c, site);
}

void check_networks(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen ids = seen_new(c->scratch, plan->network_count);
	struct below b;

	for (size_t i = 0; i < plan->network_count; i++) {
		const struct network *network = &plan->networks[i];
		size_t first = seen_add(&ids, (struct seen_key){ .a = network->id }, i);

		if (first != SIZE_MAX)
			report_error(c->report, below(&b, &network->place, ".id"),
				     "id %u is also that of network %s, expected an id of its own",
				     network->id, plan->networks[first].name);
		known(c, NOUN_VPC, network->vpc, below(&b, &network->place, ".vpc"));
		if (!network->site_count)
			report_warning(c->report, below(&b, &network->place, ".sites"),
				       "the network exists in no cluster, expected at least one site");
		for (size_t j = 0; j < network->site_count; j++)
			check_site(c, network, &network->sites[j]);
	}
}
