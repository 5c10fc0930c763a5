/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services that other VPCs may use (from_vpcs): the client leaves its VPC as its EIP and arrives at the backend as
 * that, both ends changed by one flow; and ARP for the addresses of the plan.
 */
#include <arpa/inet.h>
#include <string.h>
#include "nat.h"

#define TCP_ SL_PROTO_TCP
#define UDP_ SL_PROTO_UDP
#define PORT 4000

static void test_guest(struct bench *b)
{
	struct want w = opens(VIP_EXT, 80, TCP_, A1, BLUE_A, NET_A), no;
	struct send s = BLUE_OUT(.daddr = VIP_EXT, TCP(PORT, 80, SYN));
	struct frame out = hop(translate(s.frame, FIP_BLUE, 0, A1, 8080), scene_mac(A1), mac_router), f;

	nat_fresh(b);
	w.out = &out;
	miss(b, SL_DROP_SERVICE_VPC, "a client of a VPC that may use the service", next(s), w);
	case_begin(b, "guest: there and back through a service of another VPC");
	f = A_OUT(.daddr = FIP_BLUE, TCP(8080, PORT, SYN | ACK)).frame;
	out = hop(translate(f, VIP_EXT, 80, X2, 0), scene_mac(X2), mac_router);
	w = answers(VIP_EXT, 80, TCP_, A1, NET_A, BLUE_A);
	w.out = &out;
	check(b, "SYN ACK", next(workload(W_A1, f)), w);
	s = BLUE_OUT(.daddr = VIP_EXT, TCP(PORT, 80, ACK), .payload = 77);
	out = hop(translate(s.frame, FIP_BLUE, 0, A1, 8080), scene_mac(A1), mac_router);
	w = promotes(goes_on(opens(VIP_EXT, 80, TCP_, A1, BLUE_A, NET_A)));
	w.out = &out;
	check(b, "ACK", next(s), w);
	case_end(b);

	no = refuses(VIP_EXT, 53, UDP_, BLUE_A, BLUE_A);
	hit(b, SL_DROP_SERVICE_VPC, "another port of the VIP, which the VPC may not use",
	    next(BLUE_OUT(.daddr = VIP_EXT, UDP(PORT, 53))), no);
	no = refuses(VIP_EXT, 84, TCP_, BLUE_A, BLUE_A);
	s = BLUE_OUT(.daddr = VIP_EXT, TCP(PORT, 84, SYN));
	out = reset(s.frame);
	no.question = true;
	no.out = &out;
	no.stats = STAT(RESETS);
	hit(b, SL_DROP_SERVICE_EMPTY, "a guest of a service without a backend is told", next(s), no);
}

/* The overlap: A1's namesake in VPC blue to A1 itself, through the VIP. */
static void test_namesake(struct bench *b)
{
	struct send s = X1_OUT(.daddr = VIP_EXT, TCP(PORT, 80, SYN));
	struct frame out = hop(translate(s.frame, EIP_BLUE, 0, A1, 8080), scene_mac(A1), mac_router), f;
	struct want w = opens(VIP_EXT, 80, TCP_, A1, BLUE_A, NET_A);

	case_begin(b, "guest: client and backend have the same address, in two VPCs");
	nat_fresh(b);
	w.stats |= STAT(BINDINGS);
	w.outside = (struct outside){ EIP_BLUE, TCP_, EIP_BOUND | EIP_KEPT };
	w.out = &out;
	check(b, "SYN", next(s), w);
	f = A_OUT(.daddr = EIP_BLUE, TCP(8080, PORT, SYN | ACK)).frame;
	out = hop(translate(f, VIP_EXT, 80, X1, 0), mac_x1, mac_router);
	w = answers(VIP_EXT, 80, TCP_, A1, NET_A, BLUE_A);
	w.out = &out;
	check(b, "SYN ACK", next(workload(W_A1, f)), w);
	that(b, nat_binding(b, vpc_of(b, "blue"), X1, PORT, TCP_, EIP_BLUE) == PORT, "a mapping of its EIP");
	nat_plan(b, &nat_plain, NULL);
	w = goes_on(w);
	w.stats = STAT(FLOWS_REJUDGED);
	check(b, "data under a new plan", next(workload(W_A1, f)), w);
	s = X1_OUT(.daddr = VIP_EXT, TCP(PORT, 80, ACK), .payload = 78);
	out = hop(translate(s.frame, EIP_BLUE, 0, A1, 8080), scene_mac(A1), mac_router);
	w = promotes(goes_on(opens(VIP_EXT, 80, TCP_, A1, BLUE_A, NET_A)));
	w.stats |= STAT(FLOWS_REJUDGED);
	w.out = &out;
	check(b, "the client under a new plan", next(s), w);
	case_end(b);
}

