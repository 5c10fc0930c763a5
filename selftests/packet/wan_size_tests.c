/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What fits through the tunnel: segments are announced no larger than that in both directions, and who sends a packet
 * that does not fit hears of it.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "wan.h"

#define ROOM (WAN_MTU - 40)

/* Options of a SYN with a segment size in them, or without. */
struct options {
	const char *name;
	uint8_t bytes[20];
	uint8_t len, at; /* of the size; 0: there is none */
	bool kept; /* whatever it says */
};

static const struct options places[] = {
	{ "alone", { 2, 4, 0, 0 }, 4, 2, false },
	{ "behind one byte", { 1, 2, 4, 0, 0, 0, 0, 0 }, 8, 3, false },
	{ "behind others", { 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 0, 0 }, 16, 14, false },
	{ "behind three bytes", { 3, 3, 7, 2, 4, 0, 0, 0 }, 8, 5, false },
	{ "the eighth", { 1, 1, 1, 1, 1, 1, 1, 2, 4, 0, 0, 0 }, 12, 9, false },
	{ "the ninth, which nobody looks at", { 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 0, 0 }, 12, 10, true },
	{ "not there", { 4, 2, 3, 3, 7, 0, 0, 0 }, 8, 0, false },
	{ "behind the end of the list", { 0, 2, 4, 0xff, 0xff, 0, 0, 0 }, 8, 0, false },
};

static struct frame announces(struct frame f, const struct options *o, uint16_t mss)
{
	uint8_t bytes[20];

	memcpy(bytes, o->bytes, sizeof(bytes));
	if (o->at)
		memcpy(bytes + o->at, &(uint16_t){ htons(mss) }, 2);
	return tcp_options(f, bytes, o->len);
}

static void test_mss(struct bench *b)
{
	static const uint16_t sizes[] = { 88, 536, ROOM - 1, ROOM, ROOM + 1, 1460, 8960, 65535 };
	static const struct {
		const char *name;
		uint8_t flags;
	} steps[] = { { "SYN", SYN }, { "SYN-ACK", SYN | ACK } };

	for (size_t o = 0; o < sizeof(places) / sizeof(places[0]); o++) {
		case_begin(b, "mss: both ways through the tunnel, %s", places[o].name);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			uint16_t kept = places[o].kept || sizes[i] < ROOM ? sizes[i] : ROOM;
			struct frame f, out, bare;
			struct want w = { .fate = UNTOUCHED, .out = &out };

			for (size_t s = 0; s < 2; s++) {
				bare = PACKET(.saddr = A1, .daddr = W1, TCP(8000, 1000, steps[s].flags));
				f = announces(bare, &places[o], sizes[i]);
				out = announces(bare, &places[o], kept);
				check(b, steps[s].name, sent_to_tunnel(f, 0), w);
			}
			bare = PACKET(.saddr = V_OTHER, .daddr = W1, TCP(1000, 443, SYN));
			f = announces(bare, &places[o], sizes[i]);
			out = announces(bare, &places[o], kept);
			w = (struct want){ .fate = STACK,
					   .src = NET_OVERLAY,
					   .dst = NET_W,
					   .stats = NEW_FLOW,
					   .out = &out };
			check(b, "SYN that the stack routes", to_tunnel(f), w);
			bare = PACKET(.saddr = W1, .daddr = A1, TCP(1000, 8000, SYN));
			f = announces(bare, &places[o], sizes[i]);
			out = hop(announces(bare, &places[o], kept), scene_mac(A1), mac_router);
			w.fate = SENT;
			w.src = NET_W;
			w.dst = NET_A;
			check(b, "SYN from there", from_tunnel(f), w);
		}
		case_end(b);
	}
}

static void test_not_syn(struct bench *b)
{
	struct frame f = announces(PACKET(.saddr = A1, .daddr = W1, TCP(8000, 1000, ACK)), &places[0], 8960);
	struct frame whole = PACKET(.saddr = A1, .daddr = W1, UDP(1, 2), .payload = 400);

	case_begin(b, "mss: nothing else is touched");
	check(b, "an ACK", sent_to_tunnel(f, 0), (struct want){ .fate = UNTOUCHED });
	f = piece(&whole, 200, 200, false);
	frame_ip(&f)->proto = SL_PROTO_TCP; /* whose bytes may look like anything */
	memset(f.bytes + f.l4, 0x02, 40);
	frame_ip(&f)->check = 0;
	frame_ip(&f)->check = sum16(frame_ip(&f), 20, 0);
	check(b, "a later fragment", sent_to_tunnel(f, 0), (struct want){ .fate = UNTOUCHED });
	f = PACKET(.saddr = WAN_HERE, .daddr = WAN_THERE, TCP(1000, 179, SYN));
	check(b, "a SYN without options", to_tunnel(f), (struct want){ .fate = UNTOUCHED });
	case_end(b);
}

/* --- too big */

static struct frame sized(uint16_t len, bool df)
{
	return FROM(A1, .daddr = W1, UDP(1000, 53), .frag = df ? SL_IP_DF : 0,
		    .payload = (uint16_t)(len - 28));
}

static void too_big(struct bench *b, uint16_t mtu)
{
	struct frame f = sized(mtu, true), out = hop(f, f.bytes, f.bytes + 6);
	struct want w = { .fate = SENT, .src = NET_A, .dst = NET_W, .stats = NEW_FLOW, .out = &out };

	miss(b, SL_DROP_TOO_BIG, "the largest that the tunnel takes", workload(W_A1, f), w);
	f = sized(mtu + 1U, true);
	out = unreachable(f, SL_ICMP_FRAG_NEEDED, mtu);
	w = (struct want){ .fate = DROPPED,
			   .src = NET_A,
			   .dst = NET_W,
			   .network = NET_A,
			   .question = true,
			   .out = &out,
			   .stats = NEW_FLOW | STAT(TOO_BIG_TOLD) };
	hit(b, SL_DROP_TOO_BIG, "one byte more than the tunnel takes", workload(W_A1, f), w);
}

static void set_mtu(struct bench *b, int mtu)
{
	struct ifreq request = { .ifr_name = "wan0", .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	that(b, fd >= 0 && !ioctl(fd, SIOCSIFMTU, &request), "another MTU for the tunnel");
	if (fd >= 0)
		close(fd);
}

void test_wan_size(struct bench *b)
{
	static const struct wan narrow = { .mtu = 1200 };

	if (!wan_plan(b, &wan_plain, NULL))
		return;
	test_mss(b);
	test_not_syn(b);
	too_big(b, WAN_MTU);
	if (wan_plan(b, &narrow, NULL)) {
		set_mtu(b, narrow.mtu);
		too_big(b, narrow.mtu);
		set_mtu(b, WAN_MTU);
	}
	wan_over(b);
}
