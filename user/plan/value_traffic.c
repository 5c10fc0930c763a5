/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which traffic: protocols, ports, selectors, DSCP, and the guess at what a misspelt word meant. See
 * value.h. Nothing here looks a name up; that is the checker's work.
 */
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include "value.h"

#define SAY(...) (snprintf(why, WHY, __VA_ARGS__), false)
#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	uint8_t proto;
	bool ports;
} PROTOCOLS[] = {
	{ "tcp", IPPROTO_TCP, true },
	{ "udp", IPPROTO_UDP, true },
	{ "sctp", IPPROTO_SCTP, true },
	{ "icmp", IPPROTO_ICMP, false },
};

/* A decimal of at most five digits up to 65535, no leading zero; moves *text behind it. */
static bool short_number(const char **text, uint32_t *out)
{
	const char *s = *text;

	*out = 0;
	if (*s == '0' && s[1] >= '0' && s[1] <= '9')
		return false;
	while (*s >= '0' && *s <= '9' && s - *text < 5)
		*out = *out * 10 + (uint32_t)(*s++ - '0');
	if (s == *text || *out > UINT16_MAX)
		return false;
	*text = s;
	return true;
}

bool value_proto(const char *text, uint8_t *proto, char why[WHY])
{
	for (size_t i = 0; i < SIZE(PROTOCOLS); i++)
		if (PROTOCOLS[i].ports && !strcmp(PROTOCOLS[i].name, text)) {
			*proto = PROTOCOLS[i].proto;
			return true;
		}
	return SAY("\"" QUOTE "\" is not a protocol with ports, expected tcp, udp or sctp", text);
}

static bool port_numbers(const char *text, const char *s, struct range *ports, char why[WHY])
{
	if (!short_number(&s, &ports->first))
		goto bad;
	ports->last = ports->first;
	if (*s == '-') {
		s++;
		if (!short_number(&s, &ports->last))
			goto bad;
	}
	if (*s)
		goto bad;
	if (ports->last < ports->first)
		return SAY("%s ends before it starts, expected %u-%u", text, ports->last, ports->first);
	if (!ports->first)
		return SAY("%s holds port 0, expected ports from 1 to 65535", text);
	return true;
bad:
	return SAY("\"" QUOTE
		   "\" does not end in a port or a range of ports, expected 1-65535, such as tcp/443 or "
		   "tcp/6800-7300",
		   text);
}

bool value_port(const char *text, struct port *port, char why[WHY])
{
	size_t word = strcspn(text, "/");
	const char *rest = text[word] ? text + word + 1 : NULL;
	struct range ports;
	uint32_t proto;

	*port = (struct port){ 0 };
	if (!strcmp(text, "any")) {
		port->any = true;
		return true;
	}
	if (word == 5 && !strncmp(text, "proto", 5) && rest) {
		if (!short_number(&rest, &proto) || *rest || proto > 255)
			return SAY("\"" QUOTE "\" is not a protocol number, expected proto/0 to proto/255",
				   text);
		port->proto = (uint8_t)proto;
		rest = NULL;
	} else {
		size_t i;

		for (i = 0; i < SIZE(PROTOCOLS); i++)
			if (strlen(PROTOCOLS[i].name) == word && !strncmp(PROTOCOLS[i].name, text, word))
				break;
		if (i == SIZE(PROTOCOLS))
			return SAY("\"" QUOTE
				   "\" is not a port, expected any, icmp, tcp/443, udp/53, sctp/3868, "
				   "tcp/6800-7300 or proto/47",
				   text);
		port->proto = PROTOCOLS[i].proto;
	}
	for (size_t i = 0; i < SIZE(PROTOCOLS); i++)
		if (PROTOCOLS[i].ports && PROTOCOLS[i].proto == port->proto)
			port->last = UINT16_MAX;
	if (!rest)
		return true;
	if (!port->last)
		return SAY("\"" QUOTE "\": %.*s has no ports, expected \"%.*s\"", text, (int)word, text,
			   (int)word, text);
	if (!port_numbers(text, rest, &ports, why))
		return false;
	port->first = (uint16_t)ports.first;
	port->last = (uint16_t)ports.last;
	return true;
}

