/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quality of service: rates that no link has, classes beyond what the mark can carry, labels that nobody has.
 */
#include <string.h>
#include "../../include/limits.h"
#include "check.h"

/* The fastest of some uplinks that say their speed. */
struct fastest {
	const struct uplink *uplink; /* NULL: there is none, or one does not say and may be faster */
	const struct node *node;
	const char *what; /* of the uplinks */
};

static bool faster(struct fastest *f, const struct node *node)
{
	for (size_t i = 0; i < node->uplink_count; i++) {
		const struct uplink *uplink = &node->uplinks[i];

		if (!uplink->mbit)
			return false;
		if (f->uplink && f->uplink->mbit >= uplink->mbit)
			continue;
		f->uplink = uplink;
		f->node = node;
	}
	return true;
}

static struct fastest fastest(const struct plan *plan)
{
	struct fastest f = { .what = "uplink" };

	for (size_t i = 0; i < plan->cluster_count; i++)
		for (size_t j = 0; j < plan->clusters[i].node_count; j++)
			if (!faster(&f, &plan->clusters[i].nodes[j]))
				return (struct fastest){ 0 };
	return f;
}

/* Of those that lead to other clusters, or to this one if it is said. */
static struct fastest fastest_to(const struct plan *plan, const char *to)
{
	struct fastest f = { .what = "uplink of a gateway" };

	for (size_t i = 0; i < plan->cluster_count; i++) {
		const struct cluster *cluster = &plan->clusters[i];

		if (!cluster->tunnel.present || (to && !strcmp(cluster->name, to)))
			continue;
		for (size_t j = 0; j < cluster->node_count; j++)
			if (cluster->nodes[j].gateway && !faster(&f, &cluster->nodes[j]))
				return (struct fastest){ 0 };
	}
	return f;
}

static void check_rate(struct check *c, const struct fastest *f, uint32_t rate_mbit,
		       const struct place *place)
{
	struct below b;

	if (f->uplink && rate_mbit > f->uplink->mbit)
		report_error(c->report, below(&b, place, ".rate_mbit"),
			     "%u Mbit/s is above the fastest %s (%s of node %s, %u), expected at most that",
			     rate_mbit, f->what, f->uplink->name, f->node->name, f->uplink->mbit);
}

static void check_classes(struct check *c)
{
	const struct qos *qos = &c->plan->qos;
	struct fastest f = fastest(c->plan);
	struct below b;

	if (qos->class_count >= SL_CLASSES)
		report_error(c->report, &qos->classes[SL_CLASSES - 1].place,
			     "there are %zu QoS classes, expected at most %d", qos->class_count,
			     SL_CLASSES - 1);
	for (size_t i = 0; i < qos->class_count; i++) {
		const struct qos_class *class = &qos->classes[i];

		check_rate(c, &f, class->rate_mbit, &class->place);
		if (class->burst_bytes && !class->rate_mbit)
			report_error(c->report, below(&b, &class->place, ".burst_bytes"),
				     "a burst without a rate, expected \"rate_mbit\" too");
	}
}

static void check_clusters_rates(struct check *c)
{
	const struct qos *qos = &c->plan->qos;

	for (size_t i = 0; i < qos->per_cluster_count; i++) {
		const struct qos_rate *rate = &qos->per_cluster[i];
		struct fastest f = fastest_to(c->plan, rate->name);

		if (!known(c, NOUN_CLUSTER, rate->name, &rate->place))
			continue;
		check_rate(c, &f, rate->rate_mbit, &rate->place);
		if (!plan_cluster(c->plan, rate->name)->tunnel.present)
			report_warning(
				c->report, &rate->place,
				"no tunnel leads to cluster %s, so nothing goes at this rate, expected "
				"\"tunnel\" there",
				rate->name);
	}
}

static bool somebody_has(const struct plan *plan, const char *key)
{
	for (size_t i = 0; i < plan->workload_count; i++)
		for (size_t j = 0; j < plan->workloads[i].labels.count; j++)
			if (!strcmp(plan->workloads[i].labels.item[j].key, key))
				return true;
	return false;
}

static void check_labels(struct check *c)
{
	const struct qos *qos = &c->plan->qos;
	struct fastest f = fastest_to(c->plan, NULL);

	for (size_t i = 0; i < qos->per_label_count; i++) {
		check_rate(c, &f, qos->per_label[i].rate_mbit, &qos->per_label[i].place);
		if (!somebody_has(c->plan, qos->per_label[i].name))
			report_warning(c->report, &qos->per_label[i].place,
				       "no workload has the label \"%s\", so nothing goes at this rate",
				       qos->per_label[i].name);
	}
}

void check_qos(struct check *c)
{
	const struct qos *qos = &c->plan->qos;
	struct below b;

	check_classes(c);
	for (size_t i = 0; i < qos->rule_count; i++)
		known(c, NOUN_CLASS, qos->rules[i].class, below(&b, &qos->rules[i].place, ".class"));
	check_clusters_rates(c);
	check_labels(c);
}
