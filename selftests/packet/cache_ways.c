/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows that lines are made of, and the lines, see cache.h.
 */
#include <bpf/bpf.h>
#include <unistd.h>
#include "cache.h"

#define FAR 87 /* a service whose only backend is another node's */

struct send cache_way(uint32_t which, uint16_t payload, uint8_t ttl, uint8_t tos, uint8_t bits)
{
	struct frame f;

#define SHAPE .payload = payload, .ttl = ttl, .tos = tos
	switch (which) {
	case 0: /* within a network, as a switch would */
		return workload(W_A1, PACKET(.saddr = A1, .daddr = A3, UDP(1000, 2000), SHAPE));
	case 1:
		return workload(W_A3, PACKET(.saddr = A3, .daddr = A1, UDP(2000, 1000), SHAPE));
	case 2: /* routed */
		return workload(W_A1, FROM(A1, .daddr = A2, TCP(1000, 443, bits), SHAPE));
	case 3:
		return workload(W_A2, FROM(A2, .daddr = A1, TCP(443, 1000, bits), SHAPE));
	case 4: /* to another node by VLAN, and from it */
		return workload(W_A1, PACKET(.saddr = A1, .daddr = A_FAR, TCP(1000, 5432, bits), SHAPE));
	case 5:
		return wire(PACKET(.saddr = A_FAR, .daddr = A1, TCP(5432, 1000, bits), SHAPE, VLAN(103)));
	case 6:
		return workload(W_A1, PACKET(.saddr = A1, .daddr = A_FAR, UDP(1001, 53), SHAPE));
	case 7: {
		struct send s = wire(PACKET(.saddr = A_FAR, .daddr = A1, UDP(53, 1001), SHAPE, VLAN(103)));

		s = beside(s, SL_ETH_VLAN, 103);
		frame_untag(&s.frame);
		return s;
	}
	case 8: /* a service */
		return wire(TO_VIP(VIP_EXT, UDP(1000, 53), SHAPE, VLAN(EXT)));
	case 9:
		return workload(W_A1, FROM(A1, .daddr = CLIENT, UDP(5353, 1000), SHAPE));
	case 10:
		return wire(TO_VIP(VIP_POOL, TCP(1000, 80, bits), SHAPE));
	case 11:
		return workload(W_A1, FROM(A1, .daddr = CLIENT, TCP(8080, 1000, bits), SHAPE));
	case 12: /* an EIP */
		return A_OUT(.daddr = REMOTE, UDP(4000, 54), SHAPE);
	case 13:
		return wire(OUTSIDE(EIP_A, .saddr = REMOTE, UDP(54, 4000), SHAPE));
	case 14:
		return A_OUT(.daddr = REMOTE2, TCP(4001, 80, bits), SHAPE);
	case 15:
		return wire(OUTSIDE(EIP_A, .saddr = REMOTE2, TCP(80, 4001, bits), SHAPE));
	case 16: /* a floating IP */
		return wire(OUTSIDE(FIP_B, .saddr = REMOTE, TCP(1000, 22, bits), SHAPE));
	case 17:
		return B_OUT(.daddr = REMOTE, TCP(22, 1000, bits), SHAPE);
	case 18: /* by the stack's routes */
		return stack_out(
			PACKET(.saddr = V_OTHER, .daddr = REMOTE, UDP(4002, 53), .dmac = mac_alien, SHAPE));
	case 19:
		return wire(OUTSIDE_PLAIN(EIP_PLAIN, .saddr = REMOTE, UDP(53, 4002), SHAPE));
	case 20: /* to who has no interface of the plan */
		return workload(W_A1, FROM(A1, .daddr = A_STACK, UDP(1002, 53), SHAPE));
	case 21: /* what is left alone */
		return wire(PACKET(.saddr = WORLD, .daddr = IP(203, 0, 113, 99), UDP(1, 2), SHAPE));
	case 22: /* a service, by another node */
		f = TO_VIP(VIP_POOL, TCP(2000, 80, bits), SHAPE);
		return wire(wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1));
	case 23:
		return workload(W_A1, FROM(A1, .daddr = CLIENT, TCP(8080, 2000, bits), SHAPE));
	case 24: /* under a monitor, as allowed and as not */
		return workload(W_M1, FROM(M1, .daddr = N1, UDP(1000, 53), SHAPE));
	case 25:
		return workload(W_N1, FROM(N1, .daddr = M1, UDP(53, 1000), SHAPE));
	case 26:
		return workload(W_M1, FROM(M1, .daddr = B1, TCP(1000, 9999, bits), SHAPE));
	case 27:
		return workload(W_B1, FROM(B1, .daddr = M1, TCP(9999, 1000, bits), SHAPE));
	case 28: /* of a class of traffic, where the plan has some */
		return workload(W_A1, FROM(A1, .daddr = B1, TCP(1005, 443, bits), SHAPE));
	case 29:
		return workload(W_B1, FROM(B1, .daddr = A1, TCP(443, 1005, bits), SHAPE));
	case 30:
		return A_OUT(.daddr = REMOTE, UDP(4005, 53), SHAPE);
	case 31:
		return wire(OUTSIDE(EIP_A, .saddr = REMOTE, UDP(53, 4005), SHAPE));
	case 32: /* to another cluster, where there is one */
		return workload(W_A1, FROM(A1, .daddr = W1, TCP(1006, 5432, bits), SHAPE));
	case 33:
		return from_tunnel(PACKET(.saddr = W1, .daddr = A1, TCP(5432, 1006, bits), SHAPE));
	case 34: /* by the stack to it, and to what the plan does not manage */
		return to_tunnel(PACKET(.saddr = V_OTHER, .daddr = W1, UDP(1007, 53), SHAPE));
	case 35:
		return from_tunnel(PACKET(.saddr = W1, .daddr = V_OTHER, UDP(53, 1007), SHAPE));
	case 36:
		return stack_out(PACKET(.saddr = IP(203, 0, 113, 99), .daddr = WORLD, UDP(2, 1), SHAPE));
	case 37:
		return wire(PACKET(.saddr = WORLD, .daddr = IP(203, 0, 113, 99), UDP(1, 2), SHAPE,
				   VLAN(VLAN_OUTSIDE)));
	case 38: /* to a backend of another node, which answers past this one */
		return wire(TO_VIP(VIP_POOL, TCP(3000, FAR, bits), SHAPE));
	case 39:
		return wire(TO_VIP(VIP_EXT, TCP(3001, FAR, bits), SHAPE, VLAN(EXT)));
	case 40: /* or through it */
		return workload(W_A1, FROM(A1, .daddr = VIP_POOL, TCP(3002, FAR, bits), SHAPE));
	case 41:
		f = PACKET(.saddr = VIP_POOL, .daddr = A1, TCP(FAR, 3002, bits), .dmac = mac_alien, SHAPE);
		return wire(wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, 0));
	case 42: /* the same, seen from the backend's node */
		f = PACKET(.saddr = B_FAR, .daddr = VIP_POOL_OTHER, TCP(3003, 80, bits), .dmac = mac_router,
			   SHAPE);
		return wire(wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1));
	case 43:
		return workload(W_A1, FROM(A1, .daddr = B_FAR, TCP(8080, 3003, bits), SHAPE));
	case 44:
		f = TO_VIP(VIP_POOL, UDP(3004, 53), SHAPE);
		return wire(wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1));
	default:
		return workload(W_A1, FROM(A1, .daddr = CLIENT, UDP(5353, 3004), SHAPE));
	}
