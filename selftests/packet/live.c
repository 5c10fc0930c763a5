/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real frames on the scene's interfaces, see live.h.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "live.h"

int listen_on(struct bench *b, uint32_t ifindex)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(0x0003),
				  .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		fail(b, "cannot listen on interface %u: %s", ifindex, strerror(errno));
	return fd;
}

int take(int fd, struct frame *f, int wait_ms)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = { .iov_base = f->bytes, .iov_len = sizeof(f->bytes) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t got;

	memset(f, 0, sizeof(*f));
	if (poll(&ready, 1, wait_ms) != 1)
		return -1;
	got = recvmsg(fd, &msg, 0);
	if (got < 0)
		return -1;
	f->len = (uint32_t)got;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return aux.tp_vlan_tci & 0xfff;
	}
	return 0;
}

void put_on(struct bench *b, uint32_t ifindex, const struct frame *f)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || sendto(fd, f->bytes, f->len, 0, (struct sockaddr *)&at, sizeof(at)) != (ssize_t)f->len)
		fail(b, "cannot send on interface %u: %s", ifindex, strerror(errno));
	if (fd >= 0)
		close(fd);
}

void arrives(struct bench *b, const char *what, int fd, const struct frame *want, int vlan)
{
	struct frame got;
	int tag = take(fd, &got, WAIT_MS);

	if (tag < 0)
		fail(b, "%s: nothing came", what);
	else if (tag != vlan)
		fail(b, "%s: came with VLAN %d instead of %d", what, tag, vlan);
	else
		same_frame(b, want, &got);
}

void silent(struct bench *b, const char *what, int fd)
{
	struct frame got;

	if (take(fd, &got, QUIET_MS) >= 0)
		fail(b, "%s: a frame of %u bytes came", what, got.len);
}

bool attach(struct bench *b, uint32_t ifindex, enum bpf_tc_attach_point point, enum turn turn, int fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = fd, .priority = turn, .handle = 1,
		    .flags = BPF_TC_F_REPLACE);
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		return fail(b, "no clsact on interface %u: %s", ifindex, strerror(-error));
	error = bpf_tc_attach(&hook, &opts);
	return !error || fail(b, "cannot attach to interface %u: %s", ifindex, strerror(-error));
}
