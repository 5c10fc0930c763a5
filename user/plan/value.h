/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words of the plan's little languages: addresses, prefixes, ranges, ports, selectors, MACs, names.
 * Pure functions from text to value. They never print; when a text is not what it should be they return
 * false and say in `why` what is wrong and what was expected.
 */
#ifndef SLUICE_VALUE_H
#define SLUICE_VALUE_H
#include <stdbool.h>
#include <stdint.h>
#include "plan.h"

#define WHY 256
/* How much of a text that the user wrote is quoted back. */
#define QUOTE "%.64s"

bool value_address(const char *text, uint32_t *address, char why[WHY]);
bool value_prefix(const char *text, struct prefix *prefix, char why[WHY]);
/* An address, a prefix or FIRST-LAST. */
bool value_range(const char *text, struct range *range, char why[WHY]);
bool value_vlans(const char *text, struct range *vlans, char why[WHY]);
bool value_port(const char *text, struct port *port, char why[WHY]);
/* "1024-65535" */
bool value_port_range(const char *text, struct range *ports, char why[WHY]);
bool value_mac(const char *text, uint8_t mac[6], char why[WHY]);
bool value_mark(const char *text, uint32_t *mask, char why[WHY]);
bool value_dscp(const char *text, uint8_t *dscp, char why[WHY]);
bool value_proto(const char *text, uint8_t *proto, char why[WHY]);

/* A selector without its strings: name and cluster point into `text`, with their lengths. */
struct selector_text {
	enum selector_kind kind;
	const char *name;
	size_t name_length;
	const char *cluster;
	struct prefix cidr;
};
bool value_selector(const char *text, struct selector_text *selector, char why[WHY]);

/* Letters, digits, '.', '_', '-', '/', the first a letter or digit: what others refer to. */
bool value_name(const char *text, size_t length, char why[WHY]);
/* A line for people: names of rules and asserts. */
bool value_title(const char *text, char why[WHY]);
/* What the kernel takes as the name of an interface. */
bool value_interface(const char *text, char why[WHY]);

/* The candidate nearest to `text` if it is near enough to be meant, else NULL. */
const char *value_nearest(const char *text, const char *const *candidates, size_t count);

/* Dotted quad into `out`, which is returned. */
#define ADDRESS_TEXT 16
const char *address_text(uint32_t address, char out[ADDRESS_TEXT]);
#define PREFIX_TEXT 20
const char *prefix_text(struct prefix prefix, char out[PREFIX_TEXT]);

static inline uint32_t prefix_mask(uint8_t len)
{
	return len ? ~(uint32_t)0 << (32 - len) : 0;
}

/* Whether `inner` lies in `outer`, or is it. */
static inline bool prefix_covers(struct prefix outer, struct prefix inner)
{
	return outer.len <= inner.len && (inner.addr & prefix_mask(outer.len)) == outer.addr;
}

static inline bool prefix_has(struct prefix prefix, uint32_t address)
{
	return (address & prefix_mask(prefix.len)) == prefix.addr;
}

/* What is left of a range that is cut into the fewest prefixes. */
struct cut {
	uint64_t at;
	uint64_t end; /* behind the last address */
};

static inline struct cut cut_range(const struct range *range)
{
	return (struct cut){ .at = range->first, .end = (uint64_t)range->last + 1 };
}

/* The largest aligned prefix that the rest begins with; false: nothing is left. */
static inline bool cut_next(struct cut *cut, struct prefix *prefix)
{
	uint8_t len = 32;

	if (cut->at >= cut->end)
		return false;
	while (len > 0 && !(cut->at & ((1ULL << (33 - len)) - 1)) &&
	       cut->at + (1ULL << (33 - len)) <= cut->end)
		len--;
	*prefix = (struct prefix){ .addr = (uint32_t)cut->at, .len = len };
	cut->at += 1ULL << (32 - len);
	return true;
}

static inline uint32_t prefix_last(struct prefix prefix)
{
	return prefix.addr | ~prefix_mask(prefix.len);
}

#endif
