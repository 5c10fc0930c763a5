/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must not be seen on an uplink in clear: by every way that a packet can lie there, in and out, whoever has
 * judged it before. And its neighbours, which are nobody's business here.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "wan.h"

/* How a packet lies at an uplink. */
struct spot {
	const char *name;
	enum program door;
	uint32_t ifindex, mark;
	uint16_t vlan; /* 0: untagged */
	bool beside; /* the tag */
};

static const struct spot places[] = {
	{ "in", SL_UP_IN, UP0, 0, 0, false },
	{ "in, the backup uplink", SL_UP_IN, UP1, 0, 0, false },
	{ "in, tagged", SL_UP_IN, UP0, 0, NET_A, false },
	{ "in, tag beside the frame", SL_UP_IN, UP0, 0, NET_A, true },
	{ "in, tagged, XDP", SL_UP_XDP, UP0, 0, NET_A, false },
	{ "in, a VLAN that is not the plan's", SL_UP_IN, UP0, 0, VLAN_OUTSIDE, false },
	{ "in, such a tag beside the frame", SL_UP_IN, UP0, 0, VLAN_OUTSIDE, true },
	{ "in, a VLAN that is not the plan's, XDP", SL_UP_XDP, UP0, 0, VLAN_OUTSIDE, false },
	{ "out", SL_UP_OUT, UP0, 0, 0, false },
	{ "out, judged", SL_UP_OUT, UP0, MARK_JUDGED, 0, false },
	{ "out, the backup uplink, judged", SL_UP_OUT, UP1, MARK_JUDGED, 0, false },
	{ "out, tagged", SL_UP_OUT, UP0, 0, NET_A, false },
	{ "out, tagged, judged", SL_UP_OUT, UP0, MARK_JUDGED, NET_A, false },
	{ "out, tag beside the frame, judged", SL_UP_OUT, UP0, MARK_JUDGED, NET_A, true },
	{ "out, a VLAN that is not the plan's", SL_UP_OUT, UP0, 0, VLAN_OUTSIDE, true },
};
#define PLACES (sizeof(places) / sizeof(places[0]))

static struct send lies(const struct spot *at, struct frame f)
{
	struct send s = { .door = at->door, .ifindex = at->ifindex, .mark = at->mark, .frame = f };

	if (at->vlan && at->beside)
		return beside(s, SL_ETH_VLAN, at->vlan);
	if (at->vlan)
		frame_tag(&s.frame, SL_ETH_VLAN, at->vlan);
	return s;
}

/* Of many packets alike only one in so many places is tried. */
#define BRIEFLY 4

/* Dropped in every `step`th place; `in`, `out`: that way only. */
static void dropped(struct bench *b, enum sl_reason_id reason, size_t step, bool in, bool out,
		    const char *name, struct frame f)
{
	case_begin(b, "reason %s triggered: %s", reason == SL_DROP_WAN_PEER ? "wan_peer" : "plaintext_wan",
		   name);
	for (size_t i = 0; i < PLACES; i += step)
		if (places[i].door == SL_UP_OUT ? out : in)
			check(b, places[i].name, lies(&places[i], f),
			      (struct want){ .fate = DROPPED, .reason = (uint8_t)reason });
	b->hits[reason] += case_end(b);
}

static void nowhere(struct bench *b, enum sl_reason_id reason, bool in, bool out, const char *name,
		    struct frame f)
{
	dropped(b, reason, 1, in, out, name, f);
}

/* Nobody's business wherever no network is. */
static void passes(struct bench *b, enum sl_reason_id reason, size_t step, const char *name, struct frame f)
{
	case_begin(b, "reason %s just missed: %s", reason == SL_DROP_WAN_PEER ? "wan_peer" : "plaintext_wan",
		   name);
	for (size_t i = 0; i < PLACES; i += step)
		if (places[i].ifindex == UP0 && (!places[i].vlan || places[i].vlan == VLAN_OUTSIDE))
			check(b, places[i].name, lies(&places[i], f), (struct want){ .fate = UNTOUCHED });
	b->misses[reason] += case_end(b);
}

