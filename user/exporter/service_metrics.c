/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A row of a service that sl_serving does not have, since it left the plan or the agent has not seen it yet, is
 * left out: without its name it would begin a series that ends a second later.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "../kernel/names.h"
#include "../kernel/roster.h"
#include "service_metrics.h"

struct view {
	const struct feed *feed;
	struct page *page;
	struct rows serving;
	struct rows served;
	struct rows unserved;
};

/* The labels that every family begins with; false if the service is not known. */
static bool print_service(const struct view *v, const char *family, const struct sl_service_key *service)
{
	struct sl_served_key key = { .service = *service };
	char address[INET_ADDRSTRLEN], vip[INET_ADDRSTRLEN + 8];
	struct sl_serving row;

	if (bpf_map_lookup_elem(v->feed->fd[FEED_serving], &key, &row))
		return false;
	row.name[sizeof(row.name) - 1] = 0;
	inet_ntop(AF_INET, &service->addr, address, sizeof(address));
	snprintf(vip, sizeof(vip), "%s:%u", address, ntohs(service->port));
	page_print(v->page, "%s{", family);
	page_label(v->page, "service", row.name);
	page_print(v->page, ",");
	page_label(v->page, "vip", vip);
	page_print(v->page, ",");
	page_label(v->page, "proto", proto_name(service->proto).text);
	return true;
}

/* Where the backend stands; a flow to one on another node is counted there as well. */
static const char *place_of(const struct view *v, const struct sl_served_key *key)
{
	struct sl_serving row;

	if (bpf_map_lookup_elem(v->feed->fd[FEED_serving], key, &row))
		return "gone";
	return row.flags & SL_BACKEND_REMOTE ? "remote" : "local";
}

static void print_backend(const struct view *v, const struct sl_served_key *key)
{
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &key->backend, address, sizeof(address));
	page_print(v->page, ",");
	page_label(v->page, "backend", address);
	page_print(v->page, ",place=\"%s\"", place_of(v, key));
}

static void print_connections(const struct view *v)
{
	const char *name = "sluice_service_connections_total";

	page_family(v->page, name, "counter",
		    "Connections opened to a service, by the backend they were given to.");
	for (size_t i = 0; i < v->served.count; i++) {
		const struct sl_served_key *key = rows_key(&v->served, i);

		if (!key->backend || !print_service(v, name, &key->service))
			continue;
		print_backend(v, key);
		page_print(v->page, "} %llu\n", (unsigned long long)served_sum(&v->served, i).connections);
	}
}

static void print_traffic(const struct view *v, bool bytes)
{
	const char *name = bytes ? "sluice_service_bytes_total" : "sluice_service_packets_total";

	page_family(v->page, name, "counter",
		    bytes ? "Bytes of IP packets of a service's flows, by backend and direction."
			  : "Packets of a service's flows, by backend and direction.");
	for (size_t i = 0; i < v->served.count; i++) {
		const struct sl_served_key *key = rows_key(&v->served, i);
		struct sl_served sum = served_sum(&v->served, i);
		const struct {
			const char *direction;
			uint64_t value;
		} ways[] = { { "to_backend", bytes ? sum.bytes : sum.packets },
			     { "from_backend", bytes ? sum.reply_bytes : sum.reply_packets } };

		for (int way = 0; key->backend && way < 2; way++) {
			if (!print_service(v, name, &key->service))
				break;
			print_backend(v, key);
			page_print(v->page, ",direction=\"%s\"} %llu\n", ways[way].direction,
				   (unsigned long long)ways[way].value);
		}
	}
}

static void print_handshakes(const struct view *v)
{
	const char *name = "sluice_service_handshakes_total";

	page_family(
		v->page, name, "counter",
		"TCP handshakes of a service by outcome: answered or refused by the backend, or timed out.");
	for (size_t i = 0; i < v->served.count; i++) {
		const struct sl_served_key *key = rows_key(&v->served, i);
		struct sl_served sum = served_sum(&v->served, i);
		struct sl_serving serving = { 0 };
		const struct {
			const char *outcome;
			uint64_t value;
		} ends[] = { { "answered", sum.answered }, { "refused", sum.refused }, { "timed_out", 0 } };

		if (!key->backend || key->service.proto != IPPROTO_TCP)
			continue;
		bpf_map_lookup_elem(v->feed->fd[FEED_serving], key, &serving);
		for (int end = 0; end < 3; end++) {
			if (!print_service(v, name, &key->service))
				break;
			print_backend(v, key);
			page_print(v->page, ",outcome=\"%s\"} %llu\n", ends[end].outcome,
				   (unsigned long long)(end == 2 ? serving.timed_out : ends[end].value));
		}
	}
}

