/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show flows: connections, both directions in one line, from the side that opened them.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../agent/expiry.h"
#include "../kernel/names.h"
#include "../kernel/rows.h"
#include "cli.h"
#include "show.h"
#include "table.h"

#define LIMIT 200U

struct filter {
	const char *network; /* NULL: every one */
	bool has_address;
	uint32_t address_be;
	long port; /* -1: every one */
	long proto; /* -1: every one */
	int state; /* -1: every one */
	long limit; /* 0: no limit; -1: not said */
	bool json;
};

struct line {
	const struct sl_flow_key *key; /* of the direction that opened */
	struct sl_flow forward;
	struct sl_flow back; /* zero counters if its entry is gone */
	bool established; /* which table */
	bool translated; /* the key's destination is a VIP, and behind it stands: */
	uint32_t backend_be;
	uint16_t backend_port_be;
};

struct view {
	struct kernel k;
	struct filter filter;
	uint32_t now; /* tick */
	unsigned long long matched;
	unsigned long long printed;
	struct table table;
	bool failed;
};

static const char *const states[] = { [SL_FLOW_OPENING] = "opening",
				      [SL_FLOW_ESTABLISHED] = "established",
				      [SL_FLOW_CLOSING] = "closing",
				      [SL_FLOW_CLOSED] = "closed" };
#define STATES (sizeof(states) / sizeof(states[0]))

static struct name_text end_text(uint32_t addr_be, uint16_t port_be, uint8_t proto)
{
	struct name_text out = { "" };
	size_t used;

	inet_ntop(AF_INET, &addr_be, out.text, sizeof(out.text));
	used = strlen(out.text);
	if (proto != IPPROTO_ICMP && port_be)
		snprintf(out.text + used, sizeof(out.text) - used, ":%u", ntohs(port_be));
	return out;
}

static bool wanted(const struct view *v, const struct line *line)
{
	const struct filter *f = &v->filter;
	int names = v->k.table[SL_TABLE_sl_name];

	if (f->has_address && line->key->saddr != f->address_be && line->key->daddr != f->address_be &&
	    !(line->translated && line->backend_be == f->address_be))
		return false;
	if (f->port >= 0 && ntohs(line->key->sport) != f->port && ntohs(line->key->dport) != f->port &&
	    !(line->translated && ntohs(line->backend_port_be) == f->port))
		return false;
	if (f->proto >= 0 && line->key->proto != f->proto)
		return false;
	if (f->state >= 0 && line->forward.state != f->state)
		return false;
	return !f->network ||
	       !strcmp(name_of_network(names, line->forward.verdict.src_network).text, f->network) ||
	       !strcmp(name_of_network(names, line->forward.verdict.dst_network).text, f->network);
}

static uint64_t age_ms(const struct view *v, uint32_t tick)
{
	return ((uint64_t)expiry_idle(v->now, tick) << SL_TICK_SHIFT) / 1000000;
}

static uint64_t idle_ms(const struct view *v, const struct line *line)
{
	uint64_t forward = age_ms(v, line->forward.seen);
	uint64_t back = line->back.packets ? age_ms(v, line->back.seen) : forward;

	return forward < back ? forward : back;
}

static const char *state_name(const struct sl_flow *flow)
{
	return flow->state < STATES ? states[flow->state] : "unknown";
}

