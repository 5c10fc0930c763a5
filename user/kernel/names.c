/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One look-up a name: no copy of the table, which may hold hundreds of thousands of rows.
 */
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "../../maps/fill.h"
#include "names.h"

#define SERVICE_RULE "service " /* and the service's name */

static const char *const reason_names[] = {
	[SL_DROP_NONE] = "none",
#define SL_REASON(symbol, name, weight, text) [SL_DROP_##symbol] = name,
#include "../../include/reasons.def"
#undef SL_REASON
};

static const char *const reason_texts[] = {
	[SL_DROP_NONE] = "no reason was noted",
#define SL_REASON(symbol, name, weight, text) [SL_DROP_##symbol] = text,
#include "../../include/reasons.def"
#undef SL_REASON
};

static const char *const table_names[] = {
#define SL_PLAN(name, type, key, value, size, flags) [SL_TABLE_##name] = #name,
#define SL_STATE(name, type, key, value, size, flags) [SL_TABLE_##name] = #name,
#include "../../maps/tables.def"
#undef SL_PLAN
#undef SL_STATE
};

struct name_text name_find(int name_fd, uint16_t kind, uint16_t slot, uint32_t id)
{
	struct sl_name_key key = { .kind = kind, .slot = slot, .id = id };
	struct sl_name row;
	struct name_text out;

	if (bpf_map_lookup_elem(name_fd, &key, &row)) {
		snprintf(out.text, sizeof(out.text), "%u", id);
		return out;
	}
	memcpy(out.text, row.name, sizeof(out.text));
	out.text[sizeof(out.text) - 1] = 0;
	return out;
}

struct name_text name_of_network(int name_fd, uint16_t network)
{
	return name_find(name_fd, SL_NAME_NETWORK, 0, network);
}

struct name_text name_of_rule(int name_fd, uint32_t generation, uint32_t rule)
{
	if (!rule)
		return (struct name_text){ "default deny" };
	return name_find(name_fd, SL_NAME_RULE, generation & 1, rule);
}

struct name_text name_of_state(int name_fd, uint32_t generation)
{
	struct sl_name_key key = { .kind = SL_NAME_STATE, .slot = generation & 1 };
	struct name_text out = { "" };
	struct sl_name row;

	if (generation && !bpf_map_lookup_elem(name_fd, &key, &row))
		snprintf(out.text, sizeof(out.text), "%.*s", (int)sizeof(row.name) - 1, row.name);
	return out;
}

struct name_text name_of_service(int name_fd, uint32_t generation, uint32_t rule)
{
	struct name_text name = name_find(name_fd, SL_NAME_RULE, generation & 1, rule);
	const size_t prefix = sizeof(SERVICE_RULE) - 1;

	if (!strncmp(name.text, SERVICE_RULE, prefix))
		memmove(name.text, name.text + prefix, sizeof(name.text) - prefix);
	return name;
}

const char *reason_name(unsigned int reason)
{
	return reason < SL_REASONS ? reason_names[reason] : NULL;
}

const char *reason_text(unsigned int reason)
{
	return reason < SL_REASONS ? reason_texts[reason] : NULL;
}

const char *outcome_name(unsigned int outcome)
{
	switch (outcome) {
	case SL_PASSED:
		return "passed";
	case SL_MONITORED:
		return "monitored";
	default:
		return "dropped";
	}
}

const char *table_name(unsigned int table)
{
	return table < SL_TABLES ? table_names[table] : "?";
}

const char *action_name(unsigned int action)
{
	static const char *const names[] = {
		[SL_ACTION_DROP] = "drop",   [SL_ACTION_STACK] = "stack", [SL_ACTION_LOCAL] = "local",
		[SL_ACTION_WIRE] = "wire",   [SL_ACTION_ECHO] = "echo",	  [SL_ACTION_TUNNEL] = "tunnel",
		[SL_ACTION_ROUTE] = "route", [SL_ACTION_HOST] = "host",	  [SL_ACTION_RESET] = "reset",
		[SL_ACTION_WAN] = "wan",
	};

	return action < sizeof(names) / sizeof(names[0]) ? names[action] : "unknown";
}

struct name_text proto_name(uint8_t proto)
{
	struct name_text out;

	switch (proto) {
	case IPPROTO_TCP:
		return (struct name_text){ "tcp" };
	case IPPROTO_UDP:
		return (struct name_text){ "udp" };
	case IPPROTO_ICMP:
		return (struct name_text){ "icmp" };
	case IPPROTO_SCTP:
		return (struct name_text){ "sctp" };
	default:
		snprintf(out.text, sizeof(out.text), "%u", proto);
		return out;
	}
}

const char *door_role_name(unsigned int kind)
{
	switch (kind) {
	case SL_IFACE_UPLINK:
		return "uplink";
	case SL_IFACE_WORKLOAD:
		return "workload";
	case SL_IFACE_TUNNEL:
		return "tunnel";
	default:
		return "unknown";
	}
}

const char *door_xdp_name(unsigned int xdp)
{
	static const char *const names[] = { [SL_XDP_NONE] = "none",
					     [SL_XDP_NATIVE] = "native",
					     [SL_XDP_GENERIC] = "generic",
					     [SL_XDP_SHARED] = "shared",
					     [SL_XDP_DIRECT] = "direct" };

	return xdp < sizeof(names) / sizeof(names[0]) ? names[xdp] : "unknown";
}

const char *door_tc_name(unsigned int tc)
{
	return tc == SL_TC_TCX ? "tcx" : tc == SL_TC_CLSACT ? "clsact" : "none";
}
