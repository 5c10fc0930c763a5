/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services with real frames: the tag that answers leave with, both halves of what is cut in two, answers by the
 * stack's routes, and a socket of this node as client.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "live.h"
#include "vip.h"

struct ears {
	int uplink, a1, b1;
};

/* --- what the stack knows: its address, a router, another node */

static struct nlmsghdr *message(uint8_t *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return nlh;
}

static void tell(struct bench *b, struct mnl_socket *nl, struct nlmsghdr *nlh, const char *what)
{
	uint8_t answer[4096];
	ssize_t got = -1;

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) >= 0)
		got = mnl_socket_recvfrom(nl, answer, sizeof(answer));
	if (got < 0 || mnl_cb_run(answer, (size_t)got, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0)
		fail(b, "%s: %s", what, strerror(errno));
}

static void address(struct bench *b, struct mnl_socket *nl, bool add)
{
	uint8_t buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = message(buffer, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE : 0);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ifa_family = AF_INET;
	m->ifa_prefixlen = 24;
	m->ifa_index = UP0;
	mnl_attr_put_u32(nlh, IFA_LOCAL, htonl(NODE1));
	mnl_attr_put_u32(nlh, IFA_ADDRESS, htonl(NODE1));
	tell(b, nl, nlh, "the node's address");
}

static void neighbour(struct bench *b, struct mnl_socket *nl, uint32_t addr)
{
	uint8_t buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = message(buffer, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ndm_family = AF_INET;
	m->ndm_ifindex = UP0;
	m->ndm_state = NUD_PERMANENT;
	mnl_attr_put_u32(nlh, NDA_DST, htonl(addr));
	mnl_attr_put(nlh, NDA_LLADDR, 6, scene_mac(addr));
	tell(b, nl, nlh, "a neighbour");
}

static void route(struct bench *b, struct mnl_socket *nl, uint32_t router)
{
	uint8_t buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = message(buffer, RTM_NEWROUTE, NLM_F_CREATE);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->rtm_family = AF_INET;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(router));
	mnl_attr_put_u32(nlh, RTA_OIF, UP0);
	tell(b, nl, nlh, "the default route");
}

/* --- tests */

static void test_tags(struct bench *b, const struct ears *e)
{
	struct frame f = TO_VIP(VIP_EXT, TCP(1000, 80, SYN), VLAN(EXT)), out = into(f, A1, 8080), r;

	case_begin(b, "live: to a VIP on a VLAN and back: out of the uplink with its tag");
	bench_clear(b);
	put_on(b, PEER_OF(UP0), &f);
	arrives(b, "workload", e->a1, &out, 0);
	r = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK), .payload = 7001);
	out = back(r, VIP_EXT, 80, mac_alien);
	put_on(b, PEER_OF(W_A1), &r);
	arrives(b, "uplink", e->uplink, &out, EXT);
	case_end(b);

	case_begin(b, "live: to a VIP without a VLAN and back: out of the uplink without a tag");
	bench_clear(b);
	f = TO_VIP(VIP_POOL, UDP(1000, 53), .payload = 7000);
	out = into(f, A1, 5353);
	put_on(b, PEER_OF(UP0), &f);
	arrives(b, "workload", e->a1, &out, 0);
	r = FROM(A1, .daddr = CLIENT, UDP(5353, 1000), .payload = 3);
	out = back(r, VIP_POOL, 53, mac_alien);
	put_on(b, PEER_OF(W_A1), &r);
	arrives(b, "uplink", e->uplink, &out, 0);
	case_end(b);

	case_begin(b, "live: a ping of a VIP and a question for it are answered where they came from");
	f = TO_VIP(VIP_EXT, ICMP(SL_ICMP_ECHO, 7), VLAN(EXT));
	out = PACKET(.saddr = VIP_EXT, .daddr = CLIENT, ICMP(SL_ICMP_ECHO_REPLY, 7), .smac = scene_mac(NODE1),
		     .dmac = mac_alien);
	put_on(b, PEER_OF(UP0), &f);
	arrives(b, "an echo", e->uplink, &out, EXT);
	f = ARP(.spa = EXT_ROUTER, .tpa = VIP_EXT, .vlan = EXT);
	out = ARP(.op = SL_ARP_REPLY, .spa = VIP_EXT, .sha = scene_mac(NODE1), .tpa = EXT_ROUTER,
		  .tha = mac_alien, .dmac = mac_alien);
	put_on(b, PEER_OF(UP0), &f);
	arrives(b, "a claim", e->uplink, &out, EXT);
	silent(b, "one claim", e->uplink);
	case_end(b);
}

/* Bytes of a datagram's payload as a fragment of it. */
static struct frame half(const struct frame *whole, uint32_t from, uint32_t len, bool more)
{
	struct frame f = *whole;
	struct sl_ipv4 *ip = frame_ip(&f);

	memmove(f.bytes + f.l4, f.bytes + f.l4 + from, len);
	f.len = f.l4 + len;
	ip->len = htons((uint16_t)(20 + len));
	ip->frag = htons((uint16_t)((more ? SL_IP_MF : 0) | from / 8));
	ip->check = 0;
	ip->check = sum16(ip, 20, 0);
	return f;
}

static void comes_wrapped(struct bench *b, const struct ears *e, const struct frame *inner, uint32_t backend)
{
	struct frame want = wrap(inner, scene_mac(NODE2), scene_mac(NODE1), NODE1, NODE2, backend), got;
	int tag = take(e->uplink, &got, WAIT_MS);

	if (tag) {
		fail(b, tag < 0 ? "nothing came" : "it came with a tag");
		return;
	}
	that(b, got.len > 36 && got.bytes[34] >= 0xc0, "a source port of the upper quarter");
	memcpy(want.bytes + 34, got.bytes + 34, 2);
	same_frame(b, &want, &got);
}

