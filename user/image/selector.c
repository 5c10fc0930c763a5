/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Selectors: which groups, CIDRs and services the rules name (the sets), and which types a selector matches.
 * A group that no rule, host policy, route or assert names is no set: it must not split classes.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../plan/home.h"
#include "compile.h"

typedef bool (*selector_visit)(struct compile *c, const struct selector *s, void *context);

static bool visit_all(struct compile *c, const struct selectors *list, selector_visit visit, void *context)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!visit(c, &list->item[i], context))
			return false;
	}
	return true;
}

static bool visit_classes(struct compile *c, selector_visit visit, void *context)
{
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->route_count; i++) {
		if (!visit(c, &plan->routes[i].from, context) || !visit(c, &plan->routes[i].to, context))
			return false;
	}
	for (size_t i = 0; i < plan->qos.rule_count; i++) {
		if (!visit_all(c, &plan->qos.rules[i].from, visit, context) ||
		    !visit_all(c, &plan->qos.rules[i].to, visit, context))
			return false;
	}
	return true;
}

static bool visit_plan(struct compile *c, selector_visit visit, void *context)
{
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->rule_count; i++) {
		if (!visit_all(c, &plan->policy[i].from, visit, context) ||
		    !visit_all(c, &plan->policy[i].to, visit, context))
			return false;
	}
	for (size_t i = 0; i < c->cluster->host_allow_count; i++) {
		if (!visit_all(c, &c->cluster->host_allow[i].from, visit, context))
			return false;
	}
	for (size_t i = 0; i < plan->assert_count; i++) {
		if (!visit(c, &plan->asserts[i].from, context) || !visit(c, &plan->asserts[i].to, context))
			return false;
	}
	return visit_classes(c, visit, context);
}

static bool note_use(struct compile *c, const struct selector *s, void *context)
{
	const struct service *service;
	struct list *cidrs = context;
	struct prefix *cidr;
	uint32_t group;

	if (s->kind == SELECT_GROUP) {
		group = intern_find_name(&c->group_names, s->name);
		if (!group) {
			report_error(c->r, &s->place, "group \"%s\" is not in the plan", s->name);
			return false;
		}
		c->group_set[group - 1] = 1;
	} else if (s->kind == SELECT_SERVICE) {
		service = plan_service(c->plan, s->name);
		if (!service) {
			report_error(c->r, &s->place, "service \"%s\" is not in the plan", s->name);
			return false;
		}
		c->service_set[service - c->plan->services] = 1;
	} else if (s->kind == SELECT_CIDR) {
		cidr = list_add(cidrs, 1);
		if (!cidr)
			return false;
		*cidr = s->cidr;
	}
	return true;
}

static int by_prefix(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->len - y->len;
}

static bool collect_labels(struct compile *c, const struct group *group)
{
	char text[512];

	for (size_t i = 0; i < group->labels.count; i++) {
		const struct label *label = &group->labels.item[i];
		int length = snprintf(text, sizeof(text), "%s%c%s", label->key, 0, label->value);

		if (length < 0 || (size_t)length >= sizeof(text)) {
			report_error(c->r, &group->place, "label \"%.32s...\" is too long", label->key);
			return false;
		}
		if (!intern(&c->labels, text, (size_t)length))
			return false;
	}
	return true;
}

