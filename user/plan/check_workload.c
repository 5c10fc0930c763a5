/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workloads: whether each is where its network is, and alone with its address, interface and MAC. There
 * may be 100,000 of them: one pass, no comparison of all with all.
 */
#include <stdio.h>
#include <string.h>
#include "../../include/limits.h"
#include "check.h"
#include "hash.h"
#include "sieve.h"

/* Which keys of a workload may stand at another one too. */
enum twice { NAME = 1, INTERFACE = 2, MAC = 4, ADDRESS = 8 };

struct lacking;
struct workloads {
	struct seen names; /* of those that may stand twice */
	struct seen interfaces;
	struct seen macs;
	struct lacking *lacking; /* of each network */
};

/*
 * What a name stood for the last time. Names that many workloads share were kept once (take.c), so that their own
 * address is enough to know them by.
 */
#define RECALLED 4096
struct recalled {
	const char *name;
	const void *record;
	const struct cluster *cluster; /* of a node */
};

static struct recalled *recall(struct recalled *all, const char *name)
{
	return &all[hash_number(0, (uintptr_t)name) % RECALLED];
}

/* Every check of one workload asks for these again and again. */
static void place_all(struct check *c)
{
	const struct plan *plan = c->plan;
	struct recalled *networks = arena_alloc(c->scratch, RECALLED, sizeof(*networks));
	struct recalled *nodes = arena_alloc(c->scratch, RECALLED, sizeof(*nodes));

	for (size_t i = 0; networks && nodes && i < plan->workload_count; i++) {
		const struct workload *w = &plan->workloads[i];
		struct recalled *network = recall(networks, w->network), *node = recall(nodes, w->node);
		struct placed *p = &c->placed[i];

		if (network->name != w->network)
			*network = (struct recalled){ .name = w->network,
						      .record = plan_network(plan, w->network) };
		if (node->name != w->node) {
			*node = (struct recalled){ .name = w->node };
			node->record = plan_node(plan, w->node, &node->cluster);
		}
		*p = (struct placed){ .network = network->record,
				      .cluster = node->cluster,
				      .node = node->record };
		if (p->network && p->cluster)
			p->site = network_site(p->network, p->cluster->name);
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

/* The first one with an address occupies it. */
static void occupy(struct check *c)
{
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->workload_count; i++) {
		const struct network *network = c->placed[i].network;

		if (network && occupants_add(&c->addresses, c->vpc_of[network - plan->networks],
					     plan->workloads[i].address, i) != SIZE_MAX)
			c->twice[i] |= ADDRESS;
	}
}

static void report_occupied(struct check *c, size_t i)
{
	const struct workload *w = &c->plan->workloads[i];
	const struct network *network = c->placed[i].network;
	size_t first = occupants_find(&c->addresses, c->vpc_of[network - c->plan->networks], w->address);
	char text[ADDRESS_TEXT];
	struct below b;

	report_error(c->report, below(&b, &w->place, ".address"),
		     "%s is also the address of workload %s in VPC %s, expected one of its own",
		     address_text(w->address, text), c->plan->workloads[first].name, network->vpc);
}

static struct seen_key name_key(const struct check *c, size_t i)
{
	return (struct seen_key){ .a = (uintptr_t)c->placed[i].network,
				  .b = (uintptr_t)c->placed[i].cluster,
				  .text = c->plan->workloads[i].name };
}

static void check_name_once(struct check *c, size_t i, struct seen *names)
{
	const struct workload *w = &c->plan->workloads[i];
	size_t first = seen_add(names, name_key(c, i), i);
	struct below b;

	if (first != SIZE_MAX && c->placed[i].network)
		report_error(c->report, below(&b, &w->place, ".name"),
			     "network %s already has a workload %s, expected a name of its own", w->network,
			     w->name);
}

static bool has_interface(const struct check *c, size_t i)
{
	return c->plan->workloads[i].interface && c->placed[i].node;
}

static struct seen_key interface_key(const struct check *c, size_t i)
{
	return (struct seen_key){ .a = (uintptr_t)c->placed[i].node,
				  .text = c->plan->workloads[i].interface };
}

static void check_interface(struct check *c, size_t i)
{
	const struct workload *w = &c->plan->workloads[i];
	const struct node *node = c->placed[i].node;
	struct below b;

	for (size_t j = 0; has_interface(c, i) && j < node->uplink_count; j++)
		if (!strcmp(node->uplinks[j].name, w->interface))
			report_error(c->report, below(&b, &w->place, ".interface"),
				     "%s is an uplink of node %s, expected the workload's own", w->interface,
				     w->node);
}

static void check_interface_once(struct check *c, size_t i, struct seen *interfaces)
{
	const struct workload *w = &c->plan->workloads[i];
	size_t first = seen_add(interfaces, interface_key(c, i), i);
	struct below b;

	if (first != SIZE_MAX && c->placed[first].network != c->placed[i].network)
		report_error(c->report, below(&b, &w->place, ".interface"),
			     "%s of node %s is in network %s as workload %s, expected one network on one "
			     "interface",
			     w->interface, w->node, c->plan->workloads[first].network,
			     c->plan->workloads[first].name);
}

/* Why nobody may have this MAC, or NULL. */
static const char *reserved_mac(const uint8_t mac[6])
{
	static const uint8_t ROUTER[6] = SL_ROUTER_MAC, ZERO[6];

	return mac[0] & 1			      ? "a multicast MAC"
	       : !memcmp(mac, ZERO, sizeof(ZERO))     ? "the zero MAC"
	       : !memcmp(mac, ROUTER, sizeof(ROUTER)) ? "the MAC of sluice's own gateway"
						      : NULL;
}

static void check_mac(struct check *c, size_t i)
{
	const struct workload *w = &c->plan->workloads[i];
	const char *what = w->has_mac ? reserved_mac(w->mac) : NULL;
	struct below b;

	if (what)
		report_error(c->report, below(&b, &w->place, ".mac"),
			     "%s, expected a unicast one such as 02:00:00:00:66:0b", what);
}

static struct seen_key mac_key(const struct check *c, size_t i)
{
	const uint8_t *mac = c->plan->workloads[i].mac;
	uint64_t number = 0;

	for (int j = 0; j < 6; j++)
		number = number << 8 | mac[j];
	return (struct seen_key){ .a = (uintptr_t)c->placed[i].site, .b = number };
}

static void check_mac_once(struct check *c, size_t i, struct seen *macs)
{
	const struct workload *w = &c->plan->workloads[i], *other;
	size_t first = seen_add(macs, mac_key(c, i), i);
	struct below b;

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

/* Sieves the keys of all workloads, one kind after the other. */
static void find_twice(struct check *c, struct workloads *all)
{
	const struct workload *w = c->plan->workloads;
	size_t n = c->plan->workload_count;
	uint32_t *hash = arena_alloc(c->scratch, n, sizeof(*hash));

	if (!hash)
		return;
	for (size_t i = 0; i < n; i++)
		hash[i] = seen_hash(name_key(c, i));
	all->names = seen_new(c->scratch, sieve(c->scratch, hash, n, c->twice, NAME));
	for (size_t i = 0; i < n; i++)
		hash[i] = has_interface(c, i) ? seen_hash(interface_key(c, i)) : 0;
	all->interfaces = seen_new(c->scratch, sieve(c->scratch, hash, n, c->twice, INTERFACE));
	for (size_t i = 0; i < n; i++)
		hash[i] = w[i].has_mac && c->placed[i].site && !reserved_mac(w[i].mac)
				  ? seen_hash(mac_key(c, i))
				  : 0;
	all->macs = seen_new(c->scratch, sieve(c->scratch, hash, n, c->twice, MAC));
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

static void note_lacking(const struct check *c, size_t i, struct lacking *lacking)
{
	const struct workload *w = &c->plan->workloads[i];
	const struct network *n = c->placed[i].network;
	struct lacking *l = n ? &lacking[n - c->plan->networks] : NULL;

	if (!n)
		return;
	if (n->intra == INTRA_SAME && !has_label(w, n->intra_label) && !l->label++)
		l->first_label = i;
	if (w->interface && !w->has_mac && !l->mac++)
		l->first_mac = i;
}

static void report_lacking(struct check *c, const struct lacking *lacking)
{
	const struct plan *plan = c->plan;

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
	size_t vpc = vpc_index(c, "default");
	char text[ADDRESS_TEXT];
	struct below b;

	for (size_t i = 0; i < c->plan->cluster_count; i++)
		for (size_t j = 0; j < c->plan->clusters[i].node_count; j++) {
			const struct node *node = &c->plan->clusters[i].nodes[j];

			for (size_t k = 0; k < node->addresses.count; k++) {
				uint32_t address = node->addresses.item[k].first;
				size_t first = occupants_find(&c->addresses, vpc, address);

				if (first == SIZE_MAX)
					continue;
				report_error(c->report,
					     below(&b, &c->plan->workloads[first].place, ".address"),
					     "%s is an address of node %s, expected one of its own",
					     address_text(address, text), node->name);
			}
		}
}

static void check_one(struct check *c, size_t i, struct workloads *all)
{
	const struct workload *w = &c->plan->workloads[i];
	uint8_t twice = c->twice[i];
	struct below b;

	if (!c->placed[i].network)
		known(c, NOUN_NETWORK, w->network, below(&b, &w->place, ".network"));
	if (!c->placed[i].node)
		known(c, NOUN_NODE, w->node, below(&b, &w->place, ".node"));
	check_address(c, i);
	if (twice & ADDRESS)
		report_occupied(c, i);
	if (twice & NAME)
		check_name_once(c, i, &all->names);
	check_interface(c, i);
	if (twice & INTERFACE)
		check_interface_once(c, i, &all->interfaces);
	check_mac(c, i);
	if (twice & MAC)
		check_mac_once(c, i, &all->macs);
	note_lacking(c, i, all->lacking);
}

void place_workloads(struct check *c)
{
	const struct plan *plan = c->plan;
	size_t n = plan->workload_count;
	uint8_t *twice = arena_alloc(c->scratch, n, sizeof(*twice));

	c->addresses = occupants_new(c->scratch, n);
	c->placed = arena_alloc(c->scratch, n, sizeof(*c->placed));
	c->vpc_of = arena_alloc(c->scratch, plan->network_count, sizeof(*c->vpc_of));
	if (!c->placed || !twice || (plan->network_count && !c->vpc_of))
		return;
	c->twice = twice;
	for (size_t i = 0; i < plan->network_count; i++)
		c->vpc_of[i] = vpc_index(c, plan->networks[i].vpc);
	place_all(c);
	occupy(c);
}

void check_workloads(struct check *c)
{
	struct workloads all = { .lacking = arena_alloc(c->scratch, c->plan->network_count + 1,
							sizeof(*all.lacking)) };

	if (!c->twice || !all.lacking)
		return;
	find_twice(c, &all);
	for (size_t i = 0; i < c->plan->workload_count; i++)
		check_one(c, i, &all);
	check_against_nodes(c);
	report_lacking(c, all.lacking);
}
