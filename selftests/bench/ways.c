/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways and paths, see ways.h. Flows of a way differ in what real ones differ in: clients in address and port, a
 * workload's connections in port and destination.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include "../packet/nat.h"
#include "ways.h"

#define PORTS 60000 /* from FIRST_PORT on */
#define FIRST_PORT 1024
#define TCP_PORT 8000 /* that net-a may open on net-b: 8000 to 8099 */
#define SNAT_SPORTS 1000 /* mappings that established flows share */
#define SERVER IP(9, 0, 0, 1)
#define NOBODY IP(100, 99, 0, 1) /* no network of the plan, no VIP */

static uint16_t own_port[65536]; /* of EIP_A: those in blocks of this node */
static uint32_t own_ports;

static void turn_round(struct tuple *t)
{
	*t = (struct tuple){ t->daddr, t->saddr, t->dport, t->sport };
}

static void pair(uint32_t from, uint32_t to, uint16_t port, uint32_t flow, bool back, struct tuple *t)
{
	*t = (struct tuple){ from, to, (uint16_t)(FIRST_PORT + flow % PORTS),
			     (uint16_t)(port + flow / PORTS) };
	if (back)
		turn_round(t);
}

static void allowed(uint32_t flow, bool back, struct tuple *t)
{
	pair(A1, B1, TCP_PORT, flow, back, t);
}

static void refused(uint32_t flow, bool back, struct tuple *t)
{
	pair(A1, B1, 9000, flow, back, t);
}

static void remote(uint32_t flow, bool back, struct tuple *t)
{
	pair(A_FAR, A1, TCP_PORT, flow, back, t);
}

static void direct(uint32_t flow, bool back, struct tuple *t)
{
	pair(A_FAR, A2, TCP_PORT, flow, back, t);
}

static void routed(uint32_t flow, bool back, struct tuple *t)
{
	pair(A1, B_FAR, TCP_PORT, flow, back, t);
}

static void foreign(uint32_t flow, bool back, struct tuple *t)
{
	pair(NOBODY, NOBODY + 1, TCP_PORT, flow, back, t);
}

static void passed_on(uint32_t flow, bool back, struct tuple *t)
{
	pair(A1, A_FAR, TCP_PORT, flow, back, t);
}

/* Sixteen connections of each client. */
static void client(uint32_t flow, struct tuple *t)
{
	t->saddr = IP(8, 16, 0, 1) + flow / 16;
	t->sport = (uint16_t)(FIRST_PORT + flow % 16 * 4001);
}

static void served_by(uint32_t backend, uint32_t vip, uint16_t port, uint16_t target, uint32_t flow,
		      bool back, struct tuple *t)
{
	client(flow, t);
	t->daddr = back ? backend : vip;
	t->dport = back ? target : port;
	if (back)
		turn_round(t);
}

static void served(uint32_t vip, uint16_t port, uint16_t target, uint32_t flow, bool back, struct tuple *t)
{
	served_by(A1, vip, port, target, flow, back, t);
}

static void vip_plain(uint32_t flow, bool back, struct tuple *t)
{
	served(VIP_POOL, 80, 8080, flow, back, t);
}

static void vip_vlan(uint32_t flow, bool back, struct tuple *t)
{
	served(VIP_EXT, 80, 8080, flow, back, t);
}

static void vip_direct(uint32_t flow, bool back, struct tuple *t)
{
	served_by(A2, VIP_POOL, 91, 91, flow, back, t);
}

static void vip_far(uint32_t flow, bool back, struct tuple *t)
{
	served(VIP_POOL, 87, 87, flow, back, t);
}

static void vip_other(uint32_t flow, bool back, struct tuple *t)
{
	served(VIP_EXT_OTHER, 80, 8080, flow, back, t);
}

/* A mapping keeps its port when that is free, and it is one of a block of this node. */
static void snat(uint32_t flow, bool back, struct tuple *t)
{
	*t = (struct tuple){ back ? EIP_A : A1, SERVER + flow / SNAT_SPORTS, own_port[flow % SNAT_SPORTS],
			     80 };
	if (back)
		turn_round(t);
}

/* Each flow its own mapping. */
static void snat_map(uint32_t flow, bool back, struct tuple *t)
{
	*t = (struct tuple){ back ? EIP_A : A1, SERVER, own_port[flow % own_ports], 80 };
	if (back)
		turn_round(t);
}

