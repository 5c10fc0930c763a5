/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libmnl does the framing; here is only what every question to rtnetlink has in common.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>
#include "rtnl.h"

#define ANSWER 32768 /* what the kernel puts into one part of a dump at most */

struct nlmsghdr *rtnl_request(char buffer[RTNL_REQUEST], uint16_t type, uint16_t flags)
{
	struct nlmsghdr *request;

	/* What fills a name up to the next word is sent as well. */
	memset(buffer, 0, RTNL_REQUEST);
	request = mnl_nlmsg_put_header(buffer);
	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	return request;
}

int netlink_ask(int bus, struct nlmsghdr *request, mnl_cb_t each, void *data)
{
	struct mnl_socket *socket = mnl_socket_open(bus);
	unsigned int port, seq = (unsigned int)time(NULL);
	char buffer[ANSWER];
	int error = 0, more;

	if (!socket)
		return -errno;
	request->nlmsg_seq = seq;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
		error = -errno;
		goto out;
	}
	port = mnl_socket_get_portid(socket);
	do {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (got < 0) {
			error = -errno;
			break;
		}
		more = mnl_cb_run(buffer, (size_t)got, seq, port, each, data);
		if (more < 0)
			error = errno ? -errno : -ENOMEM;
	} while (more > MNL_CB_STOP);
out:
	mnl_socket_close(socket);
	return error;
}

int rtnl_ask(struct nlmsghdr *request, mnl_cb_t each, void *data)
{
	return netlink_ask(NETLINK_ROUTE, request, each, data);
}

int rtnl_collect(const struct nlattr *attr, void *data)
{
	struct rtnl_nest *nest = data;

	if (mnl_attr_get_type(attr) <= nest->max)
		nest->found[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

uint32_t rtnl_number(const struct nlattr *attr)
{
	return attr && !mnl_attr_validate(attr, MNL_TYPE_U32) ? mnl_attr_get_u32(attr) : 0;
}

void rtnl_text(char *to, size_t size, const struct nlattr *attr)
{
	if (attr && !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING)) {
		strncpy(to, mnl_attr_get_str(attr), size - 1);
		to[size - 1] = 0;
	}
}
