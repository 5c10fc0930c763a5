/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where services are at home, see home.h. Backends are asked first, since a VIP may be any address that somebody
 * routes to the nodes.
 */
#include "home.h"
#include "outside.h"

/* The cluster on whose site the EIP's address is. */
static const struct cluster *eip_home(const struct plan *plan, const struct eip *eip)
{
	const struct network *network = plan_network(plan, eip->network);

	for (size_t i = 0; network && i < network->site_count; i++) {
		const struct prefixes *cidrs = &network->sites[i].cidrs;

		for (size_t k = 0; k < cidrs->count; k++) {
			if (prefix_has(cidrs->item[k], eip->address))
				return plan_cluster(plan, network->sites[i].cluster);
		}
	}
	return NULL;
}

const struct cluster *service_home(const struct plan *plan, const struct service *service)
{
	const struct eip *eip = service->eip ? plan_eip(plan, service->eip) : NULL;
	const struct check c = { .plan = plan };
	const struct cluster *home = NULL;
	const struct node *node;

	for (size_t i = 0; i < service->backend_count && !home; i++)
		home = backend_home(&c, service, i);
	if (!home && eip)
		home = eip_home(plan, eip);
	if (home || eip)
		return home;
	node = node_at(plan, service->address);
	if (node && plan_node(plan, node->name, &home))
		return home;
	return pool_of(plan, service->address);
}