static void fip(uint32_t flow, bool back, struct tuple *t)
{
	pair(back ? FIP_B : B1, SERVER, 80, flow, false, t);
	t->dport = 80;
	t->daddr += flow / PORTS;
	if (back)
		turn_round(t);
}

#define FROM_WORKLOAD(interface)                                                                             \
	{                                                                                                    \
		.door = SL_WL_IN, .ifindex = (interface), .dmac = mac_router                                 \
	}
#define NEIGHBOUR(door_, interface, ...)                                                                     \
	{                                                                                                    \
		.door = (door_), .ifindex = (interface), __VA_ARGS__                                         \
	}
#define FROM_WIRE(...)                                                                                       \
	{                                                                                                    \
		.door = SL_UP_IN, .ifindex = UP0, .dmac = mac_node1, __VA_ARGS__                             \
	}
#define NO_LEG                                                                                               \
	{                                                                                                    \
		.door = SL_PROGRAMS                                                                          \
	}
#define mac_node1 ((const uint8_t[6]){ 2, 0, 0, 0, 1, UP0 })

#define WAY(symbol, name_, from, there_, back_, ...)                                                         \
	static const struct way way_##symbol = {                                                             \
		.name = (name_), .tuple = (from), .there = there_, .back = back_, __VA_ARGS__                \
	}

WAY(allowed, "allowed", allowed, FROM_WORKLOAD(W_A1), FROM_WORKLOAD(W_B1), .flows = true);
WAY(refused, "refused", refused, FROM_WORKLOAD(W_A1), NO_LEG, .flows = false);
WAY(remote, "remote", remote, NEIGHBOUR(SL_UP_IN, UP0, .vlan = NET_A), NEIGHBOUR(SL_WL_IN, W_A1, .vlan = 0),
    .flows = true);
/* A2's end of its veth takes frames from XDP. */
WAY(direct, "direct", direct, NEIGHBOUR(SL_UP_IN, UP0, .vlan = NET_A), NEIGHBOUR(SL_WL_IN, W_A2, .vlan = 0),
    .flows = true);
WAY(routed, "routed", routed, FROM_WORKLOAD(W_A1), NEIGHBOUR(SL_UP_IN, UP0, .vlan = NET_B), .flows = true);
WAY(vip, "vip", vip_plain, FROM_WIRE(.vlan = 0), FROM_WORKLOAD(W_A1), .flows = true);
WAY(vip_vlan, "vip_vlan", vip_vlan, FROM_WIRE(.vlan = EXT), FROM_WORKLOAD(W_A1), .flows = true);
WAY(vip_direct, "vip_direct", vip_direct, FROM_WIRE(.vlan = EXT), FROM_WORKLOAD(W_A2), .flows = true);
WAY(vip_far, "vip_far", vip_far, FROM_WIRE(.vlan = 0), NO_LEG, .flows = true);
WAY(vip_other, "vip_other", vip_other, FROM_WIRE(.wrapped = true), FROM_WORKLOAD(W_A1), .flows = true);
WAY(snat, "snat", snat, FROM_WORKLOAD(W_A1), FROM_WIRE(.vlan = EXT), .flows = true);
WAY(snat_map, "snat_map", snat_map, FROM_WORKLOAD(W_A1), FROM_WIRE(.vlan = EXT), .flows = true, .most = 1);
WAY(fip, "fip", fip, FROM_WORKLOAD(W_B1), FROM_WIRE(.vlan = EXT), .flows = true);
WAY(foreign, "foreign", foreign, FROM_WIRE(.vlan = 0), NO_LEG, .flows = false);
WAY(passed_on, "passed_on", passed_on, FROM_WIRE(.vlan = 0), NO_LEG, .flows = false);

