/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache of lines against the long way: the same packets in the same order to both, and every byte, mark and counter
 * has to be the same in the end. In their midst lines expire, plans change and come back, neighbours get other MACs.
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/kernel/cache.h"
#include "cache.h"
#include "rows.h"

#define STEPS 4000 /* of a sequence, where the machine is none that is emulated */
#define SWITCHED 8 /* ways below this one are within networks: nothing is drawn by chance for them */

/* Who plays, under what. */
struct scene_of {
	const char *name;
	bool (*plan)(struct bench *b, const char *change);
	uint8_t ways[8][2]; /* ways from the one to the other; the last one is 0, 0 */
};

static uint32_t steps(void)
{
	return getenv("SLUICE_VM") ? STEPS / 4 : STEPS;
}

/* Of the frame, what a wire and a careless or wicked sender can do to it. */
static void spoil(struct send *s, uint32_t which, uint64_t *seed)
{
	static const uint16_t vlans[] = { 0, 103, 104, EXT, VLAN_OUTSIDE, 4095, BLUE_A };
	uint32_t kind = chance(seed, 60), l3 = s->frame.l3, end = l3 + 40, at;
	bool wrapped = which == 22 || which == 41 || which == 42 || which == 44;
	uint16_t vlan = vlans[chance(seed, 7)];
	bool second = chance(seed, 4) == 0;

	if (wrapped && kind >= 40 && kind < 44) { /* any bit, but inside those that make another flow */
		at = chance(seed, l3 + SL_TUNNEL_BYTES + 40);
		if (at < l3 + SL_TUNNEL_BYTES + 9 || at >= l3 + SL_TUNNEL_BYTES + 24)
			s->frame.bytes[at] ^= (uint8_t)(1U << chance(seed, 8));
		return;
	}
	if (end > s->frame.len)
		end = s->frame.len;
	switch (kind) {
	case 0:
		at = chance(seed, end);
		/* New flows with other addresses and ports draw outside ports by chance. */
		if (which >= SWITCHED && at >= l3 + 9 && (at == l3 + 9 || (at >= l3 + 12 && at < l3 + 24)))
			return;
		s->frame.bytes[at] ^= (uint8_t)(1U << chance(seed, 8));
		return;
	case 1:
		s->frame.len = l3 + 20 + chance(seed, s->frame.len - l3 - 20);
		return;
	case 2: /* padding */
		memset(s->frame.bytes + s->frame.len, 0xaa, 46);
		s->frame.len += 1 + vlan % 46;
		return;
	case 3:
		frame_tag(&s->frame, second ? SL_ETH_QINQ : SL_ETH_VLAN, vlan);
		return;
	case 4:
		*s = beside(*s, second ? SL_ETH_QINQ : SL_ETH_VLAN, vlan);
		return;
	case 5: /* another interface of the same kind */
		if (which < SWITCHED)
			s->ifindex = s->door == SL_UP_IN ? UP1 : W_A1 + chance(seed, 4);
		return;
	case 6: /* another door */
		if (which < SWITCHED)
			s->door = s->door == SL_UP_IN ? SL_UP_OUT : SL_WL_OUT;
		return;
	case 7: /* for all, or from all */
		s->frame.bytes[second ? 6 : 0] |= 1;
		return;
	default:
		return;
	}
}

static uint32_t way_of(const struct scene_of *scene, uint32_t number, uint32_t *count)
{
	uint32_t before = 0, way = 0;

	for (size_t i = 0; scene->ways[i][1]; i++) {
		uint32_t ways = scene->ways[i][1] - scene->ways[i][0] + 1U;

		if (number >= before && number < before + ways)
			way = scene->ways[i][0] + number - before;
		before += ways;
	}
	*count = before;
	return way;
}

/* Mostly such as a line stands for, and of all the others some. */
static struct send step(const struct scene_of *scene, uint32_t number, uint64_t *seed)
{
	static const uint8_t bits[] = { ACK, ACK, ACK, ACK, ACK | SL_TCP_PSH, FIN | ACK, RST, SYN | ACK, 0 };
	static const uint16_t payloads[] = { 20, 20, 20, 100, 1230, 1400, 1480 };
	uint32_t ways, which = way_of(scene, number, &ways), odd;
	uint16_t payload;
	uint8_t ttl, tos, flags;
	struct send s;

