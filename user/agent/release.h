/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows that programs write at the same time are changed by a program: sl_release, run on frames full of orders. An
 * order that came too late, since the port was used again meanwhile, is not carried out.
 */
#ifndef SLUICE_RELEASE_H
#define SLUICE_RELEASE_H
#include "../kernel/kernel.h"

struct release {
	struct sl_release head;
	struct sl_release_item item[SL_RELEASE_ITEMS]; /* or sl_release_flows, of the same size */
} __attribute__((packed));

/* Descriptor of the pinned program. */
int release_open(const char *pins, struct trouble *t);
/* `what`: SL_RELEASE_*. */
void release_begin(struct release *r, uint16_t what);
/* Both carry the orders out when there is no room for more; *done counts what was done. */
int release_port(struct release *r, int program, const struct sl_outside_key *key, uint32_t seen,
		 uint64_t *done, struct trouble *t);
int release_flows(struct release *r, int program, const struct sl_holder_key *key, uint32_t flows,
		  uint64_t *done, struct trouble *t);
int release_flush(struct release *r, int program, uint64_t *done, struct trouble *t);

#endif
