/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy: clauses become rows of sl_pair. For each pair of types the clauses that speak of it are gathered,
 * equal lists of clauses are decided once, and each decision is spread over the classes of the two
 * types. The work grows with what the rules say, not with the square of the classes.
 */
#include <stdlib.h>
#include <string.h>
#include "compile.h"

/* Two types and what holds between them: for classes whose labels differ, and for equal ones. */
struct type_pair {
	uint32_t from;
	uint32_t to;
	uint32_t list; /* of clauses */
	bool split; /* a clause asks for equal labels */
};

struct decided {
	struct decision apart; /* labels differ or are absent */
	struct decision alike;
};

struct join {
	struct compile *c;
	struct buckets clauses_of_type; /* by "from" */
	struct list hits; /* of one source type: struct hit */
	struct list order; /* clause numbers, gathered by destination */
	uint32_t *start; /* destination type -> its place in order */
	struct list touched; /* destination types hit */
	uint8_t *opened; /* by destination type in another cluster: OPENED_BY_* */
	struct intern lists; /* of clauses */
	struct list decided; /* struct decided by list - 1 */
	struct list pairs; /* struct type_pair */
	uint64_t *rows_of_clause;
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
	struct type source = type_at(c, from);

	for (uint32_t i = begin; i < end; i++) {
		const struct clause *clause = &c->clauses[j->clauses_of_type.item[i]];

		if (clause->kind != CLAUSE_ROUTE &&
		    !(clause->kind == CLAUSE_RULE && clause->vip && !clause->deny))
			continue;
		for (size_t k = lower_bound(clause->to, clause->to_count, first);
		     k < clause->to_count && clause->to[k] <= last; k++) {
			struct type target = type_at(c, clause->to[k]);

			if (forget)
				j->opened[clause->to[k]] = 0;
			else if (types_apart(&source, &target) && clause->kind == CLAUSE_ROUTE)
				j->opened[clause->to[k]] |= OPENED_BY_ROUTE;
			else if (types_apart(&source, &target) && target.kind == TYPE_REMOTE_HOST)
				j->opened[clause->to[k]] |= OPENED_BY_VIP;
		}
	}
}

/* Everything that any clause says from this type, to types first..last (those of its VPC). */
static bool gather_hits(struct join *j, uint32_t from, uint32_t first, uint32_t last)
{
	struct compile *c = j->c;
	struct type source = type_at(c, from);
	uint32_t begin = j->clauses_of_type.start[from], end = j->clauses_of_type.start[from + 1];

	j->hits.count = j->touched.count = 0;
	note_opened(j, from, first, last, false);
	for (uint32_t i = begin; i < end; i++) {
		struct clause *clause = &c->clauses[j->clauses_of_type.item[i]];

		for (size_t k = lower_bound(clause->to, clause->to_count, first);
		     k < clause->to_count && clause->to[k] <= last; k++) {
			struct type target = type_at(c, clause->to[k]);
			struct hit *hit;
			uint32_t *touched;

			if (!clause_meets(c, clause, &source, &target, j->opened[clause->to[k]]))
				continue;
			hit = list_add(&j->hits, 1);
			if (!hit)
				return false;
			hit->to = clause->to[k];
			hit->clause = j->clauses_of_type.item[i];
			if (j->start[hit->to]++)
				continue;
			touched = list_add(&j->touched, 1);
			if (!touched)
				return false;
			*touched = hit->to;
		}
	}
	note_opened(j, from, first, last, true);
	return true;
}

static uint32_t decide_list(struct join *j, const uint32_t *clause, size_t count, bool *split)
{
	struct compile *c = j->c;
	size_t before = j->lists.count;
	uint32_t list = intern(&j->lists, clause, count * sizeof(*clause));
	struct decided *d;

	*split = false;
	for (size_t i = 0; i < count; i++)
		*split |= c->clauses[clause[i]].same_label;
	if (!list || j->lists.count == before)
		return list;
	d = list_add(&j->decided, 1);
	if (!d || !ports_decide(c, clause, count, false, &d->apart))
		return 0;
	d->alike = d->apart;
	if (*split && !ports_decide(c, clause, count, true, &d->alike))
		return 0;
	return list;
}

