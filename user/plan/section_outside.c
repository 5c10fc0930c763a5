/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.eips, $.snat and $.fips: how addresses look from outside. Parses only.
 */
#include "section.h"

static const char *const MAPPING[] = { "endpoint-independent", "address-dependent",
				       "address-and-port-dependent", NULL };

static void one_eip(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("address", take_address, offsetof(struct eip, address), .needed = true),
		FIELD("network", take_name, offsetof(struct eip, network), .needed = true),
		FIELD("nodes", take_names, offsetof(struct eip, nodes)),
	};
	struct eip *eip = out;

	eip->name = name_of(at);
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
		FIELD("eips", take_names, offsetof(struct snat, eips), .needed = true),
		FIELD("ports", take_port_range, offsetof(struct snat, ports)),
		FIELD("max_ports_per_workload", take_u32, offsetof(struct snat, max_ports_per_workload),
		      .low = 1, .high = 65535),
		FIELD("mapping", take_word, offsetof(struct snat, mapping), .words = MAPPING),
		FIELD("filtering", take_word, offsetof(struct snat, filtering), .words = MAPPING),
	};
	struct snat *snat = out;

	snat->vpc = keep(at, "default");
	snat->ports = (struct range){ 1024, 65535 };
	/* RFC 4787 REQ-1: endpoint-independent mapping; filtering by address and port lets the least in. */
	snat->mapping = keep(at, MAPPING[0]);
	snat->filtering = keep(at, MAPPING[2]);
	snat->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, snat);
	if (json_is_array(json_object_get(at->value, "eips")) && !snat->eips.count)
		wrong(at, "\"eips\" is empty, expected at least one EIP");
	if (json_is_array(json_object_get(at->value, "from")) && !snat->from.count)
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
