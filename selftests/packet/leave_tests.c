/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is left alone at a glance is what the long way leaves alone, and nothing else: the same packets at the uplinks'
 * doors, once with sl_leave as it was written and once without a word in it. What plans leave alone most is told at a
 * glance.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include "cache.h"
#include "rows.h"

#define PACKETS 3000
#define SOMEBODY IP(203, 0, 113, 99) /* in a pool, but nobody's */
#define NEARBY IP(192, 168, 200, 1) /* in the same block of addresses as most networks */
/* In blocks that have nothing else of the plan. */
#define NODE1_APART IP(172, 30, 0, 1) /* this node's own, under some plans */
#define FAR_APART IP(11, 22, 33, 44) /* of a workload elsewhere, in no prefix */
#define WIDE_APART IP(12, 64, 0, 0) /* of a prefix of 10 bits */
#define WITHIN_APART IP(12, 127, 8, 9)

static const struct wan with_classes = { .no_guard = true, .qos = true, .nat = true, .shaped = true };

static bool plain(struct bench *b, const char *change)
{
	return bench_plan(b, change);
}

static bool outside(struct bench *b, const char *change)
{
	return nat_plan(b, &nat_plain, change);
}

static bool classes(struct bench *b, const char *change)
{
	return wan_plan(b, &with_classes, change);
}

static bool clusters(struct bench *b, const char *change)
{
	return wan_plan(b, &wan_plain, change);
}

/* No backend is an address of the node itself, and something is in blocks of its own. */
static void apart(struct bench *b, struct image *image)
{
	struct sl_setting *setting = bench_find(image, SL_TABLE_sl_setting, &(uint32_t){ 0 });
	const struct sl_endpoint *like =
		bench_find(image, SL_TABLE_sl_exact,
			   &(struct sl_exact_key){ .vpc = setting->node_vpc, .addr = htonl(A_FAR) });
	struct sl_endpoint within = *like;

	setting->flags &= ~(uint32_t)SL_SETTING_HOST_SERVES;
	bench_row(b, image, SL_TABLE_sl_exact,
		  &(struct sl_exact_key){ .vpc = setting->node_vpc, .addr = htonl(FAR_APART) }, like);
	within.kind = SL_ENDPOINT_NETWORK;
	within.node = 0;
	bench_row(b, image, SL_TABLE_sl_prefix,
		  &(struct sl_prefix_key){
			  .prefixlen = 32 + 10, .vpc = htons(setting->node_vpc), .addr = htonl(WIDE_APART) },
		  &within);
}

static bool with_apart(struct bench *b, const char *change)
{
	b->rows = apart;
	return bench_plan(b, change);
}

#define NODE1_HAS(what) "{\"clusters\":{\"main\":{" what "}}}"
#define UP0_DROPS                                                                                            \
	NODE1_HAS("\"nodes\":{\"node1\":{\"uplinks\":{\"up0\":{\"unmanaged\":\"drop\"},"                     \
		  "\"up1\":{\"unmanaged\":\"pass\"}}}}")

#define APART "\"nodes\":{\"node1\":{\"addresses\":[\"172.30.0.1\",\"192.168.100.11\"]}}"

/* A plan, and what of UP0's traffic is told at a glance under it. */
static const struct plan_of {
	const char *name;
	bool (*plan)(struct bench *b, const char *change);
	const char *change;
	bool tagged_in, in, to_node, tagged_out, out, from_node;
} plans[] = {
	{ "a node that serves", plain, NULL, true, true, true, true, true, false },
	{ "none", with_apart, NULL, true, true, true, true, true, false },
	{ "outside addresses", outside, NULL, true, true, true, true, true, false },
	{ "who may reach the node", with_apart, NODE1_HAS("\"host\":{\"allow\":[]}"), true, true, false, true,
	  true, false },
	{ "a node apart", with_apart, NODE1_HAS(APART), true, true, true, true, true, true },
	{ "who may reach a node apart", with_apart, NODE1_HAS(APART ",\"host\":{\"allow\":[]}"), true, true,
	  false, true, true, false },
	{ "an uplink that drops", with_apart, UP0_DROPS, false, false, false, false, false, false },
	{ "all VLANs managed", with_apart, NODE1_HAS("\"managed_vlans\":[\"100-119\"]"), false, true, true,
	  false, true, false },
	{ "classes", classes, NULL, true, true, true, false, false, false },
	{ "clusters", clusters, NULL, false, false, false, false, false, false },
};

