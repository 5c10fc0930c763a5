/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may use a VIP, which backend a flow goes to and how long it stays there. What is done to the packets on the
 * way is in rewrite_tests.c, what their senders are told in say_tests.c.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include "vip.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP

/* From an address out there to a port of the pool's VIP, whose backend is A1 at the same port. */
static struct send from(uint32_t addr, uint16_t sport, uint16_t port)
{
	return wire(
		PACKET(.saddr = addr, .daddr = VIP_POOL, .dmac = scene_mac(NODE1), TCP(sport, port, SYN)));
}

static void accepted(struct bench *b, enum sl_reason_id reason, const char *name, struct send s)
{
	uint16_t port = ntohs(frame_tcp(&s.frame)->dst);
	struct frame out = into(s.frame, A1, 0);
	struct want w = opens(VIP_POOL, port, TCP_, A1, SL_NET_WORLD, NET_A);

	w.out = &out;
	miss(b, reason, name, s, w);
}

static void test_sources(struct bench *b)
{
	struct want no = refuses(VIP_POOL, 82, TCP_, SL_NET_WORLD, SL_NET_WORLD);

	accepted(b, SL_DROP_SERVICE_SOURCE, "on the list", from(IP(8, 8, 8, 8), 1000, 82));
	accepted(b, SL_DROP_SERVICE_SOURCE, "the last before what is denied",
		 from(IP(8, 8, 3, 255), 1000, 82));
	accepted(b, SL_DROP_SERVICE_SOURCE, "the first behind it", from(IP(8, 8, 5, 0), 1000, 82));
	hit(b, SL_DROP_SERVICE_SOURCE, "denied within what is allowed", from(IP(8, 8, 4, 0), 1000, 82), no);
	hit(b, SL_DROP_SERVICE_SOURCE, "denied, the last of the prefix", from(IP(8, 8, 4, 255), 1000, 82),
	    no);
	hit(b, SL_DROP_SERVICE_SOURCE, "on no list, where one allows", from(IP(8, 9, 0, 0), 1000, 82), no);
	no.served.port = 92;
	accepted(b, SL_DROP_SERVICE_SOURCE, "on no list, where one only denies",
		 from(IP(8, 9, 0, 0), 1000, 92));
	hit(b, SL_DROP_SERVICE_SOURCE, "denied, where nothing is allowed", from(IP(8, 8, 4, 1), 1000, 92),
	    no);
	no = refuses(VIP_POOL, 82, TCP_, NET_A, NET_A);
	hit(b, SL_DROP_SERVICE_SOURCE, "a workload on no list",
	    workload(W_A1, FROM(A1, .daddr = VIP_POOL, TCP(1000, 82, SYN))), no);
}

static void test_vpcs(struct bench *b)
{
	struct want no = refuses(VIP_EXT, 80, TCP_, BLUE_A, BLUE_A), yes;
	struct frame f = PACKET(.saddr = X1, .daddr = VIP_EXT, .dmac = mac_router, TCP(1000, 80, SYN)), out;
	uint8_t x1[6];

	/* X1 has the address of A1, and another MAC. */
	memcpy(x1, (uint8_t[6]){ 2, 0, 0, 0, 2, W_X1 }, 6);
	memcpy(f.bytes + 6, x1, 6);
	hit(b, SL_DROP_SERVICE_VPC, "a workload of VPC blue to a service of another", workload(W_X1, f), no);
	f = FROM(B1, .daddr = VIP_EXT, TCP(1000, 81, SYN));
	no = refuses(VIP_EXT, 81, TCP_, NET_B, NET_B);
	hit(b, SL_DROP_SERVICE_VPC, "a workload to a service of VPC blue", workload(W_B1, f), no);
	f = FROM(B1, .daddr = VIP_EXT, TCP(1000, 80, SYN));
	out = into(f, A1, 8080);
	yes = opens(VIP_EXT, 80, TCP_, A1, NET_B, NET_A);
	yes.out = &out;
	miss(b, SL_DROP_SERVICE_VPC, "a workload to a service of its own VPC", workload(W_B1, f), yes);

	f = TO_VIP(VIP_EXT, TCP(1000, 81, SYN), VLAN(EXT));
	out = into(f, X1, 8081);
	memcpy(out.bytes, x1, 6);
	yes = opens(VIP_EXT, 81, TCP_, X1, SL_NET_WORLD, BLUE_A);
	yes.out = &out;
	miss(b, SL_DROP_SERVICE_VPC, "the world to a service of VPC blue", wire(f), yes);
	case_begin(b, "service: a backend of VPC blue answers in its own VPC");
	f = FROM(X1, .daddr = CLIENT, TCP(8081, 1000, SYN | ACK));
	memcpy(f.bytes + 6, x1, 6);
	out = back(f, VIP_EXT, 81, mac_alien);
	yes = answers(VIP_EXT, 81, TCP_, X1, BLUE_A, SL_NET_WORLD);
	yes.out = &out;
	check(b, "SYN ACK", next(workload(W_X1, f)), yes);
	f = FROM(A1, .daddr = CLIENT, TCP(8081, 1000, SYN | ACK));
	check(b, "the same from its namesake of VPC default", next(workload(W_A1, f)),
	      (struct want){ .fate = DROPPED, .reason = SL_DROP_TCP_STATE, .src = NET_A, .network = NET_A });
	case_end(b);

	f = PACKET(.saddr = MGMT_HOST, .daddr = VIP_EXT, TCP(1000, 80, SYN), .dmac = scene_mac(NODE1),
		   VLAN(MGMT));
	hit(b, SL_DROP_SERVICE_VPC, "an address of an external network, by another network", wire(f),
	    refuses(VIP_EXT, 80, TCP_, MGMT, MGMT));
	hit(b, SL_DROP_SERVICE_VPC, "the same, tag beside the frame", wire_beside(f),
	    refuses(VIP_EXT, 80, TCP_, MGMT, MGMT));
	hit(b, SL_DROP_SERVICE_VPC, "an address of an external network, untagged",
	    wire(TO_VIP(VIP_EXT, TCP(1000, 80, SYN))),
	    refuses(VIP_EXT, 80, TCP_, SL_NET_WORLD, SL_NET_WORLD));
}

