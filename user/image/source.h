/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sources of SNAT: every prefix of a VPC from which the way out changes, and the list of destinations that
 * holds there. The rows of sl_snat_from and sl_snat_to are made from these, and so is who needs which EIP.
 */
#ifndef SLUICE_SOURCE_H
#define SLUICE_SOURCE_H
#include "../plan/value.h"
#include "outside.h"

struct source {
	uint32_t vpc; /* index */
	struct prefix prefix;
	uint32_t parent; /* place of the next shorter one + 1 */
	uint32_t own; /* list of what rules of the plan say */
	bool host_nat; /* what they leave open goes out by the node's own address */
	uint32_t list; /* of both, in sl_snat_to; 0: nothing leads out */
	const struct fip *fip; /* whose address this is, or NULL */
};

struct destination {
	struct prefix prefix;
	uint32_t rule; /* as in sl_snat_to */
};

struct destinations {
	struct destination *item;
	size_t count;
};

struct sources {
	struct list list; /* struct source, by (VPC, address, length) */
	struct list own; /* struct destinations, by number - 1 */
	struct list out; /* struct outlet, by number of the list in sl_snat_to - 1 */
};

/* What a list of sl_snat_to leads to: the rules of the plan, each once. */
struct outlet {
	uint32_t *rule; /* index in plan->snat */
	size_t count;
};

/* Adds the rows, too. False: memory is out, or an error is reported. The caller frees. */
bool sources_build(struct compile *c, const struct eips *eips, struct sources *s);
/* The longest one that holds the address, NULL: none. */
const struct source *source_of(const struct sources *s, uint32_t vpc, uint32_t addr);
const struct outlet *source_outlet(const struct sources *s, const struct source *source);
void sources_free(struct sources *s);

#endif
