/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shares EIPs, see share.h: a node needs one when the plan names it, when a workload that leaves by it is there,
 * or when it is where workloads that nobody listed leave.
 */
#include <stdlib.h>
#include <string.h>
#include "block.h"
#include "share.h"

/* A node sends by an EIP. */
struct need {
	uint32_t eip; /* index */
	uint32_t node; /* place in c->nodes */
};

struct sharing {
	struct compile *c;
	struct eips *eips;
	const struct sources *sources;
	struct list *uses; /* struct use, by EIP */
	struct list needs; /* struct need, by EIP and node */
	struct intern need_keys;
	struct intern done; /* (list, node): the list's EIPs are needed there */
	struct intern served; /* (list, network): workloads of it are known */
};

static int by_use(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->eip != y->eip)
		return x->eip < y->eip ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

/* --- who needs them */

static bool need(struct sharing *s, uint32_t eip, uint32_t node)
{
	struct need key = { .eip = eip, .node = node }, *need;
	size_t before = s->need_keys.count;

	if (!intern(&s->need_keys, &key, sizeof(key)))
		return false;
	if (s->need_keys.count == before)
		return true;
	need = list_add(&s->needs, 1);
	if (need)
		*need = key;
	return need;
}

/* The node sends by what the list leads to. */
static bool need_list(struct sharing *s, const struct source *source, uint32_t node)
{
	const struct compile *c = s->c;
	const struct outlet *outlet = source_outlet(s->sources, source);
	uint32_t key[2] = { source->list, node };
	size_t before = s->done.count;

	if (!intern(&s->done, key, sizeof(key)))
		return false;
	for (size_t i = 0; s->done.count > before && i < outlet->count; i++) {
		const struct strings *eips = &c->plan->snat[outlet->rule[i]].eips;

		for (size_t k = 0; k < eips->count; k++) {
			size_t eip = (size_t)(plan_eip(c->plan, eips->item[k]) - c->plan->eips);

			if (s->eips->fact[eip].snat && !need(s, (uint32_t)eip, node))
				return false;
		}
	}
	return true;
}

/* The nodes that the plan names, and those where workloads are. */
static bool need_known(struct sharing *s)
{
	const struct compile *c = s->c;
	const struct plan *plan = c->plan;

	for (uint32_t i = 0; i < plan->eip_count; i++) {
		for (size_t k = 0; s->eips->fact[i].snat && k < plan->eips[i].nodes.count; k++) {
			uint32_t node = intern_find_name(&c->node_names, plan->eips[i].nodes.item[k]);

			if (node && c->nodes[node - 1].cluster == c->cluster_index && !need(s, i, node - 1))
				return false;
		}
	}
	for (size_t i = 0; i < plan->workload_count; i++) {
		uint32_t network = c->workload_network[i], node = c->workload_node[i];
		const struct source *source;
		uint32_t key[2];

		if (!node || c->nodes[node - 1].cluster != c->cluster_index)
			continue;
		source = source_of(s->sources, c->network_vpc[network], plan->workloads[i].address);
		if (!source || !source->list || source->fip)
			continue;
		key[0] = source->list;
		key[1] = network;
		if (!intern(&s->served, key, sizeof(key)) || !need_list(s, source, node - 1))
			return false;
	}
	return true;
}

static bool overlap(const struct site *site, struct prefix prefix)
{
	for (size_t i = 0; i < site->cidrs.count; i++) {
		if (prefix_covers(site->cidrs.item[i], prefix) || prefix_covers(prefix, site->cidrs.item[i]))
			return true;
	}
	return false;
}

/* Nobody knows on which node the network's workloads are: on the gateways, or on any if there is none. */
static bool need_anywhere(struct sharing *s, const struct source *source)
{
	const struct compile *c = s->c;
	bool gateways = false;

	for (size_t i = 0; i < c->cluster->node_count && !gateways; i++)
		gateways = c->cluster->nodes[i].gateway;
	for (uint32_t i = 0; i < c->node_count; i++) {
		if (c->nodes[i].cluster != c->cluster_index || (gateways && !c->nodes[i].node->gateway))
			continue;
		if (!need_list(s, source, i))
			return false;
	}
	return true;
}

/* Networks of this site by VPC, so that none is compared with sources of another. */
struct in_vpc {
	uint32_t vpc;
	uint32_t network;
};

static int by_vpc(const void *a, const void *b)
{
	const struct in_vpc *x = a, *y = b;

	if (x->vpc != y->vpc)
		return x->vpc < y->vpc ? -1 : 1;
	return (x->network > y->network) - (x->network < y->network);
}

