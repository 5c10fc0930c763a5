/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interfaces by rtnetlink, each pair in one message, so that nothing but the libraries is needed. Everything
 * lives in namespaces of this process and goes away with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "../../include/limits.h"
#include "scene.h"

#define MTU 9000
#define MTU_TUNNEL 1420

const uint8_t mac_router[6] = SL_ROUTER_MAC;
const uint8_t mac_all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
const uint8_t mac_zero[6];
const uint8_t mac_alien[6] = { 0x02, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa };
const uint8_t mac_node2[6] = { 0x02, 0, 0, 0, 0x0e, 0x02 };

static const struct {
	const char *name;
	uint32_t ifindex;
} links[] = {
	{ "wan0", WAN0 },     { "up0", UP0 },	{ "up1", UP1 },	  { "w_a1", W_A1 }, { "w_a2", W_A2 },
	{ "w_a3", W_A3 },     { "w_b1", W_B1 }, { "w_m1", W_M1 }, { "w_n1", W_N1 }, { "w_c1", W_C1 },
	{ "w_c2", W_C2 },     { "w_o1", W_O1 }, { "w_e1", W_E1 }, { "w_x1", W_X1 }, { "w_v1", W_V1 },
	{ "stray", W_STRAY }, { "w_x2", W_X2 },
};
_Static_assert(sizeof(links) / sizeof(links[0]) == SCENE_LINKS, "scene.h says how many");

static const struct {
	uint32_t addr;
	uint16_t network;
	uint8_t mac[6];
} stations[] = {
	{ A1, NET_A, { 2, 0, 0, 0, 2, W_A1 } },	   { A2, NET_A, { 2, 0, 0, 0, 2, W_A2 } },
	{ A3, NET_A, { 2, 0, 0, 0, 9, W_A3 } },	   { A_ABSENT, NET_A, { 2, 0, 0, 0, 2, W_ABSENT } },
	{ A_STACK, NET_A, { 2, 0, 0, 0, 9, 15 } }, { A_FAR, NET_A, { 2, 0, 0, 0, 3, 1 } },
	{ A_OTHER, NET_A, { 2, 0, 0, 0, 9, 99 } }, { B1, NET_B, { 2, 0, 0, 0, 2, W_B1 } },
	{ B_FAR, NET_B, { 2, 0, 0, 0, 3, 2 } },	   { M1, NET_MON, { 2, 0, 0, 0, 2, W_M1 } },
	{ M_FAR, NET_MON, { 2, 0, 0, 0, 3, 3 } },  { N1, NET_MON_B, { 2, 0, 0, 0, 2, W_N1 } },
	{ C1, NET_CAST, { 2, 0, 0, 0, 2, W_C1 } }, { C2, NET_CAST, { 2, 0, 0, 0, 2, W_C2 } },
	{ C_FAR, NET_CAST, { 2, 0, 0, 0, 3, 4 } }, { O1, NET_OPEN, { 2, 0, 0, 0, 2, W_O1 } },
	{ E1, EXT, { 2, 0, 0, 0, 2, W_E1 } },	   { V1, NET_OVERLAY, { 2, 0, 0, 0, 2, W_V1 } },
	{ NODE1, MGMT, { 2, 0, 0, 0, 1, UP0 } },   { NODE2, MGMT, { 2, 0, 0, 0, 0x0e, 2 } },
	{ X2, BLUE_A, { 2, 0, 0, 0, 2, W_X2 } },   { MGMT_HOST, MGMT, { 2, 0, 0, 0, 9, 50 } },
};
#define STATIONS (sizeof(stations) / sizeof(stations[0]))

static int station(uint32_t addr)
{
	for (size_t i = 0; i < STATIONS; i++)
		if (stations[i].addr == addr)
			return (int)i;
	return -1;
}

const uint8_t *scene_mac(uint32_t addr)
{
	int i = station(addr);

	return i < 0 ? mac_alien : stations[i].mac;
}

void scene_link_mac(uint32_t ifindex, uint8_t mac[6])
{
	memcpy(mac, (const uint8_t[6]){ 2, 0, 0, 0, 1, (uint8_t)ifindex }, 6);
}

struct frame scene_frame(struct spec *spec)
{
	int src = station(spec->saddr), dst = station(spec->daddr);

	if (!spec->smac)
		spec->smac = src < 0 ? mac_alien : stations[src].mac;
	if (!spec->dmac && src >= 0 && dst >= 0 && stations[src].network == stations[dst].network)
		spec->dmac = stations[dst].mac;
	if (!spec->dmac) /* a workload asks its gateway; on the wire a node's MAC would stand here */
		spec->dmac = spec->tags ? stations[station(NODE1)].mac : mac_router;
	return frame_make(spec);
}