#undef SHAPE
}

struct send cache_packet(uint32_t which)
{
	return next(cache_way(which, 20, 64, 0, ACK));
}

uint64_t cache_stat(struct bench *b, uint32_t id)
{
	uint64_t rows[CPUS_MAX], all = 0;

	if (bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_stat], &id, rows))
		fail(b, "sl_stat cannot be read");
	for (uint32_t cpu = 0; cpu < b->cpus; cpu++)
		all += rows[cpu];
	return all;
}

bool cache_decides(struct bench *b, const struct send *s, struct got *got)
{
	uint64_t before;

	bench_count_lines(b);
	before = cache_stat(b, SL_STAT_LINE_PACKETS);
	bench_run(b, s, got);
	bench_count_lines(b);
	return cache_stat(b, SL_STAT_LINE_PACKETS) == before + (s->gso_segs ? s->gso_segs : 1);
}

void cache_last(struct bench *b, uint32_t seconds)
{
	int fd = b->kernel.table[SL_TABLE_sl_cache];
	struct sl_cache cache;

	bench_void_lines(b);
	if (bpf_map_lookup_elem(fd, &(uint32_t){ 0 }, &cache))
		fail(b, "sl_cache cannot be read");
	cache.second *= seconds;
	if (bpf_map_update_elem(fd, &(uint32_t){ 0 }, &cache, BPF_ANY))
		fail(b, "sl_cache cannot be written");
}

void cache_open_for(struct bench *b, uint32_t which, uint32_t seconds)
{
	struct send there = cache_packet(which), back = cache_packet(which + 1);
	struct got got;

	nat_fresh(b);
	cache_last(b, seconds);
	bench_run(b, &there, &got);
	bench_run(b, &back, &got);
	usleep(TICK_US); /* no flow has a line in the tick that it began in */
	bench_run(b, &there, &got);
}

void cache_open_way(struct bench *b, uint32_t which)
{
	cache_open_for(b, which, LINE_SECONDS);
}

uint32_t cache_lines(struct bench *b, bool (*change)(struct sl_line *line, uint32_t by), uint32_t by)
{
	int fd = b->kernel.table[SL_TABLE_sl_line];
	struct sl_line_set set;
	uint32_t found = 0;

	for (uint32_t i = 0; i < b->cpus * CACHE_LINES / SL_LINE_WAYS; i++) {
		bool changed = false;

		if (bpf_map_lookup_elem(fd, &i, &set))
			fail(b, "sl_line cannot be read");
		for (int way = 0; way < SL_LINE_WAYS; way++) {
			if (!set.way[way].generation)
				continue;
			found++;
			changed |= change && change(&set.way[way], by);
		}
		if (changed && bpf_map_update_elem(fd, &i, &set, BPF_ANY))
			fail(b, "sl_line cannot be written");
	}
	return found;
}

static bool age(struct sl_line *line, uint32_t by)
{
	line->expires -= by;
	return true;
}

void cache_age(struct bench *b, uint32_t jiffies)
{
	cache_lines(b, age, jiffies);
}

void cache_keeps(struct bench *b, struct send newcomer, int times)
{
	struct send there = cache_packet(14), back = cache_packet(15);
	struct got got;
	int decided = 0;

	bench_run(b, &there, &got);
	bench_run(b, &back, &got);
	usleep(TICK_US);
	bench_run(b, &there, &got);
	for (int i = 0; i < 10; i++) {
		decided += cache_decides(b, &there, &got);
		newcomer.frame.bytes[newcomer.frame.l3 + 21]++;
		for (int j = 0; j < times; j++)
			bench_run(b, &newcomer, &got);
	}
	that(b, decided == 10, "the flow's line decides, and no newcomer of these takes its place");
}
