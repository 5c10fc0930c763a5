/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outside addresses: EIPs that are nobody's to give, EIPs given twice, SNAT and FIPs that lead nowhere.
 */
#include <string.h>
#include "outside.h"

static void check_host_address(struct check *c, const struct eip *eip, const struct network *network)
{
	char text[ADDRESS_TEXT], cidr[PREFIX_TEXT];
	const char *reserved;
	struct below b;

	below(&b, &eip->place, ".address");
	for (size_t i = 0; i < network->site_count; i++) {
		const struct site *site = &network->sites[i];

		for (size_t j = 0; j < site->cidrs.count; j++) {
			if (!prefix_has(site->cidrs.item[j], eip->address))
				continue;
			reserved = reserved_in(site->cidrs.item[j], site->gateway, eip->address);
			if (reserved)
				report_error(c->report, &b.place, "%s is %s of %s, expected a free address",
					     address_text(eip->address, text), reserved,
					     prefix_text(site->cidrs.item[j], cidr));
			return;
		}
	}
	report_error(c->report, &b.place, "%s is outside network %s, expected an address of its cidrs",
		     address_text(eip->address, text), network->name);
}

static void check_free(struct check *c, const struct eip *eip, const struct network *network)
{
	struct seen_key key = { .a = vpc_index(c, network->vpc), .b = eip->address };
	size_t workload = seen_find(&c->addresses, key);
	char text[ADDRESS_TEXT];
	struct below b;

	if (workload != SIZE_MAX)
		report_error(c->report, below(&b, &eip->place, ".address"),
			     "%s is the address of workload %s, expected a free address",
			     address_text(eip->address, text), c->plan->workloads[workload].name);
	for (size_t i = 0; i < c->plan->cluster_count; i++)
		for (size_t j = 0; j < c->plan->clusters[i].node_count; j++) {
			const struct node *node = &c->plan->clusters[i].nodes[j];

			for (size_t k = 0; k < node->addresses.count; k++)
				if (node->addresses.item[k].first == eip->address)
					report_error(c->report, below(&b, &eip->place, ".address"),
						     "%s is an address of node %s, expected a free address",
						     address_text(eip->address, text), node->name);
		}
}

static void check_eip_nodes(struct check *c, const struct eip *eip, const struct network *network)
{
	const struct cluster *cluster;
	struct below b;

	for (size_t i = 0; i < eip->nodes.count; i++) {
		below(&b, &eip->place, ".nodes[%zu]", i);
		if (!known(c, NOUN_NODE, eip->nodes.item[i], &b.place))
			continue;
		plan_node(c->plan, eip->nodes.item[i], &cluster);
		if (network && !network_site(network, cluster->name))
			report_error(c->report, &b.place,
				     "network %s has no site in cluster %s of node %s, expected one",
				     network->name, cluster->name, eip->nodes.item[i]);
	}
}

static void check_each_eip(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen addresses = seen_new(c->scratch, plan->eip_count);
	char text[ADDRESS_TEXT];
	struct below b;

	for (size_t i = 0; i < plan->eip_count; i++) {
		const struct eip *eip = &plan->eips[i];
		const struct network *network = plan_network(plan, eip->network);
		size_t first = seen_add(&addresses, (struct seen_key){ .a = eip->address }, i);

		if (first != SIZE_MAX)
			report_error(c->report, below(&b, &eip->place, ".address"),
				     "%s is also EIP %s, expected each address under one name",
				     address_text(eip->address, text), plan->eips[first].name);
		known(c, NOUN_NETWORK, eip->network, below(&b, &eip->place, ".network"));
		check_eip_nodes(c, eip, network);
		if (!network)
			continue;
		if (!network->external)
			report_error(c->report, below(&b, &eip->place, ".network"),
				     "network %s is not external, expected one with \"external\": true",
				     network->name);
		check_host_address(c, eip, network);
		check_free(c, eip, network);
	}
}

