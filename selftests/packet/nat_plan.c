/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan that tests of outside addresses play with: plan.json under another policy, and rows of EIPs, FIPs and
 * rules of source NAT written by hand. Must stay in step with nat.h.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

const struct nat nat_plain;

#define NODE2_INDEX 1
#define RING 8 /* slots of each rule */

/* From inside to the world nearly everything; from the world, and across networks, little. */
const char nat_policy[] =
	"{\"policy\":["
	"{\"name\":\"out\",\"from\":[\"network:net-a\",\"network:net-b\",\"network:net-open\",\"network:net-"
	"cast\","
	"\"network:net-overlay\",\"network:blue-a\"],\"to\":[\"world\",\"network:ext\"],"
	"\"ports\":[\"any\"],\"action\":\"allow\"},"
	"{\"name\":\"never\",\"from\":[\"network:net-a\",\"network:net-b\"],\"to\":[\"world\"],"
	"\"ports\":[\"tcp/25\"],\"action\":\"deny\"},"
	"{\"name\":\"in\",\"from\":[\"world\",\"network:ext\"],\"to\":[\"network:net-b\",\"network:net-"
	"open\","
	"\"network:net-overlay\"],"
	"\"ports\":[\"tcp/22\",\"udp/53\",\"icmp\",\"proto/47\",\"sctp/5000\"],\"action\":\"allow\"},"
	"{\"name\":\"in-blue\",\"from\":[\"world\"],\"to\":[\"network:blue-a\"],\"ports\":[\"tcp/22\"],"
	"\"action\":\"allow\"},"
	"{\"name\":\"a-to-b\",\"from\":[\"network:net-a\",\"network:net-open\"],\"to\":[\"network:net-b\"],"
	"\"ports\":[\"tcp/22\",\"udp/53\",\"icmp\"],\"action\":\"allow\"},"
	"{\"name\":\"b-to-open\",\"from\":[\"network:net-b\"],\"to\":[\"network:net-open\"],"
	"\"ports\":[\"tcp/22\",\"icmp\"],\"action\":\"allow\"},"
	"{\"name\":\"ext-to-world\",\"from\":[\"network:ext\"],\"to\":[\"world\"],\"ports\":[\"any\"],"
	"\"action\":\"allow\"}]}";

/* What the hand-written rows are put into. */
struct pen {
	struct bench *b;
	struct image *image;
	const struct nat *nat;
	uint32_t ring; /* the next free row of sl_ring */
	uint16_t vpc, blue;
};

static void write_row(struct pen *p, enum sl_table_id table, const void *key, const void *value)
{
	bench_row(p->b, p->image, table, key, value);
}

static void write_vip(struct pen *p, uint32_t addr, uint16_t network, uint16_t flags, uint32_t alias)
{
	write_row(p, SL_TABLE_sl_vip, &(struct sl_vip_key){ .addr = htonl(addr) },
		  &(struct sl_vip){ .network = network, .flags = flags | SL_VIP_EIP, .other = htonl(alias) });
}

/* `mine` to `far`: blocks of this node; from there on node2's. */
static void write_eip(struct pen *p, uint32_t addr, uint16_t network, uint16_t flags, uint16_t inside,
		      uint8_t mine, uint8_t far)
{
	struct sl_eip eip = { .network = network, .vpc = p->vpc, .flags = flags, .inside_vpc = inside };
	uint16_t vip = flags & SL_EIP_HOST ? SL_VIP_HOST : SL_VIP_ECHO;

	for (uint8_t block = mine; block < SL_EIP_BLOCKS; block++) {
		eip.node[block] = block < far ? SL_NODE_SELF : NODE2_INDEX;
		if (block < far)
			eip.own[eip.owned++] = block;
	}
	write_row(p, SL_TABLE_sl_eip, &(struct sl_eip_key){ .addr = htonl(addr) }, &eip);
	vip |= flags & SL_EIP_OWNED ? SL_VIP_OWNED : 0;
	write_vip(p, addr, network, vip, flags & SL_EIP_HOST ? ALIAS : 0);
}

