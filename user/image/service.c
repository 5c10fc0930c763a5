/* SPDX-License-Identifier: GPL-2.0 */
/*
 * services: rows for the services that concern this node's cluster. Every node of the cluster gets the same
 * rings, so that a client who comes in by another node finds its backend again.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "maglev.h"
#include "outside.h"

struct serving {
	struct compile *c;
	struct vips *vips;
	const struct stands *stands;
	struct intern claimed; /* struct sl_service_key */
	struct list turns; /* struct maglev_backend: of the service at hand */
	struct list sources; /* struct source, likewise */
	uint32_t lists; /* given out in sl_source */
};

struct source {
	struct prefix prefix;
	bool deny;
};

/* --- where backends stand */

/* Place in c->nodes + 1; 0: the plan does not say. */
static uint32_t backend_node(const struct serving *s, uint32_t vpc, const struct backend *backend)
{
	const struct stand *stand;

	if (backend->node)
		return intern_find_name(&s->c->node_names, backend->node);
	stand = stand_at(s->stands, vpc, backend->address);
	return stand ? stand->node : 0;
}

/* Index + 1 of the cluster a backend stands in; 0: not known. */
static uint32_t backend_cluster(const struct serving *s, uint32_t vpc, const struct backend *backend)
{
	const struct compile *c = s->c;
	uint32_t node = backend_node(s, vpc, backend);

	if (node)
		return c->nodes[node - 1].cluster + 1;
	for (size_t i = 0; i < c->plan->network_count; i++) {
		const struct network *n = &c->plan->networks[i];

		if (c->network_vpc[i] != vpc)
			continue;
		for (size_t k = 0; k < n->site_count; k++)
			for (size_t j = 0; j < n->sites[k].cidrs.count; j++) {
				const struct prefix *cidr = &n->sites[k].cidrs.item[j];

				if (!cidr->len || !((backend->address ^ cidr->addr) >> (32 - cidr->len)))
					return intern_find_name(&c->cluster_names, n->sites[k].cluster);
			}
	}
	return 0;
}

/* A service is a matter of the clusters of its VIP and of its backends; of all if nothing tells. */
static bool concerns(const struct serving *s, const struct service *service, uint32_t vpc,
		     const struct vip *vip)
{
	uint32_t here = s->c->cluster_index + 1;
	bool known = vip->cluster || vip->owner;

	if (vip->cluster == here || (vip->owner && s->c->nodes[vip->owner - 1].cluster + 1 == here))
		return true;
	for (size_t i = 0; i < service->backend_count; i++) {
		uint32_t cluster = backend_cluster(s, vpc, &service->backends[i]);

		if (cluster == here)
			return true;
		known |= cluster != 0;
	}
	return !known;
}

/* --- the ring */

static bool fill_turns(struct serving *s, const struct service *service)
{
	s->turns.count = 0;
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct backend *backend = &service->backends[i];
		struct maglev_backend *turn;

		if (backend->state == BACKEND_DRAIN)
			continue;
		turn = list_add(&s->turns, 1);
		if (!turn)
			return false;
		turn->address = backend->address;
		turn->weight = backend->weight;
	}
	return true;
}

/* Where the service's ring is. */
static bool add_ring(struct serving *s, const struct service *service, struct sl_service *row)
{
	uint32_t size = ring_size(service);

	if (!fill_turns(s, service))
		return false;
	if (!s->turns.count)
		return true;
	if (!ring_prime(size) || size < s->turns.count) {
		report_error(s->c->r, &service->place,
			     "ring of %u slots for %zu backends, expected a prime "
			     "not below that",
			     size, s->turns.count);
		return false;
	}
	row->slots = size;
	return ring_add(s->c, &s->turns, size, &row->ring);
}

/* Counted before any is filled: a plan that asks for too much must not take the memory first. */
static bool expect_rings(struct serving *s)
{
	const struct compile *c = s->c;
	unsigned long long total = 0;

	for (size_t i = 0; i < c->plan->service_count; i++)
		total += c->service_here[i] ? ring_size(&c->plan->services[i]) : 0;
	if (total > SL_MAX_RING) {
		report_error(c->r, NULL,
			     "the services' rings need %llu slots in sl_ring, this build holds at most %u: "
			     "smaller \"ring_size\"",
			     total, SL_MAX_RING);
		return false;
	}
	return true;
}

/* --- sources */

static bool gather_sources(struct serving *s, const struct prefixes *prefixes, bool deny)
{
	struct source *source = list_add(&s->sources, prefixes->count);

	for (size_t i = 0; source && i < prefixes->count; i++)
		source[i] = (struct source){ .prefix = prefixes->item[i], .deny = deny };
	return source;
}

/* Of equal prefixes the one that denies comes first. */
static int by_prefix(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	if (x->prefix.addr != y->prefix.addr)
		return x->prefix.addr < y->prefix.addr ? -1 : 1;
	if (x->prefix.len != y->prefix.len)
		return x->prefix.len - y->prefix.len;
	return y->deny - x->deny;
}

static bool add_sources(struct serving *s, const struct service *service, struct sl_service *row)
{
	const struct source *source;

	if (!service->allow.count && !service->deny.count)
		return true;
	s->sources.count = 0;
	if (!gather_sources(s, &service->allow, false) || !gather_sources(s, &service->deny, true))
		return false;
	qsort(s->sources.item, s->sources.count, sizeof(struct source), by_prefix);
	row->sources = ++s->lists;
	row->flags |= service->allow.count ? SL_SERVICE_ALLOW_LIST : 0;
	source = s->sources.item;
	for (size_t i = 0; i < s->sources.count; i++) {
		struct sl_source_key key = { .prefixlen = 32U + source[i].prefix.len,
					     .list = htonl(s->lists),
					     .addr = htonl(source[i].prefix.addr) };
		struct sl_source value = { .allow = !source[i].deny };

		if (i && source[i].prefix.addr == source[i - 1].prefix.addr &&
		    source[i].prefix.len == source[i - 1].prefix.len)
			continue;
		if (!row_add(s->c, SL_TABLE_sl_source, &key, &value))
			return false;
	}
	return true;
}

