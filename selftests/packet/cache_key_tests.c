/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which packet a line stands for: the same addresses and ports by another interface, in another VLAN, by another door or
 * of another protocol are another packet, which is judged by itself.
 */
#include <linux/pkt_cls.h>
#include <string.h>
#include "cache.h"

/* What becomes of it does not depend on whether there is a line for the one that resembles it. */
static void by_itself(struct bench *b, const char *what, const struct send *line, const struct send *s,
		      bool dropped)
{
	struct got with, without;

	that(b, cache_decides(b, line, &with), "there is a line");
	if (cache_decides(b, s, &with))
		fail(b, "%s: the line decides", what);
	if ((with.retval == TC_ACT_SHOT) != dropped)
		fail(b, "%s: %sdropped", what, dropped ? "not " : "");
	that(b, cache_decides(b, line, &without), "and still is");
	bench_void_lines(b);
	bench_run(b, s, &without);
	if (with.retval != without.retval || with.mark != without.mark)
		fail(b, "%s: %d, mark 0x%x instead of %d, 0x%x", what, (int)with.retval, with.mark,
		     (int)without.retval, without.mark);
	same_frame(b, &without.frame, &with.frame);
}

static struct send by(struct send s, uint32_t ifindex)
{
	s.ifindex = ifindex;
	return s;
}

static struct send at(struct send s, enum program door)
{
	s.door = door;
	return s;
}

static struct send in_vlan(struct send s, uint16_t type, uint16_t vlan)
{
	frame_untag(&s.frame);
	frame_tag(&s.frame, type, vlan);
	return s;
}

static void interfaces(struct bench *b)
{
	struct send line = cache_packet(0), s;

	case_begin(b, "cache: the same addresses and ports from another workload's interface");
	cache_open_way(b, 0);
	s = by(line, W_A3);
	by_itself(b, "its neighbour's", &line, &s, true);
	cache_open_way(b, 0);
	s = by(line, W_B1);
	by_itself(b, "another network's", &line, &s, true);
	cache_open_way(b, 0);
	s = by(line, W_X1); /* has these very addresses in its own VPC */
	by_itself(b, "another VPC's", &line, &s, true);
	case_end(b);

	case_begin(b, "cache: the same by another uplink");
	line = cache_packet(5);
	cache_open_way(b, 4);
	bench_run(b, &line, &(struct got){ 0 });
	s = by(line, UP1);
	that(b, cache_decides(b, &line, &(struct got){ 0 }), "there is a line");
	that(b, !cache_decides(b, &s, &(struct got){ 0 }), "it is the other uplink's");
	case_end(b);
}

static void vlans(struct bench *b)
{
	static const struct {
		const char *what;
		uint16_t type, vlan;
		bool dropped;
	} others[] = {
		{ "another network's", SL_ETH_VLAN, 104, true },
		{ "one that nobody has", SL_ETH_VLAN, VLAN_UNASSIGNED_, true },
		{ "one outside the plan", SL_ETH_VLAN, VLAN_OUTSIDE, false },
		{ "VLAN 0", SL_ETH_VLAN, 0, true },
		{ "a service tag", SL_ETH_QINQ, 103, true },
	};
	struct send line = cache_packet(5), s;
	struct got got;

	case_begin(b, "cache: the same in another VLAN");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		for (int side = 0; side < 2; side++) {
			cache_open_way(b, 4);
			bench_run(b, &line, &got);
			s = in_vlan(line, others[i].type, others[i].vlan);
			if (side) {
				frame_untag(&s.frame);
				s = beside(s, others[i].type, others[i].vlan);
			}
			by_itself(b, others[i].what, &line, &s, others[i].dropped);
		}
	}
	cache_open_way(b, 4);
	bench_run(b, &line, &got);
	s = line;
	frame_untag(&s.frame);
	by_itself(b, "untagged", &line, &s, false);
	cache_open_way(b, 4);
	bench_run(b, &line, &got);
	s = beside(line, SL_ETH_VLAN, 104);
	by_itself(b, "behind another tag", &line, &s, true);
	case_end(b);
}

