/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show eips: outside addresses, what this node may hand out of them and what it has, who holds most, what failed.
 * Ports in use are counted from the mappings on the spot, so it is right without an agent as well.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "eips.h"
#include "kept.h"
#include "show.h"

#define TOP 5U

struct name_text eips_name(const struct eips *e, __be32 addr)
{
	struct sl_name_key key = { .kind = SL_NAME_EIP, .id = addr };
	struct name_text out = { "-" };
	struct sl_name row;

	if (bpf_map_lookup_elem(e->k.table[SL_TABLE_sl_name], &key, &row))
		return out;
	memcpy(out.text, row.name, sizeof(out.text));
	out.text[sizeof(out.text) - 1] = 0;
	return out;
}

/* The plan knows; without it the services' table would have to be walked for each address. */
static bool serves(const struct eips *e, __be32 addr)
{
	for (size_t i = 0; e->plan && i < e->plan->service_count; i++) {
		const struct service *service = &e->plan->services[i];
		const struct eip *eip = service->eip ? plan_eip(e->plan, service->eip) : NULL;

		if (htonl(eip ? eip->address : service->address) == addr)
			return true;
	}
	return false;
}

struct name_text eips_purpose(const struct eips *e, const struct supply_row *row)
{
	const struct {
		const char *name;
		bool is;
	} purposes[] = { { ",snat", row->eip.flags & SL_EIP_SNAT },
			 { ",fip", row->eip.flags & SL_EIP_FIP },
			 { ",service", serves(e, row->key.addr) },
			 { ",host", row->eip.flags & SL_EIP_HOST } };
	struct name_text out = { "" };
	size_t used = 0;

	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
		if (purposes[i].is)
			used += (size_t)snprintf(out.text + used, sizeof(out.text) - used, "%s",
						 purposes[i].name + !used);
	return used ? out : (struct name_text){ "-" };
}

struct name_text eips_owner(const struct eips *e, const struct supply_row *row)
{
	struct name_text out = { "-" };

	/* For a node's own address its stack speaks. */
	if (row->eip.flags & (SL_EIP_OWNED | SL_EIP_HOST))
		return kept_node(e->plan, &e->k, SL_NODE_SELF);
	for (size_t i = 0; e->plan && i < e->plan->eip_count; i++) {
		const struct eip *eip = &e->plan->eips[i];

		if (htonl(eip->address) == row->key.addr && eip->nodes.count)
			snprintf(out.text, sizeof(out.text), "%s", eip->nodes.item[0]);
	}
	return out;
}

struct name_text eips_workload(const struct eips *e, uint16_t vpc, __be32 addr)
{
	const char *name = kept_workload(
		e->plan, name_find(e->k.table[SL_TABLE_sl_name], SL_NAME_VPC, 0, vpc).text, addr);
	struct name_text out = { "-" };

	if (name)
		snprintf(out.text, sizeof(out.text), "%s", name);
	return out;
}

struct sl_holder eips_holder(const struct eips *e, const struct eips_user *user)
{
	struct sl_holder_key key = { .addr = user->addr, .vpc = user->vpc };
	struct sl_holder holder = { 0 };

	bpf_map_lookup_elem(e->k.table[SL_TABLE_sl_holder], &key, &holder);
	return holder;
}

double eips_percent(const struct supply_row *row, unsigned int holder, const struct eips_protocol *use)
{
	uint32_t ports = row->ports[holder];

	return ports ? 100.0 * ((double)use->bound + use->resting) / ports : 0.0;
}

uint16_t eips_next_node(const struct sl_eip *eip, unsigned int *from, unsigned int *blocks)
{
	for (; *from < SL_EIP_BLOCKS; (*from)++) {
		uint16_t node = eip->node[*from];
		bool told = !node;

		for (unsigned int i = 0; !told && i < *from; i++)
			told = eip->node[i] == node;
		if (told)
			continue;
		*blocks = 0;
		for (unsigned int i = *from; i < SL_EIP_BLOCKS; i++)
			*blocks += eip->node[i] == node;
		(*from)++;
		return node;
	}
	return 0;
}

/* --- gathering */

/* A bound port, small, since there may be a million. */
struct held {
	__be32 eip;
	__be32 addr;
	uint16_t vpc;
	uint16_t holder;
};

struct holding {
	struct eips *e;
	struct held *item;
	size_t count;
	size_t room;
	bool lost;
};

static void meet(void *closure, const void *key_, const void *row_)
{
	const struct sl_outside_key *key = key_;
	const struct sl_outside *row = row_;
	struct holding *h = closure;
	int holder = supply_holder(key->proto);
	const struct supply_row *at = supply_find(&h->e->supply, key->eip);
	struct eips_protocol *use;

	if (holder < 0 || h->lost)
		return;
	if (at) {
		use = &h->e->use[at - h->e->supply.row][holder];
		use->bound += row->state == SL_OUTSIDE_BOUND;
		use->resting += row->state == SL_OUTSIDE_RESTS;
	}
	if (row->state != SL_OUTSIDE_BOUND)
		return;
	if (h->count == h->room) {
		size_t room = h->room ? h->room * 2 : 1024;
		struct held *item = realloc(h->item, room * sizeof(*item));

		if (!item) {
			h->lost = true;
			return;
		}
		h->item = item;
		h->room = room;
	}
	h->item[h->count++] = (struct held){
		.eip = key->eip, .addr = row->inside.addr, .vpc = row->inside.vpc, .holder = (uint16_t)holder
	};
}

