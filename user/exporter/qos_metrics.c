/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of classes and labels that left the plan go on: they count what was sent. Without a name they are left out.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "../kernel/meter.h"
#include "../kernel/names.h"
#include "../kernel/spread.h"
#include "qos_metrics.h"

/* The name of a class or label by its hash; "" for none, false for one that nobody knows any more. */
static bool find_name(const struct feed *feed, uint16_t kind, uint32_t id, struct name_text *out)
{
	struct sl_name_key key = { .kind = kind, .id = id };
	struct sl_name row;

	*out = (struct name_text){ "" };
	if (!id)
		return true;
	if (bpf_map_lookup_elem(feed->fd[FEED_name], &key, &row))
		return false;
	memcpy(out->text, row.name, sizeof(out->text));
	out->text[sizeof(out->text) - 1] = 0;
	return true;
}

static bool add_labels(const struct feed *feed, struct page *page, const struct sl_qos_key *key)
{
	struct name_text cluster, class, label;

	if (!find_name(feed, SL_NAME_CLUSTER, key->cluster, &cluster) ||
	    !find_name(feed, SL_NAME_CLASS, key->class, &class) ||
	    !find_name(feed, SL_NAME_LABEL, key->label, &label))
		return false;
	page_label(page, "cluster", cluster.text);
	page_print(page, ",");
	page_label(page, "class", class.text);
	page_print(page, ",");
	page_label(page, "label", label.text);
	return true;
}

static uint64_t field(const struct sl_qos *sum, size_t at)
{
	uint64_t value;

	memcpy(&value, (const uint8_t *)sum + at, sizeof(value));
	return value;
}

static int print_traffic(const struct feed *feed, struct page *page, struct trouble *t)
{
	static const struct {
		const char *name;
		const char *help;
		size_t at;
	} counters[] = {
		{ "sluice_qos_packets_total",
		  "Packets sent by uplinks, by the cluster that the tunnel took them to, class and label.",
		  offsetof(struct sl_qos, packets) },
		{ "sluice_qos_bytes_total", "Bytes of their IP packets, before encryption.",
		  offsetof(struct sl_qos, bytes) },
		{ "sluice_qos_delayed_total", "Packets of those that had to wait for their turn.",
		  offsetof(struct sl_qos, delayed) },
		{ "sluice_qos_dropped_packets_total", "Packets dropped: more than a rate and its queue take.",
		  offsetof(struct sl_qos, dropped) },
		{ "sluice_qos_dropped_bytes_total", "Bytes of the IP packets that were dropped.",
		  offsetof(struct sl_qos, dropped_bytes) },
	};
	struct rows rows;
	int error = rows_read(&rows, feed->fd[FEED_qos], sizeof(struct sl_qos_key), sizeof(struct sl_qos),
			      feed->cpus, t);

	if (error)
		return error;
	for (size_t counter = 0; counter < sizeof(counters) / sizeof(counters[0]); counter++) {
		page_family(page, counters[counter].name, "counter", counters[counter].help);
		for (size_t i = 0; i < rows.count; i++) {
			struct sl_qos sum = meter_qos(&rows, i);
			struct page labels = { 0 };

			if (add_labels(feed, &labels, rows_key(&rows, i))) {
				page->lost |= labels.lost;
				page_print(page, "%s{%s} %llu\n", counters[counter].name,
					   labels.lost ? "" : labels.text,
					   (unsigned long long)field(&sum, counters[counter].at));
			}
			page_free(&labels);
		}
	}
	rows_free(&rows);
	return 0;
}

static int print_delays(const struct feed *feed, struct page *page, struct trouble *t)
{
	const char *name = "sluice_qos_delay_seconds";
	struct rows rows;
	int error = rows_read(&rows, feed->fd[FEED_qos_delay], sizeof(struct sl_qos_key),
			      sizeof(struct sl_qos_delay), feed->cpus, t);

	if (error)
		return error;
	page_family(page, name, "histogram", "How long packets waited for their turn, of those that had to.");
	for (size_t i = 0; i < rows.count; i++) {
		struct sl_qos_delay sum = meter_delay(&rows, i);
		struct spread spread = spread_of_delay(&sum);
		struct page labels = { 0 };

		if (add_labels(feed, &labels, rows_key(&rows, i)))
			page_histogram(page, name, &labels, &spread);
		page_free(&labels);
	}
	rows_free(&rows);
	return 0;
}