static void write_source(struct pen *p, uint16_t vpc, uint32_t addr, uint8_t len, uint32_t list, uint32_t fip)
{
	write_row(
		p, SL_TABLE_sl_snat_from,
		&(struct sl_snat_from_key){ .prefixlen = 32U + len, .vpc = htons(vpc), .addr = htonl(addr) },
		&(struct sl_snat_from){ .list = list, .fip = htonl(fip) });
}

static void write_fip(struct pen *p, uint32_t addr, uint16_t network, uint16_t vpc, uint32_t inside,
		      uint16_t node)
{
	struct sl_eip eip = { .network = network,
			      .vpc = p->vpc,
			      .flags = SL_EIP_FIP | SL_EIP_OWNED,
			      .inside_vpc = vpc,
			      .fip = htonl(inside),
			      .fip_node = node };

	write_row(p, SL_TABLE_sl_eip, &(struct sl_eip_key){ .addr = htonl(addr) }, &eip);
	write_vip(p, addr, network, SL_VIP_OWNED, 0);
	write_source(p, vpc, inside, 32, 1, addr);
}

static void write_list(struct pen *p, uint32_t list, uint32_t addr, uint8_t len, uint32_t rule)
{
	write_row(
		p, SL_TABLE_sl_snat_to,
		&(struct sl_snat_to_key){ .prefixlen = 32U + len, .list = htonl(list), .addr = htonl(addr) },
		&(struct sl_snat_to){ .rule = rule });
}

static void write_rule(struct pen *p, uint32_t number, uint32_t one, uint32_t other, uint16_t first)
{
	const struct nat *nat = p->nat;
	struct sl_snat rule = { .ring = p->ring,
				.slots = RING,
				.max_ports = number == 1 && nat->max_ports ? nat->max_ports : 1000,
				.max_flows = number == 1 ? nat->max_flows : 0,
				.first = first,
				.last = 65535,
				.mapping = nat->mapping,
				.filtering = nat->filtering };

	if (number == 1 && nat->first)
		rule.first = nat->first;
	if (number == 1 && nat->last)
		rule.last = nat->last;
	for (uint32_t i = 0; i < RING; i++, p->ring++)
		write_row(p, SL_TABLE_sl_ring, &p->ring,
			  &(struct sl_slot){ .addr = htonl(i & 1 ? other : one) });
	write_row(p, SL_TABLE_sl_snat, &(struct sl_snat_key){ .rule = number }, &rule);
	write_list(p, number, 0, 0, number);
}

static void write_reserved(struct pen *p, uint32_t eip, uint16_t port)
{
	for (int udp = 0; udp < 2; udp++)
		write_row(p, SL_TABLE_sl_reserved,
			  &(struct sl_reserved_key){ .addr = htonl(eip),
						     .port = htons(port),
						     .proto = udp ? SL_PROTO_UDP : SL_PROTO_TCP },
			  &(struct sl_reserved){ .reserved = 1 });
}

static void write_guest(struct pen *p, uint32_t addr, uint16_t port, uint8_t proto, uint16_t vpc)
{
	write_row(p, SL_TABLE_sl_guest,
		  &(struct sl_guest_key){
			  .addr = htonl(addr), .port = htons(port), .proto = proto, .vpc = vpc },
		  &(struct sl_guest){ .allowed = 1 });
}

static uint32_t ring_end(const struct image *image)
{
	const struct image_table *at = &image->table[SL_TABLE_sl_ring];
	uint32_t end = 0, index;

	for (size_t i = 0; i < at->count; i++) {
		memcpy(&index, at->rows + i * (sizeof(uint32_t) + sizeof(struct sl_slot)), sizeof(index));
		end = index >= end ? index + 1 : end;
	}
	return end;
}