/* --- backends and ports */

static bool add_backends(struct serving *s, const struct service *service, uint32_t vpc,
			 const struct sl_service_key *key)
{
	const struct compile *c = s->c;

	for (size_t i = 0; i < service->backend_count; i++) {
		const struct backend *backend = &service->backends[i];
		struct sl_backend_key at = { .service = *key, .backend = htonl(backend->address) };
		struct sl_backend row = { .flags = backend->state == BACKEND_DRAIN ? SL_BACKEND_DRAIN : 0 };
		uint32_t node = backend_node(s, vpc, backend);

		if (node && c->nodes[node - 1].node != c->node) {
			row.node = (uint16_t)c->nodes[node - 1].index;
			row.flags |= SL_BACKEND_REMOTE;
		}
		if (!row_add(s->c, SL_TABLE_sl_backend, &at, &row))
			return false;
	}
	return true;
}

/* No route of the node leads to what stands in a VPC of its own. */
static void warn_out_of_reach(const struct serving *s, const struct service *service, uint32_t vpc)
{
	const struct compile *c = s->c;

	for (size_t i = 0; vpc != c->default_vpc && i < service->backend_count; i++) {
		const struct backend *backend = &service->backends[i];
		uint32_t node = backend_node(s, vpc, backend);
		const struct stand *stand = stand_at(s->stands, vpc, backend->address);
		struct in_addr in = { .s_addr = htonl(backend->address) };
		char text[INET_ADDRSTRLEN];

		if (!node || c->nodes[node - 1].node != c->node || (stand && stand->interface))
			continue;
		report_warning(c->r, &backend->place,
			       "backend %s of VPC %s cannot be delivered: name its interface in workloads",
			       inet_ntop(AF_INET, &in, text, sizeof(text)), service->vpc);
	}
}

static bool add_service(struct serving *s, size_t i, uint32_t vpc)
{
	struct compile *c = s->c;
	const struct service *service = &c->plan->services[i];
	const struct vip *vip = vip_of_service(s->vips, i);
	struct sl_service row = {
		.rule = c->last_rule + 1 + (uint32_t)i,
		.affinity = SL_TICKS(service->affinity_s),
		.new_per_s = service->new_per_s,
		.new_per_source_per_s = service->new_per_source_per_s,
		.vpc = c->vpcs[vpc].id,
		.flags = service->empty_drop ? 0 : SL_SERVICE_RESET,
	};

	warn_out_of_reach(s, service, vpc);
	if (!add_ring(s, service, &row) || !add_sources(s, service, &row))
		return false;
	for (size_t k = 0; k < service->port_count; k++) {
		const struct service_port *port = &service->ports[k];
		struct sl_service_key key = { .addr = htonl(vip->addr),
					      .port = htons(port->port),
					      .proto = port->proto };
		size_t before = s->claimed.count;

		if (!intern(&s->claimed, &key, sizeof(key)))
			return false;
		if (s->claimed.count == before) {
			report_error(c->r, &port->place, "this address and port stand in the plan already");
			return false;
		}
		row.target = htons(port->target);
		if (!row_add(c, SL_TABLE_sl_service, &key, &row) || !add_backends(s, service, vpc, &key) ||
		    !guests_add(c, &service->from_vpcs, vpc, &service->place, &key))
			return false;
	}
	return true;
}

static bool choose(struct serving *s)
{
	struct compile *c = s->c;

	for (size_t i = 0; i < c->plan->service_count; i++) {
		const struct service *service = &c->plan->services[i];
		struct vip *vip = vip_of_service(s->vips, i);
		uint32_t vpc = vpc_number(c, service->vpc);

		if (vpc == UINT32_MAX) {
			report_error(c->r, &service->place, "VPC \"%s\" is not in the plan", service->vpc);
			return false;
		}
		c->service_here[i] = concerns(s, service, vpc, vip);
		vip->here |= c->service_here[i];
	}
	return true;
}

/* Is this node a backend of the service, by an address of its own? */
static bool node_serves(const struct compile *c, const struct service *service)
{
	const struct ranges *own = &c->node->addresses;

	if (vpc_number(c, service->vpc) != c->default_vpc)
		return false;
	for (size_t i = 0; i < service->backend_count; i++) {
		for (size_t k = 0; k < own->count; k++) {
			if (service->backends[i].address >= own->item[k].first &&
			    service->backends[i].address <= own->item[k].last)
				return true;
		}
	}
	return false;
}

bool services_build(struct compile *c, struct vips *vips, const struct stands *stands)
{
	struct serving s = {
		.c = c,
		.vips = vips,
		.stands = stands,
		.turns = { .size = sizeof(struct maglev_backend) },
		.sources = { .size = sizeof(struct source) },
	};
	size_t count = c->plan->service_count;
	bool done = false;

	c->service_here = heap_take(&c->scratch, count * sizeof(*c->service_here));
	if (!c->service_here)
		return false;
	if (!choose(&s) || !expect_rings(&s))
		goto out;
	for (size_t i = 0; i < count; i++) {
		c->node_serves |= c->service_here[i] && node_serves(c, &c->plan->services[i]);
		if (c->service_here[i] && !add_service(&s, i, vpc_number(c, c->plan->services[i].vpc)))
			goto out;
	}
	done = true;
out:
	intern_free(&s.claimed);
	list_free(&s.turns);
	list_free(&s.sources);
	return done;
}
