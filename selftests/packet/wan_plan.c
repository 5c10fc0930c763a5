/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan that tests between clusters play with: plan.json, and rows of two other clusters, of classes and of rates
 * written by hand. Must stay in step with wan.h.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"
#include "wan.h"

const struct wan wan_plain;

/* Classes of policy and port sets that the compiler has no use for. */
enum { CLASS_W = 60001, CLASS_W2, CLASS_W_MON, CLASS_W_POD, CLASS_E };
enum { SET_OUT = 900001, SET_IN, SET_HERE, SET_SERVED, SET_WORLD, SET_FIP };
#define RULE 7

static const struct {
	uint32_t addr;
	uint8_t len;
	uint16_t cluster, flags;
} abroad[] = {
	{ W1 & ~0xffffU, 16, WEST, SL_ABROAD_INSIDE },
	{ W_POD & ~0xffffU, 16, WEST, SL_ABROAD_INSIDE },
	{ IP(10, 16, 0, 0), 12, WEST, SL_ABROAD_INSIDE },
	{ EAST1 & ~0xffffU, 16, EAST, SL_ABROAD_INSIDE },
	{ IP(192, 168, 0, 0), 16, EAST, SL_ABROAD_INSIDE },
	{ WEST_PEER, 32, WEST, SL_ABROAD_NODE | SL_ABROAD_PEER },
	{ WEST_NODE, 32, WEST, SL_ABROAD_NODE },
	{ WEST_POOL & ~127U, 25, WEST, SL_ABROAD_NODE },
	{ EAST_PEER, 32, EAST, SL_ABROAD_NODE | SL_ABROAD_PEER },
	{ NODE1, 32, MAIN, 0 },
	{ NODE2, 32, MAIN, 0 },
	{ IP(203, 0, 113, 0), 24, MAIN, 0 },
	{ NODE1 & ~255U, 24, MAIN, 0 },
	{ A1 & ~255U, 24, MAIN, 0 },
	{ B1 & ~255U, 24, MAIN, 0 },
	{ M1 & ~255U, 24, MAIN, 0 },
	{ C1 & ~255U, 24, MAIN, 0 },
	{ N1 & ~255U, 24, MAIN, 0 },
	{ O1 & ~255U, 24, MAIN, 0 },
	{ E1 & ~255U, 24, MAIN, 0 },
	{ V1 & ~0xffffU, 16, MAIN, 0 },
};

static const struct {
	uint32_t addr;
	uint8_t len; /* 32: a workload */
	uint16_t cluster, network;
	uint32_t class;
} foreign[] = {
	{ W1, 32, WEST, NET_W, CLASS_W },
	{ W1 & ~255U, 24, WEST, NET_W, CLASS_W },
	{ W2 & ~255U, 24, WEST, NET_W2, CLASS_W2 },
	{ W_MON & ~255U, 24, WEST, NET_W_MON, CLASS_W_MON },
	{ W_POD & ~0xffffU, 16, WEST, SL_NET_WORLD, CLASS_W_POD },
	{ EAST1 & ~0xffffU, 16, EAST, NET_E, CLASS_E },
};

