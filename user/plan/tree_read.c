/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads JSON into a tree, strictly by RFC 8259, and no more than jansson would take (tree.h). The text ends with a zero
 * byte and holds no other one, so that no loop needs to look for the end. A string without escapes is ended in place by
 * a zero byte where its quote stood: as no other byte becomes zero, a text that is refused can be put right again.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "key.h"
#include "literal.h"
#include "quoted.h"
#include "tree_read.h"

#define DEEPEST 2048

/* A text this long is worth a thread. */
#define LONG ((size_t)1 << 20)
/* How far behind its middle to look for where an item may begin. */
#define LOOK ((size_t)64 << 10)

struct reading {
	char *at;
	const char *end; /* of the text: a zero byte */
	struct arena *arena;
	struct keys *keys;
	struct key *owner; /* what is read is its value, or in a list that is */
	struct key other; /* stands for the keys that are not kept */
	struct tree_member *stack; /* items and members of what is still open */
	size_t used;
	size_t room;
	unsigned int depth;
	unsigned int deepest;
	bool object; /* the document is one */
	struct ahead *ahead; /* NULL: nobody reads ahead */
	struct tree_member
		*rest; /* as a stack: what was read ahead, of which members from `taken` on are next */
	size_t taken;
	size_t rest_used; /* 0: there are none */
};

/*
 * A list's items that another thread reads meanwhile: from the comma in the middle of a long text that looks as if it
 * stood between two of them. A zero byte stands there instead, so that whoever reads up to it reads not one byte that
 * is being changed. If it turns out to have been another comma, nothing is kept of it, and one thread reads all.
 *
 * Behind the list it goes on as if that were a member of the document, which is an object: with the members to come, or
 * else one thread would have most of the text to read. If it is not, they are read again.
 */
struct ahead {
	char *comma;
	struct reading reading;
	pthread_t thread;
	bool done; /* items, and no more of them */
	size_t items;
	char *behind; /* the items; at the end of the list */
	bool members; /* and what stands behind it are members of an object, and no more of them */
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
	const struct tree_member *pushed;
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
	pushed = r->stack + first;
	if (v->kind == TREE_OBJECT) {
		memcpy(body->data, pushed, count * sizeof(*pushed));
		return true;
	}
	for (size_t i = 0; i < count; i++)
		((struct tree **)body->data)[i] = pushed[i].value;
	return true;
}

static bool read_some(struct reading *r)
{
	struct key *owner = r->owner;

	do {
		struct tree *item;

		r->owner = owner;
		item = read_value(r);
		if (!item || !push(r, NULL, item))
			return false;
	} while (skip(r, ','));
	return true;
}

/* Strings that were ended in place are as they stood there. */
static void put_right(char *from, const char *end)
{
	while (from < end && (from = memchr(from, 0, (size_t)(end - from))))
		*from++ = '"';
}

/* What was read ahead are the next items of the list that is open; maybe also the members behind it. */
static bool take_ahead(struct reading *r)
{
	struct ahead *ahead = r->ahead;
	struct reading *more = &ahead->reading;
	bool done;

	pthread_join(ahead->thread, NULL);
	done = ahead->done && r->depth + more->deepest <= DEEPEST;
	for (size_t i = 0; done && i < ahead->items; i++)
		done = push(r, NULL, more->stack[i].value);
	arena_join(r->arena, more->arena);
	r->rest = more->stack;
	if (ahead->members && r->object && r->depth == 2) {
		r->taken = ahead->items;
		r->rest_used = more->used;
		r->at = more->at;
	} else {
		put_right(ahead->behind, more->at);
		r->at = ahead->behind;
	}
	r->end = more->end;
	r->ahead = NULL;
	return done;
}

static bool read_items(struct reading *r, struct tree *v)
{
	size_t first = r->used;

	r->at++;
	if (skip(r, ']'))
		return close_holder(r, v, first);
	if (!read_some(r) || (r->ahead && r->at == r->ahead->comma && !take_ahead(r)))
		return false;
	return (r->rest_used || skip(r, ']')) && close_holder(r, v, first);
}

/* The members behind the list whose items were read ahead. */
static bool take_rest(struct reading *r)
{
	bool done = true;

	for (size_t i = r->taken; done && i < r->rest_used; i++)
		done = push(r, r->rest[i].key, r->rest[i].value);
	r->rest_used = 0;
	return done;
}

/* *kept: their keys are. `first`: the first of the object's on the stack. */
static bool read_pairs(struct reading *r, struct key **guess, size_t first, bool *kept)
{
	struct key *key = NULL;

	*kept = true;
	do {
		struct tree *value;
		const char *text;

		skip_blanks(r);
		text = *r->at == '"' ? read_key(r, guess, r->used - first < TREE_FEW) : NULL;
		key = *guess;
		*kept &= key != NULL;
		r->owner = key ? key : &r->other;
		value = text && skip(r, ':') ? read_value(r) : NULL;
		if (!value || !push(r, text, value))
			return false;
		if (r->rest_used) {
			*kept = false; /* the other thread has kept its own */
			return take_rest(r);
		}
		guess = key ? &key->next : &key;
	} while (skip(r, ','));
	return true;
}