/* Only in. */
static void comes(struct bench *b, enum sl_reason_id reason, const char *name, struct frame f)
{
	case_begin(b, "reason %s just missed: %s", reason == SL_DROP_WAN_PEER ? "wan_peer" : "plaintext_wan",
		   name);
	for (size_t i = 0; i < PLACES; i++)
		if (places[i].door != SL_UP_OUT && places[i].ifindex == UP0 &&
		    (!places[i].vlan || places[i].vlan == VLAN_OUTSIDE))
			check(b, places[i].name, lies(&places[i], f), (struct want){ .fate = UNTOUCHED });
	b->misses[reason] += case_end(b);
}

static void anywhere(struct bench *b, enum sl_reason_id reason, const char *name, struct frame f)
{
	passes(b, reason, 1, name, f);
}

#define RAW(from, to, ...) PACKET(.saddr = (from), .daddr = (to), .dmac = scene_mac(NODE1), __VA_ARGS__)
#define PLAIN SL_DROP_PLAINTEXT_WAN

static void test_inside(struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t addr;
	} insides[] = { { "a workload of another cluster", W1 },
			{ "an address of its network", W_OTHER },
			{ "a pod of another cluster", W_POD },
			{ "the other cluster's", EAST1 },
			{ "a wide prefix of which a part is here", WIDE },
			{ "the first address of it", IP(10, 16, 0, 0) },
			{ "the last address of it", IP(10, 31, 255, 255) } };
	char name[96];

	for (size_t i = 0; i < sizeof(insides) / sizeof(insides[0]); i++) {
		uint32_t addr = insides[i].addr;

		snprintf(name, sizeof(name), "to %s", insides[i].name);
		nowhere(b, PLAIN, true, true, name, RAW(A_FAR, addr, TCP(1000, 443, SYN)));
		snprintf(name, sizeof(name), "from %s", insides[i].name);
		nowhere(b, PLAIN, true, true, name, RAW(addr, A_FAR, UDP(1000, 53)));
	}
	nowhere(b, PLAIN, true, true, "between two other clusters", RAW(W1, EAST1, UDP(1000, 53)));
	nowhere(b, PLAIN, true, true, "a ping of the node", RAW(W1, NODE1, ICMP(SL_ICMP_ECHO, 7)));
	nowhere(b, PLAIN, true, true, "from the node", RAW(NODE1, W_POD, ICMP(SL_ICMP_ECHO_REPLY, 7)));
	nowhere(b, PLAIN, true, true, "to a VIP of this node", RAW(W1, VIP_POOL, TCP(1000, 80, SYN)));
	nowhere(b, PLAIN, true, true, "a first fragment",
		RAW(W1, WORLD, UDP(1, 2), .frag = SL_IP_MF, .id = 3, .payload = 24));
	nowhere(b, PLAIN, true, true, "a later fragment",
		RAW(WORLD, W1, .proto = SL_PROTO_UDP, .bare = true, .frag = 4, .id = 3, .payload = 24));
	nowhere(b, PLAIN, true, true, "a protocol without ports",
		RAW(W1, WORLD, .proto = 47, .bare = true, .payload = 24));
	nowhere(b, PLAIN, true, true, "with IP options",
		RAW(W1, WORLD, UDP(1, 2), .options = (const uint8_t[4]){ 1, 1, 1, 0 }, .option_len = 4));

	anywhere(b, PLAIN, "one address below a prefix", RAW(WORLD, IP(10, 15, 255, 255), UDP(1, 2)));
	anywhere(b, PLAIN, "one address above a prefix", RAW(IP(10, 32, 0, 0), WORLD, UDP(1, 2)));
	anywhere(b, PLAIN, "the world", RAW(WORLD, IP(9, 9, 9, 9), UDP(1, 2)));
	anywhere(b, PLAIN, "the tunnel's own addresses", RAW(WORLD, WAN_THERE, UDP(1, 2)));
}

/* Within a wider prefix of another cluster, and yet this one's. */
static void test_own(struct bench *b)
{
	struct frame f = PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 2000), VLAN(NET_A)), out;
	struct want w = { .fate = SENT, .src = NET_A, .dst = NET_A, .stats = NEW_FLOW, .out = &out };

	out = landed(f, scene_mac(A1));
	miss(b, PLAIN, "this cluster's network within another's prefix", wire(f), w);
	f = RAW(V1, IP(10, 17, 0, 12), UDP(1000, 2000));
	miss(b, PLAIN, "this cluster's overlay within another's prefix", stack_out(f),
	     (struct want){ .fate = UNTOUCHED });
	f = RAW(IP(192, 168, 200, 5), WORLD, UDP(1, 2));
	nowhere(b, PLAIN, true, true, "what is beside it in that prefix", f);
}

