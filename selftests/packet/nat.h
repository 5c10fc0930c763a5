/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of outside addresses share: a plan with EIPs, FIPs and rules of source NAT in it, packets from inside and
 * outside and what has to become of them, and the rows of mappings. The rows of the plan tables are written here by
 * hand, not compiled, so that a test says which blocks, ports and ways there are.
 */
#ifndef PACKET_NAT_H
#define PACKET_NAT_H
#include "vip.h"

#define EIP_A                                                                                                \
	IP(198, 18, 0,                                                                                       \
	   60) /* of net-a and net-b, on ext, this node's; the upper half of the ports is node2's */
#define EIP_A2 IP(198, 18, 0, 61) /* its second, where a test wants two */
#define EIP_BLUE IP(198, 18, 0, 62) /* of VPC blue */
#define EIP_FAR                                                                                              \
	IP(198, 18, 0, 63) /* of net-cast; node2 speaks ARP for it, and has the upper half of the ports */
#define EIP_PLAIN IP(203, 0, 113, 60) /* of net-overlay, on no VLAN: by the stack's routes */
#define FIP_B IP(198, 18, 0, 70) /* B1 */
#define FIP_O IP(198, 18, 0, 71) /* O1 */
#define FIP_BLUE IP(198, 18, 0, 72) /* X2 of VPC blue */
#define FIP_B_FAR IP(198, 18, 0, 73) /* B_FAR, on node2 */
#define FIP_LOST IP(198, 18, 0, 74) /* of a workload that nobody knows the node of */
#define FIP_PLAIN IP(203, 0, 113, 70) /* on no VLAN: V_FIP, a workload behind the stack */
#define V_FIP IP(10, 17, 0, 70)
#define V_HOST IP(10, 17, 128, 1) /* of net-overlay: leaves by the node's own address */

#define REMOTE WORLD
#define REMOTE2 IP(9, 9, 9, 9)
#define EXT_PEER IP(198, 18, 0, 200) /* out there, on ext itself */
#define EXCEPTED IP(172, 16, 0, 1) /* a destination exempt from translation */

#define NAT_FIRST 1024
#define NAT_HALF 32768 /* ports from here on are node2's */
#define HOST_FIRST 61440 /* of nat_outgoing: the last four blocks */

extern const uint8_t mac_ext_router[6], mac_ext_peer[6], mac_x1[6];

/* What tests vary of the rule that carries net-a; zero means the ordinary thing. */
struct nat {
	uint16_t first, last; /* 0: NAT_FIRST to 65535 */
	uint32_t max_ports; /* 0: 1000 */
	uint32_t max_flows;
	uint8_t mapping, filtering; /* SL_NAT_*, of all rules; 0: nothing of the other end counts */
	bool two; /* EIPs */
	bool gone; /* no rule for net-a, its EIP stands */
	bool no_eip; /* nor its EIP */
	bool other; /* carried by EIP_A2 instead */
	bool given; /* EIP_A now is another VPC's */
	uint16_t reserved[4]; /* ports of EIP_A, of TCP and UDP */
};

/* Puts the plan with these rows in; `change` as in bench_plan(). What is put in afterwards has them too. */
bool nat_plan(struct bench *b, const struct nat *nat, const char *change);
/* Only the rows, and the policy that goes with them as a change to the plan. */
void nat_rows(struct bench *b, struct image *image, const struct nat *nat);
extern const char nat_policy[];
/* The ordinary one. */
extern const struct nat nat_plain;
/* The bench's own plan again. */
void nat_over(struct bench *b);
/* Nothing has happened yet, but the routers' MACs are known. */
void nat_fresh(struct bench *b);

/* From a workload's interface, through its gateway. */
#define A_OUT(...) workload(W_A1, FROM(A1, __VA_ARGS__))
#define B_OUT(...) workload(W_B1, FROM(B1, __VA_ARGS__))
#define BLUE_OUT(...) workload(W_X2, FROM(X2, __VA_ARGS__))
#define X1_OUT(...) workload(W_X1, FROM(X1, .smac = mac_x1, __VA_ARGS__))
/* From outside on ext's VLAN. */
#define OUTSIDE(eip, ...)                                                                                    \
	PACKET(.daddr = (eip), .dmac = scene_mac(NODE1), .smac = mac_ext_router, VLAN(EXT), __VA_ARGS__)
/* From outside by the untagged uplink. */
#define OUTSIDE_PLAIN(eip, ...)                                                                              \
	PACKET(.daddr = (eip), .dmac = scene_mac(NODE1), .smac = mac_ext_router, __VA_ARGS__)

/* Other addresses and ports, 0: as they are; of an ICMP query the port is its identifier. */
struct frame translate(struct frame f, uint32_t saddr, uint16_t sport, uint32_t daddr, uint16_t dport);
/* From inside, as it goes out on ext by its router; `port` 0: kept. */
struct frame leaves(struct frame f, uint32_t eip, uint16_t port);
/* From outside, as the workload gets it. */
struct frame lands(struct frame f, uint32_t inside, uint16_t port);
/* An ICMP error about the packet of `f`, of which it has the first bytes (0: header and eight); a MTU of 1400. */
struct frame error_about(const struct frame *f, uint32_t from, uint32_t to, uint8_t type, uint8_t code,
			 uint16_t quoted);

/* A first packet that makes a mapping; the source's port is kept. */
struct want binds(uint32_t eip, uint8_t proto, uint16_t src);
/* A first packet of a mapping or FIP that is there. */
struct want sets_out(uint16_t src);
/* An answer from outside. */
struct want returns(uint8_t proto, uint16_t dst);
/* A drop for a workload's packet, and for one from outside. */
struct want keeps_in(uint16_t src, uint16_t dst);
struct want keeps_out(uint32_t eip, uint8_t proto, bool counted);

/* Checks that a packet from inside leaves on ext by its router, one from outside lands at `inside`; 0: port kept. */
bool goes(struct bench *b, const char *name, struct send s, struct want w, uint32_t eip, uint16_t port);
bool comes(struct bench *b, const char *name, struct frame f, struct want w, uint32_t inside, uint16_t port);

/* --- rows of state; host byte order */

/* The outside port of a mapping that does not depend on the other end; 0: there is none. */
uint16_t nat_binding(struct bench *b, uint16_t vpc, uint32_t addr, uint16_t port, uint8_t proto,
		     uint32_t eip);
bool nat_outside(struct bench *b, uint32_t eip, uint16_t port, uint8_t proto, struct sl_outside *row);
bool nat_taken(struct bench *b, uint32_t eip, uint16_t port, uint8_t proto);
/* Sets the 64 bits of the word that holds `port`. */
void nat_take(struct bench *b, uint32_t eip, uint16_t port, uint8_t proto, uint64_t bits);
bool nat_holder(struct bench *b, uint16_t vpc, uint32_t addr, struct sl_holder *row);
/* Takes both halves of a flow out of the tables, as if evicted. */
void nat_lose(struct bench *b, const struct sl_flow_key *key);
/* Runs sl_release for one port, as the agent does: `seen` is what it saw. */
void nat_release(struct bench *b, uint16_t what, uint32_t eip, uint16_t port, uint8_t proto, uint32_t seen);

#endif
