/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show services: VIPs and their backends, who gets which share, what they were sent and what of it was
 * dropped. What is alive is counted from the flow tables on the spot, so it is right without an agent as well.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kernel/names.h"
#include "cli.h"
#include "kept.h"
#include "services.h"
#include "show.h"

static void count_answered(void *closure, const void *key, const void *flow)
{
	roster_count(closure, key, flow, true);
}

static void count_unanswered(void *closure, const void *key, const void *flow)
{
	roster_count(closure, key, flow, false);
}

static int count_flows(struct services *s, struct trouble *t)
{
	int error = rows_walk(s->k.table[SL_TABLE_sl_unanswered], sizeof(struct sl_flow_key),
			      sizeof(struct sl_flow), count_unanswered, &s->roster, t);

	if (!error)
		error = rows_walk(s->k.table[SL_TABLE_sl_flow], sizeof(struct sl_flow_key),
				  sizeof(struct sl_flow), count_answered, &s->roster, t);
	return error;
}

static void add(struct sl_served *to, const struct sl_served *more)
{
	to->connections += more->connections;
	to->answered += more->answered;
	to->refused += more->refused;
	to->packets += more->packets;
	to->bytes += more->bytes;
	to->reply_packets += more->reply_packets;
	to->reply_bytes += more->reply_bytes;
}

/* Counters of backends that are in the plan no more stay part of what their service did. */
static int sum_served(struct services *s, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, s->k.table[SL_TABLE_sl_served], sizeof(struct sl_served_key),
			      sizeof(struct sl_served), s->cpus, t);

	if (error)
		return error;
	for (size_t i = 0; i < rows.count; i++) {
		struct sl_served_key key = *(const struct sl_served_key *)rows_key(&rows, i);
		struct roster_row *row = roster_find(&s->roster, &key);

		if (!row) {
			key.backend = 0;
			row = roster_find(&s->roster, &key);
		}
		if (row) {
			struct sl_served more = served_sum(&rows, i);

			add(&s->served[row - s->roster.row], &more);
		}
	}
	rows_free(&rows);
	return 0;
}

static const char *node_said(const struct services *s, const char *service, uint32_t addr_be)
{
	const struct service *said = s->plan ? plan_service(s->plan, service) : NULL;

	for (size_t i = 0; said && i < said->backend_count; i++)
		if (htonl(said->backends[i].address) == addr_be)
			return said->backends[i].node;
	return NULL;
}

struct name_text services_node(const struct services *s, const struct roster_row *service,
			       const struct roster_row *backend)
{
	struct sl_exact_key exact = { .vpc = service->service.vpc, .addr = backend->key.backend };
	struct name_text out = { "-" };
	struct sl_endpoint endpoint;
	const char *name;

	if (backend->flags & SL_BACKEND_REMOTE)
		return kept_node(s->plan, &s->k, backend->node);
	if (!bpf_map_lookup_elem(s->k.plan[SL_TABLE_sl_exact], &exact, &endpoint) &&
	    (endpoint.kind == SL_ENDPOINT_LOCAL || endpoint.kind == SL_ENDPOINT_HOST))
		return kept_node(s->plan, &s->k, SL_NODE_SELF);
	name = node_said(s, services_name(s, service).text, backend->key.backend);
	if (name)
		snprintf(out.text, sizeof(out.text), "%s", name);
	return out;
}

struct name_text services_name(const struct services *s, const struct roster_row *service)
{
	return name_of_service(s->k.table[SL_TABLE_sl_name], s->k.generation, service->service.rule);
}

uint64_t services_timed_out(const struct services *s, size_t row)
{
	const struct roster_row *at = &s->roster.row[row];

	return at->key.service.proto == IPPROTO_TCP ? served_timed_out(&s->served[row], at->waiting) : 0;
}

struct services_sum services_sum(const struct services *s, size_t row, size_t span)
{
	struct services_sum sum = { .backends = span - 1 };

	for (size_t i = row; i < row + span; i++) {
		add(&sum.served, &s->served[i]);
		sum.flows += s->roster.row[i].flows;
		sum.waiting += s->roster.row[i].waiting;
		sum.timed_out += services_timed_out(s, i);
	}
	return sum;
}

/* A name of a rule is cut at its length, and a service's with it. */
static bool wanted(const struct services *s, const struct roster_row *service)
{
	return !s->name ||
	       !strncmp(services_name(s, service).text, s->name, SL_NAME_LEN - 1 - strlen("service "));
}

/* Leaves only the services asked for. */
static int choose(struct services *s, struct trouble *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->roster.count;) {
		size_t span = roster_span(&s->roster, i);

		if (wanted(s, &s->roster.row[i])) {
			memmove(&s->roster.row[kept], &s->roster.row[i], span * sizeof(*s->roster.row));
			kept += span;
		}
		i += span;
	}
	s->roster.count = kept;
	if (s->name && !kept)
		return trouble(t, -1,
			       "there is no service \"%s\" on this node: \"sluice show services\" lists them",
			       s->name);
	s->served = calloc(kept + 1, sizeof(*s->served));
	return s->served ? 0 : trouble(t, -1, "out of memory for %zu services and backends", kept);
}

static int look(struct services *s, struct trouble *t)
{
	int error;

	if (!s->k.generation)
		return trouble(t, -1, "no plan is in: \"sluice up --plan FILE\" puts one in");
	error = roster_read(&s->roster, &s->k, t);
	if (!error)
		error = choose(s, t);
	if (!error)
		error = count_flows(s, t);
	/* Last: what was waiting above and is answered by now counts as answered, never as timed out. */
	if (!error)
		error = sum_served(s, t);
	if (!error)
		error = rows_read(&s->unserved, s->k.table[SL_TABLE_sl_unserved],
				  sizeof(struct sl_unserved_key), sizeof(struct sl_count), s->cpus, t);
	if (!error)
		error = rows_sort(&s->unserved, t);
	return error;
}

int cmd_show_services(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct services s = { 0 };
	struct trouble t = { "" };
	bool json = false;
	int option;
	int code;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return cli_usage("show", "services: unknown option %s", argv[optind - 1]);
		json = true;
	}
	if (optind + 1 < argc)
		return cli_usage("show", "services: unexpected \"%s\"", argv[optind + 1]);
	s.name = argv[optind];
	code = show_open(&s.k, &s.cpus);
	if (code)
		return code;
	s.plan = kept_plan();
	if (look(&s, &t))
		code = show_failed(&t);
	else
		code = json ? show_json(services_json(&s)) : services_print(&s);
	plan_free(s.plan);
	free(s.served);
	rows_free(&s.unserved);
	roster_free(&s.roster);
	kernel_close(&s.k);
	return code;
}