static void print_rate(const struct feed *feed, struct page *page, const struct sl_rate_key *key,
		       const struct sl_rate *rate)
{
	static const struct {
		const char *kind;
		uint16_t name;
	} kinds[] = {
		[SL_RATE_CLASS] = { "class", SL_NAME_CLASS },
		[SL_RATE_CLUSTER] = { "cluster", SL_NAME_CLUSTER },
		[SL_RATE_LABEL] = { "label", SL_NAME_LABEL },
		[SL_RATE_LINK] = { "uplink", SL_NAME_UPLINK },
	};
	uint32_t id = key->kind == SL_RATE_LABEL ? rate->name : key->id;
	struct sl_class class = { 0 };

	if (key->kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[key->kind].kind)
		return;
	if (key->kind == SL_RATE_CLASS && !bpf_map_lookup_elem(feed->fd[FEED_class], &key->id, &class))
		id = class.name;
	page_print(page, "sluice_qos_rate_bytes_per_second{kind=\"%s\",", kinds[key->kind].kind);
	page_label(page, "name", name_find(feed->fd[FEED_name], kinds[key->kind].name, 0, id).text);
	page_print(page, "} %llu\n", (unsigned long long)rate->mbit * 125000);
}

static int print_rates(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct rows rows = { 0 };
	int error = 0;

	page_family(
		page, "sluice_qos_rate_bytes_per_second", "gauge",
		"Bytes a second that may go: of a class, to a cluster, of a label's value, by an uplink.");
	if (feed->fd[FEED_rate] >= 0)
		error = rows_read(&rows, feed->fd[FEED_rate], sizeof(struct sl_rate_key),
				  sizeof(struct sl_rate), 1, t);
	if (error)
		return error;
	for (size_t i = 0; i < rows.count; i++)
		print_rate(feed, page, rows_key(&rows, i), rows_value(&rows, i));
	rows_free(&rows);
	return 0;
}

static void print_classes(const struct feed *feed, struct page *page)
{
	page_family(page, "sluice_qos_class_level", "gauge",
		    "The level that a class is served at; 1 is served first. Without a name: all others.");
	for (uint32_t i = 0; feed->fd[FEED_class] >= 0 && i < SL_CLASSES; i++) {
		struct name_text name;
		struct sl_class class;

		if (bpf_map_lookup_elem(feed->fd[FEED_class], &i, &class) || (i && !class.name) ||
		    !find_name(feed, SL_NAME_CLASS, class.name, &name))
			continue;
		page_print(page, "sluice_qos_class_level{");
		page_label(page, "class", name.text);
		page_print(page, "} %u\n", class.level);
	}
}

static int print_pacing(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct sl_setting setting = { 0 };
	struct rows rows;
	uint32_t zero = 0;
	int error = rows_read(&rows, feed->fd[FEED_door], sizeof(struct sl_door_key), sizeof(struct sl_door),
			      1, t);

	if (error)
		return error;
	page_family(page, "sluice_uplink_pacing_info", "gauge",
		    "Who holds an uplink's packets to rates: fq, bucket, or off: they are only marked.");
	if (feed->fd[FEED_setting] < 0 || bpf_map_lookup_elem(feed->fd[FEED_setting], &zero, &setting))
		rows.count = 0; /* no plan is in */
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_door *door = rows_value(&rows, i);
		char name[sizeof(door->name) + 1] = { 0 };
		struct sl_iface iface;

		if (door->kind != SL_IFACE_UPLINK ||
		    bpf_map_lookup_elem(feed->fd[FEED_iface], rows_key(&rows, i), &iface))
			continue;
		memcpy(name, door->name, sizeof(door->name));
		page_print(page, "sluice_uplink_pacing_info{");
		page_label(page, "interface", name);
		page_print(page, ",pacing=\"%s\"} 1\n", meter_pacing(&setting, &iface));
	}
	rows_free(&rows);
	return 0;
}

int qos_metrics_render(const struct feed *feed, struct page *page, struct trouble *t)
{
	int error = print_traffic(feed, page, t);

	if (!error)
		error = print_delays(feed, page, t);
	if (!error)
		error = print_rates(feed, page, t);
	if (error)
		return error;
	print_classes(feed, page);
	return print_pacing(feed, page, t);
}
