/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mutated packets through every door. What they are is anybody's guess; what must hold for each is not: counted
 * once or untouched, dropped exactly when counted as dropped, no header checksum broken, no length out of thin
 * air. The same seed makes the same packets, so that a failure comes again.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include "../../include/limits.h"
#include "cache.h"

#define QUESTION 96 /* length of what a packet without a next hop turns into */

static struct send seedling(uint32_t which)
{
	struct frame quoted = PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000));

	switch (which) {
	case 0:
		return workload(W_A1, PACKET(.saddr = A1, .daddr = A_FAR, UDP(1000, 2000), .payload = 20));
	case 1:
		return workload(W_A1, PACKET(.saddr = A1, .daddr = B1, TCP(1000, 443, SYN), .payload = 20));
	case 2:
		return workload(W_A1, PACKET(.saddr = A1, .daddr = B_FAR, UDP(1000, 53), .payload = 20));
	case 3:
		return workload(W_A1, PACKET(.saddr = A1, .daddr = A2, ICMP(SL_ICMP_ECHO, 7), .payload = 20));
	case 4:
		return workload(
			W_A1, PACKET(.saddr = A1, .daddr = A3, UDP(1, 2), .payload = 20, .option_len = 12,
				     .options = (const uint8_t[12]){ 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0 }));
	case 5:
		return workload(W_A1, PACKET(.saddr = A1, .daddr = A_FAR, UDP(1, 2), .id = 3,
					     .frag = SL_IP_MF, .payload = 24));
	case 6:
		return workload(W_A1, PACKET(.saddr = A1, .daddr = A_FAR, .proto = 17, .id = 3, .frag = 4,
					     .bare = true, .payload = 24));
	case 7:
		return workload(W_C1, PACKET(.saddr = C1, .daddr = C_BROADCAST, UDP(1, 2), .dmac = mac_all,
					     .payload = 20));
	case 8:
		return workload(W_M1, PACKET(.saddr = M1, .daddr = N1, UDP(1, 2), .payload = 20));
	case 9:
		return wire(PACKET(.saddr = A_FAR, .daddr = A1, UDP(2000, 1000), .payload = 20, VLAN(103)));
	case 10:
		return wire(PACKET(.saddr = A_FAR, .daddr = A1, ICMP(SL_ICMP_UNREACHABLE, 0),
				   .quote = &quoted, VLAN(103)));
	case 11:
		return wire(ARP(.spa = A_FAR, .tpa = A1, .vlan = 103));
	case 12:
		return wire(PACKET(.saddr = NODE2, .daddr = NODE1, TCP(1, 22, SYN), VLAN(MGMT)));
	default:
		return workload(W_A1, ARP(.spa = A1, .tpa = GATEWAY_A));
	}
}
#define SEEDLINGS 14

/* To services, and from behind them. */
static struct send vip_seedling(uint32_t which)
{
	struct frame f = TO_VIP(VIP_POOL, TCP(1000, 80, SYN), .payload = 20);
	struct frame answer = readdress(FROM(A1, .daddr = CLIENT, UDP(5353, 1000)), VIP_EXT, 53, 0, 0);

	switch (which) {
	case 0:
		return wire(f);
	case 1:
		return wire(TO_VIP(VIP_EXT, UDP(1000, 53), .payload = 20, VLAN(EXT)));
	case 2:
		return workload(W_A1, FROM(A1, .daddr = CLIENT, TCP(8080, 1000, SYN | ACK), .payload = 20));
	case 3:
		return workload(W_A1, FROM(A1, .daddr = CLIENT, UDP(5353, 1000), .payload = 20));
	case 4:
		return wire(TO_VIP(VIP_POOL, TCP(1000, 84, SYN), .payload = 20));
	case 5:
		return wire(TO_VIP(VIP_EXT, UDP(1000, 84), .payload = 20, VLAN(EXT)));
	case 6:
		return wire(TO_VIP(VIP_EXT, TCP(1000, 87, SYN), .payload = 20, VLAN(EXT)));
	case 7:
		return wire(wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1));
	case 8:
		f = wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1);
		frame_tag(&f, SL_ETH_VLAN, MGMT);
		return wire(f);
	case 9:
		return wire(PACKET(.saddr = IP(9, 9, 9, 9), .daddr = VIP_EXT, .dmac = scene_mac(NODE1),
				   ICMP(SL_ICMP_UNREACHABLE, SL_ICMP_FRAG_NEEDED), .quote = &answer,
				   VLAN(EXT)));
	case 10:
		return wire(TO_VIP(VIP_EXT, ICMP(SL_ICMP_ECHO, 7), .payload = 20, VLAN(EXT)));
	case 11:
		return wire(ARP(.spa = EXT_ROUTER, .tpa = VIP_EXT, .vlan = EXT));
	case 12:
		return workload(W_A1, FROM(A1, .daddr = VIP_POOL, TCP(1000, 80, SYN), .payload = 20));
	default:
		return stack_out(PACKET(.saddr = NODE1, .daddr = VIP_POOL, TCP(1000, 80, SYN), .payload = 20,
					.dmac = mac_alien));
	}
}