/* One object a line, so that a million of them need not stand in memory. */
static void print_json(struct view *v, const struct line *line)
{
	int names = v->k.table[SL_TABLE_sl_name];
	const struct sl_verdict *verdict = &line->forward.verdict;
	char source[INET_ADDRSTRLEN], target[INET_ADDRSTRLEN], backend[INET_ADDRSTRLEN];
	json_t *object;

	inet_ntop(AF_INET, &line->key->saddr, source, sizeof(source));
	inet_ntop(AF_INET, &line->key->daddr, target, sizeof(target));
	inet_ntop(AF_INET, &line->backend_be, backend, sizeof(backend));
	object = json_pack(
		"{s:s, s:i, s:s, s:i, s:s, s:i, s:s*, s:o*, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, "
		"s:I, "
		"s:I, s:I, s:s, s:i, s:I, s:s*}",
		"vpc", name_find(names, SL_NAME_VPC, 0, line->key->vpc).text, "proto", line->key->proto,
		"source", source, "source_port", ntohs(line->key->sport), "destination", target,
		"destination_port", ntohs(line->key->dport), "backend", line->translated ? backend : NULL,
		"backend_port", line->translated ? json_integer(ntohs(line->backend_port_be)) : NULL,
		"action", action_name(verdict->action), "src_network",
		name_of_network(names, verdict->src_network).text, "dst_network",
		name_of_network(names, verdict->dst_network).text, "state", state_name(&line->forward),
		"table", line->established ? "sl_flow" : "sl_unanswered", "passes",
		verdict->action != SL_ACTION_DROP, "age_ms", (json_int_t)age_ms(v, line->forward.created),
		"idle_ms", (json_int_t)idle_ms(v, line), "packets", (json_int_t)line->forward.packets,
		"bytes", (json_int_t)line->forward.bytes, "reply_packets", (json_int_t)line->back.packets,
		"reply_bytes", (json_int_t)line->back.bytes, "rule",
		name_of_rule(names, line->forward.generation, verdict->rule).text, "rule_number",
		(int)verdict->rule, "generation", (json_int_t)line->forward.generation, "reason",
		verdict->reason ? reason_name(verdict->reason) : NULL);
	if (printf("%s", v->printed ? ",\n" : "") < 0 || !object || json_dumpf(object, stdout, JSON_COMPACT))
		v->failed = true;
	json_decref(object);
}

static void print_cells(struct view *v, const struct line *line)
{
	const struct sl_flow_key *key = line->key;
	const struct sl_verdict *verdict = &line->forward.verdict;
	struct table *table = &v->table;
	int names = v->k.table[SL_TABLE_sl_name];

	table_cell(table, "%s", proto_name(key->proto).text);
	table_cell(table, "%s", end_text(key->saddr, key->sport, key->proto).text);
	table_cell(table, "%s", end_text(key->daddr, key->dport, key->proto).text);
	if (line->translated)
		table_cell(table, "%s", end_text(line->backend_be, line->backend_port_be, key->proto).text);
	else
		table_cell(table, "-");
	table_cell(table, "%s", name_of_network(names, verdict->src_network).text);
	table_cell(table, "%s", name_of_network(names, verdict->dst_network).text);
	table_cell(table, "%s%s", state_name(&line->forward), line->established ? "" : " (unanswered)");
	table_cell(table, "%s", span_text(age_ms(v, line->forward.created)).text);
	table_cell(table, "%s", span_text(idle_ms(v, line)).text);
	table_cell(table, "%llu", (unsigned long long)line->forward.packets);
	table_cell(table, "%llu", (unsigned long long)line->forward.bytes);
	table_cell(table, "%llu", (unsigned long long)line->back.packets);
	table_cell(table, "%llu", (unsigned long long)line->back.bytes);
	table_cell(table, "%s", action_name(verdict->action));
	table_cell(table, "%s", name_of_rule(names, line->forward.generation, verdict->rule).text);
}

static void print_line(struct view *v, const struct line *line)
{
	if (!wanted(v, line))
		return;
	v->matched++;
	if (v->filter.limit > 0 && v->printed >= (unsigned long long)v->filter.limit)
		return;
	if (v->filter.json)
		print_json(v, line);
	else
		print_cells(v, line);
	v->printed++;
}

/* A reply stands in the line of the direction that opened; alone only if that entry is gone. */
static void print_row(struct view *v, int fd, bool established, const struct sl_flow_key *key,
		      const struct sl_flow *flow)
{
	struct line line = { .key = key, .forward = *flow, .established = established };
	struct sl_flow other;
	/* Two flows may meet in one half, when both address the same backend; it belongs to one of them. */
	bool paired =
		!bpf_map_lookup_elem(fd, &flow->peer, &other) && !memcmp(&other.peer, key, sizeof(*key));

	if (flow->flags & SL_FLOW_REPLY) {
		if (paired)
			return;
		line.key = &flow->peer;
		line.back = *flow;
		line.forward.packets = line.forward.bytes = 0;
		line.translated = flow->verdict.flags & SL_VERDICT_ANSWER;
		/* What comes out of the tunnel is translated already. */
		line.backend_be = flow->verdict.flags & SL_VERDICT_SRC ? key->saddr : flow->verdict.daddr;
		line.backend_port_be = flow->verdict.flags & SL_VERDICT_SRC ? key->sport : 0;
	} else {
		line.back = paired ? other : line.back;
		line.translated = flow->verdict.flags & SL_VERDICT_SERVICE;
		line.backend_be = flow->verdict.daddr;
		line.backend_port_be = flow->verdict.dport;
	}
	print_line(v, &line);
}