static bool read_members(struct reading *r, struct tree *v)
{
	size_t first = r->used;
	bool unique, kept;

	r->at++;
	if (skip(r, '}'))
		return close_holder(r, v, first);
	return read_pairs(r, &r->owner->inner, first, &kept) && skip(r, '}') && close_holder(r, v, first) &&
	       tree_settle(v, r->arena, kept, &unique) && unique;
}

static bool read_holder(struct reading *r, struct tree *v)
{
	bool done;

	if (r->depth == DEEPEST)
		return false;
	v->kind = *r->at == '{' ? TREE_OBJECT : TREE_LIST;
	if (++r->depth > r->deepest)
		r->deepest = r->depth;
	done = v->kind == TREE_OBJECT ? read_members(r, v) : read_items(r, v);
	r->depth--;
	return done;
}

static struct tree *read_value(struct reading *r)
{
	struct tree *v = arena_alloc(r->arena, 1, sizeof(*v));
	size_t length;
	char *behind;
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
	default:
		behind = literal_read(r->at, v);
		done = behind;
		r->at = behind ? behind : r->at;
	}
	return done ? v : NULL;
}

static void *read_ahead(void *argument)
{
	struct ahead *ahead = argument;
	struct reading *r = &ahead->reading;
	struct key document = { 0 };
	bool kept;

	ahead->done = read_some(r);
	ahead->items = r->used;
	ahead->behind = r->at;
	r->owner = &document;
	ahead->members =
		ahead->done && skip(r, ']') && skip(r, ',') && read_pairs(r, &document.inner, r->used, &kept);
	return NULL;
}

static struct tree *read_all(struct reading *r)
{
	struct tree *root = NULL;

	skip_blanks(r);
	r->object = *r->at == '{';
	if (*r->at == '{' || *r->at == '[')
		root = read_value(r);
	skip_blanks(r);
	return r->at == r->end ? root : NULL;
}

static struct tree *read_alone(char *text, size_t length, struct arena *arena)
{
	struct keys keys = { .arena = arena };
	struct reading r = { .at = text, .end = text + length, .arena = arena, .keys = &keys };
	struct tree *root;

	r.owner = &r.other;
	root = read_all(&r);
	free(r.stack);
	for (size_t i = 0; !root && i < length; i++)
		if (!text[i])
			text[i] = '"';
	return root;
}

static char *behind_blanks(char *s)
{
	return s + strspn(s, " \n\t\r");
}

/* A comma behind the middle, between what looks like two objects in a list; NULL: none. */
static char *middle_comma(char *text, size_t length)
{
	char *end = text + length / 2 + LOOK;

	for (char *s = text + length / 2; s < end; s++) {
		char *comma = *s == '}' ? behind_blanks(s + 1) : NULL;

		if (comma && *comma == ',' && *behind_blanks(comma + 1) == '{')
			return comma;
	}
	return NULL;
}

static struct tree *read_with(struct ahead *ahead, char *text, struct arena *arena)
{
	struct keys keys = { .arena = arena };
	struct reading r = { .at = text, .end = ahead->comma, .arena = arena, .keys = &keys, .ahead = ahead };
	struct tree *root;

	r.owner = &r.other;
	root = read_all(&r);
	free(r.stack);
	free(r.rest);
	if (!r.ahead)
		return root;
	/* It was no comma between items, or something is wrong before it. */
	pthread_join(ahead->thread, NULL);
	arena_free(ahead->reading.arena);
	free(ahead->reading.stack);
	return NULL;
}

/* In two threads. NULL: it could not be done so; the text is as it was. */
static struct tree *read_in_two(char *text, size_t length, struct arena *arena)
{
	struct keys keys = { .arena = arena_new() };
	struct ahead ahead = { .comma = middle_comma(text, length),
			       .reading = { .end = text + length, .arena = keys.arena, .keys = &keys } };
	struct tree *root = NULL;

	ahead.reading.owner = &ahead.reading.other;
	ahead.reading.at = ahead.comma ? ahead.comma + 1 : NULL;
	if (!keys.arena || !ahead.comma || pthread_create(&ahead.thread, NULL, read_ahead, &ahead)) {
		arena_free(keys.arena);
		return NULL;
	}
	*ahead.comma = 0;
	root = read_with(&ahead, text, arena);
	*ahead.comma = ',';
	for (size_t i = 0; !root && i < length; i++)
		if (!text[i])
			text[i] = '"';
	return root;
}

struct tree *tree_read(char *text, size_t length, struct arena *arena)
{
	struct tree *root = length < LONG ? NULL : read_in_two(text, length, arena);

	return root || arena_failed(arena) ? root : read_alone(text, length, arena);
}
