/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes canonical JSON: see canonical.h. jansson can sort keys too, but at twice the cost of reading the
 * plan; a plan of 100,000 workloads is written at every apply.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "canonical.h"

struct output {
	char *data;
	size_t used;
	size_t room;
	bool failed;
};

struct entry {
	const char *key;
	json_t *value;
};

static void put(struct output *o, const char *text, size_t length)
{
	size_t room = o->room ? o->room : 4096;
	char *more;

	if (o->failed)
		return;
	if (o->room - o->used < length) {
		while (room - o->used < length)
			room *= 2;
		more = realloc(o->data, room);
		if (!more) {
			o->failed = true;
			return;
		}
		o->data = more;
		o->room = room;
	}
	memcpy(o->data + o->used, text, length);
	o->used += length;
}

static void put_string(struct output *o, const char *text)
{
	const char *s = text;
	char escaped[8];

	put(o, "\"", 1);
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
	put(o, "\"", 1);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static void put_value(struct output *o, const json_t *value);

static void put_object(struct output *o, const json_t *value)
{
	json_t *object = (json_t *)(uintptr_t)value;
	struct entry few[16], *entries = few;
	size_t count = json_object_size(object), n = 0;

	if (count > 16)
		entries = malloc(count * sizeof(*entries));
	if (!entries) {
		o->failed = true;
		return;
	}
	for (void *iter = json_object_iter(object); iter && n < count;
	     iter = json_object_iter_next(object, iter))
		entries[n++] = (struct entry){ json_object_iter_key(iter), json_object_iter_value(iter) };
	qsort(entries, n, sizeof(*entries), by_key);
	put(o, "{", 1);
	for (size_t i = 0; i < n; i++) {
		if (i)
			put(o, ",", 1);
		put_string(o, entries[i].key);
		put(o, ":", 1);
		put_value(o, entries[i].value);
	}
	put(o, "}", 1);
	if (entries != few)
		free(entries);
}

static void put_value(struct output *o, const json_t *value)
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		put_object(o, value);
		break;
	case JSON_ARRAY:
		put(o, "[", 1);
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (i)
				put(o, ",", 1);
			put_value(o, json_array_get(value, i));
		}
		put(o, "]", 1);
		break;
	case JSON_STRING:
		put_string(o, json_string_value(value));
		break;
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		put(o, number, strlen(number));
		break;
	case JSON_REAL:
		snprintf(number, sizeof(number), "%.17g", json_real_value(value));
		put(o, number, strlen(number));
		break;
	case JSON_TRUE:
		put(o, "true", 4);
		break;
	case JSON_FALSE:
		put(o, "false", 5);
		break;
	case JSON_NULL:
		put(o, "null", 4);
		break;
	}
}

char *canonical_text(const json_t *root, struct arena *arena)
{
	struct output o = { 0 };
	char *text = NULL;

	put_value(&o, root);
	if (!o.failed)
		text = arena_copy(arena, o.data, o.used);
	free(o.data);
	return text;
}