static void test_nodes(struct bench *b)
{
	static const struct {
		const char *name;
		uint8_t proto;
		uint16_t port;
		bool forbidden, both; /* also as the source's port */
	} talks[] = {
		{ "Geneve", 17, 6081, true, false },
		{ "deliveries", 17, 6083, true, false },
		{ "OVN-IC northbound", 6, 6645, true, true },
		{ "OVN-IC southbound", 6, 6646, true, true },
		{ "etcd clients", 6, 2379, true, true },
		{ "etcd peers", 6, 2380, true, true },
		{ "below OVN-IC", 6, 6644, false, true },
		{ "above OVN-IC", 6, 6647, false, true },
		{ "below etcd", 6, 2378, false, true },
		{ "above etcd", 6, 2381, false, true },
		{ "ssh", 6, 22, false, true },
		{ "TCP to Geneve's port", 6, 6081, false, true },
		{ "VXLAN", 17, 4789, false, true },
	};
	static const struct {
		const char *name;
		uint32_t addr;
	} ends[] = { { "a node", WEST_NODE }, { "a peer", WEST_PEER }, { "a pool", WEST_POOL } };
	char name[96];

	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
			struct frame to = RAW(NODE2, ends[e].addr, .proto = talks[i].proto, .sport = 40000,
					      .dport = talks[i].port, .tcp_flags = SYN, .payload = 20);
			struct frame from = RAW(ends[e].addr, NODE2, .proto = talks[i].proto, .sport = 40000,
						.dport = talks[i].port, .tcp_flags = SYN, .payload = 20);
			struct frame answer =
				RAW(ends[e].addr, NODE2, .proto = talks[i].proto, .sport = talks[i].port,
				    .dport = 40000, .tcp_flags = SYN | ACK, .payload = 20);

			snprintf(name, sizeof(name), "%s with %s", talks[i].name, ends[e].name);
			if (!talks[i].forbidden) {
				passes(b, PLAIN, BRIEFLY, name, to);
				passes(b, PLAIN, BRIEFLY, name, answer);
				continue;
			}
			dropped(b, PLAIN, BRIEFLY, true, true, name, to);
			dropped(b, PLAIN, BRIEFLY, true, true, name, from);
			if (talks[i].both)
				dropped(b, PLAIN, BRIEFLY, true, true, name, answer);
		}
		snprintf(name, sizeof(name), "%s between nodes of this cluster", talks[i].name);
		passes(b, PLAIN, BRIEFLY, name,
		       RAW(NODE2, IP(192, 168, 100, 13), .proto = talks[i].proto, .sport = 40000,
			   .dport = talks[i].port, .tcp_flags = SYN, .payload = 20));
		snprintf(name, sizeof(name), "%s with the world", talks[i].name);
		passes(b, PLAIN, BRIEFLY, name,
		       RAW(WORLD, IP(9, 9, 9, 9), .proto = talks[i].proto, .sport = 40000,
			   .dport = talks[i].port, .tcp_flags = SYN, .payload = 20));
	}
	nowhere(b, PLAIN, true, true, "the first fragment of Geneve with a node",
		RAW(NODE2, WEST_NODE, UDP(1, 6081), .frag = SL_IP_MF, .id = 3, .payload = 24));
	anywhere(b, PLAIN, "a later fragment with a node, which has no ports",
		 RAW(NODE2, WEST_NODE, .proto = SL_PROTO_UDP, .bare = true, .frag = 4, .id = 3,
		     .payload = 24));
	nowhere(b, PLAIN, true, true, "Geneve behind IP options",
		RAW(NODE2, WEST_NODE, UDP(1, 6081), .options = (const uint8_t[8]){ 7, 7, 4, 0, 0, 0, 0, 1 },
		    .option_len = 8, .payload = 24));
	anywhere(b, PLAIN, "no room for ports behind the header",
		 RAW(NODE2, WEST_NODE, .proto = SL_PROTO_UDP, .bare = true, .payload = 3));
}

/* --- the tunnel's own packets */

