/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `sluice show qos` has gathered: the plan's classes and rates, what holds each uplink's packets to them, and what
 * went. Printed by qos_print.c and qos_json.c.
 */
#ifndef SLUICE_QOS_H
#define SLUICE_QOS_H
#include <jansson.h>
#include "../kernel/kernel.h"
#include "../kernel/names.h"
#include "../kernel/rows.h"

/* An uplink of this node that is there. */
struct qos_uplink {
	struct name_text name;
	const char *pacing; /* "fq", "bucket", "off" */
	uint32_t mbit; /* below which it is kept; 0: not said */
	char qdisc[16];
	char shaper[16]; /* another one that limits a rate; empty: none */
};

struct qos_view {
	struct kernel k;
	uint32_t cpus;
	struct sl_setting setting;
	struct sl_class class[SL_CLASSES];
	struct rows rates;
	struct rows traffic; /* sl_qos */
	struct rows delays;
	struct qos_uplink *uplink;
	size_t uplink_count;
	bool carried; /* false: the class of packets is lost on their way through WireGuard */
};

/* The uplinks alone, for `status`; free() them. */
int qos_uplinks(const struct kernel *k, const struct sl_setting *setting, struct qos_uplink **uplink,
		size_t *count, struct trouble *t);
/* Has the kernel carried the class of what went through the tunnel? True if nothing went. */
int qos_carried(const struct kernel *k, uint32_t cpus, bool *carried, struct trouble *t);

struct name_text qos_class_name(const struct qos_view *v, uint32_t name); /* "-" for 0 */
/* What a rate is of: "cluster edge"; its name alone in `name`. */
const char *qos_rate_kind(const struct sl_rate_key *key);
struct name_text qos_rate_name(const struct qos_view *v, const struct sl_rate_key *key,
			       const struct sl_rate *rate);
/* 0: none. */
uint32_t qos_mbit(const struct qos_view *v, uint32_t kind, uint32_t id);

int qos_print(const struct qos_view *v);
json_t *qos_json(const struct qos_view *v);

#endif