static uint32_t some_address(uint64_t *seed)
{
	static const uint32_t some[] = { NODE1,	      NODE2,	       MGMT_HOST,    A1,
					 A_FAR,	      A_BROADCAST,     B1,	     V1,
					 V_OTHER,     VIP_EXT,	       VIP_POOL,     VIP_POOL_OTHER,
					 E1,	      SOMEBODY,	       NEARBY,	     IP(10, 18, 0, 1),
					 NODE1_APART, FAR_APART,       WITHIN_APART, NODE1_APART,
					 WORLD,	      WORLD,	       SOMEBODY,     ALIAS,
					 ~0U,	      IP(224, 0, 0, 1) };
	uint32_t which = chance(seed, sizeof(some) / sizeof(some[0]) + 1);

	return which < sizeof(some) / sizeof(some[0]) ? some[which] : chance(seed, ~0U);
}

static struct spec some_spec(uint64_t *seed)
{
	static const uint16_t ports[] = { 22, 53, 80, 443, 1024, 6083, 2379, 51820 };
	static const uint8_t protocols[] = { SL_PROTO_TCP, SL_PROTO_UDP, SL_PROTO_UDP, SL_PROTO_ICMP, 47 };
	static const uint8_t bits[] = { SYN, ACK, ACK, SYN | ACK, RST };
	struct spec spec = {
		.saddr = some_address(seed),
		.daddr = some_address(seed),
		.proto = protocols[chance(seed, 5)],
		.sport = ports[chance(seed, 8)],
		.dport = ports[chance(seed, 8)],
		.tcp_flags = bits[chance(seed, 5)],
		.payload = (uint16_t)(20 + chance(seed, 80)), /* room for a header of IPv6, too */
	};

	if (spec.proto == SL_PROTO_ICMP) {
		spec.sport = spec.dport = 0;
		spec.icmp_type = chance(seed, 2) ? SL_ICMP_ECHO : SL_ICMP_UNREACHABLE;
	}
	return spec;
}

/* Untagged, in a VLAN of any sort, or in two; and what a wire does to frames. */
static struct send some_packet(uint64_t *seed)
{
	static const enum program doors[] = { SL_UP_IN, SL_UP_OUT, SL_UP_XDP };
	static const uint16_t vlans[] = { VLAN_OUTSIDE, VLAN_OUTSIDE,	  4094, 1,   103,
					  EXT,		VLAN_UNASSIGNED_, 0,	4095 };
	static const uint16_t types[] = { 0x0806, 0x86dd, 0x8863, SL_ETH_QINQ, SL_ETH_VLAN };
	struct spec spec = some_spec(seed);
	struct send s = { .frame = scene_frame(&spec), .keep = true };
	uint16_t vlan = vlans[chance(seed, 9)] | (chance(seed, 8) ? 0 : 0x6000);
	uint32_t odd = chance(seed, 24), at;

