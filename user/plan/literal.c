/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers and words as they stand in JSON text: see literal.h.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "literal.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char *read_number(char *start, struct tree *v)
{
	char *s = start, *end;
	bool real = false;

	s += *s == '-';
	if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
		return NULL;
	while (is_digit(*s))
		s++;
	if (*s == '.') {
		real = true;
		if (!is_digit(*++s))
			return NULL;
		while (is_digit(*s))
			s++;
	}
	if (*s == 'e' || *s == 'E') {
		real = true;
		s++;
		s += *s == '+' || *s == '-';
		if (!is_digit(*s))
			return NULL;
		while (is_digit(*s))
			s++;
	}
	v->kind = real ? TREE_REAL : TREE_INTEGER;
	errno = 0;
	/* A number too small for a double is zero, as it is for jansson. */
	if (real) {
		v->real = strtod(start, &end);
		return end == s && !isinf(v->real) ? s : NULL;
	}
	v->integer = strtoll(start, &end, 10);
	return end == s && errno != ERANGE ? s : NULL;
}

static char *read_word(char *at, struct tree *v)
{
	static const struct {
		const char *word;
		enum tree_kind kind;
	} words[] = { { "true", TREE_TRUE }, { "false", TREE_FALSE }, { "null", TREE_NULL } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].word);

		if (strncmp(at, words[i].word, length) != 0)
			continue;
		v->kind = words[i].kind;
		return at + length;
	}
	return NULL;
}

char *literal_read(char *at, struct tree *v)
{
	return *at == 't' || *at == 'f' || *at == 'n' ? read_word(at, v) : read_number(at, v);
}
