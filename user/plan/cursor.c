/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cursors in the merged document: see cursor.h. Paths are written the way people write them:
 * $.networks.net-mgmt.sites.pn-main.cidrs[0], with ["..."] around keys that a dot would misread.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cursor.h"
#include "hash.h"
#include "value.h"

/* Longer paths are cut; no plan nests that deep without being wrong elsewhere. */
#define PATH_LONGEST 1024
/* Keys of a document may have any length; a message quotes this much. */
#define KEY_LONGEST 80
/* So many items are worth a thread, */
#define MANY 4096
/* and so many that their holder's path is written out once. */
#define SOME 8

static bool in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '_';
}

/* Asked for every key of every path: strspn() would make a table of all characters first, each time. */
static bool plain(const char *key)
{
	size_t length = 0;

	while (length <= KEY_LONGEST && in_word(key[length]))
		length++;
	return length && !key[length] && length <= KEY_LONGEST;
}

/* As much of `text` as there is room for; there always is for the zero byte. */
static size_t append(char out[PATH_LONGEST], size_t used, const char *text, size_t length)
{
	if (length > PATH_LONGEST - 1 - used)
		length = PATH_LONGEST - 1 - used;
	memcpy(out + used, text, length);
	out[used + length] = 0;
	return used + length;
}

static size_t append_index(char out[PATH_LONGEST], size_t used, size_t index)
{
	char text[24], *at = text + sizeof(text);

	*--at = ']';
	do
		*--at = (char)('0' + index % 10);
	while (index /= 10);
	*--at = '[';
	return append(out, used, at, (size_t)(text + sizeof(text) - at));
}

