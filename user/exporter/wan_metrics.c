/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An offender is told by networks, clusters, protocol and ports, never by the address of a client.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "../kernel/meter.h"
#include "../kernel/names.h"
#include "../kernel/spread.h"
#include "wan_metrics.h"

struct ends {
	uint16_t src_network;
	uint16_t dst_network;
	uint16_t src_cluster;
	uint16_t dst_cluster;
};

/* Empty where there is none: a limit speaks of networks or of clusters, and the world stands in no cluster. */
static void label_network(const struct feed *feed, struct page *page, const char *label, uint16_t network,
			  bool any)
{
	page_label(page, label, any ? "" : name_of_network(feed->fd[FEED_name], network).text);
}

static void label_cluster(const struct feed *feed, struct page *page, const char *label, uint16_t cluster)
{
	page_label(page, label,
		   cluster ? name_find(feed->fd[FEED_name], SL_NAME_CLUSTER, 0, cluster).text : "");
}

/* `limit`: a network of 0 stands for none, not for the world. */
static void print_ends(const struct feed *feed, struct page *page, const struct ends *ends, bool limit)
{
	label_network(feed, page, "src_network", ends->src_network, limit && !ends->src_network);
	page_print(page, ",");
	label_network(feed, page, "dst_network", ends->dst_network, limit && !ends->dst_network);
	page_print(page, ",");
	label_cluster(feed, page, "src_cluster", ends->src_cluster);
	page_print(page, ",");
	label_cluster(feed, page, "dst_cluster", ends->dst_cluster);
}

static int print_rtt(const struct feed *feed, struct page *page, struct trouble *t)
{
	const char *name = "sluice_handshake_rtt_seconds";
	struct rows rows;
	int error = rows_read(&rows, feed->fd[FEED_rtt], sizeof(struct sl_rtt_key), sizeof(struct sl_rtt),
			      feed->cpus, t);

	if (error)
		return error;
	page_family(page, name, "histogram",
		    "From SYN to SYN-ACK, of connections that were opened on this node's side.");
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_rtt_key *key = rows_key(&rows, i);
		const struct ends ends = { key->src_network, key->dst_network, key->src_cluster,
					   key->dst_cluster };
		struct sl_rtt sum = meter_rtt(&rows, i);
		struct spread spread = spread_of_rtt(&sum);
		struct page labels = { 0 };

		print_ends(feed, &labels, &ends, false);
		page_histogram(page, name, &labels, &spread);
		page_free(&labels);
	}
	rows_free(&rows);
	return 0;
}

static void print_limit(const struct feed *feed, struct page *page, const char *family,
			const struct sl_slo *slo, const char *bound, uint32_t us)
{
	const struct ends ends = { slo->src_network, slo->dst_network, slo->src_cluster, slo->dst_cluster };

	page_print(page, "%s{", family);
	print_ends(feed, page, &ends, true);
	if (bound)
		page_print(page, ",bound=\"%s\"", bound);
	page_print(page, "} %.6f\n", us / 1e6);
}

static int print_limits(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct rows rows = { 0 };
	int error = 0;

	if (feed->fd[FEED_slo] >= 0)
		error = rows_read(&rows, feed->fd[FEED_slo], sizeof(uint32_t), sizeof(struct sl_slo), 1, t);
	if (error)
		return error;
	page_family(page, "sluice_slo_max_seconds", "gauge",
		    "What the plan accepts as the round trip of a handshake.");
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_slo *slo = rows_value(&rows, i);

		if (slo->max_us)
			print_limit(feed, page, "sluice_slo_max_seconds", slo, NULL, slo->max_us);
	}
	page_family(page, "sluice_slo_expected_seconds", "gauge",
		    "What the plan expects the round trip of a handshake to be.");
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_slo *slo = rows_value(&rows, i);

		if (!slo->high_us)
			continue;
		print_limit(feed, page, "sluice_slo_expected_seconds", slo, "low", slo->low_us);
		print_limit(feed, page, "sluice_slo_expected_seconds", slo, "high", slo->high_us);
	}
	rows_free(&rows);
	return 0;
}

static int print_offenders(const struct feed *feed, struct page *page, struct trouble *t)
{
	struct rows rows;
	int error =
		rows_read(&rows, feed->fd[FEED_offender], sizeof(uint32_t), sizeof(struct sl_offender), 1, t);

	if (error)
		return error;
	page_family(page, "sluice_last_offender_info", "gauge",
		    "The last packet between clusters that was dropped for the reason.");
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_offender *row = rows_value(&rows, i);
		const char *reason = reason_name(*(const uint32_t *)rows_key(&rows, i));
		const struct ends ends = { row->src_network, row->dst_network, row->src_cluster,
					   row->dst_cluster };

		if (!row->at || !reason)
			continue;
		page_print(page, "sluice_last_offender_info{reason=\"%s\",direction=\"%s\",", reason,
			   row->out ? "out" : "in");
		print_ends(feed, page, &ends, false);
		page_print(page, ",");
		page_label(page, "proto", proto_name(row->proto).text);
		page_print(page, ",src_port=\"%u\",dst_port=\"%u\"} 1\n", ntohs(row->sport),
			   ntohs(row->dport));
	}
	rows_free(&rows);
	return 0;
}

int wan_metrics_render(const struct feed *feed, struct page *page, struct trouble *t)
{
	int error = print_rtt(feed, page, t);

	if (!error)
		error = print_limits(feed, page, t);
	return error ? error : print_offenders(feed, page, t);
}
