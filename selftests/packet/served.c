/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What services have counted of a packet against what was wanted: one row, for its backend or for its refusal, and
 * nothing in any other.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "../../user/kernel/names.h"
#include "bench.h"

static struct sl_service_key service_of(const struct served *s)
{
	return (struct sl_service_key){ .addr = htonl(s->vip), .port = htons(s->port), .proto = s->proto };
}

static struct sl_served sum(const struct bench *b, const struct sl_served *one)
{
	struct sl_served all = { 0 };

	for (uint32_t i = 0; i < b->cpus; i++) {
		all.connections += one[i].connections;
		all.answered += one[i].answered;
		all.refused += one[i].refused;
		all.packets += one[i].packets;
		all.bytes += one[i].bytes;
		all.reply_packets += one[i].reply_packets;
		all.reply_bytes += one[i].reply_bytes;
	}
	return all;
}

static bool served(struct bench *b, const struct want *w, uint32_t packets, uint32_t bytes)
{
	struct sl_served_key key,
		wanted = { .service = service_of(&w->served), .backend = htonl(w->served.backend) };
	struct sl_served rows[CPUS_MAX], all,
		should = {
			.connections = w->served.event == SERVED_CONNECTION,
			.answered = w->served.event == SERVED_ANSWER,
			.refused = w->served.event == SERVED_REFUSAL,
		};
	int fd = b->kernel.table[SL_TABLE_sl_served];
	bool good = true, found = !w->served.backend;
	void *last = NULL;

	*(w->served.answer ? &should.reply_packets : &should.packets) = packets;
	*(w->served.answer ? &should.reply_bytes : &should.bytes) = bytes;
	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		if (bpf_map_lookup_elem(fd, &key, rows))
			return fail(b, "sl_served cannot be read");
		all = sum(b, rows);
		if (w->served.backend && !memcmp(&key, &wanted, sizeof(key)) &&
		    !memcmp(&all, &should, sizeof(all))) {
			found = true;
			continue;
		}
		good = fail(b,
			    "served for port %u by backend 0x%08x: %llu opened, %llu answered, %llu refused, "
			    "%llu packets, %llu bytes, back %llu and %llu",
			    ntohs(key.service.port), ntohl(key.backend), (unsigned long long)all.connections,
			    (unsigned long long)all.answered, (unsigned long long)all.refused,
			    (unsigned long long)all.packets, (unsigned long long)all.bytes,
			    (unsigned long long)all.reply_packets, (unsigned long long)all.reply_bytes);
	}
	if (!found)
		good = fail(b, "not counted for port %u by backend 0x%08x", w->served.port,
			    w->served.backend);
	return good;
}

static bool unserved(struct bench *b, const struct want *w, uint32_t packets, uint32_t bytes)
{
	struct sl_unserved_key key, wanted = { .service = service_of(&w->served), .reason = w->reason };
	bool expected = w->served.vip && !w->served.backend, good = true, found = !expected;
	int fd = b->kernel.table[SL_TABLE_sl_unserved];
	struct sl_count rows[CPUS_MAX];
	void *last = NULL;

	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		uint64_t counted = 0, octets = 0;

		if (bpf_map_lookup_elem(fd, &key, rows))
			return fail(b, "sl_unserved cannot be read");
		for (uint32_t i = 0; i < b->cpus; i++) {
			counted += rows[i].packets;
			octets += rows[i].bytes;
		}
		if (expected && !memcmp(&key, &wanted, sizeof(key)) && counted == packets &&
		    octets == bytes) {
			found = true;
			continue;
		}
		good = fail(b, "refused by the service of port %u for %s: %llu packets, %llu bytes",
			    ntohs(key.service.port), reason_name((uint8_t)key.reason),
			    (unsigned long long)counted, (unsigned long long)octets);
	}
	if (!found)
		good = fail(b, "not counted as refused by the service of port %u for %s", w->served.port,
			    reason_name(w->reason));
	return good;
}

bool check_served(struct bench *b, const struct want *w, uint32_t packets, uint32_t bytes)
{
	bool good = served(b, w, packets, w->served.bytes ? w->served.bytes : bytes);

	return unserved(b, w, packets, bytes) && good;
}