	s.door = doors[chance(seed, 3)];
	s.ifindex = chance(seed, 6) ? UP0 : chance(seed, 4) ? UP1 : W_STRAY;
	if (odd == 0) { /* something else than IPv4 */
		at = chance(seed, 5);
		s.frame.bytes[12] = (uint8_t)(types[at] >> 8);
		s.frame.bytes[13] = (uint8_t)types[at];
	} else if (odd == 1) {
		s.frame.bytes[chance(seed, s.frame.len)] ^= (uint8_t)(1U << chance(seed, 8));
	} else if (odd == 2) {
		/* No shorter than the kernel runs a door on. */
		s.frame.len = s.frame.l3 + 20 + chance(seed, s.frame.len - s.frame.l3 - 20);
	} else if (odd == 3) {
		s.mark = chance(seed, 2) ? MARK_JUDGED : 1U << chance(seed, 32);
	} else if (odd == 4) { /* a fragment */
		s.frame.bytes[s.frame.l3 + 6] ^= (uint8_t)(0x20 | chance(seed, 2));
	}
	switch (chance(seed, 8)) {
	case 0:
	case 1:
	case 2:
		frame_tag(&s.frame, chance(seed, 10) ? SL_ETH_VLAN : SL_ETH_QINQ, vlan);
		if (!chance(seed, 6))
			frame_tag(&s.frame, chance(seed, 2) ? SL_ETH_VLAN : SL_ETH_QINQ, VLAN_OUTSIDE);
		break;
	case 3:
	case 4:
		if (s.door == SL_UP_XDP)
			break;
		if (!chance(seed, 6))
			frame_tag(&s.frame, SL_ETH_VLAN, VLAN_OUTSIDE);
		s = beside(s, chance(seed, 10) ? SL_ETH_VLAN : SL_ETH_QINQ, vlan);
		break;
	default:
		break;
	}
	return s;
}

static bool play(struct bench *b, const struct plan_of *plan, uint64_t seed, bool glance, struct got *got,
		 struct tally *tally)
{
	if (!plan->plan(b, plan->change))
		return false;
	nat_fresh(b);
	if (!glance)
		bench_leave_nothing(b);
	for (int i = 0; i < PACKETS; i++) {
		struct send s = some_packet(&seed);

		if (!bench_run(b, &s, &got[i]))
			return false;
	}
	bench_count_lines(b);
	tally_collect(b, tally);
	return true;
}

static bool is_frame(const struct frame *x, const struct frame *y)
{
	return x->len == y->len && !memcmp(x->bytes, y->bytes, x->len);
}

/* What is changed may have an outside port that was drawn by chance. */
static bool same(const struct send *s, const struct got *x, const struct got *y)
{
	return x->retval == y->retval && x->mark == y->mark && x->priority == y->priority &&
	       x->frame.len == y->frame.len &&
	       (is_frame(&x->frame, &y->frame) ||
		(!is_frame(&s->frame, &x->frame) && !is_frame(&s->frame, &y->frame)));
}

static void differ(struct bench *b, const struct plan_of *plan, uint64_t seed)
{
	struct got *at_a_glance = calloc(PACKETS, sizeof(*at_a_glance)), *far = calloc(PACKETS, sizeof(*far));
	struct tally with, without;
	uint64_t again = seed;

	case_begin(b, "leave: %s: %u packets as the long way has it, seed %llu", plan->name, PACKETS,
		   (unsigned long long)seed);
	if (!at_a_glance || !far)
		fail(b, "no memory");
	else if (play(b, plan, seed, true, at_a_glance, &with) && play(b, plan, seed, false, far, &without)) {
		for (int i = 0; i < PACKETS; i++) {
			struct send s = some_packet(&again);

			if (same(&s, &at_a_glance[i], &far[i]))
				continue;
			fail(b, "packet %d, door %s, interface %u: %d, mark %x, the long way %d, mark %x", i,
			     program_names[s.door], s.ifindex, (int)at_a_glance[i].retval,
			     at_a_glance[i].mark, (int)far[i].retval, far[i].mark);
			show_frame("in", &s.frame, &s.frame);
			break;
		}
		tally_same(b, &without, &with);
	}
	case_end(b);
	free(at_a_glance);
	free(far);
}

/* It passes, and without a line, which the long way would have made for it. */
static void told(struct bench *b, struct send s, bool at_a_glance, const char *what)
{
	const int passes = s.door == SL_UP_XDP ? (int)XDP_PASS : TC_ACT_UNSPEC;
	struct got got;

	if (!at_a_glance)
		return;
	bench_void_lines(b);
	bench_clear_counts(b);
	s.keep = true;
	if (bench_run(b, &s, &got) && ((int)got.retval != passes || cache_stat(b, SL_STAT_LINES_FILLED)))
		fail(b, "%s: not at a glance", what);
}

