/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps sl_eip_use: of each EIP and protocol the ports that this node may hand out, those bound and those at rest. Says
 * once, in the agent's log, when an EIP's ports come to an end.
 */
#ifndef SLUICE_EIP_USE_H
#define SLUICE_EIP_USE_H
#include "../kernel/kernel.h"
#include "index.h"

struct eip_use {
	struct index index; /* by sl_eip_count_key */
};

/* The EIPs of the plan in force. */
int eip_use_plan(struct eip_use *use, const struct kernel *k, uint32_t cpus, struct trouble *t);
/* A row of sl_outside; then, all having been counted, the table is written and the count begins anew. */
void eip_use_count(struct eip_use *use, const struct sl_outside_key *key, bool rests);
int eip_use_write(struct eip_use *use, const struct kernel *k, struct trouble *t);
void eip_use_close(struct eip_use *use);

/* Is there something to say? `said` remembers that it was said; when use falls far enough it may be said again. */
bool eip_use_scarce(uint32_t used, uint32_t ports, uint32_t *said);

#endif