/* Through outside addresses: out, in, round, on to another node. */
static struct send nat_seedling(uint32_t which)
{
	struct frame seen = translate(A_OUT(.daddr = REMOTE, UDP(4000, 53)).frame, EIP_A, 0, 0, 0), f;

	switch (which) {
	case 0:
		return A_OUT(.daddr = REMOTE, TCP(4000, 80, SYN), .payload = 20);
	case 1:
		return A_OUT(.daddr = REMOTE, UDP(4000, 53), .payload = 20);
	case 2:
		return A_OUT(.daddr = REMOTE, ICMP(SL_ICMP_ECHO, 4000), .payload = 20);
	case 3:
		return wire(OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, 4000), .payload = 20));
	case 4:
		return wire(OUTSIDE(EIP_A, .saddr = REMOTE, TCP(80, 4000, SYN | ACK), .payload = 20));
	case 5:
		return wire(OUTSIDE(EIP_A, .saddr = REMOTE2, ICMP(SL_ICMP_UNREACHABLE, 0), .quote = &seen));
	case 6:
		return wire(OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 22, SYN), .payload = 20));
	case 7:
		return B_OUT(.daddr = REMOTE, .proto = 47, .payload = 40);
	case 8:
		return A_OUT(.daddr = FIP_B, TCP(4000, 22, SYN), .payload = 20);
	case 9:
		return A_OUT(.daddr = EIP_A, UDP(4001, 4000), .payload = 20);
	case 10:
		return wire(OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, NAT_HALF + 1), .payload = 20));
	case 11:
		f = OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, 4000), .payload = 20);
		frame_untag(&f);
		return wire(wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, EIP_A));
	case 12:
		return BLUE_OUT(.daddr = VIP_EXT, TCP(4000, 80, SYN), .payload = 20);
	default:
		return stack_out(PACKET(.saddr = V_OTHER, .daddr = REMOTE, UDP(4000, 53), .dmac = mac_alien,
					.payload = 20));
	}
}

/* Between nodes, both ways, of connections that go on. */
#define FIRST_FAR 38
#define FAR_SEEDLINGS (WAYS - FIRST_FAR)

static struct send mutant(uint64_t *seed)
{
	uint32_t which = chance(seed, 3 * SEEDLINGS + FAR_SEEDLINGS);
	struct send s = which < SEEDLINGS	? seedling(which)
			: which < 2 * SEEDLINGS ? vip_seedling(which - SEEDLINGS)
			: which < 3 * SEEDLINGS
				? nat_seedling(which - 2 * SEEDLINGS)
				: cache_way(FIRST_FAR + which - 3 * SEEDLINGS, 20, 64, 0, ACK);
	uint32_t least = ntohs(frame_eth(&s.frame)->type) == SL_ETH_VLAN ? 15 : 60;

	s.keep = true;
	if (chance(seed, 2)) { /* right again behind the change, so that it gets further */
		if (frame_eth(&s.frame)->type != htons(SL_ETH_ARP) && s.frame.l4 > s.frame.l3)
			s.frame.bytes[s.frame.l3 + chance(seed, 40)] ^= (uint8_t)(1U << chance(seed, 8));
		if (s.frame.l4 > s.frame.l3)
			frame_sum(&s.frame);
	}
	for (uint32_t i = chance(seed, 4); i; i--)
		s.frame.bytes[chance(seed, s.frame.len)] ^= (uint8_t)(1U << chance(seed, 8));
	if (!chance(seed, 4))
		s.frame.len = least + chance(seed, 100);
	if (s.frame.len < least)
		s.frame.len = least;
	if (ntohs(frame_eth(&s.frame)->type) != SL_ETH_VLAN && s.frame.len < 60)
		s.frame.len = 60; /* the kernel makes no buffer of a cut IP header */
	switch (chance(seed, 6)) {
	case 0:
		s.door = s.ifindex == UP0 ? SL_UP_OUT : SL_WL_OUT;
		break;
	case 1:
	case 2:
		s.door = s.ifindex == UP0 ? SL_UP_XDP : s.door;
		break;
	default:
		break;
	}
	return s;
}

/* Offset of the IPv4 header, 0: none. */
static uint16_t find_ipv4(const struct frame *f)
{
	uint16_t at = 12, type;

	do {
		memcpy(&type, f->bytes + at, 2);
		type = ntohs(type);
		at += type == SL_ETH_VLAN || type == SL_ETH_QINQ ? 4 : 2;
	} while ((type == SL_ETH_VLAN || type == SL_ETH_QINQ) && at < 24);
	return type == SL_ETH_IPV4 && at + sizeof(struct sl_ipv4) <= f->len ? at : 0;
}

static bool header_right_at(const struct frame *f, uint32_t l3)
{
	uint32_t len = l3 ? (f->bytes[l3] & 0xfu) * 4 : 0;

	return len >= sizeof(struct sl_ipv4) && l3 + len <= f->len && !sum16(f->bytes + l3, len, 0);
}

