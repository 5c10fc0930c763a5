/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding the mistakes people make in a plan that parsed: the order of the checks, and what they share
 * (see check.h). A contradiction is an error; what is legal but surely not meant is a warning.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

/* Guessing costs a comparison with every name; a plan full of mistakes gets its first ones explained. */
#define GUESSES 64
/* So many workloads are worth a thread. */
#define MANY 4096

const struct place *below(struct below *b, const struct place *place, const char *format, ...)
{
	size_t length = strnlen(place->path, sizeof(b->path) - 1), room = sizeof(b->path) - length;
	size_t more = strnlen(format, room - 1);
	char *tail = b->path + length;
	va_list arguments;

	/* Asked for far more often than anything is wrong there, and most often with nothing to be filled in. */
	memcpy(b->path, place->path, length);
	if (strchr(format, '%')) {
		va_start(arguments, format);
		vsnprintf(tail, room, format, arguments);
		va_end(arguments);
	} else {
		memcpy(tail, format, more);
		tail[more] = 0;
	}
	b->place = (struct place){ .file = place->file, .path = b->path };
	return &b->place;
}

const char *other_place(const struct place *here, const struct place *there, char out[OTHER_TEXT])
{
	if (here->file == there->file || !strcmp(here->file, there->file))
		snprintf(out, OTHER_TEXT, "%s", there->path);
	else
		snprintf(out, OTHER_TEXT, "%s: %s", there->file, there->path);
	return out;
}

static const struct {
	const char *word;
	size_t size;
} NOUNS[] = {
	[NOUN_CLUSTER] = { "cluster", sizeof(struct cluster) },
	[NOUN_VPC] = { "VPC", sizeof(struct vpc) },
	[NOUN_NETWORK] = { "network", sizeof(struct network) },
	[NOUN_GROUP] = { "group", sizeof(struct group) },
	[NOUN_SERVICE] = { "service", sizeof(struct service) },
	[NOUN_EIP] = { "EIP", sizeof(struct eip) },
	[NOUN_NODE] = { "node", sizeof(struct node) },
	[NOUN_CLASS] = { "QoS class", sizeof(struct qos_class) },
};

struct nearest {
	const char *name;
	const char *meant;
};

/* Every named record begins with its name. */
static void nearest_of(struct nearest *n, const void *records, size_t count, size_t size)
{
	const char **names;

	if (!count)
		return;
	names = malloc((count + 1) * sizeof(*names));
	if (!names)
		return; /* the finding is complete without a guess */
	for (size_t i = 0; i < count; i++)
		names[i] = *(char *const *)((const char *)records + i * size);
	if (n->meant)
		names[count++] = n->meant;
	n->meant = value_nearest(n->name, names, count);
	free(names);
}

static const char *guess(const struct plan *plan, enum noun noun, const char *name)
{
	struct nearest n = { .name = name };
	size_t size = NOUNS[noun].size;

	switch (noun) {
	case NOUN_CLUSTER:
		nearest_of(&n, plan->clusters, plan->cluster_count, size);
		break;
	case NOUN_VPC:
		nearest_of(&n, plan->vpcs, plan->vpc_count, size);
		break;
	case NOUN_NETWORK:
		nearest_of(&n, plan->networks, plan->network_count, size);
		break;
	case NOUN_GROUP:
		nearest_of(&n, plan->groups, plan->group_count, size);
		break;
	case NOUN_SERVICE:
		nearest_of(&n, plan->services, plan->service_count, size);
		break;
	case NOUN_EIP:
		nearest_of(&n, plan->eips, plan->eip_count, size);
		break;
	case NOUN_CLASS:
		nearest_of(&n, plan->qos.classes, plan->qos.class_count, size);
		break;
	case NOUN_NODE:
		for (size_t i = 0; i < plan->cluster_count; i++)
			nearest_of(&n, plan->clusters[i].nodes, plan->clusters[i].node_count, size);
		break;
	}
	return n.meant;
}

static bool exists(const struct plan *plan, enum noun noun, const char *name)
{
	switch (noun) {
	case NOUN_CLUSTER:
		return plan_cluster(plan, name);
	case NOUN_VPC:
		return plan_vpc(plan, name);
	case NOUN_NETWORK:
		return plan_network(plan, name);
	case NOUN_GROUP:
		return plan_group(plan, name);
	case NOUN_SERVICE:
		return plan_service(plan, name);
	case NOUN_EIP:
		return plan_eip(plan, name);
	case NOUN_NODE:
		return plan_node(plan, name, NULL);
	case NOUN_CLASS:
		break;
	}
	for (size_t i = 0; i < plan->qos.class_count; i++)
		if (!strcmp(plan->qos.classes[i].name, name))
			return true;
	return false;
}

