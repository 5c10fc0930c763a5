/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rings are read service by service, as their table may hold millions of slots.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "roster.h"

static int row_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sl_served_key)); /* the first member of struct roster_row */
}

static int collect(struct roster *roster, const struct rows *services, const struct rows *backends,
		   struct trouble *t)
{
	size_t most = services->count + backends->count;

	roster->row = calloc(most + 1, sizeof(*roster->row));
	if (!roster->row)
		return trouble(t, -ENOMEM, "out of memory for %zu services and backends", most);
	for (size_t i = 0; i < services->count; i++) {
		struct roster_row *row = &roster->row[roster->count++];

		row->key.service = *(const struct sl_service_key *)rows_key(services, i);
		row->service = *(const struct sl_service *)rows_value(services, i);
		row->slots = row->service.slots;
	}
	for (size_t i = 0; i < backends->count; i++) {
		const struct sl_backend_key *key = rows_key(backends, i);
		const struct sl_backend *backend = rows_value(backends, i);
		struct roster_row *row = &roster->row[roster->count++];

		row->key.service = key->service;
		row->key.backend = key->backend;
		row->flags = backend->flags;
		row->node = backend->node;
	}
	qsort(roster->row, roster->count, sizeof(*roster->row), row_order);
	return 0;
}

size_t roster_span(const struct roster *roster, size_t row)
{
	size_t end = row + 1;

	while (end < roster->count && !memcmp(&roster->row[end].key.service, &roster->row[row].key.service,
					      sizeof(struct sl_service_key)))
		end++;
	return end - row;
}

/* The place that a batch of an array starts behind is the index before. */
int roster_ring(int fd, uint32_t first, uint32_t slots, struct sl_slot *slot, struct trouble *t)
{
	uint32_t *indices = calloc(slots + 1UL, sizeof(*indices));
	uint32_t before = first - 1, next, got = slots;
	int error = 0;

	if (!indices)
		return trouble(t, -ENOMEM, "out of memory for a ring of %u slots", slots);
	if (slots)
		error = bpf_map_lookup_batch(fd, first ? &before : NULL, &next, indices, slot, &got, NULL);
	free(indices);
	if (error && error != -ENOENT)
		return trouble(t, error, "cannot read a ring: %s", strerror(-error));
	if (got != slots)
		return trouble(t, -EIO, "a ring of %u slots has %u", slots, got);
	return 0;
}

static int count_slots(struct roster_row *service, size_t span, int fd, struct trouble *t)
{
	uint32_t slots = service->slots;
	struct sl_slot *slot = calloc(slots + 1UL, sizeof(*slot));
	int error;

	if (!slot)
		return trouble(t, -ENOMEM, "out of memory for a ring of %u slots", slots);
	error = roster_ring(fd, service->service.ring, slots, slot, t);
	for (uint32_t i = 0; !error && i < slots; i++) {
		struct sl_served_key key = { .service = service->key.service, .backend = slot[i].addr };
		struct roster_row *row = bsearch(&key, service, span, sizeof(*service), row_order);

		if (row && row != service)
			row->slots++;
	}
	free(slot);
	return error;
}

static int read_aliases(struct roster *roster, const struct kernel *k, struct trouble *t)
{
	struct rows vips;
	int error = rows_read(&vips, k->plan[SL_TABLE_sl_vip], sizeof(struct sl_vip_key),
			      sizeof(struct sl_vip), 1, t);

	if (error)
		return error;
	for (size_t i = 0; i < vips.count && roster->alias_count < SL_ALIASES; i++) {
		const struct sl_vip_key *key = rows_key(&vips, i);
		const struct sl_vip *vip = rows_value(&vips, i);

		if (vip->flags & SL_VIP_ALIAS)
			roster->alias[roster->alias_count++] =
				(struct roster_alias){ .alias = key->addr, .vip = vip->other };
	}
	rows_free(&vips);
	return 0;
}

static __be32 vip_of(const struct roster *roster, __be32 addr)
{
	for (size_t i = 0; i < roster->alias_count; i++)
		if (roster->alias[i].alias == addr)
			return roster->alias[i].vip;
	return addr;
}

int roster_read(struct roster *roster, const struct kernel *k, struct trouble *t)
{
	struct rows services = { 0 }, backends = { 0 };
	int error;

	memset(roster, 0, sizeof(*roster));
	if (!k->generation)
		return 0;
	error = rows_read(&services, k->plan[SL_TABLE_sl_service], sizeof(struct sl_service_key),
			  sizeof(struct sl_service), 1, t);
	if (!error)
		error = rows_read(&backends, k->plan[SL_TABLE_sl_backend], sizeof(struct sl_backend_key),
				  sizeof(struct sl_backend), 1, t);
	if (!error)
		error = collect(roster, &services, &backends, t);
	if (!error)
		error = read_aliases(roster, k, t);
	for (size_t i = 0; !error && i < roster->count;) {
		size_t span = roster_span(roster, i);

		error = count_slots(&roster->row[i], span, k->plan[SL_TABLE_sl_ring], t);
		i += span;
	}
	rows_free(&services);
	rows_free(&backends);
	if (error)
		roster_free(roster);
	return error;
}

void roster_free(struct roster *roster)
{
	free(roster->row);
	roster->row = NULL;
	roster->count = roster->alias_count = 0;
}

struct roster_row *roster_find(const struct roster *roster, const struct sl_served_key *key)
{
	if (!roster->count)
		return NULL;
	return bsearch(key, roster->row, roster->count, sizeof(*roster->row), row_order);
}

void roster_count(struct roster *roster, const struct sl_flow_key *key, const struct sl_flow *flow,
		  bool answered)
{
	struct sl_served_key served = {
		.service = { .addr = key->daddr, .port = key->dport, .proto = key->proto },
		.backend = flow->verdict.daddr
	};
	struct roster_row *row;

	/* A closed flow is kept for late segments, but serves nobody any more. */
	if (!(flow->verdict.flags & SL_VERDICT_SERVICE) || flow->flags & SL_FLOW_REPLY ||
	    flow->state == SL_FLOW_CLOSED)
		return;
	served.service.addr = vip_of(roster, key->daddr);
	row = roster_find(roster, &served);
	if (!row)
		return;
	/* What is told of answers past this node is a TCP client going on; others need no handshake. */
	answered |= flow->flags & SL_FLOW_ANSWERED ||
		    (flow->verdict.flags & SL_VERDICT_DIRECT && key->proto != IPPROTO_TCP);
	*(answered ? &row->flows : &row->waiting) += 1;
	roster->counted = true;
}

struct sl_served served_sum(const struct rows *rows, size_t row)
{
	const struct sl_served *one = rows_value(rows, row);
	struct sl_served sum = { 0 };

	for (uint32_t cpu = 0; cpu < rows->cpus; cpu++) {
		sum.connections += one[cpu].connections;
		sum.answered += one[cpu].answered;
		sum.refused += one[cpu].refused;
		sum.packets += one[cpu].packets;
		sum.bytes += one[cpu].bytes;
		sum.reply_packets += one[cpu].reply_packets;
		sum.reply_bytes += one[cpu].reply_bytes;
	}
	return sum;
}

uint64_t served_timed_out(const struct sl_served *served, uint64_t waiting)
{
	uint64_t settled = served->answered + served->refused + waiting;

	return served->connections > settled ? served->connections - settled : 0;
}
