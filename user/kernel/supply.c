/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a node may hand out of an EIP: the ports of its own blocks, as far as a rule that uses the EIP names them, but
 * those that the plan reserves. Rules and EIPs meet in the rules' rings.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "supply.h"
#include "roster.h"
#include "rows.h"

#define EIP_PORTS 65536U

static const uint8_t protos[SL_HOLDERS] = {
	[SL_HOLDER_TCP] = IPPROTO_TCP, [SL_HOLDER_UDP] = IPPROTO_UDP, [SL_HOLDER_ICMP] = IPPROTO_ICMP
};

uint8_t supply_proto(unsigned int holder)
{
	return protos[holder];
}

int supply_holder(uint8_t proto)
{
	for (int i = 0; i < SL_HOLDERS; i++)
		if (protos[i] == proto)
			return i;
	return -1;
}

static int address_order(const void *a, const void *b)
{
	uint32_t one = ntohl(*(const uint32_t *)a), other = ntohl(*(const uint32_t *)b);

	return one < other ? -1 : one > other;
}

/* Which ports of an EIP a rule hands out. The address comes first, for address_order(). */
struct handout {
	uint32_t addr_be;
	uint16_t first;
	uint16_t last;
};

struct handouts {
	struct handout *item;
	size_t count;
	size_t room;
};

static int add_handout(struct handouts *handouts, uint32_t addr_be, const struct sl_snat *rule)
{
	struct handout handout = { .addr_be = addr_be, .first = rule->first, .last = rule->last };

	if (handouts->count == handouts->room) {
		size_t room = handouts->room ? handouts->room * 2 : 64;
		struct handout *item = realloc(handouts->item, room * sizeof(*item));

		if (!item)
			return -ENOMEM;
		handouts->item = item;
		handouts->room = room;
	}
	handouts->item[handouts->count++] = handout;
	return 0;
}

/* The EIPs of a rule stand in its ring, each many times. */
static int rule_handouts(struct handouts *handouts, const struct sl_snat *rule, int ring, struct trouble *t)
{
	struct sl_slot *slot = calloc(rule->slots + 1UL, sizeof(*slot));
	int error = slot ? roster_ring(ring, rule->ring, rule->slots, slot, t) : -ENOMEM;

	if (!error) {
		qsort(slot, rule->slots, sizeof(*slot), address_order);
		for (uint32_t i = 0; !error && i < rule->slots; i++)
			if (!i || slot[i].addr != slot[i - 1].addr)
				error = add_handout(handouts, slot[i].addr, rule);
	}
	free(slot);
	return error == -ENOMEM ? trouble(t, error, "out of memory for the EIPs of SNAT rules") : error;
}

static int read_handouts(struct handouts *handouts, const struct kernel *k, struct trouble *t)
{
	struct rows rules;
	int error = rows_read(&rules, k->plan[SL_TABLE_sl_snat], sizeof(struct sl_snat_key),
			      sizeof(struct sl_snat), 1, t);

	if (error)
		return error;
	for (size_t i = 0; !error && i < rules.count; i++)
		error = rule_handouts(handouts, rows_value(&rules, i), k->plan[SL_TABLE_sl_ring], t);
	rows_free(&rules);
	if (handouts->count)
		qsort(handouts->item, handouts->count, sizeof(*handouts->item), address_order);
	return error;
}

/* The items of a sorted list that concern an address: where they begin. */
static size_t first_of(const void *list, size_t count, size_t size, uint32_t addr_be)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (address_order((const uint8_t *)list + middle * size, &addr_be) < 0)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