struct frame scene_arp(const struct arp_spec *s)
{
	const uint8_t *sha = s->sha ? s->sha : scene_mac(s->spa);
	struct spec eth = {
		.dmac = s->dmac ? s->dmac : mac_all,
		.smac = s->smac ? s->smac : sha,
		.tag = { { .tci = s->vlan } },
		.tags = s->vlan ? 1 : 0,
		.ethertype = SL_ETH_ARP,
		.payload = sizeof(struct sl_arp),
	};
	struct frame f = frame_make(&eth);
	struct sl_arp *arp = frame_arp(&f);

	arp->htype = htons(1);
	arp->ptype = htons(SL_ETH_IPV4);
	arp->hlen = 6;
	arp->plen = 4;
	arp->op = htons(s->op ? s->op : SL_ARP_REQUEST);
	memcpy(arp->sha, sha, 6);
	memcpy(arp->tha, s->tha ? s->tha : mac_zero, 6);
	arp->spa = htonl(s->spa);
	arp->tpa = htonl(s->tpa);
	return f;
}

/* --- namespaces and interfaces */

static int talk(struct mnl_socket *nl, struct nlmsghdr *nlh)
{
	uint8_t answer[4096];
	ssize_t got;

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	got = mnl_socket_recvfrom(nl, answer, sizeof(answer));
	if (got < 0)
		return -errno;
	return mnl_cb_run(answer, (size_t)got, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0 ? -errno : 0;
}

static int add_veth(struct mnl_socket *nl, const char *ifname, uint32_t ifindex)
{
	uint8_t buffer[1024] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info, *peer;
	struct nlattr *linkinfo, *data, *other;
	char name[16];
	uint8_t mac[6];

	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
	info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifi_index = (int)ifindex;
	info->ifi_flags = info->ifi_change = IFF_UP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	scene_link_mac(ifindex, mac);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(nlh, IFLA_MTU, ifindex == WAN0 ? MTU_TUNNEL : MTU);
	linkinfo = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	other = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	peer = mnl_nlmsg_put_extra_header(nlh, sizeof(*peer));
	peer->ifi_index = (int)PEER_OF(ifindex);
	snprintf(name, sizeof(name), "p_%s", ifname);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_MTU, MTU);
	mnl_attr_nest_end(nlh, other);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, linkinfo);
	return talk(nl, nlh);
}

/* The far end cannot come up in the message that makes it. */
static int set_up(struct mnl_socket *nl, uint32_t ifindex)
{
	uint8_t buffer[128] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	nlh->nlmsg_type = RTM_SETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifi_index = (int)ifindex;
	info->ifi_flags = info->ifi_change = IFF_UP;
	return talk(nl, nlh);
}

/* A kernel that has no such setting needs none. */
static void set(const char *file, const char *value)
{
	FILE *f = fopen(file, "w");

	if (!f)
		return;
	fputs(value, f);
	fclose(f);
}

/* Router solicitations and the like would be packets that no test has sent. */
static void quiet_ipv6(void)
{
	set("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

/*
 * Some packets are cut by the real kernel, whose stack gets the second half and would ask for neighbours who do not
 * exist, up to seconds later: doors would count that among the packets of a test.
 */
static void quiet_arp(const char *name)
{
	char file[80];

	snprintf(file, sizeof(file), "/proc/sys/net/ipv4/neigh/%s/mcast_solicit", name);
	set(file, "0");
}

bool scene_make(char *why, size_t room)
{
	struct mnl_socket *nl;
	int error = 0;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS)) {
		snprintf(why, room, "no namespaces of its own (%s): run as root", strerror(errno));
		return false;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL)) {
		snprintf(why, room, "no bpffs of its own on /sys/fs/bpf: %s", strerror(errno));
		return false;
	}
	quiet_ipv6();
	nl = mnl_socket_open(NETLINK_ROUTE);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		snprintf(why, room, "no rtnetlink: %s", strerror(errno));
		return false;
	}
	for (unsigned int i = 0; !error && i < SCENE_LINKS; i++) {
		error = add_veth(nl, links[i].name, links[i].ifindex);
		if (!error)
			error = set_up(nl, PEER_OF(links[i].ifindex));
		if (!error)
			quiet_arp(links[i].name);
		if (error)
			snprintf(why, room, "cannot make veth %s: %s", links[i].name, strerror(-error));
	}
	mnl_socket_close(nl);
	return !error;
}

void scene_links(struct link_fact facts[SCENE_LINKS])
{
	for (size_t i = 0; i < SCENE_LINKS; i++) {
		facts[i] = (struct link_fact){ .ifindex = links[i].ifindex };
		snprintf(facts[i].name, sizeof(facts[i].name), "%s", links[i].name);
		scene_link_mac(links[i].ifindex, facts[i].mac);
		facts[i].peer_elsewhere = links[i].ifindex == W_A2;
		facts[i].takes_xdp = links[i].ifindex == W_A2;
	}
}
