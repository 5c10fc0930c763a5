/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outside addresses with real frames: the tag that they leave with, checksums and segments that are left to the
 * hardware, and what goes on to the node of another block.
 */
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>
#include "live.h"
#include "nat.h"

#define PORT 4000

/* As it leaves, tag apart. */
static struct frame out_of(struct frame f)
{
	return leaves(f, EIP_A, 0);
}

static void test_tag(struct bench *b, int uplink, int a1)
{
	struct frame f = FROM(A1, .daddr = REMOTE, TCP(PORT, 80, SYN)), out = out_of(f);

	case_begin(b, "live: out by an EIP and back: on its network's VLAN");
	nat_fresh(b);
	put_on(b, PEER_OF(W_A1), &f);
	arrives(b, "uplink", uplink, &out, EXT);
	f = OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, PORT, SYN | ACK));
	out = lands(f, A1, 0);
	put_on(b, PEER_OF(UP0), &f);
	arrives(b, "workload", a1, &out, 0);
	f = FROM(A1, .daddr = REMOTE, TCP(PORT, 80, ACK), .payload = 7001);
	out = out_of(f);
	put_on(b, PEER_OF(W_A1), &f);
	arrives(b, "a large one", uplink, &out, EXT);
	case_end(b);

	case_begin(b, "live: what is not let out does not leave");
	nat_fresh(b);
	f = FROM(A1, .daddr = REMOTE, .proto = SL_PROTO_SCTP, .sport = 1, .dport = 2);
	put_on(b, PEER_OF(W_A1), &f);
	f = FROM(A1, .daddr = REMOTE, TCP(PORT, 25, SYN));
	put_on(b, PEER_OF(W_A1), &f);
	silent(b, "uplink", uplink);
	case_end(b);
}

static void test_forward(struct bench *b, int uplink)
{
	struct frame f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, NAT_HALF + 9), .payload = 40), inner = f,
		     out, got;
	int tag;

	case_begin(b, "live: what is for another node's block goes on to it, out of the same uplink");
	nat_fresh(b);
	frame_untag(&inner);
	out = wrap(&inner, scene_mac(NODE2), scene_mac(NODE1), NODE1, NODE2, EIP_A);
	put_on(b, PEER_OF(UP0), &f);
	tag = take(uplink, &got, WAIT_MS);
	that(b, tag == 0, "untagged, to the node");
	if (got.len > 36)
		memcpy(out.bytes + 34, got.bytes + 34, 2); /* the port that comes from the hash */
	same_frame(b, &out, &got);
	case_end(b);
}

/* Orders to the hardware stay in force on the way out. */
static void test_unsummed(struct bench *b)
{
	int uplink = listen_offloaded(b, PEER_OF(UP0));
	struct frame f = FROM(A1, .daddr = REMOTE, TCP(PORT, 80, SYN), .payload = 33), out = out_of(f);

	case_begin(b, "live: checksums that are left to the hardware come out right outside");
	nat_fresh(b);
	put_unsummed(b, PEER_OF(W_A1), f, 0);
	comes_summed(b, "TCP", uplink, &out);
	f = FROM(A1, .daddr = REMOTE, UDP(PORT, 53), .payload = 20);
	out = out_of(f);
	put_unsummed(b, PEER_OF(W_A1), f, 0);
	comes_summed(b, "UDP", uplink, &out);
	case_end(b);

	case_begin(b, "live: so do those of what is said to who gets no port");
	nat_fresh(b);
	for (uint32_t port = 0; port < 65536; port += 64)
		nat_take(b, EIP_A, (uint16_t)port, SL_PROTO_TCP, ~0ULL);
	{
		int a1 = listen_offloaded(b, PEER_OF(W_A1));

		f = FROM(A1, .daddr = REMOTE, TCP(PORT, 80, SYN));
		out = unreachable(unsummed(f), 13, 0);
		put_unsummed(b, PEER_OF(W_A1), f, 0);
		comes_summed(b, "prohibited", a1, &out);
		close(a1);
	}
	case_end(b);
	close(uplink);
}

void live_nat(struct bench *b)
{
	int uplink, a1;

	if (!nat_plan(b, &nat_plain, NULL))
		return;
	uplink = listen_on(b, PEER_OF(UP0));
	a1 = listen_on(b, PEER_OF(W_A1));
	test_tag(b, uplink, a1);
	test_forward(b, uplink);
	test_unsummed(b);
	close(uplink);
	close(a1);
	nat_over(b);
}
