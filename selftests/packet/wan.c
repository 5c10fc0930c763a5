/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames of tests between clusters, see wan.h. Built from nothing, every checksum summed anew.
 */
#include <string.h>
#include "wan.h"

struct frame with_dscp(struct frame f, uint8_t dscp)
{
	struct sl_ipv4 *ip = frame_ip(&f);

	ip->tos = (uint8_t)(dscp << 2 | (ip->tos & SL_ECN));
	ip->check = 0;
	ip->check = sum16(ip, (uint32_t)f.l4 - f.l3, 0);
	return f;
}

struct frame wireguard(uint32_t from, uint32_t to, uint8_t type, uint16_t inner)
{
	struct frame f = PACKET(.saddr = from, .daddr = to, UDP(WAN_PORT, WAN_PORT), .dmac = mac_alien,
				.payload = (uint16_t)(32 + inner));

	memcpy(f.bytes + f.l4 + sizeof(struct sl_udp), &(uint8_t[4]){ type }, 4);
	frame_sum(&f);
	return f;
}