bool value_port_range(const char *text, struct range *ports, char why[WHY])
{
	return port_numbers(text, text, ports, why);
}

static const struct {
	const char *word;
	enum selector_kind kind;
} SELECTORS[] = {
	{ "any", SELECT_ANY },		{ "world", SELECT_WORLD },
	{ "host", SELECT_HOST },	{ "remote-host", SELECT_REMOTE_HOST },
	{ "network:", SELECT_NETWORK }, { "group:", SELECT_GROUP },
	{ "cidr:", SELECT_CIDR },	{ "cluster:", SELECT_CLUSTER },
	{ "vpc:", SELECT_VPC },		{ "service:", SELECT_SERVICE },
};

bool value_selector(const char *text, struct selector_text *selector, char why[WHY])
{
	const char *colon = strchr(text, ':');
	size_t i, word = colon ? (size_t)(colon - text) + 1 : strlen(text);

	*selector = (struct selector_text){ 0 };
	for (i = 0; i < SIZE(SELECTORS); i++)
		if (strlen(SELECTORS[i].word) == word && !strncmp(SELECTORS[i].word, text, word))
			break;
	if (i == SIZE(SELECTORS))
		return SAY("\"" QUOTE "\" is not a selector, expected network:NAME, group:NAME, cidr:PREFIX, "
			   "cluster:NAME, vpc:NAME, service:NAME, world, host, remote-host or any",
			   text);
	selector->kind = SELECTORS[i].kind;
	if (!colon)
		return true;
	if (selector->kind == SELECT_CIDR)
		return value_prefix(colon + 1, &selector->cidr, why);
	selector->name = colon + 1;
	selector->name_length = strlen(selector->name);
	if (selector->kind == SELECT_NETWORK && strchr(selector->name, '@')) {
		selector->name_length = strcspn(selector->name, "@");
		selector->cluster = selector->name + selector->name_length + 1;
		if (!value_name(selector->cluster, strlen(selector->cluster), why))
			return false;
	}
	return value_name(selector->name, selector->name_length, why);
}

bool value_dscp(const char *text, uint8_t *dscp, char why[WHY])
{
	/* RFC 2474 class selectors, RFC 2597, RFC 3246. */
	if (!strcmp(text, "EF"))
		*dscp = 46;
	else if (!strcmp(text, "BE"))
		*dscp = 0;
	else if (text[0] == 'C' && text[1] == 'S' && text[2] >= '0' && text[2] <= '7' && !text[3])
		*dscp = (uint8_t)((text[2] - '0') * 8);
	else if (text[0] == 'A' && text[1] == 'F' && text[2] >= '1' && text[2] <= '4' && text[3] >= '1' &&
		 text[3] <= '3' && !text[4])
		*dscp = (uint8_t)((text[2] - '0') * 8 + (text[3] - '0') * 2);
	else
		return SAY("\"" QUOTE
			   "\" is not a DSCP, expected BE, EF, CS0-CS7, AF11-AF43 or a number 0-63",
			   text);
	return true;
}

/* Optimal string alignment: swapped neighbours count once, as they do on a keyboard. */
static unsigned int distance(const char *a, const char *b)
{
	enum { LONGEST = 48 };
	unsigned int row[3][LONGEST + 1], *before = row[0], *last = row[1], *now = row[2], *swap;
	size_t la = strlen(a), lb = strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return LONGEST;
	memset(row, 0, sizeof(row));
	for (size_t j = 0; j <= lb; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned int best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		swap = before;
		before = last;
		last = now;
		now = swap;
	}
	return last[lb];
}

const char *value_nearest(const char *text, const char *const *candidates, size_t count)
{
	size_t length = strlen(text);
	unsigned int best = length < 4 ? 2 : length < 8 ? 3 : 4; /* exclusive */
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		unsigned int d = distance(text, candidates[i]);

		if (d < best && d < strlen(candidates[i])) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}
