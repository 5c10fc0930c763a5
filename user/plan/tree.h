/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A JSON document as a tree in one arena. It is here because a plan may have millions of values: jansson takes an
 * allocation or two and about 100 bytes for each, and as long to free them as to read them. What is no JSON is not
 * explained here but by jansson, which then reads the text once more (document.c).
 *
 * Strings without escapes are not copied: they stay in the text, which has to live as long as the tree. A node never
 * moves; whoever knows it by its address goes on knowing it. Members keep the order they were written in.
 */
#ifndef SLUICE_TREE_H
#define SLUICE_TREE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arena.h"

/* Objects of more members than this have an index. */
#define TREE_FEW 16

enum tree_kind {
	TREE_NULL,
	TREE_FALSE,
	TREE_TRUE,
	TREE_INTEGER,
	TREE_REAL,
	TREE_STRING,
	TREE_LIST,
	TREE_OBJECT,
};

struct tree {
	enum tree_kind kind;
	uint32_t
		count; /* items, members, or bytes of a string in which none has to be escaped (0: it is not known) */
	union {
		int64_t integer;
		double real;
		const char *text;
		struct tree_body *body;
	};
};

struct tree_member {
	const char *key;
	struct tree *value;
};

/* Items or members stand right behind it: a plan may have hundreds of thousands of them, most with a few. */
struct tree_body {
	uint32_t room; /* for items or members */
	uint32_t slots; /* of the index, a power of two; 0: few members, no index */
	uint32_t *index; /* member + 1 by the hash of its key; 0: free */
	_Alignas(struct tree_member) unsigned char data[];
};

/*
 * The document in text[0..length), behind which a zero byte stands; there is none in it. Members whose key begins with
 * `#` are left out. NULL: no JSON by RFC 8259 in UTF-8, or a key stands twice in an object, a number is beyond 64 bits,
 * lists and objects are nested deeper than 2048, or memory ran out (arena_failed()); the text is then as it was.
 */
struct tree *tree_read(char *text, size_t length, struct arena *arena);

/* What is asked of a value of another kind, or of NULL, is false, 0 or NULL. */
static inline bool tree_is(const struct tree *v, enum tree_kind kind)
{
	return v && v->kind == kind;
}

static inline bool tree_is_object(const struct tree *v)
{
	return tree_is(v, TREE_OBJECT);
}

static inline bool tree_is_list(const struct tree *v)
{
	return tree_is(v, TREE_LIST);
}

static inline size_t tree_items(const struct tree *v)
{
	return tree_is_list(v) ? v->count : 0;
}

static inline size_t tree_members(const struct tree *v)
{
	return tree_is_object(v) ? v->count : 0;
}

static inline const char *tree_text(const struct tree *v)
{
	return tree_is(v, TREE_STRING) ? v->text : NULL;
}

static inline struct tree *tree_item(const struct tree *list, size_t i)
{
	return ((struct tree **)list->body->data)[i];
}

static inline struct tree_member *tree_member(const struct tree *object, size_t i)
{
	return (struct tree_member *)object->body->data + i;
}

/* The members in the order of their keys; there is room for all of them. */
void tree_sort(const struct tree *object, struct tree_member *sorted);
struct tree *tree_get(const struct tree *object, const char *key);
bool tree_equal(const struct tree *a, const struct tree *b);

/* An empty list or object; NULL: no memory, as below. */
struct tree *tree_new(enum tree_kind kind, struct arena *arena);
/* A list or object with the same items or members, not copies of them. */
struct tree *tree_copy(const struct tree *holder, struct arena *arena);
/* Puts `value` in the place of the member, or behind the others. */
bool tree_set(struct tree *object, const char *key, struct tree *value, struct arena *arena);
/* False: it was not there. */
bool tree_remove(struct tree *object, const char *key);
/* The items of `from` behind those of `list`. */
bool tree_extend(struct tree *list, const struct tree *from, struct arena *arena);

#endif