/* Such lines count nothing, so that only what they keep from happening tells that they are there. */
static void left_alone_by_itself(struct bench *b, const char *what, const struct send *line,
				 const struct send *s)
{
	struct got with, without;

	nat_fresh(b);
	bench_run(b, line, &with);
	bench_clear_counts(b);
	bench_run(b, line, &with);
	that(b, !cache_stat(b, SL_STAT_LINES_FILLED), "there is a line");
	bench_run(b, s, &with);
	bench_void_lines(b);
	bench_run(b, s, &without);
	if (with.retval != without.retval || with.mark != without.mark)
		fail(b, "%s: %d, mark 0x%x instead of %d, 0x%x", what, (int)with.retval, with.mark,
		     (int)without.retval, without.mark);
	if (without.retval == (uint32_t)TC_ACT_UNSPEC && !cache_stat(b, SL_STAT_LINES_FILLED))
		fail(b, "%s: it has no line of its own", what);
}

static void left_alone(struct bench *b)
{
	struct send line = cache_packet(21), s = line;

	case_begin(b, "cache: what is left alone has lines that leave nothing else alone");
	bench_leave_nothing(b);
	frame_tag(&s.frame, SL_ETH_VLAN, 103);
	left_alone_by_itself(b, "with a tag", &line, &s);
	s = cache_packet(37);
	left_alone_by_itself(b, "in a VLAN outside the plan", &line, &s);
	left_alone_by_itself(b, "and the other way round", &s, &line);
	s = beside(line, SL_ETH_VLAN, 103);
	left_alone_by_itself(b, "with a tag beside", &line, &s);
	s = by(line, UP1);
	left_alone_by_itself(b, "by an uplink that drops such", &line, &s);
	line = cache_packet(36);
	s = at(line, SL_UP_IN);
	left_alone_by_itself(b, "coming, not going", &line, &s);
	case_end(b);
}

static void doors(struct bench *b)
{
	struct send line = cache_packet(0), s;

	case_begin(b, "cache: the same at another door of the same interface");
	cache_open_way(b, 0);
	s = at(line, SL_WL_OUT);
	by_itself(b, "towards the workload", &line, &s, false);
	cache_open_way(b, 4);
	line = cache_packet(5);
	bench_run(b, &line, &(struct got){ 0 });
	s = at(line, SL_UP_OUT);
	by_itself(b, "leaving, not coming", &line, &s, false);
	case_end(b);
}

static void protocols(struct bench *b)
{
	struct send line = cache_packet(0), s;

	case_begin(b, "cache: the same ports of another protocol");
	cache_open_way(b, 0);
	s = next(workload(W_A1, PACKET(.saddr = A1, .daddr = A3, TCP(1000, 2000, ACK), .payload = 20)));
	by_itself(b, "TCP instead of UDP", &line, &s, false);
	cache_open_way(b, 14);
	line = cache_packet(14);
	s = next(A_OUT(.daddr = REMOTE2, UDP(4001, 80), .payload = 20));
	that(b, cache_decides(b, &line, &(struct got){ 0 }), "there is a line");
	that(b, !cache_decides(b, &s, &(struct got){ 0 }), "UDP instead of TCP: it is not for that");
	case_end(b);
}

/* A fragment, a tunnel's, an option: what has no ports where the others have them. */
static void shapes_of(struct bench *b)
{
	struct send line = cache_packet(0), s;

	case_begin(b, "cache: what only looks like it has no line");
	cache_open_way(b, 0);
	s = next(workload(
		W_A1, PACKET(.saddr = A1, .daddr = A3, UDP(1000, 2000), .payload = 24, .frag = SL_IP_MF)));
	by_itself(b, "a first fragment", &line, &s, false);
	cache_open_way(b, 0);
	s = next(workload(W_A1, PACKET(.saddr = A1, .daddr = A3, UDP(1000, 2000), .payload = 24, .frag = 4)));
	by_itself(b, "a later one", &line, &s, true);
	cache_open_way(b, 0);
	s = next(workload(W_A1, PACKET(.saddr = A1, .daddr = A3, UDP(1000, 2000), .payload = 20,
				       .options = (const uint8_t[4]){ 1, 1, 1, 0 }, .option_len = 4)));
	by_itself(b, "with options", &line, &s, false);
	cache_open_way(b, 0);
	s = line;
	s.mark = 0x4000;
	by_itself(b, "somebody's mark", &line, &s, false);
	case_end(b);
}

void cache_keys(struct bench *b)
{
	interfaces(b);
	vlans(b);
	left_alone(b);
	doors(b);
	protocols(b);
	shapes_of(b);
}
