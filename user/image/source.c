/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sources, see source.h. The kernel asks twice, each time for the longest prefix: for the source, then for the
 * destination in the source's list. So each list must be complete: rules of the source itself, behind them those
 * of shorter sources for destinations that are still open, behind them nat_outgoing.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "../plan/destination.h"
#include "source.h"

/* Somebody says something about a source. */
enum claim_kind { CLAIM_RULE, CLAIM_HOST_NAT, CLAIM_FIP };

struct claim {
	uint32_t vpc;
	struct prefix prefix;
	enum claim_kind kind;
	uint32_t index; /* of the rule, of the FIP */
};

struct build {
	struct compile *c;
	struct sources *s;
	struct list claims;
	struct intern own_keys; /* the enclosing list and the rules → number of a list in s->own */
	struct intern out_keys; /* that and host_nat → number of a list in s->out */
	struct list rows; /* struct destination: of the list at hand */
	struct intern rows_of_source; /* prefixes that the source's own rules name */
	uint32_t rule; /* at hand */
	uint32_t *stamp; /* by rule: the outlet that has it already */
};

static int by_claim(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->vpc != y->vpc)
		return x->vpc < y->vpc ? -1 : 1;
	if (x->prefix.addr != y->prefix.addr)
		return x->prefix.addr < y->prefix.addr ? -1 : 1;
	if (x->prefix.len != y->prefix.len)
		return x->prefix.len - y->prefix.len;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static bool claim(struct build *b, uint32_t vpc, struct prefix prefix, enum claim_kind kind, size_t index)
{
	struct claim *claim = list_add(&b->claims, 1);

	if (claim)
		*claim = (struct claim){
			.vpc = vpc, .prefix = prefix, .kind = kind, .index = (uint32_t)index
		};
	return claim;
}

static bool claims_collect(struct build *b, const struct eips *eips)
{
	struct compile *c = b->c;
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->snat_count; i++) {
		uint32_t vpc;

		if (!outside_vpc(c, plan->snat[i].vpc, &plan->snat[i].place, &vpc))
			return false;
		for (size_t k = 0; c->snat_here[i] && k < plan->snat[i].from.count; k++) {
			if (!claim(b, vpc, plan->snat[i].from.item[k], CLAIM_RULE, i))
				return false;
		}
	}
	for (uint32_t i = 0; c->host_nat && i < plan->network_count; i++) {
		const struct site *site = site_here(c, i);

		for (size_t k = 0; site && site->nat_outgoing && k < site->cidrs.count; k++) {
			if (!claim(b, c->network_vpc[i], site->cidrs.item[k], CLAIM_HOST_NAT, i))
				return false;
		}
	}
	for (size_t i = 0; i < plan->eip_count; i++) {
		const struct fip *fip = eips->fact[i].fip;
		struct prefix prefix = { .len = 32 };

		if (!fip || !c->eip_here[i])
			continue;
		prefix.addr = fip->address;
		if (!claim(b, eips->fact[i].inside - 1, prefix, CLAIM_FIP, (size_t)(fip - plan->fips)))
			return false;
	}
	if (b->claims.count)
		qsort(b->claims.item, b->claims.count, sizeof(struct claim), by_claim);
	return true;
}

/* --- lists of destinations */

static bool add_row(struct build *b, struct prefix prefix, uint32_t rule)
{
	struct destination *row = list_add(&b->rows, 1);

	if (row)
		*row = (struct destination){ .prefix = prefix, .rule = rule };
	return row;
}

/* Of equal destinations the first rule's holds; the checker has named both. */
static bool add_own_row(void *context, struct prefix prefix, const struct selector *from)
{
	struct build *b = context;
	uint64_t key = (uint64_t)prefix.addr << 8 | prefix.len;
	size_t before = b->rows_of_source.count;

	(void)from;
	if (!intern(&b->rows_of_source, &key, sizeof(key)))
		return false;
	return b->rows_of_source.count == before || add_row(b, prefix, b->rule);
}

/* Whether rules of the source itself speak of this destination as a whole. */
static bool covered(const struct build *b, struct prefix prefix)
{
	for (uint8_t len = 0; len <= prefix.len; len++) {
		uint64_t key = (uint64_t)(prefix.addr & prefix_mask(len)) << 8 | len;

		if (intern_find(&b->rows_of_source, &key, sizeof(key)))
			return true;
	}
	return false;
}

