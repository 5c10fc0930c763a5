/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stage that packet tests play on: a network namespace of its own with the interfaces that plan.json
 * names, always under the same ifindex, and the addresses of that plan. Must stay in step with plan.json.
 */
#ifndef PACKET_SCENE_H
#define PACKET_SCENE_H
#include <stdbool.h>
#include "../../user/image/image.h"
#include "frame.h"

/* ifindexes; the other end of each veth is PEER_OF() */
enum {
	UP0 = 10, /* unmanaged: pass */
	UP1, /* unmanaged: drop */
	WAN0, /* the tunnel to other clusters, where a test has one */
	W_A1 = 20, /* net-a */
	W_A2, /* net-a, its other end in another namespace: bpf_redirect_peer */
	W_A3, /* net-a, the plan knows no MAC */
	W_B1, /* net-b */
	W_M1, /* net-mon: monitor */
	W_N1, /* net-mon-b: monitor */
	W_C1, /* net-cast: broadcast, multicast and IPv6 pass */
	W_C2,
	W_O1, /* net-open: fail open */
	W_E1, /* ext: external */
	W_X1, /* blue-a: the addresses of net-a in VPC blue */
	W_V1, /* net-overlay */
	W_X2, /* blue-a */
	W_ABSENT = 60, /* net-a, in the plan but not on the node */
	W_STRAY, /* on the node but not in the plan */
};
#define PEER_OF(ifindex) ((ifindex) + 100)

/* network ids; those below 1000 that have a VLAN have it under the same number */
enum {
	MGMT = 100,
	NET_A = 103,
	NET_B = 104,
	NET_MON = 105,
	NET_CAST = 106,
	NET_MON_B = 107,
	NET_OPEN = 108,
	EXT = 130,
	BLUE_A = 203,
	NET_OVERLAY = 1017,
};
#define VLAN_UNASSIGNED_ 109
#define VLAN_OUTSIDE 110

#define NODE1 IP(192, 168, 100, 11)
#define NODE2 IP(192, 168, 100, 12)
#define MGMT_HOST IP(192, 168, 100, 50) /* in mgmt, no workload */
#define GATEWAY_A IP(192, 168, 103, 1)
#define A1 IP(192, 168, 103, 11)
#define A2 IP(192, 168, 103, 12)
#define A3 IP(192, 168, 103, 13)
#define A_ABSENT IP(192, 168, 103, 14)
#define A_STACK IP(192, 168, 103, 15) /* on this node, no interface named */
#define A_FAR IP(192, 168, 103, 21) /* on node2 */
#define A_OTHER IP(192, 168, 103, 99) /* in the network, no workload */
#define A_BROADCAST IP(192, 168, 103, 255)
#define B1 IP(192, 168, 104, 11)
#define B_FAR IP(192, 168, 104, 21)
#define B_OTHER IP(192, 168, 104, 99)
#define M1 IP(192, 168, 105, 11)
#define M_FAR IP(192, 168, 105, 21)
#define N1 IP(192, 168, 107, 11)
#define C1 IP(192, 168, 106, 11)
#define C2 IP(192, 168, 106, 12)
#define C_FAR IP(192, 168, 106, 21)
#define C_BROADCAST IP(192, 168, 106, 255)
#define O1 IP(192, 168, 108, 11)
#define E1 IP(198, 18, 0, 11)
#define X1 IP(192, 168, 103, 11) /* in VPC blue */
#define X2 IP(192, 168, 103, 32) /* in VPC blue; nobody has it in the other */
#define V1 IP(10, 17, 0, 11)
#define V_OTHER IP(10, 17, 0, 99)
#define WORLD IP(8, 8, 8, 8)
#define EXT_ROUTER IP(198, 18, 0, 1)

/* VIPs. Ports 53 and 80 mean A1 on all but the node's; the plan says what the others are. */
#define VIP_EXT IP(198, 18, 0, 50) /* this node's, on ext */
#define VIP_EXT_OTHER IP(198, 18, 0, 51) /* node2's, on ext */
#define VIP_QUIET IP(198, 18, 0, 52) /* this node's, drops pings */
#define VIP_POOL IP(203, 0, 113, 10) /* this node's, on the untagged uplink */
#define ALIAS IP(192, 0, 0, 147) /* what this node's sockets call NODE1: 16 + FNV-1a of its text % 154 */
#define VIP_POOL_OTHER IP(203, 0, 113, 11) /* node2's */

extern const uint8_t mac_router[6], mac_all[6], mac_zero[6], mac_alien[6], mac_node2[6];

/* The MAC the plan gives to whoever has the address (first VPC that has it); an invented one otherwise. */
const uint8_t *scene_mac(uint32_t addr);
/* Of the interface itself. */
void scene_link_mac(uint32_t ifindex, uint8_t mac[6]);

/* A frame with the MACs that its sender would use, where the test does not say. */
struct frame scene_frame(struct spec *spec);
#define PACKET(...) scene_frame(&(struct spec){ __VA_ARGS__ })

/* ARP as `spec` says for Ethernet (default destination: all), from sha/spa for tha/tpa. */
struct arp_spec {
	uint16_t op;
	const uint8_t *sha, *tha; /* NULL: the sender's MAC; zero */
	uint32_t spa, tpa;
	const uint8_t *dmac, *smac; /* NULL: all; sha */
	uint16_t vlan; /* 0: untagged */
};
struct frame scene_arp(const struct arp_spec *spec);
#define ARP(...) scene_arp(&(struct arp_spec){ __VA_ARGS__ })

/* Makes the namespace with its interfaces and a bpffs of its own; says why if it cannot. */
bool scene_make(char *why, size_t room);
/* What the compiler is told about the interfaces. */
#define SCENE_LINKS 17
void scene_links(struct link_fact facts[SCENE_LINKS]);

#endif
