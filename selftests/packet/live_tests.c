/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test run cannot show, with real frames through attached programs: which interface a packet leaves by,
 * the tag that is put beside it, copies, the way from XDP to TC, and buffers whose headers are not linear.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "packet/witness.skel.h"
#include "live.h"

static uint64_t stat_of(struct bench *b, uint32_t id)
{
	uint64_t rows[CPUS_MAX], all = 0;

	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_stat], &id, rows))
		return 0;
	for (uint32_t i = 0; i < b->cpus; i++)
		all += rows[i];
	return all;
}

static uint64_t dropped_for(struct bench *b, uint8_t reason)
{
	int fd = b->kernel.table[SL_TABLE_sl_drop];
	struct sl_count rows[CPUS_MAX];
	struct sl_drop_key key;
	uint64_t all = 0;
	void *last = NULL;

	for (; !bpf_map_get_next_key(fd, last, &key); last = &key)
		if (key.reason == reason && !bpf_map_lookup_elem(fd, &key, rows))
			for (uint32_t i = 0; i < b->cpus; i++)
				all += rows[i].packets;
	return all;
}

struct ears {
	int uplink, a1, b1, c1, c2;
};

static void test_out(struct bench *b, const struct ears *e)
{
	struct frame f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000), .payload = 30), out;

	case_begin(b, "live: to a far workload: out of the uplink with the network's tag");
	bench_clear(b);
	put_on(b, PEER_OF(W_A1), &f);
	arrives(b, "uplink", e->uplink, &f, 103);
	case_end(b);

	case_begin(b, "live: to another network here: into its workload's interface");
	bench_clear(b);
	f = PACKET(.saddr = A1, .daddr = B1, UDP(1000, 53), .payload = 30);
	out = hop(f, scene_mac(B1), mac_router);
	put_on(b, PEER_OF(W_A1), &f);
	arrives(b, "workload", e->b1, &out, 0);
	silent(b, "uplink", e->uplink);
	case_end(b);

	/* A frame larger than a page comes without any header in the linear part. */
	case_begin(b, "live: headers that are not linear are pulled");
	bench_clear(b);
	f = PACKET(.saddr = A1, .daddr = B1, UDP(1000, 53), .payload = 7000);
	out = hop(f, scene_mac(B1), mac_router);
	put_on(b, PEER_OF(W_A1), &f);
	arrives(b, "workload", e->b1, &out, 0);
	f = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 53), .payload = 7000,
		   .options = (const uint8_t[8]){ 7, 7, 4, 0, 0, 0, 0, 1 }, .option_len = 8);
	put_on(b, PEER_OF(W_A1), &f);
	arrives(b, "uplink", e->uplink, &f, 103);
	frame_ip(&f)->len = htons((uint16_t)(f.len - f.l3 + 1));
	put_on(b, PEER_OF(W_A1), &f);
	silent(b, "a lie about the length: uplink", e->uplink);
	case_end(b);
}

static void test_in(struct bench *b, const struct ears *e, bool xdp)
{
	struct frame f = PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 2000), .payload = 30, VLAN(103));
	struct frame out = landed(f, scene_mac(A1));
	struct want w = { .src = NET_A, .dst = NET_A };

	case_begin(b, "live: from the wire, %s: into the workload's interface, counted once",
		   xdp ? "judged in XDP, carried out in TC" : "judged in TC");
	bench_clear(b);
	put_on(b, PEER_OF(UP0), &f);
	arrives(b, "workload", e->a1, &out, 0);
	that(b, stat_of(b, SL_STAT_HANDED_OVER) == xdp, "handed over exactly where XDP is");
	that(b, stat_of(b, SL_STAT_FLOWS_CREATED) == 1, "one flow");
	{
		struct sl_traffic_key key = { .src_network = w.src, .dst_network = w.dst };
		struct sl_count rows[CPUS_MAX];
		uint64_t all = 0;

		if (!bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_traffic], &key, rows))
			for (uint32_t i = 0; i < b->cpus; i++)
				all += rows[i].packets;
		that(b, all == 1, "one packet counted");
	}
	f = PACKET(.saddr = A2, .daddr = A1, UDP(1000, 2000), .payload = 30, VLAN(103));
	put_on(b, PEER_OF(UP0), &f);
	silent(b, "a spoofed one", e->a1);
	case_end(b);
}

