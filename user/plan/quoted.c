/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings as they stand in JSON text, between quotes: see quoted.h. Most of a plan is made up of them, so they are
 * walked through eight bytes at a time.
 */
#include <stdint.h>
#include <string.h>
#include "quoted.h"

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

/* How many of the eight characters that begin at s are plain ASCII and neither a quote nor a backslash. */
static inline size_t plain_of_eight(const char *s)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t ones = 0x0101010101010101, tops = ones * 0x80;
	uint64_t word, quote, slash, other;

	memcpy(&word, s, sizeof(word));
	quote = word ^ ones * '"';
	slash = word ^ ones * '\\';
	/* A top bit for each byte that is 0, or below ' '; the borrow may set bits above the first of them only. */
	other = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | (word - ones * ' ') | word;
	other &= tops;
	return other ? (size_t)__builtin_ctzll(other) / 8 : sizeof(word);
#else
	(void)s;
	return 0;
#endif
}

char *quoted_plain(char *s, const char *end)
{
	for (;;) {
		unsigned char c;
		size_t length;

		while (end - s >= 8) {
			length = plain_of_eight(s);
			s += length;
			if (length < 8)
				break;
		}
		c = (unsigned char)*s;
		length = c >= 0x80 ? sequence((const unsigned char *)s) : c >= ' ' && c != '"' && c != '\\';
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
		uint32_t digit = c >= '0' && c <= '9'	? (uint32_t)(c - '0')
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

/* No escape is shorter than what it means. */
const char *quoted_unescape(const char *start, char *at, const char *end, struct arena *arena, char **behind)
{
	size_t most = (size_t)(at - start);
	const char *quote = at;
	char *text, *out;

	while (*quote && *quote != '"')
		quote += *quote == '\\' && quote[1] ? 2 : 1;
	most += (size_t)(quote - at);
	text = arena_alloc(arena, most + 1, 1);
	if (!text)
		return NULL;
	memcpy(text, start, (size_t)(at - start));
	out = text + (at - start);
	while (*at != '"') {
		char *next;

		if (*at++ != '\\' || !escape(&at, &out))
			return NULL;
		next = quoted_plain(at, end);
		memcpy(out, at, (size_t)(next - at));
		out += next - at;
		at = next;
	}
	*behind = at + 1;
	return text;
}
