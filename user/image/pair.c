/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of sl_pair: what was decided for two types is spread over their classes. They are most of an image, hundreds of
 * thousands, so they are counted first, by source, and then each is written once and where it belongs, one source after
 * the other: its destinations are marked in a map of bits in the order that rows have, and read from there. That takes no
 * more than what is there when they are counted, so it is done beside the other stages.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "pair.h"

struct pair_row {
	struct sl_pair_key key;
	struct sl_pair row;
};

_Static_assert(sizeof(struct pair_row) == sizeof(struct sl_pair_key) + sizeof(struct sl_pair),
	       "rows without padding");

#define WORD 64

struct spreading {
	const struct compile *c;
	struct type_pairs pairs;
	const struct decided *decided;
	uint32_t *order; /* classes by the bytes of their numbers */
	uint32_t *rank; /* of each class there */
	uint32_t *at_src; /* rows by class, then where the first one goes */
	/* Of the source that is written now, by rank: */
	uint64_t *marked; /* a bit for each destination */
	uint64_t *words; /* a bit for each word of these that has one */
	uint32_t *said; /* 2 * number of the decided + 1 for equal labels */
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

/* A type has at most one class of a label: the one of the destination type that has the source's, or 0. */
static uint32_t twin_of(const struct compile *c, uint32_t src, uint32_t type)
{
	const struct class_key key = { .type = type, .label = label_of(c, src) };

	return key.label ? intern_find(&c->classes, &key, sizeof(key)) : 0;
}

/*
 * How many rows each class of the type has to the other one: as many as the kernel may never hold, in no time. Pairs of
 * classes with different labels cost nothing as long as nothing is said of them.
 */
static void count_pair(struct spreading *s, uint32_t type, const struct type_pair *pair)
{
	const struct compile *c = s->c;
	const struct decided *d = &s->decided[pair->decided - 1];
	const uint32_t *start = c->classes_of_type.start, *class = c->classes_of_type.item;
	uint32_t to = pair->to, targets = start[to + 1] - start[to];
	bool all = says(&d->said[0]), alike = says(&d->said[1]);

	for (uint32_t a = start[type]; a < start[type + 1]; a++) {
		uint32_t rows = all ? targets : 0;

		if (d->split && all != alike && twin_of(c, class[a], to))
			rows += alike ? 1U : -1U;
		s->at_src[class[a]] += rows;
		s->count += rows;
	}
}

/* `rows`: of each clause. */
static void count_all(struct spreading *s, uint64_t *rows)
{
	const struct type_pair *pairs = s->pairs.item.item;
	const uint32_t *start = s->pairs.start;

	for (uint32_t from = 1; from <= s->c->types.count; from++) {
		for (uint32_t i = start[from]; i < start[from + 1]; i++) {
			size_t before = s->count;

			count_pair(s, from, &pairs[i]);
			rows[s->decided[pairs[i].decided - 1].speaker] += s->count - before;
		}
	}
}

static inline void mark(struct spreading *s, uint32_t dst, uint32_t said)
{
	uint32_t rank = s->rank[dst];

	s->marked[rank / WORD] |= 1ULL << rank % WORD;
	s->words[rank / WORD / WORD] |= 1ULL << rank / WORD % WORD;
	s->said[rank] = said;
}

static void mark_pair(struct spreading *s, uint32_t src, const struct type_pair *pair)
{
	const struct compile *c = s->c;
	const struct decided *d = &s->decided[pair->decided - 1];
	const uint32_t *start = c->classes_of_type.start, *class = c->classes_of_type.item;
	uint32_t twin = d->split ? twin_of(c, src, pair->to) : 0, said = 2 * (pair->decided - 1);

	for (uint32_t b = start[pair->to]; says(&d->said[0]) && b < start[pair->to + 1]; b++) {
		if (class[b] != twin)
			mark(s, class[b], said);
	}
	if (twin && says(&d->said[1]))
		mark(s, twin, said + 1);
}

/* What is marked, which then is no more. */
static void write_marked(struct spreading *s, uint32_t src)
{
	struct pair_row *row = s->rows + s->at_src[src];

	for (size_t i = 0; i <= s->c->classes.count / WORD / WORD; i++) {
		for (; s->words[i]; s->words[i] &= s->words[i] - 1) {
			size_t word = i * WORD + (size_t)__builtin_ctzll(s->words[i]);

			for (; s->marked[word]; s->marked[word] &= s->marked[word] - 1, row++) {
				size_t rank = word * WORD + (size_t)__builtin_ctzll(s->marked[word]);
				const struct decision *said =
					&s->decided[s->said[rank] / 2].said[s->said[rank] % 2];

				row->key = (struct sl_pair_key){ .src = src, .dst = s->order[rank] };
				row->row = (struct sl_pair){ .set = said->set,
							     .rule = said->rule,
							     .policy = said->policy,
							     .qos = said->qos };
			}
		}
	}
}

/* As another class of the same type has them, of which no label tells it apart. */
static void write_alike(struct spreading *s, uint32_t src, uint32_t other, size_t count)
{
	const struct pair_row *from = s->rows + s->at_src[other];
	struct pair_row *to = s->rows + s->at_src[src];

	for (size_t i = 0; i < count; i++) {
		to[i] = from[i];
		to[i].key.src = src;
	}
}

static void write_type(struct spreading *s, uint32_t type)
{
	const uint32_t *start = s->c->classes_of_type.start, *class = s->c->classes_of_type.item;
	const struct type_pair *pairs = s->pairs.item.item;
	uint32_t first = s->pairs.start[type], end = s->pairs.start[type + 1];
	bool split = false;
	size_t count = 0;

	for (uint32_t i = first; i < end; i++) {
		const struct decided *d = &s->decided[pairs[i].decided - 1];

		split |= d->split;
		count += says(&d->said[0]) ? start[pairs[i].to + 1] - start[pairs[i].to] : 0;
	}
	for (uint32_t a = start[type]; a < start[type + 1]; a++) {
		if (!split && a > start[type]) {
			write_alike(s, class[a], class[start[type]], count);
			continue;
		}
		for (uint32_t i = first; i < end; i++)
			mark_pair(s, class[a], &pairs[i]);
		write_marked(s, class[a]);
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

static void *write_rows(void *argument)
{
	struct spreading *s = argument;

	for (uint32_t type = 1; type <= s->c->types.count; type++)
		write_type(s, type);
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
	s->rank = heap_take(&c->scratch, (classes + 1) * sizeof(*s->rank));
	s->at_src = heap_take(&c->scratch, (classes + 1) * sizeof(*s->at_src));
	s->marked = heap_take(&c->scratch, (classes / WORD + 1) * sizeof(*s->marked));
	s->words = heap_take(&c->scratch, (classes / WORD / WORD + 1) * sizeof(*s->words));
	s->said = heap_take(&c->scratch, (classes + 1) * sizeof(*s->said));
	if (!s->order || !s->rank || !s->at_src || !s->marked || !s->words || !s->said || !rows_of_clause)
		return false;
	for (uint32_t i = 0; i < classes; i++)
		s->order[i] = i + 1;
	qsort(s->order, classes, sizeof(*s->order), by_bytes);
	for (uint32_t i = 0; i < classes; i++)
		s->rank[s->order[i]] = i;
	count_all(s, rows_of_clause);
	if (too_many(c, s->count, rows_of_clause))
		return false;
	if (!s->count)
		return true;
	to_places(s, s->at_src);
	s->rows = rows_place(c, SL_TABLE_sl_pair, s->count);
	return s->rows;
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
	list_free(&s->pairs.item);
	list_free(&s->pairs.decided);
	c->pairs = NULL;
}