static void test_empty(struct bench *b)
{
	struct want no = refuses(VIP_POOL, 84, TCP_, SL_NET_WORLD, SL_NET_WORLD);
	struct send s = from(CLIENT, 1000, 84);
	struct frame out = reset(s.frame);

	no.question = true;
	no.out = &out;
	no.stats = STAT(RESETS);
	hit(b, SL_DROP_SERVICE_EMPTY, "no backend: reset", s, no);
	no.question = false;
	no.stats = 0;
	no.served.port = 85;
	hit(b, SL_DROP_SERVICE_EMPTY, "one that is draining, on_empty: drop", from(CLIENT, 1000, 85), no);
	s.frame = TO_VIP(VIP_POOL, UDP(1000, 85));
	no.served.proto = UDP_;
	hit(b, SL_DROP_SERVICE_EMPTY, "the same, UDP", s, no);
	for (uint16_t port = 1000; port < 1050; port++)
		accepted(b, SL_DROP_SERVICE_EMPTY,
			 "one active beside one that is draining: always the active", from(CLIENT, port, 86));
}

/* --- limits: 2 a second from one address, 3 from all */

#define LIMITED 83

static void limit(struct bench *b, const char *name, uint32_t addr, uint16_t sport, bool stops)
{
	struct send s = next(from(addr, sport, LIMITED));

	if (stops)
		hit(b, SL_DROP_SERVICE_LIMIT, name, s,
		    refuses(VIP_POOL, LIMITED, TCP_, SL_NET_WORLD, SL_NET_WORLD));
	else
		accepted(b, SL_DROP_SERVICE_LIMIT, name, s);
}

static void test_limits(struct bench *b)
{
	struct sl_bucket_key key = { .service = { htonl(VIP_POOL), htons(LIMITED), TCP_, 0 },
				     .client = htonl(CLIENT) };
	int fd = b->kernel.table[SL_TABLE_sl_bucket];
	struct want w, gone = refuses(VIP_POOL, LIMITED, TCP_, SL_NET_WORLD, SL_NET_WORLD);
	struct sl_bucket bucket;
	struct frame out;

	gone.stats = STAT(FLOWS_CUT);
	bench_clear(b);
	limit(b, "the first of a source", CLIENT, 1, false);
	limit(b, "the second of a source", CLIENT, 2, false);
	limit(b, "the third of a source", CLIENT, 3, true);
	limit(b, "another source", IP(9, 9, 9, 9), 1, false);
	limit(b, "its second, the fourth of all", IP(9, 9, 9, 9), 2, true);
	case_begin(b, "service: a limit counts flows, not packets");
	w = goes_on(opens(VIP_POOL, LIMITED, TCP_, A1, SL_NET_WORLD, NET_A));
	out = into(from(CLIENT, 2, LIMITED).frame, A1, 0);
	w.out = &out;
	check(b, "a flow that is there", next(from(CLIENT, 2, LIMITED)), w);
	case_end(b);
	bench_plan(b, NULL);
	w.stats = STAT(FLOWS_REJUDGED);
	miss(b, SL_DROP_SERVICE_LIMIT, "a flow that is judged again opens nothing",
	     next(from(CLIENT, 2, LIMITED)), w);
	/* As if the time had passed; what has not been used for long is a second's worth. */
	for (int service = 0; service < 2; service++) {
		key.client = service ? 0 : htonl(CLIENT);
		case_begin(b, "service: a bucket %s", service ? "of the service" : "of a source");
		that(b, !bpf_map_lookup_elem(fd, &key, &bucket) && bucket.tokens < 1024, "is used up");
		bucket.filled = tick() - SL_TICKS(3600);
		that(b, !bpf_map_update_elem(fd, &key, &bucket, BPF_EXIST), "can be aged");
		case_end(b);
	}
	limit(b, "an hour later, one", CLIENT, 11, false);
	limit(b, "an hour later, two", CLIENT, 12, false);
	limit(b, "an hour later, three", CLIENT, 13, true);
	bench_plan(b, "{\"services\":{\"limited\":{\"backends\":[{\"address\":\"192.168.103.12\"}]}}}");
	key.client = htonl(CLIENT);
	bucket = (struct sl_bucket){ .filled = tick() };
	that(b, !bpf_map_update_elem(fd, &key, &bucket, BPF_EXIST), "a bucket can be emptied");
	hit(b, SL_DROP_SERVICE_LIMIT, "opening anew past a backend that is gone is a new flow",
	    next(from(CLIENT, 11, LIMITED)), gone);
	bench_plan(b, NULL);
}

