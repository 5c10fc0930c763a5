/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of the numbers in the tables, from sl_name. Readers without the plan (exporter, `show`) use it;
 * a number without a name is printed as itself, never left out.
 */
#ifndef SLUICE_NAMES_H
#define SLUICE_NAMES_H
#include <stdint.h>
#include "../../maps/tables.h"

struct name_text {
	char text[SL_NAME_LEN];
};

struct name_text name_find(int name_fd, uint16_t kind, uint16_t slot, uint32_t id);
struct name_text name_of_network(int name_fd, uint16_t network);
/* Rule 0 is "default deny". */
struct name_text name_of_rule(int name_fd, uint32_t generation, uint32_t rule);
/* The state that the plan of a generation is in; empty: there is no plan. */
struct name_text name_of_state(int name_fd, uint32_t generation);
/* A service's rule carries its name. */
struct name_text name_of_service(int name_fd, uint32_t generation, uint32_t rule);

/* From the X-macro lists; "reason 77" texts for numbers this build does not know are the caller's. */
const char *reason_name(unsigned int reason); /* NULL: unknown */
const char *reason_text(unsigned int reason);
const char *outcome_name(unsigned int outcome); /* "passed", "dropped", "monitored", never NULL */
const char *table_name(unsigned int table);
const char *action_name(unsigned int action); /* of a verdict: "drop", "stack", ..., never NULL */
struct name_text proto_name(uint8_t proto); /* "tcp", or the number */

const char *door_role_name(unsigned int kind); /* "uplink", "workload", "tunnel" */
const char *door_xdp_name(unsigned int xdp); /* "none", "native", "generic", "shared" */
const char *door_tc_name(unsigned int tc); /* "none", "tcx", "clsact" */

#endif