static void test_copies(struct bench *b, const struct ears *e)
{
	struct frame f = PACKET(.saddr = C1, .daddr = C_BROADCAST, UDP(1000, 2000), .dmac = mac_all,
				.payload = 30),
		     out;

	case_begin(b, "live: an allowed broadcast goes to every member and the wire, once");
	bench_clear(b);
	put_on(b, PEER_OF(W_C1), &f);
	arrives(b, "the other member", e->c2, &f, 0);
	arrives(b, "uplink", e->uplink, &f, NET_CAST);
	silent(b, "the sender", e->c1);
	silent(b, "the other member, twice", e->c2);
	silent(b, "uplink, twice", e->uplink);
	silent(b, "another network", e->a1);
	case_end(b);

	case_begin(b, "live: an allowed broadcast from the wire goes to every member");
	bench_clear(b);
	f = PACKET(.saddr = C_FAR, .daddr = C_BROADCAST, UDP(1000, 2000), .dmac = mac_all, .payload = 30,
		   VLAN(NET_CAST));
	out = f;
	frame_untag(&out);
	put_on(b, PEER_OF(UP0), &f);
	arrives(b, "a member", e->c1, &out, 0);
	arrives(b, "another member", e->c2, &out, 0);
	silent(b, "back to the wire", e->uplink);
	silent(b, "another network", e->a1);
	case_end(b);
}

static void test_neighbour(struct bench *b, const struct ears *e)
{
	struct frame f = PACKET(.saddr = A1, .daddr = B_FAR, UDP(1000, 53), .payload = 30), out, got, reply;
	uint8_t mac[6];
	int tag;

	scene_link_mac(UP0, mac);
	case_begin(b, "live: a far node is asked for on the source's VLAN, its answer learned, then used");
	bench_clear(b);
	put_on(b, PEER_OF(W_A1), &f);
	tag = take(e->uplink, &got, WAIT_MS);
	got.l3 = 14;
	that(b,
	     tag == 103 && frame_eth(&got)->type == htons(SL_ETH_ARP) && frame_arp(&got)->tpa == htonl(NODE2),
	     "a question on VLAN 103");
	reply = ARP(.op = SL_ARP_REPLY, .spa = NODE2, .tpa = NODE1, .tha = mac, .dmac = mac, .vlan = 103);
	put_on(b, PEER_OF(UP0), &reply);
	silent(b, "an answer is not passed on", e->uplink); /* and has been heard when this returns */
	put_on(b, PEER_OF(W_A1), &f);
	out = hop(f, mac_node2, mac);
	arrives(b, "uplink", e->uplink, &out, 103);
	case_end(b);
}

/* What the stack gets is seen by a program that runs after the door. */
static void test_stack(struct bench *b, const struct ears *e, struct witness_bpf *witness)
{
	struct frame f = PACKET(.saddr = A1, .daddr = NODE1, UDP(1000, 2000), .payload = 30);

	case_begin(b, "live: what a workload sends to this node through its gateway is the stack's own");
	bench_clear(b);
	witness->bss->frames = 0;
	put_on(b, PEER_OF(W_A1), &f);
	silent(b, "uplink", e->uplink);
	that(b, witness->bss->frames == 1, "the stack was handed one frame");
	that(b, witness->bss->type == PACKET_HOST, "that is for this host");
	case_end(b);

	case_begin(b, "live: what goes on to the stack from the wire by MAC keeps its tag with its priority");
	bench_clear(b);
	witness->bss->frames = 0;
	f = PACKET(.saddr = C_FAR, .daddr = C_BROADCAST, UDP(1000, 2000), .dmac = mac_all, .payload = 30,
		   VLAN(0xe000 | NET_CAST));
	put_on(b, PEER_OF(UP0), &f);
	frame_untag(&f);
	arrives(b, "a member", e->c1, &f, 0);
	arrives(b, "another member", e->c2, &f, 0);
	that(b, witness->bss->frames == 1, "the stack was handed one frame");
	if (witness->bss->tci != (0xe000 | NET_CAST))
		fail(b, "with tag 0x%04x instead of 0x%04x", witness->bss->tci, 0xe000 | NET_CAST);
	case_end(b);
}

