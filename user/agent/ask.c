/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frame is complete, tag included: what leaves the program is what stands on the wire. The program's
 * only argument is the interface, in the mark.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include "ask.h"

size_t ask_frame(uint8_t frame[ASK_FRAME_MOST], const uint8_t mac[6], uint16_t vlan, uint32_t sender_be,
		 uint32_t target_be)
{
	static const uint8_t arp[8] = { 0, 1, 8, 0, 6, 4, 0, 1 }; /* Ethernet, IPv4, lengths, request */
	size_t at = 12;

	memset(frame, 0, ASK_FRAME_MOST);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	if (vlan) {
		frame[at++] = 0x81;
		frame[at++] = 0x00;
		frame[at++] = (uint8_t)(vlan >> 8);
		frame[at++] = (uint8_t)vlan;
	}
	frame[at++] = 0x08;
	frame[at++] = 0x06;
	memcpy(frame + at, arp, 8);
	memcpy(frame + at + 8, mac, 6);
	memcpy(frame + at + 14, &sender_be, 4);
	memcpy(frame + at + 24, &target_be, 4);
	return vlan ? 64 : 60;
}

int ask_open(const char *pins, struct trouble *t)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/progs/sl_ask", pins);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return trouble(t, fd, "cannot open %s: %s", path, strerror(-fd));
	return fd;
}

int ask_send(int program, uint32_t ifindex, const uint8_t *frame, size_t length)
{
	struct __sk_buff context = { .mark = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);

	return bpf_prog_test_run_opts(program, &run);
}
