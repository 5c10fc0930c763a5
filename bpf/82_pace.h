/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pace: the last station of what leaves by an uplink. Marks the packet for the network and sends it when its rates
 * allow. A rate is a clock: the time at which everything let go so far will have left. A packet may go when all its
 * clocks allow, and moves each of them on by the time that it takes.
 *
 * Where the uplink's qdisc keeps to the time written on a packet, that time is written; where nothing can wait, what
 * comes too early is dropped. The uplink's own speed is a clock for each level: a packet waits only for those of its
 * level and of the levels before it, so that what is served first does not see the queue of what is served last; but a
 * sixteenth of the link is everybody's, or the last level would wait for ever.
 */
#ifndef SL_BPF_PACE_H
#define SL_BPF_PACE_H
#include "80_mark.h"
#include "95_count.h"

#define PACE_FRAME 38 /* preamble 8, Ethernet 14, check sequence 4, gap 12 */
#define PACE_SEGMENT 52 /* headers that each further segment has: IPv4 20, TCP 20, its timestamps 12 */
#define PACE_SHARE_SHIFT 4
/*
 * How far a link's clock may be ahead. What has been let go, or been given its time, stands before a packet of a
 * better level that comes a moment later: so beside a better level the last one gets little, while the first waits for
 * itself only.
 */
#define PACE_AHEAD_NS 32000000ULL /* beside a better level halved for each one; alone where nothing waits */
/*
 * Who is refused where nothing waits tries again after a time: TCP after 200 ms, then 400, then 800. What the rate
 * would have taken meanwhile is kept for it so long; a rate that refused nobody saves up no more than its burst.
 */
#define PACE_MEMORY_NS 1600000000ULL
/* A level is in use for a time after what it sent: so long for each packet, not for a few, and at most a second. */
#define PACE_USE_NS 100000000ULL
#define PACE_USE_FEW_NS (4 * PACE_USE_NS)
#define PACE_USE_MOST_NS (10 * PACE_USE_NS)

/* What a packet is to its rates. */
struct pace {
	__u64 now;
	__u64 at; /* when it may go */
	__u64 limit; /* and when at the latest */
	__u64 link_limit;
	__u64 alone_limit; /* the same while no better level uses the link */
	struct sl_qos_key as; /* what it is counted as */
	__u32 bytes;
	__u32 packets;
	__u16 tenant;
	__u8 level;
	__u8 rescued; /* by its level's share */
	__u8 alone; /* no better level uses the link */
	__u8 own; /* of the tunnel itself: without it nothing goes */
	__u8 waits; /* the qdisc keeps to times */
	__u8 around; /* bytes that the tunnel has put around: the link's, nobody's rate */
};

