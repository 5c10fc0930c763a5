/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guard against a slow judge: tables of random prefixes and packets between random addresses, of which the judge
 * only knows what the plan promises, row by row.
 */
#include <arpa/inet.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include "wan.h"

#define TABLES 20
#define PACKETS 100
#define ROWS 24

/* What a random plan has of the rest of the world. */
struct atlas {
	uint64_t seed;
	struct {
		uint32_t addr;
		uint8_t len;
		uint16_t flags;
	} row[ROWS];
	bool gateway;
	uint32_t came[SL_REASONS]; /* packets to each end; 0: passed */
};

static uint32_t chance(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33) % below;
}

static uint32_t mask(uint8_t len)
{
	return len ? ~0U << (32 - len) : 0;
}

/* Few bits differ, so that prefixes lie within each other and packets meet them. */
static uint32_t some_address(struct atlas *a)
{
	static const uint32_t nets[] = { IP(100, 64, 0, 0), IP(100, 64, 16, 0), IP(100, 65, 0, 0),
					 IP(101, 0, 0, 0) };

	return nets[chance(&a->seed, 4)] | chance(&a->seed, 4) << 10 | chance(&a->seed, 8);
}

static void invent(struct atlas *a)
{
	static const uint8_t lengths[] = { 8, 11, 16, 20, 22, 24, 29, 31, 32, 32 };
	static const uint16_t flags[] = { 0, SL_ABROAD_INSIDE, SL_ABROAD_NODE,
					  SL_ABROAD_NODE | SL_ABROAD_PEER };

	a->gateway = chance(&a->seed, 3);
	for (size_t i = 0; i < ROWS; i++) {
		a->row[i].len = lengths[chance(&a->seed, sizeof(lengths))];
		a->row[i].addr = some_address(a) & mask(a->row[i].len);
		a->row[i].flags = flags[chance(&a->seed, 4)];
		for (size_t j = 0; j < i; j++) /* a prefix has one row */
			if (a->row[j].len == a->row[i].len && a->row[j].addr == a->row[i].addr)
				a->row[i].flags = a->row[j].flags;
	}
}

static void atlas_rows(struct bench *b, struct image *image)
{
	const struct atlas *a = b->rows_of;
	struct sl_setting *setting = bench_find(image, SL_TABLE_sl_setting, &(uint32_t){ 0 });

	setting->flags |= SL_SETTING_WAN | (a->gateway ? SL_SETTING_GATEWAY : 0);
	setting->wan_port = htons(WAN_PORT);
	for (size_t i = 0; i < ROWS; i++)
		bench_row(
			b, image, SL_TABLE_sl_abroad,
			&(struct sl_abroad_key){ .prefixlen = a->row[i].len, .addr = htonl(a->row[i].addr) },
			&(struct sl_abroad){ .cluster = WEST, .flags = a->row[i].flags });
}

/* --- the judge */

static uint16_t stands_for(const struct atlas *a, uint32_t addr)
{
	uint16_t flags = 0;
	int longest = -1;

	for (size_t i = 0; i < ROWS; i++)
		if ((addr & mask(a->row[i].len)) == a->row[i].addr && a->row[i].len > longest) {
			longest = a->row[i].len;
			flags = a->row[i].flags;
		}
	return flags;
}

static bool database(uint16_t port)
{
	return port == 2379 || port == 2380 || port == 6645 || port == 6646;
}

static uint8_t judge(const struct atlas *a, const struct spec *s, bool out)
{
	uint16_t from = stands_for(a, s->saddr), to = stands_for(a, s->daddr);
	bool udp = s->proto == SL_PROTO_UDP, ports = (udp || s->proto == SL_PROTO_TCP) && !s->bare;
	uint32_t own = out ? s->saddr : s->daddr;

	if ((from | to) & SL_ABROAD_INSIDE)
		return SL_DROP_PLAINTEXT_WAN;
	if (ports && (from | to) & SL_ABROAD_NODE &&
	    (database(s->sport) || database(s->dport) || (udp && (s->dport == 6081 || s->dport == 6083))))
		return SL_DROP_PLAINTEXT_WAN;
	if (!ports || !udp)
		return 0;
	if ((out ? s->sport : s->dport) != WAN_PORT)
		return (from | to) & SL_ABROAD_NODE && (out ? s->dport : s->sport) == WAN_PORT
			       ? SL_DROP_WAN_PEER
			       : 0;
	return own == NODE1 && (!a->gateway || !((out ? to : from) & SL_ABROAD_PEER)) ? SL_DROP_WAN_PEER : 0;
}

