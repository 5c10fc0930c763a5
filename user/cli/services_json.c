/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services for programs: the same numbers as the tables for people, and what else the rows say.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "services.h"

static struct name_text address_text(uint32_t addr_be)
{
	struct name_text out = { "" };

	inet_ntop(AF_INET, &addr_be, out.text, sizeof(out.text));
	return out;
}

static double percent(uint32_t part, uint32_t whole)
{
	return whole ? 100.0 * part / whole : 0.0;
}

/* What services and backends have in common, added to `object`. */
static void add_counts(json_t *object, const struct sl_served *served, uint64_t flows, uint64_t waiting)
{
	json_object_update_new(
		object,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "active", (json_int_t)flows, "waiting",
			  (json_int_t)waiting, "connections", (json_int_t)served->connections, "packets",
			  (json_int_t)served->packets, "bytes", (json_int_t)served->bytes, "reply_packets",
			  (json_int_t)served->reply_packets, "reply_bytes", (json_int_t)served->reply_bytes));
}

static void add_handshakes(json_t *object, const struct sl_served *served, uint64_t timed_out)
{
	json_object_set_new(object, "handshakes",
			    json_pack("{s:I, s:I, s:I}", "answered", (json_int_t)served->answered, "refused",
				      (json_int_t)served->refused, "timed_out", (json_int_t)timed_out));
}

static json_t *backend_json(const struct services *s, size_t service, size_t row)
{
	const struct roster_row *of = &s->roster.row[service], *backend = &s->roster.row[row];
	json_t *object =
		json_pack("{s:s, s:i, s:s, s:b, s:s, s:I, s:f}", "address",
			  address_text(backend->key.backend).text, "port", ntohs(of->service.target), "node",
			  services_node(s, of, backend).text, "remote", backend->flags & SL_BACKEND_REMOTE,
			  "state", backend->flags & SL_BACKEND_DRAIN ? "drain" : "active", "slots",
			  (json_int_t)backend->slots, "share_percent", percent(backend->slots, of->slots));

	add_counts(object, &s->served[row], backend->flows, backend->waiting);
	if (of->key.service.proto == IPPROTO_TCP)
		add_handshakes(object, &s->served[row], services_timed_out(s, row));
	return object;
}

static json_t *drops_json(const struct services *s, const struct sl_service_key *service)
{
	json_t *object = json_object();

	for (size_t i = 0; i < s->unserved.count; i++) {
		const struct sl_unserved_key *key = rows_key(&s->unserved, i);
		struct sl_count count = rows_count(&s->unserved, i);
		char number[16];

		if (memcmp(&key->service, service, sizeof(*service)))
			continue;
		snprintf(number, sizeof(number), "reason_%u", key->reason);
		json_object_set_new(object, reason_name(key->reason) ? reason_name(key->reason) : number,
				    json_pack("{s:I, s:I}", "packets", (json_int_t)count.packets, "bytes",
					      (json_int_t)count.bytes));
	}
	return object;
}

static json_t *service_json(const struct services *s, size_t row, size_t span)
{
	const struct roster_row *at = &s->roster.row[row];
	const struct sl_service *service = &at->service;
	struct services_sum sum = services_sum(s, row, span);
	struct sl_vip_key vip_key = { .addr = at->key.service.addr };
	struct sl_vip vip = { 0 };
	json_t *backends = json_array();
	json_t *object;

	bpf_map_lookup_elem(s->k.plan[SL_TABLE_sl_vip], &vip_key, &vip);
	for (size_t i = row + 1; i < row + span; i++)
		json_array_append_new(backends, backend_json(s, row, i));
	object = json_pack(
		"{s:s, s:s, s:i, s:s, s:b, s:b, s:s, s:i, s:I, s:I, s:s, s:b, s:I, s:I}", "service",
		services_name(s, at).text, "vip", address_text(at->key.service.addr).text, "port",
		ntohs(at->key.service.port), "proto", proto_name(at->key.service.proto).text, "owned",
		vip.flags & SL_VIP_OWNED, "node_address", vip.flags & SL_VIP_HOST, "vpc",
		name_find(s->k.table[SL_TABLE_sl_name], SL_NAME_VPC, 0, service->vpc).text, "target",
		ntohs(service->target), "slots", (json_int_t)service->slots, "affinity_s",
		(json_int_t)(((uint64_t)service->affinity << SL_TICK_SHIFT) + 999999999) / 1000000000,
		"on_empty", service->flags & SL_SERVICE_RESET ? "reset" : "drop", "sources", service->sources,
		"new_per_s", (json_int_t)service->new_per_s, "new_per_source_per_s",
		(json_int_t)service->new_per_source_per_s);
	add_counts(object, &sum.served, sum.flows, sum.waiting);
	if (at->key.service.proto == IPPROTO_TCP)
		add_handshakes(object, &sum.served, sum.timed_out);
	json_object_set_new(object, "drops", drops_json(s, &at->key.service));
	json_object_set_new(object, "backends", backends);
	return object;
}

json_t *services_json(const struct services *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->roster.count;) {
		size_t span = roster_span(&s->roster, i);

		json_array_append_new(list, service_json(s, i, span));
		i += span;
	}
	return list;
}