/* Turns the hits of one source type into pairs of types. */
static bool decide_hits(struct join *j, uint32_t from)
{
	const struct hit *hit = j->hits.item;
	const uint32_t *touched = j->touched.item;
	uint32_t at = 0, *order;

	j->order.count = 0;
	order = list_add(&j->order, j->hits.count);
	if (!order)
		return false;
	for (size_t i = 0; i < j->touched.count; i++) {
		uint32_t count = j->start[touched[i]];

		j->start[touched[i]] = at;
		at += count;
	}
	for (size_t i = 0; i < j->hits.count; i++)
		order[j->start[hit[i].to]++] = hit[i].clause;
	at = 0;
	for (size_t i = 0; i < j->touched.count; i++) {
		struct type_pair *pair = list_add(&j->pairs, 1);
		uint32_t end = j->start[touched[i]];

		if (!pair)
			return false;
		pair->from = from;
		pair->to = touched[i];
		pair->list = decide_list(j, order + at, end - at, &pair->split);
		if (!pair->list)
			return false;
		at = end;
		j->start[touched[i]] = 0;
	}
	return true;
}

static uint32_t label_of(const struct compile *c, uint32_t class)
{
	struct class_key key;
	size_t length;

	memcpy(&key, intern_bytes(&c->classes, class, &length), sizeof(key));
	return key.label;
}

static bool says(const struct decision *d)
{
	return d->policy || d->qos;
}

static bool add_pair(struct compile *c, uint32_t src, uint32_t dst, const struct decision *d)
{
	struct sl_pair_key key = { .src = src, .dst = dst };
	struct sl_pair row = { .set = d->set, .rule = d->rule, .policy = d->policy, .qos = d->qos };

	return row_add(c, SL_TABLE_sl_pair, &key, &row);
}

/*
 * Spreads one pair of types over its classes, or only counts the rows when `rows` is given. Pairs of
 * classes with different labels cost nothing as long as nothing is said of them: the classes of a type
 * are found by label.
 */
static bool spread(struct join *j, const struct type_pair *pair, const uint32_t *class_of_label,
		   uint64_t *rows)
{
	struct compile *c = j->c;
	const struct decided *d = (const struct decided *)j->decided.item + pair->list - 1;
	const uint32_t *start = c->classes_of_type.start, *class = c->classes_of_type.item;
	uint32_t from = start[pair->from], from_end = start[pair->from + 1];
	uint32_t to = start[pair->to], to_end = start[pair->to + 1];
	const struct decision *apart = &d->apart, *alike = &d->alike;
	bool all = says(apart);

	if (rows && all) {
		*rows += (uint64_t)(from_end - from) * (to_end - to);
		return true;
	}
	for (uint32_t a = from; a < from_end; a++) {
		uint32_t label = pair->split ? label_of(c, class[a]) : 0;
		uint32_t twin = label && class_of_label ? class_of_label[label] : 0;

		for (uint32_t b = to; all && b < to_end; b++) {
			if (class[b] != twin && !add_pair(c, class[a], class[b], apart))
				return false;
		}
		if (!twin || !says(alike))
			continue;
		if (rows)
			++*rows;
		else if (!add_pair(c, class[a], twin, alike))
			return false;
	}
	return true;
}

/* A type has at most one class of a label. Marks (or forgets) those of the destination type. */
static void mark_labels(const struct compile *c, uint32_t type, uint32_t *class_of_label, bool forget)
{
	for (uint32_t b = c->classes_of_type.start[type]; b < c->classes_of_type.start[type + 1]; b++) {
		uint32_t class = c->classes_of_type.item[b];

		class_of_label[label_of(c, class)] = forget ? 0 : class;
	}
}

