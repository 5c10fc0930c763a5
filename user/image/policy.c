/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy: clauses become rows of sl_pair. For each pair of types the clauses that speak of it are gathered,
 * equal lists of clauses are decided once, and each decision is spread over the classes of the two
 * types. The work grows with what the rules say, not with the square of the classes.
 */
#include <stdlib.h>
#include <string.h>
#include "pair.h"

struct join {
	struct compile *c;
	struct buckets clauses_of_type; /* by "from" */
	struct list hits; /* of one source type: struct hit */
	struct list order; /* clause numbers, gathered by destination */
	uint32_t *start; /* destination type -> its place in order */
	uint32_t *touched; /* destination types hit */
	size_t touched_count;
	uint8_t *opened; /* by destination type in another cluster: OPENED_BY_* */
	struct intern lists; /* of clauses */
	uint32_t *alone; /* clause -> the list of it alone, 0: not asked for yet */
	struct type_pairs pairs; /* what is decided by list - 1 */
};

struct hit {
	uint32_t to;
	uint32_t clause;
};

static bool index_clauses(struct join *j)
{
	struct compile *c = j->c;
	size_t types = c->types.count, total = 0;
	uint32_t *start = heap_take(&c->scratch, (types + 3) * sizeof(uint32_t));

	for (size_t i = 0; i < c->clause_count; i++)
		total += c->clauses[i].from_count;
	j->clauses_of_type.item = heap_take(&c->scratch, total * sizeof(uint32_t));
	if (!start || !j->clauses_of_type.item)
		return false;
	for (size_t i = 0; i < c->clause_count; i++) {
		for (size_t k = 0; k < c->clauses[i].from_count; k++)
			start[c->clauses[i].from[k] + 2]++;
	}
	for (size_t i = 2; i < types + 3; i++)
		start[i] += start[i - 1];
	for (size_t i = 0; i < c->clause_count; i++) {
		for (size_t k = 0; k < c->clauses[i].from_count; k++)
			j->clauses_of_type.item[start[c->clauses[i].from[k] + 1]++] = (uint32_t)i;
	}
	j->clauses_of_type.start = start;
	return true;
}

/* The first place in an ascending list whose type is at least `type`. */
static size_t lower_bound(const uint32_t *types, size_t count, uint32_t type)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (types[middle] < type)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Which types of other clusters, of first..last, something leads to from this one; or forgets it. */
static void note_opened(struct join *j, uint32_t from, uint32_t first, uint32_t last, bool forget)
{
	const struct compile *c = j->c;
	uint32_t begin = j->clauses_of_type.start[from], end = j->clauses_of_type.start[from + 1];
	const struct type *source = type_at(c, from);

	for (uint32_t i = begin; i < end; i++) {
		const struct clause *clause = &c->clauses[j->clauses_of_type.item[i]];

		if (clause->kind != CLAUSE_ROUTE &&
		    !(clause->kind == CLAUSE_RULE && clause->vip && !clause->deny))
			continue;
		for (size_t k = lower_bound(clause->to, clause->to_count, first);
		     k < clause->to_count && clause->to[k] <= last; k++) {
			const struct type *target = type_at(c, clause->to[k]);

			if (forget)
				j->opened[clause->to[k]] = 0;
			else if (types_apart(source, target) && clause->kind == CLAUSE_ROUTE)
				j->opened[clause->to[k]] |= OPENED_BY_ROUTE;
			else if (types_apart(source, target) && target->kind == TYPE_REMOTE_HOST)
				j->opened[clause->to[k]] |= OPENED_BY_VIP;
		}
	}
}

/* Room for all that the clauses from this type could hit; NULL: no memory. */
static struct hit *hits_expect(struct join *j, uint32_t from)
{
	size_t most = 0;

	for (uint32_t i = j->clauses_of_type.start[from]; i < j->clauses_of_type.start[from + 1]; i++)
		most += j->c->clauses[j->clauses_of_type.item[i]].to_count;
	j->hits.count = j->touched_count = 0;
	return list_reserve(&j->hits, most + 1) ? j->hits.item : NULL;
}

/* Everything that any clause says from this type, to types first..last (those of its VPC). */
static bool gather_hits(struct join *j, uint32_t from, uint32_t first, uint32_t last)
{
	struct compile *c = j->c;
	const struct type *source = type_at(c, from);
	uint32_t begin = j->clauses_of_type.start[from], end = j->clauses_of_type.start[from + 1];
	struct hit *hit = hits_expect(j, from);

	if (!hit)
		return false;
	note_opened(j, from, first, last, false);
	for (uint32_t i = begin; i < end; i++) {
		struct clause *clause = &c->clauses[j->clauses_of_type.item[i]];

		for (size_t k = lower_bound(clause->to, clause->to_count, first);
		     k < clause->to_count && clause->to[k] <= last; k++) {
			uint32_t to = clause->to[k];

			if (!clause_meets(c, clause, source, type_at(c, to), j->opened[to]))
				continue;
			hit[j->hits.count++] = (struct hit){ .to = to, .clause = j->clauses_of_type.item[i] };
			if (!j->start[to]++)
				j->touched[j->touched_count++] = to;
		}
	}
	note_opened(j, from, first, last, true);
	return true;
}

