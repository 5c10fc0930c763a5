/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which outside ports flows hold, and how many flows each workload has, as the sweeps of the two flow tables find
 * them. A flow moves from one table to the other between their passes, so a port counts as given up only when two
 * rounds, each a whole pass of both tables, have not met it.
 */
#ifndef SLUICE_BOUND_H
#define SLUICE_BOUND_H
#include "../../maps/tables.h"
#include "index.h"

enum bound_pass { BOUND_UNANSWERED, BOUND_ANSWERED, BOUND_PASSES };

struct bound {
	struct index ports; /* by sl_outside_key */
	struct index workloads; /* by sl_holder_key */
	uint32_t round; /* from 1; the one that goes on */
	uint32_t since[BOUND_PASSES]; /* round in which this table's pass began */
	bool whole[BOUND_PASSES]; /* has had a whole pass in this round */
	uint32_t lost; /* round in which memory for a port ran out; 0: never */
};

void bound_open(struct bound *b);
void bound_close(struct bound *b);
/* A pass begins; the flows of a table met in it; it has come to its end. */
void bound_begin(struct bound *b, enum bound_pass pass);
void bound_meet(struct bound *b, enum bound_pass pass, const struct sl_flow_key *key,
		const struct sl_flow *flow);
void bound_end(struct bound *b, enum bound_pass pass);
/* Flows of the last round are known: who is not held is free. Never true while memory is short. */
bool bound_sure(const struct bound *b);
/* NULL: no flow holds it. Else the tick of the last packet out of the flows that do. */
const uint32_t *bound_seen(const struct bound *b, const struct sl_outside_key *key);
uint32_t bound_flows(const struct bound *b, const struct sl_holder_key *key);

/* The port that this direction of a flow holds; false: none. */
bool bound_port(const struct sl_flow_key *key, const struct sl_flow *flow, struct sl_outside_key *port);

#endif