static __always_inline __u64 later(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

static __always_inline __u64 pace_cost(const struct sl_rate *rate, __u64 bytes)
{
	return bytes * rate->cost >> SL_COST_SHIFT;
}

/* From when on a clock's time may be used that has not been. */
static __always_inline __u64 pace_earliest(const struct pace *pace, const struct sl_rate *rate, __u64 refused)
{
	if (!pace->waits && refused + PACE_MEMORY_NS > pace->now)
		return pace->now - PACE_MEMORY_NS;
	return pace->now - rate->burst;
}

static __always_inline struct sl_shaper *pace_shaper(const struct sl_rate_key *key)
{
	struct sl_rate_key own = *key;
	struct sl_shaper *s = bpf_map_lookup_elem(&sl_shaper, &own), fresh = {};

	if (s)
		return s;
	bpf_map_update_elem(&sl_shaper, &own, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sl_shaper, &own);
}

/*
 * Asks (`take` false), or takes, the packet's part of a rate. False: it would come too late. What was asked and is
 * taken a moment later by two CPUs at once goes over the rate for that moment only.
 */
static __always_inline bool pace_rate_body(const struct packet *p, struct pace *pace, __u32 kind, __u32 id,
					   bool take)
{
	struct sl_rate_key key = { .kind = kind, .id = id };
	const struct sl_rate *rate = id ? plan_row(&sl_rate, p->slot, &key) : NULL;
	struct sl_shaper *s;
	__u64 earliest, cost;

	if (!rate)
		return true;
	s = pace_shaper(&key);
	if (!s)
		return true;
	if (!take) {
		pace->at = later(pace->at, s->clock);
		if (s->clock <= pace->limit)
			return true;
		s->refused = pace->now;
		return false;
	}
	earliest = pace_earliest(pace, rate, s->refused);
	cost = pace_cost(rate, pace->bytes);
	bpf_spin_lock(&s->lock);
	s->clock = later(s->clock, earliest) + cost;
	bpf_spin_unlock(&s->lock);
	return true;
}
STATION(bool, pace_rate, (const struct packet *p, struct pace *pace, __u32 kind, __u32 id, bool take),
	p &&pace, (p, pace, kind, id, take))

/* By what name the packets of the sender's label are counted, paced or not. */
static __always_inline __u32 pace_label(const struct packet *p, __u16 tenant)
{
	struct sl_rate_key key = { .kind = SL_RATE_LABEL, .id = tenant };
	const struct sl_rate *rate = tenant ? plan_row(&sl_rate, p->slot, &key) : NULL;

	return rate ? rate->name : 0;
}

/* Not on the stack, of which there is little. */
static const __u64 pace_no_link[sizeof(struct sl_link) / sizeof(__u64)];

static __always_inline struct sl_link *pace_link_row(__u32 ifindex)
{
	struct sl_link *link = bpf_map_lookup_elem(&sl_link, &ifindex);

	if (link)
		return link;
	bpf_map_update_elem(&sl_link, &ifindex, pace_no_link, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sl_link, &ifindex);
}

/* Is a better level in use? The tunnel's own packets, level 0, come too seldom to count. */
static __always_inline bool pace_better(const struct sl_link *link, const struct pace *pace)
{
	__u64 until = 0;

#pragma unroll
	for (int i = 1; i < SL_LEVELS; i++) {
		if (i < pace->level)
			until = later(until, link->used[i]);
	}
	return until > pace->now + PACE_USE_FEW_NS;
}

static __always_inline bool pace_link_body(const struct packet *p, struct pace *pace, bool take)
{
	struct sl_rate_key key = { .kind = SL_RATE_LINK, .id = p->ifindex };
	const struct sl_rate *rate = plan_row(&sl_rate, p->slot, &key);
	struct sl_link *link;
	__u64 earliest, cost, until;
	__u32 level = pace->level & (SL_LEVELS - 1);

	if (!rate)
		return true;
	link = pace_link_row(p->ifindex);
	if (!link)
		return true;
	if (!take) {
		pace->alone = !pace_better(link, pace);
		if (pace->alone)
			pace->link_limit = pace->alone_limit;
		if (link->clock[level] <= pace->link_limit) {
			pace->at = later(pace->at, link->clock[level]);
			return true;
		}
		if (pace->alone && !pace->waits)
			link->refused = pace->now;
		pace->rescued = !pace->alone && link->share[level] <= pace->now;
		if (pace->waits) /* behind those of its flow that have been given their times */
			pace->at = later(pace->at, pace->link_limit);
		return pace->rescued;
	}
	earliest = pace_earliest(pace, rate, pace->alone ? link->refused : 0);
	cost = pace_cost(rate, pace->bytes + pace->around + (__u64)PACE_FRAME * pace->packets);
	bpf_spin_lock(&link->lock);
	if (p->ethertype == SL_ETH_IPV4) {
		until = later(link->used[level], pace->now) + pace->packets * PACE_USE_NS;
		if (until > pace->now + PACE_USE_MOST_NS)
			until = pace->now + PACE_USE_MOST_NS;
		link->used[level] = until;
	}
	if (pace->rescued) {
		link->share[level] = later(link->share[level], earliest) + (cost << PACE_SHARE_SHIFT);
		level = 0;
	}
#pragma unroll
	for (int i = 0; i < SL_LEVELS; i++) {
		if (i >= (int)level)
			link->clock[i] = later(link->clock[i], earliest) + cost;
	}
	bpf_spin_unlock(&link->lock);
	return true;
}
STATION(bool, pace_link, (const struct packet *p, struct pace *pace, bool take), p &&pace, (p, pace, take))

static __always_inline bool pace_rates_body(const struct packet *p, struct pace *pace, bool take)
{
	return pace_rate(p, pace, SL_RATE_LABEL, pace->tenant, take) &&
	       (pace->own || pace_rate(p, pace, SL_RATE_CLUSTER, p->cluster, take)) &&
	       pace_rate(p, pace, SL_RATE_CLASS, p->qos, take) && pace_link(p, pace, take);
}
STATION(bool, pace_rates, (const struct packet *p, struct pace *pace, bool take), p &&pace, (p, pace, take))

static const __u64 pace_no_delay[sizeof(struct sl_qos_delay) / sizeof(__u64)];

static __always_inline void pace_delayed_body(const struct sl_qos_key *as, __u32 packets, __u64 ns)
{
	struct sl_qos_key key = *as;
	struct sl_qos_delay *delay = bpf_map_lookup_elem(&sl_qos_delay, &key);
	__u64 us = ns / 1000;
	__u32 bucket = 0;

	if (!delay) {
		bpf_map_update_elem(&sl_qos_delay, &key, pace_no_delay, BPF_NOEXIST);
		delay = bpf_map_lookup_elem(&sl_qos_delay, &key);
	}
	if (!delay) {
		stat(SL_STAT_UNCOUNTED);
		return;
	}
#pragma unroll
	for (int i = 0; i < SL_DELAY_BUCKETS - 1; i++)
		bucket += us > (__u32)SL_DELAY_FIRST_US << i;
	delay->sum_us += us * packets;
	delay->bucket[bucket & (SL_DELAY_BUCKETS - 1)] += packets;
}
STATION_VOID(pace_delayed, (const struct sl_qos_key *as, __u32 packets, __u64 ns), as, (as, packets, ns))

static __always_inline void pace_count_body(const struct pace *pace, bool dropped, bool delayed)
{
	struct sl_qos_key key = pace->as;
	struct sl_qos *row = bpf_map_lookup_elem(&sl_qos, &key), zero = {};

	if (!row) {
		bpf_map_update_elem(&sl_qos, &key, &zero, BPF_NOEXIST);
		row = bpf_map_lookup_elem(&sl_qos, &key);
	}
	if (!row) {
		stat(SL_STAT_UNCOUNTED);
		return;
	}
	if (dropped) {
		row->dropped += pace->packets;
		row->dropped_bytes += pace->bytes;
		return;
	}
	row->packets += pace->packets;
	row->bytes += pace->bytes;
	if (delayed)
		row->delayed += pace->packets;
}
STATION_VOID(pace_count, (const struct pace *pace, bool dropped, bool delayed), pace,
	     (pace, dropped, delayed))

/* WireGuard's packets begin with their type; handshakes and cookies are the others. */
static __always_inline bool pace_tunnel_data(struct __sk_buff *ctx, const struct packet *p)
{
	__u8 *type = packet_begin(ctx) + (p->l3 & 0x3f) + sizeof(struct sl_ipv4) + sizeof(struct sl_udp);

	return (void *)(type + 1) <= packet_end(ctx) && *type == SL_WIREGUARD_DATA;
}

/* The class of what the tunnel has hidden, and the bytes that it hides. */
static __always_inline void pace_tunnel(struct __sk_buff *ctx, struct packet *p, struct pace *pace)
{
	p->qos = 0;
	pace->own = pace->bytes <= SL_WIREGUARD_BYTES || !pace_tunnel_data(ctx, p); /* or a keepalive */
	if (pace->own)
		return;
	if (mark_from_hash(ctx, p, &pace->tenant))
		stat(SL_STAT_CLASS_CARRIED);
	else
		stat(SL_STAT_CLASS_LOST);
	pace->bytes -= SL_WIREGUARD_BYTES;
	pace->around = SL_WIREGUARD_BYTES;
}

/* Neither the network nor another cluster has a say in what leaves here: DSCP that a packet came in with goes. */
static __always_inline bool pace_transit(struct __sk_buff *ctx, const struct packet *p)
{
	struct sl_iface_key key = { .ifindex = ctx->ingress_ifindex };
	const struct sl_iface *from = key.ifindex ? plan_row(&sl_iface, p->slot, &key) : NULL;

	return key.ifindex && (!from || from->kind != SL_IFACE_WORKLOAD);
}

static __always_inline void pace_mark(struct __sk_buff *ctx, const struct packet *p,
				      const struct sl_class *class, bool judged)
{
	if (p->qos && class->name)
		ctx->priority = class->priority;
	if (p->ethertype != SL_ETH_IPV4)
		return;
	if (p->qos && class->name)
		mark_dscp(ctx, p->l3, class->dscp);
	else if (judged && pace_transit(ctx, p))
		mark_dscp(ctx, p->l3, 0);
}

static __always_inline int pace_packet_body(struct __sk_buff *ctx, struct packet *p, bool judged)
{
	const struct sl_setting *setting = classify_setting(p);
	const struct sl_iface *uplink = classify_interface(p);
	struct pace pace = {};
	const struct sl_class *class;
	__u32 qos;
	bool go = true;

	if (!setting || !(setting->flags & SL_SETTING_QOS) || !uplink)
		return TC_ACT_UNSPEC;
	pace.now = bpf_ktime_get_ns();
	pace.packets = packet_segments(ctx);
	pace.bytes = ctx->len > p->l3 ? ctx->len - p->l3 : 0;
	pace.bytes += (pace.packets - 1) * PACE_SEGMENT;
	if (p->cluster)
		pace_tunnel(ctx, p, &pace);
	qos = p->qos & (SL_CLASSES - 1);
	class = plan_row(&sl_class, p->slot, &qos);
	if (!class)
		return TC_ACT_UNSPEC;
	pace.level = pace.own ? 0 : class->level;
	pace.as.class = class->name;
	pace.as.cluster = p->cluster;
	pace.as.label = pace_label(p, pace.tenant);
	pace_mark(ctx, p, class, judged);
	pace.limit = pace.now;
	pace.link_limit = pace.now + (PACE_AHEAD_NS >> pace.level);
	pace.alone_limit = pace.now + PACE_AHEAD_NS;
	if (uplink->flags & SL_IFACE_EDT) {
		pace.waits = true;
		pace.limit = pace.now + setting->horizon_ms * 1000000ULL;
		pace.alone_limit = pace.now + (setting->horizon_ms * 1000000ULL >> pace.level / 2);
		if (pace.link_limit > pace.alone_limit)
			pace.link_limit = pace.alone_limit;
	}
	if (!(uplink->flags & SL_IFACE_SHAPED))
		go = pace_rates(p, &pace, false);
	if (!go && p->ethertype == SL_ETH_IPV4) {
		struct sl_drop_key drop = { .reason = SL_DROP_QOS_RATE, .outcome = SL_DROPPED };

		pace_count(&pace, true, false);
		count_row(&sl_drop, &drop, pace.packets, pace.bytes);
		return TC_ACT_SHOT;
	}
	if (!(uplink->flags & SL_IFACE_SHAPED))
		pace_rates(p, &pace, true);
	if (!(uplink->flags & SL_IFACE_EDT) || p->ethertype != SL_ETH_IPV4)
		pace.at = 0;
	pace_count(&pace, false, pace.at > pace.now);
	if (pace.at > pace.now) {
		ctx->tstamp = pace.at;
		pace_delayed(&pace.as, pace.packets, pace.at - pace.now);
	}
	return TC_ACT_UNSPEC;
}
STATION(int, pace_packet, (struct __sk_buff * ctx, struct packet *p, bool judged), p, (ctx, p, judged))

#endif
