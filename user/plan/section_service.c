/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.services: VIPs, their ports and backends. Parses only.
 */
#include "section.h"

static const char *const STATES[] = { "active", "drain", NULL };
static const char *const ON_EMPTY[] = { "reset", "drop", NULL };
static const char *const ECHOES[] = { "answer", "pass", "drop", NULL };

static void one_port(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("name", take_name, offsetof(struct service_port, name)),
		FIELD("proto", take_proto, offsetof(struct service_port, proto), .needed = true),
		FIELD("port", take_u16, offsetof(struct service_port, port), .needed = true, .low = 1,
		      .high = UINT16_MAX),
		FIELD("target", take_u16, offsetof(struct service_port, target), .low = 1,
		      .high = UINT16_MAX),
	};
	struct service_port *port = out;

	port->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, port);
	if (!port->target)
		port->target = port->port;
}

static void take_service_ports(const struct at *at, const struct field *field, void *out)
{
	struct service *service = out;

	(void)field;
	service->ports = take_list(at, sizeof(*service->ports), one_port, &service->port_count);
	if (tree_is_list(at->value) && !service->port_count)
		wrong(at, "the list is empty, expected at least one port");
}

static void one_backend(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("address", take_address, offsetof(struct backend, address), .needed = true),
		FIELD("weight", take_u32, offsetof(struct backend, weight), .low = 1, .high = 1000),
		FIELD("node", take_name, offsetof(struct backend, node)),
		FIELD("state", take_choice, offsetof(struct backend, state), .words = STATES),
	};
	struct backend *backend = out;

	backend->weight = 1;
	backend->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, backend);
}

static void take_backends(const struct at *at, const struct field *field, void *out)
{
	struct service *service = out;

	(void)field;
	service->backends = take_list(at, sizeof(*service->backends), one_backend, &service->backend_count);
}

static void take_sources(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("allow", take_prefixes, offsetof(struct service, allow)),
		FIELD("deny", take_prefixes, offsetof(struct service, deny)),
	};

	(void)field;
	TAKE_OBJECT(at, FIELDS, out);
}

static void take_limit(const struct at *at, const struct field *field, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("new_per_s", take_u32, offsetof(struct service, new_per_s), .high = MOST_NEW_PER_S),
		FIELD("new_per_source_per_s", take_u32, offsetof(struct service, new_per_source_per_s),
		      .high = MOST_NEW_PER_S),
	};

	(void)field;
	TAKE_OBJECT(at, FIELDS, out);
}

static void take_vip(const struct at *at, const struct field *field, void *out)
{
	struct service *service = out;

	service->has_address = true;
	take_address(at, field, &service->address);
}

static void one_service(const struct at *at, void *out)
{
	static const struct field FIELDS[] = {
		FIELD("vpc", take_name, offsetof(struct service, vpc)),
		FIELD("eip", take_name, offsetof(struct service, eip)),
		FIELD("address", take_vip, 0),
		FIELD("ports", take_service_ports, 0, .needed = true),
		FIELD("backends", take_backends, 0, .needed = true),
		FIELD("sources", take_sources, 0),
		/* A day: longer than that is a statement about clients that no node can keep. */
		FIELD("affinity_s", take_u32, offsetof(struct service, affinity_s), .low = 0, .high = 86400),
		FIELD("ring_size", take_u32, offsetof(struct service, ring_size), .low = 2,
		      .high = MOST_RING_SIZE),
		FIELD("on_empty", take_switch, offsetof(struct service, empty_drop), .words = ON_EMPTY),
		FIELD("echo", take_choice, offsetof(struct service, echo), .words = ECHOES),
		FIELD("nodes", take_names, offsetof(struct service, nodes)),
		FIELD("limit", take_limit, 0),
		FIELD("from_vpcs", take_names, offsetof(struct service, from_vpcs)),
	};
	struct service *service = out;

	service->name = name_of(at);
	service->vpc = keep_name(at, "default");
	service->echo = ECHO_UNSAID;
	service->place = place_of(at);
	TAKE_OBJECT(at, FIELDS, service);
	if (tree_is_object(at->value) && !service->eip == !service->has_address)
		wrong(at, "%s, expected either \"eip\" or \"address\"",
		      service->eip ? "it has both \"eip\" and \"address\"" : "it has no VIP");
}

void take_services(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->services = take_map(at, sizeof(*plan->services), one_service, &plan->service_count);
}