static void test_wrapped(struct bench *b, const struct ears *e)
{
	struct frame f = TO_VIP(VIP_EXT, TCP(1000, 87, SYN), VLAN(EXT)), bare = f, one, two;
	uint32_t payload, cut;

	case_begin(b, "live: to a backend of another node, by the stack's route and neighbour");
	bench_clear(b);
	put_on(b, PEER_OF(UP0), &f);
	frame_untag(&bare);
	comes_wrapped(b, e, &bare, A_FAR);
	silent(b, "uplink", e->uplink);
	case_end(b);

	for (int i = 0; i < 3; i++) {
		f = i == 2 ? FROM(B1, .daddr = VIP_POOL, UDP(1000, 87), .payload = 1465, .id = 7)
			   : TO_VIP(VIP_POOL, UDP(1000, 87), .payload = 1471, .id = 7);
		payload = f.len - f.l4;
		cut = payload / 2 / 8 * 8;
		one = half(&f, 0, cut, true);
		two = half(&f, cut, payload - cut, false);
		case_begin(b, "live: both halves of what is too big for the tunnel, %s",
			   i == 2 ? "from a workload"
			   : i	  ? "of a flow"
				  : "from the wire");
		if (i != 1)
			bench_clear(b);
		put_on(b, i == 2 ? PEER_OF(W_B1) : PEER_OF(UP0), &f);
		comes_wrapped(b, e, &one, A_FAR);
		comes_wrapped(b, e, &two, A_FAR);
		silent(b, "uplink", e->uplink);
		case_end(b);
	}
}

static void test_routed(struct bench *b, const struct ears *e)
{
	struct frame f = TO_VIP(VIP_POOL_OTHER, TCP(1000, 80, SYN)), in, out = into(f, A1, 8080), r;

	case_begin(b, "live: answers of flows that came by another node leave by the stack's route");
	bench_clear(b);
	in = wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1);
	put_on(b, PEER_OF(UP0), &in);
	arrives(b, "workload", e->a1, &out, 0);
	r = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, ACK), .payload = 5);
	out = back(r, VIP_POOL_OTHER, 80, scene_mac(MGMT_HOST));
	put_on(b, PEER_OF(W_A1), &r);
	arrives(b, "uplink", e->uplink, &out, 0);
	case_end(b);
}

static void test_socket(struct bench *b, const struct ears *e)
{
	struct sockaddr_in me = { .sin_family = AF_INET,
				  .sin_port = htons(1000),
				  .sin_addr = { htonl(NODE1) } };
	struct sockaddr_in vip = { .sin_family = AF_INET,
				   .sin_port = htons(53),
				   .sin_addr = { htonl(VIP_POOL) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct frame got, r;
	char text[32] = "";

	case_begin(b, "live: a socket of this node talks to a VIP and hears the VIP");
	bench_clear(b);
	if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof(me)) ||
	    connect(fd, (struct sockaddr *)&vip, sizeof(vip)) || send(fd, "question", 8, 0) != 8) {
		fail(b, "socket: %s", strerror(errno));
	} else if (take(e->a1, &got, WAIT_MS)) {
		fail(b, "nothing came to the workload");
	} else {
		got.l3 = 14;
		that(b,
		     frame_ip(&got)->saddr == htonl(NODE1) && frame_ip(&got)->daddr == htonl(A1) &&
			     !memcmp(got.bytes + 42, "question", 8),
		     "the question, from this node to the backend");
		r = FROM(A1, .daddr = NODE1, UDP(5353, 1000), .payload = 6);
		memcpy(r.bytes + 42, "answer", 6);
		frame_sum(&r);
		put_on(b, PEER_OF(W_A1), &r);
		that(b, poll(&ready, 1, WAIT_MS) == 1 && recv(fd, text, sizeof(text), 0) == 6, "an answer");
		that(b, !memcmp(text, "answer", 6), "the backend's");
	}
	if (fd >= 0)
		close(fd);
	case_end(b);
}

void test_live_service(struct bench *b)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	struct ears e = { -1, -1, -1 };

	case_begin(b, "live: doors attached, an address, a route and neighbours for the stack");
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		fail(b, "no rtnetlink: %s", strerror(errno));
		case_end(b);
		return;
	}
	attach(b, UP0, BPF_TC_INGRESS, DOOR, b->program[SL_UP_IN]);
	attach(b, UP0, BPF_TC_EGRESS, DOOR, b->program[SL_UP_OUT]);
	attach(b, W_A1, BPF_TC_INGRESS, DOOR, b->program[SL_WL_IN]);
	attach(b, W_A1, BPF_TC_EGRESS, DOOR, b->program[SL_WL_OUT]);
	attach(b, W_B1, BPF_TC_INGRESS, DOOR, b->program[SL_WL_IN]);
	address(b, nl, true);
	neighbour(b, nl, NODE2);
	neighbour(b, nl, MGMT_HOST);
	route(b, nl, MGMT_HOST);
	e = (struct ears){ .uplink = listen_on(b, PEER_OF(UP0)),
			   .a1 = listen_on(b, PEER_OF(W_A1)),
			   .b1 = listen_on(b, PEER_OF(W_B1)) };
	if (case_end(b)) {
		test_tags(b, &e);
		test_wrapped(b, &e);
		test_routed(b, &e);
		test_socket(b, &e);
		live_offload(b);
		live_nat(b);
	}
	case_begin(b, "live: the stack forgets");
	address(b, nl, false); /* and with it the route */
	case_end(b);
	mnl_socket_close(nl);
	for (size_t i = 0; i < sizeof(e) / sizeof(int); i++)
		if (((int *)&e)[i] >= 0)
			close(((int *)&e)[i]);
}
