/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show flows: connections, both directions in one line, from the side that opened them.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "../agent/expiry.h"
#include "../kernel/names.h"
#include "../kernel/rows.h"
#include "cli.h"
#include "flows.h"
#include "show.h"
#include "table.h"

#define LIMIT 200U

struct view {
	struct kernel k;
	struct flow_filter filter;
	uint32_t now; /* tick */
	unsigned long long matched;
	unsigned long long printed;
	struct table table;
	bool failed;
};

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

static uint64_t age_ms(const struct view *v, uint32_t tick)
{
	return ((uint64_t)expiry_idle(v->now, tick) << SL_TICK_SHIFT) / 1000000;
}

static uint64_t idle_ms(const struct view *v, const struct flow_line *line)
{
	uint64_t forward = age_ms(v, line->forward.seen);
	uint64_t back = line->back.packets ? age_ms(v, line->back.seen) : forward;

	return forward < back ? forward : back;
}

static void add_end(json_t *object, const char *name, const char *port_name, const struct flow_end *end)
{
	char address[INET_ADDRSTRLEN];

	if (!end->there)
		return;
	inet_ntop(AF_INET, &end->addr_be, address, sizeof(address));
	json_object_set_new(object, name, json_string(address));
	json_object_set_new(object, port_name, json_integer(ntohs(end->port_be)));
}

static json_t *line_json(const struct view *v, const struct flow_line *line)
{
	int names = v->k.table[SL_TABLE_sl_name];
	const struct sl_verdict *verdict = &line->forward.verdict;
	char source[INET_ADDRSTRLEN], target[INET_ADDRSTRLEN];
	json_t *object;

	inet_ntop(AF_INET, &line->key->saddr, source, sizeof(source));
	inet_ntop(AF_INET, &line->key->daddr, target, sizeof(target));
	object = json_pack(
		"{s:s, s:s, s:i, s:s, s:i, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, "
		"s:I, s:I, s:s, s:i, s:I, s:s*}",
		"vpc", name_find(names, SL_NAME_VPC, 0, line->key->vpc).text, "far_vpc",
		name_find(names, SL_NAME_VPC, 0, line->far_vpc).text, "proto", line->key->proto, "source",
		source, "source_port", ntohs(line->key->sport), "destination", target, "destination_port",
		ntohs(line->key->dport), "action", action_name(verdict->action), "src_network",
		name_of_network(names, verdict->src_network).text, "dst_network",
		name_of_network(names, verdict->dst_network).text, "state", flow_state_name(&line->forward),
		"table", line->established ? "sl_flow" : "sl_unanswered", "passes",
		verdict->action != SL_ACTION_DROP, "age_ms", (json_int_t)age_ms(v, line->forward.created),
		"idle_ms", (json_int_t)idle_ms(v, line), "packets", (json_int_t)line->forward.packets,
		"bytes", (json_int_t)line->forward.bytes, "reply_packets", (json_int_t)line->back.packets,
		"reply_bytes", (json_int_t)line->back.bytes, "rule",
		name_of_rule(names, line->forward.generation, verdict->rule).text, "rule_number",
		(int)verdict->rule, "generation", (json_int_t)line->forward.generation, "reason",
		verdict->reason ? reason_name(verdict->reason) : NULL);
	add_end(object, "as", "as_port", &line->as);
	if (line->service)
		add_end(object, "backend", "backend_port", &line->behind);
	else
		add_end(object, "inside", "inside_port", &line->behind);
	return object;
}

/* One object a line, so that a million of them need not stand in memory. */
static void print_json(struct view *v, const struct flow_line *line)
{
	json_t *object = line_json(v, line);

	if (printf("%s", v->printed ? ",\n" : "") < 0 || !object || json_dumpf(object, stdout, JSON_COMPACT))
		v->failed = true;
	json_decref(object);
}

static void end_cell(struct table *table, const struct flow_end *end, uint8_t proto)
{
	if (end->there)
		table_cell(table, "%s", end_text(end->addr_be, end->port_be, proto).text);
	else
		table_cell(table, "-");
}

