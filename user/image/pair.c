/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of sl_pair: what was decided for two types is spread over their classes. They are most of an image, hundreds of
 * thousands, so they are counted first, by source and by destination, and then each is written once and where it
 * belongs, without a look at the bytes of any other row. That takes no more than what is there when they are counted, so
 * it is done beside the other stages.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "pair.h"

/* A row to be, among those of one destination. */
struct coming {
	uint32_t src;
	uint32_t said; /* 2 * number of the decided + 1 for equal labels */
};

struct pair_row {
	struct sl_pair_key key;
	struct sl_pair row;
};

_Static_assert(sizeof(struct pair_row) == sizeof(struct sl_pair_key) + sizeof(struct sl_pair),
	       "rows without padding");

struct spreading {
	const struct compile *c;
	struct type_pairs pairs;
	const struct decided *decided;
	uint32_t *order; /* classes by the bytes of their numbers */
	uint32_t *class_of_label; /* of the destination type */
	uint32_t *at_src; /* rows by class, then where the next one goes */
	uint32_t *at_dst;
	struct coming *coming; /* by destination; NULL: rows are only counted */
	struct pair_row *rows;
	size_t count;
	struct digest digest;
	pthread_t thread;
	bool started;
};

static uint32_t label_of(const struct compile *c, uint32_t class)
{
	const struct class_key *key;
	size_t length;

	key = intern_bytes(&c->classes, class, &length);
	return key->label;
}

static bool says(const struct decision *d)
{
	return d->policy || d->qos;
}

static inline void come(struct spreading *s, uint32_t src, uint32_t dst, uint32_t said)
{
	if (s->coming) {
		s->coming[s->at_dst[dst]++] = (struct coming){ .src = src, .said = said };
		return;
	}
	s->at_src[src]++;
	s->at_dst[dst]++;
	s->count++;
}

/* Each class of one type has a row to each of the other: as many as the kernel may never hold, in no time. */
static void count_all(struct spreading *s, uint32_t from, uint32_t to)
{
	const uint32_t *start = s->c->classes_of_type.start, *class = s->c->classes_of_type.item;
	uint32_t sources = start[from + 1] - start[from], targets = start[to + 1] - start[to];

	for (uint32_t a = start[from]; a < start[from + 1]; a++)
		s->at_src[class[a]] += targets;
	for (uint32_t b = start[to]; b < start[to + 1]; b++)
		s->at_dst[class[b]] += sources;
	s->count += (size_t)sources * targets;
}

/*
 * Pairs of classes with different labels cost nothing as long as nothing is said of them: the classes of a type
 * are found by label.
 */
static void spread(struct spreading *s, uint32_t type, const struct type_pair *pair)
{
	const struct compile *c = s->c;
	const struct decided *d = &s->decided[pair->decided - 1];
	const uint32_t *start = c->classes_of_type.start, *class = c->classes_of_type.item;
	uint32_t from = start[type], from_end = start[type + 1];
	uint32_t to = start[pair->to], to_end = start[pair->to + 1];
	uint32_t said = 2 * (pair->decided - 1);
	bool all = says(&d->said[0]), alike = says(&d->said[1]);

	if (!s->coming && all && alike) {
		count_all(s, type, pair->to);
		return;
	}
	for (uint32_t a = from; a < from_end; a++) {
		uint32_t label = d->split ? label_of(c, class[a]) : 0;
		uint32_t twin = label ? s->class_of_label[label] : 0;

		for (uint32_t b = to; all && b < to_end; b++) {
			if (class[b] != twin)
				come(s, class[a], class[b], said);
		}
		if (twin && alike)
			come(s, class[a], twin, said + 1);
	}
}

/* A type has at most one class of a label. Marks (or forgets) those of the destination type. */
static void mark_labels(struct spreading *s, uint32_t type, bool forget)
{
	const struct buckets *classes = &s->c->classes_of_type;

	for (uint32_t b = classes->start[type]; b < classes->start[type + 1]; b++)
		s->class_of_label[label_of(s->c, classes->item[b])] = forget ? 0 : classes->item[b];
}

/* `rows` of each clause, or NULL: nobody asks. */
static void spread_all(struct spreading *s, uint64_t *rows)
{
	const struct type_pair *pairs = s->pairs.item.item;
	const uint32_t *start = s->pairs.start;

	for (uint32_t from = 1; from <= s->c->types.count; from++) {
		for (uint32_t i = start[from]; i < start[from + 1]; i++) {
			const struct type_pair *pair = &pairs[i];
			const struct decided *d = &s->decided[pair->decided - 1];
			size_t before = s->count;

			if (d->split)
				mark_labels(s, pair->to, false);
			spread(s, from, pair);
			if (d->split)
				mark_labels(s, pair->to, true);
			if (rows)
				rows[d->speaker] += s->count - before;
		}
	}
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint32_t));
}

