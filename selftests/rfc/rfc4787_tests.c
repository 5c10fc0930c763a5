/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFC 4787, NAT and UDP. REQ-4 (parity) is declined; REQ-7 (the same addresses inside and outside) is held by VPCs, and
 * what that means for ports is the case "snat: two VPCs with the same addresses".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "rfc.h"

static struct send asks(uint32_t remote, uint16_t port)
{
	return A_OUT(.daddr = remote, UDP(PORT, port), .payload = 11);
}

static void maps(struct bench *b)
{
	nat_fresh(b);
	goes(b, "a mapping", asks(REMOTE, 53), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
}

static void req1(struct bench *b)
{
	struct want w = binds(EIP_A, UDP_, NET_A);

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc4787_req1: one mapping for every destination, address and port");
	nat_fresh(b);
	leave_free(b, UDP_, 7);
	w.outside.events = EIP_BOUND;
	goes(b, "first", asks(REMOTE, 53), w, EIP_A, WORD + 7);
	goes(b, "another port", asks(REMOTE, 54), sets_out(NET_A), EIP_A, WORD + 7);
	goes(b, "another address", asks(REMOTE2, 53), sets_out(NET_A), EIP_A, WORD + 7);
	goes(b, "another network", asks(IP(100, 64, 0, 1), 53), sets_out(NET_A), EIP_A, WORD + 7);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req2(struct bench *b)
{
	static const struct nat two = { .two = true };
	uint16_t vpc = vpc_of(b, "default");
	unsigned int one = 0, other = 0;
	struct got got;

	nat_plan(b, &two, NULL);
	case_begin(b, "rfc4787_req2: one address outside for all that a workload sends");
	nat_fresh(b);
	for (uint16_t i = 0; i < 30; i++) {
		struct send s = A_OUT(.daddr = REMOTE + i, UDP((uint16_t)(PORT + i), (uint16_t)(53 + i)));

		s.keep = true;
		if (!bench_run(b, &s, &got))
			break;
		one += nat_binding(b, vpc, A1, (uint16_t)(PORT + i), UDP_, EIP_A) != 0;
		other += nat_binding(b, vpc, A1, (uint16_t)(PORT + i), UDP_, EIP_A2) != 0;
	}
	that(b, one + other == 30 && (!one || !other), "all 30 by the same of two");
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req3(struct bench *b)
{
	static const struct nat low = { .first = 960, .last = 1087 };
	uint16_t vpc = vpc_of(b, "default"), port;
	struct want w = binds(EIP_A, UDP_, NET_A);
	struct got got;
	struct send s;

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc4787_req3: no two sources share a port, to the same destination nor to another");
	nat_fresh(b);
	goes(b, "A1", A_OUT(.daddr = REMOTE, UDP(WORD + 1, 53)), w, EIP_A, 0);
	leave_free(b, UDP_, 30);
	w.outside.events = EIP_BOUND;
	goes(b, "A3, the same port and destination", A3_OUT(.daddr = REMOTE, UDP(WORD + 1, 53)), w, EIP_A,
	     WORD + 30);
	goes(b, "A3, another destination", A3_OUT(.daddr = REMOTE2, UDP(WORD + 1, 53)), sets_out(NET_A),
	     EIP_A, WORD + 30);
	case_end(b);

	nat_plan(b, &low, NULL);
	case_begin(b, "rfc4787_req3: ports below 1024 stay below, others above");
	nat_fresh(b);
	for (int i = 0; i < 40; i++) {
		uint16_t source = (uint16_t)(i & 1 ? 1030 + i : 970 + i / 2);

		/* The first keeps it, the second has to get another of the same range. */
		for (int second = 0; second < 2; second++) {
			s = second ? A3_OUT(.daddr = REMOTE, UDP(source, 53))
				   : A_OUT(.daddr = REMOTE, UDP(source, 53));
			s.keep = true;
			if (!bench_run(b, &s, &got))
				break;
			port = nat_binding(b, vpc, second ? A3 : A1, source, UDP_, EIP_A);
			if (port && (port < 1024) != (source < 1024))
				fail(b, "source port %u got %u", source, port);
			if (!second && !port)
				fail(b, "source port %u got none", source);
		}
	}
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

/* The plan's minimum is 2 minutes (unit tests of the plan); its default 5. */
static void req5(struct bench *b)
{
	uint16_t vpc = vpc_of(b, "default");

	case_begin(b, "rfc4787_req5: a mapping lives 5 minutes from the last packet out, flow or no flow");
	that(b, b->image->timeouts.udp_s == 300, "300 s by default");
	maps(b);
	rfc_pass(b, 240);
	that(b, nat_binding(b, vpc, A1, PORT, UDP_, EIP_A) == PORT, "there after 4 minutes");
	goes(b, "the same port", asks(REMOTE2, 53), sets_out(NET_A), EIP_A, 0);
	rfc_pass(b, 240);
	that(b, nat_binding(b, vpc, A1, PORT, UDP_, EIP_A) == PORT, "there 4 minutes after that");
	rfc_pass(b, 120);
	that(b, !nat_binding(b, vpc, A1, PORT, UDP_, EIP_A), "gone after more than 5");
	silence(b, "from outside", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT)), SL_DROP_NO_BINDING, true);
	case_end(b);
}

static void req6(struct bench *b)
{
	uint16_t vpc = vpc_of(b, "default");
	struct frame in = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .payload = 5);

	case_begin(b, "rfc4787_req6: packets out keep a mapping and its flow alive");
	maps(b);
	comes(b, "an answer", in, returns(UDP_, NET_A), A1, 0);
	for (int i = 0; i < 3; i++) {
		rfc_pass(b, 240);
		goes(b, "out", asks(REMOTE, 53), goes_on(sets_out(NET_A)), EIP_A, 0);
	}
	that(b, nat_binding(b, vpc, A1, PORT, UDP_, EIP_A) == PORT, "there after 12 minutes");
	case_end(b);

	case_begin(b, "rfc4787_req6: packets in do not");
	maps(b);
	comes(b, "an answer", in, returns(UDP_, NET_A), A1, 0);
	rfc_pass(b, 240);
	comes(b, "in, after 4 minutes", in, goes_on(returns(UDP_, NET_A)), A1, 0);
	rfc_pass(b, 120);
	that(b, !nat_binding(b, vpc, A1, PORT, UDP_, EIP_A), "gone after 6 minutes without a packet out");
	silence(b, "in", in, SL_DROP_NO_BINDING, true);
	case_end(b);
}

static void req8(struct bench *b)
{
	static const struct nat address = { .filtering = SL_NAT_ADDRESS };
	struct frame same = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(54, PORT));
	struct frame other = OUTSIDE(EIP_A, .saddr = REMOTE2, UDP(53, PORT));

	nat_plan(b, &address, NULL);
	case_begin(b, "rfc4787_req8: address-dependent filtering lets in whom the source has sent to");
	maps(b);
	comes(b, "another port of the same", same, lets_in(NET_A), A1, 0);
	silence(b, "somebody else", other, SL_DROP_NAT_FILTERED, true);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
	case_begin(b, "rfc4787_req8: endpoint-independent filtering, by plan, lets in anybody");
	maps(b);
	comes(b, "somebody else", other, lets_in(NET_A), A1, 0);
	case_end(b);
}

