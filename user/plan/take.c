/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers, words, names, addresses and their lists: see take.h. Whether a name exists and an address fits
 * is not asked here; the checker sees the whole plan.
 */
#include <string.h>
#include "take.h"
#include "value.h"

static bool take_number(const struct at *at, const struct field *field, uint32_t *out)
{
	int64_t value;

	if (!tree_is(at->value, TREE_INTEGER)) {
		wrong(at, "found %s, expected a number from %u to %u", type_of(at), field->low, field->high);
		return false;
	}
	value = at->value->integer;
	if (value < field->low || value > field->high) {
		wrong(at, "%lld is out of range, expected %u to %u", (long long)value, field->low,
		      field->high);
		return false;
	}
	*out = (uint32_t)value;
	return true;
}

void take_u32(const struct at *at, const struct field *field, void *out)
{
	take_number(at, field, out);
}

void take_u16(const struct at *at, const struct field *field, void *out)
{
	uint32_t value;

	if (take_number(at, field, &value))
		*(uint16_t *)out = (uint16_t)value;
}

void take_bool(const struct at *at, const struct field *field, void *out)
{
	(void)field;
	if (!tree_is(at->value, TREE_TRUE) && !tree_is(at->value, TREE_FALSE))
		wrong(at, "found %s, expected true or false", type_of(at));
	else
		*(bool *)out = tree_is(at->value, TREE_TRUE);
}

/* The index of the word here, or -1 after naming the words there are. */
static int word_index(const struct at *at, const struct field *field)
{
	const char *text = tree_text(at->value), *nearest;
	char all[256] = "";
	size_t count = 0;

	for (; field->words[count]; count++) {
		if (text && !strcmp(text, field->words[count]))
			return (int)count;
		if (count)
			strncat(all, field->words[count + 1] ? ", " : " or ", sizeof(all) - strlen(all) - 1);
		strncat(all, "\"", sizeof(all) - strlen(all) - 1);
		strncat(all, field->words[count], sizeof(all) - strlen(all) - 1);
		strncat(all, "\"", sizeof(all) - strlen(all) - 1);
	}
	if (!text) {
		wrong(at, "found %s, expected %s", type_of(at), all);
		return -1;
	}
	nearest = value_nearest(text, field->words, count);
	if (nearest)
		wrong(at, "\"" QUOTE "\" is not known, expected \"%s\"?", text, nearest);
	else
		wrong(at, "\"" QUOTE "\" is not known, expected %s", text, all);
	return -1;
}

void take_switch(const struct at *at, const struct field *field, void *out)
{
	*(bool *)out = word_index(at, field) == 1;
}

void take_choice(const struct at *at, const struct field *field, void *out)
{
	int index = word_index(at, field);

	if (index >= 0)
		memcpy(out, &index, sizeof(index));
}

void take_word(const struct at *at, const struct field *field, void *out)
{
	int index = word_index(at, field);

	if (index >= 0)
		*(char **)out = keep(at, field->words[index]);
}

void take_name(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "a name");

	(void)field;
	if (text)
		*(char **)out = keep_name(at, text);
}

void take_own_name(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "a name");
	char why[WHY];

	(void)field;
	if (!text)
		return;
	if (!value_name(text, strlen(text), why))
		wrong(at, "%s", why);
	*(char **)out = keep(at, text);
}

void take_title(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "a name");
	char why[WHY];

	(void)field;
	if (!text)
		return;
	if (!value_title(text, why))
		wrong(at, "%s", why);
	*(char **)out = keep(at, text);
}

void take_interface(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "the name of an interface");
	char why[WHY];

	(void)field;
	if (!text)
		return;
	if (!value_interface(text, why))
		wrong(at, "%s", why);
	*(char **)out = keep(at, text);
}

void take_address(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "an address such as \"10.0.10.28\"");
	char why[WHY];

	(void)field;
	if (text && !value_address(text, out, why))
		wrong(at, "%s", why);
}

static void one_name(const struct at *at, void *out)
{
	take_name(at, NULL, out);
}

void take_names(const struct at *at, const struct field *field, void *out)
{
	struct strings *names = out;

	(void)field;
	names->item = take_list(at, sizeof(*names->item), one_name, &names->count);
}

static void one_prefix(const struct at *at, void *out)
{
	const char *text = text_of(at, "a prefix such as \"10.0.10.0/24\"");
	char why[WHY];

	if (text && !value_prefix(text, out, why))
		wrong(at, "%s", why);
}

