/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every kind of flow through a VIP under a new plan, whichever end speaks first: it is judged again and goes where
 * it went, byte for byte.
 */
#include <arpa/inet.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP

/* A flow by its two directions: how each comes in and how it has to come out. */
struct course {
	const char *name;
	struct send there, here;
	struct frame to, from;
	struct want opened, answered;
	bool wrapped; /* `to` leaves by the tunnel, under a port of its own */
	bool unwrapped; /* `here` goes on through the tunnel */
};

static void leave(struct bench *b, const char *what, struct send s, struct want w, const struct frame *out,
		  bool wrapped)
{
	struct frame want = *out;
	struct got got;

	s.keep = true;
	if (wrapped) { /* the port comes from the packet's hash; the same for the same packet */
		struct send twin = s;

		if (bench_run(b, &twin, &got))
			memcpy(want.bytes + 34, got.frame.bytes + 34, 2);
	}
	w.out = &want;
	check(b, what, s, w);
}

static struct want again(struct want w, uint32_t rejudged)
{
	w.stats = (w.stats & (STAT(TUNNEL_SENT) | STAT(TUNNEL_RECEIVED))) | rejudged;
	w.served.event = 0;
	return w;
}

/* A wrapped packet is run twice, to learn its port: what the first run does is not seen. */
static void follow(struct bench *b, struct course *c)
{
	const uint32_t anew = STAT(FLOWS_REJUDGED);

	for (int first = 0; first < 2; first++) {
		case_begin(b, "again: %s, %s first", c->name, first ? "the backend's end" : "the client");
		bench_clear(b);
		leave(b, "opened", c->there, c->wrapped ? again(c->opened, 0) : c->opened, &c->to,
		      c->wrapped);
		leave(b, "answered", c->here, c->unwrapped ? again(c->answered, 0) : c->answered, &c->from,
		      c->unwrapped);
		bench_plan(b, NULL);
		for (int turn = 0; turn < 2; turn++)
			if (turn == first)
				leave(b, "there", c->there, again(c->opened, c->wrapped ? 0 : anew), &c->to,
				      c->wrapped);
			else
				leave(b, "here", c->here,
				      again(c->answered, c->unwrapped	  ? 0
							 : first && !turn ? anew
									  : 0),
				      &c->from, c->unwrapped);
		leave(b, "there again", c->there, again(c->opened, 0), &c->to, c->wrapped);
		leave(b, "here again", c->here, again(c->answered, 0), &c->from, c->unwrapped);
		case_end(b);
	}
}

static void test_here(struct bench *b)
{
	struct frame f = FROM(A1, .daddr = VIP_POOL, UDP(1000, 53), .payload = 7), r;
	struct course c = { .name = "the backend's own" };

	r = FROM(A1, .daddr = VIP_POOL, UDP(5353, 1000), .payload = 9);
	c.there = workload(W_A1, f);
	c.to = into(readdress(f, VIP_POOL, 0, 0, 0), A1, 5353);
	c.opened = opens(VIP_POOL, 53, UDP_, A1, NET_A, NET_A);
	c.here = workload(W_A1, r);
	c.from = hop(readdress(r, VIP_POOL, 53, A1, 1000), scene_mac(A1), mac_router);
	c.answered = answers(VIP_POOL, 53, UDP_, A1, NET_A, NET_A);
	follow(b, &c);

	c.name = "a workload's";
	f = FROM(B1, .daddr = VIP_POOL, UDP(1000, 53), .payload = 7);
	r = FROM(A1, .daddr = B1, UDP(5353, 1000), .payload = 9);
	c.there = workload(W_B1, f);
	c.to = into(f, A1, 5353);
	c.opened.src = NET_B;
	c.here = workload(W_A1, r);
	c.from = hop(readdress(r, VIP_POOL, 53, 0, 0), scene_mac(B1), mac_router);
	c.answered.dst = NET_B;
	follow(b, &c);

	c.name = "this node's";
	f = PACKET(.saddr = NODE1, .daddr = VIP_POOL, UDP(1000, 53), .dmac = mac_alien);
	r = FROM(A1, .daddr = NODE1, UDP(5353, 1000), .payload = 9);
	c.there = stack_out(f);
	c.to = into(f, A1, 5353);
	c.opened.src = MGMT;
	c.here = workload(W_A1, r);
	c.from = readdress(r, VIP_POOL, 53, 0, 0);
	memcpy(c.from.bytes, scene_mac(NODE1), 6);
	memcpy(c.from.bytes + 6, mac_router, 6);
	c.answered.dst = MGMT;
	follow(b, &c);

	c.name = "to a backend behind the stack";
	f = TO_VIP(VIP_POOL, TCP(1000, 88, ACK), .payload = 1);
	r = PACKET(.saddr = A_STACK, .daddr = CLIENT, TCP(8088, 1000, ACK), .smac = scene_mac(NODE1),
		   .dmac = mac_node2);
	c.there = wire(f);
	c.to = readdress(f, 0, 0, A_STACK, 8088);
	c.opened = opens(VIP_POOL, 88, TCP_, A_STACK, SL_NET_WORLD, NET_A);
	c.opened.fate = STACK;
	c.here = stack_out(r);
	c.from = back(r, VIP_POOL, 88, mac_alien);
	c.answered = promotes(answers(VIP_POOL, 88, TCP_, A_STACK, NET_A, SL_NET_WORLD));
	follow(b, &c);
}

