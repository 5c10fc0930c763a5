/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel would say, from the image's rows alone: the same lookups as the classify and policy
 * stations. It must never look at the plan, or a proof made with it would prove nothing about the rows.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"

static const struct image_decision by_default = { .policy = SL_POLICY_DENY };

static const struct sl_ports *find_port(const struct image *image, uint32_t set, uint8_t proto, uint16_t port)
{
	const struct image_table *table = &image->table[SL_TABLE_sl_ports];
	struct sl_ports_key key = { .set = htonl(set), .proto = proto };
	const struct sl_ports *row;

	for (unsigned int bits = 0; bits <= 16; bits++) {
		key.prefixlen = 64 - bits;
		key.port = htons((uint16_t)(port & (UINT32_MAX << bits)));
		row = row_find(table, &key);
		if (row)
			return row;
	}
	key = (struct sl_ports_key){ .prefixlen = 32, .set = htonl(set) };
	return row_find(table, &key);
}

/* Without a policy the row is there for its class only. */
static struct image_decision decision(uint8_t policy, uint32_t rule, uint8_t qos)
{
	struct image_decision d = by_default;

	d.qos = qos;
	if (!policy)
		return d;
	d.policy = policy;
	d.rule = rule;
	d.said = true;
	return d;
}

struct image_decision image_judge(const struct image *image, uint32_t src_class, uint32_t dst_class,
				  uint8_t proto, uint16_t port)
{
	struct sl_pair_key key = { .src = src_class, .dst = dst_class };
	const struct sl_pair *pair = row_find(&image->table[SL_TABLE_sl_pair], &key);
	const struct sl_ports *row;

	if (!pair)
		return by_default;
	if (pair->policy != SL_POLICY_PORTS)
		return decision(pair->policy, pair->rule, pair->qos);
	row = find_port(image, pair->set, proto, port);
	return row ? decision(row->policy, row->rule, row->qos) : by_default;
}

const struct sl_endpoint *image_classify(const struct image *image, uint16_t vpc, uint32_t addr)
{
	struct sl_exact_key exact = { .vpc = vpc, .addr = htonl(addr) };
	const struct sl_endpoint *row = row_find(&image->table[SL_TABLE_sl_exact], &exact);

	for (unsigned int bits = 0; !row && bits <= 32; bits++) {
		struct sl_prefix_key key = { .prefixlen = 64 - bits, .vpc = htons(vpc) };

		key.addr = htonl(bits < 32 ? addr & (UINT32_MAX << bits) : 0);
		row = row_find(&image->table[SL_TABLE_sl_prefix], &key);
	}
	return row;
}

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sl_name_key));
}

static const char *find_name(const struct image *image, uint16_t kind, uint32_t id)
{
	struct sl_name_key key = { .kind = kind, .id = id };
	const struct image_name *name = NULL;

	if (image->name_count)
		name = bsearch(&key, image->names, image->name_count, sizeof(*name), by_key);
	return name ? name->name.name : NULL;
}

const char *image_rule_name(const struct image *image, uint32_t rule)
{
	const char *name = rule ? find_name(image, SL_NAME_RULE, rule) : "default deny";

	return name ? name : "unknown rule";
}

const char *image_network_name(const struct image *image, uint16_t network)
{
	const char *name = find_name(image, SL_NAME_NETWORK, network);

	return name ? name : "unknown network";
}

const char *image_vpc_name(const struct image *image, uint16_t vpc)
{
	const char *name = find_name(image, SL_NAME_VPC, vpc);

	return name ? name : "unknown vpc";
}
