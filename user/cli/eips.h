/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `sluice show eips` has gathered, and its two ways of printing it.
 */
#ifndef SLUICE_EIPS_H
#define SLUICE_EIPS_H
#include <jansson.h>
#include "../kernel/names.h"
#include "../kernel/rows.h"
#include "../kernel/supply.h"

/* A workload and what it holds of one EIP. */
struct eips_user {
	__be32 eip;
	__be32 addr;
	uint16_t vpc;
	uint32_t ports[SL_HOLDERS];
};

struct eips_protocol {
	uint32_t bound;
	uint32_t resting;
	struct sl_eip_count count;
};

struct eips {
	struct kernel k;
	uint32_t cpus;
	size_t top; /* so many users are shown */
	struct plan *plan; /* NULL: not readable */
	struct supply supply;
	struct eips_protocol (*use)[SL_HOLDERS]; /* beside each row of the supply */
	struct sl_eip_count *other; /* beside it too: of other protocols, which only floating IPs carry */
	struct eips_user *user; /* those that hold most come first */
	size_t user_count;
};

struct name_text eips_name(const struct eips *e, __be32 addr);
/* "snat", "fip", "service", "host", more than one joined by commas; "-": nothing. */
struct name_text eips_purpose(const struct eips *e, const struct supply_row *row);
/* Who speaks ARP for it; "-": on another node, which the plan leaves to the nodes to reckon. */
struct name_text eips_owner(const struct eips *e, const struct supply_row *row);
/* The workload's name, or "-". */
struct name_text eips_workload(const struct eips *e, uint16_t vpc, __be32 addr);
struct sl_holder eips_holder(const struct eips *e, const struct eips_user *user);
/* Which part of the ports is bound or rests, in percent. */
double eips_percent(const struct supply_row *row, unsigned int holder, const struct eips_protocol *use);
/* How many blocks a node has; 0 for nodes from which on there are none. Walks `*from` through the blocks. */
uint16_t eips_next_node(const struct sl_eip *eip, unsigned int *from, unsigned int *blocks);

/* eips_print.c: tables for people; exit code. */
int eips_print(const struct eips *e);
/* eips_json.c */
json_t *eips_json(const struct eips *e);

#endif