void nat_rows(struct bench *b, struct image *image, const struct nat *nat)
{
	struct pen p = { .b = b, .image = image, .nat = nat, .ring = ring_end(image) };
	const uint16_t own = SL_EIP_SNAT | SL_EIP_OWNED;
	const uint8_t half = NAT_HALF >> SL_BLOCK_SHIFT;

	for (size_t i = 0; i < image->name_count; i++)
		if (image->names[i].key.kind == SL_NAME_VPC)
			*(strcmp(image->names[i].name.name, "blue") ? &p.vpc : &p.blue) =
				(uint16_t)image->names[i].key.id;
	if (!nat->no_eip)
		write_eip(&p, EIP_A, EXT, own, nat->given ? p.blue : p.vpc, 0, half);
	write_eip(&p, EIP_A2, EXT, own, p.vpc, 0, half);
	write_eip(&p, EIP_BLUE, EXT, own, p.blue, 0, SL_EIP_BLOCKS);
	write_eip(&p, EIP_FAR, EXT, SL_EIP_SNAT, p.vpc, 0, half);
	write_eip(&p, EIP_PLAIN, SL_NET_WORLD, own, p.vpc, 0, SL_EIP_BLOCKS);
	write_eip(&p, NODE1, SL_NET_WORLD, SL_EIP_SNAT | SL_EIP_HOST, p.vpc, HOST_FIRST >> SL_BLOCK_SHIFT,
		  SL_EIP_BLOCKS);
	write_fip(&p, FIP_B, EXT, p.vpc, B1, SL_NODE_SELF);
	write_fip(&p, FIP_O, EXT, p.vpc, O1, SL_NODE_SELF);
	write_fip(&p, FIP_BLUE, EXT, p.blue, X2, SL_NODE_SELF);
	write_fip(&p, FIP_B_FAR, EXT, p.vpc, B_FAR, NODE2_INDEX);
	write_fip(&p, FIP_LOST, EXT, p.vpc, B_OTHER, 0);
	write_fip(&p, FIP_PLAIN, SL_NET_WORLD, p.vpc, V_FIP, SL_NODE_SELF);

	write_rule(&p, 1, nat->other ? EIP_A2 : EIP_A, nat->two || nat->other ? EIP_A2 : EIP_A, NAT_FIRST);
	write_rule(&p, 2, EIP_BLUE, EIP_BLUE, NAT_FIRST);
	write_rule(&p, 3, EIP_PLAIN, EIP_PLAIN, NAT_FIRST);
	write_rule(&p, 4, NODE1, NODE1, HOST_FIRST);
	write_rule(&p, 5, EIP_FAR, EIP_FAR, NAT_FIRST);
	write_list(&p, 1, EXCEPTED, 24, SL_SNAT_EXCEPT);
	if (!nat->gone)
		write_source(&p, p.vpc, A1 & ~255U, 24, 1, 0);
	write_source(&p, p.vpc, B1 & ~255U, 24, 1, 0);
	write_source(&p, p.blue, X1 & ~255U, 24, 2, 0);
	write_source(&p, p.vpc, V1 & ~0xffffU, 16, 3, 0);
	write_source(&p, p.vpc, V_HOST & ~0x7fffU, 17, 4, 0);
	write_source(&p, p.vpc, C1 & ~255U, 24, 5, 0);

	for (size_t i = 0; i < 4 && nat->reserved[i]; i++)
		write_reserved(&p, EIP_A, nat->reserved[i]);
	write_guest(&p, FIP_BLUE, 0, 0, p.vpc);
	write_guest(&p, VIP_EXT, 80, SL_PROTO_TCP, p.blue);
	write_guest(&p, VIP_EXT, 84, SL_PROTO_TCP, p.blue);
}

static void rows(struct bench *b, struct image *image)
{
	nat_rows(b, image, b->rows_of);
}

bool nat_plan(struct bench *b, const struct nat *nat, const char *change)
{
	b->base = nat_policy;
	b->rows = rows;
	b->rows_of = nat;
	return bench_plan(b, change);
}

void nat_over(struct bench *b)
{
	b->base = NULL;
	b->rows = NULL;
	bench_clear(b);
	bench_plan(b, NULL);
}
