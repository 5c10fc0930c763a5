/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFC 5508, NAT and ICMP.
 */
#include <arpa/inet.h>
#include <string.h>
#include "rfc.h"

static struct send pings(uint32_t to, uint16_t identifier)
{
	return A_OUT(.daddr = to, ICMP(SL_ICMP_ECHO, identifier), .payload = 40);
}

static struct frame pong(uint16_t identifier)
{
	return OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(SL_ICMP_ECHO_REPLY, identifier), .payload = 40);
}

static void asks(struct bench *b)
{
	nat_fresh(b);
	goes(b, "a flow", A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 60), binds(EIP_A, UDP_, NET_A),
	     EIP_A, 0);
}

static struct frame sent(void)
{
	return A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 60).frame;
}

static void req1(struct bench *b)
{
	struct want w = binds(EIP_A, ICMP_, NET_A);

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc5508_req1: queries by their identifier, the same for every destination");
	nat_fresh(b);
	leave_free(b, ICMP_, 7);
	w.outside.events = EIP_BOUND;
	goes(b, "first", pings(REMOTE, PORT), w, EIP_A, WORD + 7);
	goes(b, "another destination", pings(REMOTE2, PORT), sets_out(NET_A), EIP_A, WORD + 7);
	comes(b, "reply", pong(WORD + 7), returns(ICMP_, NET_A), A1, PORT);
	leave_free(b, ICMP_, 8);
	goes(b, "another host, the same identifier", A3_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, PORT)), w,
	     EIP_A, WORD + 8);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req2(struct bench *b)
{
	uint16_t vpc = vpc_of(b, "default");

	case_begin(b, "rfc5508_req2: a query's mapping lives 60 seconds from the last query");
	that(b, b->image->timeouts.icmp_s == 60, "60 s by default");
	nat_fresh(b);
	goes(b, "query", pings(REMOTE, PORT), binds(EIP_A, ICMP_, NET_A), EIP_A, 0);
	rfc_pass(b, 25);
	that(b, nat_binding(b, vpc, A1, PORT, ICMP_, EIP_A) == PORT, "there after half a minute");
	comes(b, "reply", pong(PORT), returns(ICMP_, NET_A), A1, 0);
	goes(b, "query", pings(REMOTE, PORT), goes_on(sets_out(NET_A)), EIP_A, 0);
	rfc_pass(b, 25);
	that(b, nat_binding(b, vpc, A1, PORT, ICMP_, EIP_A) == PORT, "there after another half");
	rfc_pass(b, 65);
	that(b, !nat_binding(b, vpc, A1, PORT, ICMP_, EIP_A), "gone after more than a minute");
	silence(b, "reply", pong(PORT), SL_DROP_NO_BINDING, true);
	case_end(b);
}

