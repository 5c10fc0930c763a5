/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services for people: one table of services, one of their backends, one of what was dropped.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "cli.h"
#include "services.h"
#include "table.h"

static struct name_text vip_text(const struct sl_service_key *key)
{
	struct name_text out = { "" };
	size_t used;

	inet_ntop(AF_INET, &key->addr, out.text, sizeof(out.text));
	used = strlen(out.text);
	snprintf(out.text + used, sizeof(out.text) - used, ":%u/%.8s", ntohs(key->port),
		 proto_name(key->proto).text);
	return out;
}

static void service_cells(struct table *table, const struct services *s, size_t row, size_t span)
{
	const struct roster_row *service = &s->roster.row[row];
	struct services_sum sum = services_sum(s, row, span);
	struct sl_count dropped = { 0 };

	for (size_t i = 0; i < s->unserved.count; i++) {
		const struct sl_unserved_key *key = rows_key(&s->unserved, i);

		if (!memcmp(&key->service, &service->key.service, sizeof(key->service)))
			dropped.packets += rows_count(&s->unserved, i).packets;
	}
	table_cell(table, "%s", services_name(s, service).text);
	table_cell(table, "%s", vip_text(&service->key.service).text);
	table_cell(table, "%s",
		   name_find(s->k.table[SL_TABLE_sl_name], SL_NAME_VPC, 0, service->service.vpc).text);
	table_cell(table, "%zu", sum.backends);
	table_cell(table, "%llu", (unsigned long long)sum.flows);
	table_cell(table, "%llu", (unsigned long long)sum.waiting);
	table_cell(table, "%llu", (unsigned long long)sum.served.connections);
	if (service->key.service.proto == IPPROTO_TCP) {
		table_cell(table, "%llu", (unsigned long long)sum.served.answered);
		table_cell(table, "%llu", (unsigned long long)sum.served.refused);
		table_cell(table, "%llu", (unsigned long long)sum.timed_out);
	} else {
		for (int i = 0; i < 3; i++)
			table_cell(table, "-");
	}
	table_cell(table, "%llu", (unsigned long long)dropped.packets);
}

static bool print_services(const struct services *s)
{
	static const char *const heads[] = { "SERVICE",	 "VIP",	       "VPC",	  ">BACKENDS",
					     ">ACTIVE",	 ">WAITING",   ">OPENED", ">ANSWERED",
					     ">REFUSED", ">TIMED OUT", ">DROPPED" };
	struct table table;
	bool good;

	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < s->roster.count;) {
		size_t span = roster_span(&s->roster, i);

		service_cells(&table, s, i, span);
		i += span;
	}
	good = table_print(&table);
	table_free(&table);
	return good;
}

static void backend_cells(struct table *table, const struct services *s, size_t service, size_t row)
{
	const struct roster_row *of = &s->roster.row[service], *backend = &s->roster.row[row];
	const struct sl_served *served = &s->served[row];
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &backend->key.backend, address, sizeof(address));
	table_cell(table, "%s", vip_text(&of->key.service).text);
	table_cell(table, "%s:%u", address, ntohs(of->service.target));
	table_cell(table, "%s", services_node(s, of, backend).text);
	table_cell(table, "%s", backend->flags & SL_BACKEND_DRAIN ? "drain" : "active");
	table_cell(table, "%.1f %%", of->slots ? 100.0 * backend->slots / of->slots : 0.0);
	table_cell(table, "%llu", (unsigned long long)backend->flows);
	table_cell(table, "%llu", (unsigned long long)backend->waiting);
	table_cell(table, "%llu", (unsigned long long)served->connections);
	table_cell(table, "%llu", (unsigned long long)served->packets);
	table_cell(table, "%llu", (unsigned long long)served->bytes);
	table_cell(table, "%llu", (unsigned long long)served->reply_packets);
	table_cell(table, "%llu", (unsigned long long)served->reply_bytes);
}

static bool print_backends(const struct services *s)
{
	static const char *const heads[] = { "VIP",	 "BACKEND", "NODE",	"STATE",
					     ">SHARE",	 ">ACTIVE", ">WAITING", ">OPENED",
					     ">PACKETS", ">BYTES",  ">REPLIES", ">BYTES" };
	struct table table;
	size_t service = 0;
	bool good;

	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < s->roster.count; i++) {
		if (s->roster.row[i].key.backend)
			backend_cells(&table, s, service, i);
		else
			service = i;
	}
	good = table_print(&table);
	table_free(&table);
	return good;
}

/* Nothing if there were none. */
static bool print_drops(const struct services *s)
{
	static const char *const heads[] = { "VIP", "REASON", ">PACKETS", ">BYTES", "MEANING" };
	struct table table;
	bool good = true;

	table_head(&table, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < s->unserved.count; i++) {
		const struct sl_unserved_key *key = rows_key(&s->unserved, i);
		struct sl_served_key service = { .service = key->service };
		struct sl_count count = rows_count(&s->unserved, i);

		if (!roster_find(&s->roster, &service))
			continue;
		table_cell(&table, "%s", vip_text(&key->service).text);
		table_cell(&table, "%s", reason_name(key->reason) ? reason_name(key->reason) : "unknown");
		table_cell(&table, "%llu", (unsigned long long)count.packets);
		table_cell(&table, "%llu", (unsigned long long)count.bytes);
		table_cell(&table, "%s", reason_text(key->reason) ? reason_text(key->reason) : "");
	}
	if (table.count || table.lost) {
		putchar('\n');
		good = table_print(&table);
	}
	table_free(&table);
	return good;
}

int services_print(const struct services *s)
{
	if (!print_services(s))
		return EXIT_REFUSED;
	putchar('\n');
	return print_backends(s) && print_drops(s) ? EXIT_DONE : EXIT_REFUSED;
}