static int held_order(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct held, holder));
}

static uint64_t user_sum(const struct eips_user *user)
{
	uint64_t sum = 0;

	for (int i = 0; i < SL_HOLDERS; i++)
		sum += user->ports[i];
	return sum;
}

static int user_order(const void *a, const void *b)
{
	uint64_t one = user_sum(a), other = user_sum(b);

	return one != other ? (one < other ? 1 : -1) : memcmp(a, b, offsetof(struct eips_user, ports));
}

/* The ports, in order, become users. */
static int group(struct eips *e, struct holding *h, struct trouble *t)
{
	struct eips_user *user;

	if (h->count)
		qsort(h->item, h->count, sizeof(*h->item), held_order);
	for (size_t i = 0; i < h->count; i++)
		e->user_count += !i || held_order(&h->item[i], &h->item[i - 1]);
	e->user = calloc(e->user_count + 1, sizeof(*e->user));
	if (!e->user)
		return trouble(t, -1, "out of memory for %zu workloads", e->user_count);
	user = e->user - 1;
	for (size_t i = 0; i < h->count; i++) {
		const struct held *held = &h->item[i];

		if (!i || held_order(held, held - 1)) {
			user++;
			user->eip = held->eip;
			user->addr = held->addr;
			user->vpc = held->vpc;
		}
		user->ports[held->holder]++;
	}
	qsort(e->user, e->user_count, sizeof(*e->user), user_order);
	if (e->user_count > e->top)
		e->user_count = e->top;
	return 0;
}

static int count_use(struct eips *e, struct trouble *t)
{
	struct holding h = { .e = e };
	int error = rows_walk(e->k.table[SL_TABLE_sl_outside], sizeof(struct sl_outside_key),
			      sizeof(struct sl_outside), meet, &h, t);

	if (!error)
		error = h.lost ? trouble(t, -1, "out of memory for %zu mappings", h.count) : group(e, &h, t);
	free(h.item);
	return error;
}

static int sum_counts(struct eips *e, struct trouble *t)
{
	struct rows rows;
	int error = rows_read(&rows, e->k.table[SL_TABLE_sl_eip_count], sizeof(struct sl_eip_count_key),
			      sizeof(struct sl_eip_count), e->cpus, t);

	if (error)
		return error;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_eip_count_key *key = rows_key(&rows, i);
		const struct supply_row *at = supply_find(&e->supply, key->eip);
		struct sl_eip_count more = supply_count(&rows, i), *sum;
		int holder = supply_holder(key->proto);

		if (!at)
			continue;
		sum = holder < 0 ? &e->other[at - e->supply.row] : &e->use[at - e->supply.row][holder].count;
		sum->bound += more.bound;
		sum->kept += more.kept;
		sum->no_port += more.no_port;
		sum->limit += more.limit;
		sum->filtered += more.filtered;
		sum->forwarded += more.forwarded;
	}
	rows_free(&rows);
	return 0;
}

static int look(struct eips *e, struct trouble *t)
{
	int error;

	if (!e->k.generation)
		return trouble(t, -1, "no plan is in: \"sluice up --plan FILE\" puts one in");
	error = supply_read(&e->supply, &e->k, t);
	if (error)
		return error;
	e->use = calloc(e->supply.count + 1, sizeof(*e->use));
	e->other = calloc(e->supply.count + 1, sizeof(*e->other));
	if (!e->use || !e->other)
		return trouble(t, -1, "out of memory for %zu EIPs", e->supply.count);
	error = count_use(e, t);
	return error ? error : sum_counts(e, t);
}

static bool read_top(const char *text, size_t *top)
{
	char *end;
	long value = strtol(text, &end, 10);

	*top = (size_t)value;
	return *text && !*end && value >= 0 && value <= 1L << 30;
}

int cmd_show_eips(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
						 { "top", required_argument, NULL, 't' },
						 { 0 } };
	struct eips e = { .top = TOP };
	struct trouble t = { "" };
	bool json = false;
	int option;
	int code;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j' && option != 't')
			return cli_usage("show", "eips: unknown option %s", argv[optind - 1]);
		if (option == 't' && !read_top(optarg, &e.top))
			return cli_usage("show", "eips: --top %s: expected a number", optarg);
		json |= option == 'j';
	}
	if (optind < argc)
		return cli_usage("show", "eips: unexpected \"%s\"", argv[optind]);
	code = show_open(&e.k, &e.cpus);
	if (code)
		return code;
	e.plan = kept_plan();
	if (look(&e, &t))
		code = show_failed(&t);
	else
		code = json ? show_json(eips_json(&e)) : eips_print(&e);
	plan_free(e.plan);
	free(e.use);
	free(e.other);
	free(e.user);
	supply_free(&e.supply);
	kernel_close(&e.k);
	return code;
}
