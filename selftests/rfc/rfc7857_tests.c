/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFC 7857, updates of the others: timers by the state of a connection, RST, what does not refresh.
 */
#include <arpa/inet.h>
#include <string.h>
#include "rfc.h"

static const struct want in_ = { .fate = SENT, .src = EXT, .dst = NET_A };

static struct send sends(uint8_t bits)
{
	return A_OUT(.daddr = REMOTE, TCP(PORT, 80, bits));
}

static struct frame back_(uint8_t bits)
{
	return OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, bits));
}

static void establishes(struct bench *b)
{
	nat_fresh(b);
	goes(b, "SYN", sends(SYN), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	comes(b, "SYN ACK", back_(SYN | ACK), in_, A1, 0);
	goes(b, "ACK", sends(ACK), promotes(sets_out(NET_A)), EIP_A, 0);
}

static bool mapped(struct bench *b)
{
	return nat_binding(b, vpc_of(b, "default"), A1, PORT, TCP_, EIP_A) == PORT;
}

static bool flows(struct bench *b)
{
	struct sl_flow_key key = flow_key(vpc_of(b, "default"), TCP_, A1, PORT, REMOTE, 80);
	struct sl_flow flow;

	return flow_find(b, &key, &flow) >= 0;
}

static void test_closing(struct bench *b)
{
	case_begin(b,
		   "rfc7857: a connection that one side has closed is open, with the timer of closing ones");
	establishes(b);
	goes(b, "FIN", sends(FIN | ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
	rfc_pass(b, 180);
	comes(b, "data, 3 minutes later", back_(ACK), in_, A1, 0);
	rfc_pass(b, 180);
	that(b, flows(b) && mapped(b), "there 3 minutes after that");
	rfc_pass(b, 100);
	that(b, !flows(b), "gone after more than 4");
	case_end(b);

	case_begin(b, "rfc7857: one that both have closed lives 4 minutes");
	establishes(b);
	goes(b, "FIN", sends(FIN | ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
	comes(b, "FIN", back_(FIN | ACK), in_, A1, 0);
	goes(b, "ACK", sends(ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
	rfc_pass(b, 180);
	goes(b, "the last ACK again, 3 minutes later", sends(ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
	rfc_pass(b, 280);
	that(b, !flows(b), "gone after more than 4");
	case_end(b);
}

static void test_reset(struct bench *b)
{
	for (int outside = 0; outside < 2; outside++) {
		case_begin(b, "rfc7857: a RST from %s is translated and the state kept for 4 minutes",
			   outside ? "outside" : "inside");
		establishes(b);
		if (outside)
			comes(b, "RST", back_(RST | ACK), in_, A1, 0);
		else
			goes(b, "RST", sends(RST | ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
		rfc_pass(b, 180);
		that(b, flows(b) && mapped(b), "there after 3 minutes");
		if (outside)
			goes(b, "data: the RST was forged, perhaps", sends(ACK), goes_on(sets_out(NET_A)),
			     EIP_A, 0);
		else
			comes(b, "data", back_(ACK), in_, A1, 0);
		rfc_pass(b, 280);
		that(b, !flows(b), "gone after more than 4");
		case_end(b);
	}
}

static void test_resets(struct bench *b)
{
	case_begin(b, "rfc7857: further RSTs do not refresh");
	establishes(b);
	goes(b, "RST", sends(RST | ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
	rfc_pass(b, 180);
	goes(b, "RST, 3 minutes later", sends(RST | ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
	rfc_pass(b, 100);
	that(b, !flows(b), "gone 4 minutes after the first");
	case_end(b);
}

/* An error that A1 sends out is no packet of its mapping. */
static void test_no_refresh(struct bench *b)
{
	struct frame in = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, PORT), .payload = 30), seen, f, out;
	struct want w = { .fate = SENT, .src = NET_A, .dst = EXT, .out = &out };
	uint16_t vpc = vpc_of(b, "default");

	case_begin(b, "rfc7857: an error sent out refreshes nothing");
	nat_fresh(b);
	goes(b, "out", A_OUT(.daddr = REMOTE, UDP(PORT, 53)), binds(EIP_A, UDP_, NET_A), EIP_A, 0);
	comes(b, "in", in, returns(UDP_, NET_A), A1, 0);
	rfc_pass(b, 240);
	frame_untag(&in);
	seen = hop(translate(in, 0, 0, A1, 0), mac_router, mac_router);
	f = error_about(&seen, A1, REMOTE, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0);
	memcpy(f.bytes + 6, scene_mac(A1), 6);
	in = hop(in, mac_router, mac_router);
	out = hop(error_about(&in, EIP_A, REMOTE, SL_ICMP_UNREACHABLE, SL_ICMP_PORT, 0), mac_ext_router,
		  scene_mac(NODE1));
	check(b, "port unreachable, 4 minutes later", next(workload(W_A1, f)), w);
	rfc_pass(b, 120);
	that(b, !nat_binding(b, vpc, A1, PORT, UDP_, EIP_A), "gone 6 minutes after the last packet out");
	case_end(b);
}

void test_rfc7857(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_closing(b);
	test_reset(b);
	test_resets(b);
	test_no_refresh(b);
	nat_over(b);
}
