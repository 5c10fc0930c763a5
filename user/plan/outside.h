/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who uses an EIP for what. An EIP carries one FIP, or any number of services and the SNAT of one VPC.
 */
#ifndef SLUICE_OUTSIDE_H
#define SLUICE_OUTSIDE_H
#include "check.h"

/* Whether the VPC may use the EIP's network; a VPC that names no external network may use any. */
void check_external_of(struct check *c, const char *vpc, const struct eip *eip, const struct place *where);
/* The FIP that has this EIP, or NULL. */
const struct fip *fip_of(const struct check *c, const char *eip);
const struct eip *eip_at(const struct check *c, uint32_t address);
/* `from_vpcs` of what stands at `place` and belongs to VPC `own`. */
void check_guests(struct check *c, const struct strings *vpcs, const char *own, const struct place *place);
void check_snat(struct check *c); /* check_snat.c */
void check_nat_outgoing(struct check *c);

struct vip {
	uint32_t address;
	const struct eip *eip; /* that has the address; or NULL */
	const struct node *node; /* whose own address it is; or NULL */
	const struct cluster *pool; /* in one of whose pools it is; or NULL */
};

/* What services of one address have in common. */
struct shared {
	struct seen echo; /* address → service that writes it */
	struct seen nodes;
	struct seen vips; /* address → service that writes it as its own */
	size_t *workload; /* by such a service: who has the address, in whatever VPC; or SIZE_MAX */
};

struct shared shared_new(struct check *c); /* check_vip.c */
void check_vip(struct check *c, size_t service, const struct vip *vip, struct shared *shared);
/* VIP and backends are of one cluster. */
void check_home(struct check *c, const struct service *service, const struct vip *vip);
const struct cluster *pool_of(const struct plan *plan, uint32_t address);
const struct node *node_at(const struct plan *plan, uint32_t address);

void check_backends(struct check *c, const struct service *service); /* check_backend.c */
/* The cluster the i-th backend stands in, by its node or else by the site that holds its address; or NULL. */
const struct cluster *backend_home(const struct check *c, const struct service *service, size_t i);

#endif
