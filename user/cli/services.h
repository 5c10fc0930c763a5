/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `sluice show services` has gathered, and its two ways of printing it.
 */
#ifndef SLUICE_SERVICES_H
#define SLUICE_SERVICES_H
#include <jansson.h>
#include "../kernel/names.h"
#include "../kernel/roster.h"

struct services {
	struct kernel k;
	uint32_t cpus;
	const char *name; /* only this service; NULL: all */
	struct plan *plan; /* for the names of nodes; NULL: not readable */
	struct roster roster;
	struct sl_served *served; /* beside each row of the roster */
	struct rows unserved; /* ordered by key */
};

struct name_text services_name(const struct services *s, const struct roster_row *service);
/* "-" if nobody says where the backend stands. */
struct name_text services_node(const struct services *s, const struct roster_row *service,
			       const struct roster_row *backend);

/* services_print.c: tables for people; exit code. */
int services_print(const struct services *s);
/* services_json.c: a list of services, each with its backends and drops. */
json_t *services_json(const struct services *s);

/* What a service's rows, from `row` on, add up to. */
struct services_sum {
	struct sl_served served;
	uint64_t flows;
	uint64_t waiting;
	uint64_t timed_out;
	size_t backends;
};
struct services_sum services_sum(const struct services *s, size_t row, size_t span);
/* Handshakes are TCP's. */
uint64_t services_timed_out(const struct services *s, size_t row);

#endif
