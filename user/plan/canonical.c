/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes canonical JSON: see canonical.h. A plan of 100,000 workloads is written at every apply.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "canonical.h"
#include "huge.h"

#define FEW 16

struct output {
	char *data;
	size_t used;
	size_t room;
	bool failed;
};

static bool make_room(struct output *o, size_t length)
{
	size_t room = o->room ? o->room : 4096;
	char *more;

	if (o->failed)
		return false;
	while (room - o->used < length)
		room *= 2;
	more = realloc(o->data, room);
	if (!more) {
		o->failed = true;
		return false;
	}
	huge_advise(more, room);
	o->data = more;
	o->room = room;
	return true;
}

static inline void put(struct output *o, const char *text, size_t length)
{
	if (o->room - o->used < length && !make_room(o, length))
		return;
	memcpy(o->data + o->used, text, length);
	o->used += length;
}

static inline void put_char(struct output *o, char c)
{
	if (o->used == o->room && !make_room(o, 1))
		return;
	o->data[o->used++] = c;
}

static void put_string(struct output *o, const char *text)
{
	const char *s = text;
	char escaped[8];

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

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct tree_member *)a)->key, ((const struct tree_member *)b)->key);
}

/* Most objects have a handful of members. */
static void sort(struct tree_member *member, size_t n)
{
	if (n > FEW) {
		qsort(member, n, sizeof(*member), by_key);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct tree_member one = member[i];
		size_t at = i;

		for (; at && strcmp(member[at - 1].key, one.key) > 0; at--)
			member[at] = member[at - 1];
		member[at] = one;
	}
}

static void put_value(struct output *o, const struct tree *value);

static void put_object(struct output *o, const struct tree *value)
{
	struct tree_member few[FEW], *entries = few;
	size_t n = tree_members(value);

	if (n > FEW)
		entries = malloc(n * sizeof(*entries));
	if (!entries) {
		o->failed = true;
		return;
	}
	if (n)
		memcpy(entries, value->body->member, n * sizeof(*entries));
	sort(entries, n);
	put_char(o, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			put_char(o, ',');
		put_string(o, entries[i].key);
		put_char(o, ':');
		put_value(o, entries[i].value);
	}
	put_char(o, '}');
	if (entries != few)
		free(entries);
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
		put_string(o, value->text);
		break;
	case TREE_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)value->integer);
		put(o, number, strlen(number));
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

char *canonical_write(const struct tree *root)
{
	struct output o = { 0 };

	put_value(&o, root);
	put_char(&o, 0);
	if (!o.failed)
		return o.data;
	free(o.data);
	return NULL;
}

char *canonical_text(const struct tree *root, struct arena *arena)
{
	char *text = canonical_write(root);

	if (text && arena_adopt(arena, text))
		return text;
	free(text);
	return NULL;
}