static void req9(struct bench *b)
{
	struct send s = A3_OUT(.daddr = EIP_A, UDP(PORT + 1, PORT), .payload = 9);
	struct frame out = hop(translate(s.frame, EIP_A, 0, A1, 0), scene_mac(A1), mac_router);
	struct want w = binds(EIP_A, UDP_, NET_A);

	case_begin(b, "rfc4787_req9: hairpin, seen with the external address and port");
	maps(b);
	w.dst = NET_A;
	w.out = &out;
	check(b, "A3 to A1 by the EIP", next(s), w);
	case_end(b);
}

static void req10(struct bench *b)
{
	static const char text[] = "PORT 192,168,103,11,15,160\r\nVia: SIP/2.0/UDP 192.168.103.11:4000\r\n";
	struct send s = A_OUT(.daddr = REMOTE, UDP(PORT, 5060), .payload = sizeof(text));
	struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(5060, PORT), .payload = sizeof(text));

	case_begin(b, "rfc4787_req10: what packets carry is nobody's business");
	nat_fresh(b);
	memcpy(s.frame.bytes + s.frame.l4 + 8, text, sizeof(text));
	frame_sum(&s.frame);
	goes(b, "addresses in it, out", s, binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	memcpy(f.bytes + f.l4 + 8, text, sizeof(text));
	frame_sum(&f);
	comes(b, "and in", f, returns(UDP_, NET_A), A1, 0);
	case_end(b);
}

/* Floods of other flows evict what nobody has answered, never a mapping. */
static void req11(struct bench *b)
{
	struct want w = binds(EIP_A, UDP_, NET_A);
	struct sl_flow_key key = flow_key(vpc_of(b, "default"), UDP_, A1, PORT, REMOTE, 53);
	struct sl_flow flow;
	struct got got;

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc4787_req11: a full table of flows changes nobody's port");
	nat_fresh(b);
	leave_free(b, UDP_, 5);
	w.outside.events = EIP_BOUND;
	goes(b, "before", asks(REMOTE, 53), w, EIP_A, WORD + 5);
	leave_free(b, UDP_, 6);
	for (uint32_t i = 0; i < 4 * UNANSWERED_MAX; i++) {
		struct send s =
			next(A3_OUT(.daddr = REMOTE + (i >> 8), UDP(WORD + 6, (uint16_t)(100 + (i & 255)))));

		if (!bench_run(b, &s, &got))
			break;
	}
	that(b, flow_find(b, &key, &flow) < 0, "the flow was evicted");
	goes(b, "after", asks(REMOTE, 53), sets_out(NET_A), EIP_A, WORD + 5);
	comes(b, "an answer", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, WORD + 5)), returns(UDP_, NET_A), A1,
	      PORT);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req12(struct bench *b)
{
	struct frame sent = asks(REMOTE, 53).frame;

	case_begin(b, "rfc4787_req12: no ICMP error ends a mapping");
	maps(b);
	for (uint8_t code = 0; code < 16; code++)
		hears(b, "unreachable", sent, PORT, SL_ICMP_UNREACHABLE, code, 0);
	hears(b, "time exceeded", sent, PORT, SL_ICMP_TIME_EXCEEDED, 0, 0);
	goes(b, "after them", asks(REMOTE, 53), goes_on(sets_out(NET_A)), EIP_A, 0);
	comes(b, "in", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT)), returns(UDP_, NET_A), A1, 0);
	case_end(b);
}