#define PEER_IN(from, ...) RAW(from, NODE1, UDP(WAN_PORT, WAN_PORT), .payload = 148, __VA_ARGS__)
#define PEER_OUT(to, ...) RAW(NODE1, to, UDP(WAN_PORT, WAN_PORT), .payload = 148, __VA_ARGS__)

/* Somebody else's tunnel, from a port of its own or to one: past the doors of ours. */
static void test_others(struct bench *b)
{
	const enum sl_reason_id reason = SL_DROP_WAN_PEER;
	static const uint32_t there[] = { WEST_NODE, WEST_PEER, WEST_POOL },
			      here[] = { NODE1, NODE2, MGMT_HOST };

	for (size_t t = 0; t < 3; t++)
		for (size_t h = 0; h < 3; h++) {
			char name[96];

			snprintf(name, sizeof(name), "to another's tunnel, %zu to %zu", h + 1, t + 1);
			nowhere(b, reason, false, true, name, RAW(here[h], there[t], UDP(1024, WAN_PORT)));
			snprintf(name, sizeof(name), "out of another's tunnel, %zu to %zu", t + 1, h + 1);
			nowhere(b, reason, true, false, name, RAW(there[t], here[h], UDP(WAN_PORT, 1024)));
		}
	anywhere(b, reason, "to the next port there", RAW(NODE1, WEST_NODE, UDP(1024, WAN_PORT + 1)));
	anywhere(b, reason, "a stranger's tunnel", RAW(NODE1, WORLD, UDP(1024, WAN_PORT)));
	anywhere(b, reason, "TCP to that port", RAW(NODE1, WEST_NODE, TCP(1024, WAN_PORT, SYN)));
}

static void test_peers(struct bench *b)
{
	const enum sl_reason_id reason = SL_DROP_WAN_PEER;
	static const uint32_t strangers[] = { WORLD, WEST_NODE, WEST_POOL, NODE2, MGMT_HOST };

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "from a stranger, %zu", i + 1);
		nowhere(b, reason, true, false, name, PEER_IN(strangers[i]));
		snprintf(name, sizeof(name), "to a stranger, %zu", i + 1);
		nowhere(b, reason, false, true, name, PEER_OUT(strangers[i]));
	}
	anywhere(b, reason, "from a peer", PEER_IN(WEST_PEER));
	anywhere(b, reason, "to a peer", PEER_OUT(WEST_PEER));
	anywhere(b, reason, "from the other peer", PEER_IN(EAST_PEER));
	comes(b, reason, "from another port of a peer",
	      RAW(WEST_PEER, NODE1, UDP(1024, WAN_PORT), .payload = 148));
	test_others(b);
	anywhere(b, reason, "a stranger's packet that comes by",
		 RAW(WORLD, IP(9, 9, 9, 9), UDP(1, WAN_PORT)));
	miss(b, reason, "a stranger by TCP", wire(RAW(WORLD, NODE1, TCP(1, WAN_PORT, SYN))),
	     (struct want){ .fate = UNTOUCHED });
	miss(b, reason, "a stranger to the next port", wire(RAW(WORLD, NODE1, UDP(1, WAN_PORT + 1))),
	     (struct want){ .fate = UNTOUCHED });
	miss(b, reason, "from the next port to a stranger",
	     stack_out(RAW(NODE1, WORLD, UDP(WAN_PORT + 1, WAN_PORT))), (struct want){ .fate = UNTOUCHED });
}

static void test_no_gateway(struct bench *b)
{
	const struct wan wan = { .no_gateway = true };

	if (!wan_plan(b, &wan, NULL))
		return;
	nowhere(b, SL_DROP_WAN_PEER, true, false, "from a peer to a node that is no gateway",
		PEER_IN(WEST_PEER));
	nowhere(b, SL_DROP_WAN_PEER, false, true, "to a peer from a node that is no gateway",
		PEER_OUT(WEST_PEER));
	nowhere(b, PLAIN, true, true, "a node that is no gateway", RAW(A_FAR, W1, UDP(1, 2)));
	wan_plan(b, &wan_plain, NULL);
}