	if (number < ways) /* each once, so that there are flows */
		return cache_packet(which);
	which = way_of(scene, chance(seed, ways), &ways);
	ttl = chance(seed, 20) ? 64 : (uint8_t)(1 + chance(seed, 2));
	tos = chance(seed, 8) ? 0 : (uint8_t)(1 + chance(seed, 255));
	flags = chance(seed, 40) ? ACK : bits[chance(seed, sizeof(bits))];
	payload = payloads[chance(seed, sizeof(payloads) / sizeof(payloads[0]))];
	/* The half of what is cut for a tunnel comes in again, and asks for neighbours while others are counted. */
	if (which >= 38 && payload > 1400)
		payload = 1400;
	s = next(cache_way(which, payload, ttl, tos, flags));
	odd = chance(seed, 60);
	if (odd == 0)
		s.mark = 1U << chance(seed, 32);
	if (odd == 1 && payload > 1000 && s.door != SL_UP_OUT && s.door != SL_TUN_IN &&
	    s.door != SL_TUN_OUT) {
		s.gso_size = 500;
		s.gso_segs = 3;
	}
	if (odd == 2) /* IPv4's header, addresses apart */
		s.frame.bytes[s.frame.l3 + chance(seed, 12)] ^= (uint8_t)(1U << chance(seed, 8));
	if (odd == 3) /* behind the ports */
		s.frame.bytes[s.frame.l3 + 24 + chance(seed, 16)] ^= (uint8_t)(1U << chance(seed, 8));
	if (s.door != SL_TUN_IN && s.door != SL_TUN_OUT)
		spoil(&s, which, seed);
	return s;
}

/* The same plan, or a change of it; where nothing is told `at_a_glance`, lines have to say what is left alone. */
static bool puts_in(struct bench *b, const struct scene_of *scene, const char *change, bool at_a_glance)
{
	if (!scene->plan(b, change))
		return false;
	if (!at_a_glance)
		bench_leave_nothing(b);
	return true;
}

/* What else happens on a node, at the same place of both sequences. */
static bool happens(struct bench *b, const struct scene_of *scene, uint32_t what, bool cached,
		    bool at_a_glance)
{
	static bool moved;
	struct send arp;
	struct got got;

	switch (what % 8) {
	case 0:
		return puts_in(b, scene, NULL, at_a_glance);
	case 1: /* most of it is forbidden for a while */
		return puts_in(b, scene, "{\"policy\":[]}", at_a_glance);
	case 2:
	case 3:
		moved = what % 8 == 2;
		arp = next(wire(ARP(.op = SL_ARP_REPLY, .spa = EXT_ROUTER,
				    .sha = moved ? mac_ext_peer : mac_ext_router, .tpa = 0,
				    .dmac = scene_mac(NODE1), .vlan = EXT)));
		return bench_run(b, &arp, &got);
	case 4:
	case 5:
		if (cached)
			cache_age(b, LONG_AGO);
		return true;
	case 6:
		if (cached)
			bench_void_lines(b);
		return true;
	default:
		bench_count_lines(b);
		return true;
	}
}

/* A whole sequence, and what came of it. */
struct played {
	struct got *got;
	struct tally tally;
	struct rows flows; /* packets and bytes */
};

static void collect_flows(struct bench *b, struct rows *to)
{
	int fd = b->kernel.table[SL_TABLE_sl_flow];
	struct sl_flow_key key;
	struct sl_flow flow;
	void *last = NULL;

	memset(to, 0, sizeof(*to));
	for (; to->count < ROWS && !bpf_map_get_next_key(fd, last, &key); last = &key) {
		if (bpf_map_lookup_elem(fd, &key, &flow))
			continue;
		memcpy(to->key[to->count], &key, sizeof(key));
		to->word[to->count][0] = flow.packets;
		to->word[to->count][1] = flow.bytes;
		to->word[to->count][2] = flow.state;
		to->word[to->count++][3] = flow.flags;
	}
}

static bool play(struct bench *b, const struct scene_of *scene, uint64_t seed, bool cached, struct played *to)
{
	bool at_a_glance = cached && seed % 2;
	uint64_t other = ~seed;
	struct trouble t;

	nat_fresh(b);
	if (!puts_in(b, scene, NULL, at_a_glance))
		return false;
	nat_fresh(b);
	if (cache_start(&b->kernel, cached, &t))
		return fail(b, "%s", t.text);
	for (uint32_t i = 0; i < steps(); i++) {
		struct send s = step(scene, i, &seed);

		if (!bench_run(b, &s, &to->got[i]))
			return false;
		if (i % 128 == 127 && !happens(b, scene, chance(&other, 64), cached, at_a_glance))
			return false;
	}
	bench_count_lines(b);
	tally_collect(b, &to->tally);
	collect_flows(b, &to->flows);
	return true;
}