/* --- ARP */

static struct frame is_at(const struct frame *question, uint32_t who)
{
	const struct sl_arp *asked = (const void *)(question->bytes + question->l3);

	return ARP(.op = SL_ARP_REPLY, .spa = who, .sha = scene_mac(NODE1), .tpa = ntohl(asked->spa),
		   .tha = asked->sha, .dmac = asked->sha, .vlan = question->l3 > 14 ? EXT : 0);
}

static void test_arp_eips(struct bench *b)
{
	static const uint32_t owned[] = { EIP_A, EIP_BLUE, FIP_B, FIP_B_FAR };
	struct want w = { .fate = SENT, .src = EXT, .dst = EXT, .stats = STAT(ARP_ANSWERED) };
	struct want pass = { .fate = STACK, .src = EXT, .dst = EXT };
	struct want no = { .fate = DROPPED, .src = EXT, .dst = EXT, .network = EXT };
	struct frame f, out;

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
		case_begin(b, "guest: ARP for an EIP that this node owns, %zu", i);
		f = ARP(.spa = EXT_ROUTER, .tpa = owned[i], .vlan = EXT);
		out = is_at(&f, owned[i]);
		w.out = &out;
		check(b, "tag in the frame", wire(f), w);
		frame_untag(&out);
		check(b, "tag beside it", wire_beside(f), w);
		case_end(b);
		f = ARP(.op = SL_ARP_REPLY, .spa = owned[i], .tpa = EXT_ROUTER, .vlan = EXT);
		hit(b, SL_DROP_ARP_SPOOFED, "an owned EIP, claimed on its VLAN", wire(f), no);
	}
	f = ARP(.spa = EXT_ROUTER, .tpa = EIP_FAR, .vlan = EXT);
	check(b, "guest: no ARP for an EIP that another node owns", wire(f), pass);
	f = ARP(.op = SL_ARP_REPLY, .spa = EIP_FAR, .tpa = EXT_ROUTER, .vlan = EXT);
	miss(b, SL_DROP_ARP_SPOOFED, "an EIP of another node, claimed by it", wire(f), pass);
	hit(b, SL_DROP_ARP_SPOOFED, "an EIP of another node, claimed by this node's stack", stack_out(f), no);
	f = ARP(.spa = MGMT_HOST, .tpa = EIP_A, .vlan = MGMT);
	pass.src = pass.dst = MGMT;
	check(b, "guest: no ARP for an EIP of another VLAN", wire(f), pass);
	f = ARP(.spa = IP(203, 0, 113, 1), .tpa = EIP_PLAIN);
	out = is_at(&f, EIP_PLAIN);
	w.src = w.dst = SL_NET_WORLD;
	w.out = &out;
	check(b, "guest: ARP for an EIP on no VLAN", wire(f), w);
	f = ARP(.spa = IP(203, 0, 113, 1), .tpa = EIP_A);
	check(b, "guest: no ARP for an EIP of a VLAN, untagged", wire(f), (struct want){ .fate = UNTOUCHED });
}

void test_guests(struct bench *b)
{
	if (!nat_plan(b, &nat_plain, NULL))
		return;
	test_guest(b);
	test_namesake(b);
	test_arp_eips(b);
	nat_over(b);
}
