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
const struct fip *fip_of(const struct plan *plan, const char *eip);
/* The cluster the i-th backend stands in, by its node or else by the site that holds its address; or NULL. */
const struct cluster *backend_home(const struct check *c, const struct service *service, size_t i);

#endif
