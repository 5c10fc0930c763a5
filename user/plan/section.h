/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sections of a plan: one taker for each key of the document, each filling its part of struct plan
 * (`out` is the plan). Adding a key means adding a line to a field table, a member to plan.h, and a
 * paragraph to sluice-plan(5).
 */
#ifndef SLUICE_SECTION_H
#define SLUICE_SECTION_H
#include "take.h"

/* Defaults that plan.h does not show: the RFC's own values where there are any. */
#define DEFAULT_TUNNEL_PORT 51820
#define DEFAULT_TUNNEL_MTU 1420
/* Faster than that, counting would limit more than the limit. */
#define MOST_NEW_PER_S 1000000
#define MOST_FLOWS_PER_WORKLOAD 1048576
#define DEFAULT_HOST_PORTS_PER_WORKLOAD 1024

extern const char *const NAT_SCOPES[]; /* words of enum nat_scope */

taker take_clusters; /* section_cluster.c */
taker take_vpcs; /* section_network.c */
taker take_networks;
taker take_groups; /* section_policy.c */
taker take_workloads;
taker take_policy;
taker take_asserts;
taker take_eips; /* section_outside.c */
taker take_snat;
taker take_fips;
taker take_services; /* section_service.c */
taker take_routes; /* section_wan.c */
taker take_qos;
taker take_slos;
taker take_timeouts; /* section_state.c */
taker take_limits;
void default_state(struct plan *plan);
taker take_states; /* section_states.c */
void default_states(struct plan *plan, const struct at *root);

#endif