bool known(const struct check *c, enum noun noun, const char *name, const struct place *where)
{
	const char *meant = NULL;

	if (exists(c->plan, noun, name))
		return true;
	if (c->report->errors < GUESSES)
		meant = guess(c->plan, noun, name);
	if (meant)
		report_error(c->report, where, "there is no %s %s, expected %s?", NOUNS[noun].word, name,
			     meant);
	else
		report_error(c->report, where, "there is no %s %s, expected the name of one in the plan",
			     NOUNS[noun].word, name);
	return false;
}

size_t vpc_index(const struct check *c, const char *name)
{
	const struct vpc *vpc = plan_vpc(c->plan, name);

	return vpc ? (size_t)(vpc - c->plan->vpcs) : SIZE_MAX;
}

bool ports_include(const struct ports *ports, uint8_t proto, uint16_t port)
{
	for (size_t i = 0; i < ports->count; i++) {
		const struct port *p = &ports->item[i];

		if (p->any || (p->proto == proto && p->first <= port && p->last >= port))
			return true;
	}
	return false;
}

const struct network *network_of(const struct check *c, const char *vpc, uint32_t address,
				 const struct site **site)
{
	for (size_t i = 0; i < c->plan->network_count; i++) {
		const struct network *n = &c->plan->networks[i];

		if (strcmp(n->vpc, vpc) != 0)
			continue;
		for (size_t j = 0; j < n->site_count; j++)
			for (size_t k = 0; k < n->sites[j].cidrs.count; k++)
				if (prefix_has(n->sites[j].cidrs.item[k], address)) {
					if (site)
						*site = &n->sites[j];
					return n;
				}
	}
	return NULL;
}

const char *reserved_in(struct prefix cidr, uint32_t gateway, uint32_t address)
{
	if (gateway && address == gateway)
		return "the gateway";
	if (cidr.len > 30) /* RFC 3021: both addresses of a /31 are hosts */
		return NULL;
	if (address == cidr.addr)
		return "the network address";
	if (address == prefix_last(cidr))
		return "the broadcast address";
	return NULL;
}

/* What comes after the workloads. */
static void check_rest(struct check *c)
{
	check_selectors(c);
	check_policy(c);
	check_eips(c);
	check_services(c);
	check_wan(c);
	check_qos(c);
}

/* The same beside them, of many. */
struct beside {
	struct check check;
	struct report report;
	size_t errors; /* before */
	pthread_t thread;
	bool started;
};

static void *check_beside(void *argument)
{
	struct beside *b = argument;

	check_rest(&b->check);
	return NULL;
}

static void beside_begin(struct beside *b, const struct check *c)
{
	*b = (struct beside){ .check = *c, .errors = c->report->errors };
	if (c->plan->workload_count < MANY)
		return;
	b->check.scratch = arena_new();
	if (!b->check.scratch)
		return;
	b->check.report = &b->report;
	b->report.errors = b->errors; /* of as many it depends what is guessed */
	b->started = !pthread_create(&b->thread, NULL, check_beside, b);
	if (!b->started)
		arena_free(b->check.scratch);
}

/* True: it is done, and found what it would have found after the workloads. */
static bool beside_end(struct beside *b, struct report *r)
{
	bool done = b->started && r->errors == b->errors;

	if (!b->started)
		return false;
	pthread_join(b->thread, NULL);
	b->report.errors -= b->errors;
	b->report.lost |= arena_failed(b->check.scratch);
	if (done)
		report_join(r, &b->report);
	report_free(&b->report);
	arena_free(b->check.scratch);
	return done;
}

void plan_check(const struct plan *plan, struct report *r)
{
	struct beside beside;
	struct check c = { .plan = plan, .report = r, .scratch = arena_new() };

	if (!c.scratch) {
		r->lost = true;
		return;
	}
	check_clusters(&c);
	check_vpcs(&c);
	check_networks(&c);
	check_vlans(&c);
	check_overlap(&c);
	place_workloads(&c);
	beside_begin(&beside, &c);
	check_workloads(&c);
	if (!beside_end(&beside, r))
		check_rest(&c);
	if (arena_failed(c.scratch))
		r->lost = true;
	arena_free(c.scratch);
}
