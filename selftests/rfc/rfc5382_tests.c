/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFC 5382, NAT and TCP.
 */
#include <arpa/inet.h>
#include <string.h>
#include "rfc.h"

static struct send sends(uint8_t bits)
{
	return A_OUT(.daddr = REMOTE, TCP(PORT, 80, bits), .payload = bits == ACK ? 7 : 0);
}

static struct frame back_(uint8_t bits)
{
	return OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, bits), .payload = bits == ACK ? 9 : 0);
}

static const struct want in_ = { .fate = SENT, .src = EXT, .dst = NET_A };

static void opens_(struct bench *b)
{
	nat_fresh(b);
	goes(b, "SYN", sends(SYN), binds(EIP_A, TCP_, NET_A), EIP_A, 0);
}

static void establishes(struct bench *b)
{
	opens_(b);
	comes(b, "SYN ACK", back_(SYN | ACK), in_, A1, 0);
	goes(b, "ACK", sends(ACK), promotes(sets_out(NET_A)), EIP_A, 0);
}

static bool mapped(struct bench *b)
{
	return nat_binding(b, vpc_of(b, "default"), A1, PORT, TCP_, EIP_A) == PORT;
}

static void req1(struct bench *b)
{
	struct want w = binds(EIP_A, TCP_, NET_A);

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc5382_req1: one mapping for every destination, address and port");
	nat_fresh(b);
	leave_free(b, TCP_, 7);
	w.outside.events = EIP_BOUND;
	goes(b, "first", sends(SYN), w, EIP_A, WORD + 7);
	goes(b, "another port", A_OUT(.daddr = REMOTE, TCP(PORT, 443, SYN)), sets_out(NET_A), EIP_A,
	     WORD + 7);
	goes(b, "another address", A_OUT(.daddr = REMOTE2, TCP(PORT, 80, SYN)), sets_out(NET_A), EIP_A,
	     WORD + 7);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req2(struct bench *b)
{
	struct want on = goes_on(sets_out(NET_A));

	case_begin(b, "rfc5382_req2: three-way handshake, half-close, close");
	establishes(b);
	comes(b, "data", back_(ACK), in_, A1, 0);
	comes(b, "FIN from outside", back_(FIN | ACK), in_, A1, 0);
	goes(b, "data after it", sends(ACK), on, EIP_A, 0);
	goes(b, "FIN", sends(FIN | ACK), on, EIP_A, 0);
	comes(b, "the last ACK", back_(ACK), in_, A1, 0);
	case_end(b);

	case_begin(b, "rfc5382_req2: simultaneous open");
	opens_(b);
	comes(b, "the other's SYN", back_(SYN), in_, A1, 0);
	goes(b, "SYN ACK", sends(SYN | ACK), on, EIP_A, 0);
	comes(b, "the other's SYN ACK", back_(SYN | ACK), in_, A1, 0);
	goes(b, "data", sends(ACK), promotes(on), EIP_A, 0);
	comes(b, "data", back_(ACK), in_, A1, 0);
	case_end(b);

	case_begin(b, "rfc5382_req2: RST, and the same ports again");
	establishes(b);
	comes(b, "RST", back_(RST | ACK), in_, A1, 0);
	goes(b, "SYN", sends(SYN), sets_out(NET_A), EIP_A, 0);
	comes(b, "SYN ACK", back_(SYN | ACK), in_, A1, 0);
	case_end(b);
}

static void req3(struct bench *b)
{
	static const struct nat address = { .filtering = SL_NAT_ADDRESS };
	struct frame same = OUTSIDE(EIP_A, .saddr = REMOTE, TCP(81, PORT, SYN));
	struct frame other = OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(80, PORT, SYN));

	nat_plan(b, &address, NULL);
	case_begin(b, "rfc5382_req3: address-dependent filtering lets in whom the source has sent to");
	opens_(b);
	comes(b, "another port of the same", same, lets_in(NET_A), A1, 0);
	silence(b, "somebody else", other, SL_DROP_NAT_FILTERED, true);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
	case_begin(b, "rfc5382_req3: endpoint-independent filtering, by plan, lets in anybody");
	opens_(b);
	comes(b, "somebody else", other, lets_in(NET_A), A1, 0);
	goes(b, "SYN ACK", A_OUT(.daddr = REMOTE2, TCP(PORT, 80, SYN | ACK)), sends_back(NET_A, TCP_), EIP_A,
	     0);
	case_end(b);
}

/* Neither a RST nor an error, at once or later: silence() wants nothing sent. */
static void req4(struct bench *b)
{
	static const struct nat port = { .filtering = SL_NAT_ADDRESS_PORT };

	case_begin(b, "rfc5382_req4: an unsolicited SYN is dropped in silence");
	nat_fresh(b);
	silence(b, "nobody has the port", back_(SYN), SL_DROP_NO_BINDING, true);
	silence(b, "again", back_(SYN), SL_DROP_NO_BINDING, true);
	nat_plan(b, &port, NULL);
	opens_(b);
	silence(b, "filtered", OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(80, PORT, SYN)), SL_DROP_NAT_FILTERED,
		true);
	goes(b, "what it would have met", A_OUT(.daddr = REMOTE2, TCP(PORT, 80, SYN)), sets_out(NET_A), EIP_A,
	     0);
	comes(b, "a SYN again: both open", OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(80, PORT, SYN)), in_, A1, 0);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

