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
#include "../kernel/netdev.h"
#include "watch.h"

#define WATCH_BUFFER (1 << 20)
/* One call drains at most this many datagrams, so that a storm of them cannot starve the loop. */
#define WATCH_MOST 256

struct seen {
	bool features; /* all messages are of features, whose types are other numbers */
	bool changed;
	bool gone;
};

static int watch_message(const struct nlmsghdr *message, void *closure)
{
	struct seen *seen = closure;

	if (seen->features) {
		seen->changed = true;
		return MNL_CB_OK;
	}
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

static int watch_socket(struct mnl_socket **out, int *fd, int bus, unsigned int groups, struct trouble *t)
{
	int size = WATCH_BUFFER;

	*out = mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!*out)
		return trouble(t, -errno, "cannot open a netlink socket: %s", strerror(errno));
	if (mnl_socket_bind(*out, groups, MNL_SOCKET_AUTOPID) < 0)
		return trouble(t, -errno, "cannot hear of interfaces: %s", strerror(errno));
	*fd = mnl_socket_get_fd(*out);
	/* Beyond the system's limit with CAP_NET_ADMIN; without room messages are lost, which is noticed. */
	setsockopt(*fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return 0;
}

static int watch_features(struct watch *watch, struct trouble *t)
{
	uint32_t group = netdev_group();
	int error;

	if (!group)
		return 0;
	error = watch_socket(&watch->features, &watch->fd[1], NETLINK_GENERIC, 0, t);
	if (!error &&
	    mnl_socket_setsockopt(watch->features, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		error = trouble(t, -errno, "cannot hear of interfaces: %s", strerror(errno));
	return error;
}

int watch_open(struct watch *watch, struct trouble *t)
{
	int error;

	*watch = (struct watch){ .fd = { -1, -1 } };
	error = watch_socket(&watch->links, &watch->fd[0], NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_TC, t);
	if (!error)
		error = watch_features(watch, t);
	if (error)
		watch_close(watch);
	return error;
}

static int watch_drain(struct mnl_socket *socket, struct seen *seen, struct trouble *t)
{
	char buffer[32768];

	for (int i = 0; i < WATCH_MOST; i++) {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (got > 0) {
			mnl_cb_run(buffer, (size_t)got, 0, 0, watch_message, seen);
			continue;
		}
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (got < 0 &&
		    (errno == ENOBUFS || errno == ENOSPC)) { /* lost or cut: anything may have happened */
			seen->changed = seen->gone = true;
			continue;
		}
		return trouble(t, got < 0 ? -errno : -EIO, "cannot read netlink: %s",
			       strerror(got < 0 ? errno : EIO));
	}
	return 0;
}

int watch_read(struct watch *watch, bool *changed, bool *gone, struct trouble *t)
{
	struct seen links = { 0 }, features = { .features = true };
	int error = watch_drain(watch->links, &links, t);

	if (!error && watch->features)
		error = watch_drain(watch->features, &features, t);
	*changed = links.changed || features.changed;
	*gone = links.gone || features.gone;
	return error;
}

static void watch_end(struct mnl_socket **socket, int *fd)
{
	if (*socket)
		mnl_socket_close(*socket);
	*socket = NULL;
	*fd = -1;
}

void watch_close(struct watch *watch)
{
	watch_end(&watch->links, &watch->fd[0]);
	watch_end(&watch->features, &watch->fd[1]);
}
