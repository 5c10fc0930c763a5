/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.eips, $.snat and $.fips: how addresses look from outside. Parses only.
 */
#include "section.h"
#include "value.h"

const char *const NAT_SCOPES[] = { "endpoint-independent", "address-dependent", "address-and-port-dependent",
				   NULL };

static const char *const ECHOES[] = { "answer", "drop", NULL };

static void take_echo(const struct at *at, const struct field *field, void *out)
{
	bool drop = false;

	take_switch(at, field, &drop);
	*(enum outside_echo *)out = drop ? ECHO_DROP : ECHO_ANSWER;
}

static void one_reserved(const struct at *at, void *out)
{
	const char *text = text_of(at, "a port such as \"tcp/22\"");
	char why[WHY];

	if (text && !value_port(text, out, why))
		wrong(at, "%s", why);
}

static void take_reserved(const struct at *at, const struct field *field, void *out)
{
	struct ports *ports = out;

	(void)field;
	ports->item = take_list(at, sizeof(*ports->item), one_reserved, &ports->count);
}

static void one_eip(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("address", take_address, offsetof(struct eip, address), .needed = true),
		FIELD("network", take_name, offsetof(struct eip, network), .needed = true),
		FIELD("nodes", take_names, offsetof(struct eip, nodes)),
		FIELD("reserved", take_reserved, offsetof(struct eip, reserved)),
		FIELD("echo", take_echo, offsetof(struct eip, echo), .words = ECHOES),
	};
	struct eip *eip = out;

	eip->name = name_of(at);
	eip->echo = ECHO_UNSAID;
	eip->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, eip);
}

void take_eips(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->eips = take_map(at, sizeof(*plan->eips), one_eip, &plan->eip_count);
}

static void one_snat(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("name", take_title, offsetof(struct snat, name), .needed = true),
		FIELD("vpc", take_name, offsetof(struct snat, vpc)),
		FIELD("from", take_prefixes, offsetof(struct snat, from), .needed = true),
		FIELD("to", take_selectors, offsetof(struct snat, to)),
		FIELD("except", take_prefixes, offsetof(struct snat, except)),
		FIELD("eips", take_names, offsetof(struct snat, eips), .needed = true),
		FIELD("ports", take_port_range, offsetof(struct snat, ports)),
		FIELD("max_ports_per_workload", take_u32, offsetof(struct snat, max_ports_per_workload),
		      .low = 1, .high = 65535),
		FIELD("max_flows_per_workload", take_u32, offsetof(struct snat, max_flows_per_workload),
		      .high = MOST_FLOWS_PER_WORKLOAD),
		FIELD("mapping", take_choice, offsetof(struct snat, mapping), .words = NAT_SCOPES),
		FIELD("filtering", take_choice, offsetof(struct snat, filtering), .words = NAT_SCOPES),
	};
	struct snat *snat = out;

	snat->vpc = keep(at, "default");
	snat->ports = (struct range){ 1024, 65535 };
	/* RFC 4787 REQ-1 and REQ-8. */
	snat->mapping = NAT_ENDPOINT;
	snat->filtering = NAT_ADDRESS;
	snat->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, snat);
	if (tree_is_list(tree_get(at->value, "eips")) && !snat->eips.count)
		wrong(at, "\"eips\" is empty, expected at least one EIP");
	if (tree_is_list(tree_get(at->value, "from")) && !snat->from.count)
		wrong(at, "\"from\" is empty, expected at least one prefix");
}

void take_snat(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->snat = take_list(at, sizeof(*plan->snat), one_snat, &plan->snat_count);
}

static void one_fip(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("name", take_title, offsetof(struct fip, name), .needed = true),
		FIELD("vpc", take_name, offsetof(struct fip, vpc)),
		FIELD("address", take_address, offsetof(struct fip, address), .needed = true),
		FIELD("eip", take_name, offsetof(struct fip, eip), .needed = true),
		FIELD("from_vpcs", take_names, offsetof(struct fip, from_vpcs)),
	};
	struct fip *fip = out;

	fip->vpc = keep(at, "default");
	fip->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, fip);
}

void take_fips(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->fips = take_list(at, sizeof(*plan->fips), one_fip, &plan->fip_count);
}