/* Doors that a flow's packets do not come in by to open it. */
static const struct leg remote_xdp = { .door = SL_UP_XDP, .ifindex = UP0, .vlan = NET_A };
static const struct leg vip_xdp = { .door = SL_UP_XDP, .ifindex = UP0, .vlan = EXT, .dmac = mac_node1 };
static const struct leg untagged_xdp = { .door = SL_UP_XDP, .ifindex = UP0, .dmac = mac_node1 };
static const struct leg untagged_out = { .door = SL_UP_OUT, .ifindex = UP0, .dmac = mac_node1 };
static const struct leg outside_xdp = {
	.door = SL_UP_XDP, .ifindex = UP0, .vlan = VLAN_OUTSIDE, .dmac = mac_node1
};
static const struct leg outside_tc = {
	.door = SL_UP_IN, .ifindex = UP0, .vlan = VLAN_OUTSIDE, .dmac = mac_node1
};
static const struct leg judged_out = {
	.door = SL_UP_OUT, .ifindex = UP0, .vlan = NET_A, .mark = MARK_JUDGED
};
static const struct leg class_out = {
	.door = SL_UP_OUT, .ifindex = UP0, .vlan = NET_A, .mark = MARK_JUDGED | 1U << MARK_CLASS_SHIFT
};
static const struct leg paced_out = {
	.door = SL_UP_OUT, .ifindex = UP0, .vlan = NET_A, .mark = MARK_JUDGED | 2U << MARK_CLASS_SHIFT
};

#define REDIRECTED TC_ACT_REDIRECT
#define GOES_ON TC_ACT_UNSPEC
#define XDP_GOES_ON XDP_PASS
#define DELIVERED .retval = XDP_REDIRECT, .counts = 1, .stats = STAT(LINE_PACKETS), .by_line = true

const struct path paths[] = {
	/* established */
	{ "isolation allow", &way_allowed, .retval = REDIRECTED, .counts = 1 },
	{ "isolation allow, reply", &way_allowed, .back = true, .retval = REDIRECTED, .counts = 1 },
	{ "in from VLAN, XDP", &way_remote, &remote_xdp, .retval = XDP_GOES_ON, .counts = 1 },
	{ "in from VLAN, XDP, delivered", &way_direct, &remote_xdp, DELIVERED },
	{ "in from VLAN, TC", &way_remote, .retval = REDIRECTED, .counts = 1 },
	{ "out to VLAN", &way_remote, .back = true, .retval = REDIRECTED, .counts = 1 },
	{ "out to VLAN, routed", &way_routed, .retval = REDIRECTED, .counts = 1 },
	{ "ingress DNAT", &way_vip, .retval = REDIRECTED, .counts = 1 },
	{ "ingress DNAT, reply", &way_vip, .back = true, .retval = REDIRECTED, .counts = 1 },
	{ "ingress DNAT, VLAN, XDP", &way_vip_vlan, &vip_xdp, .retval = XDP_GOES_ON, .by_line = true },
	{ "ingress DNAT, VLAN, XDP, delivered", &way_vip_direct, &vip_xdp, DELIVERED },
	{ "ingress DNAT, VLAN", &way_vip_vlan, .retval = REDIRECTED, .counts = 1 },
	{ "ingress DNAT, VLAN, reply", &way_vip_vlan, .back = true, .retval = REDIRECTED, .counts = 1 },
	{ "remote delivery, encap", &way_vip_far, .retval = REDIRECTED, .counts = 1,
	  .stats = STAT(TUNNEL_SENT), .once = true },
	{ "remote delivery, decap", &way_vip_other, .retval = REDIRECTED, .counts = 1,
	  .stats = STAT(TUNNEL_RECEIVED) },
	{ "remote delivery, answer", &way_vip_other, .back = true, .retval = REDIRECTED, .counts = 1 },
	{ "SNAT out", &way_snat, .retval = REDIRECTED, .counts = 1 },
	{ "SNAT in", &way_snat, .back = true, .retval = REDIRECTED, .counts = 1 },
	{ "FIP out", &way_fip, .retval = REDIRECTED, .counts = 1 },
	{ "FIP in", &way_fip, .back = true, .retval = REDIRECTED, .counts = 1 },
	/* first packets */
	{ "new: isolation allow", &way_allowed, .kind = FIRST, .retval = REDIRECTED, .counts = 1,
	  .stats = NEW_FLOW },
	{ "new: in from VLAN, XDP", &way_remote, &remote_xdp, .kind = FIRST, .retval = XDP_GOES_ON,
	  .counts = 1, .stats = NEW_FLOW },
	{ "new: in from VLAN, TC", &way_remote, .kind = FIRST, .retval = REDIRECTED, .counts = 1,
	  .stats = NEW_FLOW },
	{ "new: ingress DNAT", &way_vip, .kind = FIRST, .retval = REDIRECTED, .counts = 1,
	  .stats = NEW_FLOW },
	{ "new: ingress DNAT, VLAN", &way_vip_vlan, .kind = FIRST, .retval = REDIRECTED, .counts = 1,
	  .stats = NEW_FLOW },
	{ "new: remote delivery, encap", &way_vip_far, .kind = FIRST, .retval = REDIRECTED, .counts = 1,
	  .stats = NEW_FLOW | STAT(TUNNEL_SENT), .once = true },
	{ "new: remote delivery, decap", &way_vip_other, .kind = FIRST, .retval = REDIRECTED, .counts = 1,
	  .stats = NEW_FLOW | STAT(TUNNEL_RECEIVED) },
	{ "new: SNAT out, old mapping", &way_snat, .kind = FIRST, .retval = REDIRECTED, .counts = 1,
	  .stats = NEW_FLOW },
	{ "new: SNAT out, new mapping", &way_snat_map, .kind = FIRST, .retval = REDIRECTED, .counts = 1,
	  .stats = NEW_FLOW | STAT(BINDINGS) },
	{ "new: FIP out", &way_fip, .kind = FIRST, .retval = REDIRECTED, .counts = 1, .stats = NEW_FLOW },
	{ "new: drop by policy", &way_refused, .kind = FIRST, .retval = TC_ACT_SHOT, .counts = 1,
	  .reason = SL_DROP_POLICY },
	/* neither */
	{ "drop by policy", &way_refused, .kind = ALONE, .retval = TC_ACT_SHOT, .counts = 1,
	  .reason = SL_DROP_POLICY },
	{ "unmanaged, untagged, XDP", &way_foreign, &untagged_xdp, .kind = ALONE, .retval = XDP_GOES_ON },
	{ "unmanaged, untagged, TC in", &way_foreign, .kind = ALONE, .retval = GOES_ON },
	{ "unmanaged, untagged, TC out", &way_foreign, &untagged_out, .kind = ALONE, .retval = GOES_ON },
	{ "unmanaged, VLAN, XDP", &way_foreign, &outside_xdp, .kind = ALONE, .retval = XDP_GOES_ON },
	{ "unmanaged, VLAN, TC in", &way_foreign, &outside_tc, .kind = ALONE, .retval = GOES_ON },
	{ "out of the uplink, judged", &way_passed_on, &judged_out, .kind = ALONE, .retval = GOES_ON },
	{ "out of the uplink, class", &way_passed_on, &class_out, .kind = ALONE, .retval = GOES_ON,
	  .qos = true },
	{ "out of the uplink, rate", &way_passed_on, &paced_out, .kind = ALONE, .retval = GOES_ON,
	  .qos = true },
};
const size_t path_count = sizeof(paths) / sizeof(paths[0]);

