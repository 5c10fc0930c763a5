/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of other clusters and of quality of service share: a plan with two of them, routes, classes and rates in
 * it. The rows are written by hand, not compiled, so that a test says what there is; user/image has tests of its own.
 */
#ifndef PACKET_WAN_H
#define PACKET_WAN_H
#include "vip.h"

enum { MAIN = 1, WEST, EAST }; /* clusters; the first one is the bench's */
/* Their networks, all in VPC default. */
enum { NET_W = 1201, NET_W2, NET_W_MON, NET_E };

#define W1 IP(172, 20, 1, 11) /* a workload of west, on net-w: routes lead there */
#define W_OTHER IP(172, 20, 1, 99) /* on net-w, no workload */
#define W2 IP(172, 20, 2, 11) /* on net-w2: none does */
#define W_MON IP(172, 20, 3, 11) /* on a network of west that only monitors */
#define W_POD IP(10, 92, 0, 5) /* a pod of west, on no network */
#define EAST1 IP(172, 30, 0, 11) /* of the other cluster */
#define WIDE IP(10, 18, 0, 1) /* within a wide prefix of west, of which 10.17.0.0/16 is this cluster's */
#define WEST_PEER IP(198, 51, 100, 1) /* west's end of the tunnel */
#define WEST_NODE IP(198, 51, 100, 2) /* a node of west that is none */
#define WEST_POOL IP(198, 51, 100, 200)
#define EAST_PEER IP(198, 51, 101, 1)
#define WAN_HERE IP(10, 99, 0, 1) /* addresses of the tunnel itself: no network of the plan */
#define WAN_THERE IP(10, 99, 0, 2)

#define WAN_PORT 51820
#define WAN_MTU 1420 /* of the tunnel, where a test does not say otherwise */

/* Rows of sl_class. */
enum { WAL = 1, SYNC, BULK };
#define WAL_NAME 0x77616cU
#define SYNC_NAME 0x73796eU
#define BULK_NAME 0x62756cU
/* Labels, by tenant: A1 is of the first, B1 of the second, A2 of one that has no rate. */
#define RED_NAME 0x726564U
#define BLUE_NAME 0x626c75U

/* What tests vary; zero means the ordinary thing. */
struct wan {
	bool no_guard; /* there are no other clusters */
	bool no_gateway; /* this node is none: no tunnel begins here */
	bool no_tunnel; /* it is, but the interface is absent */
	uint16_t mtu;
	bool qos; /* there are classes */
	bool fq; /* the uplink sends by the clock */
	bool shaped; /* by somebody else */
	bool trust; /* what A1 writes as its DSCP */
	bool nat; /* outside addresses as nat.h has them */
	uint16_t horizon_ms; /* 0: SL_HORIZON_MS */
	struct limit {
		uint32_t kind, id, mbit, burst_us; /* SL_RATE_*; kind 0: none */
	} rate[6];
};
extern const struct wan wan_plain;

/* Puts the plan with these rows in; `change` as in bench_plan(). What is put in afterwards has them too. */
bool wan_plan(struct bench *b, const struct wan *wan, const char *change);
/* The bench's own plan again. */
void wan_over(struct bench *b);

/* Out of the tunnel, and into it by the stack's routes. */
static inline struct send from_tunnel(struct frame f)
{
	return (struct send){ .door = SL_TUN_IN, .ifindex = WAN0, .frame = f };
}

static inline struct send to_tunnel(struct frame f)
{
	return (struct send){ .door = SL_TUN_OUT, .ifindex = WAN0, .frame = f };
}

/* By the stack again, once another door has judged it and found it to be of a class. */
static inline struct send judged(struct send s, uint8_t class)
{
	s.mark = MARK_JUDGED | (uint32_t) class << MARK_CLASS_SHIFT;
	return s;
}

/* By another door, which has judged it and found it to be of a class, into the tunnel. */
static inline struct send sent_to_tunnel(struct frame f, uint8_t class)
{
	struct send s = judged(to_tunnel(f), class);

	s.sign = WAN_SIGN;
	return s;
}

/* A packet of the tunnel itself: a handshake's (types 1 to 3), or data with `inner` bytes within. */
#define WIREGUARD_DATA 4
struct frame wireguard(uint32_t from, uint32_t to, uint8_t type, uint16_t inner);

/* What QoS counts of a packet that leaves: of a class, and of the tunnel to a cluster. */
struct want as_class(struct want w, uint8_t class);
struct want through(struct want w, uint16_t cluster);
/* Another class of service, checksum right. */
struct frame with_dscp(struct frame f, uint8_t dscp);

#endif