static void count_row(struct supply_row *row, const struct handouts *handouts,
		      const struct sl_reserved_key *reserved, size_t reserved_count, bool *mine)
{
	uint32_t all = 0;

	memset(mine, 0, EIP_PORTS * sizeof(*mine));
	for (size_t i = first_of(handouts->item, handouts->count, sizeof(*handouts->item), row->key.addr);
	     i < handouts->count && handouts->item[i].addr_be == row->key.addr; i++)
		for (uint32_t port = handouts->item[i].first; port <= handouts->item[i].last; port++)
			mine[port] = row->eip.node[port >> SL_BLOCK_SHIFT] == SL_NODE_SELF;
	for (uint32_t port = 0; port < EIP_PORTS; port++)
		all += mine[port];
	for (int i = 0; i < SL_HOLDERS; i++)
		row->ports[i] = all;
	for (size_t i = first_of(reserved, reserved_count, sizeof(*reserved), row->key.addr);
	     i < reserved_count && reserved[i].addr == row->key.addr; i++) {
		int holder = supply_holder(reserved[i].proto);

		if (holder >= 0 && mine[ntohs(reserved[i].port)])
			row->ports[holder]--;
	}
}

static int count_ports(struct supply *supply, const struct kernel *k, struct trouble *t)
{
	struct rows reserved = { 0 };
	struct handouts handouts = { 0 };
	bool *mine = calloc(EIP_PORTS, sizeof(*mine));
	int error = mine ? 0 : trouble(t, -ENOMEM, "out of memory for the ports of EIPs");

	if (!error)
		error = read_handouts(&handouts, k, t);
	if (!error)
		error = rows_read(&reserved, k->plan[SL_TABLE_sl_reserved], sizeof(struct sl_reserved_key),
				  sizeof(struct sl_reserved), 1, t);
	if (!error && reserved.count)
		qsort(reserved.keys, reserved.count, sizeof(struct sl_reserved_key), address_order);
	for (size_t i = 0; !error && i < supply->count; i++)
		if (supply->row[i].eip.flags & SL_EIP_SNAT)
			count_row(&supply->row[i], &handouts, (const struct sl_reserved_key *)reserved.keys,
				  reserved.count, mine);
	free(mine);
	free(handouts.item);
	rows_free(&reserved);
	return error;
}

int supply_read(struct supply *supply, const struct kernel *k, struct trouble *t)
{
	struct rows eips = { 0 };
	int error;

	memset(supply, 0, sizeof(*supply));
	if (!k->generation)
		return 0;
	error = rows_read(&eips, k->plan[SL_TABLE_sl_eip], sizeof(struct sl_eip_key), sizeof(struct sl_eip),
			  1, t);
	if (error)
		return error;
	supply->row = calloc(eips.count + 1, sizeof(*supply->row));
	if (!supply->row)
		error = trouble(t, -ENOMEM, "out of memory for %zu EIPs", eips.count);
	for (size_t i = 0; !error && i < eips.count; i++) {
		struct supply_row *row = &supply->row[supply->count++];

		row->key = *(const struct sl_eip_key *)rows_key(&eips, i);
		row->eip = *(const struct sl_eip *)rows_value(&eips, i);
	}
	rows_free(&eips);
	if (!error && supply->count) {
		qsort(supply->row, supply->count, sizeof(*supply->row), address_order);
		error = count_ports(supply, k, t);
	}
	if (error)
		supply_free(supply);
	return error;
}

void supply_free(struct supply *supply)
{
	free(supply->row);
	memset(supply, 0, sizeof(*supply));
}

const struct supply_row *supply_find(const struct supply *supply, __be32 addr)
{
	return supply->count ? bsearch(&addr, supply->row, supply->count, sizeof(*supply->row), address_order)
			     : NULL;
}

struct sl_eip_count supply_count(const struct rows *rows, size_t row)
{
	const struct sl_eip_count *one = rows_value(rows, row);
	struct sl_eip_count sum = { 0 };

	for (uint32_t cpu = 0; cpu < rows->cpus; cpu++) {
		sum.bound += one[cpu].bound;
		sum.kept += one[cpu].kept;
		sum.no_port += one[cpu].no_port;
		sum.limit += one[cpu].limit;
		sum.filtered += one[cpu].filtered;
		sum.forwarded += one[cpu].forwarded;
	}
	return sum;
}