static bool fill_own(struct build *b, uint32_t enclosing, const struct claim *claims, size_t count)
{
	const struct destinations *outer =
		enclosing ? (const struct destinations *)b->s->own.item + enclosing - 1 : NULL;
	struct compile *c = b->c;

	b->rows.count = 0;
	intern_free(&b->rows_of_source);
	for (size_t i = 0; i < count; i++) {
		b->rule = claims[i].index + 1;
		if (!destinations_each(c->plan, &c->plan->snat[claims[i].index], c->cluster->name,
				       add_own_row, b))
			return false;
	}
	b->rule = SL_SNAT_EXCEPT;
	for (size_t i = 0; i < count; i++) {
		const struct prefixes *except = &c->plan->snat[claims[i].index].except;

		for (size_t k = 0; k < except->count; k++) {
			if (!add_own_row(b, except->item[k], NULL))
				return false;
		}
	}
	for (size_t i = 0; outer && i < outer->count; i++) {
		if (!covered(b, outer->item[i].prefix) &&
		    !add_row(b, outer->item[i].prefix, outer->item[i].rule))
			return false;
	}
	return true;
}

/* The list for these rules inside a source whose list is `enclosing`. 0: memory is out. */
static uint32_t own_list(struct build *b, uint32_t enclosing, const struct claim *claims, size_t count)
{
	uint32_t *key = malloc((count + 1) * sizeof(*key)), number = 0;
	size_t before = b->own_keys.count;
	struct destinations *list;

	if (!key)
		return 0;
	key[0] = enclosing;
	for (size_t i = 0; i < count; i++)
		key[i + 1] = claims[i].index;
	number = intern(&b->own_keys, key, (count + 1) * sizeof(*key));
	free(key);
	if (!number || b->own_keys.count == before)
		return number;
	if (!fill_own(b, enclosing, claims, count))
		return 0;
	list = list_add(&b->s->own, 1);
	if (!list)
		return 0;
	list->item = heap_take(&b->c->scratch, b->rows.count * sizeof(*list->item));
	if (!list->item)
		return 0;
	if (b->rows.count)
		memcpy(list->item, b->rows.item, b->rows.count * sizeof(*list->item));
	list->count = b->rows.count;
	return number;
}

static bool to_row(struct compile *c, uint32_t list, struct prefix prefix, uint32_t rule)
{
	struct sl_snat_to_key key = { .prefixlen = 32U + prefix.len,
				      .list = htonl(list),
				      .addr = htonl(prefix.addr) };
	struct sl_snat_to row = { .rule = rule };

	if (c->rows[SL_TABLE_sl_snat_to].count == SL_MAX_SNAT_TO) {
		report_error(
			c->r, NULL,
			"the plan needs more than %u rows in sl_snat_to, which is what this build holds: "
			"fewer "
			"sources or destinations in \"snat\"",
			SL_MAX_SNAT_TO);
		return false;
	}
	return row_add(c, SL_TABLE_sl_snat_to, &key, &row);
}

static bool out_rows(struct build *b, uint32_t number, const struct destinations *own, bool host_nat)
{
	struct compile *c = b->c;
	struct outlet *outlet = list_add(&b->s->out, 1);
	bool world = false;

	if (!outlet)
		return false;
	if (own) {
		outlet->rule = heap_take(&c->scratch, own->count * sizeof(*outlet->rule));
		if (!outlet->rule)
			return false;
	}
	for (size_t i = 0; own && i < own->count; i++) {
		uint32_t rule = own->item[i].rule;

		world |= !own->item[i].prefix.len;
		if (!to_row(c, number, own->item[i].prefix, rule))
			return false;
		if (rule == SL_SNAT_EXCEPT || b->stamp[rule - 1] == number)
			continue;
		b->stamp[rule - 1] = number;
		outlet->rule[outlet->count++] = rule - 1;
	}
	return !host_nat || world ||
	       to_row(c, number, (struct prefix){ 0 }, (uint32_t)c->plan->snat_count + 1);
}

/* The list in sl_snat_to for what rules say and what nat_outgoing adds. */
static bool out_list(struct build *b, struct source *source)
{
	uint32_t key[2] = { source->own, source->host_nat };
	size_t before = b->out_keys.count;
	const struct destinations *own =
		source->own ? (const struct destinations *)b->s->own.item + source->own - 1 : NULL;

	if (!source->own && !source->host_nat)
		return true;
	source->list = intern(&b->out_keys, key, sizeof(key));
	if (!source->list || b->out_keys.count == before)
		return source->list;
	return out_rows(b, source->list, own, source->host_nat);
}

