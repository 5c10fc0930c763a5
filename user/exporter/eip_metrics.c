/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A row of an EIP without a name has left the plan, and is left out. The address is a label beside the name because a
 * node's own address is called as the node is, and an EIP may be, too.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "../kernel/names.h"
#include "../kernel/supply.h"
#include "eip_metrics.h"

struct view {
	const struct feed *feed;
	struct page *page;
	struct rows use;
	struct rows count;
};

/* The labels that every family begins with; false if the EIP is not known. */
static bool print_eip(const struct view *v, const char *family, const struct sl_eip_count_key *key)
{
	struct sl_name_key name_key = { .kind = SL_NAME_EIP, .id = key->eip };
	char address[INET_ADDRSTRLEN];
	struct sl_name name;

	if (bpf_map_lookup_elem(v->feed->fd[FEED_name], &name_key, &name))
		return false;
	name.name[sizeof(name.name) - 1] = 0;
	inet_ntop(AF_INET, &key->eip, address, sizeof(address));
	page_print(v->page, "%s{", family);
	page_label(v->page, "eip", name.name);
	page_print(v->page, ",");
	page_label(v->page, "address", address);
	page_print(v->page, ",");
	page_label(v->page, "proto", key->proto ? proto_name(key->proto).text : "other");
	return true;
}

static void print_use(const struct view *v)
{
	static const struct {
		const char *name;
		const char *help;
		size_t at;
	} gauges[] = {
		{ "sluice_eip_ports", "Ports of an EIP that this node may hand out to sources.",
		  offsetof(struct sl_eip_use, ports) },
		{ "sluice_eip_ports_in_use", "Ports of an EIP that sources are mapped to on this node.",
		  offsetof(struct sl_eip_use, bound) },
		{ "sluice_eip_ports_resting", "Ports of an EIP that rest before they are handed out again.",
		  offsetof(struct sl_eip_use, resting) },
	};

	for (size_t gauge = 0; gauge < sizeof(gauges) / sizeof(gauges[0]); gauge++) {
		page_family(v->page, gauges[gauge].name, "gauge", gauges[gauge].help);
		for (size_t i = 0; i < v->use.count; i++) {
			const uint8_t *row = rows_value(&v->use, i);
			uint32_t value;

			memcpy(&value, row + gauges[gauge].at, sizeof(value));
			if (print_eip(v, gauges[gauge].name, rows_key(&v->use, i)))
				page_print(v->page, "} %u\n", value);
		}
	}
}

static uint64_t field(const struct sl_eip_count *sum, size_t at)
{
	uint64_t value;

	memcpy(&value, (const uint8_t *)sum + at, sizeof(value));
	return value;
}

static void print_counts(const struct view *v)
{
	static const struct {
		const char *name;
		const char *help;
		size_t at;
	} counters[] = {
		{ "sluice_eip_bound_total", "Mappings of sources to ports of an EIP that were made.",
		  offsetof(struct sl_eip_count, bound) },
		{ "sluice_eip_kept_total", "Mappings of an EIP that have the port that the source has.",
		  offsetof(struct sl_eip_count, kept) },
		{ "sluice_eip_filtered_packets_total",
		  "Packets from outside that no mapping of an EIP stands for, or that it does not accept.",
		  offsetof(struct sl_eip_count, filtered) },
		{ "sluice_eip_forwarded_packets_total",
		  "Packets to an EIP sent on to the node whose block of ports or workload it is.",
		  offsetof(struct sl_eip_count, forwarded) },
	};

	for (size_t counter = 0; counter < sizeof(counters) / sizeof(counters[0]); counter++) {
		page_family(v->page, counters[counter].name, "counter", counters[counter].help);
		for (size_t i = 0; i < v->count.count; i++) {
			struct sl_eip_count sum = supply_count(&v->count, i);

			if (print_eip(v, counters[counter].name, rows_key(&v->count, i)))
				page_print(v->page, "} %llu\n",
					   (unsigned long long)field(&sum, counters[counter].at));
		}
	}
}

static void print_failures(const struct view *v)
{
	const char *name = "sluice_eip_failures_total";

	page_family(v->page, name, "counter",
		    "Flows refused: no free port of the EIP was found, or the workload holds its limit.");
	for (size_t i = 0; i < v->count.count; i++) {
		struct sl_eip_count sum = supply_count(&v->count, i);

		if (print_eip(v, name, rows_key(&v->count, i)))
			page_print(v->page, ",why=\"no_port\"} %llu\n", (unsigned long long)sum.no_port);
		if (print_eip(v, name, rows_key(&v->count, i)))
			page_print(v->page, ",why=\"limit\"} %llu\n", (unsigned long long)sum.limit);
	}
}

int eip_metrics_render(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct view v = { .feed = feed, .page = page };
	int error = rows_read(&v.use, feed->fd[FEED_eip_use], sizeof(struct sl_eip_count_key),
			      sizeof(struct sl_eip_use), 1, t);

	if (!error)
		error = rows_sort(&v.use, t);
	if (!error)
		error = rows_read(&v.count, feed->fd[FEED_eip_count], sizeof(struct sl_eip_count_key),
				  sizeof(struct sl_eip_count), feed->cpus, t);
	if (!error)
		error = rows_sort(&v.count, t);
	if (!error) {
		print_use(&v);
		print_counts(&v);
		print_failures(&v);
	}
	rows_free(&v.use);
	rows_free(&v.count);
	return error;
}
