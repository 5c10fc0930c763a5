/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workloads: whether each is where its network is, and alone with its address, interface and MAC. There
 * may be 100,000 of them: one pass, no comparison of all with all.
 */
#include <stdio.h>
#include <string.h>
#include "../../include/limits.h"
#include "check.h"

/* Every check of one workload asks for these again and again; runs of equal names are common. */
static void place_all(struct check *c)
{
	const struct plan *plan = c->plan;
	const char *last_network = NULL, *last_node = NULL;
	struct placed last = { 0 };

	for (size_t i = 0; i < plan->workload_count; i++) {
		const struct workload *w = &plan->workloads[i];

		if (!last_network || strcmp(last_network, w->network) != 0)
			last.network = plan_network(plan, w->network);
		if (!last_node || strcmp(last_node, w->node) != 0) {
			last.cluster = NULL;
			last.node = plan_node(plan, w->node, &last.cluster);
		}
		last_network = w->network;
		last_node = w->node;
		last.site =
			last.network && last.cluster ? network_site(last.network, last.cluster->name) : NULL;
		c->placed[i] = last;
	}
}

static const struct prefix *cidr_of(const struct site *site, uint32_t address)
{
	for (size_t i = 0; i < site->cidrs.count; i++)
		if (prefix_has(site->cidrs.item[i], address))
			return &site->cidrs.item[i];
	return NULL;
}

static void check_address(struct check *c, size_t i)
{
	const struct workload *w = &c->plan->workloads[i];
	const struct placed *p = &c->placed[i];
	const struct prefix *cidr;
	const char *reserved;
	char text[ADDRESS_TEXT], net[PREFIX_TEXT];
	struct below b;

	if (!p->network || !p->cluster)
		return;
	if (!p->site) {
		report_error(c->report, below(&b, &w->place, ".network"),
			     "network %s has no site in cluster %s of node %s, expected one", w->network,
			     p->cluster->name, w->node);
		return;
	}
	cidr = cidr_of(p->site, w->address);
	if (!cidr) {
		report_error(
			c->report, below(&b, &w->place, ".address"),
			"%s is outside the cidrs of network %s in cluster %s, expected an address within",
			address_text(w->address, text), w->network, p->cluster->name);
		return;
	}
	reserved = reserved_in(*cidr, p->site->gateway, w->address);
	if (reserved)
		report_error(c->report, below(&b, &w->place, ".address"),
			     "%s is %s of %s, expected a host's address", address_text(w->address, text),
			     reserved, prefix_text(*cidr, net));
}

static struct seen_key address_key(const struct check *c, const struct network *network, uint32_t address)
{
	return (struct seen_key){ .a = vpc_index(c, network->vpc), .b = address };
}

static void check_address_once(struct check *c, size_t i)
{
	const struct workload *w = &c->plan->workloads[i];
	char text[ADDRESS_TEXT];
	struct below b;
	size_t first;

	if (!c->placed[i].network)
		return;
	first = seen_add(&c->addresses, address_key(c, c->placed[i].network, w->address), i);
	if (first != SIZE_MAX)
		report_error(c->report, below(&b, &w->place, ".address"),
			     "%s is also the address of workload %s in VPC %s, expected one of its own",
			     address_text(w->address, text), c->plan->workloads[first].name,
			     c->placed[i].network->vpc);
}

static void check_name_once(struct check *c, size_t i, struct seen *names)
{
	const struct workload *w = &c->plan->workloads[i];
	struct below b;
	size_t first = seen_add(names,
				(struct seen_key){ .a = (uintptr_t)c->placed[i].network,
						   .b = (uintptr_t)c->placed[i].cluster,
						   .text = w->name },
				i);

	if (first != SIZE_MAX && c->placed[i].network)
		report_error(c->report, below(&b, &w->place, ".name"),
			     "network %s already has a workload %s, expected a name of its own", w->network,
			     w->name);
}

static void check_interface(struct check *c, size_t i, struct seen *interfaces)
{
	const struct workload *w = &c->plan->workloads[i];
	const struct node *node = c->placed[i].node;
	struct below b;
	size_t first;

	if (!w->interface || !node)
		return;
	for (size_t j = 0; j < node->uplink_count; j++)
		if (!strcmp(node->uplinks[j].name, w->interface))
			report_error(c->report, below(&b, &w->place, ".interface"),
				     "%s is an uplink of node %s, expected the workload's own", w->interface,
				     w->node);
	first = seen_add(interfaces, (struct seen_key){ .a = (uintptr_t)node, .text = w->interface }, i);
	if (first != SIZE_MAX && c->placed[first].network != c->placed[i].network)
		report_error(c->report, below(&b, &w->place, ".interface"),
			     "%s of node %s is in network %s as workload %s, expected one network on one "
			     "interface",
			     w->interface, w->node, c->plan->workloads[first].network,
			     c->plan->workloads[first].name);
}