static bool need_unknown(struct sharing *s)
{
	const struct compile *c = s->c;
	const struct source *source = s->sources->list.item;
	struct list networks = { .size = sizeof(struct in_vpc) };
	const struct in_vpc *in;
	size_t first = 0;
	bool done = false;

	for (uint32_t i = 0; i < c->plan->network_count; i++) {
		struct in_vpc *at;

		if (c->plan->networks[i].external || !site_here(c, i))
			continue;
		at = list_add(&networks, 1);
		if (!at)
			goto out;
		*at = (struct in_vpc){ .vpc = c->network_vpc[i], .network = i };
	}
	if (networks.count)
		qsort(networks.item, networks.count, sizeof(struct in_vpc), by_vpc);
	in = networks.item;
	/* Both are in the order of VPCs. */
	for (size_t i = 0; i < s->sources->list.count; i++) {
		if (!source[i].list || source[i].fip)
			continue;
		while (first < networks.count && in[first].vpc < source[i].vpc)
			first++;
		for (size_t k = first; k < networks.count && in[k].vpc == source[i].vpc; k++) {
			uint32_t key[2] = { source[i].list, in[k].network };

			if (intern_find(&s->served, key, sizeof(key)) ||
			    !overlap(site_here(c, in[k].network), source[i].prefix))
				continue;
			if (!need_anywhere(s, &source[i]))
				goto out;
			break;
		}
	}
	done = true;
out:
	list_free(&networks);
	return done;
}

static int by_need(const void *a, const void *b)
{
	const struct need *x = a, *y = b;

	if (x->eip != y->eip)
		return x->eip < y->eip ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

/* --- blocks */

bool block_in_range(const struct snat *snat, uint32_t block)
{
	return block >= snat->ports.first >> SL_BLOCK_SHIFT && block <= snat->ports.last >> SL_BLOCK_SHIFT;
}

/* Blocks that the same rules use, as one number. */
static uint64_t users_of(const struct sharing *s, const struct use *use, size_t uses, uint32_t block)
{
	uint64_t users = 0;

	for (size_t i = 0; i < uses; i++) {
		if (block_in_range(&s->c->plan->snat[use[i].rule], block))
			users = (users + use[i].rule + 1) * 0x9e3779b97f4a7c15ULL;
	}
	return users;
}

static bool too_many(struct sharing *s, const struct need *need, size_t needs, const struct use *use,
		     size_t blocks)
{
	const struct eip *eip = &s->c->plan->eips[need->eip];
	const struct snat *snat = &s->c->plan->snat[use->rule];

	report_error(
		s->c->r, &eip->place,
		"%zu nodes share EIP %s but \"ports\" of snat \"%s\" have %zu blocks of %u, expected a block "
		"for each: fewer nodes with workloads, or \"gateway\", or a larger range",
		needs, eip->name, snat->name, blocks, 1U << SL_BLOCK_SHIFT);
	return false;
}

/* Shares the blocks of one EIP, those of the same rules among themselves, so that no node goes without. */
static bool share(struct sharing *s, const struct need *need, size_t needs, const struct use *use,
		  size_t uses)
{
	struct eip_fact *fact = &s->eips->fact[need->eip];
	const struct compile *c = s->c;
	uint64_t hash[SL_EIP_BLOCKS], users[SL_EIP_BLOCKS];

	for (size_t i = 0; i < needs && i < SL_EIP_BLOCKS; i++)
		hash[i] = block_node_hash(c->nodes[need[i].node].node->name);
	for (uint32_t i = 0; i < SL_EIP_BLOCKS; i++)
		users[i] = users_of(s, use, uses, i);
	for (uint32_t i = 0; i < SL_EIP_BLOCKS; i++) {
		uint8_t blocks[SL_EIP_BLOCKS], owner[SL_EIP_BLOCKS];
		size_t count = 0;

		for (uint32_t k = i; users[i] && k < SL_EIP_BLOCKS; k++) {
			if (users[k] != users[i])
				continue;
			blocks[count++] = (uint8_t)k;
			users[k] = k == i ? users[k] : 0;
		}
		if (!count)
			continue;
		if (count < needs)
			return too_many(s, need, needs, use, count);
		blocks_assign(hash, needs, blocks, count, owner);
		for (size_t k = 0; k < count; k++) {
			const struct node_fact *node = &c->nodes[need[owner[blocks[k]]].node];

			fact->node[blocks[k]] = node->node == c->node ? SL_NODE_SELF : (uint16_t)node->index;
		}
	}
	return true;
}

static bool share_all(struct sharing *s)
{
	const struct need *need = s->needs.item;
	const struct use *use = s->uses->item;
	bool done = true;

	for (size_t i = 0, at = 0, end; i < s->needs.count; i = end) {
		size_t uses = 0;

		for (end = i + 1; end < s->needs.count && need[end].eip == need[i].eip;)
			end++;
		while (at < s->uses->count && use[at].eip < need[i].eip)
			at++;
		while (at + uses < s->uses->count && use[at + uses].eip == need[i].eip)
			uses++;
		done &= share(s, &need[i], end - i, &use[at], uses);
	}
	return done;
}

bool eips_share(struct compile *c, struct eips *eips, const struct sources *sources, struct list *uses)
{
	struct sharing s = { .c = c,
			     .eips = eips,
			     .sources = sources,
			     .uses = uses,
			     .needs = { .size = sizeof(struct need) } };
	bool done = need_known(&s) && need_unknown(&s);

	if (uses->count)
		qsort(uses->item, uses->count, sizeof(struct use), by_use);
	if (s.needs.count)
		qsort(s.needs.item, s.needs.count, sizeof(struct need), by_need);
	done = done && share_all(&s);
	list_free(&s.needs);
	intern_free(&s.need_keys);
	intern_free(&s.done);
	intern_free(&s.served);
	return done;
}
