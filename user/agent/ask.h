/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asking by ARP without a raw socket: the pinned program sl_ask sends the frame it is run on.
 */
#ifndef SLUICE_ASK_H
#define SLUICE_ASK_H
#include <stddef.h>
#include <stdint.h>
#include "../kernel/kernel.h"

/* 14 + 28 bytes, padded to the least length of Ethernet; a tag comes on top of that. */
#define ASK_FRAME_MOST 64

/* Writes the question "who has `target`, tell `sender`" and returns its length. Addresses big-endian. */
size_t ask_frame(uint8_t frame[ASK_FRAME_MOST], const uint8_t mac[6], uint16_t vlan, uint32_t sender_be,
		 uint32_t target_be);
/* Descriptor of the pinned program. */
int ask_open(const char *pins, struct trouble *t);
int ask_send(int program, uint32_t ifindex, const uint8_t *frame, size_t length);

#endif