/* The same by a line of the cache. */
static void test_stack_by_line(struct bench *b, const struct ears *e, struct witness_bpf *witness)
{
	struct frame f = PACKET(.saddr = A1, .daddr = NODE1, UDP(1000, 2000), .payload = 30);
	struct send answer = { .door = SL_WL_OUT,
			       .ifindex = W_A1,
			       .frame = PACKET(.saddr = NODE1, .daddr = A1, UDP(2000, 1000), .payload = 30),
			       .keep = true };
	struct got got;

	if (!b->cached)
		return;
	case_begin(b, "live: and by a line of the cache as well");
	bench_clear(b);
	put_on(b, PEER_OF(W_A1), &f);
	silent(b, "uplink", e->uplink); /* and the flow has had its first tick */
	bench_run(b, &answer, &got);
	that(b, got.retval != TC_ACT_SHOT, "it is answered");
	for (int i = 0; i < 20 && !b->case_failed; i++) {
		witness->bss->frames = 0;
		witness->bss->type = PACKET_OTHERHOST;
		put_on(b, PEER_OF(W_A1), &f);
		for (int wait = 0; wait < 100 && !witness->bss->frames; wait++)
			usleep(1000);
		that(b, witness->bss->frames == 1 && witness->bss->type == PACKET_HOST,
		     "each frame is the stack's");
	}
	bench_count_lines(b);
	that(b, stat_of(b, SL_STAT_LINE_PACKETS), "some of them by a line");
	case_end(b);
}

/* XDP cannot see a tag beside the frame and judges by the one within. TC sees both. */
static void test_two_tags(struct bench *b, const struct ears *e, struct witness_bpf *witness)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = PEER_OF(UP0), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = DOOR, .handle = 1);
	struct frame f = PACKET(.saddr = A_FAR, .daddr = A1, UDP(1000, 2000), .payload = 30, VLAN(103));
	static const uint16_t outer[] = { 103, 104, VLAN_OUTSIDE, 0xe000 };

	case_begin(b, "live: what XDP judged by an inner tag is not carried out");
	attach(b, PEER_OF(UP0), BPF_TC_EGRESS, DOOR, bpf_program__fd(witness->progs.put_outer));
	for (size_t i = 0; i < sizeof(outer) / sizeof(outer[0]); i++) {
		bench_clear(b);
		witness->bss->outer_tci = outer[i];
		put_on(b, PEER_OF(UP0), &f);
		silent(b, "the workload", e->a1);
		that(b, stat_of(b, SL_STAT_FLOWS_CREATED) == 1, "XDP allowed what it saw");
		that(b, !stat_of(b, SL_STAT_HANDED_OVER), "TC did not believe it");
		that(b, dropped_for(b, SL_DROP_VLAN_DOUBLE) == 1, "dropped for two tags");
	}
	if (bpf_tc_detach(&hook, &opts))
		fail(b, "cannot detach put_outer: %s", strerror(errno));
	case_end(b);
}

void test_live(struct bench *b)
{
	struct witness_bpf *witness = witness_bpf__open_and_load();
	struct ears e = { -1, -1, -1, -1, -1 };
	int seen;

	case_begin(b, "live: doors attached");
	e = (struct ears){ .uplink = listen_on(b, PEER_OF(UP0)),
			   .a1 = listen_on(b, PEER_OF(W_A1)),
			   .b1 = listen_on(b, PEER_OF(W_B1)),
			   .c1 = listen_on(b, PEER_OF(W_C1)),
			   .c2 = listen_on(b, PEER_OF(W_C2)) };
	attach(b, W_A1, BPF_TC_INGRESS, DOOR, b->program[SL_WL_IN]);
	attach(b, W_C1, BPF_TC_INGRESS, DOOR, b->program[SL_WL_IN]);
	attach(b, UP0, BPF_TC_INGRESS, DOOR, b->program[SL_UP_IN]);
	if (witness) {
		seen = bpf_program__fd(witness->progs.witness);
		attach(b, W_A1, BPF_TC_INGRESS, AFTER_THE_DOOR, seen);
		attach(b, UP0, BPF_TC_INGRESS, AFTER_THE_DOOR, seen);
	} else {
		fail(b, "cannot load witness: %s", strerror(errno));
	}
	if (!case_end(b))
		goto out;
	test_out(b, &e);
	test_in(b, &e, false);
	test_copies(b, &e);
	test_neighbour(b, &e);
	test_stack(b, &e, witness);
	test_stack_by_line(b, &e, witness);

	case_begin(b, "live: XDP attached");
	if (bpf_xdp_attach(UP0, b->program[SL_UP_XDP], XDP_FLAGS_DRV_MODE, NULL))
		fail(b, "native XDP on veth: %s", strerror(errno));
	if (!case_end(b))
		goto out;
	test_in(b, &e, true);
	test_copies(b, &e);
	test_neighbour(b, &e);
	test_stack(b, &e, witness);
	test_two_tags(b, &e, witness);
	bpf_xdp_detach(UP0, 0, NULL);
out:
	witness_bpf__destroy(witness);
	for (size_t i = 0; i < sizeof(e) / sizeof(int); i++)
		if (((int *)&e)[i] >= 0)
			close(((int *)&e)[i]);
}
