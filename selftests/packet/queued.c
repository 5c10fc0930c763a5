/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What quality of service has counted of a packet, the handshakes that were timed and the last offender between
 * clusters, against what was wanted: one row each, and nothing in any other.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "../../user/kernel/names.h"
#include "bench.h"

#define DELIVERY_PORT 6083

const uint32_t offences[OFFENCES] = { SL_DROP_PLAINTEXT_WAN, SL_DROP_WAN_PEER, SL_DROP_ROUTE_LEAK };

static struct sl_qos sum(const struct bench *b, const struct sl_qos *one)
{
	struct sl_qos all = { 0 };

	for (uint32_t i = 0; i < b->cpus; i++) {
		all.packets += one[i].packets;
		all.bytes += one[i].bytes;
		all.delayed += one[i].delayed;
		all.dropped += one[i].dropped;
		all.dropped_bytes += one[i].dropped_bytes;
	}
	return all;
}

static bool rows_of_qos(struct bench *b, const struct queued *q, const struct sl_qos *should)
{
	struct sl_qos_key key, wanted = { .class = q->class, .label = q->label, .cluster = q->cluster };
	int fd = b->kernel.table[SL_TABLE_sl_qos];
	bool good = true, found = !q->counted;
	struct sl_qos rows[CPUS_MAX], all;
	void *last = NULL;

	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		if (bpf_map_lookup_elem(fd, &key, rows))
			return fail(b, "sl_qos cannot be read");
		all = sum(b, rows);
		if (q->counted && !memcmp(&key, &wanted, sizeof(key)) && !memcmp(&all, should, sizeof(all))) {
			found = true;
			continue;
		}
		good = fail(
			b,
			"class 0x%x, label 0x%x, cluster %u: %llu packets, %llu bytes, %llu delayed, %llu "
			"dropped of %llu bytes",
			key.class, key.label, key.cluster, (unsigned long long)all.packets,
			(unsigned long long)all.bytes, (unsigned long long)all.delayed,
			(unsigned long long)all.dropped, (unsigned long long)all.dropped_bytes);
	}
	if (!found)
		good = fail(b, "not counted for class 0x%x, label 0x%x, cluster %u", q->class, q->label,
			    q->cluster);
	return good;
}

/* How many packets' delays stand in the histogram of these packets, and in those of all. */
static bool delays(struct bench *b, const struct queued *q, uint64_t *own, uint64_t *all)
{
	int fd = b->kernel.table[SL_TABLE_sl_qos_delay];
	struct sl_qos_delay rows[CPUS_MAX];
	struct sl_qos_key key, wanted = { .class = q->class, .label = q->label, .cluster = q->cluster };
	void *last = NULL;

	*own = *all = 0;
	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		if (bpf_map_lookup_elem(fd, &key, rows))
			return fail(b, "sl_qos_delay cannot be read");
		for (uint32_t cpu = 0; cpu < b->cpus; cpu++)
			for (uint32_t i = 0; i < SL_DELAY_BUCKETS; i++) {
				*all += rows[cpu].bucket[i];
				*own += memcmp(&key, &wanted, sizeof(key)) ? 0 : rows[cpu].bucket[i];
			}
	}
	return true;
}

bool check_queued(struct bench *b, const struct want *w, uint32_t packets, uint32_t bytes)
{
	bool dropped = w->fate == DROPPED;
	struct sl_qos should = {
		.packets = dropped ? 0 : packets,
		.bytes = dropped ? 0 : bytes,
		.delayed = w->queued.delayed ? packets : 0,
		.dropped = dropped ? packets : 0,
		.dropped_bytes = dropped ? bytes : 0,
	};
	bool good = rows_of_qos(b, &w->queued, &should);
	uint64_t own, all, wanted = w->queued.delayed ? packets : 0;

	if (!delays(b, &w->queued, &own, &all))
		return false;
	if (own != wanted || all != wanted)
		good = fail(b, "delays of %llu packets, %llu of them its own, instead of %llu",
			    (unsigned long long)all, (unsigned long long)own, (unsigned long long)wanted);
	return good;
}

/* Its own, or of a packet that it wraps. */
static bool is_syn_ack(const struct frame *f)
{
	const uint8_t both = SYN | ACK;
	struct frame inner = *f;

	if (frame_ip(&inner)->proto == SL_PROTO_UDP && frame_udp(&inner)->dst == htons(DELIVERY_PORT))
		inner.l4 += sizeof(struct sl_udp) + sizeof(struct sl_geneve) + sizeof(struct sl_ipv4);
	else if (frame_ip(&inner)->proto != SL_PROTO_TCP)
		return false;
	return (frame_tcp(&inner)->flags & both) == both;
}

bool check_timed(struct bench *b, const struct send *s, const struct want *w)
{
	int fd = b->kernel.table[SL_TABLE_sl_rtt];
	bool good = true, found = w->timed.as != TIMED;
	struct sl_rtt rows[CPUS_MAX];
	struct sl_rtt_key key;
	void *last = NULL;

	if (w->timed.as == TIMED_ANY && is_syn_ack(&s->frame))
		return true;
	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		uint64_t right = 0, all = 0;

		if (bpf_map_lookup_elem(fd, &key, rows))
			return fail(b, "sl_rtt cannot be read");
		for (uint32_t cpu = 0; cpu < b->cpus; cpu++)
			for (uint32_t i = 0; i < SL_RTT_BUCKETS; i++) {
				all += rows[cpu].bucket[i];
				right += w->timed.bucket == i || w->timed.bucket == BUCKET_ANY
						 ? rows[cpu].bucket[i]
						 : 0;
			}
		if (w->timed.as == TIMED && !memcmp(&key, &w->timed.key, sizeof(key)) && right == 1 &&
		    all == 1)
			found = true;
		else
			good = fail(b,
				    "handshakes of networks %u → %u, clusters %u → %u: %llu, in bucket %u "
				    "%llu",
				    key.src_network, key.dst_network, key.src_cluster, key.dst_cluster,
				    (unsigned long long)all, w->timed.bucket, (unsigned long long)right);
	}
	return found ? good
		     : fail(b, "no handshake timed of networks %u → %u", w->timed.key.src_network,
			    w->timed.key.dst_network);
}

bool check_offender(struct bench *b, const struct want *w)
{
	int fd = b->kernel.table[SL_TABLE_sl_offender];
	bool good = true;

	for (uint32_t i = 0; i < OFFENCES; i++) {
		struct sl_offender row;

		if (bpf_map_lookup_elem(fd, &offences[i], &row))
			return fail(b, "sl_offender cannot be read");
		if (!!row.at != (w->reason == offences[i]))
			good = fail(b, "%s: %s offender", reason_name((uint8_t)offences[i]),
				    row.at ? "a row for no" : "no row for the");
	}
	return good;
}
