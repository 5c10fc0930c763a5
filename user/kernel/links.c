/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interfaces of this network namespace by rtnetlink: all of them in short for the compiler, or one in
 * full for attaching to it.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "link.h"

/* Nested attributes of `attr`, found[] up to `max`. */
struct nest {
	const struct nlattr **found;
	int max;
};

static int collect(const struct nlattr *attr, void *data)
{
	struct nest *nest = data;

	if (mnl_attr_get_type(attr) <= nest->max)
		nest->found[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void copy_text(char *to, size_t size, const struct nlattr *attr)
{
	if (attr && !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING)) {
		strncpy(to, mnl_attr_get_str(attr), size - 1);
		to[size - 1] = 0;
	}
}

static uint32_t number(const struct nlattr *attr)
{
	return attr && !mnl_attr_validate(attr, MNL_TYPE_U32) ? mnl_attr_get_u32(attr) : 0;
}

static void describe(const struct nlmsghdr *message, struct link *link)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attrs[IFLA_MAX + 1] = { NULL };
	const struct nlattr *kinds[IFLA_INFO_MAX + 1] = { NULL };
	struct nest nest = { attrs, IFLA_MAX };
	const struct nlattr *mac;

	memset(link, 0, sizeof(*link));
	link->fact.ifindex = (uint32_t)info->ifi_index;
	link->flags = info->ifi_flags;
	mnl_attr_parse(message, sizeof(*info), collect, &nest);
	copy_text(link->fact.name, sizeof(link->fact.name), attrs[IFLA_IFNAME]);
	mac = attrs[IFLA_ADDRESS];
	if (mac && mnl_attr_get_payload_len(mac) == sizeof(link->fact.mac))
		memcpy(link->fact.mac, mnl_attr_get_payload(mac), sizeof(link->fact.mac));
	link->mtu = number(attrs[IFLA_MTU]);
	link->master = number(attrs[IFLA_MASTER]);
	link->lower = number(attrs[IFLA_LINK]);
	if (attrs[IFLA_LINKINFO]) {
		nest = (struct nest){ kinds, IFLA_INFO_MAX };
		mnl_attr_parse_nested(attrs[IFLA_LINKINFO], collect, &nest);
		copy_text(link->kind, sizeof(link->kind), kinds[IFLA_INFO_KIND]);
		copy_text(link->member_of, sizeof(link->member_of), kinds[IFLA_INFO_SLAVE_KIND]);
	}
	link->fact.peer_elsewhere = !strcmp(link->kind, "veth") && attrs[IFLA_LINK_NETNSID];
}

static int add_fact(const struct nlmsghdr *message, void *data)
{
	struct link_facts *links = data;
	struct link_fact *item;
	struct link link;

	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	describe(message, &link);
	/* Room doubles whenever the count is a power of two. */
	if (!(links->count & (links->count - 1))) {
		size_t room = links->count ? links->count * 2 : 1;

		item = reallocarray(links->item, room, sizeof(*item));
		if (!item)
			return MNL_CB_ERROR;
		links->item = item;
	}
	links->item[links->count++] = link.fact;
	return MNL_CB_OK;
}

static int one_link(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type == RTM_NEWLINK)
		describe(message, data);
	return MNL_CB_OK;
}

/* Sends RTM_GETLINK for one interface, or for all when ifindex is 0. */
static int ask(uint32_t ifindex, mnl_cb_t each, void *data)
{
	char buffer[32768]; /* what the kernel puts into one part of a dump at most */
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	struct nlmsghdr *message;
	struct ifinfomsg *info;
	unsigned int port, seq = (unsigned int)time(NULL);
	ssize_t got;
	int error = 0;

	if (!socket)
		return -errno;
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | (ifindex ? NLM_F_ACK : NLM_F_DUMP);
	message->nlmsg_seq = seq;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)ifindex;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		error = -errno;
		goto out;
	}
	port = mnl_socket_get_portid(socket);
	for (;;) {
		int more;

		got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (got < 0) {
			error = -errno;
			break;
		}
		more = mnl_cb_run(buffer, (size_t)got, seq, port, each, data);
		if (more < 0)
			error = errno ? -errno : -ENOMEM;
		if (more <= MNL_CB_STOP)
			break;
	}
out:
	mnl_socket_close(socket);
	return error;
}

int links_read(struct link_facts *links, struct trouble *t)
{
	int error;

	/* A dump that an interface's coming or going broke is begun again. */
	for (int attempt = 0; attempt < 5; attempt++) {
		memset(links, 0, sizeof(*links));
		error = ask(0, add_fact, links);
		if (!error)
			return 0;
		links_free(links);
		if (error != -EINTR)
			break;
	}
	return trouble(t, error, "cannot read the interfaces of this node: %s", strerror(-error));
}

void links_free(struct link_facts *links)
{
	free(links->item);
	links->item = NULL;
	links->count = 0;
}

int link_read(uint32_t ifindex, struct link *link)
{
	memset(link, 0, sizeof(*link));
	return ask(ifindex, one_link, link);
}

const struct link_fact *links_find(const struct link_facts *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++)
		if (!strcmp(links->item[i].name, name))
			return &links->item[i];
	return NULL;
}
