/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An EIP that left the plan keeps its row as long as one of its ports is bound or rests. A row that memory cannot be
 * had for is missing in the gauges; nothing else depends on it.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "../kernel/names.h"
#include "../kernel/supply.h"
#include "../kernel/rows.h"
#include "eip_use.h"

#define SCARCE_PERCENT 80
#define ENOUGH_PERCENT 70

enum { BOUND, RESTING, PORTS, SAID };

bool eip_use_scarce(uint32_t used, uint32_t ports, uint32_t *said)
{
	uint64_t hundredths = (uint64_t)used * 100;

	if (hundredths < (uint64_t)ports * ENOUGH_PERCENT || !ports)
		*said = 0;
	if (*said || !ports || hundredths <= (uint64_t)ports * SCARCE_PERCENT)
		return false;
	*said = 1;
	return true;
}

static bool forget_ports(void *closure, struct index_row *row)
{
	(void)closure;
	row->number[PORTS] = 0;
	return true;
}

/* Counters of EIPs that the plan no longer has go when half of their table is full. */
static int forget_counts(const struct kernel *k, const struct supply *supply, uint32_t cpus,
			 struct trouble *t)
{
	int fd = k->table[SL_TABLE_sl_eip_count];
	struct rows rows;
	int error =
		rows_read(&rows, fd, sizeof(struct sl_eip_count_key), sizeof(struct sl_eip_count), cpus, t);

	if (error)
		return error;
	for (size_t i = 0; rows.count > kernel_room(k, SL_TABLE_sl_eip_count) / 2 && i < rows.count; i++) {
		const struct sl_eip_count_key *key = rows_key(&rows, i);

		if (!supply_find(supply, key->eip))
			bpf_map_delete_elem(fd, key);
	}
	rows_free(&rows);
	return 0;
}

int eip_use_plan(struct eip_use *use, const struct kernel *k, uint32_t cpus, struct trouble *t)
{
	struct supply supply;
	int error = supply_read(&supply, k, t);

	if (error)
		return error;
	index_keep(&use->index, forget_ports, NULL);
	for (size_t i = 0; !error && i < supply.count; i++) {
		for (unsigned int holder = 0; holder < SL_HOLDERS; holder++) {
			struct sl_eip_count_key key = { .eip = supply.row[i].key.addr,
							.proto = supply_proto(holder) };
			struct index_row *row;

			if (!(supply.row[i].eip.flags & SL_EIP_SNAT))
				continue;
			row = index_put(&use->index, &key);
			if (row)
				row->number[PORTS] = supply.row[i].ports[holder];
			else
				error = trouble(t, -ENOMEM, "out of memory for %zu EIPs", supply.count);
		}
	}
	if (!error)
		error = forget_counts(k, &supply, cpus, t);
	supply_free(&supply);
	return error;
}

void eip_use_count(struct eip_use *use, const struct sl_outside_key *key, bool rests)
{
	struct sl_eip_count_key eip = { .eip = key->eip, .proto = key->proto };
	struct index_row *row = index_put(&use->index, &eip);

	if (row)
		row->number[rests ? RESTING : BOUND]++;
}

static void warn(const struct kernel *k, const struct sl_eip_count_key *key, const struct sl_eip_use *now)
{
	uint32_t used = now->bound + now->resting;
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &key->eip, address, sizeof(address));
	fprintf(stderr,
		"sluice: EIP %s (%s) comes to the end of its %s ports: %u of %u on this node in use (%u %%), "
		"%u "
		"of them at rest; \"sluice show eips\" shows by whom\n",
		name_find(k->table[SL_TABLE_sl_name], SL_NAME_EIP, 0, key->eip).text, address,
		proto_name(key->proto).text, used, now->ports, (uint32_t)((uint64_t)used * 100 / now->ports),
		now->resting);
}

static bool write_row(void *closure, struct index_row *row)
{
	const struct kernel *k = closure;
	int fd = k->table[SL_TABLE_sl_eip_use];
	struct sl_eip_count_key key;
	struct sl_eip_use before, now = { .ports = row->number[PORTS],
					  .bound = row->number[BOUND],
					  .resting = row->number[RESTING] };

	memcpy(&key, &row->key, sizeof(key));
	row->number[BOUND] = row->number[RESTING] = 0;
	if (!now.ports && !now.bound && !now.resting) {
		bpf_map_delete_elem(fd, &key);
		return false;
	}
	if (eip_use_scarce(now.bound + now.resting, now.ports, &row->number[SAID]))
		warn(k, &key, &now);
	if (bpf_map_lookup_elem(fd, &key, &before) || memcmp(&before, &now, sizeof(now)))
		bpf_map_update_elem(fd, &key, &now, BPF_ANY);
	return true;
}

int eip_use_write(struct eip_use *use, const struct kernel *k, struct trouble *t)
{
	int fd = k->table[SL_TABLE_sl_eip_use];
	struct rows rows;
	int error;

	index_keep(&use->index, write_row, (void *)(uintptr_t)k);
	error = rows_read(&rows, fd, sizeof(struct sl_eip_count_key), sizeof(struct sl_eip_use), 1, t);
	if (error)
		return error;
	for (size_t i = 0; i < rows.count; i++) /* of an agent before this one */
		if (!index_find(&use->index, rows_key(&rows, i)))
			bpf_map_delete_elem(fd, rows_key(&rows, i));
	rows_free(&rows);
	return 0;
}

void eip_use_close(struct eip_use *use)
{
	index_free(&use->index);
}