/* What is judged by nobody on the way: the transport checksum of what is quoted. */
static void req3(struct bench *b)
{
	static const uint8_t options[8] = { 7, 7, 4, 0, 0, 0, 0, 1 };
	struct want bad = { .fate = DROPPED, .reason = SL_DROP_ICMP_CHECKSUM, .src = EXT, .network = EXT };
	struct want w = { .fate = SENT, .src = EXT, .dst = NET_A };
	struct frame f, out, s;

	case_begin(
		b,
		"rfc5508_req3: an error with a wrong checksum, or whose quoted header has one, is dropped");
	asks(b);
	f = told(sent(), PORT, SL_ICMP_UNREACHABLE, 1, 0, &out);
	frame_icmp(&f)->check ^= htons(0x0100);
	check(b, "of the error", next(wire(f)), bad);
	check(b, "the same, tag beside the frame", next(wire_beside(f)), bad);
	f = told(sent(), PORT, SL_ICMP_UNREACHABLE, 1, 0, &out);
	f.bytes[f.l4 + 8 + 10] ^= 1;
	frame_sum(&f);
	check(b, "of the quoted header", next(wire(f)), bad);
	hears(b, "neither", sent(), PORT, SL_ICMP_UNREACHABLE, 1, 0);
	case_end(b);

	case_begin(b, "rfc5508_req3: a quoted packet's transport checksum is not judged");
	asks(b);
	s = sent();
	frame_udp(&s)->check = htons(0x1234);
	{
		/* It is updated all the same, by what changed. */
		struct frame right = sent(), seen = translate(right, EIP_A, PORT, 0, 0);
		uint32_t delta = (uint32_t)(uint16_t)~frame_udp(&right)->check + frame_udp(&seen)->check;
		struct frame quoted = s;
		uint32_t sum = delta + frame_udp(&s)->check;

		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		frame_ip(&quoted)->saddr = htonl(EIP_A);
		frame_ip(&quoted)->check = 0;
		frame_ip(&quoted)->check = sum16(frame_ip(&quoted), 20, 0);
		frame_udp(&quoted)->check = (uint16_t)sum;
		f = error_about(&quoted, HOP, EIP_A, SL_ICMP_UNREACHABLE, 1, 0);
		memcpy(f.bytes, scene_mac(NODE1), 6);
		memcpy(f.bytes + 6, mac_ext_router, 6);
		frame_tag(&f, SL_ETH_VLAN, EXT);
		out = error_about(&s, HOP, A1, SL_ICMP_UNREACHABLE, 1, 0);
		out = hop(out, scene_mac(A1), mac_router);
		w.out = &out;
		check(b, "a senseless one", next(wire(f)), w);
	}
	case_end(b);

	case_begin(b, "rfc5508_req3: IP options of the quoted packet are skipped, what follows it is kept");
	nat_fresh(b);
	s = A_OUT(.daddr = REMOTE, UDP(PORT, 53), .payload = 200, .options = options, .option_len = 8).frame;
	goes(b, "a flow", workload(W_A1, s), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	hears(b, "options", s, PORT, SL_ICMP_TIME_EXCEEDED, 0, 0);
	hears(b, "an extension behind 128 bytes", s, PORT, SL_ICMP_TIME_EXCEEDED, 0, 148);
	case_end(b);
}

static void req4(struct bench *b)
{
	struct frame other = translate(A_OUT(.daddr = REMOTE, UDP(PORT + 1, 53)).frame, EIP_A, PORT + 1, 0,
				       0),
		     f;
	struct want w = { .fate = DROPPED, .reason = SL_DROP_ICMP_NO_FLOW, .dst = EXT, .network = EXT };

	case_begin(b, "rfc5508_req4: an error from outside is about the packet that was sent, to its sender");
	asks(b);
	hears(b, "unreachable", sent(), PORT, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	hears(b, "time exceeded", sent(), PORT, SL_ICMP_TIME_EXCEEDED, 0, 0);
	f = OUTSIDE(EIP_A, .saddr = HOP, ICMP(SL_ICMP_UNREACHABLE, 0), .icmp_code = 1, .quote = &other);
	check(b, "about no flow: dropped", next(wire(f)), w);
	case_end(b);
}

/* An error from inside: about what REMOTE has sent, by A1 itself or a machine behind it. */
static void req5(struct bench *b)
{
	struct frame in = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .payload = 30), seen, f, out;
	struct want w = { .fate = SENT, .src = NET_A, .dst = EXT, .out = &out };

	case_begin(b, "rfc5508_req5: an error from inside shows no inside address");
	asks(b);
	comes(b, "an answer", in, returns(UDP_, NET_A), A1, 0);
	frame_untag(&in);
	seen = hop(translate(in, 0, 0, A1, 0), mac_router, mac_router);
	f = error_about(&seen, A1, REMOTE, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	memcpy(f.bytes + 6, scene_mac(A1), 6);
	in = hop(in, mac_router, mac_router);
	out = hop(error_about(&in, EIP_A, REMOTE, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0), mac_ext_router,
		  scene_mac(NODE1));
	check(b, "port unreachable", next(workload(W_A1, f)), w);
	case_end(b);
}

static void req6(struct bench *b)
{
	uint16_t vpc = vpc_of(b, "default");

	case_begin(b, "rfc5508_req6: an error neither keeps a mapping alive nor ends it");
	asks(b);
	comes(b, "an answer", OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT)), returns(UDP_, NET_A), A1, 0);
	rfc_pass(b, 240);
	hears(b, "after 4 minutes", sent(), PORT, SL_ICMP_TIME_EXCEEDED, 0, 0);
	that(b, nat_binding(b, vpc, A1, PORT, UDP_, EIP_A) == PORT, "there");
	rfc_pass(b, 120);
	that(b, !nat_binding(b, vpc, A1, PORT, UDP_, EIP_A), "gone at its time");
	case_end(b);
}

