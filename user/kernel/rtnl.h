/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One request to rtnetlink and all its answers. A socket of its own each time: nobody keeps one open.
 */
#ifndef SLUICE_RTNL_H
#define SLUICE_RTNL_H
#include <libmnl/libmnl.h>

/* Room for a request: its header, its struct and a few attributes. */
#define RTNL_REQUEST 512

/* A request in `buffer`; flags beside NLM_F_REQUEST. */
struct nlmsghdr *rtnl_request(char buffer[RTNL_REQUEST], uint16_t type, uint16_t flags);
/*
 * Sends it and gives each answer to `each` (may be NULL) until the kernel has acknowledged or the dump is whole: the
 * flags have NLM_F_ACK or NLM_F_DUMP. 0, or a negative errno: what the kernel said, or -EINTR for a dump to begin again.
 */
int rtnl_ask(struct nlmsghdr *request, mnl_cb_t each, void *data);
/* The same for another family of netlink, NETLINK_*. */
int netlink_ask(int bus, struct nlmsghdr *request, mnl_cb_t each, void *data);

/* Attributes by type, up to `max`. */
struct rtnl_nest {
	const struct nlattr **found;
	int max;
};
int rtnl_collect(const struct nlattr *attr, void *nest);
/* 0 if it is missing or no number. */
uint32_t rtnl_number(const struct nlattr *attr);
/* Left as it is if the attribute is missing or no text; cut to fit. */
void rtnl_text(char *to, size_t size, const struct nlattr *attr);

#endif
