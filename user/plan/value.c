/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses, prefixes, ranges, VLANs, MACs, marks and names: see value.h. Strict on purpose: an address
 * with a leading zero or a prefix with host bits means something else to the next tool that reads it.
 */
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include "../../include/limits.h"
#include "value.h"

#define SAY(...) (snprintf(why, WHY, __VA_ARGS__), false)

const char *address_text(uint32_t address, char out[ADDRESS_TEXT])
{
	char *at = out;

	/* Without snprintf(): it is asked for every address that something may turn out to be wrong with. */
	for (int shift = 24; shift >= 0; shift -= 8) {
		uint32_t part = address >> shift & 255;

		if (part >= 100)
			*at++ = (char)('0' + part / 100);
		if (part >= 10)
			*at++ = (char)('0' + part / 10 % 10);
		*at++ = (char)('0' + part % 10);
		*at++ = shift ? '.' : 0;
	}
	return out;
}

const char *prefix_text(struct prefix prefix, char out[PREFIX_TEXT])
{
	char address[ADDRESS_TEXT];

	snprintf(out, PREFIX_TEXT, "%s/%u", address_text(prefix.addr, address), prefix.len);
	return out;
}

/* Decimal without sign or leading zero, at most `high`; moves *text behind it. */
static bool number(const char **text, uint32_t high, uint32_t *out)
{
	const char *s = *text;
	uint64_t value = 0;

	if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		value = value * 10 + (uint64_t)(*s - '0');
		if (value > high)
			return false;
	}
	*text = s;
	*out = (uint32_t)value;
	return true;
}

static bool quad(const char **text, uint32_t *out)
{
	const char *s = *text;
	uint32_t part, address = 0;

	for (int i = 0; i < 4; i++) {
		if (i && *s++ != '.')
			return false;
		if (!number(&s, 255, &part))
			return false;
		address = address << 8 | part;
	}
	*text = s;
	*out = address;
	return true;
}

bool value_address(const char *text, uint32_t *address, char why[WHY])
{
	const char *s = text;

	if (!quad(&s, address) || *s)
		return SAY("\"" QUOTE "\" is not an address, expected one such as 10.0.10.28", text);
	return true;
}

static struct prefix network_of(struct prefix prefix)
{
	return (struct prefix){ prefix.addr & prefix_mask(prefix.len), prefix.len };
}

/* The part behind the address of a prefix. */
static bool length_of(const char *text, const char *s, struct prefix *prefix, char why[WHY])
{
	char meant[PREFIX_TEXT];
	uint32_t len;

	if (*s++ != '/' || !number(&s, 32, &len) || *s)
		return SAY("\"" QUOTE "\" is not a prefix, expected one such as 10.0.10.0/24", text);
	prefix->len = (uint8_t)len;
	if (prefix->addr & ~prefix_mask(prefix->len))
		return SAY("%s has host bits set, expected the network %s", text,
			   prefix_text(network_of(*prefix), meant));
	return true;
}

bool value_prefix(const char *text, struct prefix *prefix, char why[WHY])
{
	const char *s = text;

	if (!quad(&s, &prefix->addr))
		return SAY("\"" QUOTE "\" is not a prefix, expected one such as 10.0.10.0/24", text);
	return length_of(text, s, prefix, why);
}

bool value_range(const char *text, struct range *range, char why[WHY])
{
	char first[ADDRESS_TEXT], last[ADDRESS_TEXT], meant[PREFIX_TEXT];
	struct prefix prefix = { 0 };
	const char *s = text;

	if (*text == '.')
		return SAY("\"" QUOTE
			   "\" lacks the first part of its addresses, expected them in full, such as "
			   "10.25.11.100-10.25.11.149",
			   text);
	if (!quad(&s, &range->first))
		return SAY("\"" QUOTE "\" is not an address, expected 10.0.10.28, 10.0.10.0/24 or "
			   "10.0.10.5-10.0.10.9",
			   text);
	range->last = range->first;
	if (!*s)
		return true;
	if (*s == '/') {
		prefix.addr = range->first;
		if (!length_of(text, s, &prefix, why)) {
			/* People write a pool of addresses this way: tell them how to say it. */
			if (prefix.addr & ~prefix_mask(prefix.len) && prefix.len)
				snprintf(why, WHY,
					 "%s has host bits set, expected the network %s or a range such as "
					 "%s-%s",
					 text, prefix_text(network_of(prefix), meant),
					 address_text(prefix.addr, first),
					 address_text(prefix_last(prefix), last));
			return false;
		}
		range->last = prefix_last(prefix);
		return true;
	}
	if (*s++ != '-' || !quad(&s, &range->last) || *s)
		return SAY("\"" QUOTE "\" is not a range, expected both addresses in full, such as "
			   "10.25.11.100-10.25.11.149",
			   text);
	if (range->last < range->first)
		return SAY("%s ends before it starts, expected %s-%s", text, address_text(range->last, first),
			   address_text(range->first, last));
	return true;
}

