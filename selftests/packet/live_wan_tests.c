/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test run cannot show: the hash that the tunnel's door writes, which the kernel neither takes nor gives there,
 * and the class on its way from XDP to the workload and from the workload to the wire.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>
#include "live.h"
#include "packet/witness.skel.h"
#include "wan.h"

#define SIGN 0xa5U

/* A frame that has to arrive, and the witness with it. */
static void passes(struct bench *b, const char *what, struct witness_bpf *witness, uint32_t from,
		   const struct frame *f, int fd, const struct frame *out, int vlan)
{
	witness->bss->frames = 0;
	put_on(b, PEER_OF(from), f);
	arrives(b, what, fd, out, vlan);
	if (witness->bss->frames != 1)
		fail(b, "%s: %u frames were seen", what, witness->bss->frames);
}

static void test_hash(struct bench *b, struct witness_bpf *witness, int tunnel)
{
	static const struct {
		uint16_t port;
		uint8_t class, dscp;
	} kinds[] = { { 5432, WAL, 26 }, { 9000, BULK, 8 }, { 443, 0, 0 } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct frame f = FROM(A1, .daddr = W1, TCP(1000, kinds[i].port, SYN), .tos = 0xb9), out;
		uint32_t hash;

		case_begin(b, "live: class and label in the hash of what goes into the tunnel, port %u",
			   kinds[i].port);
		bench_clear(b);
		out = with_dscp(f, kinds[i].dscp);
		out = hop(out, out.bytes, out.bytes + 6);
		passes(b, "SYN", witness, W_A1, &f, tunnel, &out, 0);
		hash = witness->bss->hash;
		if (hash >> 24 != SIGN || (hash >> 8 & 0xffff) != 1 || (hash & 7) != kinds[i].class)
			fail(b, "hash 0x%08x", hash);
		if (witness->bss->mark != (MARK_JUDGED | (uint32_t)kinds[i].class << MARK_CLASS_SHIFT))
			fail(b, "mark 0x%08x", witness->bss->mark);
		f = FROM(A1, .daddr = W1, TCP(1000, kinds[i].port, SYN), .payload = 9);
		out = with_dscp(f, kinds[i].dscp);
		out = hop(out, out.bytes, out.bytes + 6);
		passes(b, "again", witness, W_A1, &f, tunnel, &out, 0);
		if (witness->bss->hash != hash)
			fail(b, "hash 0x%08x, and then 0x%08x, of one flow", hash, witness->bss->hash);
		case_end(b);
	}
}

static void test_handed_over(struct bench *b, struct witness_bpf *witness, int b1)
{
	struct frame f = PACKET(.saddr = A_FAR, .daddr = B1, TCP(1000, 443, SYN), VLAN(NET_A)), out;

	case_begin(b, "live: the class is handed over from XDP to TC");
	bench_clear(b);
	out = landed(f, scene_mac(B1));
	passes(b, "SYN", witness, UP0, &f, b1, &out, 0);
	if (witness->bss->mark != (MARK_JUDGED | WAL << MARK_CLASS_SHIFT))
		fail(b, "mark 0x%08x", witness->bss->mark);
	case_end(b);
}

static void test_to_wire(struct bench *b, int wire_end)
{
	struct sl_neigh_key key = { .ifindex = UP0, .vlan = NET_A, .addr = htonl(NODE2) };
	struct sl_neigh known = { .state = SL_NEIGH_KNOWN, .asked = tick(), .heard = tick() };
	struct frame f = FROM(A1, .daddr = B_FAR, TCP(1000, 443, SYN), .tos = 0xb9), out;

	case_begin(b, "live: from a workload to the wire with the DSCP of its class");
	bench_clear(b);
	memcpy(known.mac, mac_node2, 6);
	if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_neigh], &key, &known, BPF_ANY))
		fail(b, "cannot write sl_neigh: %s", strerror(errno));
	out = hop(with_dscp(f, 26), mac_node2, scene_mac(NODE1));
	put_on(b, PEER_OF(W_A1), &f);
	arrives(b, "SYN", wire_end, &out, NET_A);
	case_end(b);
}

void test_live_wan(struct bench *b)
{
	static const struct wan wan = { .qos = true, .rate = { { SL_RATE_LABEL, 1, 100, 1000 } } };
	struct witness_bpf *witness = witness_bpf__open_and_load();
	int ears[3] = { -1, -1, -1 }, seen;

	case_begin(b, "live: doors between clusters attached");
	if (!witness || !wan_plan(b, &wan, NULL)) {
		fail(b, "no witness, or no plan");
		case_end(b);
		goto out;
	}
	seen = bpf_program__fd(witness->progs.witness);
	ears[0] = listen_on(b, PEER_OF(WAN0));
	ears[1] = listen_on(b, PEER_OF(W_B1));
	ears[2] = listen_on(b, PEER_OF(UP0));
	attach(b, W_A1, BPF_TC_INGRESS, DOOR, b->program[SL_WL_IN]);
	attach(b, UP0, BPF_TC_INGRESS, DOOR, b->program[SL_UP_IN]);
	attach(b, UP0, BPF_TC_EGRESS, DOOR, b->program[SL_UP_OUT]);
	attach(b, WAN0, BPF_TC_EGRESS, DOOR, b->program[SL_TUN_OUT]);
	attach(b, WAN0, BPF_TC_EGRESS, AFTER_THE_DOOR, seen);
	attach(b, W_B1, BPF_TC_EGRESS, AFTER_THE_DOOR, seen);
	if (bpf_xdp_attach(UP0, b->program[SL_UP_XDP], XDP_FLAGS_DRV_MODE, NULL))
		fail(b, "native XDP on veth: %s", strerror(errno));
	if (!case_end(b))
		goto out;
	test_hash(b, witness, ears[0]);
	test_handed_over(b, witness, ears[1]);
	test_to_wire(b, ears[2]);
	bpf_xdp_detach(UP0, 0, NULL);
out:
	witness_bpf__destroy(witness);
	for (size_t i = 0; i < 3; i++)
		if (ears[i] >= 0)
			close(ears[i]);
	wan_over(b);
}