/* Who may reach the node is one thing, the tunnel between the listed peers another. */
static void test_host_policy(struct bench *b)
{
	static const char host[] = "{\"clusters\":{\"main\":{\"host\":{\"allow\":["
				   "{\"from\":[\"network:mgmt\"],\"ports\":[\"tcp/22\"]}]}}}}";
	struct frame f = PEER_IN(WEST_PEER);
	struct want w = { .fate = DROPPED, .reason = SL_DROP_POLICY, .dst = MGMT };

	if (!wan_plan(b, &wan_plain, host))
		return;
	case_begin(b, "guard: the host policy does not stop a peer");
	check(b, "in", wire(f), (struct want){ .fate = UNTOUCHED });
	check(b, "out", stack_out(PEER_OUT(WEST_PEER)), (struct want){ .fate = UNTOUCHED });
	for (uint32_t at = 0; at < 156; at += 80)
		check(b, at ? "a later fragment" : "the first fragment",
		      (struct send){ .door = SL_UP_IN,
				     .ifindex = UP0,
				     .frame = piece(&f, at, at ? 76 : 80, !at),
				     .keep = at > 0 },
		      (struct want){ .fate = UNTOUCHED });
	check(b, "but all else", wire(RAW(WEST_PEER, NODE1, UDP(1024, 53))), w);
	case_end(b);
	wan_plan(b, &wan_plain, NULL);
}

/* --- the example that is kept */

static void offender(struct bench *b, const char *name, struct send s, uint32_t reason,
		     struct sl_offender want)
{
	struct want w = { .fate = DROPPED, .reason = (uint8_t)reason };
	struct sl_offender row;

	case_begin(b, "offender: %s", name);
	check(b, name, s, w);
	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_offender], &reason, &row)) {
		fail(b, "sl_offender cannot be read");
	} else {
		that(b, row.at > 0, "a time");
		want.at = row.at;
		want.ifindex = s.ifindex;
		if (memcmp(&row, &want, sizeof(row)))
			fail(b,
			     "networks %u → %u, clusters %u → %u, ports %u → %u, protocol %u, out %u, "
			     "interface %u",
			     row.src_network, row.dst_network, row.src_cluster, row.dst_cluster,
			     ntohs(row.sport), ntohs(row.dport), row.proto, row.out, row.ifindex);
	}
	case_end(b);
}

static void test_offender(struct bench *b)
{
	struct sl_offender want = { .src_network = NET_A,
				    .dst_network = NET_W,
				    .src_cluster = MAIN,
				    .dst_cluster = WEST,
				    .sport = htons(1000),
				    .dport = htons(443),
				    .proto = SL_PROTO_TCP };
	struct frame f = PACKET(.saddr = A_FAR, .daddr = W1, TCP(1000, 443, SYN), VLAN(NET_A));

	offender(b, "seen by XDP", wire_xdp(f), PLAIN, want);
	offender(b, "seen by TC", wire_beside(f), PLAIN, want);
	want.out = 1;
	offender(b, "on its way out", judged(stack_out(f), 0), PLAIN, want);
	f = RAW(NODE2, WEST_NODE, UDP(1000, 6081));
	want = (struct sl_offender){ .src_network = MGMT,
				     .src_cluster = MAIN,
				     .dst_cluster = WEST,
				     .sport = htons(1000),
				     .dport = htons(6081),
				     .proto = SL_PROTO_UDP };
	offender(b, "with a node", wire(f), PLAIN, want);
	want = (struct sl_offender){ .dst_network = MGMT,
				     .dst_cluster = MAIN,
				     .sport = htons(WAN_PORT),
				     .dport = htons(WAN_PORT),
				     .proto = SL_PROTO_UDP };
	offender(b, "no peer", wire(PEER_IN(WORLD)), SL_DROP_WAN_PEER, want);
}

void test_guard(struct bench *b)
{
	if (!wan_plan(b, &wan_plain, NULL))
		return;
	test_inside(b);
	test_own(b);
	test_nodes(b);
	test_peers(b);
	test_no_gateway(b);
	test_host_policy(b);
	test_offender(b);
	if (wan_plan(b, &(struct wan){ .no_guard = true }, NULL)) {
		anywhere(b, PLAIN, "without other clusters nobody is foreign", RAW(W1, WORLD, UDP(1, 2)));
		anywhere(b, SL_DROP_WAN_PEER, "nor a stranger", RAW(WORLD, NODE1, UDP(1, WAN_PORT)));
	}
	wan_over(b);
}
