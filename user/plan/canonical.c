/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes canonical JSON: see canonical.h. A plan of 100,000 workloads is written at every apply.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "canonical.h"
#include "hash.h"

#define KNOWN 64
/* Few calls, and it stays in the cache. */
#define BLOCK ((size_t)64 << 10)

/* In which order to write the members of an object. */
struct order {
	uint8_t member[TREE_FEW]; /* which one comes first, second... */
	uint8_t length[TREE_FEW]; /* of its key; 0: not known, or it has to be escaped */
};

/* How objects of these keys are written, each of which has the same address in all of them. */
struct known {
	size_t count;
	const char *key[TREE_FEW]; /* as they stand in the object */
	struct order order;
};

struct output {
	const struct copy *copy;
	size_t used;
	bool failed;
	struct known known[KNOWN]; /* the last ones that were met */
	char block[BLOCK]; /* what is not handed on yet */
};

static void hand_on(struct output *o)
{
	o->copy->take(o->copy->to, o->block, o->used);
	o->used = 0;
}

static inline void put(struct output *o, const char *text, size_t length)
{
	if (BLOCK - o->used < length) {
		hand_on(o);
		if (length > BLOCK) {
			o->copy->take(o->copy->to, text, length);
			return;
		}
	}
	memcpy(o->block + o->used, text, length);
	o->used += length;
}

static inline void put_char(struct output *o, char c)
{
	if (o->used == BLOCK)
		hand_on(o);
	o->block[o->used++] = c;
}

/* The length of a text in which nothing has to be escaped, else 0. */
static size_t plain(const char *text)
{
	const char *s = text;

	while ((unsigned char)*s >= ' ' && *s != '"' && *s != '\\')
		s++;
	return *s ? 0 : (size_t)(s - text);
}

static void put_plain(struct output *o, const char *text, size_t length)
{
	put_char(o, '"');
	put(o, text, length);
	put_char(o, '"');
}

/* `length`: of a text in which nothing has to be escaped, or 0. */
static void put_string(struct output *o, const char *text, size_t length)
{
	const char *s = text;
	char escaped[8];

	if (length) {
		put_plain(o, text, length);
		return;
	}
	put_char(o, '"');
	for (; *s; s++) {
		if ((unsigned char)*s >= ' ' && *s != '"' && *s != '\\')
			continue;
		put(o, text, (size_t)(s - text));
		if (*s == '"' || *s == '\\')
			snprintf(escaped, sizeof(escaped), "\\%c", *s);
		else
			snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned char)*s);
		put(o, escaped, strlen(escaped));
		text = s + 1;
	}
	put(o, text, (size_t)(s - text));
	put_char(o, '"');
}

/* Records of one kind have the same keys in the same order, which then need not be sorted again. */
static bool is_known(const struct known *known, const struct tree *object)
{
	if (known->count != object->count)
		return false;
	for (size_t i = 0; i < known->count; i++)
		if (known->key[i] != tree_member(object, i)->key)
			return false;
	return true;
}

static void learn(struct known *known, const struct tree *object)
{
	uint8_t *member = known->order.member;

	known->count = object->count;
	for (size_t i = 0; i < known->count; i++) {
		const char *key = tree_member(object, i)->key;
		size_t at = i;

		known->key[i] = key;
		for (; at && strcmp(known->key[member[at - 1]], key) > 0; at--)
			member[at] = member[at - 1];
		member[at] = (uint8_t)i;
	}
	for (size_t i = 0; i < known->count; i++) {
		size_t length = plain(known->key[member[i]]);

		known->order.length[i] = length <= UINT8_MAX ? (uint8_t)length : 0;
	}
}

static void put_value(struct output *o, const struct tree *value);

static void put_member(struct output *o, const struct tree_member *member, size_t length)
{
	put_string(o, member->key, length);
	put_char(o, ':');
	put_value(o, member->value);
}

static void put_few(struct output *o, const struct tree *object)
{
	uint64_t hash = hash_number(object->count, (uintptr_t)tree_member(object, 0)->key);
	struct known *known = &o->known[hash % KNOWN];
	struct order order;

	if (!is_known(known, object))
		learn(known, object);
	order = known->order; /* what is written within may need its place */
	for (size_t i = 0; i < object->count; i++) {
		if (i)
			put_char(o, ',');
		put_member(o, tree_member(object, order.member[i]), order.length[i]);
	}
}

static void put_many(struct output *o, const struct tree *object)
{
	struct tree_member *member = malloc(object->count * sizeof(*member));

	if (!member) {
		o->failed = true;
		return;
	}
	tree_sort(object, member);
	for (size_t i = 0; i < object->count; i++) {
		if (i)
			put_char(o, ',');
		put_member(o, &member[i], plain(member[i].key));
	}
	free(member);
}

static void put_object(struct output *o, const struct tree *object)
{
	put_char(o, '{');
	if (object->count > TREE_FEW)
		put_many(o, object);
	else if (object->count)
		put_few(o, object);
	put_char(o, '}');
}

static void put_integer(struct output *o, int64_t integer)
{
	uint64_t rest = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
	char text[24], *at = text + sizeof(text);

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (integer < 0)
		*--at = '-';
	put(o, at, (size_t)(text + sizeof(text) - at));
}

static void put_value(struct output *o, const struct tree *value)
{
	char number[32];

	switch (value->kind) {
	case TREE_OBJECT:
		put_object(o, value);
		break;
	case TREE_LIST:
		put_char(o, '[');
		for (size_t i = 0; i < tree_items(value); i++) {
			if (i)
				put_char(o, ',');
			put_value(o, tree_item(value, i));
		}
		put_char(o, ']');
		break;
	case TREE_STRING:
		put_string(o, value->text, value->count);
		break;
	case TREE_INTEGER:
		put_integer(o, value->integer);
		break;
	case TREE_REAL:
		snprintf(number, sizeof(number), "%.17g", value->real);
		put(o, number, strlen(number));
		break;
	case TREE_TRUE:
		put(o, "true", 4);
		break;
	case TREE_FALSE:
		put(o, "false", 5);
		break;
	case TREE_NULL:
		put(o, "null", 4);
		break;
	}
}

bool canonical_write(const struct tree *root, const struct copy *copy)
{
	struct output *o = malloc(sizeof(*o));
	bool done;

	if (!o)
		return false;
	o->copy = copy;
	o->used = 0;
	o->failed = false;
	memset(o->known, 0, sizeof(o->known));
	put_value(o, root);
	hand_on(o);
	done = !o->failed;
	free(o);
	return done;
}

struct memory {
	char *text;
	size_t length;
	bool failed;
};

static void remember(void *to, const char *text, size_t length)
{
	struct memory *m = to;
	char *more = m->failed ? NULL : realloc(m->text, m->length + length + 1);

	m->failed = !more;
	if (!more)
		return;
	memcpy(more + m->length, text, length);
	m->text = more;
	m->length += length;
	more[m->length] = 0;
}

char *canonical_text(const struct tree *root, struct arena *arena)
{
	struct memory m = { 0 };
	const struct copy copy = { remember, &m };

	if (canonical_write(root, &copy) && !m.failed && arena_adopt(arena, m.text))
		return m.text;
	free(m.text);
	return NULL;
}
