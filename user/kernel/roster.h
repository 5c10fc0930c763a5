/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The services of the generation in force and their backends, read out of the plan tables, with places to count
 * their flows in. Serves `show services` and the agent; never writes a table.
 */
#ifndef SLUICE_ROSTER_H
#define SLUICE_ROSTER_H
#include "kernel.h"
#include "rows.h"

/* A backend of a service, or with backend 0 the service itself. */
struct roster_row {
	struct sl_served_key key;
	uint32_t slots; /* of the ring: the backend's, the service's */
	uint16_t flags; /* SL_BACKEND_* */
	uint16_t node; /* index into sl_node, 0: not said */
	struct sl_service service; /* of the service's row */
	uint64_t flows; /* counted with roster_count() */
	uint64_t waiting;
};

/* A VIP that is a node's own address, and what that node's clients call it; network byte order. */
struct roster_alias {
	__be32 alias;
	__be32 vip;
};

/* Ordered by key: a service, then its backends, then the next service. */
struct roster {
	struct roster_row *row;
	size_t count;
	struct roster_alias alias[SL_ALIASES];
	size_t alias_count;
	bool counted; /* some flow, with roster_count() */
};

int roster_read(struct roster *roster, const struct kernel *k, struct trouble *t);
void roster_free(struct roster *roster);
/* `slots` rows of sl_ring from `first` on. */
int roster_ring(int fd, uint32_t first, uint32_t slots, struct sl_slot *slot, struct trouble *t);
/* NULL: the plan in force does not have it. */
struct roster_row *roster_find(const struct roster *roster, const struct sl_served_key *key);
/* How many rows a service has, its own included; `row` is its own. */
size_t roster_span(const struct roster *roster, size_t row);
/* Counts the flow with its backend if it is one of a service. `answered`: it is in the table of those. */
void roster_count(struct roster *roster, const struct sl_flow_key *key, const struct sl_flow *flow,
		  bool answered);
/* The sum over the CPUs. */
struct sl_served served_sum(const struct rows *rows, size_t row);
/* TCP handshakes that came to nothing: opened, and neither answered, refused nor waiting. */
uint64_t served_timed_out(const struct sl_served *served, uint64_t waiting);

#endif