static void print_cells(struct view *v, const struct flow_line *line)
{
	const struct sl_flow_key *key = line->key;
	const struct sl_verdict *verdict = &line->forward.verdict;
	struct table *table = &v->table;
	int names = v->k.table[SL_TABLE_sl_name];

	table_cell(table, "%s", proto_name(key->proto).text);
	table_cell(table, "%s", end_text(key->saddr, key->sport, key->proto).text);
	end_cell(table, &line->as, key->proto);
	table_cell(table, "%s", end_text(key->daddr, key->dport, key->proto).text);
	end_cell(table, &line->behind, key->proto);
	table_cell(table, "%s", name_of_network(names, verdict->src_network).text);
	table_cell(table, "%s", name_of_network(names, verdict->dst_network).text);
	table_cell(table, "%s%s", flow_state_name(&line->forward), line->established ? "" : " (unanswered)");
	table_cell(table, "%s", span_text(age_ms(v, line->forward.created)).text);
	table_cell(table, "%s", span_text(idle_ms(v, line)).text);
	table_cell(table, "%llu", (unsigned long long)line->forward.packets);
	table_cell(table, "%llu", (unsigned long long)line->forward.bytes);
	table_cell(table, "%llu", (unsigned long long)line->back.packets);
	table_cell(table, "%llu", (unsigned long long)line->back.bytes);
	table_cell(table, "%s", action_name(verdict->action));
	table_cell(table, "%s", name_of_rule(names, line->forward.generation, verdict->rule).text);
}

static void print_line(struct view *v, const struct flow_line *line)
{
	if (!flow_wanted(&v->filter, &v->k, line))
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

static struct flow_end flow_end(bool there, uint32_t addr_be, uint16_t port_be)
{
	return (struct flow_end){ .there = there, .addr_be = addr_be, .port_be = port_be };
}

/* What is translated, from the direction that opened. */
static void read_forward(struct flow_line *line, const struct sl_verdict *verdict)
{
	line->service = verdict->flags & SL_VERDICT_SERVICE;
	line->as = flow_end(verdict->flags & SL_VERDICT_SRC, verdict->saddr, verdict->sport);
	/* Through the tunnel to a backend goes the packet as it is. */
	line->behind =
		flow_end(line->service || verdict->flags & SL_VERDICT_DST, verdict->daddr, verdict->dport);
}

/* The same from the other direction alone: it says where its packets came from by then. */
static void read_backward(struct flow_line *line, const struct sl_flow_key *key,
			  const struct sl_verdict *verdict)
{
	line->service = verdict->flags & SL_VERDICT_ANSWER;
	line->as = flow_end(verdict->flags & SL_VERDICT_DST, key->daddr, key->dport);
	if (verdict->flags & SL_VERDICT_SRC)
		line->behind = flow_end(true, key->saddr, key->sport);
	else if (line->service) /* what comes out of the tunnel is translated already */
		line->behind = flow_end(true, verdict->daddr, 0);
}

/* A reply stands in the line of the direction that opened; alone only if that entry is gone. */
static void print_row(struct view *v, int fd, bool established, const struct sl_flow_key *key,
		      const struct sl_flow *flow)
{
	struct flow_line line = { .key = key, .forward = *flow, .established = established };
	struct sl_flow other;
	/* Two flows may meet in one half, when both address the same backend; it belongs to one of them. */
	bool paired =
		!bpf_map_lookup_elem(fd, &flow->peer, &other) && !memcmp(&other.peer, key, sizeof(*key));

	if (flow->flags & SL_FLOW_REPLY) {
		if (paired)
			return;
		line.key = &flow->peer;
		line.far_vpc = key->vpc;
		line.back = *flow;
		line.forward.packets = line.forward.bytes = 0;
		read_backward(&line, key, &flow->verdict);
	} else {
		line.back = paired ? other : line.back;
		line.far_vpc = flow->peer.vpc;
		read_forward(&line, &flow->verdict);
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
	static const char *const heads[] = { "PROTO",	 "SOURCE", "AS",       "DESTINATION",
					     "BEHIND",	 "FROM",   "TO",       "STATE",
					     ">AGE",	 ">IDLE",  ">PACKETS", ">BYTES",
					     ">REPLIES", ">BYTES", "ACTION",   "RULE" };
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

int cmd_show_flows(int argc, char **argv)
{
	struct view v = { .filter = FLOW_FILTER_NONE };
	int code = flow_filter_read(&v.filter, argc, argv);
	uint32_t cpus;

	if (code)
		return code;
	code = show_open(&v.k, &cpus);
	if (code)
		return code;
	if (flow_filter_find(&v.filter, &v.k)) {
		code = show_flows(&v);
	} else {
		fprintf(stderr, "sluice: there is no EIP \"%s\" here: \"sluice show eips\" lists them\n",
			v.filter.eip);
		code = EXIT_REFUSED;
	}
	kernel_close(&v.k);
	return code;
}