static bool too_many(struct join *j, uint64_t total)
{
	struct compile *c = j->c;
	uint32_t worst = 0;

	if (total <= SL_MAX_PAIR)
		return false;
	for (uint32_t i = 1; i < c->clause_count; i++) {
		if (j->rows_of_clause[i] > j->rows_of_clause[worst])
			worst = i;
	}
	report_error(c->r, c->clauses[worst].place,
		     "the plan needs %llu pairs of classes in sl_pair, this build holds at most %u; \"%s\" "
		     "makes %llu "
		     "of them: name fewer groups or labelled networks in it",
		     (unsigned long long)total, SL_MAX_PAIR, c->clauses[worst].name,
		     (unsigned long long)j->rows_of_clause[worst]);
	return true;
}

/* The clause that makes the rows of this pair: the first, or that which gives the class where nothing else is said. */
static uint32_t speaker(const struct join *j, const struct type_pair *pair)
{
	const struct decided *d = (const struct decided *)j->decided.item + pair->list - 1;
	size_t length;
	const uint32_t *list = intern_bytes(&j->lists, pair->list, &length);
	size_t at = 0;

	while (!d->apart.policy && d->apart.qos && j->c->clauses[list[at]].kind != CLAUSE_QOS)
		at++;
	return list[at];
}

static bool spread_all(struct join *j)
{
	struct compile *c = j->c;
	const struct type_pair *pair = j->pairs.item;
	uint32_t *class_of_label = heap_take(&c->scratch, (c->label_values.count + 1) * sizeof(uint32_t));
	uint64_t total = 0;

	j->rows_of_clause = heap_take(&c->scratch, c->clause_count * sizeof(uint64_t));
	if (!class_of_label || !j->rows_of_clause)
		return false;
	for (int counting = 1; counting >= 0; counting--) {
		for (size_t i = 0; i < j->pairs.count; i++) {
			uint64_t rows = 0;

			if (pair[i].split)
				mark_labels(c, pair[i].to, class_of_label, false);
			if (!spread(j, &pair[i], class_of_label, counting ? &rows : NULL))
				return false;
			if (pair[i].split)
				mark_labels(c, pair[i].to, class_of_label, true);
			j->rows_of_clause[speaker(j, &pair[i])] += rows;
			total += rows;
		}
		if (counting && (too_many(j, total) || !rows_expect(c, SL_TABLE_sl_pair, total)))
			return false;
	}
	return true;
}

bool policy_build(struct compile *c)
{
	struct join j = {
		.c = c,
		.hits = { .size = sizeof(struct hit) },
		.order = { .size = sizeof(uint32_t) },
		.touched = { .size = sizeof(uint32_t) },
		.decided = { .size = sizeof(struct decided) },
		.pairs = { .size = sizeof(struct type_pair) },
	};
	uint32_t types = (uint32_t)c->types.count;
	bool done = false;

	j.start = heap_take(&c->scratch, (types + 1) * sizeof(uint32_t));
	j.opened = heap_take(&c->scratch, types + 1);
	if (!j.start || !j.opened || !clauses_build(c) || !index_clauses(&j))
		goto out;
	for (uint32_t first = 1, last; first <= types; first = last + 1) {
		uint32_t vpc = type_at(c, first).vpc;

		for (last = first; last < types && type_at(c, last + 1).vpc == vpc; last++)
			;
		for (uint32_t from = first; from <= last; from++) {
			if (!gather_hits(&j, from, first, last) || !decide_hits(&j, from))
				goto out;
		}
	}
	done = spread_all(&j);
	if (done)
		clauses_warn(c);
out:
	list_free(&j.hits);
	list_free(&j.order);
	list_free(&j.touched);
	list_free(&j.decided);
	list_free(&j.pairs);
	intern_free(&j.lists);
	return done;
}