/* The one is the other, or has an outside port instead that was drawn by chance: `drawn` counts these. */
static bool same_bytes(const struct frame *x, const struct frame *y, uint32_t *drawn)
{
	const size_t l3 = x->bytes[12] == 0x81 ? 18 : 14, l4 = l3 + 20;
	uint8_t other[FRAME_ROOM];

	if (x->len != y->len)
		return false;
	if (!memcmp(x->bytes, y->bytes, x->len))
		return true;
	if (x->len < l4 + 20 || !memcmp(x->bytes + l4, y->bytes + l4, 4))
		return false;
	memcpy(other, y->bytes, y->len);
	memcpy(other + l4, x->bytes + l4, 4);
	if (x->bytes[l3 + 9] == SL_PROTO_TCP)
		memcpy(other + l4 + 16, x->bytes + l4 + 16, 2);
	else
		memcpy(other + l4 + 6, x->bytes + l4 + 6, 2);
	(*drawn)++;
	return !memcmp(x->bytes, other, x->len);
}

static void same_play(struct bench *b, const struct scene_of *scene, uint64_t seed,
		      const struct played *without, const struct played *with)
{
	uint32_t drawn = 0;

	for (uint32_t i = 0; i < steps(); i++) {
		const struct got *x = &without->got[i], *y = &with->got[i];
		struct send s = step(scene, i, &seed);

		if (x->retval == y->retval && x->mark == y->mark && x->priority == y->priority &&
		    same_bytes(&x->frame, &y->frame, &drawn))
			continue;
		fail(b, "packet %u, door %s: %d, mark %x without the cache, %d, mark %x with it", i,
		     program_names[s.door], (int)x->retval, x->mark, (int)y->retval, y->mark);
		show_frame("in", &s.frame, &s.frame);
		show_frame("without", &x->frame, &y->frame);
		show_frame("with", &y->frame, &x->frame);
		return;
	}
	if (drawn > steps() / 20)
		fail(b, "%u packets have other ports", drawn);
	tally_same(b, &without->tally, &with->tally);
	rows_same(b, "sl_flow", &without->flows, &with->flows);
}

static void differ(struct bench *b, const struct scene_of *scene, uint64_t seed)
{
	struct played without = { .got = calloc(steps(), sizeof(struct got)) };
	struct played with = { .got = calloc(steps(), sizeof(struct got)) };

	case_begin(b, "cache: %s: %u packets with it and without it, seed %llu", scene->name, steps(),
		   (unsigned long long)seed);
	if (!without.got || !with.got)
		fail(b, "no memory");
	else if (play(b, scene, seed, false, &without) && play(b, scene, seed, true, &with)) {
		same_play(b, scene, seed, &without, &with);
		that(b, !without.tally.line_packets, "without the cache no line decides anything");
		if (with.tally.line_packets < steps() / 8)
			fail(b, "lines decided %llu packets only",
			     (unsigned long long)with.tally.line_packets);
	}
	case_end(b);
	free(without.got);
	free(with.got);
}

static bool plain(struct bench *b, const char *change)
{
	return bench_plan(b, change);
}

static bool outside(struct bench *b, const char *change)
{
	return nat_plan(b, &nat_plain, change);
}

static const struct wan with_classes = { .qos = true, .nat = true, .shaped = true };
static const struct wan with_trust = { .qos = true, .trust = true, .nat = true, .shaped = true };

/* Not by wan_plan(): that forgets the flows. */
static bool again(struct bench *b, const struct wan *wan, const char *change)
{
	return b->rows_of == wan ? bench_plan(b, change) : wan_plan(b, wan, change);
}

static bool classes(struct bench *b, const char *change)
{
	return again(b, &with_classes, change);
}

static bool trust(struct bench *b, const char *change)
{
	return again(b, &with_trust, change);
}

static bool clusters(struct bench *b, const char *change)
{
	return again(b, &wan_plain, change);
}

void cache_plays(struct bench *b)
{
	static const struct scene_of scenes[] = {
		{ "plain", plain, { { 0, 11 }, { 20, 29 }, { 36, 45 } } },
		{ "outside addresses", outside, { { 0, 23 }, { 36, 45 } } },
		{ "other nodes", outside, { { 20, 23 }, { 38, 45 } } },
		{ "classes", classes, { { 0, 11 }, { 16, 17 }, { 20, 25 }, { 28, 45 } } },
		{ "trusted", trust, { { 0, 3 }, { 14, 17 }, { 28, 33 } } },
		{ "clusters", clusters, { { 0, 7 }, { 24, 29 }, { 32, 37 } } },
	};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		for (uint64_t seed = 1; seed <= 2; seed++)
			differ(b, &scenes[i], seed);
		if (b->rows)
			wan_over(b);
	}
}
