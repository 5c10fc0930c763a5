/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What services grant. A client of the world or of the service's VPC reaches a backend through the VIP without
 * any rule that allows it; only a rule that denies, or the service's sources, keep it out. A VPC of `from_vpcs` is no
 * client of its own here: it comes by the VIP and as its EIP, an outside address like any other. That two VPCs
 * never reach each other stays true then; what such a service breaks is that the world never does.
 */
#ifndef SLUICE_GRANT_H
#define SLUICE_GRANT_H
#include "compile.h"

struct grant {
	const struct service *service;
	uint32_t src; /* class */
	uint32_t dst; /* class of the backend */
	struct port port; /* the backend's */
};

/*
 * The first grant of this node's services from one of the classes `from` to a class that `is_to` marks, at one
 * of `ports` (none: any). Needs the finished rows.
 */
bool grant_find(const struct compile *c, const struct list *from, const bool *is_to,
		const struct ports *ports, struct grant *found);

#endif
