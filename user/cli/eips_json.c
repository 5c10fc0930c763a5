/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EIPs for programs: the same numbers as the tables for people, and what else the rows say.
 */
#include <arpa/inet.h>
#include <string.h>
#include "eips.h"
#include "kept.h"

static struct name_text address_text(__be32 addr)
{
	struct name_text out = { "" };

	inet_ntop(AF_INET, &addr, out.text, sizeof(out.text));
	return out;
}

static json_t *counts_json(const struct sl_eip_count *count)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "made", (json_int_t)count->bound, "kept",
			 (json_int_t)count->kept, "no_port", (json_int_t)count->no_port, "limit",
			 (json_int_t)count->limit, "filtered", (json_int_t)count->filtered, "forwarded",
			 (json_int_t)count->forwarded);
}

static json_t *ports_json(const struct eips *e, size_t row)
{
	json_t *object = json_object();

	for (unsigned int holder = 0; holder < SL_HOLDERS; holder++) {
		const struct eips_protocol *use = &e->use[row][holder];
		json_t *proto = counts_json(&use->count);

		json_object_update_new(proto, json_pack("{s:I, s:I, s:I, s:f}", "ports",
							(json_int_t)e->supply.row[row].ports[holder], "bound",
							(json_int_t)use->bound, "resting",
							(json_int_t)use->resting, "used_percent",
							eips_percent(&e->supply.row[row], holder, use)));
		json_object_set_new(object, proto_name(supply_proto(holder)).text, proto);
	}
	return object;
}

static json_t *blocks_json(const struct eips *e, const struct sl_eip *eip)
{
	json_t *list = json_array();
	unsigned int from = 0, blocks;
	uint16_t node;

	while ((node = eips_next_node(eip, &from, &blocks)))
		json_array_append_new(list, json_pack("{s:s, s:b, s:i}", "node",
						      kept_node(e->plan, &e->k, node).text, "this_node",
						      node == SL_NODE_SELF, "blocks", (int)blocks));
	return list;
}

static json_t *fip_json(const struct eips *e, const struct sl_eip *eip)
{
	if (!(eip->flags & SL_EIP_FIP))
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s}", "address", address_text(eip->fip).text, "workload",
			 eips_workload(e, eip->inside_vpc, eip->fip).text, "vpc",
			 name_find(e->k.table[SL_TABLE_sl_name], SL_NAME_VPC, 0, eip->inside_vpc).text,
			 "node", kept_node(e->plan, &e->k, eip->fip_node).text);
}

static json_t *eip_json(const struct eips *e, size_t at)
{
	const struct supply_row *row = &e->supply.row[at];
	int names = e->k.table[SL_TABLE_sl_name];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:o, s:o}", "eip",
			 eips_name(e, row->key.addr).text, "address", address_text(row->key.addr).text,
			 "network", name_of_network(names, row->eip.network).text, "vpc",
			 name_find(names, SL_NAME_VPC, 0, row->eip.inside_vpc).text, "for",
			 eips_purpose(e, row).text, "owned", !!(row->eip.flags & SL_EIP_OWNED), "speaks_arp",
			 eips_owner(e, row).text, "blocks", blocks_json(e, &row->eip), "fip",
			 fip_json(e, &row->eip), "ports", ports_json(e, at), "other",
			 counts_json(&e->other[at]));
}

static json_t *user_json(const struct eips *e, const struct eips_user *user)
{
	struct sl_holder holder = eips_holder(e, user);

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "workload",
		eips_workload(e, user->vpc, user->addr).text, "address", address_text(user->addr).text, "vpc",
		name_find(e->k.table[SL_TABLE_sl_name], SL_NAME_VPC, 0, user->vpc).text, "eip",
		eips_name(e, user->eip).text, "eip_address", address_text(user->eip).text, "tcp",
		(json_int_t)user->ports[SL_HOLDER_TCP], "udp", (json_int_t)user->ports[SL_HOLDER_UDP], "icmp",
		(json_int_t)user->ports[SL_HOLDER_ICMP], "flows", (json_int_t)holder.flows, "refused",
		(json_int_t)holder.refused);
}

json_t *eips_json(const struct eips *e)
{
	json_t *eips = json_array(), *users = json_array();

	for (size_t i = 0; i < e->supply.count; i++)
		json_array_append_new(eips, eip_json(e, i));
	for (size_t i = 0; i < e->user_count; i++)
		json_array_append_new(users, user_json(e, &e->user[i]));
	return json_pack("{s:o, s:o}", "eips", eips, "users", users);
}
