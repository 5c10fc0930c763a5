/* SPDX-License-Identifier: GPL-2.0 */
/*
 * qos: what a class does to a packet, and what may go how fast. Which packets are of which class is said by the rows
 * of policy. A rate is the time that a byte takes; how long a clock may have stood still is the burst.
 */
#include <stdlib.h>
#include <string.h>
#include "compile.h"

/*
 * Without a burst of the plan: what arrives at once after a pause, and at least four full frames. More of them would
 * show in ten seconds at 1 Mbit/s.
 */
#define BURST_NS 10000000ULL
#define BURST_BYTES 6056
/* Of a link as little as the timers allow: what it queues below sluice is in nobody's order. */
#define LINK_BURST_NS 1000000ULL
#define LINK_BURST_BYTES 3028

bool qos_wanted(const struct plan *plan)
{
	return plan->qos.class_count || plan->qos.per_cluster_count || plan->qos.per_label_count;
}

/* Linux: 7 to 0, most urgent first; levels in the middle are as good as unmarked. */
static uint8_t skb_priority(uint32_t level)
{
	static const uint8_t priorities[SL_LEVELS] = { 0, 6, 4, 0, 0, 2, 2, 1 };

	return level < SL_LEVELS ? priorities[level] : 0;
}

/* --- classes: rows by (priority, name); the plan has them by name */

uint8_t qos_class_row(const struct compile *c, const char *name)
{
	const struct qos *qos = &c->plan->qos;
	const struct qos_class *class = NULL;
	uint8_t row = 1;

	for (size_t i = 0; i < qos->class_count && !class; i++) {
		if (!strcmp(qos->classes[i].name, name))
			class = &qos->classes[i];
	}
	if (!class)
		return 0;
	for (const struct qos_class *other = qos->classes; other < qos->classes + qos->class_count; other++)
		row += other->priority < class->priority ||
		       (other->priority == class->priority && other < class);
	return row;
}

static bool add_class(struct compile *c, uint32_t key, uint32_t name, uint32_t level, uint8_t dscp)
{
	struct sl_class row = {
		.name = name, .level = (uint8_t)level, .dscp = dscp, .priority = skb_priority(level)
	};

	return row_add(c, SL_TABLE_sl_class, &key, &row);
}

static bool add_classes(struct compile *c)
{
	const struct qos *qos = &c->plan->qos;

	if (qos->class_count >= SL_CLASSES) {
		report_error(c->r, &qos->classes[SL_CLASSES - 1].place,
			     "there are %zu QoS classes, this build holds at most %d", qos->class_count,
			     SL_CLASSES - 1);
		return false;
	}
	for (size_t i = 0; i < qos->class_count; i++) {
		const struct qos_class *class = &qos->classes[i];

		if (!add_class(c, qos_class_row(c, class->name), name_hash(class->name), class->priority,
			       class->dscp))
			return false;
	}
	return add_class(c, 0, 0, qos->default_priority, 0);
}

/* --- rates */

static uint64_t time_of(uint64_t bytes, uint32_t mbit)
{
	return bytes * 8000 / mbit;
}

static bool add_rate(struct compile *c, uint32_t kind, uint32_t id, uint32_t mbit, uint64_t burst,
		     uint32_t name)
{
	struct sl_rate_key key = { .kind = kind, .id = id };
	struct sl_rate row = {
		.cost = (8000ULL << SL_COST_SHIFT) / mbit, .burst = burst, .name = name, .mbit = mbit
	};

	return row_add(c, SL_TABLE_sl_rate, &key, &row);
}

static uint64_t usual_burst(uint32_t mbit)
{
	uint64_t frames = time_of(BURST_BYTES, mbit);

	return frames > BURST_NS ? frames : BURST_NS;
}

static bool rate_classes(struct compile *c)
{
	for (size_t i = 0; i < c->plan->qos.class_count; i++) {
		const struct qos_class *class = &c->plan->qos.classes[i];
		uint32_t mbit = class->rate_mbit;

		if (mbit &&
		    !add_rate(c, SL_RATE_CLASS, qos_class_row(c, class->name), mbit,
			      class->burst_bytes ? time_of(class->burst_bytes, mbit) : usual_burst(mbit), 0))
			return false;
	}
	return true;
}