void check_external_of(struct check *c, const char *name, const struct eip *eip, const struct place *where)
{
	const struct vpc *vpc = plan_vpc(c->plan, name);

	if (!vpc || !vpc->external || !strcmp(vpc->external, eip->network))
		return;
	for (size_t i = 0; i < vpc->extra_external.count; i++)
		if (!strcmp(vpc->extra_external.item[i], eip->network))
			return;
	report_error(c->report, where,
		     "EIP %s is in network %s, which is not an external network of VPC %s, expected it in "
		     "\"external\" "
		     "or \"extra_external\"",
		     eip->name, eip->network, name);
}

const struct fip *fip_of(const struct plan *plan, const char *eip)
{
	for (size_t i = 0; i < plan->fip_count; i++)
		if (!strcmp(plan->fips[i].eip, eip))
			return &plan->fips[i];
	return NULL;
}

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

static void check_snat_eip(struct check *c, size_t i, size_t j, struct seen *users)
{
	const struct snat *snat = &c->plan->snat[i];
	const char *name = snat->eips.item[j];
	const struct eip *eip = plan_eip(c->plan, name);
	const struct fip *fip = fip_of(c->plan, name);
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
	first = seen_add(users, (struct seen_key){ .a = eip->address }, i);
	if (first != SIZE_MAX && strcmp(c->plan->snat[first].vpc, snat->vpc) != 0)
		report_error(c->report, &b.place,
			     "EIP %s (%s) carries VPC %s already (snat \"%s\"), expected one VPC for each",
			     name, address_text(eip->address, text), c->plan->snat[first].vpc,
			     c->plan->snat[first].name);
}

static void check_snat(struct check *c)
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
			check_snat_eip(c, i, j, &users);
		if (!known(c, NOUN_VPC, snat->vpc, below(&b, &snat->place, ".vpc")))
			continue;
		for (size_t j = 0; j < snat->from.count; j++)
			if (!overlaps_vpc(c, snat->vpc, snat->from.item[j]))
				report_error(c->report, below(&b, &snat->place, ".from[%zu]", j),
					     "%s is in no network of VPC %s, expected addresses of the VPC",
					     prefix_text(snat->from.item[j], text), snat->vpc);
	}
}

static void check_fip(struct check *c, size_t i, struct seen *eips, struct seen *inside)
{
	const struct plan *plan = c->plan;
	const struct fip *fip = &plan->fips[i];
	char text[ADDRESS_TEXT];
	struct below b;
	size_t first;

	if (known(c, NOUN_EIP, fip->eip, below(&b, &fip->place, ".eip"))) {
		check_external_of(c, fip->vpc, plan_eip(plan, fip->eip), &b.place);
		first = seen_add(eips, (struct seen_key){ .text = fip->eip }, i);
		if (first != SIZE_MAX)
			report_error(c->report, &b.place,
				     "EIP %s is also that of FIP \"%s\", expected one FIP for each", fip->eip,
				     plan->fips[first].name);
	}
	if (!known(c, NOUN_VPC, fip->vpc, below(&b, &fip->place, ".vpc")))
		return;
	below(&b, &fip->place, ".address");
	if (!network_of(c, fip->vpc, fip->address, NULL))
		report_error(c->report, &b.place,
			     "%s is in no network of VPC %s, expected an address of the VPC",
			     address_text(fip->address, text), fip->vpc);
	first = seen_add(inside, (struct seen_key){ .a = fip->address, .text = fip->vpc }, i);
	if (first != SIZE_MAX)
		report_error(c->report, &b.place,
			     "%s has the FIP \"%s\" already, expected one FIP for each address",
			     address_text(fip->address, text), plan->fips[first].name);
}

void check_eips(struct check *c)
{
	const struct plan *plan = c->plan;
	struct seen names = seen_new(c->scratch, plan->fip_count);
	struct seen eips = seen_new(c->scratch, plan->fip_count);
	struct seen inside = seen_new(c->scratch, plan->fip_count);
	struct below b;

	check_each_eip(c);
	check_snat(c);
	for (size_t i = 0; i < plan->fip_count; i++) {
		if (seen_add(&names, (struct seen_key){ .text = plan->fips[i].name }, i) != SIZE_MAX)
			report_error(c->report, below(&b, &plan->fips[i].place, ".name"),
				     "another FIP is named \"%s\", expected a name of its own",
				     plan->fips[i].name);
		check_fip(c, i, &eips, &inside);
	}
}
