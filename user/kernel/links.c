/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interfaces of this network namespace by rtnetlink: all of them in short for the compiler, or one in
 * full for attaching to it.
 */
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include "link.h"
#include "netdev.h"
#include "qdisc.h"
#include "rtnl.h"

/* Behind these there is IP and nothing before it; what is neither these nor Ethernet carries nothing of a plan. */
static bool is_bare(unsigned short type)
{
	switch (type) {
	case ARPHRD_NONE: /* WireGuard, TUN */
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_PPP:
		return true;
	default:
		return false;
	}
}

static void describe(const struct nlmsghdr *message, struct link *link)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attrs[IFLA_MAX + 1] = { NULL };
	const struct nlattr *kinds[IFLA_INFO_MAX + 1] = { NULL };
	struct rtnl_nest nest = { attrs, IFLA_MAX };
	const struct nlattr *mac;

	memset(link, 0, sizeof(*link));
	link->fact.ifindex = (uint32_t)info->ifi_index;
	link->fact.bare = is_bare(info->ifi_type);
	link->flags = info->ifi_flags;
	mnl_attr_parse(message, sizeof(*info), rtnl_collect, &nest);
	rtnl_text(link->fact.name, sizeof(link->fact.name), attrs[IFLA_IFNAME]);
	mac = attrs[IFLA_ADDRESS];
	if (mac && mnl_attr_get_payload_len(mac) == sizeof(link->fact.mac))
		memcpy(link->fact.mac, mnl_attr_get_payload(mac), sizeof(link->fact.mac));
	link->fact.mtu = rtnl_number(attrs[IFLA_MTU]);
	link->master = rtnl_number(attrs[IFLA_MASTER]);
	link->lower = rtnl_number(attrs[IFLA_LINK]);
	if (attrs[IFLA_LINKINFO]) {
		nest = (struct rtnl_nest){ kinds, IFLA_INFO_MAX };
		mnl_attr_parse_nested(attrs[IFLA_LINKINFO], rtnl_collect, &nest);
		rtnl_text(link->kind, sizeof(link->kind), kinds[IFLA_INFO_KIND]);
		rtnl_text(link->member_of, sizeof(link->member_of), kinds[IFLA_INFO_SLAVE_KIND]);
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

/* RTM_GETLINK for one interface, or for all when ifindex is 0. */
static int ask(uint32_t ifindex, mnl_cb_t each, void *data)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *request = rtnl_request(buffer, RTM_GETLINK, ifindex ? NLM_F_ACK : NLM_F_DUMP);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)ifindex;
	return rtnl_ask(request, each, data);
}

static int add_qdiscs(struct link_facts *links)
{
	struct qdiscs qdiscs;
	int error = qdiscs_read(&qdiscs);

	for (size_t i = 0; !error && i < links->count; i++) {
		struct link_fact *link = &links->item[i];
		struct qdisc_view view = qdisc_look(&qdiscs, link->ifindex);

		/* An mq gets its queues when the interface goes up: until then it is nothing. */
		if (view.root && (view.queues || strcmp(view.root->kind, "mq")))
			strcpy(link->qdisc, view.fair ? "fq" : view.root->kind);
		if (view.shaper)
			strcpy(link->shaper, view.shaper);
	}
	if (!error)
		qdiscs_free(&qdiscs);
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
			error = add_qdiscs(links);
		if (!error)
			error = netdev_read(links);
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
