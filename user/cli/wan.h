/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `sluice show wan` has gathered: the tunnel, the routes, what the guard has dropped, and how long handshakes take.
 * Printed by wan_print.c and wan_json.c.
 */
#ifndef SLUICE_WAN_H
#define SLUICE_WAN_H
#include <jansson.h>
#include "../kernel/kernel.h"
#include "../kernel/names.h"
#include "../kernel/rows.h"

/* The guard's reasons of drops. */
#define WAN_REASONS 3
extern const uint32_t wan_reasons[WAN_REASONS];

/* Handshakes between two networks, or between two clusters, where both networks are 0. */
struct wan_way {
	struct sl_rtt_key key;
	bool clusters;
	struct sl_rtt rtt;
	struct sl_slo limit; /* all zero: the plan has none */
};

struct wan_view {
	struct kernel k;
	uint32_t cpus;
	struct plan *plan; /* NULL: not readable: then routes and peers are not known */
	const struct cluster *cluster; /* of this node; NULL as above */
	struct sl_setting setting;
	struct name_text tunnel; /* the interface with the tunnel's doors; empty: none */
	struct sl_count dropped[WAN_REASONS];
	struct wan_way *way;
	size_t way_count;
};

/* The interface that has a tunnel's doors; empty: none has. */
int wan_tunnel(const struct kernel *k, struct name_text *name, struct trouble *t);

/* "net-a@edge", or the cluster; "world". */
struct name_text wan_end(const struct wan_view *v, const struct wan_way *way, bool source);
/* Does the route begin or end in this cluster? */
bool wan_route_here(const struct wan_view *v, const struct route *route);
/* What 95 of 100 handshakes stay within, against the plan: "ok", "slow" (more than is expected), "over", or "". */
const char *wan_verdict(const struct wan_way *way);

int wan_print(const struct wan_view *v);
json_t *wan_json(const struct wan_view *v);

#endif