bool selectors_collect(struct compile *c)
{
	struct list cidrs = { .size = sizeof(struct prefix) };
	size_t groups = c->plan->group_count, services = c->plan->service_count;
	struct prefix *cidr;
	bool done = false;

	c->group_set = heap_take(&c->scratch, groups * sizeof(*c->group_set));
	c->service_set = heap_take(&c->scratch, services * sizeof(*c->service_set));
	c->vip_set = heap_take(&c->scratch, services * sizeof(*c->vip_set));
	if (!c->group_set || !c->service_set || !c->vip_set || !visit_plan(c, note_use, &cidrs))
		goto out;
	c->sets = heap_take(&c->scratch, (groups + cidrs.count + 2 * services) * sizeof(*c->sets));
	if (!c->sets)
		goto out;
	for (size_t i = 0; i < groups; i++) {
		if (!c->group_set[i])
			continue;
		c->sets[c->set_count].group = &c->plan->groups[i];
		c->group_set[i] = (uint32_t)++c->set_count;
		if (!collect_labels(c, &c->plan->groups[i]))
			goto out;
	}
	c->group_sets = c->set_count;
	cidr = cidrs.item;
	if (cidrs.count)
		qsort(cidr, cidrs.count, sizeof(*cidr), by_prefix);
	for (size_t i = 0; i < cidrs.count; i++) {
		if (!i || by_prefix(&cidr[i - 1], &cidr[i]))
			c->sets[c->set_count++].cidr = cidr[i];
	}
	c->cidr_sets = c->set_count;
	for (size_t i = 0; i < services; i++) {
		if (!c->service_set[i])
			continue;
		c->sets[c->set_count].service = &c->plan->services[i];
		c->service_set[i] = (uint32_t)++c->set_count;
	}
	c->service_sets = c->set_count;
	for (size_t i = 0; i < services; i++) {
		const struct service *service = &c->plan->services[i];
		const struct cluster *home = c->service_set[i] ? service_home(c->plan, service) : NULL;

		if (!home || home == c->cluster)
			continue;
		c->sets[c->set_count].service = service;
		c->sets[c->set_count].vip = true;
		c->vip_set[i] = (uint32_t)++c->set_count;
	}
	done = true;
out:
	list_free(&cidrs);
	return done;
}

/* Lists by number: counts first, then places; both passes call the same function. */
static bool index_by_set(struct compile *c)
{
	size_t total = 0, count;
	uint32_t *start = heap_take(&c->scratch, (c->set_count + 2) * sizeof(uint32_t));

	if (!start)
		return false;
	for (uint32_t t = 1; t <= c->types.count; t++) {
		const uint32_t *sets = set_list(c, type_at(c, t)->sets, &count);

		total += count;
		for (size_t i = 0; i < count; i++)
			start[sets[i] + 2]++;
	}
	c->types_of_set.item = heap_take(&c->scratch, total * sizeof(uint32_t));
	if (!c->types_of_set.item)
		return false;
	for (size_t i = 2; i < c->set_count + 2; i++)
		start[i] += start[i - 1];
	for (uint32_t t = 1; t <= c->types.count; t++) {
		const uint32_t *sets = set_list(c, type_at(c, t)->sets, &count);

		for (size_t i = 0; i < count; i++)
			c->types_of_set.item[start[sets[i] + 1]++] = t;
	}
	c->types_of_set.start = start;
	return true;
}

static bool index_by_network(struct compile *c)
{
	size_t networks = c->plan->network_count;
	uint32_t *start = heap_take(&c->scratch, (networks + 3) * sizeof(uint32_t));

	c->types_of_network.item = heap_take(&c->scratch, c->types.count * sizeof(uint32_t));
	if (!start || !c->types_of_network.item)
		return false;
	for (uint32_t t = 1; t <= c->types.count; t++)
		start[type_at(c, t)->network + 2]++;
	for (size_t i = 2; i < networks + 3; i++)
		start[i] += start[i - 1];
	for (uint32_t t = 1; t <= c->types.count; t++)
		c->types_of_network.item[start[type_at(c, t)->network + 1]++] = t;
	c->types_of_network.start = start;
	return true;
}

bool selectors_index(struct compile *c)
{
	return index_by_set(c) && index_by_network(c);
}

/* Selectors that are not found through an index. */
static bool matches(const struct compile *c, const struct selector *s, const struct type *t)
{
	uint32_t vpc;

	switch (s->kind) {
	case SELECT_ANY:
		return true;
	case SELECT_CLUSTER:
		return t->cluster && t->cluster == intern_find_name(&c->cluster_names, s->name);
	case SELECT_VPC:
		/* What lies outside every network is in no VPC, though it is seen from one. */
		vpc = vpc_number(c, s->name);
		return t->network && t->vpc == vpc;
	case SELECT_WORLD:
		return t->kind == TYPE_WORLD;
	case SELECT_HOST:
		return t->kind == TYPE_HOST;
	case SELECT_REMOTE_HOST:
		return t->kind == TYPE_REMOTE_HOST;
	default:
		return false;
	}
}

