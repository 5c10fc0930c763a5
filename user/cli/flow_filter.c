/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of the flows is asked for. An address or a port is found wherever the flow has it: at its ends, as what a source
 * is seen outside, or behind a VIP or an EIP.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kernel/rows.h"
#include "cli.h"
#include "flows.h"

static const char *const states[] = { [SL_FLOW_OPENING] = "opening",
				      [SL_FLOW_ESTABLISHED] = "established",
				      [SL_FLOW_CLOSING] = "closing",
				      [SL_FLOW_CLOSED] = "closed" };
#define STATES (sizeof(states) / sizeof(states[0]))

const char *flow_state_name(const struct sl_flow *flow)
{
	return flow->state < STATES ? states[flow->state] : "unknown";
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

static bool read_option(struct flow_filter *f, int option, const char *value)
{
	switch (option) {
	case 'n':
		f->network = value;
		return true;
	case 'v':
		f->vpc = value;
		return true;
	case 'e':
		f->eip = value;
		return true;
	case 'S':
		f->service = value;
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

int flow_filter_read(struct flow_filter *f, int argc, char **argv)
{
	static const struct option options[] = {
		{ "network", required_argument, NULL, 'n' },
		{ "address", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "proto", required_argument, NULL, 'P' },
		{ "state", required_argument, NULL, 's' },
		{ "limit", required_argument, NULL, 'l' },
		{ "vpc", required_argument, NULL, 'v' },
		{ "eip", required_argument, NULL, 'e' },
		{ "service", required_argument, NULL, 'S' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return cli_usage("show", "flows: %s: unknown option, or its value is missing",
					 argv[optind - 1]);
		if (!read_option(f, option, optarg))
			return cli_usage("show", "flows: \"%s\" is not what this option expects", optarg);
	}
	if (optind < argc)
		return cli_usage("show", "flows: unexpected \"%s\"", argv[optind]);
	return EXIT_DONE;
}

/* --- names */

struct search {
	const char *name;
	uint32_t id;
	bool found;
};

static void meet_name(void *closure, const void *key_, const void *row_)
{
	const struct sl_name_key *key = key_;
	const struct sl_name *row = row_;
	struct search *search = closure;

	if (key->kind != SL_NAME_EIP || strncmp(row->name, search->name, sizeof(row->name)))
		return;
	search->id = key->id;
	search->found = true;
}

bool flow_filter_find(struct flow_filter *f, const struct kernel *k)
{
	struct search search = { .name = f->eip };
	struct trouble unused;

	if (!f->eip || inet_pton(AF_INET, f->eip, &f->eip_be) == 1)
		return true;
	rows_walk(k->table[SL_TABLE_sl_name], sizeof(struct sl_name_key), sizeof(struct sl_name), meet_name,
		  &search, &unused);
	f->eip_be = search.id;
	return search.found;
}

/* --- what a flow has */

static bool has_address(const struct flow_line *line, uint32_t addr_be)
{
	return line->key->saddr == addr_be || line->key->daddr == addr_be ||
	       (line->as.there && line->as.addr_be == addr_be) ||
	       (line->behind.there && line->behind.addr_be == addr_be);
}

static bool has_port(const struct flow_line *line, long port)
{
	return ntohs(line->key->sport) == port || ntohs(line->key->dport) == port ||
	       (line->as.there && ntohs(line->as.port_be) == port) ||
	       (line->behind.there && ntohs(line->behind.port_be) == port);
}

/* What a node's own clients call the VIP is the VIP. */
static uint32_t vip_of(const struct kernel *k, uint32_t addr_be)
{
	struct sl_vip_key key = { .addr = addr_be };
	struct sl_vip vip;

	if (bpf_map_lookup_elem(k->plan[SL_TABLE_sl_vip], &key, &vip) || !(vip.flags & SL_VIP_ALIAS))
		return addr_be;
	return vip.other;
}

static bool has_service(const struct flow_line *line, const struct kernel *k, const char *service)
{
	uint32_t vip_be = vip_of(k, line->key->daddr);
	char vip[INET_ADDRSTRLEN], with_port[INET_ADDRSTRLEN + 8];

	if (!line->service)
		return false;
	inet_ntop(AF_INET, &vip_be, vip, sizeof(vip));
	snprintf(with_port, sizeof(with_port), "%s:%u", vip, ntohs(line->key->dport));
	return !strcmp(service, vip) || !strcmp(service, with_port) ||
	       !strcmp(service, name_of_service(k->table[SL_TABLE_sl_name], line->forward.generation,
						line->forward.verdict.rule)
					.text);
}

static bool has_vpc(const struct flow_line *line, int names, const char *vpc)
{
	return !strcmp(name_find(names, SL_NAME_VPC, 0, line->key->vpc).text, vpc) ||
	       !strcmp(name_find(names, SL_NAME_VPC, 0, line->far_vpc).text, vpc);
}

static bool has_network(const struct flow_line *line, int names, const char *network)
{
	const struct sl_verdict *verdict = &line->forward.verdict;

	return !strcmp(name_of_network(names, verdict->src_network).text, network) ||
	       !strcmp(name_of_network(names, verdict->dst_network).text, network);
}

bool flow_wanted(const struct flow_filter *f, const struct kernel *k, const struct flow_line *line)
{
	int names = k->table[SL_TABLE_sl_name];

	/* What takes a look at another table comes last. */
	return !(f->has_address && !has_address(line, f->address_be)) &&
	       !(f->port >= 0 && !has_port(line, f->port)) &&
	       !(f->proto >= 0 && line->key->proto != f->proto) &&
	       !(f->state >= 0 && line->forward.state != f->state) &&
	       !(f->eip && !has_address(line, f->eip_be)) && !(f->vpc && !has_vpc(line, names, f->vpc)) &&
	       !(f->network && !has_network(line, names, f->network)) &&
	       !(f->service && !has_service(line, k, f->service));
}