static bool learn(struct bench *b, uint16_t vlan, uint32_t addr, const uint8_t *mac)
{
	struct sl_neigh_key key = { .ifindex = UP0, .vlan = vlan, .addr = htonl(addr) };
	struct sl_neigh row = { .state = SL_NEIGH_KNOWN, .asked = tick(), .heard = tick() };

	memcpy(row.mac, mac, 6);
	return !bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_neigh], &key, &row, BPF_ANY) ||
	       fail(b, "cannot write sl_neigh");
}

bool ways_ready(struct bench *b)
{
	const struct sl_eip *eip =
		bench_find(b->image, SL_TABLE_sl_eip, &(struct sl_eip_key){ .addr = htonl(EIP_A) });

	if (!eip)
		return fail(b, "the plan has no EIP for SNAT");
	own_ports = 0;
	for (uint32_t port = 2048; port < 65536; port++)
		if (eip->node[port >> SL_BLOCK_SHIFT] == SL_NODE_SELF)
			own_port[own_ports++] = (uint16_t)port;
	if (own_ports < 2 * SNAT_SPORTS)
		return fail(b, "only %u ports of the EIP are this node's", own_ports);
	return learn(b, EXT, EXT_ROUTER, mac_alien) && learn(b, NET_A, NODE2, mac_node2) &&
	       learn(b, NET_B, NODE2, mac_node2);
}