void take_prefixes(const struct at *at, const struct field *field, void *out)
{
	struct prefixes *prefixes = out;

	(void)field;
	prefixes->item = take_list_or_one(at, sizeof(*prefixes->item), one_prefix, &prefixes->count);
}

static void one_range(const struct at *at, void *out)
{
	const char *text = text_of(at, "an address, a prefix or a range");
	char why[WHY];

	if (text && !value_range(text, out, why))
		wrong(at, "%s", why);
}

void take_ranges(const struct at *at, const struct field *field, void *out)
{
	struct ranges *ranges = out;

	(void)field;
	ranges->item = take_list_or_one(at, sizeof(*ranges->item), one_range, &ranges->count);
}

static void one_address(const struct at *at, void *out)
{
	struct range *range = out;

	take_address(at, NULL, &range->first);
	range->last = range->first;
}

void take_addresses(const struct at *at, const struct field *field, void *out)
{
	struct ranges *addresses = out;

	(void)field;
	addresses->item = take_list_or_one(at, sizeof(*addresses->item), one_address, &addresses->count);
	if (tree_items(at->value) == 0 && tree_is_list(at->value))
		wrong(at, "the list is empty, expected at least one address");
}

static void one_port(const struct at *at, void *out)
{
	const char *text = text_of(at, "a port such as \"tcp/443\", \"icmp\" or \"any\"");
	char why[WHY];

	if (text && !value_port(text, out, why))
		wrong(at, "%s", why);
}

void take_ports(const struct at *at, const struct field *field, void *out)
{
	struct ports *ports = out;

	(void)field;
	ports->item = take_list(at, sizeof(*ports->item), one_port, &ports->count);
	if (tree_items(at->value) == 0 && tree_is_list(at->value))
		wrong(at, "the list is empty, expected [\"any\"] or the ports meant");
}

void take_port_range(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "a range of ports such as \"1024-65535\"");
	char why[WHY];

	(void)field;
	if (text && !value_port_range(text, out, why))
		wrong(at, "%s", why);
}

void take_proto(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "\"tcp\", \"udp\" or \"sctp\"");
	char why[WHY];

	(void)field;
	if (text && !value_proto(text, out, why))
		wrong(at, "%s", why);
}

void take_dscp(const struct at *at, const struct field *field, void *out)
{
	static const struct field number = { .low = 0, .high = 63 };
	const char *text = tree_text(at->value);
	char why[WHY];
	uint32_t value;

	(void)field;
	if (text && !value_dscp(text, out, why))
		wrong(at, "%s", why);
	else if (!text && take_number(at, &number, &value))
		*(uint8_t *)out = (uint8_t)value;
}

void take_mark(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "a mask such as \"0x00f00000\"");
	char why[WHY];

	(void)field;
	if (text && !value_mark(text, out, why))
		wrong(at, "%s", why);
}

static void one_label(const struct at *at, void *out)
{
	struct label *label = out;

	label->key = keep_name(at, at->key);
	take_name(at, NULL, &label->value);
}

void take_labels(const struct at *at, const struct field *field, void *out)
{
	struct labels *labels = out;

	(void)field;
	labels->item = take_map(at, sizeof(*labels->item), one_label, &labels->count);
}

static void one_selector(const struct at *at, void *out)
{
	const char *text = text_of(at, "a selector such as \"network:net-mgmt\"");
	struct selector *selector = out;
	struct selector_text parts;
	char why[WHY];

	if (!text)
		return;
	if (!value_selector(text, &parts, why)) {
		wrong(at, "%s", why);
		return;
	}
	selector->kind = parts.kind;
	selector->cidr = parts.cidr;
	if (parts.name)
		selector->name = arena_copy(at->reader->arena, parts.name, parts.name_length);
	if (parts.cluster)
		selector->cluster = keep(at, parts.cluster);
	selector->place = place_of(at);
}

void take_selector(const struct at *at, const struct field *field, void *out)
{
	(void)field;
	one_selector(at, out);
}

void take_selectors(const struct at *at, const struct field *field, void *out)
{
	struct selectors *selectors = out;

	(void)field;
	selectors->item = take_list(at, sizeof(*selectors->item), one_selector, &selectors->count);
	if (tree_items(at->value) == 0 && tree_is_list(at->value))
		wrong(at, "the list is empty, expected at least one selector");
}