/* What the plan may set is not less (unit tests of the plan). */
static void req5(struct bench *b)
{
	const struct timeouts *t = &b->image->timeouts;

	case_begin(b, "rfc5382_req5: an established connection lives 2 hours 4 minutes without a packet");
	that(b, t->tcp_established_s == 7440 && t->tcp_transitory_s == 240, "2 h 4 min, 4 min");
	establishes(b);
	rfc_pass(b, 7380);
	that(b, mapped(b), "there after 2 h 3 min");
	comes(b, "data", back_(ACK), in_, A1, 0);
	rfc_pass(b, 7380);
	goes(b, "data, 2 h 3 min after that", sends(ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
	rfc_pass(b, 7480);
	rfc_pass(b, 300);
	that(b, !mapped(b), "gone some minutes after 2 h 4 min");
	case_end(b);

	case_begin(b, "rfc5382_req5: one that is opening lives 4 minutes");
	opens_(b);
	comes(b, "SYN ACK", back_(SYN | ACK), in_, A1, 0);
	rfc_pass(b, 180);
	that(b, mapped(b), "there after 3");
	comes(b, "SYN ACK again", back_(SYN | ACK), in_, A1, 0);
	rfc_pass(b, 280);
	rfc_pass(b, 280);
	that(b, !mapped(b), "gone after more than 4");
	silence(b, "SYN ACK", back_(SYN | ACK), SL_DROP_NO_BINDING, true);
	case_end(b);
}

static void req6(struct bench *b)
{
	static const char text[] = "EPRT |1|192.168.103.11|4000|\r\nPORT 192,168,103,11,15,160\r\n";
	struct send s = A_OUT(.daddr = REMOTE, TCP(PORT, 21, SYN), .payload = sizeof(text));

	case_begin(b, "rfc5382_req6: what packets carry is nobody's business");
	nat_fresh(b);
	memcpy(s.frame.bytes + s.frame.l4 + 20, text, sizeof(text));
	frame_sum(&s.frame);
	goes(b, "FTP", s, binds(EIP_A, TCP_, NET_A), EIP_A, 0);
	case_end(b);
}

static void req7(struct bench *b)
{
	struct want w = binds(EIP_A, TCP_, NET_A);

	nat_plan(b, &one_word, NULL);
	case_begin(b, "rfc5382_req7: no two sources share a port");
	nat_fresh(b);
	goes(b, "A1", A_OUT(.daddr = REMOTE, TCP(WORD + 1, 80, SYN)), w, EIP_A, 0);
	leave_free(b, TCP_, 30);
	w.outside.events = EIP_BOUND;
	goes(b, "A3, to another destination", A3_OUT(.daddr = REMOTE2, TCP(WORD + 1, 81, SYN)), w, EIP_A,
	     WORD + 30);
	case_end(b);
	nat_plan(b, &nat_plain, NULL);
}

static void req8(struct bench *b)
{
	struct send s = A3_OUT(.daddr = EIP_A, TCP(PORT + 1, PORT, SYN));
	struct frame out = hop(translate(s.frame, EIP_A, 0, A1, 0), scene_mac(A1), mac_router);
	struct want w = binds(EIP_A, TCP_, NET_A);

	case_begin(b, "rfc5382_req8: hairpin, seen with the external address and port");
	opens_(b);
	w.dst = NET_A;
	w.out = &out;
	check(b, "SYN from A3 to A1 by the EIP", next(s), w);
	s = A_OUT(.daddr = EIP_A, TCP(PORT, PORT + 1, SYN | ACK));
	out = hop(translate(s.frame, EIP_A, 0, A3, 0), scene_mac(A3), mac_router);
	w = (struct want){ .fate = SENT, .src = NET_A, .dst = NET_A, .out = &out };
	check(b, "SYN ACK", next(s), w);
	case_end(b);
}

static void req9(struct bench *b)
{
	case_begin(b, "rfc5382_req9: destination unreachable is translated, each of its codes");
	opens_(b);
	for (uint8_t code = 0; code < 16; code++)
		hears(b, "unreachable", sends(SYN).frame, PORT, SL_ICMP_UNREACHABLE, code, 0);
	case_end(b);
}

static void req10(struct bench *b)
{
	struct frame sent = sends(ACK).frame;

	case_begin(b, "rfc5382_req10: no ICMP error ends a connection");
	establishes(b);
	for (uint8_t code = 0; code < 16; code++)
		hears(b, "unreachable", sent, PORT, SL_ICMP_UNREACHABLE, code, 0);
	hears(b, "time exceeded", sent, PORT, SL_ICMP_TIME_EXCEEDED, 0, 0);
	hears(b, "parameter problem", sent, PORT, SL_ICMP_PARAMETER, 0, 0);
	goes(b, "data", sends(ACK), goes_on(sets_out(NET_A)), EIP_A, 0);
	comes(b, "data", back_(ACK), in_, A1, 0);
	that(b, mapped(b), "the mapping stands");
	case_end(b);
}

void test_rfc5382(struct bench *b)
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
	nat_over(b);
}
