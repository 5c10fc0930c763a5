/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the checks share: the plan, where findings go, and the plan's names resolved once. A check reads
 * the plan and adds findings; it changes nothing and depends on no other check having passed.
 */
#ifndef SLUICE_CHECK_H
#define SLUICE_CHECK_H
#include "arena.h"
#include "occupant.h"
#include "plan.h"
#include "seen.h"
#include "value.h"

/* A workload with its names resolved; NULL where a name is not in the plan. */
struct placed {
	const struct network *network;
	const struct cluster *cluster;
	const struct node *node;
	const struct site *site;
};

struct check {
	const struct plan *plan;
	struct report *report;
	struct arena *scratch;
	/* What place_workloads() fills. */
	struct placed *placed; /* one for each workload */
	uint8_t *twice; /* for each workload what may stand at another one too; NULL: no memory */
	size_t *vpc_of; /* index of each network's VPC, SIZE_MAX if there is none */
	struct occupants addresses; /* of the workloads */
	struct seen eips; /* address → EIP, the first one: filled by check_eips() */
	struct seen fips; /* EIP → FIP, the first one: filled by check_eips() */
};

/* A place below another: "$.networks.x.sites.y" and ".cidrs[2]"; lives in the caller's frame. */
struct below {
	struct place place;
	char path[512];
};
const struct place *below(struct below *b, const struct place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The path of another place, with its file in front if that is not the finding's own. */
#define OTHER_TEXT 768
const char *other_place(const struct place *here, const struct place *there, char out[OTHER_TEXT]);

/* Reports that `name` of the given kind does not exist, with a guess at what was meant. */
enum noun { NOUN_CLUSTER, NOUN_VPC, NOUN_NETWORK, NOUN_GROUP, NOUN_SERVICE, NOUN_EIP, NOUN_NODE, NOUN_CLASS };
bool known(const struct check *c, enum noun noun, const char *name, const struct place *where);

/* Index of the VPC in the plan, for keys; SIZE_MAX if it does not exist. */
size_t vpc_index(const struct check *c, const char *name);
bool ports_include(const struct ports *ports, uint8_t proto, uint16_t port);
/* The network of the VPC whose CIDR at any site holds the address; NULL: none. */
const struct network *network_of(const struct check *c, const char *vpc, uint32_t address,
				 const struct site **site);
/* Why nobody may have this address in the prefix: "the network address" …, or NULL. */
const char *reserved_in(struct prefix cidr, uint32_t gateway, uint32_t address);

void check_clusters(struct check *c); /* check_cluster.c */
void check_overlap(struct check *c); /* check_address.c */
void check_vpcs(struct check *c); /* check_network.c */
void check_networks(struct check *c);
void check_vlans(struct check *c); /* check_vlan.c */
void place_workloads(
	struct check *c); /* check_workload.c; whoever looks for a workload by its address comes later */
void check_workloads(struct check *c);
void check_selectors(struct check *c); /* check_selector.c */
void check_policy(struct check *c); /* check_policy.c */
void check_eips(struct check *c); /* check_outside.c */
void check_services(struct check *c); /* check_service.c */
void check_wan(struct check *c); /* check_wan.c */
void check_qos(struct check *c); /* check_qos.c */

#endif
