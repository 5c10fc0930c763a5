/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.vpcs and $.networks with their sites. Parses only.
 */
#include <string.h>
#include "../../include/limits.h"
#include "section.h"
#include "value.h"

static const char *const ISOLATION[] = { "low", "medium", "high", NULL };
static const char *const ENFORCE[] = { "drop", "monitor", NULL };
static const char *const FAIL[] = { "closed", "open", NULL };
static const char *const IPV6[] = { "drop", "pass", NULL };
static const char *const DROP_ALLOW[] = { "drop", "allow", NULL };

static void one_vpc(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("id", take_u32, offsetof(struct vpc, id), .low = 1, .high = SL_MAX_VPC),
		FIELD("external", take_name, offsetof(struct vpc, external)),
		FIELD("extra_external", take_names, offsetof(struct vpc, extra_external)),
	};
	struct vpc *vpc = out;

	vpc->name = name_of(at);
	vpc->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, vpc);
}

void take_vpcs(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->vpcs = take_map(at, sizeof(*plan->vpcs), one_vpc, &plan->vpc_count);
}

static void one_site(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("vlan", take_u16, offsetof(struct site, vlan), .low = 1, .high = 4094),
		FIELD("vni", take_u32, offsetof(struct site, vni), .low = 1, .high = 0xffffff),
		FIELD("overlay", take_bool, offsetof(struct site, overlay)),
		FIELD("cidrs", take_prefixes, offsetof(struct site, cidrs), .needed = true),
		FIELD("gateway", take_address, offsetof(struct site, gateway)),
		FIELD("uplink", take_interface, offsetof(struct site, uplink)),
		FIELD("nat_outgoing", take_bool, offsetof(struct site, nat_outgoing)),
	};
	struct site *site = out;

	site->cluster = name_of(at);
	site->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, site);
	if (tree_is_list(tree_get(at->value, "cidrs")) && !site->cidrs.count)
		wrong(at, "\"cidrs\" is empty, expected at least one prefix");
}

static void take_sites(const struct at *at, const struct field *field, void *out)
{
	struct network *network = out;

	(void)field;
	network->sites = take_map(at, sizeof(*network->sites), one_site, &network->site_count);
}

/* "allow", "deny" or "same:LABEL". */
static void take_intra(const struct at *at, const struct field *field, void *out)
{
	const char *text = text_of(at, "\"allow\", \"deny\" or \"same:LABEL\"");
	struct network *network = out;
	char why[WHY];

	(void)field;
	if (!text)
		return;
	if (!strcmp(text, "allow")) {
		network->intra = INTRA_ALLOW;
	} else if (!strcmp(text, "deny")) {
		network->intra = INTRA_DENY;
	} else if (!strncmp(text, "same:", 5)) {
		network->intra = INTRA_SAME;
		network->intra_label = keep(at, text + 5);
		if (!value_name(text + 5, strlen(text + 5), why))
			wrong(at, "%s", why);
	} else {
		wrong(at, "\"" QUOTE "\" is not known, expected \"allow\", \"deny\" or \"same:LABEL\"", text);
	}
}

static void one_network(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("id", take_u32, offsetof(struct network, id), .needed = true, .low = 1,
		      .high = SL_MAX_NETWORK_ID),
		FIELD("vpc", take_name, offsetof(struct network, vpc)),
		FIELD("isolation", take_word, offsetof(struct network, isolation), .words = ISOLATION),
		FIELD("intra", take_intra, 0),
		FIELD("enforce", take_switch, offsetof(struct network, monitor), .words = ENFORCE),
		FIELD("fail", take_switch, offsetof(struct network, fail_open), .words = FAIL),
		FIELD("external", take_bool, offsetof(struct network, external)),
		FIELD("routable", take_bool, offsetof(struct network, routable)),
		FIELD("ipv6", take_switch, offsetof(struct network, ipv6_pass), .words = IPV6),
		FIELD("broadcast", take_switch, offsetof(struct network, broadcast), .words = DROP_ALLOW),
		FIELD("multicast", take_switch, offsetof(struct network, multicast), .words = DROP_ALLOW),
		FIELD("trust_dscp", take_bool, offsetof(struct network, trust_dscp)),
		FIELD("sites", take_sites, 0, .needed = true),
	};
	struct network *network = out;
	const struct tree *routable;

	network->name = name_of(at);
	network->vpc = keep(at, "default");
	network->routable = true;
	network->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, network);
	routable = tree_get(at->value, "routable");
	if (routable && !network->external) {
		struct at child = member_of(at, "routable", routable);

		wrong(&child, "the network is not external, expected \"routable\" on external networks only");
	}
}

void take_networks(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->networks = take_map(at, sizeof(*plan->networks), one_network, &plan->network_count);
}