/* Towards this cluster itself nothing goes through its tunnel. */
static bool rate_clusters(struct compile *c)
{
	for (size_t i = 0; i < c->plan->qos.per_cluster_count; i++) {
		const struct qos_rate *rate = &c->plan->qos.per_cluster[i];
		const struct cluster *cluster = plan_cluster(c->plan, rate->name);

		if (!cluster) {
			report_error(c->r, &rate->place, "cluster \"%s\" is not in the plan", rate->name);
			return false;
		}
		if (cluster != c->cluster && !add_rate(c, SL_RATE_CLUSTER, cluster->id, rate->rate_mbit,
						       usual_burst(rate->rate_mbit), 0))
			return false;
	}
	return true;
}

/* "KEY=VALUE" of this key. */
static bool is_of(const char *tenant, const char *key)
{
	size_t length = strlen(key);

	return !strncmp(tenant, key, length) && tenant[length] == '=';
}

static bool rate_tenants(struct compile *c)
{
	for (size_t i = 0; i < c->plan->qos.per_label_count; i++) {
		const struct qos_rate *rate = &c->plan->qos.per_label[i];

		for (size_t k = 0; k < c->tenant_count; k++) {
			if (is_of(c->tenants[k], rate->name) &&
			    !add_rate(c, SL_RATE_LABEL, (uint32_t)k + 1, rate->rate_mbit,
				      usual_burst(rate->rate_mbit), name_hash(c->tenants[k])))
				return false;
		}
	}
	return true;
}

/* A queue forms where its packets have classes only if sluice is a little slower than the link. */
static bool rate_links(struct compile *c)
{
	for (size_t i = 0; i < c->node->uplink_count; i++) {
		const struct uplink *uplink = &c->node->uplinks[i];
		const struct link_fact *link = link_named(c, uplink->name);
		uint64_t burst;

		if (!link || !uplink->mbit)
			continue;
		burst = time_of(LINK_BURST_BYTES, uplink->mbit);
		if (!add_rate(c, SL_RATE_LINK, link->ifindex, uplink->mbit,
			      burst > LINK_BURST_NS ? burst : LINK_BURST_NS, 0))
			return false;
	}
	return true;
}

/* --- names stand in rows by their hash */

struct hashed {
	uint32_t hash;
	const char *name;
};

static int by_hash(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static bool tell_apart(struct compile *c, struct hashed *all, size_t count, const char *what)
{
	qsort(all, count, sizeof(*all), by_hash);
	for (size_t i = 1; i < count; i++) {
		if (all[i - 1].hash != all[i].hash)
			continue;
		report_error(c->r, NULL,
			     "$.qos: %s \"%s\" and \"%s\" look the same to the programs, rename one", what,
			     all[i - 1].name, all[i].name);
		return false;
	}
	return true;
}

static bool check_names(struct compile *c)
{
	size_t classes = c->plan->qos.class_count;
	struct hashed *all = heap_take(&c->scratch, (classes + c->tenant_count) * sizeof(*all));

	if (!all)
		return false;
	for (size_t i = 0; i < classes; i++)
		all[i] = (struct hashed){ name_hash(c->plan->qos.classes[i].name),
					  c->plan->qos.classes[i].name };
	for (size_t i = 0; i < c->tenant_count; i++)
		all[classes + i] = (struct hashed){ name_hash(c->tenants[i]), c->tenants[i] };
	return tell_apart(c, all, classes, "classes") &&
	       tell_apart(c, all + classes, c->tenant_count, "labels");
}

bool qos_build(struct compile *c)
{
	if (!add_classes(c) || !check_names(c))
		return false;
	return !qos_wanted(c->plan) ||
	       (rate_classes(c) && rate_clusters(c) && rate_tenants(c) && rate_links(c));
}