/* Every record has its path written, so this does without snprintf(). */
static size_t write_path(const struct at *at, char out[PATH_LONGEST])
{
	size_t used;

	if (!at->up)
		return append(out, 0, "$", 1);
	/* A path that was kept was cut to fit already. */
	used = at->holder_path ? append(out, 0, at->holder_path, strlen(at->holder_path))
			       : write_path(at->up, out);
	if (!at->key)
		return append_index(out, used, at->index);
	if (plain(at->key)) {
		used = append(out, used, ".", 1);
		return append(out, used, at->key, strlen(at->key));
	}
	used = append(out, used, "[\"", 2);
	used = append(out, used, at->key, strnlen(at->key, KEY_LONGEST));
	if (strlen(at->key) > KEY_LONGEST)
		used = append(out, used, "...", 3);
	return append(out, used, "\"]", 2);
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

char *keep_name(const struct at *at, const char *text)
{
	size_t length = strlen(text);
	char **kept = at->reader->kept ? &at->reader->kept->name[hash_bytes(0, text, length) % KEPT] : NULL;
	char why[WHY], *name;

	if (kept && *kept && !strcmp(*kept, text))
		return *kept;
	name = arena_copy(at->reader->arena, text, length);
	if (!value_name(text, length, why))
		wrong(at, "%s", why);
	else if (kept)
		*kept = name;
	return name;
}

struct place place_of(const struct at *at)
{
	char path[PATH_LONGEST];
	size_t length = write_path(at, path);

	return (struct place){ .file = at->file, .path = arena_copy(at->reader->arena, path, length) };
}

const char *type_of(const struct at *at)
{
	switch (at->value->kind) {
	case TREE_OBJECT:
		return "an object";
	case TREE_LIST:
		return "a list";
	case TREE_STRING:
		return "a string";
	case TREE_INTEGER:
		return "a number";
	case TREE_REAL:
		return "a fraction";
	case TREE_TRUE:
		return "true";
	case TREE_FALSE:
		return "false";
	case TREE_NULL:
		break;
	}
	return "null";
}

const char *text_of(const struct at *at, const char *expected)
{
	const char *text = tree_text(at->value);

	if (!text)
		wrong(at, "found %s, expected %s", type_of(at), expected);
	return text;
}

struct at member_of(const struct at *at, const char *key, const struct tree *value)
{
	const struct seam *seam = origin_of_member(at->reader->origins, at->value, key);

	return (struct at){ at->reader, value, seam ? seam->file : at->file,   at,
			    key,	0,     seam ? seam->holder_path : NULL };
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

/* The field of this key, or `count`. Whoever writes a plan orders keys as the tables do: `next` is looked at first. */
static size_t find_field(const struct field *fields, size_t count, const char *key, size_t next)
{
	for (size_t i = next; i < count; i++)
		if (*fields[i].key == *key && !strcmp(fields[i].key, key))
			return i;
	for (size_t i = 0; i < next && i < count; i++)
		if (*fields[i].key == *key && !strcmp(fields[i].key, key))
			return i;
	return count;
}

void take_object(const struct at *at, const struct field *fields, size_t count, void *record)
{
	uint32_t seen = 0;
	size_t i, next = 0;

	if (!tree_is_object(at->value)) {
		wrong(at, "found %s, expected an object", type_of(at));
		return;
	}
	for (size_t m = 0; m < tree_members(at->value); m++) {
		const struct tree_member *member = tree_member(at->value, m);
		struct at child = member_of(at, member->key, member->value);

		i = find_field(fields, count, member->key, next);
		next = i + 1;
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

/* Some items of a list, by a reader of their own. */
struct part {
	const struct at *at;
	struct reader reader;
	void (*one)(const struct at *at, void *record);
	char *items;
	size_t size;
	size_t first;
	size_t end;
};

static void *take_part(void *argument)
{
	const struct part *p = argument;
	const struct segment *segment = origin_of_list(p->reader.origins, p->at->value);
	const char *file = p->at->file, *holder_path = NULL;
	char path[PATH_LONGEST];
	size_t start = 0;

	/* Many items begin with the same path. */
	if (p->end - p->first >= SOME) {
		write_path(p->at, path);
		holder_path = path;
	}

	for (size_t i = p->first; i < p->end; i++) {
		struct at child = { &p->reader, tree_item(p->at->value, i), NULL, p->at, NULL, 0, NULL };

		for (; segment && segment->start <= i; segment = segment->next) {
			file = segment->file;
			start = segment->start;
			holder_path = segment->holder_path ? segment->holder_path : holder_path;
		}
		child.file = file;
		child.index = i - start;
		child.holder_path = holder_path;
		p->one(&child, p->items + i * p->size);
	}
	return NULL;
}

/* A long list in two halves at once. The second one's memory and findings then go behind the first one's. */
static void take_halves(struct part *p)
{
	struct report report = { 0 };
	struct kept kept = { 0 };
	struct part second = *p;
	pthread_t thread;
	bool started;

	second.reader.report = &report;
	second.reader.kept = &kept;
	second.reader.arena = arena_new();
	if (!second.reader.arena) {
		p->reader.report->lost = true;
		return;
	}
	second.first = p->end = p->first + (p->end - p->first) / 2;
	started = !pthread_create(&thread, NULL, take_part, &second);
	take_part(p);
	if (started)
		pthread_join(thread, NULL);
	else
		take_part(&second);
	arena_join(p->reader.arena, second.reader.arena);
	report_join(p->reader.report, &report);
}

static void *take_items(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
			size_t *count)
{
	size_t n = tree_items(at->value);
	struct part all = { .at = at,
			    .reader = *at->reader,
			    .one = one,
			    .items = arena_alloc(at->reader->arena, n, size),
			    .size = size,
			    .end = n };
	void *items = all.items;

	*count = items ? n : 0;
	if (!items)
		return NULL;
	if (n < MANY)
		take_part(&all);
	else
		take_halves(&all);
	return items;
}

void *take_list(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
		size_t *count)
{
	*count = 0;
	if (!tree_is_list(at->value)) {
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
	if (tree_is_list(at->value))
		return take_items(at, size, one, count);
	item = arena_alloc(at->reader->arena, 1, size);
	if (!item)
		return NULL;
	*count = 1;
	one(at, item);
	return item;
}

void *take_map(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
	       size_t *count)
{
	struct tree_member few[TREE_FEW], *member = few;
	char path[PATH_LONGEST], *items;
	size_t n;

	*count = 0;
	if (!tree_is_object(at->value)) {
		wrong(at, "found %s, expected an object of name: value", type_of(at));
		return NULL;
	}
	n = tree_members(at->value);
	if (!n)
		return NULL;
	if (n > TREE_FEW)
		member = malloc(n * sizeof(*member));
	items = arena_alloc(at->reader->arena, n, size);
	if (!member || !items) {
		at->reader->report->lost = true;
		goto out;
	}
	tree_sort(at->value, member);
	if (n >= SOME)
		write_path(at, path);
	for (size_t i = 0; i < n; i++) {
		struct at child = member_of(at, member[i].key, member[i].value);

		if (n >= SOME && !child.holder_path)
			child.holder_path = path;
		one(&child, items + i * size);
	}
	*count = n;
out:
	if (member != few)
		free(member);
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
