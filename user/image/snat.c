/* SPDX-License-Identifier: GPL-2.0 */
/*
 * snat: the rules that have an EIP here, and the EIPs that each has on this node.
 */
#include <arpa/inet.h>
#include <string.h>
#include "maglev.h"
#include "share.h"

struct ruling {
	struct compile *c;
	struct eips *eips;
	struct sources sources;
	struct list uses; /* struct use */
};

/* --- rules that have an EIP here */

/* Each once, however often the rule names it; one that is a floating IP carries nothing else. */
static bool collect_uses(struct ruling *s)
{
	struct compile *c = s->c;
	const struct plan *plan = c->plan;

	for (uint32_t i = 0; i < plan->snat_count; i++) {
		const struct snat *snat = &plan->snat[i];
		uint32_t vpc;

		if (!outside_vpc(c, snat->vpc, &snat->place, &vpc))
			return false;
		for (size_t k = 0; k < snat->eips.count; k++) {
			const struct eip *eip = plan_eip(plan, snat->eips.item[k]);
			bool again = false;
			struct eip_fact *fact;
			struct use *use;

			if (!eip) {
				report_error(c->r, &snat->place, "EIP \"%s\" is not in the plan",
					     snat->eips.item[k]);
				return false;
			}
			for (size_t j = 0; j < k && !again; j++)
				again = !strcmp(snat->eips.item[j], snat->eips.item[k]);
			fact = &s->eips->fact[eip - plan->eips];
			if (again || fact->fip || !c->eip_here[eip - plan->eips])
				continue;
			use = list_add(&s->uses, 1);
			if (!use)
				return false;
			*use = (struct use){ .eip = (uint32_t)(eip - plan->eips), .rule = i };
			fact->snat = true;
			if (!fact->inside)
				fact->inside = vpc + 1;
			c->snat_here[i] = true;
		}
	}
	return true;
}

/* --- rows */

static bool has_block(const struct eip_fact *fact, const struct snat *snat)
{
	for (uint32_t i = 0; i < SL_EIP_BLOCKS; i++) {
		if (fact->node[i] == SL_NODE_SELF && block_in_range(snat, i))
			return true;
	}
	return false;
}

/* EIPs that this node has ports of. */
static bool add_ring(struct ruling *s, const struct snat *snat, struct sl_snat *row)
{
	struct compile *c = s->c;
	struct list turns = { .size = sizeof(struct maglev_backend) };
	bool done = false;

	for (size_t i = 0; i < snat->eips.count; i++) {
		const struct eip *eip = plan_eip(c->plan, snat->eips.item[i]);
		struct maglev_backend *turn;
		bool again = false;

		for (size_t k = 0; k < i && !again; k++)
			again = !strcmp(snat->eips.item[k], snat->eips.item[i]);
		if (again || !has_block(&s->eips->fact[eip - c->plan->eips], snat))
			continue;
		turn = list_add(&turns, 1);
		if (!turn)
			goto out;
		turn->address = eip->address;
		turn->weight = 1;
	}
	if (turns.count) {
		row->slots = turns.count == 1 ? 1 : ring_slots(snat->eips.count);
		if (row->slots < turns.count || c->ring_slots + (uint64_t)row->slots > SL_MAX_RING) {
			report_error(c->r, &snat->place,
				     "no room in sl_ring (%u slots) for the rule's EIPs: fewer of them, or "
				     "smaller \"ring_size\" of services",
				     SL_MAX_RING);
			goto out;
		}
		if (!ring_add(c, &turns, row->slots, &row->ring))
			goto out;
	}
	done = true;
out:
	list_free(&turns);
	return done;
}

static bool add_rule(struct ruling *s, uint32_t i)
{
	const struct snat *snat = &s->c->plan->snat[i];
	struct sl_snat_key key = { .rule = i + 1 };
	struct sl_snat row = {
		.max_ports = snat->max_ports_per_workload ? snat->max_ports_per_workload : UINT32_MAX,
		.max_flows = snat->max_flows_per_workload,
		.first = (uint16_t)snat->ports.first,
		.last = (uint16_t)snat->ports.last,
		.mapping = (uint8_t)snat->mapping,
		.filtering = (uint8_t)snat->filtering,
	};

	return add_ring(s, snat, &row) && row_add(s->c, SL_TABLE_sl_snat, &key, &row);
}

/* One rule for all networks that leave by the node's own address. */
static bool add_own_rule(struct compile *c)
{
	const struct nat_outgoing *nat = &c->cluster->nat_outgoing;
	struct list turns = { .size = sizeof(struct maglev_backend) };
	struct maglev_backend *turn = list_add(&turns, 1);
	struct sl_snat_key key = { .rule = (uint32_t)c->plan->snat_count + 1 };
	struct sl_snat row = {
		.slots = 1,
		.max_ports = nat->max_ports_per_workload,
		.first = (uint16_t)nat->ports.first,
		.last = (uint16_t)nat->ports.last,
		.mapping = (uint8_t)nat->mapping,
		.filtering = (uint8_t)nat->filtering,
	};
	bool done = false;

	if (turn) {
		*turn = (struct maglev_backend){ .address = c->node->addresses.item[0].first, .weight = 1 };
		done = ring_add(c, &turns, 1, &row.ring) && row_add(c, SL_TABLE_sl_snat, &key, &row);
	}
	list_free(&turns);
	return done;
}

static bool add_rules(struct ruling *s)
{
	struct compile *c = s->c;

	for (uint32_t i = 0; i < c->plan->snat_count; i++) {
		if (c->snat_here[i] && !add_rule(s, i))
			return false;
	}
	return !c->host_nat || add_own_rule(c);
}

bool snat_build(struct compile *c, struct eips *eips)
{
	struct ruling s = { .c = c, .eips = eips, .uses = { .size = sizeof(struct use) } };
	bool done;

	c->snat_here = heap_take(&c->scratch, c->plan->snat_count * sizeof(*c->snat_here));
	done = c->snat_here && collect_uses(&s) && sources_build(c, eips, &s.sources) &&
	       eips_share(c, eips, &s.sources, &s.uses) && add_rules(&s);
	sources_free(&s.sources);
	list_free(&s.uses);
	return done;
}