/* Rules by port, from the opener's side. proto 0: all; port 0: all of the protocol. */
static const struct {
	uint32_t set;
	uint8_t proto;
	uint16_t port;
	uint32_t rule;
	uint8_t policy, qos;
} ports[] = {
	/* From net-a to net-w, and back: routes for all of these. */
	{ SET_OUT, SL_PROTO_TCP, 443, RULE, SL_POLICY_ALLOW, 0 },
	{ SET_OUT, SL_PROTO_TCP, 5432, RULE, SL_POLICY_ALLOW, WAL },
	{ SET_OUT, SL_PROTO_TCP, 9000, RULE, SL_POLICY_ALLOW, BULK },
	{ SET_OUT, SL_PROTO_UDP, 53, RULE, SL_POLICY_ALLOW, SYNC },
	{ SET_OUT, SL_PROTO_ICMP, 0, RULE, SL_POLICY_ALLOW, 0 },
	{ SET_OUT, SL_PROTO_TCP, 22, 0, SL_POLICY_DENY, 0 }, /* no rule allows it */
	{ SET_OUT, SL_PROTO_TCP, 23, RULE, SL_POLICY_DENY, WAL }, /* a rule denies it */
	{ SET_OUT, SL_PROTO_TCP, 24, 0, 0, WAL }, /* no route, but a class */
	{ SET_IN, SL_PROTO_TCP, 8000, RULE, SL_POLICY_ALLOW, 0 },
	{ SET_IN, SL_PROTO_TCP, 5432, RULE, SL_POLICY_ALLOW, WAL },
	{ SET_IN, SL_PROTO_TCP, 22, 0, SL_POLICY_DENY, 0 },
	/* Within the cluster, from net-a to net-b and from net-b to net-a. */
	{ SET_HERE, SL_PROTO_TCP, 443, RULE, SL_POLICY_ALLOW, WAL },
	{ SET_HERE, SL_PROTO_TCP, 444, RULE, SL_POLICY_ALLOW, 0 },
	{ SET_HERE, SL_PROTO_UDP, 53, RULE, SL_POLICY_ALLOW, SYNC },
	{ SET_HERE, SL_PROTO_ICMP, 0, RULE, SL_POLICY_ALLOW, BULK },
	{ SET_HERE, SL_PROTO_TCP, 445, 0, 0, BULK }, /* a class, and nobody who allows it */
	/* From the world to net-a: services grant, rules do not speak. */
	{ SET_SERVED, SL_PROTO_TCP, 8080, 0, 0, WAL },
	{ SET_SERVED, SL_PROTO_UDP, 5353, 0, 0, SYNC },
	/* To the world by outside addresses, and from it to a FIP. */
	{ SET_WORLD, SL_PROTO_TCP, 80, RULE, SL_POLICY_ALLOW, WAL },
	{ SET_WORLD, SL_PROTO_UDP, 53, RULE, SL_POLICY_ALLOW, BULK },
	{ SET_WORLD, SL_PROTO_ICMP, 0, RULE, SL_POLICY_ALLOW, SYNC },
	{ SET_FIP, SL_PROTO_TCP, 22, RULE, SL_POLICY_ALLOW, SYNC },
};

static const struct sl_class classes[] = {
	{ .name = 0, .level = SL_LEVEL_DEFAULT },
	{ .name = WAL_NAME, .level = 1, .dscp = 26, .priority = 6 },
	{ .name = SYNC_NAME, .level = 2, .dscp = 0, .priority = 4 },
	{ .name = BULK_NAME, .level = 7, .dscp = 8, .priority = 1 },
};

/* What the hand-written rows are put into. */
struct pen {
	struct bench *b;
	struct image *image;
	const struct wan *wan;
	uint16_t vpc;
};

static void write_row(struct pen *p, enum sl_table_id table, const void *key, const void *value)
{
	bench_row(p->b, p->image, table, key, value);
}

static void write_abroad(struct pen *p)
{
	for (size_t i = 0; i < sizeof(abroad) / sizeof(abroad[0]); i++)
		write_row(
			p, SL_TABLE_sl_abroad,
			&(struct sl_abroad_key){ .prefixlen = abroad[i].len, .addr = htonl(abroad[i].addr) },
			&(struct sl_abroad){ .cluster = abroad[i].cluster, .flags = abroad[i].flags });
}

static void write_foreign(struct pen *p)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		struct sl_endpoint e = {
			.class = foreign[i].class,
			.network = foreign[i].network,
			.kind = foreign[i].len == 32 ? SL_ENDPOINT_REMOTE
				: foreign[i].network ? SL_ENDPOINT_NETWORK
						     : SL_ENDPOINT_WORLD,
			.flags = SL_ENDPOINT_ABROAD,
			.cluster = foreign[i].cluster,
		};

		if (foreign[i].len == 32)
			write_row(p, SL_TABLE_sl_exact,
				  &(struct sl_exact_key){ .vpc = p->vpc, .addr = htonl(foreign[i].addr) },
				  &e);
		else
			write_row(p, SL_TABLE_sl_prefix,
				  &(struct sl_prefix_key){ .prefixlen = 32U + foreign[i].len,
							   .vpc = htons(p->vpc),
							   .addr = htonl(foreign[i].addr) },
				  &e);
		if (foreign[i].network)
			write_row(p, SL_TABLE_sl_network,
				  &(struct sl_network_key){ .network = foreign[i].network },
				  &(struct sl_network){ .vpc = p->vpc,
							.flags = foreign[i].network == NET_W_MON
									 ? SL_NETWORK_MONITOR
									 : 0 });
	}
}

