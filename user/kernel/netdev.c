/* SPDX-License-Identifier: GPL-2.0 */
/*
 * See netdev.h. The family's numbers are the kernel's own (Documentation/netlink/specs/netdev.yaml); headers of older
 * distributions do not have them.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>
#include "netdev.h"
#include "rtnl.h"

#define NETDEV_DEV_GET 1
#define NETDEV_DEV_IFINDEX 1
#define NETDEV_DEV_XDP_FEATURES 3
#define NETDEV_DEV_MAX NETDEV_DEV_XDP_FEATURES
#define NETDEV_TAKES_XDP 4 /* ndo_xdp_xmit, and what it needs at the far side */
#define NETDEV_GROUP "mgmt"

struct family {
	uint16_t id;
	uint32_t group;
};

static int one_group(const struct nlattr *attr, void *data)
{
	const struct nlattr *found[CTRL_ATTR_MCAST_GRP_MAX + 1] = { NULL };
	struct rtnl_nest nest = { found, CTRL_ATTR_MCAST_GRP_MAX };
	struct family *family = data;
	char name[16] = "";

	mnl_attr_parse_nested(attr, rtnl_collect, &nest);
	rtnl_text(name, sizeof(name), found[CTRL_ATTR_MCAST_GRP_NAME]);
	if (!strcmp(name, NETDEV_GROUP))
		family->group = rtnl_number(found[CTRL_ATTR_MCAST_GRP_ID]);
	return MNL_CB_OK;
}

static int one_family(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *found[CTRL_ATTR_MAX + 1] = { NULL };
	struct rtnl_nest nest = { found, CTRL_ATTR_MAX };
	struct family *family = data;

	mnl_attr_parse(message, sizeof(struct genlmsghdr), rtnl_collect, &nest);
	if (found[CTRL_ATTR_FAMILY_ID] && !mnl_attr_validate(found[CTRL_ATTR_FAMILY_ID], MNL_TYPE_U16))
		family->id = mnl_attr_get_u16(found[CTRL_ATTR_FAMILY_ID]);
	if (found[CTRL_ATTR_MCAST_GROUPS])
		mnl_attr_parse_nested(found[CTRL_ATTR_MCAST_GROUPS], one_group, family);
	return MNL_CB_OK;
}

static struct nlmsghdr *request(char buffer[RTNL_REQUEST], uint16_t family, uint16_t flags, uint8_t command)
{
	struct nlmsghdr *message = rtnl_request(buffer, family, flags);
	struct genlmsghdr *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));

	head->cmd = command;
	head->version = 1;
	return message;
}

/* -ENOENT: the kernel does not have it. */
static int find_family(struct family *family)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *message = request(buffer, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);

	*family = (struct family){ 0 };
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, "netdev");
	return netlink_ask(NETLINK_GENERIC, message, one_family, family);
}

/* Both lists have the same order, mostly: the next one is looked for behind the last. */
struct asked {
	struct link_facts *links;
	size_t at;
};

static void takes_xdp(struct asked *asked, uint32_t ifindex)
{
	struct link_facts *links = asked->links;

	for (size_t i = 0; i < links->count; i++) {
		struct link_fact *link = &links->item[(asked->at + i) % links->count];

		if (link->ifindex != ifindex)
			continue;
		link->takes_xdp = true;
		asked->at += i + 1;
		return;
	}
}

static int one_device(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *found[NETDEV_DEV_MAX + 1] = { NULL };
	struct rtnl_nest nest = { found, NETDEV_DEV_MAX };
	mnl_attr_parse(message, sizeof(struct genlmsghdr), rtnl_collect, &nest);
	if (found[NETDEV_DEV_XDP_FEATURES] &&
	    mnl_attr_validate(found[NETDEV_DEV_XDP_FEATURES], MNL_TYPE_U64) >= 0 &&
	    mnl_attr_get_u64(found[NETDEV_DEV_XDP_FEATURES]) & NETDEV_TAKES_XDP)
		takes_xdp(data, rtnl_number(found[NETDEV_DEV_IFINDEX]));
	return MNL_CB_OK;
}

int netdev_read(struct link_facts *links)
{
	char buffer[RTNL_REQUEST];
	struct family family;
	struct asked asked = { .links = links };
	int error = find_family(&family);

	if (error)
		return error == -ENOENT ? 0 : error;
	return netlink_ask(NETLINK_GENERIC, request(buffer, family.id, NLM_F_DUMP, NETDEV_DEV_GET),
			   one_device, &asked);
}

uint32_t netdev_group(void)
{
	struct family family;

	return find_family(&family) ? 0 : family.group;
}
