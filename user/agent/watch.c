/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A burst of a hundred pods is a few thousand messages; they are drained, never kept.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "watch.h"

#define WATCH_BUFFER (1 << 20)
/* One call drains at most this many datagrams, so that a storm of them cannot starve the loop. */
#define WATCH_MOST 256

struct seen {
	bool changed;
	bool gone;
};

static int watch_message(const struct nlmsghdr *message, void *closure)
{
	struct seen *seen = closure;

	switch (message->nlmsg_type) {
	case RTM_DELLINK:
		seen->gone = true;
		seen->changed = true;
		break;
	case RTM_NEWLINK:
	case RTM_NEWQDISC: /* what an uplink sends through decides how it is paced */
	case RTM_DELQDISC:
		seen->changed = true;
	}
	return MNL_CB_OK;
}

int watch_open(struct watch *watch, struct trouble *t)
{
	int size = WATCH_BUFFER;
	int error;

	watch->fd = -1;
	watch->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->socket)
		return trouble(t, -errno, "cannot open a netlink socket: %s", strerror(errno));
	if (mnl_socket_bind(watch->socket, RTMGRP_LINK | RTMGRP_TC, MNL_SOCKET_AUTOPID) < 0) {
		error = trouble(t, -errno, "cannot hear of interfaces: %s", strerror(errno));
		watch_close(watch);
		return error;
	}
	watch->fd = mnl_socket_get_fd(watch->socket);
	/* Beyond the system's limit with CAP_NET_ADMIN; without room messages are lost, which is noticed. */
	setsockopt(watch->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return 0;
}

int watch_read(struct watch *watch, bool *changed, bool *gone, struct trouble *t)
{
	struct seen seen = { 0 };
	char buffer[32768];

	for (int i = 0; i < WATCH_MOST; i++) {
		ssize_t got = mnl_socket_recvfrom(watch->socket, buffer, sizeof(buffer));

		if (got > 0) {
			mnl_cb_run(buffer, (size_t)got, 0, 0, watch_message, &seen);
			continue;
		}
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (got < 0 &&
		    (errno == ENOBUFS || errno == ENOSPC)) { /* lost or cut: anything may have happened */
			seen.changed = seen.gone = true;
			continue;
		}
		return trouble(t, got < 0 ? -errno : -EIO, "cannot read netlink: %s",
			       strerror(got < 0 ? errno : EIO));
	}
	*changed = seen.changed;
	*gone = seen.gone;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (watch->socket)
		mnl_socket_close(watch->socket);
	watch->socket = NULL;
	watch->fd = -1;
}
