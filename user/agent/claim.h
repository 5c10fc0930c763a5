/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells the wire which VIPs are this node's: gratuitous ARP when it becomes their owner, so that switches and
 * routers need not wait for an old answer to get old. Never speaks for a VIP that another node owns.
 */
#ifndef SLUICE_CLAIM_H
#define SLUICE_CLAIM_H
#include <stddef.h>
#include <stdint.h>
#include "../kernel/kernel.h"

struct claim {
	uint32_t addr_be;
	uint32_t ifindex;
	uint16_t vlan; /* 0: untagged */
	uint8_t mac[6]; /* of the uplink */
	uint32_t left; /* times still to be said */
};

struct claims {
	struct claim *item; /* sorted */
	size_t count;
	size_t pending; /* items with something left */
};

/* What the image owns; what is not among the claims yet is to be said. */
int claims_plan(struct claims *c, const struct image *image, struct trouble *t);
/* Does not say again what the generation in force owns already; before another one is installed. */
void claims_known(struct claims *c, const struct kernel *k);
/* Says what is to be said, once each and `most` of them at most, with the pinned program of ask_open(). */
void claims_say(struct claims *c, int program, size_t most);
void claims_free(struct claims *c);

#endif