static struct sl_endpoint *endpoint(struct pen *p, uint32_t addr)
{
	return bench_find(p->image, SL_TABLE_sl_exact,
			  &(struct sl_exact_key){ .vpc = p->vpc, .addr = htonl(addr) });
}

/* Everybody of the bench's own plan is of its cluster, some have labels. */
static void write_own(struct pen *p)
{
	static const enum sl_table_id tables[] = { SL_TABLE_sl_exact, SL_TABLE_sl_prefix };

	for (size_t t = 0; t < 2; t++) {
		const struct image_table *at = &p->image->table[tables[t]];
		size_t stride = (size_t)at->key_size + at->value_size;

		for (size_t i = 0; i < at->count; i++) {
			struct sl_endpoint e;

			memcpy(&e, at->rows + i * stride + at->key_size, sizeof(e));
			e.cluster = e.kind == SL_ENDPOINT_WORLD ? 0 : MAIN;
			memcpy(at->rows + i * stride + at->key_size, &e, sizeof(e));
		}
	}
	endpoint(p, A1)->tenant = 1;
	endpoint(p, B1)->tenant = 2;
	endpoint(p, A2)->tenant = 3;
}

static void write_pair(struct pen *p, uint32_t src, uint32_t dst, uint32_t set)
{
	write_row(p, SL_TABLE_sl_pair, &(struct sl_pair_key){ .src = src, .dst = dst },
		  &(struct sl_pair){ .set = set, .policy = SL_POLICY_PORTS });
}

static void write_policy(struct pen *p)
{
	uint32_t a = endpoint(p, A1)->class, a2 = endpoint(p, A2)->class, b = endpoint(p, B1)->class;
	uint32_t world = image_classify(p->image, p->vpc, WORLD)->class;

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		write_row(p, SL_TABLE_sl_ports,
			  &(struct sl_ports_key){ .prefixlen = ports[i].port ? 64 : 48,
						  .set = htonl(ports[i].set),
						  .proto = ports[i].proto,
						  .port = htons(ports[i].port) },
			  &(struct sl_ports){ .rule = ports[i].rule,
					      .policy = ports[i].policy,
					      .qos = p->wan->qos ? ports[i].qos : 0 });
	write_pair(p, a, CLASS_W, SET_OUT);
	write_pair(p, a2, CLASS_W, SET_OUT);
	write_pair(p, b, CLASS_W, SET_OUT);
	write_pair(p, endpoint(p, V1)->class, CLASS_W, SET_OUT);
	write_pair(p, CLASS_W, a, SET_IN);
	write_pair(p, a, b, SET_HERE);
	write_pair(p, b, a, SET_HERE);
	write_pair(p, world, a, SET_SERVED);
	write_pair(p, a, world, SET_WORLD);
	write_pair(p, b, world, SET_WORLD);
	write_pair(p, world, b, SET_FIP);
	/* Nodes speak to their neighbours' networks without a class of ports. */
	write_row(p, SL_TABLE_sl_pair,
		  &(struct sl_pair_key){ .src = endpoint(p, NODE1)->class, .dst = CLASS_W },
		  &(struct sl_pair){ .policy = SL_POLICY_ALLOW, .rule = RULE });
}

