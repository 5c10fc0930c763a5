/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a plan may say but this build does not enforce. Such a plan is refused, never half obeyed: what is in the way
 * is named once, at its first item. As enforcement arrives, lines leave this file.
 */
#include "outside.h"

static void refuse(struct report *r, const struct place *place, const char *what)
{
	report_error(r, place, "%s not enforced by this build, expected a plan without", what);
}

/* Whether the service is of this cluster; `abroad`: its first backend that is not. */
static bool serves(const struct plan *plan, const struct cluster *cluster, const struct service *service,
		   const struct backend **abroad)
{
	const struct eip *eip = service->eip ? plan_eip(plan, service->eip) : NULL;
	const struct network *network = eip ? plan_network(plan, eip->network) : NULL;
	const struct check c = { .plan = plan };
	bool here = false, known = false;

	*abroad = NULL;
	if (network) {
		here = network_site(network, cluster->name);
		known = true;
	}
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct cluster *home = backend_home(&c, service, i);

		here |= home == cluster;
		known |= home != NULL;
		if (home && home != cluster && !*abroad)
			*abroad = &service->backends[i];
	}
	return here || !known;
}

static void refuse_services(const struct plan *plan, const struct cluster *cluster, struct report *r)
{
	for (size_t i = 0; i < plan->service_count; i++) {
		const struct backend *abroad;

		if (!serves(plan, cluster, &plan->services[i], &abroad) || !abroad)
			continue;
		refuse(r, &abroad->place, "backends in another cluster than their service are");
		return;
	}
}

void plan_refuse_unenforced(const struct plan *plan, const char *name, struct report *r)
{
	const struct cluster *cluster = NULL;

	if (plan_node(plan, name, &cluster))
		refuse_services(plan, cluster, r);
}