static void glances(struct bench *b, const struct plan_of *plan)
{
	const struct frame f = PACKET(.saddr = WORLD, .daddr = SOMEBODY, TCP(1, 2, ACK)),
			   to_node = PACKET(.saddr = WORLD, .daddr = NODE1, TCP(1, 22, ACK)),
			   from = PACKET(.saddr = SOMEBODY, .daddr = WORLD, TCP(1, 2, ACK)),
			   from_node = PACKET(.saddr = NODE1_APART, .daddr = WORLD, TCP(22, 1, ACK));
	struct frame tagged = f;

	frame_tag(&tagged, SL_ETH_VLAN, VLAN_OUTSIDE);
	case_begin(b, "leave: %s: what is told at a glance", plan->name);
	if (plan->plan(b, plan->change)) {
		nat_fresh(b);
		told(b, wire_xdp(tagged), plan->tagged_in, "in a VLAN, XDP");
		told(b, wire(tagged), plan->tagged_in, "in a VLAN");
		told(b, beside(wire(f), SL_ETH_VLAN, VLAN_OUTSIDE), plan->tagged_in, "with a tag beside");
		told(b, stack_out(tagged), plan->tagged_out, "out to a VLAN");
		told(b, wire(f), plan->in, "untagged");
		told(b, wire(to_node), plan->to_node, "to the node itself");
		told(b, stack_out(from), plan->out, "untagged, out");
		told(b, stack_out(from_node), plan->from_node, "from the node itself");
	}
	case_end(b);
}

/* What is written for one plan says nothing about another. */
static void stale(struct bench *b)
{
	int fd = b->kernel.table[SL_TABLE_sl_leave];
	struct sl_leave *before = malloc(sizeof(*before));
	struct send s =
		next(wire(PACKET(.saddr = WORLD, .daddr = SOMEBODY, TCP(1, 2, ACK), VLAN(VLAN_OUTSIDE))));
	struct got got;

	case_begin(b, "leave: what was written for another plan says nothing");
	bench_plan(b, NULL);
	if (!before || bpf_map_lookup_elem(fd, &(uint32_t){ 0 }, before))
		fail(b, "cannot read sl_leave");
	that(b, bench_run(b, &s, &got) && got.retval == (uint32_t)TC_ACT_UNSPEC, "one leaves the VLAN alone");
	bench_plan(b, NODE1_HAS("\"managed_vlans\":[\"100-119\"]"));
	if (before && bpf_map_update_elem(fd, &(uint32_t){ 0 }, before, BPF_ANY))
		fail(b, "cannot write sl_leave");
	that(b, bench_run(b, &s, &got) && got.retval == TC_ACT_SHOT, "the next one drops it");
	bench_plan(b, NULL);
	case_end(b);
	free(before);
}

/* An interface has another MAC: the plan's rows change in their place, and what is said of them is said anew. */
static void patched(struct bench *b)
{
	struct sl_leave *after = malloc(sizeof(*after));
	struct sl_iface *iface;
	uint32_t before;
	struct trouble t;

	case_begin(b, "leave: what is written holds after rows of the plan were patched");
	bench_plan(b, NULL);
	before = b->kernel.generation;
	iface = bench_find(b->image, SL_TABLE_sl_iface, &(struct sl_iface_key){ .ifindex = UP0 });
	iface->mac[5] ^= 1;
	if (kernel_patch(&b->kernel, b->image, &t))
		fail(b, "%s", t.text);
	that(b, b->kernel.generation == before + 2, "the generation has moved on");
	if (!after || bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_leave], &(uint32_t){ 0 }, after))
		fail(b, "cannot read sl_leave");
	else
		that(b, after->in == b->kernel.generation && after->vlan[VLAN_OUTSIDE] && !after->vlan[NET_A],
		     "and it is spoken of");
	bench_plan(b, NULL);
	case_end(b);
	free(after);
}

void test_leave(struct bench *b)
{
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		for (uint64_t seed = 1; seed <= 2; seed++)
			differ(b, &plans[i], seed);
		if (b->cached)
			glances(b, &plans[i]);
		if (b->rows)
			wan_over(b);
	}
	stale(b);
	patched(b);
}
