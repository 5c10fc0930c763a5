/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outside addresses: EIPs that are nobody's to give, EIPs given twice, FIPs that lead nowhere. SNAT is in
 * check_snat.c.
 */
#include <netinet/in.h>
#include <string.h>
#include "outside.h"

#define MOST_RESERVED 4096

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
	size_t workload = occupants_find(&c->addresses, vpc_index(c, network->vpc), eip->address);
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

static bool site_has(const struct site *site, uint32_t address)
{
	for (size_t i = 0; i < site->cidrs.count; i++)
		if (prefix_has(site->cidrs.item[i], address))
			return true;
	return false;
}

static void check_eip_nodes(struct check *c, const struct eip *eip, const struct network *network)
{
	const struct cluster *cluster;
	const struct site *site;
	char text[ADDRESS_TEXT];
	struct below b;

	for (size_t i = 0; i < eip->nodes.count; i++) {
		below(&b, &eip->place, ".nodes[%zu]", i);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(eip->nodes.item[i], eip->nodes.item[j])) {
				report_error(c->report, &b.place, "node %s stands twice, expected it once",
					     eip->nodes.item[i]);
				break;
			}
		if (!known(c, NOUN_NODE, eip->nodes.item[i], &b.place))
			continue;
		plan_node(c->plan, eip->nodes.item[i], &cluster);
		site = network ? network_site(network, cluster->name) : NULL;
		if (network && !site)
			report_error(c->report, &b.place,
				     "network %s has no site in cluster %s of node %s, expected one",
				     network->name, cluster->name, eip->nodes.item[i]);
		if (site && network->site_count > 1 && !site_has(site, eip->address))
			report_error(
				c->report, &b.place,
				"node %s is in cluster %s, where %s is in no CIDR of network %s, expected "
				"a node of the cluster whose it is",
				eip->nodes.item[i], cluster->name, address_text(eip->address, text),
				network->name);
	}
}

/* Each is a row of a table. */
static void check_reserved(struct check *c, const struct eip *eip)
{
	size_t count = 0;
	struct below b;

	for (size_t i = 0; i < eip->reserved.count; i++) {
		const struct port *port = &eip->reserved.item[i];

		if (port->any || (port->proto != IPPROTO_TCP && port->proto != IPPROTO_UDP))
			report_error(c->report, below(&b, &eip->place, ".reserved[%zu]", i),
				     "only ports of tcp and udp are handed out, expected tcp/22, udp/53 or "
				     "tcp/8000-8100");
		else
			count += port->last - port->first + 1U;
	}
	if (count > MOST_RESERVED)
		report_error(c->report, below(&b, &eip->place, ".reserved"),
			     "%zu ports are reserved, expected at most %d; or a smaller \"ports\" in snat",
			     count, MOST_RESERVED);
}

