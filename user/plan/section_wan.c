/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.routes, $.qos and $.slo: what crosses between clusters and how well. Parses only.
 */
#include "../../include/limits.h"
#include "section.h"

static const char *const RATE_TO[] = { "tunnel", NULL };

static void one_route(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("name", take_title, offsetof(struct route, name), .needed = true),
		FIELD("from", take_selector, offsetof(struct route, from), .needed = true),
		FIELD("to", take_selector, offsetof(struct route, to), .needed = true),
		FIELD("ports", take_ports, offsetof(struct route, ports), .needed = true),
	};
	struct route *route = out;

	route->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, route);
}

void take_routes(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->routes = take_list(at, sizeof(*plan->routes), one_route, &plan->route_count);
}

#define RATE_FIELD(type, member, ...)                                                                        \
	FIELD("rate_mbit", take_u32, offsetof(type, member), .low = 1, .high = 1000000, __VA_ARGS__)

static void one_class(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		/* Three bits of the mark carry the class; 0 is "none". */
		FIELD("priority", take_u32, offsetof(struct qos_class, priority), .needed = true, .low = 1,
		      .high = 7),
		FIELD("dscp", take_dscp, offsetof(struct qos_class, dscp)),
		RATE_FIELD(struct qos_class, rate_mbit),
		/* At least one full frame, or nothing of that size would ever leave. */
		FIELD("burst_bytes", take_u32, offsetof(struct qos_class, burst_bytes), .low = 1514,
		      .high = 1U << 30),
	};
	struct qos_class *class = out;

	class->name = name_of(at);
	class->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, class);
}

static void take_classes(const struct at *at, const struct field *field, void *out)
{
	struct qos *qos = out;

	(void)field;
	qos->classes = take_map(at, sizeof(*qos->classes), one_class, &qos->class_count);
}

static void one_rule(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("class", take_name, offsetof(struct qos_rule, class), .needed = true),
		FIELD("from", take_selectors, offsetof(struct qos_rule, from), .needed = true),
		FIELD("to", take_selectors, offsetof(struct qos_rule, to), .needed = true),
		FIELD("ports", take_ports, offsetof(struct qos_rule, ports), .needed = true),
	};
	struct qos_rule *rule = out;

	rule->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, rule);
}

static void take_rules(const struct at *at, const struct field *field, void *out)
{
	struct qos *qos = out;

	(void)field;
	qos->rules = take_list(at, sizeof(*qos->rules), one_rule, &qos->rule_count);
}

static void one_cluster_rate(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		RATE_FIELD(struct qos_rate, rate_mbit, .needed = true),
	};
	struct qos_rate *rate = out;

	rate->name = name_of(at);
	rate->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, rate);
}

static void one_label_rate(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		RATE_FIELD(struct qos_rate, rate_mbit, .needed = true),
		FIELD("to", take_word, offsetof(struct qos_rate, to), .words = RATE_TO),
	};
	struct qos_rate *rate = out;

	rate->name = name_of(at);
	rate->to = keep(at, RATE_TO[0]);
	rate->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, rate);
}

static void take_per_cluster(const struct at *at, const struct field *field, void *out)
{
	struct qos *qos = out;

	(void)field;
	qos->per_cluster = take_map(at, sizeof(*qos->per_cluster), one_cluster_rate, &qos->per_cluster_count);
}

static void take_per_label(const struct at *at, const struct field *field, void *out)
{
	struct qos *qos = out;

	(void)field;
	qos->per_label = take_map(at, sizeof(*qos->per_label), one_label_rate, &qos->per_label_count);
}

void take_qos(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("classes", take_classes, 0),
		FIELD("rules", take_rules, 0),
		FIELD("per_cluster", take_per_cluster, 0),
		FIELD("per_label", take_per_label, 0),
		FIELD("default_priority", take_u32, offsetof(struct qos, default_priority), .low = 1,
		      .high = SL_LEVELS - 1),
		FIELD("max_delay_ms", take_u32, offsetof(struct qos, max_delay_ms), .low = 1, .high = 1000),
	};
	struct plan *plan = out;

	(void)field;
	TAKE_OBJECT(at, FIELDS, &plan->qos);
}

static void one_millisecond(const struct at *at, void *out)
{
	static const struct field NUMBER = { .low = 0, .high = 3600000 };

	take_u32(at, &NUMBER, out);
}

/* [LOW, HIGH] */
static void take_expect(const struct at *at, const struct field *field, void *out)
{
	struct slo *slo = out;
	uint32_t *bounds;
	size_t count;

	(void)field;
	bounds = take_list(at, sizeof(*bounds), one_millisecond, &count);
	if (!tree_is_list(at->value))
		return;
	if (count != 2) {
		wrong(at, "the list has %zu numbers, expected [LOW, HIGH]", count);
		return;
	}
	slo->expect_low_ms = bounds[0];
	slo->expect_high_ms = bounds[1];
	if (bounds[1] < bounds[0])
		wrong(at, "it ends before it starts, expected [%u, %u]", bounds[1], bounds[0]);
}

static void one_slo(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("from", take_selector, offsetof(struct slo, from), .needed = true),
		FIELD("to", take_selector, offsetof(struct slo, to), .needed = true),
		FIELD("expect_ms", take_expect, 0),
		FIELD("max_ms", take_u32, offsetof(struct slo, max_ms), .needed = true, .low = 1,
		      .high = 3600000),
	};
	struct slo *slo = out;

	slo->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, slo);
}

void take_slos(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->slos = take_list(at, sizeof(*plan->slos), one_slo, &plan->slo_count);
}
