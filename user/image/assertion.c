/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asserts: what must be true whatever the rules say. Proved on the finished rows, for every pair of classes
 * that the two selectors match, never on the rules and routes that made them. `reaches` speaks of classes that can
 * meet at all: of one VPC, and of one cluster; of two clusters only where its two sides have no cluster in common.
 * `never` speaks of what services grant, too. Both speak of addresses as the policy sees them: behind a floating IP the
 * workload's own, so that what reaches it needs a rule that they see; a guest from another VPC is its EIP, an outside
 * address like any other.
 */
#include <stdlib.h>
#include <string.h>
#include "compile.h"
#include "grant.h"
#include "reach.h"

static const struct port every_port = { .any = true };

struct proof {
	struct compile *c;
	const struct assertion *assertion;
	struct list from; /* classes */
	struct list to;
	bool *is_from; /* by class */
	bool *is_to;
	uint8_t *set_holds; /* by port set: 0 not looked at, 1 holds */
	bool failed; /* memory is out */
};

/* Of a service of another cluster the VIP too, where it is what is reached. */
static bool match(struct proof *p, const struct selector *s, bool reached, struct list *classes,
		  bool *is_matched)
{
	const struct buckets *of_type = &p->c->classes_of_type;
	struct list types = { .size = sizeof(uint32_t) };
	const uint32_t *type;
	uint32_t *class;
	bool done = false;

	classes->count = 0;
	memset(is_matched, 0, p->c->classes.count + 1);
	if (!selector_types(p->c, s, &types) || (reached && !selector_vip(p->c, s, &types)))
		goto out;
	type = types.item;
	for (size_t i = 0; i < types.count; i++) {
		for (uint32_t k = of_type->start[type[i]]; k < of_type->start[type[i] + 1]; k++) {
			class = list_add(classes, 1);
			if (!class)
				goto out;
			*class = of_type->item[k];
			is_matched[*class] = true;
		}
	}
	done = true;
out:
	list_free(&types);
	return done;
}

static bool apart(const struct image_class *a, const struct image_class *b)
{
	return a->cluster && b->cluster && strcmp(a->cluster, b->cluster) != 0;
}

static void broken(struct proof *p, uint32_t src, uint32_t dst, const struct port *found)
{
	const struct image *image = p->c->image;
	const struct image_class *from = &image->classes[src - 1], *to = &image->classes[dst - 1];
	struct image_decision d = image_judge(image, src, dst, found->proto, found->first);
	char port[40];

	port_text(found, port, sizeof(port));
	if (d.rule)
		report_error(p->c->r, &p->assertion->place, "assert \"%s\": rule \"%s\" %s %s → %s %s",
			     p->assertion->name, image_rule_name(image, d.rule),
			     d.policy == SL_POLICY_ALLOW ? "allows" : "denies", from->label, to->label, port);
	else
		report_error(p->c->r, &p->assertion->place, "assert \"%s\": no %s %s → %s %s",
			     p->assertion->name, !d.said && apart(from, to) ? "route takes" : "rule allows",
			     from->label, to->label, port);
}

/* 1: holds between these classes, 0: does not and is reported, -1: memory is out. */
static int prove_pair(struct proof *p, uint32_t src, uint32_t dst, const struct sl_pair *pair)
{
	const struct ports *ports = &p->assertion->ports;
	bool unwanted = !p->assertion->reaches;
	struct reach reach;
	struct port found;
	int holds = 1;

	if (pair && pair->policy == SL_POLICY_PORTS && p->set_holds[pair->set])
		return 1;
	if (!reach_read(p->c->image, src, dst, &reach))
		return -1;
	for (size_t i = 0; holds && i < (ports->count ? ports->count : 1); i++) {
		if (!reach_find(&reach, ports->count ? &ports->item[i] : &every_port, unwanted, &found))
			continue;
		holds = 0;
		broken(p, src, dst, &found);
	}
	reach_free(&reach);
	if (holds && pair && pair->policy == SL_POLICY_PORTS)
		p->set_holds[pair->set] = 1;
	return holds;
}

/* Only what has a row can be allowed. */
static bool prove_never(struct proof *p)
{
	const struct image_table *table = &p->c->image->table[SL_TABLE_sl_pair];
	size_t row_size = table->key_size + table->value_size;

	for (size_t i = 0; i < table->count; i++) {
		const struct sl_pair_key *key = (const void *)(table->rows + i * row_size);
		const struct sl_pair *pair = (const void *)(table->rows + i * row_size + table->key_size);
		int holds;

		if (!p->is_from[key->src] || !p->is_to[key->dst])
			continue;
		holds = prove_pair(p, key->src, key->dst, pair);
		if (holds <= 0)
			return holds == 0; /* one line for one assert */
	}
	return true;
}