static void check_each_eip(struct check *c)
{
	const struct plan *plan = c->plan;
	char text[ADDRESS_TEXT];
	struct below b;

	c->eips = seen_new(c->scratch, plan->eip_count);
	for (size_t i = 0; i < plan->eip_count; i++) {
		const struct eip *eip = &plan->eips[i];
		const struct network *network = plan_network(plan, eip->network);
		size_t first = seen_add(&c->eips, (struct seen_key){ .a = eip->address }, i);

		if (first != SIZE_MAX)
			report_error(c->report, below(&b, &eip->place, ".address"),
				     "%s is also EIP %s, expected each address under one name",
				     address_text(eip->address, text), plan->eips[first].name);
		known(c, NOUN_NETWORK, eip->network, below(&b, &eip->place, ".network"));
		check_eip_nodes(c, eip, network);
		check_reserved(c, eip);
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

const struct fip *fip_of(const struct check *c, const char *eip)
{
	size_t i = seen_find(&c->fips, (struct seen_key){ .text = eip });

	return i == SIZE_MAX ? NULL : &c->plan->fips[i];
}

const struct eip *eip_at(const struct check *c, uint32_t address)
{
	size_t i = seen_find(&c->eips, (struct seen_key){ .a = address });

	return i == SIZE_MAX ? NULL : &c->plan->eips[i];
}

void check_guests(struct check *c, const struct strings *vpcs, const char *own, const struct place *place)
{
	struct below b;

	for (size_t i = 0; i < vpcs->count; i++) {
		below(&b, place, ".from_vpcs[%zu]", i);
		if (!known(c, NOUN_VPC, vpcs->item[i], &b.place))
			continue;
		if (!strcmp(vpcs->item[i], own))
			report_warning(c->report, &b.place,
				       "VPC %s is its own and may use it anyway, expected other VPCs", own);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(vpcs->item[j], vpcs->item[i])) {
				report_error(c->report, &b.place, "VPC %s stands twice, expected it once",
					     vpcs->item[i]);
				break;
			}
	}
}

/* The way back is the way in: where the EIP's network is not, an answer could not leave. */
static void check_fip_home(struct check *c, const struct fip *fip, const struct eip *eip)
{
	size_t i = occupants_find(&c->addresses, vpc_index(c, fip->vpc), fip->address);
	const struct cluster *home = i == SIZE_MAX ? NULL : c->placed[i].cluster;
	const struct network *network = plan_network(c->plan, eip->network);
	char text[ADDRESS_TEXT];
	struct below b;

	if (home && network && !network_site(network, home->name))
		report_error(c->report, below(&b, &fip->place, ".address"),
			     "%s is in cluster %s, where network %s of EIP %s has no site, expected one",
			     address_text(fip->address, text), home->name, network->name, eip->name);
}

/* A FIP's packets all go to its workload: nothing is left that the EIP could say of itself. */
static void check_whole(struct check *c, const struct fip *fip, const struct eip *eip)
{
	struct below b;

	if (eip->echo != ECHO_UNSAID)
		report_error(c->report, below(&b, &eip->place, ".echo"),
			     "the EIP is that of FIP \"%s\", whose workload answers pings, expected none",
			     fip->name);
	if (eip->reserved.count)
		report_error(c->report, below(&b, &eip->place, ".reserved"),
			     "the EIP is that of FIP \"%s\", which has all its ports, expected none",
			     fip->name);
}

static void check_fip(struct check *c, size_t i, struct seen *inside)
{
	const struct plan *plan = c->plan;
	const struct fip *fip = &plan->fips[i];
	const struct site *site = NULL;
	char text[ADDRESS_TEXT], net[PREFIX_TEXT];
	struct below b;
	size_t first;

	if (known(c, NOUN_EIP, fip->eip, below(&b, &fip->place, ".eip"))) {
		const struct eip *eip = plan_eip(plan, fip->eip);

		check_external_of(c, fip->vpc, eip, &b.place);
		first = seen_find(&c->fips, (struct seen_key){ .text = fip->eip });
		if (first == i)
			check_whole(c, fip, eip);
		else if (first != SIZE_MAX)
			report_error(c->report, &b.place,
				     "EIP %s is also that of FIP \"%s\", expected one FIP for each", fip->eip,
				     plan->fips[first].name);
		check_fip_home(c, fip, eip);
	}
	check_guests(c, &fip->from_vpcs, fip->vpc, &fip->place);
	if (!known(c, NOUN_VPC, fip->vpc, below(&b, &fip->place, ".vpc")))
		return;
	below(&b, &fip->place, ".address");
	if (!network_of(c, fip->vpc, fip->address, &site))
		report_error(c->report, &b.place,
			     "%s is in no network of VPC %s, expected an address of the VPC",
			     address_text(fip->address, text), fip->vpc);
	for (size_t k = 0; site && k < site->cidrs.count; k++) {
		const struct prefix cidr = site->cidrs.item[k];
		const char *reserved = prefix_has(cidr, fip->address)
					       ? reserved_in(cidr, site->gateway, fip->address)
					       : NULL;

		if (reserved)
			report_error(c->report, &b.place, "%s is %s of %s, expected a host's address",
				     address_text(fip->address, text), reserved, prefix_text(cidr, net));
	}
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
	struct seen inside = seen_new(c->scratch, plan->fip_count);
	struct below b;

	c->fips = seen_new(c->scratch, plan->fip_count);
	for (size_t i = 0; i < plan->fip_count; i++)
		seen_add(&c->fips, (struct seen_key){ .text = plan->fips[i].eip }, i);
	check_each_eip(c);
	check_snat(c);
	check_nat_outgoing(c);
	for (size_t i = 0; i < plan->fip_count; i++) {
		if (seen_add(&names, (struct seen_key){ .text = plan->fips[i].name }, i) != SIZE_MAX)
			report_error(c->report, below(&b, &plan->fips[i].place, ".name"),
				     "another FIP is named \"%s\", expected a name of its own",
				     plan->fips[i].name);
		check_fip(c, i, &inside);
	}
}
