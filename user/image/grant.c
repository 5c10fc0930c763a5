/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Grants, see grant.h. Asked of the finished rows, as asserts are. Where sources cut an address range finer
 * than classes do, it errs by finding a grant: an assert must not hold by mistake.
 */
#include <arpa/inet.h>
#include "grant.h"

static bool covers(const struct prefix *outer, uint32_t addr, uint8_t len)
{
	return outer->len <= len && (!outer->len || !((addr ^ outer->addr) >> (32 - outer->len)));
}

/* Whether the service's lists let this prefix in as a whole. */
static bool lets_in(const struct service *service, uint32_t addr, uint8_t len)
{
	bool in = !service->allow.count;
	int longest = -1;

	for (size_t i = 0; i < service->allow.count; i++) {
		const struct prefix *p = &service->allow.item[i];

		if (covers(p, addr, len) && p->len > longest) {
			longest = p->len;
			in = true;
		}
	}
	for (size_t i = 0; i < service->deny.count; i++) {
		const struct prefix *p = &service->deny.item[i];

		if (covers(p, addr, len) && p->len >= longest) {
			longest = p->len;
			in = false;
		}
	}
	return in;
}

/* The class that holds the prefix as a whole, whatever longer rows say of its parts; 0: none. */
static uint32_t holder(const struct image *image, uint16_t vpc, const struct prefix *prefix)
{
	for (uint32_t len = prefix->len + 1U; len-- > 0;) {
		struct sl_prefix_key key = { .prefixlen = 32 + len, .vpc = htons(vpc) };
		const struct sl_endpoint *row;

		key.addr = htonl(len ? prefix->addr & (UINT32_MAX << (32 - len)) : 0);
		row = row_find(&image->table[SL_TABLE_sl_prefix], &key);
		if (row)
			return row->class;
	}
	return 0;
}

/* Whether any address of the class may come in by the service's sources. */
static bool class_comes_in(const struct image *image, const struct service *service, uint16_t vpc,
			   uint32_t class)
{
	const struct image_table *exact = &image->table[SL_TABLE_sl_exact];
	const struct image_table *prefix = &image->table[SL_TABLE_sl_prefix];

	if (!service->allow.count && !service->deny.count)
		return true;
	for (size_t i = 0; i < service->allow.count; i++) {
		const struct prefix *p = &service->allow.item[i];

		if (lets_in(service, p->addr, p->len) && holder(image, vpc, p) == class)
			return true;
	}
	for (size_t i = 0; i < prefix->count; i++) {
		const uint8_t *row = prefix->rows + i * (prefix->key_size + prefix->value_size);
		const struct sl_prefix_key *key = (const void *)row;
		const struct sl_endpoint *endpoint = (const void *)(row + prefix->key_size);

		if (endpoint->class == class &&
		    lets_in(service, ntohl(key->addr), (uint8_t)(key->prefixlen - 32)))
			return true;
	}
	for (size_t i = 0; i < exact->count; i++) {
		const uint8_t *row = exact->rows + i * (exact->key_size + exact->value_size);
		const struct sl_exact_key *key = (const void *)row;
		const struct sl_endpoint *endpoint = (const void *)(row + exact->key_size);

		if (endpoint->class == class && lets_in(service, ntohl(key->addr), 32))
			return true;
	}
	return false;
}

static bool named(const struct ports *ports, const struct service_port *port)
{
	for (size_t i = 0; i < ports->count; i++) {
		const struct port *p = &ports->item[i];

		if (p->any ||
		    (p->proto == port->proto && p->first <= port->target && p->last >= port->target))
			return true;
	}
	return !ports->count;
}

/* From any class of the list to this backend at this port. */
static bool find_client(const struct compile *c, const struct list *from, struct grant *g)
{
	const struct image *image = c->image;
	const struct image_class *to = &image->classes[g->dst - 1];
	const uint32_t *class = from->item;

	for (size_t i = 0; i < from->count; i++) {
		const struct image_class *client = &image->classes[class[i] - 1];
		struct image_decision d;

		if (client->vpc != to->vpc ||
		    (client->cluster && to->cluster && client->cluster != to->cluster))
			continue;
		d = image_judge(image, class[i], g -> dst, g -> port.proto, g->port.first);
		if ((d.policy == SL_POLICY_DENY && d.rule) ||
		    !class_comes_in(image, g->service, to->vpc, class[i]))
			continue;
		g->src = class[i];
		return true;
	}
	return false;
}

bool grant_find(const struct compile *c, const struct list *from, const bool *is_to,
		const struct ports *ports, struct grant *found)
{
	for (size_t i = 0; i < c->plan->service_count; i++) {
		const struct service *service = &c->plan->services[i];
		uint16_t vpc = c->vpcs[vpc_number(c, service->vpc)].id;

		for (size_t k = 0; c->service_here[i] && k < service->backend_count; k++) {
			const struct backend *backend = &service->backends[k];
			const struct sl_endpoint *end = image_classify(c->image, vpc, backend->address);

			if (backend->state == BACKEND_DRAIN || !end || !is_to[end->class])
				continue;
			for (size_t j = 0; j < service->port_count; j++) {
				const struct service_port *port = &service->ports[j];

				if (!named(ports, port))
					continue;
				*found = (struct grant){ .service = service, .dst = end->class };
				found->port = (struct port){ .proto = port->proto,
							     .first = port->target,
							     .last = port->target };
				if (find_client(c, from, found))
					return true;
			}
		}
	}
	return false;
}