/* From how many rows each class has to where they begin. */
static void to_places(const struct spreading *s, uint32_t *at)
{
	uint32_t next = 0;

	for (size_t i = 0; i < s->c->classes.count; i++) {
		uint32_t here = at[s->order[i]];

		at[s->order[i]] = next;
		next += here;
	}
}

/* By destination, then, which keeps that, by source. */
static void *write_rows(void *argument)
{
	struct spreading *s = argument;
	uint32_t i = 0;

	spread_all(s, NULL);
	for (size_t k = 0; k < s->c->classes.count; k++) {
		uint32_t dst = s->order[k];

		for (; i < s->at_dst[dst]; i++) {
			const struct coming *coming = &s->coming[i];
			const struct decision *said = &s->decided[coming->said / 2].said[coming->said % 2];
			struct pair_row *row = &s->rows[s->at_src[coming->src]++];

			row->key = (struct sl_pair_key){ .src = coming->src, .dst = dst };
			row->row = (struct sl_pair){
				.set = said->set, .rule = said->rule, .policy = said->policy, .qos = said->qos
			};
		}
	}
	s->digest = digest_rows(s->rows, s->count, sizeof(s->rows->key), sizeof(s->rows->row));
	return NULL;
}

static bool too_many(struct compile *c, size_t total, const uint64_t *rows_of_clause)
{
	uint32_t worst = 0;

	if (total <= SL_MAX_PAIR)
		return false;
	for (uint32_t i = 1; i < c->clause_count; i++) {
		if (rows_of_clause[i] > rows_of_clause[worst])
			worst = i;
	}
	report_error(c->r, c->clauses[worst].place,
		     "the plan needs %zu pairs of classes in sl_pair, this build holds at most %u; \"%s\" "
		     "makes %llu "
		     "of them: name fewer groups or labelled networks in it",
		     total, SL_MAX_PAIR, c->clauses[worst].name, (unsigned long long)rows_of_clause[worst]);
	return true;
}

/* Counted, and with room for all. */
static bool prepare(struct compile *c, struct spreading *s)
{
	size_t classes = c->classes.count;
	uint64_t *rows_of_clause = heap_take(&c->scratch, c->clause_count * sizeof(*rows_of_clause));

	s->order = heap_take(&c->scratch, classes * sizeof(*s->order));
	s->class_of_label = heap_take(&c->scratch, (c->label_values.count + 1) * sizeof(uint32_t));
	s->at_src = heap_take(&c->scratch, (classes + 1) * sizeof(*s->at_src));
	s->at_dst = heap_take(&c->scratch, (classes + 1) * sizeof(*s->at_dst));
	if (!s->order || !s->class_of_label || !s->at_src || !s->at_dst || !rows_of_clause)
		return false;
	for (uint32_t i = 0; i < classes; i++)
		s->order[i] = i + 1;
	qsort(s->order, classes, sizeof(*s->order), by_bytes);
	spread_all(s, rows_of_clause);
	if (too_many(c, s->count, rows_of_clause))
		return false;
	if (!s->count)
		return true;
	to_places(s, s->at_dst);
	to_places(s, s->at_src);
	s->rows = rows_place(c, SL_TABLE_sl_pair, s->count);
	s->coming = malloc(s->count * sizeof(*s->coming)); /* each is written to by spread_all() */
	if (s->coming && s->rows)
		return true;
	free(s->coming);
	return false;
}

bool pairs_begin(struct compile *c, struct type_pairs *pairs)
{
	struct spreading *s = heap_take(&c->scratch, sizeof(*s));

	if (!s)
		return false;
	s->c = c;
	s->pairs = *pairs;
	s->decided = pairs->decided.item;
	if (!prepare(c, s))
		return false;
	c->pairs = s;
	*pairs = (struct type_pairs){ 0 };
	if (!s->count)
		return true;
	s->started = !pthread_create(&s->thread, NULL, write_rows, s);
	if (!s->started)
		write_rows(s);
	return true;
}

void pairs_wait(struct compile *c, struct digest *digest)
{
	struct spreading *s = c->pairs;

	if (!s)
		return;
	if (s->started)
		pthread_join(s->thread, NULL);
	if (s->count)
		*digest = s->digest;
	free(s->coming);
	list_free(&s->pairs.item);
	list_free(&s->pairs.decided);
	c->pairs = NULL;
}
