/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets through outside addresses and the rows that they leave behind, see nat.h. What has to come out is built
 * from nothing, with other addresses, ports and every checksum summed anew.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "nat.h"

const uint8_t mac_ext_router[6] = { 0x02, 0xee, 0, 0, 0, 1 };
const uint8_t mac_ext_peer[6] = { 0x02, 0xee, 0, 0, 0, 200 };
const uint8_t mac_x1[6] = { 2, 0, 0, 0, 2, W_X1 };

static void learn(struct bench *b, uint16_t vlan, uint32_t addr, const uint8_t *mac)
{
	struct sl_neigh_key key = { .ifindex = UP0, .vlan = vlan, .addr = htonl(addr) };
	struct sl_neigh row = { .state = SL_NEIGH_KNOWN, .asked = tick(), .heard = tick() };

	memcpy(row.mac, mac, 6);
	if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_neigh], &key, &row, BPF_ANY))
		fail(b, "cannot write sl_neigh: %s", strerror(errno));
}

void nat_fresh(struct bench *b)
{
	bench_clear(b);
	learn(b, EXT, EXT_ROUTER, mac_ext_router);
	learn(b, EXT, EXT_PEER, mac_ext_peer);
}

/* --- packets */

struct frame translate(struct frame f, uint32_t saddr, uint16_t sport, uint32_t daddr, uint16_t dport)
{
	struct sl_ipv4 *ip = frame_ip(&f);
	uint8_t proto = ip->proto;

	if (proto == SL_PROTO_TCP || proto == SL_PROTO_UDP)
		return readdress(f, saddr, sport, daddr, dport);
	if (proto == SL_PROTO_ICMP && (sport || dport) && !(ntohs(ip->frag) & SL_IP_OFFSET))
		frame_icmp(&f)->id = htons(sport ? sport : dport);
	return readdress(f, saddr, 0, daddr, 0);
}

struct frame leaves(struct frame f, uint32_t eip, uint16_t port)
{
	return hop(translate(f, eip, port, 0, 0), mac_ext_router, scene_mac(NODE1));
}

struct frame lands(struct frame f, uint32_t inside, uint16_t port)
{
	if (frame_eth(&f)->type == htons(SL_ETH_VLAN))
		frame_untag(&f);
	return hop(translate(f, 0, 0, inside, port), scene_mac(inside), mac_router);
}

struct frame error_about(const struct frame *f, uint32_t from, uint32_t to, uint8_t type, uint8_t code,
			 uint16_t quoted)
{
	struct frame e =
		PACKET(.saddr = from, .daddr = to, .dmac = mac_router, .smac = mac_alien, .quote = f,
		       .quote_len = quoted, .proto = SL_PROTO_ICMP, .icmp_type = type, .icmp_code = code);

	if (type == SL_ICMP_UNREACHABLE && code == SL_ICMP_FRAG_NEEDED)
		frame_icmp(&e)->seq = htons(1400);
	frame_sum(&e);
	return e;
}

/* --- what has to come of them */

struct want binds(uint32_t eip, uint8_t proto, uint16_t src)
{
	return (struct want){ .fate = SENT,
			      .src = src,
			      .dst = EXT,
			      .stats = NEW_FLOW | STAT(BINDINGS),
			      .outside = { eip, proto, EIP_BOUND | EIP_KEPT } };
}

struct want sets_out(uint16_t src)
{
	return (struct want){ .fate = SENT, .src = src, .dst = EXT, .stats = NEW_FLOW };
}

struct want returns(uint8_t proto, uint16_t dst)
{
	return (struct want){ .fate = SENT,
			      .src = EXT,
			      .dst = dst,
			      .stats = proto == SL_PROTO_TCP ? 0 : STAT(FLOWS_PROMOTED) };
}

struct want keeps_in(uint16_t src, uint16_t dst)
{
	return (struct want){ .fate = DROPPED, .src = src, .dst = dst, .network = src };
}