static void req7(struct bench *b)
{
	struct send s = A3_OUT(.daddr = EIP_A, UDP(PORT + 1, PORT), .payload = 9);
	struct frame got = hop(translate(s.frame, EIP_A, 0, A1, 0), scene_mac(A1), mac_router), f, out, was;
	struct want w = binds(EIP_A, UDP_, NET_A);

	case_begin(b, "rfc5508_req7: an error about a hairpinned packet goes back the same way");
	asks(b);
	w.dst = NET_A;
	w.out = &got;
	check(b, "A3 to A1 by the EIP", next(s), w);
	f = error_about(&got, A1, EIP_A, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	memcpy(f.bytes + 6, scene_mac(A1), 6);
	was = hop(s.frame, mac_router, mac_router);
	out = hop(error_about(&was, EIP_A, A3, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0), scene_mac(A3),
		  mac_router);
	w = (struct want){ .fate = SENT, .src = NET_A, .dst = NET_A, .out = &out };
	check(b, "port unreachable", next(workload(W_A1, f)), w);
	case_end(b);
}

static void req8(struct bench *b)
{
	static const uint8_t protos[] = { TCP_, UDP_, ICMP_ };
	struct want w = keeps_in(NET_A, SL_NET_WORLD);
	unsigned int said = 0;
	struct send s, last = { 0 };
	struct frame out;
	struct got got;

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc5508_req8: who can get no mapping is told \"prohibited\", whatever it sends");
	nat_fresh(b);
	for (size_t i = 0; i < sizeof(protos); i++) {
		s = protos[i] == TCP_	? A_OUT(.daddr = REMOTE, TCP(PORT, 80, SYN))
		    : protos[i] == UDP_ ? A_OUT(.daddr = REMOTE, UDP(PORT, 53))
					: pings(REMOTE, PORT);
		nat_take(b, EIP_A, WORD, protos[i], ~0ULL);
		out = unreachable(s.frame, 13, 0);
		w.question = true;
		w.reason = SL_DROP_NAT_PORTS;
		w.out = &out;
		w.stats = STAT(PROHIBITED_TOLD);
		w.outside = (struct outside){ EIP_A, protos[i], EIP_NO_PORT };
		check(b, "told", next(s), w);
		last = next(s);
	}
	case_end(b);
	case_begin(b, "rfc5508_req8: but not for every packet");
	for (int i = 0; i < 50; i++)
		if (bench_run(b, &last, &got))
			said += got.retval == 7;
	if (said > SL_TOLD_PER_S + 5)
		fail(b, "told %u times in 50", said);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

/* Policy has the word about errors by having it about their flow; the plan's `echo` about pings of the EIP. */
static void req9(struct bench *b)
{
	static const char closed[] = "{\"policy\":[]}";
	struct want w = { .fate = DROPPED, .reason = SL_DROP_ICMP_NO_FLOW, .dst = NET_A, .network = EXT };
	struct frame f, out;

	case_begin(b, "rfc5508_req9: a plan that forbids the flow forbids errors about it");
	asks(b);
	hears(b, "before", sent(), PORT, SL_ICMP_UNREACHABLE, 1, 0);
	nat_plan(b, &nat_plain, closed);
	f = told(sent(), PORT, SL_ICMP_UNREACHABLE, 1, 0, &out);
	w.dst = SL_NET_WORLD;
	w.src = EXT;
	check(b, "after", next(wire(f)), w);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req10(struct bench *b)
{
	case_begin(b, "rfc5508_req10: unreachable with all its codes, time exceeded, echo and its reply");
	asks(b);
	for (uint8_t code = 0; code < 16; code++)
		hears(b, "unreachable", sent(), PORT, SL_ICMP_UNREACHABLE, code, 0);
	for (uint8_t code = 0; code < 2; code++)
		hears(b, "time exceeded", sent(), PORT, SL_ICMP_TIME_EXCEEDED, code, 0);
	goes(b, "echo", pings(REMOTE, PORT), binds(EIP_A, ICMP_, NET_A), EIP_A, 0);
	comes(b, "reply", pong(PORT), returns(ICMP_, NET_A), A1, 0);
	case_end(b);
}

static void req11(struct bench *b)
{
	static const uint8_t types[] = { 4, 5, 9, 10, 17, 18, 30, 37, 40, 255 };
	struct want in = { .fate = DROPPED, .reason = SL_DROP_ICMP_TYPE, .src = EXT, .network = EXT };
	struct want out = { .fate = DROPPED, .reason = SL_DROP_ICMP_TYPE, .src = NET_A, .network = NET_A };

	case_begin(
		b,
		"rfc5508_req11: types that nobody needs, source quench and redirect among them, are dropped");
	asks(b);
	for (size_t i = 0; i < sizeof(types); i++) {
		check(b, "from outside",
		      next(wire(OUTSIDE(EIP_A, .saddr = REMOTE, ICMP(types[i], PORT), .payload = 40))), in);
		check(b, "from inside", next(A_OUT(.daddr = REMOTE, ICMP(types[i], PORT), .payload = 40)),
		      out);
	}
	case_end(b);
}

void test_rfc5508(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	req1(b);
	req2(b);
	req3(b);
	req4(b);
	req5(b);
	req6(b);
	req7(b);
	req8(b);
	req9(b);
	req10(b);
	req11(b);
	nat_over(b);
}
