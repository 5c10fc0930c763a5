/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What XDP brings to a workload itself, by a line that TC has made: the same bytes as by TC, and counted as there. What it
 * must leave to TC it leaves as it came.
 */
#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>
#include "cache.h"
#include "live.h"

static struct send by_xdp(struct send s)
{
	s.door = SL_UP_XDP;
	return s;
}

/* Was it brought there, and counted? */
static bool sent(struct bench *b, const struct send *s, struct got *got)
{
	struct send xdp = by_xdp(*s);
	bool counted = cache_decides(b, &xdp, got);

	if (counted != (got->retval == XDP_REDIRECT))
		fail(b, "XDP says %u, and that is %scounted", got->retval, counted ? "" : "not ");
	return counted;
}

static void left(struct bench *b, const char *what, const struct send *s)
{
	struct got got;

	if (sent(b, s, &got) || got.retval != XDP_PASS)
		fail(b, "%s: XDP says %u", what, got.retval);
	same_frame(b, &s->frame, &got.frame);
}

/* A line for `there`, which `back` answers. */
static void has_line(struct bench *b, const struct send *there, const struct send *back)
{
	struct got got;

	nat_fresh(b);
	cache_last(b, LINE_LONG);
	bench_run(b, there, &got);
	bench_run(b, back, &got);
	usleep(TICK_US); /* no flow has a line in the tick that it began in */
	bench_run(b, there, &got);
	that(b, cache_decides(b, there, &got), "a line decides in TC");
}

/* Sends it both ways, with any checksum. */
static void as_by_tc(struct bench *b, const char *what, struct send there, const struct send *back)
{
	struct got tc, xdp;

	has_line(b, &there, back);
	for (int i = 0; i < 60; i++) {
		memcpy(there.frame.bytes + there.frame.len - 2, &(uint16_t){ (uint16_t)(i * 1093) }, 2);
		frame_sum(&there.frame);
		bench_run(b, &there, &tc);
		if (!sent(b, &there, &xdp))
			fail(b, "%s: XDP says %u", what, xdp.retval);
		same_frame(b, &tc.frame, &xdp.frame);
	}
}

static void test_sent(struct bench *b)
{
	struct send back = workload(W_A2, PACKET(.saddr = A2, .daddr = A_FAR, TCP(5432, 1000, ACK)));
	struct send there =
		wire(PACKET(.saddr = A_FAR, .daddr = A2, TCP(1000, 5432, ACK), .payload = 20, VLAN(103)));
	struct got tc, xdp;

	case_begin(b, "cache: XDP brings to a workload what TC would");
	as_by_tc(b, "TCP within a VLAN", there, &back);
	there = wire(
		PACKET(.saddr = A_FAR, .daddr = A2, UDP(1000, 53), .payload = 20, VLAN(103), .padding = 6));
	back = workload(W_A2, PACKET(.saddr = A2, .daddr = A_FAR, UDP(53, 1000)));
	as_by_tc(b, "UDP, padded", there, &back);
	there = wire(TO_VIP(VIP_POOL, TCP(1000, 91, ACK), .payload = 20, VLAN(EXT)));
	back = workload(W_A2, FROM(A2, .daddr = CLIENT, TCP(91, 1000, ACK)));
	as_by_tc(b, "TCP to a VIP", there, &back);
	case_end(b);

	case_begin(b, "cache: XDP leaves UDP without a checksum without one");
	there = wire(PACKET(.saddr = A_FAR, .daddr = A2, UDP(1000, 53), .payload = 20, VLAN(103)));
	back = workload(W_A2, PACKET(.saddr = A2, .daddr = A_FAR, UDP(53, 1000)));
	has_line(b, &there, &back);
	frame_udp(&there.frame)->check = 0;
	bench_run(b, &there, &tc);
	that(b, sent(b, &there, &xdp), "it brings it there");
	same_frame(b, &tc.frame, &xdp.frame);
	case_end(b);
}

/* The far end of A2's veth has NAPI from now on, or no longer. */
static void set_napi(struct bench *b, bool on)
{
	int fd = b->kernel.plan[SL_TABLE_sl_iface];
	struct sl_iface_key key = { .ifindex = W_A2 };
	struct sl_iface row;

	if (bpf_map_lookup_elem(fd, &key, &row))
		fail(b, "there is no row of sl_iface");
	that(b, !(row.flags & SL_IFACE_XDP) == on, "the row says the contrary");
	row.flags ^= SL_IFACE_XDP;
	if (bpf_map_update_elem(fd, &key, &row, BPF_EXIST))
		fail(b, "sl_iface cannot be written");
}

static void test_left(struct bench *b)
{
	struct send there = wire(TO_VIP(VIP_POOL, TCP(1000, 91, ACK), .payload = 20, VLAN(EXT))), s;
	struct send back = workload(W_A2, FROM(A2, .daddr = CLIENT, TCP(91, 1000, ACK)));
	struct got got;

	case_begin(b, "cache: what XDP leaves to TC");
	has_line(b, &there, &back);
	s = there;
	s.frame = unsummed(s.frame);
	left(b, "a checksum that is left to the hardware", &s);
	s = there;
	frame_ip(&s.frame)->ttl = 1;
	frame_sum(&s.frame);
	left(b, "the last hop", &s);
	s = there;
	frame_untag(&s.frame);
	left(b, "without its tag", &s);
	that(b, sent(b, &there, &got), "but there is a line");
	set_napi(b, false);
	has_line(b, &there, &back);
	left(b, "what is for a workload without NAPI", &there);
	set_napi(b, true);
	has_line(b, &there, &back);
	that(b, sent(b, &there, &got), "what is for it when it has that again");
	there = wire(PACKET(.saddr = A_FAR, .daddr = A2, TCP(1000, 5432, ACK), .payload = 20, VLAN(103)));
	back = workload(W_A2, PACKET(.saddr = A2, .daddr = A_FAR, TCP(5432, 1000, ACK)));
	has_line(b, &there, &back);
	s = there;
	s.frame = unsummed(s.frame);
	left(b, "such a checksum where no address changes", &s);
	there = wire(PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 53), .payload = 20, VLAN(103)));
	back = workload(W_A1, PACKET(.saddr = A1, .daddr = A_FAR, UDP(53, 1000)));
	has_line(b, &there, &back);
	left(b, "what does not go to the far end directly", &there);
	case_end(b);
}

void cache_xdp(struct bench *b)
{
	test_sent(b);
	test_left(b);
}