static void test_far_backend(struct bench *b)
{
	struct frame f = FROM(B1, .daddr = VIP_POOL, TCP(1000, 87, ACK), .payload = 7), r;
	struct course c = { .name = "a workload's to a backend of another node", .wrapped = true };

	c.there = workload(W_B1, f);
	c.to = wrap(&f, f.bytes, f.bytes + 6, NODE1, NODE2, A_FAR);
	c.opened = opens(VIP_POOL, 87, TCP_, A_FAR, NET_B, NET_A);
	c.opened.stats |= STAT(TUNNEL_SENT);
	r = PACKET(.saddr = VIP_POOL, .daddr = B1, TCP(87, 1000, ACK), .dmac = mac_alien, .payload = 3);
	c.here = wire(wrap(&r, scene_mac(NODE1), mac_node2, NODE2, NODE1, 0));
	c.from = hop(r, scene_mac(B1), mac_router);
	c.answered = promotes(answers(VIP_POOL, 87, TCP_, A_FAR, NET_A, NET_B));
	c.answered.stats |= STAT(TUNNEL_RECEIVED);
	c.answered.bytes = 43;
	follow(b, &c);

	c.name = "this node's to a backend of another node";
	f = PACKET(.saddr = NODE1, .daddr = VIP_POOL, TCP(1000, 87, ACK), .dmac = mac_alien);
	c.there = stack_out(f);
	c.to = wrap(&f, f.bytes, f.bytes + 6, NODE1, NODE2, A_FAR);
	c.opened.src = MGMT;
	r = PACKET(.saddr = VIP_POOL, .daddr = NODE1, TCP(87, 1000, ACK), .dmac = mac_alien, .payload = 3);
	c.here = wire(wrap(&r, scene_mac(NODE1), mac_node2, NODE2, NODE1, 0));
	c.from = r;
	memcpy(c.from.bytes, scene_mac(NODE1), 6);
	memcpy(c.from.bytes + 6, mac_router, 6);
	c.answered.dst = MGMT;
	follow(b, &c);
}

static void test_far_client(struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t addr;
		uint16_t network;
	} clients[] = { { "of a workload of another node", B_FAR, NET_B },
			{ "of another node", NODE2, MGMT } };

	for (size_t i = 0; i < 2; i++) {
		struct frame f = PACKET(.saddr = clients[i].addr, .daddr = VIP_POOL_OTHER, TCP(1000, 80, ACK),
					.dmac = mac_router),
			     r = FROM(A1, .daddr = clients[i].addr, TCP(8080, 1000, ACK), .payload = 5), vip;
		struct course c = { .name = clients[i].name, .unwrapped = true };

		c.there = wire(wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1));
		c.to = into(f, A1, 8080);
		c.opened = opens(VIP_POOL_OTHER, 80, TCP_, A1, clients[i].network, NET_A);
		c.opened.stats |= STAT(TUNNEL_RECEIVED);
		c.opened.bytes = 40;
		c.here = workload(W_A1, r);
		vip = readdress(r, VIP_POOL_OTHER, 80, 0, 0);
		c.from = wrap(&vip, r.bytes, r.bytes + 6, NODE1, NODE2, 0);
		c.answered = promotes(answers(VIP_POOL_OTHER, 80, TCP_, A1, NET_A, clients[i].network));
		c.answered.stats |= STAT(TUNNEL_SENT);
		follow(b, &c);
	}
}

/* A port whose service is no more is the host's again. */
static void test_withdrawn(struct bench *b)
{
	static const char other_port[] = "{\"services\":{\"pool\":{\"ports\":["
					 "{\"proto\":\"tcp\",\"port\":8000,\"target\":8080}]}}}";
	struct want w = opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A);
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN)), out = into(f, A1, 8080), fin;

	case_begin(b, "again: a service that is gone leaves its port to the host");
	w.out = &out;
	check(b, "opened", wire(f), w);
	bench_plan(b, other_port);
	check(b, "the next", next(wire(TO_VIP(VIP_POOL, TCP(1000, 80, ACK)))),
	      (struct want){ .fate = UNTOUCHED });
	f = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, FIN | ACK), .payload = 5);
	fin = reset(f);
	w = (struct want){ .fate = DROPPED,
			   .reason = SL_DROP_BACKEND_GONE,
			   .src = NET_A,
			   .network = NET_A,
			   .question = true,
			   .out = &fin,
			   .stats = STAT(RESETS) | STAT(FLOWS_CUT) };
	check(b, "the backend hears of it, for its FIN with data too", next(workload(W_A1, f)), w);
	bench_plan(b, NULL);
	case_end(b);
}

void test_again(struct bench *b)
{
	test_here(b);
	test_far_backend(b);
	test_far_client(b);
	test_withdrawn(b);
}