struct want keeps_out(uint32_t eip, uint8_t proto, bool counted)
{
	return (struct want){ .fate = DROPPED,
			      .dst = EXT,
			      .network = EXT,
			      .outside = { eip, proto, counted ? EIP_FILTERED : 0 } };
}

bool goes(struct bench *b, const char *name, struct send s, struct want w, uint32_t eip, uint16_t port)
{
	struct frame out = leaves(s.frame, eip, port);

	w.out = &out;
	return check(b, name, next(s), w);
}

bool comes(struct bench *b, const char *name, struct frame f, struct want w, uint32_t inside, uint16_t port)
{
	struct frame out = lands(f, inside, port);

	w.out = &out;
	return check(b, name, next(wire(f)), w);
}

/* --- rows */

uint16_t nat_binding(struct bench *b, uint16_t vpc, uint32_t addr, uint16_t port, uint8_t proto, uint32_t eip)
{
	struct sl_binding_key key = {
		.addr = htonl(addr), .eip = htonl(eip), .port = htons(port), .vpc = vpc, .proto = proto
	};
	struct sl_binding row;

	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_binding], &key, &row))
		return 0;
	return ntohs(row.port);
}

bool nat_outside(struct bench *b, uint32_t eip, uint16_t port, uint8_t proto, struct sl_outside *row)
{
	struct sl_outside_key key = { .eip = htonl(eip), .port = htons(port), .proto = proto };

	memset(row, 0, sizeof(*row));
	return !bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_outside], &key, row);
}

static struct sl_port_key word_of(uint32_t eip, uint16_t port, uint8_t proto)
{
	return (struct sl_port_key){ .eip = htonl(eip), .word = port / 64, .proto = proto };
}

bool nat_taken(struct bench *b, uint32_t eip, uint16_t port, uint8_t proto)
{
	struct sl_port_key key = word_of(eip, port, proto);
	struct sl_port_word row;

	return !bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_port_word], &key, &row) &&
	       row.taken >> (port & 63) & 1;
}

void nat_take(struct bench *b, uint32_t eip, uint16_t port, uint8_t proto, uint64_t bits)
{
	struct sl_port_key key = word_of(eip, port, proto);
	struct sl_port_word row = { .taken = bits };

	if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_port_word], &key, &row, BPF_ANY))
		fail(b, "cannot write sl_port_word: %s", strerror(errno));
}

bool nat_holder(struct bench *b, uint16_t vpc, uint32_t addr, struct sl_holder *row)
{
	struct sl_holder_key key = { .addr = htonl(addr), .vpc = vpc };

	memset(row, 0, sizeof(*row));
	return !bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_holder], &key, row);
}

void nat_lose(struct bench *b, const struct sl_flow_key *key)
{
	struct sl_flow flow;

	if (flow_find(b, key, &flow) < 0) {
		fail(b, "no flow to lose");
		return;
	}
	for (int half = 0; half < 2; half++) {
		const struct sl_flow_key *one = half ? &flow.peer : key;

		bpf_map_delete_elem(b->kernel.table[SL_TABLE_sl_flow], one);
		bpf_map_delete_elem(b->kernel.table[SL_TABLE_sl_unanswered], one);
	}
}

void nat_release(struct bench *b, uint16_t what, uint32_t eip, uint16_t port, uint8_t proto, uint32_t seen)
{
	struct {
		struct sl_release head;
		struct sl_release_item item;
	} frame = { .head = { .what = what, .count = 1 },
		    .item = { .key = { .eip = htonl(eip), .port = htons(port), .proto = proto },
			      .seen = seen } };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &frame, .data_size_in = sizeof(frame), .repeat = 1);
	int program = bpf_obj_get(BENCH_PINS "/progs/sl_release");

	if (program < 0 || bpf_prog_test_run_opts(program, &opts))
		fail(b, "cannot run sl_release: %s", strerror(errno));
	if (program >= 0)
		close(program);
}
