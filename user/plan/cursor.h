/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the parser stands in the merged document, and how it takes a value from there. A cursor lives on
 * the stack and points to the one above it, so that a path costs nothing until somebody needs it in a
 * message. Indexes count within the file that wrote the list, not within the merged list.
 *
 * An object is taken by a table of its fields: unknown keys, missing keys and wrong types are found in one
 * place for the whole plan. A taker never stops at a mistake; it reports it and leaves zero behind.
 */
#ifndef SLUICE_CURSOR_H
#define SLUICE_CURSOR_H
#include "arena.h"
#include "origin.h"
#include "plan.h"
#include "tree.h"

/* Names that were kept, by their hash: thousands of records name the same networks, nodes and labels. */
#define KEPT 2048
struct kept {
	char *name[KEPT];
};

struct reader {
	struct arena *arena; /* of the plan */
	struct report *report;
	const struct origins *origins;
	struct kept *kept; /* NULL: every name is kept anew */
};

struct at {
	const struct reader *reader;
	const struct tree *value;
	const char *file;
	const struct at *up; /* NULL: the document */
	const char *key; /* member of an object, or NULL: */
	size_t index; /* item of a list */
	const char *holder_path; /* instead of that of `up`: what holds this was written there */
};

struct field;
typedef void taker(const struct at *at, const struct field *field, void *out);

struct field {
	const char *key;
	taker *take;
	size_t offset; /* of what it fills in the record */
	bool needed;
	uint32_t low, high; /* take_u32, take_u16 */
	const char *const *words; /* take_word, take_choice, take_switch; ends with NULL */
};

#define FIELD(word, taker, at, ...)                                                                          \
	{                                                                                                    \
		.key = word, .take = taker, .offset = at, __VA_ARGS__                                        \
	}

/* One line about the value here. */
void wrong(const struct at *at, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The place for a record that is kept. */
struct place place_of(const struct at *at);
/* "an object", "a string", … for messages. */
const char *type_of(const struct at *at);
/* The string here, or NULL after saying what was expected. */
const char *text_of(const struct at *at, const char *expected);
char *keep(const struct at *at, const char *text);
/* The name that many records may share, kept once. Says so where it is no name. */
char *keep_name(const struct at *at, const char *text);

/* Children. */
struct at member_of(const struct at *at, const char *key, const struct tree *value);

void take_object(const struct at *at, const struct field *fields, size_t count, void *record);
#define TAKE_OBJECT(at, fields, record) take_object(at, fields, sizeof(fields) / sizeof((fields)[0]), record)
/* A list or a map of records of `size` bytes, each filled by `one`. A map comes sorted by key. */
void *take_list(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
		size_t *count);
void *take_map(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
	       size_t *count);
/* A list, or one value that stands for a list of one. */
void *take_list_or_one(const struct at *at, size_t size, void (*one)(const struct at *at, void *record),
		       size_t *count);

/* The key of the map here as the record's name; NULL after saying why not. */
char *name_of(const struct at *at);
char *interface_of(const struct at *at);

#endif
