/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cursors in the merged document: see cursor.h. Paths are written the way people write them:
 * $.networks.net-mgmt.sites.pn-main.cidrs[0], with ["..."] around keys that a dot would misread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cursor.h"
#include "value.h"

/* Longer paths are cut; no plan nests that deep without being wrong elsewhere. */
#define PATH_LONGEST 1024
/* Keys of a document may have any length; a message quotes this much. */
#define KEY_LONGEST 80

static bool plain(const char *key)
{
	size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return length && !key[length] && length <= KEY_LONGEST;
}

static size_t write_path(const struct at *at, char out[PATH_LONGEST])
{
	size_t used;
	int more;

	if (!at->up) {
		out[0] = '$';
		out[1] = 0;
		return 1;
	}
	used = write_path(at->up, out);
	if (!at->key)
		more = snprintf(out + used, PATH_LONGEST - used, "[%zu]", at->index);
	else if (plain(at->key))
		more = snprintf(out + used, PATH_LONGEST - used, ".%s", at->key);
	else
		more = snprintf(out + used, PATH_LONGEST - used, "[\"%.*s%s\"]", KEY_LONGEST, at->key,
				strlen(at->key) > KEY_LONGEST ? "..." : "");
	used += more > 0 ? (size_t)more : 0;
	return used < PATH_LONGEST ? used : PATH_LONGEST - 1;
}

void wrong(const struct at *at, const char *format, ...)
{
	char path[PATH_LONGEST];
	struct place place = { .file = at->file, .path = path };
	va_list arguments;

	write_path(at, path);
	va_start(arguments, format);
	report_note(at->reader->report, false, &place, format, arguments);
	va_end(arguments);
}

char *keep(const struct at *at, const char *text)
{
	return arena_copy(at->reader->arena, text, strlen(text));
}

struct place place_of(const struct at *at)
{
	char path[PATH_LONGEST];
	size_t length = write_path(at, path);

	return (struct place){ .file = at->file, .path = arena_copy(at->reader->arena, path, length) };
}

const char *type_of(const struct at *at)
{
	switch (json_typeof(at->value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a fraction";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		break;
	}
	return "null";
}

const char *text_of(const struct at *at, const char *expected)
{
	const char *text = json_string_value(at->value);

	if (!text)
		wrong(at, "found %s, expected %s", type_of(at), expected);
	return text;
}

struct at member_of(const struct at *at, const char *key, const json_t *value)
{
	const char *file = origin_of_member(at->reader->origins, at->value, key);

	return (struct at){ at->reader, value, file ? file : at->file, at, key, 0 };
}

static void unknown_key(const struct at *at, const struct field *fields, size_t count)
{
	const char *keys[32], *nearest;
	char all[512];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		keys[i] = fields[i].key;
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", keys[i]);
		if (used >= sizeof(all))
			used = sizeof(all) - 1;
	}
	nearest = value_nearest(at->key, keys, count);
	if (nearest)
		wrong(at, "unknown key, expected \"%s\"?", nearest);
	else
		wrong(at, "unknown key, expected one of %s", all);
}

void take_object(const struct at *at, const struct field *fields, size_t count, void *record)
{
	const char *key;
	uint32_t seen = 0;
	json_t *value;
	size_t i;

	if (!json_is_object(at->value)) {
		wrong(at, "found %s, expected an object", type_of(at));
		return;
	}
	for (void *iter = json_object_iter((json_t *)(uintptr_t)at->value); iter;
	     iter = json_object_iter_next((json_t *)(uintptr_t)at->value, iter)) {
		struct at child;

		key = json_object_iter_key(iter);
		value = json_object_iter_value(iter);
		child = member_of(at, key, value);
		for (i = 0; i < count && strcmp(fields[i].key, key) != 0; i++)
			;
		if (i == count) {
			unknown_key(&child, fields, count);
			continue;
		}
		seen |= 1U << i;
		fields[i].take(&child, &fields[i], (char *)record + fields[i].offset);
	}
	for (i = 0; i < count; i++)
		if (fields[i].needed && !(seen & 1U << i))
			wrong(at, "the key \"%s\" is missing, expected it here", fields[i].key);
}

static void *take_items(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
			size_t *count)
{
	const struct segment *segment = origin_of_list(at->reader->origins, at->value);
	size_t n = json_array_size(at->value), start = 0;
	const char *file = at->file;
	char *items;

	items = arena_alloc(at->reader->arena, n, size);
	for (size_t i = 0; items && i < n; i++) {
		struct at child = { at->reader, json_array_get(at->value, i), NULL, at, NULL, 0 };

		for (; segment && segment->start <= i; segment = segment->next) {
			file = segment->file;
			start = segment->start;
		}
		child.file = file;
		child.index = i - start;
		one(&child, items + i * size);
	}
	*count = items ? n : 0;
	return items;
}

void *take_list(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
		size_t *count)
{
	*count = 0;
	if (!json_is_array(at->value)) {
		wrong(at, "found %s, expected a list", type_of(at));
		return NULL;
	}
	return take_items(at, size, one, count);
}

void *take_list_or_one(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
		       size_t *count)
{
	void *item;

	*count = 0;
	if (json_is_array(at->value))
		return take_items(at, size, one, count);
	item = arena_alloc(at->reader->arena, 1, size);
	if (!item)
		return NULL;
	*count = 1;
	one(at, item);
	return item;
}

struct entry {
	const char *key;
	json_t *value;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

void *take_map(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
	       size_t *count)
{
	struct entry *entries = NULL;
	char *items = NULL;
	size_t n, i = 0;

	*count = 0;
	if (!json_is_object(at->value)) {
		wrong(at, "found %s, expected an object of name: value", type_of(at));
		return NULL;
	}
	n = json_object_size(at->value);
	if (!n)
		return NULL;
	entries = malloc(n * sizeof(*entries));
	items = arena_alloc(at->reader->arena, n, size);
	if (!entries || !items) {
		at->reader->report->lost = true;
		goto out;
	}
	for (void *iter = json_object_iter((json_t *)(uintptr_t)at->value); iter && i < n;
	     iter = json_object_iter_next((json_t *)(uintptr_t)at->value, iter), i++)
		entries[i] = (struct entry){ json_object_iter_key(iter), json_object_iter_value(iter) };
	qsort(entries, n, sizeof(*entries), by_key);
	for (i = 0; i < n; i++) {
		struct at child = member_of(at, entries[i].key, entries[i].value);

		one(&child, items + i * size);
	}
	*count = n;
out:
	free(entries);
	return *count ? items : NULL;
}

char *name_of(const struct at *at)
{
	char why[WHY];

	if (!value_name(at->key, strlen(at->key), why))
		wrong(at, "%s", why);
	return keep(at, at->key);
}

char *interface_of(const struct at *at)
{
	char why[WHY];

	if (!value_interface(at->key, why))
		wrong(at, "%s", why);
	return keep(at, at->key);
}