static bool add_bucket(const struct buckets *buckets, uint32_t bucket, struct list *out)
{
	uint32_t from = buckets->start[bucket], count = buckets->start[bucket + 1] - from;
	uint32_t *at = list_add(out, count);

	if (!at)
		return false;
	if (count)
		memcpy(at, &buckets->item[from], count * sizeof(*at));
	return true;
}

static bool add_network(const struct compile *c, const struct selector *s, struct list *out)
{
	uint32_t network = intern_find_name(&c->network_names, s->name);
	uint32_t cluster = intern_find_name(&c->cluster_names, s->cluster);
	size_t before = out->count, kept = before;
	uint32_t *item;

	if (!network || (s->cluster && !cluster)) {
		report_error(c->r, &s->place, "network \"%s%s%s\" is not in the plan", s->name,
			     s->cluster ? "@" : "", s->cluster ? s->cluster : "");
		return false;
	}
	if (!add_bucket(&c->types_of_network, network, out))
		return false;
	item = out->item;
	for (size_t i = before; i < out->count; i++) {
		if (!cluster || type_at(c, item[i])->cluster == cluster)
			item[kept++] = item[i];
	}
	out->count = kept;
	return true;
}

static uint32_t cidr_set(const struct compile *c, const struct prefix *cidr)
{
	size_t low = c->group_sets, high = c->cidr_sets;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_prefix(&c->sets[middle].cidr, cidr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)low;
}

bool selector_types(const struct compile *c, const struct selector *s, struct list *out)
{
	uint32_t *at;

	switch (s->kind) {
	case SELECT_GROUP:
		return add_bucket(&c->types_of_set,
				  c->group_set[intern_find_name(&c->group_names, s->name) - 1] - 1, out);
	case SELECT_CIDR:
		return add_bucket(&c->types_of_set, cidr_set(c, &s->cidr), out);
	case SELECT_SERVICE: /* its backends; clause.c narrows a rule to their ports */
		return add_bucket(&c->types_of_set,
				  c->service_set[plan_service(c->plan, s->name) - c->plan->services] - 1,
				  out);
	case SELECT_NETWORK:
		return add_network(c, s, out);
	default:
		break;
	}
	for (uint32_t t = 1; t <= c->types.count; t++) {
		const struct type *type = type_at(c, t);

		if (!matches(c, s, type))
			continue;
		at = list_add(out, 1);
		if (!at)
			return false;
		*at = t;
	}
	return true;
}

bool selector_vip(const struct compile *c, const struct selector *s, struct list *out)
{
	uint32_t set = s->kind == SELECT_SERVICE
			       ? c->vip_set[plan_service(c->plan, s->name) - c->plan->services]
			       : 0;

	return !set || add_bucket(&c->types_of_set, set - 1, out);
}

const char *selector_text(const struct selector *s, char *text, size_t size)
{
	static const char *const kinds[] = {
		[SELECT_ANY] = "any",	       [SELECT_NETWORK] = "network:",
		[SELECT_GROUP] = "group:",     [SELECT_CIDR] = "cidr:",
		[SELECT_CLUSTER] = "cluster:", [SELECT_VPC] = "vpc:",
		[SELECT_SERVICE] = "service:", [SELECT_WORLD] = "world",
		[SELECT_HOST] = "host",	       [SELECT_REMOTE_HOST] = "remote-host",
	};
	struct in_addr addr = { .s_addr = htonl(s->cidr.addr) };
	char dotted[INET_ADDRSTRLEN];

	if (s->kind == SELECT_CIDR)
		snprintf(text, size, "cidr:%s/%u", inet_ntop(AF_INET, &addr, dotted, sizeof(dotted)),
			 s->cidr.len);
	else
		snprintf(text, size, "%s%s%s%s", kinds[s->kind], s->name ? s->name : "",
			 s->cluster ? "@" : "", s->cluster ? s->cluster : "");
	return text;
}
