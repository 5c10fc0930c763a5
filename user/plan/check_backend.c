/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Backends of services: where each stands, and whether the ring has room for all of them and for their
 * weights.
 */
#include <inttypes.h>
#include <string.h>
#include "outside.h"

const struct cluster *backend_home(const struct check *c, const struct service *service, size_t i)
{
	const struct backend *backend = &service->backends[i];
	const struct cluster *cluster = NULL;
	const struct site *site = NULL;

	if (backend->node && plan_node(c->plan, backend->node, &cluster))
		return cluster;
	if (network_of(c, service->vpc, backend->address, &site))
		return plan_cluster(c->plan, site->cluster);
	return NULL;
}

/* The node that the plan puts an address on, whatever the backend says; NULL: it does not say. */
static const char *node_of(const struct check *c, const struct service *service, size_t vpc, uint32_t address,
			   const char **what, const char **name)
{
	size_t i = occupants_find(&c->addresses, vpc, address);
	const struct node *node;

	if (vpc != SIZE_MAX && i != SIZE_MAX) {
		*what = "workload";
		*name = c->plan->workloads[i].name;
		return c->plan->workloads[i].node;
	}
	node = strcmp(service->vpc, "default") ? NULL : node_at(c->plan, address);
	if (!node)
		return NULL;
	*what = "an address of node";
	*name = node->name;
	return node->name;
}

/* `vpc`: index of the service's own; SIZE_MAX if it does not exist. */
static void check_stand(struct check *c, const struct service *service, size_t vpc,
			const struct backend *backend)
{
	const char *what = NULL, *name = NULL;
	const char *node = node_of(c, service, vpc, backend->address, &what, &name);
	const struct site *site = NULL;
	const char *reserved;
	char text[ADDRESS_TEXT];
	struct below b;

	if (backend->node && node && strcmp(node, backend->node) != 0 && plan_node(c->plan, node, NULL))
		report_error(c->report, below(&b, &backend->place, ".node"),
			     "%s is %s %s%s%s, expected node %s", address_text(backend->address, text), what,
			     name, strcmp(name, node) ? " of node " : "", strcmp(name, node) ? node : "",
			     node);
	if (node || vpc == SIZE_MAX)
		return;
	below(&b, &backend->place, ".address");
	address_text(backend->address, text);
	if (!network_of(c, service->vpc, backend->address, &site)) {
		report_error(c->report, &b.place,
			     "backend %s is in no network of VPC %s, expected an address of one", text,
			     service->vpc);
		return;
	}
	for (size_t i = 0; i < site->cidrs.count; i++) {
		char net[PREFIX_TEXT];

		if (!prefix_has(site->cidrs.item[i], backend->address))
			continue;
		reserved = reserved_in(site->cidrs.item[i], site->gateway, backend->address);
		if (reserved)
			report_error(c->report, &b.place, "%s is %s of %s, expected a host's address", text,
				     reserved, prefix_text(site->cidrs.item[i], net));
	}
}

static uint32_t prime_from(uint64_t number)
{
	for (; number < MOST_RING_SIZE; number++)
		if (ring_prime((uint32_t)number))
			return (uint32_t)number;
	return MOST_RING_SIZE;
}

/* Less than a slot for the smallest weight: it gets one, and with it more than its share. */
static void check_weights(struct check *c, const struct service *service, uint32_t size)
{
	uint64_t total = 0, least = UINT64_MAX;
	struct below b;

	for (size_t i = 0; i < service->backend_count; i++) {
		const struct backend *backend = &service->backends[i];

		if (backend->state == BACKEND_DRAIN)
			continue;
		total += backend->weight;
		if (backend->weight < least)
			least = backend->weight;
	}
	if (!total || least * size >= total)
		return;
	below(&b, &service->place, ".ring_size");
	report_warning(c->report, &b.place,
		       "%u slots are too few for a weight of %" PRIu64 " in %" PRIu64
		       ", expected at least %u or weights less far apart",
		       size, least, total, prime_from((total + least - 1) / least));
}

static void check_ring(struct check *c, const struct service *service)
{
	uint32_t size = ring_size(service);
	struct below b;

	if (service->backend_count > MOST_RING_SIZE)
		report_error(c->report, below(&b, &service->place, ".backends"),
			     "there are %zu backends, expected at most %d", service->backend_count,
			     MOST_RING_SIZE);
	else if (service->ring_size && !ring_prime(size)) /* what is chosen here is one */
		report_error(c->report, below(&b, &service->place, ".ring_size"),
			     "%u is not a prime, expected %u", size, prime_from(size));
	else if (size < service->backend_count)
		report_error(c->report, below(&b, &service->place, ".ring_size"),
			     "%u slots for %zu backends, expected at least %u", size, service->backend_count,
			     prime_from(service->backend_count));
	else
		check_weights(c, service, size);
}

void check_backends(struct check *c, const struct service *service)
{
	struct seen addresses = seen_new(c->scratch, service->backend_count);
	size_t vpc = vpc_index(c, service->vpc);
	char text[ADDRESS_TEXT];
	size_t draining = 0;
	struct below b;

	check_ring(c, service);
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct backend *backend = &service->backends[i];

		draining += backend->state == BACKEND_DRAIN;
		if (backend->node)
			known(c, NOUN_NODE, backend->node, below(&b, &backend->place, ".node"));
		if (seen_add(&addresses, (struct seen_key){ .a = backend->address }, i) != SIZE_MAX)
			report_error(
				c->report, below(&b, &backend->place, ".address"),
				"%s is a backend of the service already, expected it once; use \"weight\"",
				address_text(backend->address, text));
		check_stand(c, service, vpc, backend);
	}
	if (draining < service->backend_count)
		return;
	report_warning(c->report, below(&b, &service->place, ".backends"),
		       draining ? "all backends are draining and none takes new connections, expected one "
				  "that does"
				: "the service has no backend, expected at least one");
}
