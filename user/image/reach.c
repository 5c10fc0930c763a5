/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads reach back from the rows, see reach.h. Between two neighbouring edges of a set's rows the longest
 * match cannot change, so one lookup at each edge tells everything.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"
#include "reach.h"

#define PORTS 65536U

struct edge {
	uint32_t port;
	uint8_t proto;
};

static int by_edge(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->proto != y->proto)
		return x->proto - y->proto;
	return (x->port > y->port) - (x->port < y->port);
}

/* The first row of sl_ports that is not below the key. */
static size_t first_row(const struct image_table *table, const struct sl_ports_key *key)
{
	size_t low = 0, high = table->count, row_size = table->key_size + table->value_size;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(table->rows + middle * row_size, key, sizeof(*key)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where rows of a set begin and end, and the protocols they name. */
static bool read_edges(const struct image *image, uint32_t set, struct reach *reach, struct list *edges)
{
	const struct image_table *table = &image->table[SL_TABLE_sl_ports];
	size_t row_size = table->key_size + table->value_size;

	for (unsigned int bits = 0; bits <= 16; bits++) {
		struct sl_ports_key key = { .prefixlen = 64 - bits, .set = htonl(set) };
		size_t at = first_row(table, &key);

		for (; at < table->count; at++) {
			struct sl_ports_key row;
			struct edge *edge;

			memcpy(&row, table->rows + at * row_size, sizeof(row));
			if (row.prefixlen != key.prefixlen || row.set != key.set)
				break;
			edge = list_add(edges, reach->named[row.proto] ? 2 : 3);
			if (!edge)
				return false;
			edge[0] = (struct edge){ .proto = row.proto, .port = ntohs(row.port) };
			edge[1] = (struct edge){ .proto = row.proto, .port = ntohs(row.port) + (1U << bits) };
			if (!reach->named[row.proto])
				edge[2].proto = row.proto; /* port 0 */
			reach->named[row.proto] = true;
		}
	}
	if (edges->count)
		qsort(edges->item, edges->count, sizeof(struct edge), by_edge);
	return true;
}

/* A protocol whose answer is that of all the others needs none of its own: equal reach looks equal. */
void reach_settle(struct reach *reach)
{
	size_t kept = 0;

	for (size_t i = 0; i < reach->count; i++) {
		const struct port *p = &reach->item[i];

		if (reach->others && p->first == 0 && p->last == PORTS - 1)
			reach->named[p->proto] = false;
		else
			reach->item[kept++] = *p;
	}
	reach->count = kept;
	for (unsigned int proto = 0, i = 0; !reach->others && proto < 256; proto++) {
		while (i < reach->count && reach->item[i].proto < proto)
			i++;
		if (i == reach->count || reach->item[i].proto != proto)
			reach->named[proto] = false;
	}
}

static bool read_set(const struct image *image, uint32_t src, uint32_t dst, uint32_t set, struct reach *reach)
{
	struct list edges = { .size = sizeof(struct edge) }, ports = { .size = sizeof(struct port) };
	struct port *open = NULL;
	const struct edge *edge;
	bool done = false;
	unsigned int other;

	if (!read_edges(image, set, reach, &edges))
		goto out;
	edge = edges.item;
	for (size_t i = 0; i < edges.count; i++) {
		bool last = i + 1 == edges.count || edge[i + 1].proto != edge[i].proto;
		uint32_t end = last ? PORTS : edge[i + 1].port;

		if (end == edge[i].port || edge[i].port >= PORTS)
			continue;
		if (image_judge(image, src, dst, edge[i].proto, (uint16_t)edge[i].port).policy !=
		    SL_POLICY_ALLOW)
			continue;
		if (!open || open->proto != edge[i].proto || open->last + 1U != edge[i].port) {
			open = list_add(&ports, 1);
			if (!open)
				goto out;
			open->proto = edge[i].proto;
			open->first = (uint16_t)edge[i].port;
		}
		open->last = (uint16_t)(end - 1);
	}
	for (other = 0; other < 256 && reach->named[other]; other++)
		;
	reach->others =
		other < 256 && image_judge(image, src, dst, (uint8_t)other, 0).policy == SL_POLICY_ALLOW;
	reach->item = ports.item;
	reach->count = ports.count;
	reach_settle(reach);
	done = true;
out:
	if (!done)
		list_free(&ports);
	list_free(&edges);
	return done;
}

bool reach_read(const struct image *image, uint32_t src_class, uint32_t dst_class, struct reach *reach)
{
	struct sl_pair_key key = { .src = src_class, .dst = dst_class };
	const struct sl_pair *pair = row_find(&image->table[SL_TABLE_sl_pair], &key);

	memset(reach, 0, sizeof(*reach));
	if (!pair)
		return true;
	if (pair->policy == SL_POLICY_PORTS)
		return read_set(image, src_class, dst_class, pair->set, reach);
	reach->others = pair->policy == SL_POLICY_ALLOW;
	return true;
}

void reach_free(struct reach *reach)
{
	free(reach->item);
	memset(reach, 0, sizeof(*reach));
}

bool reach_all(const struct reach *reach)
{
	for (unsigned int proto = 0; proto < 256; proto++) {
		if (reach->named[proto])
			return false;
	}
	return reach->others;
}

bool reach_none(const struct reach *reach)
{
	return !reach->others && !reach->count;
}

bool reach_equal(const struct reach *a, const struct reach *b)
{
	if (a->others != b->others || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->item[i].proto != b->item[i].proto || a->item[i].first != b->item[i].first ||
		    a->item[i].last != b->item[i].last)
			return false;
	}
	/* Where the others are allowed, what is named and closed matters too. */
	return !a->others || !memcmp(a->named, b->named, sizeof(a->named));
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* The first stretch of first..last of a named protocol that is allowed, or that is not. */
static bool find_named(const struct reach *reach, uint8_t proto, uint32_t first, uint32_t last, bool allowed,
		       struct port *found)
{
	uint32_t at = first;

	*found = (struct port){ .proto = proto };
	for (size_t i = 0; i < reach->count; i++) {
		const struct port *p = &reach->item[i];

		if (p->proto != proto || p->last < at)
			continue;
		if (p->first > last)
			break;
		if (allowed) {
			found->first = p->first > at ? p->first : (uint16_t)at;
			found->last = p->last < last ? p->last : (uint16_t)last;
			return true;
		}
		if (p->first > at) {
			found->first = (uint16_t)at;
			found->last = (uint16_t)(p->first - 1);
			return true;
		}
		at = p->last + 1U;
	}
	found->first = (uint16_t)at;
	found->last = (uint16_t)last;
	return !allowed && at <= last;
}

bool reach_find(const struct reach *reach, const struct port *ports, bool allowed, struct port *found)
{
	for (unsigned int proto = 0; proto < 256; proto++) {
		bool whole = ports->any || !has_ports((uint8_t)proto);

		if (!ports->any && ports->proto != proto)
			continue;
		if (!reach->named[proto]) {
			if (reach->others != allowed)
				continue;
			*found = (struct port){ .proto = (uint8_t)proto, .any = ports->any };
			found->first = whole ? 0 : ports->first;
			found->last = whole ? PORTS - 1 : ports->last;
			return true;
		}
		if (find_named(reach, (uint8_t)proto, whole ? 0 : ports->first,
			       whole ? PORTS - 1 : ports->last, allowed, found))
			return true;
	}
	return false;
}

void port_text(const struct port *port, char *text, size_t size)
{
	char proto[16];

	if (port->any) {
		snprintf(text, size, "any");
		return;
	}
	if (has_ports(port->proto) || port->proto == IPPROTO_ICMP)
		snprintf(proto, sizeof(proto), "%s",
			 port->proto == IPPROTO_TCP    ? "tcp"
			 : port->proto == IPPROTO_UDP  ? "udp"
			 : port->proto == IPPROTO_ICMP ? "icmp"
						       : "sctp");
	else
		snprintf(proto, sizeof(proto), "proto/%u", port->proto);
	if (!has_ports(port->proto) || (port->first == 0 && port->last == PORTS - 1))
		snprintf(text, size, "%s", proto);
	else if (port->first == port->last)
		snprintf(text, size, "%s/%u", proto, port->first);
	else
		snprintf(text, size, "%s/%u-%u", proto, port->first, port->last);
}

bool reach_next(const struct reach *reach, bool allowed, struct port *at, bool first)
{
	uint32_t from = first ? 0 : at->last + 1U;

	for (unsigned int proto = first ? 0 : at->proto; proto < 256; proto++, from = 0) {
		if (reach->named[proto] && find_named(reach, (uint8_t)proto, from, PORTS - 1, allowed, at))
			return true;
	}
	return false;
}

void reach_text(const struct reach *reach, char *text, size_t size)
{
	const char *between = reach->others ? "all but " : "";
	struct port at = { 0 };
	size_t used = 0;
	char port[40];

	if (reach_all(reach) || reach_none(reach)) {
		snprintf(text, size, "%s", reach_none(reach) ? "-" : "all");
		return;
	}
	for (bool more = reach_next(reach, !reach->others, &at, true); more && used < size;
	     more = reach_next(reach, !reach->others, &at, false)) {
		port_text(&at, port, sizeof(port));
		used += (size_t)snprintf(text + used, size - used, "%s%s", between, port);
		between = ",";
	}
}