bool value_vlans(const char *text, struct range *vlans, char why[WHY])
{
	const char *s = text;

	if (!number(&s, UINT16_MAX, &vlans->first))
		goto bad;
	vlans->last = vlans->first;
	if (*s == '-') {
		s++;
		if (!number(&s, UINT16_MAX, &vlans->last))
			goto bad;
	}
	if (*s)
		goto bad;
	if (vlans->last < vlans->first)
		return SAY("%s ends before it starts, expected %u-%u", text, vlans->last, vlans->first);
	if (vlans->first < 1 || vlans->last > 4094)
		return SAY(
			"%s leaves the VLAN ids, expected 1-4094 (0 is the priority tag, 4095 is reserved)",
			text);
	return true;
bad:
	return SAY("\"" QUOTE "\" is not a VLAN id or range, expected one such as \"105\" or \"100-109\"",
		   text);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool value_mac(const char *text, uint8_t mac[6], char why[WHY])
{
	const char *s = text;

	for (int i = 0; i < 6; i++, s += 2) {
		if (i && *s++ != ':')
			goto bad;
		if (hex(s[0]) < 0 || hex(s[1]) < 0)
			goto bad;
		mac[i] = (uint8_t)(hex(s[0]) << 4 | hex(s[1]));
	}
	if (!*s)
		return true;
bad:
	return SAY("\"" QUOTE "\" is not a MAC address, expected one such as 02:00:00:00:66:0b", text);
}

bool value_mark(const char *text, uint32_t *mask, char why[WHY])
{
	uint64_t value = 0;
	const char *s = text;

	if (s[0] != '0' || s[1] != 'x' || !s[2] || strlen(s) > 10)
		goto bad;
	for (s += 2; *s; s++) {
		if (hex(*s) < 0)
			goto bad;
		value = value << 4 | (uint64_t)hex(*s);
	}
	if (!value || (value & -value) * 15 != value)
		goto bad;
	if (value & SL_MARK_FOREIGN)
		return SAY(
			"%s uses mark bits of kube-proxy (0x4000, 0x8000) or Cilium (0x0f00), expected bits "
			"outside 0x%08x",
			text, SL_MARK_FOREIGN);
	*mask = (uint32_t)value;
	return true;
bad:
	return SAY("\"" QUOTE "\" is not a mark mask, expected four adjacent bits in hex, such as \"0x%08x\"",
		   text, SL_MARK_MASK);
}

static bool alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool value_name(const char *text, size_t length, char why[WHY])
{
	if (!length)
		return SAY("the name is empty, expected 1-%d letters, digits, '.', '_', '-' or '/'",
			   SL_NAME_LEN - 1);
	if (length > SL_NAME_LEN - 1)
		return SAY("the name " QUOTE "... has %zu characters, expected at most %d", text, length,
			   SL_NAME_LEN - 1);
	for (size_t i = 0; i < length; i++)
		if (!alphanumeric(text[i]) && (!i || !strchr("._-/", text[i])))
			return SAY("\"%.*s\" is not a name, expected letters, digits, '.', '_', '-', '/', "
				   "beginning "
				   "with a letter or digit",
				   (int)length, text);
	return true;
}

bool value_title(const char *text, char why[WHY])
{
	size_t length = strlen(text);

	if (!length)
		return SAY("the name is empty, expected 1-%d printable ASCII characters", SL_NAME_LEN - 1);
	if (length > SL_NAME_LEN - 1)
		return SAY("the name \"" QUOTE "...\" has %zu characters, expected at most %d", text, length,
			   SL_NAME_LEN - 1);
	for (const char *s = text; *s; s++)
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			return SAY("\"" QUOTE
				   "\" is not a name, expected printable ASCII without '\"' and '\\'",
				   text);
	return true;
}

bool value_interface(const char *text, char why[WHY])
{
	size_t length = strlen(text);

	if (!length || !strcmp(text, ".") || !strcmp(text, ".."))
		return SAY("\"%s\" is not the name of an interface, expected one such as eth0", text);
	if (length > IFNAMSIZ - 1)
		return SAY("the interface name \"" QUOTE "\" has %zu characters, expected at most %d", text,
			   length, IFNAMSIZ - 1);
	for (const char *s = text; *s; s++)
		if (*s <= ' ' || *s > '~' || *s == '/' || *s == ':')
			return SAY("\"" QUOTE
				   "\" is not the name of an interface, expected printable ASCII without "
				   "blanks, '/' and ':'",
				   text);
	return true;
}
