/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads JSON into a tree, strictly by RFC 8259, and no more than jansson would take (tree.h). The text ends with a zero
 * byte and holds no other one, so that no loop needs to look for the end. A string without escapes is ended in place by
 * a zero byte where its quote stood: as no other byte becomes zero, a text that is refused can be put right again.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "key.h"
#include "quoted.h"
#include "tree_read.h"

#define DEEPEST 2048

struct reading {
	char *at;
	const char *end; /* of the text: the zero byte */
	struct arena *arena;
	struct keys *keys;
	struct key *owner; /* what is read is its value, or in a list that is */
	struct key other; /* stands for the keys that are not kept */
	struct tree_member *stack; /* items and members of what is still open */
	size_t used;
	size_t room;
	unsigned int depth;
};

static struct tree *read_value(struct reading *r);

static void skip_blanks(struct reading *r)
{
	while (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')
		r->at++;
}

static bool skip(struct reading *r, char c)
{
	skip_blanks(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* At a quote. *length: of a string that was not copied; 0: it was, or is empty. */
static const char *read_string(struct reading *r, size_t *length)
{
	char *start = r->at + 1, *end = quoted_plain(start, r->end);

	*length = 0;
	if (*end == '\\')
		return quoted_unescape(start, end, r->end, r->arena, &r->at);
	if (*end != '"')
		return NULL;
	*length = (size_t)(end - start);
	*end = 0;
	r->at = end + 1;
	return start;
}

/* Whether this key stands here, which most often is the one that stood here in the object before. */
static bool is_key(const struct reading *r, const struct key *key)
{
	return key && (size_t)(r->end - r->at) > key->length + 1 && r->at[key->length + 1] == '"' &&
	       !memcmp(r->at + 1, key->text, key->length);
}

/* At a quote. *guess: the key that is expected, then the one that it was; NULL: one that is not kept. */
static const char *read_key(struct reading *r, struct key **guess, bool keep)
{
	const char *text;
	size_t length;

	if (is_key(r, *guess)) {
		r->at += (*guess)->length + 2;
		return (*guess)->text;
	}
	text = read_string(r, &length);
	*guess = keep && length ? key_of(r->keys, text, length) : NULL;
	return *guess ? (*guess)->text : text;
}

static bool read_number(struct reading *r, struct tree *v)
{
	char *start = r->at, *s = start, *end;
	bool real = false;

	s += *s == '-';
	if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
		return false;
	while (is_digit(*s))
		s++;
	if (*s == '.') {
		real = true;
		if (!is_digit(*++s))
			return false;
		while (is_digit(*s))
			s++;
	}
	if (*s == 'e' || *s == 'E') {
		real = true;
		s++;
		s += *s == '+' || *s == '-';
		if (!is_digit(*s))
			return false;
		while (is_digit(*s))
			s++;
	}
	v->kind = real ? TREE_REAL : TREE_INTEGER;
	r->at = s;
	errno = 0;
	/* A number too small for a double is zero, as it is for jansson. */
	if (real) {
		v->real = strtod(start, &end);
		return end == s && !isinf(v->real);
	}
	v->integer = strtoll(start, &end, 10);
	return end == s && errno != ERANGE;
}

static bool push(struct reading *r, const char *key, struct tree *value)
{
	struct tree_member *grown;

	if (r->used == r->room) {
		size_t room = r->room ? r->room * 2 : 256;

		grown = realloc(r->stack, room * sizeof(*grown));
		if (!grown)
			return false;
		r->stack = grown;
		r->room = room;
	}
	r->stack[r->used++] = (struct tree_member){ key, value };
	return true;
}

/* What was pushed since `first` becomes the list's items or the object's members. */
static bool close_holder(struct reading *r, struct tree *v, size_t first)
{
	const struct tree_member *pushed = r->stack + first;
	size_t count = r->used - first;
	struct tree_body *body;

	if (count > UINT32_MAX / 4)
		return false;
	body = arena_alloc(r->arena, 1,
			   sizeof(*body) +
				   count * (v->kind == TREE_LIST ? sizeof(struct tree *) : sizeof(*pushed)));
	if (!body)
		return false;
	v->body = body;
	v->count = body->room = (uint32_t)count;
	r->used = first;
	if (!count)
		return true;
	if (v->kind == TREE_OBJECT) {
		body->member = memcpy(body + 1, pushed, count * sizeof(*pushed));
		return true;
	}
	body->item = (struct tree **)(body + 1);
	for (size_t i = 0; i < count; i++)
		body->item[i] = pushed[i].value;
	return true;
}

static bool read_items(struct reading *r, struct tree *v)
{
	struct key *owner = r->owner;
	size_t first = r->used;

	r->at++;
	if (skip(r, ']'))
		return close_holder(r, v, first);
	do {
		struct tree *item;

		r->owner = owner;
		item = read_value(r);
		if (!item || !push(r, NULL, item))
			return false;
	} while (skip(r, ','));
	return skip(r, ']') && close_holder(r, v, first);
}

static bool read_members(struct reading *r, struct tree *v)
{
	struct key *key = NULL, **guess = &r->owner->inner;
	bool unique, kept = true;
	size_t first = r->used;

	r->at++;
	if (skip(r, '}'))
		return close_holder(r, v, first);
	do {
		struct tree *value;
		const char *text;

		skip_blanks(r);
		text = *r->at == '"' ? read_key(r, guess, r->used - first < TREE_FEW) : NULL;
		key = *guess;
		kept &= key != NULL;
		r->owner = key ? key : &r->other;
		value = text && skip(r, ':') ? read_value(r) : NULL;
		if (!value || !push(r, text, value))
			return false;
		guess = key ? &key->next : &key;
	} while (skip(r, ','));
	return skip(r, '}') && close_holder(r, v, first) && tree_settle(v, r->arena, kept, &unique) && unique;
}

static bool read_holder(struct reading *r, struct tree *v)
{
	bool done;

	if (r->depth == DEEPEST)
		return false;
	v->kind = *r->at == '{' ? TREE_OBJECT : TREE_LIST;
	r->depth++;
	done = v->kind == TREE_OBJECT ? read_members(r, v) : read_items(r, v);
	r->depth--;
	return done;
}

static bool read_word(struct reading *r, struct tree *v)
{
	static const struct {
		const char *word;
		enum tree_kind kind;
	} words[] = { { "true", TREE_TRUE }, { "false", TREE_FALSE }, { "null", TREE_NULL } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].word);

		if (strncmp(r->at, words[i].word, length) != 0)
			continue;
		v->kind = words[i].kind;
		r->at += length;
		return true;
	}
	return false;
}

static struct tree *read_value(struct reading *r)
{
	struct tree *v = arena_alloc(r->arena, 1, sizeof(*v));
	size_t length;
	bool done;

	skip_blanks(r);
	if (!v)
		return NULL;
	switch (*r->at) {
	case '"':
		v->kind = TREE_STRING;
		v->text = read_string(r, &length);
		v->count = length <= UINT32_MAX ? (uint32_t)length : 0;
		done = v->text;
		break;
	case '{':
	case '[':
		done = read_holder(r, v);
		break;
	case 't':
	case 'f':
	case 'n':
		done = read_word(r, v);
		break;
	default:
		done = read_number(r, v);
	}
	return done ? v : NULL;
}

struct tree *tree_read(char *text, size_t length, struct arena *arena)
{
	struct keys keys = { .arena = arena };
	struct reading r = { .at = text, .end = text + length, .arena = arena, .keys = &keys };
	struct tree *root = NULL;

	r.owner = &r.other;
	skip_blanks(&r);
	if (*r.at == '{' || *r.at == '[')
		root = read_value(&r);
	skip_blanks(&r);
	free(r.stack);
	if (root && r.at == text + length)
		return root;
	for (size_t i = 0; i < length; i++)
		if (!text[i])
			text[i] = '"';
	return NULL;
}