static void print_drops(const struct view *v)
{
	const char *name = "sluice_service_drops_total";

	page_family(v->page, name, "counter", "Packets to a service that were dropped, by reason.");
	for (size_t i = 0; i < v->unserved.count; i++) {
		const struct sl_unserved_key *key = rows_key(&v->unserved, i);
		char number[16];

		if (!print_service(v, name, &key->service))
			continue;
		snprintf(number, sizeof(number), "reason_%u", key->reason);
		page_print(v->page, ",");
		page_label(v->page, "reason", reason_name(key->reason) ? reason_name(key->reason) : number);
		page_print(v->page, "} %llu\n", (unsigned long long)rows_count(&v->unserved, i).packets);
	}
}

/* How many of the service's backends take new connections, and how many only keep what they have. */
static void print_backends(const struct view *v)
{
	const char *name = "sluice_service_backends";

	page_family(v->page, name, "gauge", "Backends of a service by state: active or drain.");
	for (size_t i = 0; i < v->serving.count; i++) {
		const struct sl_served_key *service = rows_key(&v->serving, i);
		uint64_t count[2] = { 0 };

		if (service->backend)
			continue;
		for (size_t j = i + 1; j < v->serving.count; j++) {
			const struct sl_served_key *key = rows_key(&v->serving, j);
			const struct sl_serving *row = rows_value(&v->serving, j);

			if (memcmp(&key->service, &service->service, sizeof(key->service)))
				break;
			count[!!(row->flags & SL_BACKEND_DRAIN)]++;
		}
		for (int drain = 0; drain < 2; drain++)
			if (print_service(v, name, &service->service))
				page_print(v->page, ",state=\"%s\"} %llu\n", drain ? "drain" : "active",
					   (unsigned long long)count[drain]);
	}
}

enum backend_gauge { BACKEND_ACTIVE_FLOWS, BACKEND_WAITING_FLOWS, BACKEND_SHARE, BACKEND_GAUGES };

static void print_gauge(const struct view *v, enum backend_gauge gauge)
{
	static const struct {
		const char *name;
		const char *help;
	} gauges[] = {
		{ "sluice_service_backend_active",
		  "Connections that a backend serves, at the agent's last look." },
		{ "sluice_service_backend_waiting",
		  "Connections that a backend has not answered yet, at the agent's last look." },
		{ "sluice_service_backend_share_ratio",
		  "Share of new connections that a backend gets, 0 to 1." },
	};
	uint32_t slots = 0;

	page_family(v->page, gauges[gauge].name, "gauge", gauges[gauge].help);
	for (size_t i = 0; i < v->serving.count; i++) {
		const struct sl_served_key *key = rows_key(&v->serving, i);
		const struct sl_serving *row = rows_value(&v->serving, i);

		if (!key->backend)
			slots = row->slots; /* the service comes first */
		if (!key->backend || !print_service(v, gauges[gauge].name, &key->service))
			continue;
		print_backend(v, key);
		if (gauge == BACKEND_SHARE)
			page_print(v->page, "} %.6f\n", slots ? (double)row->slots / slots : 0.0);
		else
			page_print(v->page, "} %llu\n",
				   (unsigned long long)(gauge == BACKEND_ACTIVE_FLOWS ? row->flows
										      : row->waiting));
	}
}

int service_metrics_render(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct view v = { .feed = feed, .page = page };
	int error = rows_read(&v.serving, feed->fd[FEED_serving], sizeof(struct sl_served_key),
			      sizeof(struct sl_serving), 1, t);

	if (!error)
		error = rows_sort(&v.serving, t);
	if (!error)
		error = rows_read(&v.served, feed->fd[FEED_served], sizeof(struct sl_served_key),
				  sizeof(struct sl_served), feed->cpus, t);
	if (!error)
		error = rows_read(&v.unserved, feed->fd[FEED_unserved], sizeof(struct sl_unserved_key),
				  sizeof(struct sl_count), feed->cpus, t);
	if (!error) {
		print_connections(&v);
		print_traffic(&v, false);
		print_traffic(&v, true);
		print_handshakes(&v);
		print_drops(&v);
		print_backends(&v);
		for (int gauge = 0; gauge < BACKEND_GAUGES; gauge++)
			print_gauge(&v, gauge);
	}
	rows_free(&v.serving);
	rows_free(&v.served);
	rows_free(&v.unserved);
	return error;
}