/* --- what a new plan does to flows */

/* The pool's web service with other backends. */
#define POOL_WITH(backends) "{\"services\":{\"pool\":{\"backends\":[" backends "]}}}"

static void open_flow(struct bench *b, struct frame f, uint32_t backend, uint16_t target)
{
	struct want w =
		opens(VIP_POOL, ntohs(frame_udp(&f)->dst), frame_ip(&f)->proto, backend, SL_NET_WORLD, NET_A);
	struct frame out = into(f, backend, target);

	w.out = &out;
	w.unmarked = backend == A2; /* by redirect_peer */
	check(b, "opened", wire(f), w);
}

static void test_gone(struct bench *b)
{
	struct frame syn = TO_VIP(VIP_POOL, TCP(1000, 80, SYN)), ack = TO_VIP(VIP_POOL, TCP(1000, 80, ACK));
	struct frame udp = TO_VIP(VIP_POOL, UDP(1000, 53)), f, out;
	struct want w, gone = refuses(VIP_POOL, 80, TCP_, SL_NET_WORLD, SL_NET_WORLD);

	gone.question = true;
	gone.out = &out;
	gone.stats = STAT(RESETS) | STAT(FLOWS_CUT);
	out = reset(ack);
	case_begin(b, "service: a flow to be orphaned");
	open_flow(b, syn, A1, 8080);
	case_end(b);
	bench_plan(b, POOL_WITH("{\"address\":\"192.168.103.13\"}"));
	hit(b, SL_DROP_BACKEND_GONE, "TCP: the client hears of it", next(wire(ack)), gone);
	bench_plan(b, NULL);

	case_begin(b, "service: a flow to be orphaned whose client has lost it");
	open_flow(b, syn, A1, 8080);
	bench_plan(b, POOL_WITH("{\"address\":\"192.168.103.12\"}"));
	out = into(syn, A2, 8080);
	w = opens(VIP_POOL, 80, TCP_, A2, SL_NET_WORLD, NET_A);
	w.stats = NEW_FLOW | STAT(FLOWS_CUT);
	w.out = &out;
	w.unmarked = true;
	check(b, "TCP: who opens anew finds another", next(wire(syn)), w);
	bench_plan(b, NULL);
	case_end(b);

	case_begin(b, "service: another flow to be orphaned");
	open_flow(b, syn, A1, 8080);
	case_end(b);
	bench_plan(b, POOL_WITH("{\"address\":\"192.168.103.13\"}"));
	f = FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK));
	out = reset(f);
	gone = (struct want){ .fate = DROPPED,
			      .src = NET_A,
			      .network = NET_A,
			      .question = true,
			      .out = &out,
			      .stats = STAT(RESETS) | STAT(FLOWS_CUT) };
	hit(b, SL_DROP_BACKEND_GONE, "TCP: the backend hears of it", next(workload(W_A1, f)), gone);
	bench_plan(b, NULL);

	case_begin(b, "service: a flow whose backend stays");
	open_flow(b, syn, A1, 8080);
	case_end(b);
	bench_plan(b, POOL_WITH("{\"address\":\"192.168.103.13\"},"
				"{\"address\":\"192.168.103.11\",\"state\":\"drain\"}"));
	out = into(ack, A1, 8080);
	w = goes_on(opens(VIP_POOL, 80, TCP_, A1, SL_NET_WORLD, NET_A));
	w.stats = STAT(FLOWS_REJUDGED);
	w.out = &out;
	miss(b, SL_DROP_BACKEND_GONE, "draining: the flow keeps it", next(wire(ack)), w);
	bench_plan(b, NULL);

	case_begin(b, "service: UDP of a backend that is gone moves to another");
	open_flow(b, udp, A1, 5353);
	bench_plan(b, POOL_WITH("{\"address\":\"192.168.103.12\"}"));
	out = into(udp, A2, 5353);
	w = opens(VIP_POOL, 53, UDP_, A2, SL_NET_WORLD, NET_A);
	w.stats = NEW_FLOW | STAT(FLOWS_CUT);
	w.out = &out;
	w.unmarked = true;
	check(b, "the next packet", next(wire(udp)), w);
	bench_plan(b, NULL);
	case_end(b);
}

void test_service(struct bench *b)
{
	test_sources(b);
	test_vpcs(b);
	test_empty(b);
	test_limits(b);
	test_gone(b);
}
