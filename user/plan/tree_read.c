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
#include "tree_read.h"

#define DEEPEST 2048

struct reading {
	char *at;
	struct arena *arena;
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

/* Bytes of the UTF-8 sequence here; 0: none. RFC 3629: shortest form, no surrogates, nothing above U+10FFFF. */
static size_t sequence(const unsigned char *s)
{
	size_t length = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

/* Moves behind plain characters: to a quote, a backslash, or what must not stand in a string. */
static char *plain(char *s)
{
	for (;;) {
		unsigned char c = (unsigned char)*s;
		size_t length = 1;

		if (c >= 0x80)
			length = sequence((const unsigned char *)s);
		else if (c < ' ' || c == '"' || c == '\\')
			return s;
		if (!length)
			return s;
		s += length;
	}
}

static bool hex4(const char *s, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++) {
		char c = s[i];
		uint32_t digit = is_digit(c)		? (uint32_t)(c - '0')
				 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
							: 16;

		if (digit > 15)
			return false;
		*out = *out << 4 | digit;
	}
	return true;
}

static char *encode(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

/* Behind a backslash; *out moves on. False: no escape. */
static bool escape(char **at, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *known = **at ? strchr(from, **at) : NULL;
	uint32_t c, low;

	if (known) {
		*(*out)++ = to[known - from];
		++*at;
		return true;
	}
	if (**at != 'u' || !hex4(*at + 1, &c) || !c)
		return false;
	*at += 5;
	if (c >= 0xd800 && c < 0xdc00) {
		if ((*at)[0] != '\\' || (*at)[1] != 'u' || !hex4(*at + 2, &low) || low < 0xdc00 ||
		    low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		*at += 6;
	} else if (c >= 0xdc00 && c < 0xe000) {
		return false;
	}
	*out = encode(*out, c);
	return true;
}

/* The string that begins at `start` and has an escape at `at`; no escape is shorter than what it means. */
static const char *unescape(struct reading *r, const char *start, char *at)
{
	size_t most = (size_t)(at - start);
	const char *quote = at;
	char *text, *out;

	while (*quote && *quote != '"')
		quote += *quote == '\\' && quote[1] ? 2 : 1;
	most += (size_t)(quote - at);
	text = arena_alloc(r->arena, most + 1, 1);
	if (!text)
		return NULL;
	memcpy(text, start, (size_t)(at - start));
	out = text + (at - start);
	while (*at != '"') {
		char *next;

		if (*at++ != '\\' || !escape(&at, &out))
			return NULL;
		next = plain(at);
		memcpy(out, at, (size_t)(next - at));
		out += next - at;
		at = next;
	}
	r->at = at + 1;
	return text;
}

/* At a quote. */
static const char *read_string(struct reading *r)
{
	char *start = r->at + 1, *end = plain(start);

	if (*end == '\\')
		return unescape(r, start, end);
	if (*end != '"')
		return NULL;
	*end = 0;
	r->at = end + 1;
	return start;
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
	errno = 0;
	if (real)
		v->real = strtod(start, &end);
	else
		v->integer = strtoll(start, &end, 10);
	v->kind = real ? TREE_REAL : TREE_INTEGER;
	r->at = s;
	/* A number too small for a double is zero, as it is for jansson. */
	return end == s && (real ? !isinf(v->real) : errno != ERANGE);
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
	size_t count = r->used - first;
	struct tree_body *body = v->body;

	if (count > UINT32_MAX / 4)
		return false;
	v->count = body->room = (uint32_t)count;
	if (!count)
		return true;
	if (v->kind == TREE_LIST) {
		body->item = arena_alloc(r->arena, count, sizeof(struct tree *));
		for (size_t i = 0; body->item && i < count; i++)
			body->item[i] = r->stack[first + i].value;
	} else {
		body->member = arena_alloc(r->arena, count, sizeof(*body->member));
		if (body->member)
			memcpy(body->member, r->stack + first, count * sizeof(*body->member));
	}
	r->used = first;
	return body->item;
}

static bool read_items(struct reading *r, struct tree *v)
{
	size_t first = r->used;

	r->at++;
	if (skip(r, ']'))
		return true;
	do {
		struct tree *item = read_value(r);

		if (!item || !push(r, NULL, item))
			return false;
	} while (skip(r, ','));
	return skip(r, ']') && close_holder(r, v, first);
}

static bool read_members(struct reading *r, struct tree *v)
{
	size_t first = r->used;
	bool unique;

	r->at++;
	if (skip(r, '}'))
		return true;
	do {
		struct tree *value;
		const char *key;

		skip_blanks(r);
		key = *r->at == '"' ? read_string(r) : NULL;
		value = key && skip(r, ':') ? read_value(r) : NULL;
		if (!value || !push(r, key, value))
			return false;
	} while (skip(r, ','));
	return skip(r, '}') && close_holder(r, v, first) && tree_settle(v, r->arena, &unique) && unique;
}

static bool read_holder(struct reading *r, struct tree *v)
{
	bool done;

	v->kind = *r->at == '{' ? TREE_OBJECT : TREE_LIST;
	v->body = arena_alloc(r->arena, 1, sizeof(*v->body));
	if (!v->body || r->depth == DEEPEST)
		return false;
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
	bool done;

	skip_blanks(r);
	if (!v)
		return NULL;
	switch (*r->at) {
	case '"':
		v->kind = TREE_STRING;
		v->text = read_string(r);
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
	struct reading r = { .at = text, .arena = arena };
	struct tree *root = NULL;

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