/* The clause that makes the rows: the first, or that which gives the class where nothing else is said. */
static uint32_t speaker(const struct compile *c, const struct decision *apart, const uint32_t *clause)
{
	while (!apart->policy && apart->qos && c->clauses[*clause].kind != CLAUSE_QOS)
		clause++;
	return *clause;
}

static uint32_t decide_list(struct join *j, const uint32_t *clause, size_t count)
{
	struct compile *c = j->c;
	size_t before = j->lists.count;
	struct decided *d;
	uint32_t list;

	if (count == 1 && j->alone[*clause]) /* as most are */
		return j->alone[*clause];
	list = intern(&j->lists, clause, count * sizeof(*clause));
	if (!list || j->lists.count == before)
		return list;
	d = list_add(&j->pairs.decided, 1);
	if (!d || !ports_decide(c, clause, count, false, &d->said[0]))
		return 0;
	for (size_t i = 0; i < count; i++)
		d->split |= c->clauses[clause[i]].same_label;
	d->said[1] = d->said[0];
	if (d->split && !ports_decide(c, clause, count, true, &d->said[1]))
		return 0;
	d->speaker = speaker(c, &d->said[0], clause);
	if (count == 1)
		j->alone[*clause] = list;
	return list;
}

/* Turns the hits of one source type into pairs of types. */
static bool decide_hits(struct join *j, uint32_t from)
{
	const struct hit *hit = j->hits.item;
	const uint32_t *touched = j->touched;
	uint32_t at = 0, *order;
	struct type_pair *pair;

	j->order.count = 0;
	order = list_add(&j->order, j->hits.count);
	pair = list_add(&j->pairs.item, j->touched_count);
	if (!order || !pair)
		return false;
	for (size_t i = 0; i < j->touched_count; i++) {
		uint32_t count = j->start[touched[i]];

		j->start[touched[i]] = at;
		at += count;
	}
	for (size_t i = 0; i < j->hits.count; i++)
		order[j->start[hit[i].to]++] = hit[i].clause;
	at = 0;
	for (size_t i = 0; i < j->touched_count; i++, pair++) {
		uint32_t end = j->start[touched[i]];

		pair->to = touched[i];
		pair->decided = decide_list(j, order + at, end - at);
		if (!pair->decided)
			return false;
		at = end;
		j->start[touched[i]] = 0;
	}
	j->pairs.start[from + 1] = (uint32_t)j->pairs.item.count;
	return true;
}

bool policy_build(struct compile *c)
{
	struct join j = {
		.c = c,
		.hits = { .size = sizeof(struct hit) },
		.order = { .size = sizeof(uint32_t) },
		.pairs = { .item = { .size = sizeof(struct type_pair) },
			   .decided = { .size = sizeof(struct decided) } },
	};
	uint32_t types = (uint32_t)c->types.count;
	bool done = false;

	j.start = heap_take(&c->scratch, (types + 1) * sizeof(uint32_t));
	j.opened = heap_take(&c->scratch, types + 1);
	j.touched = heap_take(&c->scratch, (types + 1) * sizeof(uint32_t));
	if (!j.start || !j.opened || !j.touched || !clauses_build(c) || !index_clauses(&j))
		goto out;
	j.alone = heap_take(&c->scratch, c->clause_count * sizeof(uint32_t));
	j.pairs.start = heap_take(&c->scratch, (types + 2) * sizeof(uint32_t));
	if (!j.alone || !j.pairs.start)
		goto out;
	for (uint32_t first = 1, last; first <= types; first = last + 1) {
		uint32_t vpc = type_at(c, first)->vpc;

		for (last = first; last < types && type_at(c, last + 1)->vpc == vpc; last++)
			;
		for (uint32_t from = first; from <= last; from++) {
			if (!gather_hits(&j, from, first, last) || !decide_hits(&j, from))
				goto out;
		}
	}
	done = pairs_begin(c, &j.pairs);
	if (done)
		clauses_warn(c);
out:
	list_free(&j.hits);
	list_free(&j.order);
	list_free(&j.pairs.item);
	list_free(&j.pairs.decided);
	intern_free(&j.lists);
	return done;
}