static bool set_mtu(struct bench *b, const char *name, int mtu)
{
	struct ifreq request = { .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done;

	memcpy(request.ifr_name, name, strlen(name) + 1);
	done = fd >= 0 && !ioctl(fd, SIOCSIFMTU, &request);
	if (!done)
		fail(b, "cannot set the MTU of %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return done;
}

static void req13(struct bench *b)
{
	struct send s = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 1473, .frag = SL_IP_DF);
	struct frame out = unreachable(s.frame, SL_ICMP_FRAG_NEEDED, 1500);
	struct want w = keeps_in(NET_A, EXT);

	case_begin(b,
		   "rfc4787_req13: too big for the uplink, with DF: the sender is told, and told what fits");
	nat_fresh(b);
	if (set_mtu(b, "up0", 1500)) {
		goes(b, "what fits", A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 1472, .frag = SL_IP_DF),
		     binds(EIP_A, UDP_, NET_A), EIP_A, 0);
		w.question = true;
		w.out = &out;
		w.reason = SL_DROP_TOO_BIG;
		w.stats = STAT(TOO_BIG_TOLD);
		check(b, "a byte more", next(s), w);
		set_mtu(b, "up0", 9000);
	}
	case_end(b);

	case_begin(b, "rfc4787_req13: a router's \"fragmentation needed\" reaches the sender");
	maps(b);
	hears(b, "MTU 1400", asks(REMOTE, 53).frame, PORT, SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED, 0);
	case_end(b);
}

/*
 * Nothing is put together here: a fragment that overtakes its first is dropped, and its sender's transport has to send
 * again (RFC 4787 allows it, as "out of order" is not required of a NAT that says so).
 */
static void req14(struct bench *b)
{
	struct frame whole = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 993, .id = 77).frame;
	struct frame becomes = translate(whole, EIP_A, 0, 0, 0), out;
	struct want w = binds(EIP_A, UDP_, NET_A);
	struct got got;

	case_begin(b, "rfc4787_req14: fragments in order");
	nat_fresh(b);
	for (uint32_t at = 0; at < 1001; at += 400) {
		uint32_t len = at + 400 < 1001 ? 400 : 1001 - at;

		out = hop(piece(&becomes, at, len, at + len < 1001), mac_ext_router, scene_mac(NODE1));
		w.out = &out;
		w.stats |= at ? 0 : STAT(FRAGMENTS);
		check(b, "one", next(workload(W_A1, piece(&whole, at, len, at + len < 1001))), w);
		w = goes_on(w);
		w.stats = 0;
	}
	case_end(b);

	case_begin(b, "rfc4787_req14: one that overtakes its first is dropped and counted");
	nat_fresh(b);
	w = keeps_in(NET_A, SL_NET_WORLD);
	w.reason = SL_DROP_FRAG_NO_FIRST;
	check(b, "the second", next(workload(W_A1, piece(&whole, 400, 400, true))), w);
	case_end(b);

	case_begin(b, "rfc4787_req14: a flood of fragments takes bounded memory and harms no flow");
	maps(b);
	for (uint32_t i = 0; i < SL_FRAGMENTS + 4000; i++) {
		struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE2 + (i >> 16), .proto = UDP_, .sport = 53,
					 .dport = PORT, .payload = 16, .id = (uint16_t)i, .frag = SL_IP_MF);
		struct send s = next(wire(f));

		if (!bench_run(b, &s, &got))
			break;
	}
	goes(b, "out", asks(REMOTE, 53), goes_on(sets_out(NET_A)), EIP_A, 0);
	comes(b, "in", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT)), returns(UDP_, NET_A), A1, 0);
	case_end(b);
}

void test_rfc4787(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	req1(b);
	req2(b);
	req3(b);
	req5(b);
	req6(b);
	req8(b);
	req9(b);
	req10(b);
	req11(b);
	req12(b);
	req13(b);
	req14(b);
	nat_over(b);
}