static void check_mac(struct check *c, size_t i, struct seen *macs)
{
	static const uint8_t ROUTER[6] = SL_ROUTER_MAC, ZERO[6];
	const struct workload *w = &c->plan->workloads[i], *other;
	const uint8_t *m = w->mac;
	const char *what = m[0] & 1				? "a multicast MAC"
			   : !memcmp(m, ZERO, sizeof(ZERO))	? "the zero MAC"
			   : !memcmp(m, ROUTER, sizeof(ROUTER)) ? "the MAC of sluice's own gateway"
								: NULL;
	uint64_t number = 0;
	struct below b;
	size_t first;

	if (!w->has_mac)
		return;
	if (what) {
		report_error(c->report, below(&b, &w->place, ".mac"),
			     "%s, expected a unicast one such as 02:00:00:00:66:0b", what);
		return;
	}
	if (!c->placed[i].site)
		return;
	for (int j = 0; j < 6; j++)
		number = number << 8 | m[j];
	first = seen_add(macs, (struct seen_key){ .a = (uintptr_t)c->placed[i].site, .b = number }, i);
	if (first == SIZE_MAX)
		return;
	other = &c->plan->workloads[first];
	/* Two addresses of one interface have one MAC. */
	if (c->placed[first].node == c->placed[i].node && other->interface && w->interface &&
	    !strcmp(other->interface, w->interface))
		return;
	report_error(c->report, below(&b, &w->place, ".mac"),
		     "the MAC of workload %s in the same network, expected one of its own", other->name);
}

/* One line for a network, not for each of its workloads. */
struct lacking {
	size_t label;
	size_t first_label;
	size_t mac;
	size_t first_mac;
};

static bool has_label(const struct workload *w, const char *key)
{
	for (size_t i = 0; i < w->labels.count; i++)
		if (!strcmp(w->labels.item[i].key, key))
			return true;
	return false;
}

static void check_lacking(struct check *c)
{
	const struct plan *plan = c->plan;
	struct lacking *lacking = arena_alloc(c->scratch, plan->network_count, sizeof(*lacking));

	if (!lacking)
		return;
	for (size_t i = 0; i < plan->workload_count; i++) {
		const struct workload *w = &plan->workloads[i];
		const struct network *n = c->placed[i].network;
		struct lacking *l = n ? &lacking[n - plan->networks] : NULL;

		if (!n)
			continue;
		if (n->intra == INTRA_SAME && !has_label(w, n->intra_label) && !l->label++)
			l->first_label = i;
		if (w->interface && !w->has_mac && !l->mac++)
			l->first_mac = i;
	}
	for (size_t i = 0; i < plan->network_count; i++) {
		const struct lacking *l = &lacking[i];

		if (l->label)
			report_warning(c->report, &plan->workloads[l->first_label].place,
				       "%zu workload%s of network %s without the label %s, the first is %s: "
				       "intra is "
				       "same:%s and it reaches nobody, expected the label",
				       l->label, l->label > 1 ? "s" : "", plan->networks[i].name,
				       plan->networks[i].intra_label, plan->workloads[l->first_label].name,
				       plan->networks[i].intra_label);
		if (l->mac)
			report_warning(c->report, &plan->workloads[l->first_mac].place,
				       "%zu workload%s of network %s with an interface but without \"mac\", "
				       "the first is "
				       "%s: its MAC is not checked, expected one",
				       l->mac, l->mac > 1 ? "s" : "", plan->networks[i].name,
				       plan->workloads[l->first_mac].name);
	}
}

/* A node's address is the node's: in VPC "default" no workload may have it. */
static void check_against_nodes(struct check *c)
{
	char text[ADDRESS_TEXT];
	struct below b;

	for (size_t i = 0; i < c->plan->cluster_count; i++)
		for (size_t j = 0; j < c->plan->clusters[i].node_count; j++) {
			const struct node *node = &c->plan->clusters[i].nodes[j];

			for (size_t k = 0; k < node->addresses.count; k++) {
				struct seen_key key = { .a = vpc_index(c, "default"),
							.b = node->addresses.item[k].first };
				size_t first = seen_find(&c->addresses, key);

				if (first == SIZE_MAX)
					continue;
				report_error(c->report,
					     below(&b, &c->plan->workloads[first].place, ".address"),
					     "%s is an address of node %s, expected one of its own",
					     address_text(node->addresses.item[k].first, text), node->name);
			}
		}
}

void check_workloads(struct check *c)
{
	const struct plan *plan = c->plan;
	size_t n = plan->workload_count;
	struct seen names = seen_new(c->scratch, n);
	struct seen interfaces = seen_new(c->scratch, n);
	struct seen macs = seen_new(c->scratch, n);
	struct below b;

	c->addresses = seen_new(c->scratch, n);
	c->placed = arena_alloc(c->scratch, n, sizeof(*c->placed));
	if (!c->placed)
		return;
	place_all(c);
	for (size_t i = 0; i < n; i++) {
		const struct workload *w = &plan->workloads[i];

		if (!c->placed[i].network)
			known(c, NOUN_NETWORK, w->network, below(&b, &w->place, ".network"));
		if (!c->placed[i].node)
			known(c, NOUN_NODE, w->node, below(&b, &w->place, ".node"));
		check_address(c, i);
		check_address_once(c, i);
		check_name_once(c, i, &names);
		check_interface(c, i, &interfaces);
		check_mac(c, i, &macs);
	}
	check_against_nodes(c);
	check_lacking(c);
}
