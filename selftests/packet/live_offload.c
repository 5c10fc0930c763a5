/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services and what stacks leave to the hardware: checksums that are not there yet, buffers that are to be cut into
 * segments. Only real frames can carry such orders; the scene's veths carry them on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "cache.h"
#include "live.h"
#include "vip.h"

struct offloaded {
	struct virtio_net_hdr hdr;
	uint8_t bytes[8192];
} __attribute__((packed, aligned(2)));

int listen_offloaded(struct bench *b, uint32_t ifindex)
{
	int fd = listen_on(b, ifindex), one = 1;

	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)))
		fail(b, "no PACKET_VNET_HDR: %s", strerror(errno));
	return fd;
}

struct frame unsummed(struct frame f)
{
	struct sl_ipv4 *ip = frame_ip(&f);
	uint16_t len = (uint16_t)(ntohs(ip->len) - 20);
	uint8_t pseudo[12] = { 0 };

	memcpy(pseudo, &ip->saddr, 8);
	pseudo[9] = ip->proto;
	pseudo[10] = (uint8_t)(len >> 8);
	pseudo[11] = (uint8_t)len;
	*(ip->proto == SL_PROTO_TCP ? &frame_tcp(&f)->check : &frame_udp(&f)->check) =
		(uint16_t)~sum16(pseudo, sizeof(pseudo), 0);
	return f;
}

void put_unsummed(struct bench *b, uint32_t ifindex, struct frame f, uint16_t gso_size)
{
	struct offloaded o = { .hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.gso_type =
						gso_size ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE,
					.gso_size = gso_size,
					.hdr_len = gso_size ? (uint16_t)(f.l4 + 20) : 0,
					.csum_start = f.l4,
					.csum_offset = frame_ip(&f)->proto == SL_PROTO_TCP ? 16 : 6 } };
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = (int)ifindex };
	int fd = listen_offloaded(b, ifindex);

	f = unsummed(f);
	memcpy(o.bytes, f.bytes, f.len);
	if (sendto(fd, &o, sizeof(o.hdr) + f.len, 0, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail(b, "cannot send: %s", strerror(errno));
	close(fd);
}

void comes_summed(struct bench *b, const char *what, int fd, const struct frame *want)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct offloaded o;
	struct frame got = { .len = 0 };
	ssize_t len = poll(&ready, 1, WAIT_MS) == 1 ? recv(fd, &o, sizeof(o), 0) : -1;

	if (len < (ssize_t)sizeof(o.hdr)) {
		fail(b, "%s: nothing came", what);
		return;
	}
	got.len = (uint32_t)len - (uint32_t)sizeof(o.hdr);
	memcpy(got.bytes, o.bytes, got.len);
	that(b, o.hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM,
	     "the order to fill in a checksum is still in force");
	if (o.hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		uint16_t sum = sum16(got.bytes + o.hdr.csum_start, got.len - o.hdr.csum_start, 0);

		memcpy(got.bytes + o.hdr.csum_start + o.hdr.csum_offset, &sum, 2);
	}
	same_frame(b, want, &got);
}

static void test_unsummed(struct bench *b)
{
	int a1 = listen_offloaded(b, PEER_OF(W_A1)), b1 = listen_offloaded(b, PEER_OF(W_B1));
	struct frame f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 80, SYN), .payload = 33),
		     out = into(f, A1, 8080);

	case_begin(b, "live: checksums that are left to the hardware come out right");
	bench_clear(b);
	put_unsummed(b, PEER_OF(W_B1), f, 0);
	comes_summed(b, "TCP to a VIP", a1, &out);
	f = FROM(A1, .daddr = B1, TCP(8080, 1000, SYN | ACK), .payload = 20);
	out = hop(readdress(f, VIP_POOL, 80, 0, 0), scene_mac(B1), mac_router);
	put_unsummed(b, PEER_OF(W_A1), f, 0);
	comes_summed(b, "TCP from a VIP", b1, &out);
	f = FROM(B1, .daddr = VIP_POOL, UDP(1000, 53), .payload = 20);
	out = into(f, A1, 5353);
	put_unsummed(b, PEER_OF(W_B1), f, 0);
	comes_summed(b, "UDP to a VIP", a1, &out);
	case_end(b);

	case_begin(b,
		   "live: what is said instead of such a packet stays right when the hardware has its way");
	bench_clear(b);
	f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 84, SYN), .payload = 40);
	out = reset(f);
	put_unsummed(b, PEER_OF(W_B1), f, 0);
	comes_summed(b, "RST", b1, &out);
	f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 87, ACK), .frag = SL_IP_DF, .payload = 1430);
	out = unreachable(unsummed(f), SL_ICMP_FRAG_NEEDED, TUNNEL_MTU - 44);
	put_unsummed(b, PEER_OF(W_B1), f, 0);
	comes_summed(b, "fragmentation needed", b1, &out);
	case_end(b);
	close(a1);
	close(b1);
}

/* Each so often that lines come to decide, on whichever processors. */
#define TIMES 12