/* Nor may a service open what no rule does; after the rows, so that one assert has one line. */
static void prove_no_grant(struct proof *p)
{
	const struct image *image = p->c->image;
	struct grant grant;
	char port[40];

	if (!grant_find(p->c, &p->from, p->is_to, &p->assertion->ports, &grant))
		return;
	port_text(&grant.port, port, sizeof(port));
	report_error(p->c->r, &p->assertion->place,
		     "assert \"%s\": service \"%s\" lets %s reach %s %s, expected a rule that denies it, or "
		     "\"sources\" without",
		     p->assertion->name, grant.service->name, image->classes[grant.src - 1].label,
		     image->classes[grant.dst - 1].label, port);
}

/* 1: all pairs of one cluster, or of two, hold; 0: there are none; -1: one does not, or memory is out. */
static int prove_pairs(struct proof *p, bool of_two)
{
	const struct image *image = p->c->image;
	const uint32_t *from = p->from.item, *to = p->to.item;
	int met = 0;

	for (size_t i = 0; i < p->from.count; i++) {
		for (size_t k = 0; k < p->to.count; k++) {
			const struct image_class *a = &image->classes[from[i] - 1];
			const struct image_class *b = &image->classes[to[k] - 1];
			struct sl_pair_key key = { .src = from[i], .dst = to[k] };
			int holds;

			if (a->vpc != b->vpc || apart(a, b) != of_two)
				continue;
			met = 1;
			holds = prove_pair(p, from[i], to[k],
					   row_find(&image->table[SL_TABLE_sl_pair], &key));
			if (holds <= 0) {
				p->failed = holds < 0;
				return -1;
			}
		}
	}
	return met;
}

/* Other clusters' clients of a service of this one know its VIP: what they reach is proved on their own nodes. */
static bool served_here(const struct compile *c, const struct selector *to)
{
	return to->kind == SELECT_SERVICE && !c->vip_set[plan_service(c->plan, to->name) - c->plan->services];
}

static bool prove_reaches(struct proof *p)
{
	int held = prove_pairs(p, false);

	if (!held && served_here(p->c, &p->assertion->to))
		return true;
	if (!held)
		held = prove_pairs(p, true);
	if (!held)
		report_error(
			p->c->r, &p->assertion->place,
			"assert \"%s\": its two sides stand in different VPCs, so neither reaches the other",
			p->assertion->name);
	return !p->failed;
}

static bool prove(struct proof *p)
{
	char text[128];
	size_t errors;

	if (!match(p, &p->assertion->from, false, &p->from, p->is_from) ||
	    !match(p, &p->assertion->to, true, &p->to, p->is_to))
		return false;
	if (!p->from.count || !p->to.count) {
		report_warning(p->c->r, &p->assertion->place,
			       "assert \"%s\" proves nothing: nothing in the plan matches %s",
			       p->assertion->name,
			       selector_text(p->from.count ? &p->assertion->to : &p->assertion->from, text,
					     sizeof(text)));
		return true;
	}
	memset(p->set_holds, 0, p->c->port_sets.count + 1);
	if (p->assertion->reaches)
		return prove_reaches(p);
	errors = p->c->r->errors;
	if (!prove_never(p))
		return false;
	if (p->c->r->errors == errors)
		prove_no_grant(p);
	return true;
}

bool asserts_prove(struct compile *c)
{
	struct proof p = { .c = c, .from = { .size = sizeof(uint32_t) }, .to = { .size = sizeof(uint32_t) } };
	bool done = false;

	p.is_from = heap_take(&c->scratch, c->classes.count + 1);
	p.is_to = heap_take(&c->scratch, c->classes.count + 1);
	p.set_holds = heap_take(&c->scratch, c->port_sets.count + 1);
	if (!p.is_from || !p.is_to || !p.set_holds)
		goto out;
	for (size_t i = 0; i < c->plan->assert_count; i++) {
		p.assertion = &c->plan->asserts[i];
		if (!prove(&p))
			goto out;
	}
	done = true;
out:
	list_free(&p.from);
	list_free(&p.to);
	return done;
}