/* --- sources */

static bool from_row(struct compile *c, const struct source *source)
{
	const struct eip *eip = source->fip ? plan_eip(c->plan, source->fip->eip) : NULL;
	struct sl_snat_from_key key = { .prefixlen = 32U + source->prefix.len,
					.vpc = htons(c->vpcs[source->vpc].id),
					.addr = htonl(source->prefix.addr) };
	struct sl_snat_from row = { .list = source->list, .fip = eip ? htonl(eip->address) : 0 };

	return row_add(c, SL_TABLE_sl_snat_from, &key, &row);
}

static const struct source *source_number(const struct sources *s, uint32_t number)
{
	return number ? (const struct source *)s->list.item + number - 1 : NULL;
}

/* The source that holds the prefix, from the last one read on outwards: its number, 0: none. */
static uint32_t enclosing(const struct sources *s, uint32_t number, uint32_t vpc, struct prefix prefix)
{
	const struct source *source = source_number(s, number);

	while (source && (source->vpc != vpc || !prefix_covers(source->prefix, prefix))) {
		number = source->parent;
		source = source_number(s, number);
	}
	return number;
}

/* All claims of one prefix. */
static bool read_source(struct build *b, const struct claim *claims, size_t count)
{
	struct sources *s = b->s;
	uint32_t parent = enclosing(s, (uint32_t)s->list.count, claims->vpc, claims->prefix);
	const struct source *outer = source_number(s, parent);
	struct source source = { .vpc = claims->vpc,
				 .prefix = claims->prefix,
				 .parent = parent,
				 .own = outer ? outer->own : 0,
				 .host_nat = outer && outer->host_nat };
	struct source *kept;
	size_t rules = 0;

	while (rules < count && claims[rules].kind == CLAIM_RULE)
		rules++;
	if (rules) {
		source.own = own_list(b, source.own, claims, rules);
		if (!source.own)
			return false;
	}
	for (size_t i = rules; i < count; i++) {
		if (claims[i].kind == CLAIM_HOST_NAT)
			source.host_nat = true;
		else if (!source.fip)
			source.fip = &b->c->plan->fips[claims[i].index];
	}
	if (!out_list(b, &source) || !from_row(b->c, &source))
		return false;
	kept = list_add(&s->list, 1);
	if (kept)
		*kept = source;
	return kept;
}

bool sources_build(struct compile *c, const struct eips *eips, struct sources *s)
{
	struct build b = { .c = c,
			   .s = s,
			   .claims = { .size = sizeof(struct claim) },
			   .rows = { .size = sizeof(struct destination) } };
	const struct claim *claims;
	bool done = false;

	s->list.size = sizeof(struct source);
	s->own.size = sizeof(struct destinations);
	s->out.size = sizeof(struct outlet);
	b.stamp = heap_take(&c->scratch, c->plan->snat_count * sizeof(*b.stamp));
	if (!b.stamp || !claims_collect(&b, eips))
		goto out;
	claims = b.claims.item;
	for (size_t i = 0, end; i < b.claims.count; i = end) {
		for (end = i + 1; end < b.claims.count; end++) {
			if (claims[end].vpc != claims[i].vpc ||
			    claims[end].prefix.addr != claims[i].prefix.addr ||
			    claims[end].prefix.len != claims[i].prefix.len)
				break;
		}
		if (!read_source(&b, &claims[i], end - i))
			goto out;
	}
	done = true;
out:
	intern_free(&b.own_keys);
	intern_free(&b.out_keys);
	intern_free(&b.rows_of_source);
	list_free(&b.claims);
	list_free(&b.rows);
	return done;
}

const struct source *source_of(const struct sources *s, uint32_t vpc, uint32_t addr)
{
	const struct prefix prefix = { .addr = addr, .len = 32 };
	const struct source *source = s->list.item;
	size_t low = 0, high = s->list.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (source[middle].vpc < vpc ||
		    (source[middle].vpc == vpc && source[middle].prefix.addr <= addr))
			low = middle + 1;
		else
			high = middle;
	}
	return source_number(s, enclosing(s, (uint32_t)low, vpc, prefix));
}

const struct outlet *source_outlet(const struct sources *s, const struct source *source)
{
	return source->list ? (const struct outlet *)s->out.item + source->list - 1 : NULL;
}

void sources_free(struct sources *s)
{
	list_free(&s->list);
	list_free(&s->own);
	list_free(&s->out);
}
