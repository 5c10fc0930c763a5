/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the outside stage hand to each other: outside addresses, who stands where, which EIP is
 * used for what. Only they include it.
 */
#ifndef SLUICE_IMAGE_OUTSIDE_H
#define SLUICE_IMAGE_OUTSIDE_H
#include "rings.h"
#include "stand.h"
#include "vip.h"

/* An EIP of the plan and what this node's cluster makes of it. */
struct eip_fact {
	uint32_t network; /* index of its network */
	uint32_t inside; /* index + 1 of the VPC that it carries */
	const struct fip *fip; /* whose EIP it is, or NULL */
	bool snat; /* some rule here gives its ports to sources */
	uint16_t node[SL_EIP_BLOCKS]; /* of each block, as in sl_eip */
};

struct eips {
	struct eip_fact *fact; /* by index in the plan */
	struct range own_blocks; /* of the node's address, if networks here leave by it */
	uint32_t own_vpc; /* index: the first of those networks' */
};

bool outside_vpc(struct compile *c, const char *name, const struct place *place, uint32_t *vpc);

bool services_build(struct compile *c, struct vips *vips, const struct stands *stands);

/* Which EIPs are here; first of all. */
bool eips_collect(struct compile *c, struct eips *eips);
/* Rows of sl_eip and sl_reserved; last of all. */
bool eips_rows(struct compile *c, const struct eips *eips, const struct vips *vips,
	       const struct stands *stands);
/* Rows of sl_guest for the VPCs that may use what `key` says beside `own`. */
bool guests_add(struct compile *c, const struct strings *from_vpcs, uint32_t own, const struct place *place,
		const struct sl_service_key *key);

/* Rows of sl_snat, sl_snat_from, sl_snat_to; says which EIP has which blocks. */
bool snat_build(struct compile *c, struct eips *eips);

#endif