static void by_lines(struct bench *b, const char *what, uint32_t ifindex, struct frame f, uint16_t gso_size,
		     int to, const struct frame *out)
{
	uint64_t before;

	bench_count_lines(b);
	before = cache_stat(b, SL_STAT_LINE_PACKETS);
	for (int i = 0; i < TIMES; i++) {
		put_unsummed(b, ifindex, f, gso_size);
		comes_summed(b, what, to, out);
	}
	bench_count_lines(b);
	if (b->cached && cache_stat(b, SL_STAT_LINE_PACKETS) == before)
		fail(b, "%s: no line decides", what);
}

static void test_unsummed_lines(struct bench *b)
{
	int a1 = listen_offloaded(b, PEER_OF(W_A1)), b1 = listen_offloaded(b, PEER_OF(W_B1));
	struct frame f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 80, SYN)), out = into(f, A1, 8080);

	case_begin(b, "live: checksums that are left to the hardware come out right by lines");
	bench_clear(b);
	put_unsummed(b, PEER_OF(W_B1), f, 0);
	comes_summed(b, "SYN", a1, &out);
	f = FROM(A1, .daddr = B1, TCP(8080, 1000, SYN | ACK));
	out = hop(readdress(f, VIP_POOL, 80, 0, 0), scene_mac(B1), mac_router);
	put_unsummed(b, PEER_OF(W_A1), f, 0);
	comes_summed(b, "SYN ACK", b1, &out);
	usleep(TICK_US);
	f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 80, ACK), .payload = 33);
	out = into(f, A1, 8080);
	by_lines(b, "TCP to a VIP", PEER_OF(W_B1), f, 0, a1, &out);
	f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 80, ACK), .payload = 4000);
	out = into(f, A1, 8080);
	by_lines(b, "segments to a VIP", PEER_OF(W_B1), f, 1400, a1, &out);
	f = FROM(A1, .daddr = B1, TCP(8080, 1000, ACK), .payload = 20);
	out = hop(readdress(f, VIP_POOL, 80, 0, 0), scene_mac(B1), mac_router);
	by_lines(b, "TCP from a VIP", PEER_OF(W_A1), f, 0, b1, &out);
	f = FROM(B1, .daddr = VIP_POOL, UDP(1000, 53), .payload = 20);
	out = into(f, A1, 5353);
	put_unsummed(b, PEER_OF(W_B1), f, 0);
	comes_summed(b, "UDP to a VIP", a1, &out);
	f = FROM(A1, .daddr = B1, UDP(5353, 1000), .payload = 20);
	out = hop(readdress(f, VIP_POOL, 53, 0, 0), scene_mac(B1), mac_router);
	put_unsummed(b, PEER_OF(W_A1), f, 0);
	comes_summed(b, "UDP from a VIP", b1, &out);
	usleep(TICK_US);
	by_lines(b, "UDP from a VIP", PEER_OF(W_A1), f, 0, b1, &out);
	case_end(b);
	close(a1);
	close(b1);
}

/* A large buffer, to be cut by the hardware after it was wrapped: into what size? */
static void segments(struct bench *b, const char *what, uint16_t gso_size, bool options, uint16_t want)
{
	static const uint8_t stamps[12] = { 1, 1, 8, 10 };
	struct frame f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 87, ACK), .frag = SL_IP_DF, .payload = 4000),
		     out;
	int uplink = listen_offloaded(b, PEER_OF(UP0));
	struct pollfd ready = { .fd = uplink, .events = POLLIN };
	struct offloaded o;
	ssize_t len;

	if (options)
		f = tcp_options(f, stamps, sizeof(stamps));
	out = unsummed(f);
	out = wrap(&out, scene_mac(NODE2), scene_mac(NODE1), NODE1, NODE2, A_FAR);
	put_unsummed(b, PEER_OF(W_B1), f, gso_size);
	len = poll(&ready, 1, WAIT_MS) == 1 ? recv(uplink, &o, sizeof(o), 0) : -1;
	if (len != (ssize_t)(sizeof(o.hdr) + out.len)) {
		fail(b, "%s: %zd bytes instead of %zu", what, len, sizeof(o.hdr) + out.len);
	} else {
		memcpy(out.bytes + 34, o.bytes + 34, 2);
		that(b, !memcmp(out.bytes, o.bytes, out.len), what);
		if (o.hdr.gso_size != want)
			fail(b, "%s: segments of %u bytes, wanted %u", what, o.hdr.gso_size, want);
	}
	close(uplink);
}

static void test_segments(struct bench *b)
{
	case_begin(b, "live: segments of a large buffer fit the tunnel");
	bench_clear(b);
	segments(b, "that fit already", 1400, false, 1400);
	segments(b, "that just fit", 1416, false, 1416);
	segments(b, "of full frames", 1460, false, 1416);
	segments(b, "of full frames, with options", 1448, true, 1404);
	segments(b, "that just fit, with options", 1404, true, 1404);
	segments(b, "that would fit but for their options", 1416, true, 1372);
	case_end(b);
}

void live_offload(struct bench *b)
{
	test_unsummed(b);
	test_unsummed_lines(b);
	test_segments(b);
}
