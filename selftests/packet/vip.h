/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What packet tests of services share: clients' packets to VIPs, and what has to come out when an address is
 * translated, a packet wrapped, a sender answered. All of it is built from nothing, every checksum summed anew.
 */
#ifndef PACKET_VIP_H
#define PACKET_VIP_H
#include "bench.h"

#define CLIENT WORLD
#define CLIENT_PORT 1000
#define TUNNEL_MTU 1500 /* of the bench's plan, where nothing says otherwise */

/* From the world, by way of a router out there. */
#define TO_VIP(vip, ...) PACKET(.saddr = CLIENT, .daddr = (vip), .dmac = scene_mac(NODE1), __VA_ARGS__)
/* From a workload, through its gateway. */
#define FROM(addr, ...) PACKET(.saddr = (addr), .dmac = mac_router, __VA_ARGS__)

/* Other addresses and ports; 0: as it is. A UDP checksum that is none stays none. */
struct frame readdress(struct frame f, uint32_t saddr, uint16_t sport, uint32_t daddr, uint16_t dport);
/* A client's packet as the backend's interface gets it. */
struct frame into(struct frame f, uint32_t backend, uint16_t target);
/* A backend's packet as it goes back to `dmac` out of the uplink. */
struct frame back(struct frame f, uint32_t vip, uint16_t port, const uint8_t *dmac);
/* The packet of a frame behind another frame's MACs, in Geneve. */
struct frame wrap(const struct frame *inner, const uint8_t *dmac, const uint8_t *smac, uint32_t from,
		  uint32_t to, uint32_t backend);
/* The RST that RFC 9293 asks for, to the sender. */
struct frame reset(struct frame f);
/* The ICMP error about it, to the sender, by whom the packet was sent to, or by `from`. */
struct frame say_so(struct frame f, uint8_t type, uint8_t code, uint16_t mtu, uint32_t from);
struct frame unreachable(struct frame f, uint8_t code, uint16_t mtu);
/* Bytes of TCP options put between header and payload. */
struct frame tcp_options(struct frame f, const uint8_t *options, uint8_t len);

/* Bytes of a datagram's payload as a fragment of it. The checksum stays the whole datagram's. */
struct frame piece(const struct frame *whole, uint32_t from, uint32_t len, bool more);

/* From the wire, tag in the frame, or beside it. */
struct send wire_beside(struct frame f);
/* Out of the node's own stack. */
struct send stack_out(struct frame f);

/* A first packet that reaches the backend, and one of the answers. */
struct want opens(uint32_t vip, uint16_t port, uint8_t proto, uint32_t backend, uint16_t src, uint16_t dst);
struct want answers(uint32_t vip, uint16_t port, uint8_t proto, uint32_t backend, uint16_t src, uint16_t dst);
/* The same, of a flow that is there already. */
struct want goes_on(struct want w);
/* The same, and promotes its flow: what a client sends after the SYN-ACK, or an answer that is none. */
struct want promotes(struct want w);
/* A service's refusal. */
struct want refuses(uint32_t vip, uint16_t port, uint8_t proto, uint16_t src, uint16_t network);

#endif