static void write_limits(struct pen *p)
{
	static const struct {
		uint32_t kind, id, name;
	} labels[] = { { SL_RATE_LABEL, 1, RED_NAME }, { SL_RATE_LABEL, 2, BLUE_NAME } };
	const struct wan *wan = p->wan;

	for (uint32_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		write_row(p, SL_TABLE_sl_class, &i, &classes[i]);
	for (size_t i = 0; i < 6 && wan->rate[i].kind; i++) {
		struct sl_rate rate = { .cost = (8000ULL << SL_COST_SHIFT) / wan->rate[i].mbit,
					.burst = wan->rate[i].burst_us * 1000ULL,
					.mbit = wan->rate[i].mbit };

		for (size_t l = 0; l < 2; l++)
			if (wan->rate[i].kind == labels[l].kind && wan->rate[i].id == labels[l].id)
				rate.name = labels[l].name;
		write_row(p, SL_TABLE_sl_rate,
			  &(struct sl_rate_key){ .kind = wan->rate[i].kind, .id = wan->rate[i].id }, &rate);
	}
}

static void write_doors(struct pen *p)
{
	const struct wan *wan = p->wan;
	struct sl_iface *iface = bench_find(p->image, SL_TABLE_sl_iface, &(struct sl_iface_key){ UP0 });
	struct sl_setting *setting = bench_find(p->image, SL_TABLE_sl_setting, &(uint32_t){ 0 });
	bool labels = false;

	for (size_t i = 0; i < 6; i++)
		labels |= wan->rate[i].kind == SL_RATE_LABEL;
	iface->flags |= (wan->fq ? SL_IFACE_EDT : 0) | (wan->shaped ? SL_IFACE_SHAPED : 0);
	iface = bench_find(p->image, SL_TABLE_sl_iface, &(struct sl_iface_key){ W_A1 });
	iface->flags |= wan->trust ? SL_IFACE_TRUST_DSCP : 0;
	setting->flags |= (wan->no_guard ? 0 : SL_SETTING_WAN) | (wan->no_gateway ? 0 : SL_SETTING_GATEWAY) |
			  (wan->qos ? SL_SETTING_QOS : 0) | (labels ? SL_SETTING_LABELS : 0);
	setting->wan_ifindex = wan->no_gateway || wan->no_tunnel ? 0 : WAN0;
	setting->wan_port = htons(WAN_PORT);
	setting->wan_mtu = wan->mtu ? wan->mtu : WAN_MTU;
	setting->cluster = MAIN;
	setting->horizon_ms = wan->horizon_ms ? wan->horizon_ms : SL_HORIZON_MS;
	if (setting->wan_ifindex)
		write_row(p, SL_TABLE_sl_iface, &(struct sl_iface_key){ WAN0 },
			  &(struct sl_iface){ .kind = SL_IFACE_TUNNEL, .mac = { 2, 0, 0, 0, 1, WAN0 } });
}

static void wan_rows(struct bench *b, struct image *image)
{
	struct pen p = { .b = b, .image = image, .wan = b->rows_of };

	for (size_t i = 0; i < image->name_count; i++)
		if (image->names[i].key.kind == SL_NAME_VPC && !strcmp(image->names[i].name.name, "default"))
			p.vpc = (uint16_t)image->names[i].key.id;
	if (p.wan->nat)
		nat_rows(b, image, &nat_plain);
	write_own(&p);
	write_doors(&p);
	if (!p.wan->no_guard) {
		write_abroad(&p);
		write_foreign(&p);
	}
	write_policy(&p);
	if (p.wan->qos)
		write_limits(&p);
}

bool wan_plan(struct bench *b, const struct wan *wan, const char *change)
{
	b->base = wan->nat ? nat_policy : NULL;
	b->rows = wan_rows;
	b->rows_of = wan;
	bench_clear(b);
	return bench_plan(b, change);
}

void wan_over(struct bench *b)
{
	b->base = NULL;
	b->rows = NULL;
	bench_clear(b);
	bench_plan(b, NULL);
}

struct want as_class(struct want w, uint8_t class)
{
	w.queued.counted = true;
	w.queued.class = classes[class].name;
	w.priority = classes[class].priority;
	return w;
}

struct want through(struct want w, uint16_t cluster)
{
	w.queued.cluster = cluster;
	return w;
}