static int print_table_of(struct view *v, enum sl_table_id id, struct trouble *t)
{
	struct rows rows;
	int error =
		rows_read(&rows, v->k.table[id], sizeof(struct sl_flow_key), sizeof(struct sl_flow), 1, t);

	for (size_t i = 0; !error && i < rows.count; i++)
		print_row(v, v->k.table[id], id == SL_TABLE_sl_flow, rows_key(&rows, i),
			  rows_value(&rows, i));
	if (!error)
		rows_free(&rows);
	return error;
}

static int show_flows(struct view *v)
{
	static const char *const heads[] = { "PROTO",  "SOURCE",   "DESTINATION", "BACKEND", "FROM",
					     "TO",     "STATE",	   ">AGE",	  ">IDLE",   ">PACKETS",
					     ">BYTES", ">REPLIES", ">BYTES",	  "ACTION",  "RULE" };
	struct trouble t;

	v->now = kernel_tick();
	table_head(&v->table, heads, sizeof(heads) / sizeof(heads[0]));
	if (v->filter.limit < 0)
		v->filter.limit = v->filter.json ? 0 : (long)LIMIT;
	if (v->filter.json)
		printf("[");
	if (print_table_of(v, SL_TABLE_sl_flow, &t) || print_table_of(v, SL_TABLE_sl_unanswered, &t)) {
		table_free(&v->table);
		return show_failed(&t);
	}
	if (v->filter.json) {
		v->failed |= printf("]\n") < 0 || fflush(stdout);
		if (v->failed)
			fprintf(stderr, "sluice: cannot write the output: memory or the output failed\n");
	} else {
		v->failed = !table_print(&v->table);
		if (v->matched > v->printed)
			printf("%llu more; --limit 0 shows all\n", v->matched - v->printed);
	}
	table_free(&v->table);
	return v->failed ? EXIT_REFUSED : EXIT_DONE;
}

static bool number(const char *text, long most, long *value)
{
	char *end;

	*value = strtol(text, &end, 10);
	return *text && !*end && *value >= 0 && *value <= most;
}

static bool read_proto(const char *text, long *proto)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP };

	for (size_t i = 0; i < sizeof(protos); i++)
		if (!strcmp(text, proto_name(protos[i]).text)) {
			*proto = protos[i];
			return true;
		}
	return number(text, 255, proto);
}

static bool read_state(const char *text, int *state)
{
	for (size_t i = 0; i < STATES; i++)
		if (!strcmp(text, states[i])) {
			*state = (int)i;
			return true;
		}
	return false;
}

static bool read_option(struct filter *f, int option, const char *value)
{
	switch (option) {
	case 'n':
		f->network = value;
		return true;
	case 'a':
		f->has_address = true;
		return inet_pton(AF_INET, value, &f->address_be) == 1;
	case 'p':
		return number(value, 65535, &f->port);
	case 'P':
		return read_proto(value, &f->proto);
	case 's':
		return read_state(value, &f->state);
	case 'l':
		return number(value, 1L << 30, &f->limit);
	default:
		f->json = true;
		return true;
	}
}

int cmd_show_flows(int argc, char **argv)
{
	static const struct option options[] = {
		{ "network", required_argument, NULL, 'n' }, { "address", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },    { "proto", required_argument, NULL, 'P' },
		{ "state", required_argument, NULL, 's' },   { "limit", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },	     { 0 },
	};
	struct view v = { .filter = { .port = -1, .proto = -1, .state = -1, .limit = -1 } };
	uint32_t cpus;
	int option;
	int code;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return cli_usage("show", "flows: %s: unknown option, or its value is missing",
					 argv[optind - 1]);
		if (!read_option(&v.filter, option, optarg))
			return cli_usage("show", "flows: \"%s\" is not what this option expects", optarg);
	}
	if (optind < argc)
		return cli_usage("show", "flows: unexpected \"%s\"", argv[optind]);
	code = show_open(&v.k, &cpus);
	if (code)
		return code;
	code = show_flows(&v);
	kernel_close(&v.k);
	return code;
}