/* --- packets */

static void one_packet(struct bench *b, struct atlas *a)
{
	static const uint8_t protos[] = { 6, 6, 17, 17, 17, 1, 50, 132 };
	static const uint16_t ports[] = { 22,	2378, 2379, 2380, 2381,	 6081,	6083,
					  6644, 6645, 6646, 6647, 51820, 51820, 51821 };
	bool out = chance(&a->seed, 2);
	struct spec spec = { .saddr = some_address(a),
			     .daddr = some_address(a),
			     .proto = protos[chance(&a->seed, sizeof(protos))],
			     .sport = ports[chance(&a->seed, 14)],
			     .dport = ports[chance(&a->seed, 14)],
			     .tcp_flags = SYN,
			     .icmp_type = SL_ICMP_ECHO,
			     .payload = 32 };
	uint32_t kind = chance(&a->seed, 8);
	struct send s;
	struct want w = { .fate = UNTOUCHED };

	if (chance(&a->seed, 3) == 0) /* this node's own packets */
		*(out ? &spec.saddr : &spec.daddr) = NODE1;
	if (spec.saddr == spec.daddr)
		return;
	if (spec.daddr == NODE1 && spec.dport == 6083) /* deliveries have a judge of their own */
		spec.dport = 6081;
	if (kind == 0) {
		spec.frag = 4;
		spec.bare = true;
	} else if (kind == 1) {
		spec.options = (const uint8_t[4]){ 1, 1, 1, 0 };
		spec.option_len = 4;
	} else if (kind == 2 && spec.proto == SL_PROTO_UDP) {
		spec.frag = SL_IP_MF;
	}
	s = (struct send){ .door = out ? SL_UP_OUT : SL_UP_IN, .ifindex = UP0, .frame = scene_frame(&spec) };
	if (chance(&a->seed, 2)) {
		frame_tag(&s.frame, SL_ETH_VLAN, VLAN_OUTSIDE);
		if (!out && chance(&a->seed, 2))
			s.door = SL_UP_XDP;
	}
	if (out && chance(&a->seed, 2))
		s.mark = MARK_JUDGED;
	w.reason = judge(a, &spec, out);
	if (w.reason)
		w.fate = DROPPED;
	a->came[w.reason]++;
	if (!check(b, "random", s, w))
		fail(b, "0x%08x → 0x%08x, protocol %u, ports %u → %u, fragment 0x%x, door %u, %s", spec.saddr,
		     spec.daddr, spec.proto, spec.sport, spec.dport, spec.frag, s.door,
		     a->gateway ? "a gateway" : "no gateway");
}

void test_guard_random(struct bench *b)
{
	struct atlas a = { .seed = 20260711 };

	case_begin(b, "guard: %u random packets over %u random tables, judged as a slow judge does",
		   TABLES * PACKETS, TABLES);
	for (int t = 0; t < TABLES && !b->case_failed; t++) {
		invent(&a);
		b->rows = atlas_rows;
		b->rows_of = &a;
		if (!bench_plan(b, NULL))
			break;
		for (int i = 0; i < PACKETS && !b->case_failed; i++)
			one_packet(b, &a);
	}
	if (!b->case_failed)
		that(b,
		     a.came[0] > PACKETS && a.came[SL_DROP_PLAINTEXT_WAN] > PACKETS &&
			     a.came[SL_DROP_WAN_PEER] > 10,
		     "enough packets to every end");
	case_end(b);
	wan_over(b);
}
