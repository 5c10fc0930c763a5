/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The EIPs of the generation in force and how many ports of each this node may hand out, read out of the plan tables.
 * Serves the agent and `show eips`; never writes a table.
 */
#ifndef SLUICE_SUPPLY_H
#define SLUICE_SUPPLY_H
#include "kernel.h"
#include "rows.h"

struct supply_row {
	struct sl_eip_key key;
	struct sl_eip eip;
	uint32_t ports[SL_HOLDERS]; /* per protocol, as in sl_holder */
};

struct supply {
	struct supply_row *row; /* by address, as people order them */
	size_t count;
};

int supply_read(struct supply *supply, const struct kernel *k, struct trouble *t);
void supply_free(struct supply *supply);
/* NULL: the plan in force does not have it. */
const struct supply_row *supply_find(const struct supply *supply, __be32 addr);
/* A row of sl_eip_count, summed over the CPUs. */
struct sl_eip_count supply_count(const struct rows *rows, size_t row);
/* The protocol of sl_holder's ports[i]; which of them a protocol is, -1: none. */
uint8_t supply_proto(unsigned int holder);
int supply_holder(uint8_t proto);

#endif
