/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VLAN ids of each cluster: used twice, used outside the managed range, managed but used by nobody.
 */
#include <stdio.h>
#include <string.h>
#include "../../include/limits.h"
#include "check.h"

struct vlans {
	const struct network *owner[SL_VLANS];
	bool managed[SL_VLANS];
};

/* The item of managed_vlans that holds the id, for the message's path. */
static size_t item_of(const struct cluster *cluster, uint32_t vlan)
{
	size_t i = 0;

	while (i < cluster->managed_vlan_count &&
	       (vlan < cluster->managed_vlans[i].first || vlan > cluster->managed_vlans[i].last))
		i++;
	return i;
}

static void collect(struct check *c, const struct cluster *cluster, struct vlans *vlans)
{
	struct below b;

	for (size_t i = 0; i < cluster->managed_vlan_count; i++)
		for (uint32_t v = cluster->managed_vlans[i].first; v <= cluster->managed_vlans[i].last; v++)
			vlans->managed[v % SL_VLANS] = true;
	for (size_t i = 0; i < c->plan->network_count; i++) {
		const struct network *network = &c->plan->networks[i];
		const struct site *site = network_site(network, cluster->name);

		if (!site || !site->vlan)
			continue;
		below(&b, &site->place, ".vlan");
		if (vlans->owner[site->vlan]) {
			report_error(
				c->report, &b.place,
				"VLAN %u of cluster %s is also that of network %s, expected one of its own",
				site->vlan, cluster->name, vlans->owner[site->vlan]->name);
			continue;
		}
		vlans->owner[site->vlan] = network;
		if (cluster->managed_vlan_count && !network->external && !vlans->managed[site->vlan])
			report_warning(c->report, &b.place,
				       "VLAN %u is outside the managed_vlans of cluster %s, expected it "
				       "within; it is "
				       "managed all the same",
				       site->vlan, cluster->name);
	}
}

static void unassigned(struct check *c, const struct cluster *cluster, const struct vlans *vlans)
{
	struct below b;

	for (uint32_t v = 1; v < SL_VLANS - 1; v++) {
		size_t item = item_of(cluster, v);
		uint32_t first = v;
		char text[24];

		if (!vlans->managed[v] || vlans->owner[v])
			continue;
		while (v + 1 < SL_VLANS - 1 && vlans->managed[v + 1] && !vlans->owner[v + 1])
			v++;
		if (first == v)
			snprintf(text, sizeof(text), "VLAN %u is", v);
		else
			snprintf(text, sizeof(text), "VLANs %u-%u are", first, v);
		report_warning(
			c->report, below(&b, &cluster->place, ".managed_vlans[%zu]", item),
			"%s managed but no network has %s: dropped as vlan_unassigned, expected a network",
			text, first == v ? "it" : "them");
	}
}

void check_vlans(struct check *c)
{
	for (size_t i = 0; i < c->plan->cluster_count; i++) {
		struct vlans vlans;

		memset(&vlans, 0, sizeof(vlans));
		collect(c, &c->plan->clusters[i], &vlans);
		unassigned(c, &c->plan->clusters[i], &vlans);
	}
}