static bool header_right(const struct frame *f)
{
	return header_right_at(f, find_ipv4(f));
}

static bool private_address(const uint8_t *addr)
{
	return addr[0] == 10 || (addr[0] == 192 && addr[1] == 168);
}

/* From inside to the outside with the inside's address. The plan excepts one prefix. */
static bool leaks(const struct frame *f)
{
	uint32_t l3 = find_ipv4(f);
	const uint8_t *src = f->bytes + l3 + 12, *dst = f->bytes + l3 + 16;

	if (f->bytes[0] & 1)
		return false; /* to all of its own network */
	return l3 && private_address(src) && !private_address(dst) && dst[0] != 172 && dst[0] < 224;
}

static bool length_right(uint32_t in, uint32_t out)
{
	static const int more[] = {
		0, -4, SL_TUNNEL_BYTES, SL_TUNNEL_BYTES - 4, -SL_TUNNEL_BYTES, -SL_TUNNEL_BYTES - 4
	};

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if ((int)out == (int)in + more[i])
			return true;
	return false;
}

static void tally(struct bench *b, uint64_t outcome[3])
{
	int fd = b->kernel.table[SL_TABLE_sl_traffic];
	struct sl_count rows[CPUS_MAX];
	struct sl_traffic_key key;
	void *last = NULL;

	memset(outcome, 0, 3 * sizeof(*outcome));
	for (; !bpf_map_get_next_key(fd, last, &key); last = &key)
		if (key.outcome < 3 && !bpf_map_lookup_elem(fd, &key, rows))
			for (uint32_t i = 0; i < b->cpus; i++)
				outcome[key.outcome] += rows[i].packets;
}

static void one(struct bench *b, uint64_t *seed)
{
	struct send s = mutant(seed);
	bool xdp = s.door == SL_UP_XDP, shot, passed, question;
	uint64_t outcome[3], counted;
	struct got got;
	uint16_t l3;

	bench_clear_counts(b);
	if (!bench_run(b, &s, &got))
		return;
	bench_count_lines(b);
	tally(b, outcome);
	counted = outcome[SL_PASSED] + outcome[SL_DROPPED] + outcome[SL_MONITORED];
	shot = got.retval == (xdp ? (uint32_t)XDP_DROP : TC_ACT_SHOT);
	passed = got.retval == (xdp ? (uint32_t)XDP_PASS : (uint32_t)TC_ACT_UNSPEC);
	question = got.retval == TC_ACT_REDIRECT && outcome[SL_DROPPED];
	that(b, shot || passed || (!xdp && got.retval == TC_ACT_REDIRECT), "a verdict that exists");
	that(b, counted <= 1, "counted once at most");
	that(b, counted || (passed && !got.meta_len && got.mark == 0), "uncounted only when untouched");
	that(b, shot ? outcome[SL_DROPPED] == 1 : question || !outcome[SL_DROPPED], "dropped as counted");
	if (!shot && !question) {
		l3 = find_ipv4(&got.frame);
		that(b, length_right(s.frame.len, got.frame.len),
		     "as long as it was, or a tag less, or tunnel headers more or less");
		that(b,
		     !header_right(&s.frame) || !l3 || header_right(&got.frame) ||
			     (got.frame.len + SL_TUNNEL_BYTES <= s.frame.len &&
			      !header_right_at(&s.frame, find_ipv4(&s.frame) + SL_TUNNEL_BYTES)),
		     "a right header checksum stays right");
		that(b, got.retval != TC_ACT_REDIRECT || !l3 || got.frame.bytes[l3 + 8], "TTL 1 or more");
		that(b, xdp || got.retval != TC_ACT_REDIRECT || !leaks(&got.frame),
		     "no inside address outside");
	}
	if (question && (got.frame.bytes[13] == 6 || got.frame.bytes[17] == 6)) {
		that(b, got.frame.len == QUESTION, "a question");
	} else if (question) {
		got.frame.l3 = find_ipv4(&got.frame);
		that(b, got.frame.l3 && (!header_right(&s.frame) || frame_sum_right(&got.frame)),
		     "an answer to the sender with right checksums");
	}
	if (b->case_failed) {
		fail(b,
		     "%s on interface %u returned %d, mark 0x%x, %llu passed, %llu dropped, %llu monitored",
		     program_names[s.door], s.ifindex, (int)got.retval, got.mark,
		     (unsigned long long)outcome[SL_PASSED], (unsigned long long)outcome[SL_DROPPED],
		     (unsigned long long)outcome[SL_MONITORED]);
		show_frame("in", &s.frame, &got.frame);
		show_frame("out", &got.frame, &s.frame);
	}
}

void test_fuzz(struct bench *b)
{
	uint64_t seed = b->fuzz_seed;

	if (!nat_plan(b, &nat_plain, NULL))
		return;
	case_begin(b, "fuzz: %u mutated packets from seed %u", b->fuzz_packets, b->fuzz_seed);
	nat_fresh(b);
	for (uint32_t i = 0; i < b->fuzz_packets && !b->case_failed; i++)
		one(b, &seed);
	case_end(b);
	nat_over(b);
}
