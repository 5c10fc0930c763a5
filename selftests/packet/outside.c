/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What has been counted for EIPs of a packet against what was wanted: one row, and nothing in any other.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "bench.h"

static struct sl_eip_count sum(const struct bench *b, const struct sl_eip_count *one)
{
	struct sl_eip_count all = { 0 };

	for (uint32_t i = 0; i < b->cpus; i++) {
		all.bound += one[i].bound;
		all.kept += one[i].kept;
		all.no_port += one[i].no_port;
		all.limit += one[i].limit;
		all.filtered += one[i].filtered;
		all.forwarded += one[i].forwarded;
	}
	return all;
}

bool check_outside(struct bench *b, const struct want *w)
{
	const uint32_t events = w->outside.events;
	const uint8_t proto = w->outside.proto;
	const bool own = proto == SL_PROTO_TCP || proto == SL_PROTO_UDP || proto == SL_PROTO_ICMP;
	/* What no port of the EIP is for is counted together. */
	struct sl_eip_count_key key, wanted = { .eip = htonl(w->outside.eip), .proto = own ? proto : 0 };
	struct sl_eip_count rows[CPUS_MAX], all,
		should = {
			.bound = !!(events & EIP_BOUND),
			.kept = !!(events & EIP_KEPT),
			.no_port = !!(events & EIP_NO_PORT),
			.limit = !!(events & EIP_LIMIT),
			.filtered = !!(events & EIP_FILTERED),
			.forwarded = !!(events & EIP_FORWARDED),
		};
	int fd = b->kernel.table[SL_TABLE_sl_eip_count];
	bool good = true, found = !events;
	void *last = NULL;

	for (; !bpf_map_get_next_key(fd, last, &key); last = &key) {
		if (bpf_map_lookup_elem(fd, &key, rows))
			return fail(b, "sl_eip_count cannot be read");
		all = sum(b, rows);
		if (events && !memcmp(&key, &wanted, sizeof(key)) && !memcmp(&all, &should, sizeof(all))) {
			found = true;
			continue;
		}
		good = fail(
			b,
			"counted for EIP 0x%08x, protocol %u: %llu bound, %llu of them kept, no port %llu, "
			"limit %llu, filtered %llu, forwarded %llu",
			ntohl(key.eip), key.proto, (unsigned long long)all.bound,
			(unsigned long long)all.kept, (unsigned long long)all.no_port,
			(unsigned long long)all.limit, (unsigned long long)all.filtered,
			(unsigned long long)all.forwarded);
	}
	if (!found)
		good = fail(b, "not counted for EIP 0x%08x, protocol %u: events 0x%02x", w->outside.eip,
			    w->outside.proto, events);
	return good;
}
