/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fill: a line of the cache is written when a flow's verdict was obeyed, and counted when another takes its place. One
 * that holds stays: where more flows meet in a set than it has lines, the others go the long way meanwhile.
 */
#ifndef SL_BPF_FILL_H
#define SL_BPF_FILL_H
#include "30_cache.h"
#include "40_flow.h"
#include "60_service.h"
#include "95_count.h"

/* A flow that was not made before the line is another one with the same key. */
static __always_inline void line_count_flow(const struct sl_line *line, __u32 packets, __u32 bytes)
{
	struct sl_flow_key key = {
		.saddr = line->saddr,
		.daddr = line->daddr,
		.sport = line->sport,
		.dport = line->dport,
		.vpc = line->vpc,
		.proto = line->proto,
	};
	struct sl_flow *f = bpf_map_lookup_elem(&sl_flow, &key);
	__u32 now = tick_now(), seen = line->filled + SL_TICKS(1);

	if (!f || (__s32)(f->created - line->filled) >= 0)
		return;
	__sync_fetch_and_add(&f->packets, packets);
	__sync_fetch_and_add(&f->bytes, bytes);
	/* When it went by last is known to the second: rather too late than before the flow's time. */
	if ((__s32)(now - seen) < 0)
		seen = now;
	if ((__s32)(seen - f->seen) > 0)
		f->seen = seen;
}

static __always_inline void line_count_dropped(const struct sl_line *line, __u32 packets, __u32 bytes)
{
	struct sl_drop_key key = {
		.network = line->verdict.in_network,
		.reason = line->verdict.reason,
		.outcome = SL_DROPPED,
	};
	struct sl_count *count = count_find(&sl_drop, &key);

	if (!count)
		return;
	__sync_fetch_and_add(&count->packets, packets);
	__sync_fetch_and_add(&count->bytes, bytes);
}

static __always_inline void line_count_served(const struct sl_line *line, __u32 packets, __u32 bytes)
{
	struct sl_served_key key = line->served;
	struct sl_served *served = service_row(&key);

	if (!served)
		return;
	if (line->verdict.flags & SL_VERDICT_ANSWER) {
		__sync_fetch_and_add(&served->reply_packets, packets);
		__sync_fetch_and_add(&served->reply_bytes, bytes);
	} else {
		__sync_fetch_and_add(&served->packets, packets);
		__sync_fetch_and_add(&served->bytes, bytes);
	}
}

static __always_inline void line_count_stat(__u32 id, __u32 packets)
{
	__u64 *value = bpf_map_lookup_elem(&sl_stat, &id);

	if (value)
		__sync_fetch_and_add(value, packets);
}

/*
 * Counts what the line holds; it goes on holding, if it has not expired. On kernels where a run for the agent can be
 * interrupted by packets, these find the line busy, and what they count elsewhere is not lost, since everything here is
 * added at one stroke.
 */
static __always_inline void line_flush_body(struct sl_line *line)
{
	volatile __u8 *state = &line->state;
	volatile __u32 *generation = &line->generation;
	__u32 made, packets, bytes;
	struct sl_traffic_key key = { .outcome = line->flags & SL_LINE_REFUSE ? SL_DROPPED : SL_PASSED };
	struct sl_count *count;

	*state = SL_LINE_BUSY;
	barrier();
	made = *generation;
	*generation = 0;
	barrier();
	/* Whoever else may be at it, as two commands beside each other, finds nothing left to count. */
	packets = __sync_lock_test_and_set(&line->packets, 0);
	bytes = __sync_lock_test_and_set(&line->bytes, 0);
	key.src_network = line->verdict.src_network;
	key.dst_network = line->verdict.dst_network;
	if (packets) {
		count = count_find(&sl_traffic, &key);
		if (count) {
			__sync_fetch_and_add(&count->packets, packets);
			__sync_fetch_and_add(&count->bytes, bytes);
		}
		if (line->flags & SL_LINE_REFUSE)
			line_count_dropped(line, packets, bytes);
		else
			line_count_flow(line, packets, bytes);
		if (line->flags & SL_LINE_SERVED)
			line_count_served(line, packets, bytes);
		line_count_stat(SL_STAT_LINE_PACKETS, packets);
		if (line->flags & SL_LINE_WRAP)
			line_count_stat(SL_STAT_TUNNEL_SENT, packets);
		if (line->flags & SL_LINE_UNWRAP)
			line_count_stat(SL_STAT_TUNNEL_RECEIVED, packets);
	}
	barrier();
	if (line_fresh(line))
		*generation = made;
	*state = 0;
}
STATION_VOID(line_flush, (struct sl_line * line), line, (line))

/* What XDP has judged TC will meet again, and knows by the same line. */
static __always_inline __u8 line_door(const struct packet *p)
{
	if (p->flags & PACKET_UNWRAPPED)
		return DOOR_UNWRAPPED;
	return p->door == DOOR_UP_XDP ? DOOR_UP_IN : p->door;
}

/* Where there is a tag at all, it names a VLAN; by now it may have been taken off. */
static __always_inline __u16 line_vlan(const struct packet *p)
{
	__u16 opens = flow_opens(p) ? SL_LINE_OPENS : 0;

	return opens | (p->vlan ? SL_LINE_TAGGED | p->vlan : 0);
}

/* In one word, as a line has them. */
static __always_inline __u32 line_way_in(const struct packet *p)
{
	return line_vlan(p) | (__u32)LINE_DOOR(line_door(p)) << 16 | (__u32)p->key.proto << 24;
}

/* Is it the packet's own, void or not? */
static __always_inline bool line_own(const struct sl_line *line, const struct packet *p)
{
	return line->saddr == p->key.saddr && line->daddr == p->key.daddr && line->sport == p->key.sport &&
	       line->dport == p->key.dport && line->ifindex == p->ifindex &&
	       word32(&line->vlan) == line_way_in(p);
}

/* Where its line may stand. NULL: the cache is off, or it stands aside. */
static __always_inline struct sl_line_set *line_set(const struct sl_cache *cache, const struct packet *p,
						    __u32 hash)
{
	return cache->sets ? cache_set(cache, bpf_get_smp_processor_id(), hash, line_way_in(p)) : NULL;
}

/*
 * The line to be written: the packet's own, or one that does not hold; for a flow also one of what is left alone or
 * dropped, since anybody can send that. NULL: all hold, or are being counted.
 */
static __always_inline struct sl_line *line_choose(struct sl_line_set *set, const struct sl_cache *cache,
						   const struct packet *p, bool flow)
{
	struct sl_line *line, *chosen = NULL, *left = NULL;

#pragma unroll
	for (__u32 way = 0; way < SL_LINE_WAYS; way++) {
		bool holds;
		__u32 other;

		line = &set->way[way];
		if (line->state == SL_LINE_BUSY)
			continue;
		other = cache_hash(line_addresses(line), line_ports(line));
		holds = line_holds(line, p->generation, cache_stamp(cache, other)) &&
			line->bytes < SL_LINE_BYTES &&
			(!(line->flags & SL_LINE_REFUSE) || line_refuses(line, cache, other));
		if (line_own(line, p)) {
			if (holds)
				return NULL;
			chosen = line;
			break;
		}
		if (!chosen && !holds)
			chosen = line;
		if (line->flags & (SL_LINE_LEAVE | SL_LINE_REFUSE))
			left = line;
	}
	if (flow)
		stat(SL_STAT_LINES_MISSED);
	return chosen || !flow ? chosen : left;
}

/* What is written in front of a packet for another node. */
static __always_inline void line_wraps(struct sl_line *line, const struct sl_setting *setting)
{
	line->flags |= SL_LINE_WRAP;
	line->outer.saddr = setting->node_addr;
	line->outer.vni = bpf_htonl(setting->tunnel_vni << 8);
	line->outer.port = setting->tunnel_port;
	line->outer.room = setting->tunnel_mtu - SL_TUNNEL_BYTES;
}

/* Which MACs and hops the verdict means. False: the neighbour is not known any more. */
static __always_inline bool line_ends(struct sl_line *line, const struct packet *p,
				      const struct sl_setting *setting, const struct sl_verdict *v)
{
	const __u8 router[6] = SL_ROUTER_MAC;
	struct sl_iface_key uplink_key = { .ifindex = v->ifindex };
	struct sl_neigh_key key = { .ifindex = v->ifindex, .vlan = v->vlan, .addr = v->next_hop };
	const struct sl_iface *uplink;
	const struct sl_neigh *neigh;
	bool wire = v->action == SL_ACTION_WIRE;

	if (v->action == SL_ACTION_TUNNEL) {
		line_wraps(line, setting);
		return true;
	}
	if (v->action == SL_ACTION_STACK ||
	    (wire && !(v->flags & (SL_VERDICT_NEXT_HOP | SL_VERDICT_SET_DMAC))))
		return true;
	if (v->flags & SL_VERDICT_ROUTED)
		line->flags |= SL_LINE_HOP;
	if (v->action == SL_ACTION_ROUTE)
		return true;
	__builtin_memcpy(line->dmac, v->dmac, 6);
	if (wire) {
		uplink = plan_row(&sl_iface, p->slot, &uplink_key);
		if (!uplink)
			return false;
		line->flags |= SL_LINE_DMAC | SL_LINE_SMAC;
		__builtin_memcpy(line->smac, uplink->mac, 6);
		if (!(v->flags & SL_VERDICT_NEXT_HOP))
			return true;
		neigh = bpf_map_lookup_elem(&sl_neigh, &key);
		if (!neigh || neigh->state != SL_NEIGH_KNOWN)
			return false;
		__builtin_memcpy(line->dmac, neigh->mac, 6);
		return true;
	}
	if (v->flags & SL_VERDICT_SET_DMAC)
		line->flags |= SL_LINE_DMAC;
	if (v->flags & SL_VERDICT_ROUTED) {
		line->flags |= SL_LINE_SMAC;
		__builtin_memcpy(line->smac, router, 6);
	}
	return true;
}

static __always_inline __u32 sum32(__u32 word)
{
	return (word & 0xffff) + (word >> 16);
}

static __always_inline __u32 delta32(__u32 sum, __u32 from, __u32 to)
{
	return sum + sum32(~from) + sum32(to);
}

static __always_inline void line_keep(struct sl_line *line, const struct sl_verdict *v)
{
	line->verdict = (struct sl_line_verdict){
		.action = v->action,
		.reason = v->reason,
		.flags = v->flags,
		.ifindex = v->ifindex,
		.vlan = v->vlan,
		.in_network = v->in_network,
		.src_network = v->src_network,
		.dst_network = v->dst_network,
		.qos = v->qos,
		.next_hop = v->next_hop,
		.saddr = v->saddr,
		.daddr = v->daddr,
		.sport = v->sport,
		.dport = v->dport,
	};
}

/*
 * All that is written over the addresses and ports, whichever of them the verdict means; and what of each such packet's
 * sums is the same.
 */
static __always_inline void line_rewrite(struct sl_line *line)
{
	struct sl_line_verdict *v = &line->verdict;

	line->delta = 0;
	/* XDP asks for this one of each packet that it brings to a workload. */
	v->pseudo = sl_csum_fold(sum32(line->saddr) + sum32(line->daddr) + bpf_htons(line->proto) +
				 (__u16)~bpf_htons(sizeof(struct sl_ipv4)));
	if (!(v->flags & (SL_VERDICT_SRC | SL_VERDICT_DST)))
		return;
	line->flags |= SL_LINE_NAT;
	if (!(v->flags & SL_VERDICT_SRC)) {
		v->saddr = line->saddr;
		v->sport = line->sport;
	}
	if (!(v->flags & SL_VERDICT_DST)) {
		v->daddr = line->daddr;
		v->dport = line->dport;
	}
	line->delta = sl_csum_fold(delta32(delta32(0, line->saddr, v->saddr), line->daddr, v->daddr));
	v->ip_delta = sl_csum_fold((__u32)line->delta + (line->flags & SL_LINE_HOP ? DELIVER_HOP : 0));
	v->l4_delta = sl_csum_fold(delta32(line->delta, line_ports(line), word32(&v->sport)));
}

/* Who goes on by another way than its VLAN. */
static __always_inline bool line_untags(const struct packet *p, const struct sl_verdict *v)
{
	return line_vlan(p) &&
	       (v->action == SL_ACTION_LOCAL || v->action == SL_ACTION_TUNNEL ||
		(v->action == SL_ACTION_WIRE && p->door == DOOR_UP_OUT) ||
		(v->action == SL_ACTION_STACK && v->flags & SL_VERDICT_DST && line_door(p) == DOOR_UP_IN));
}

/*
 * May XDP bring it to the workload? One that takes such frames, and packets as they are, without the kernel's word for
 * whom they are; what looks untagged to XDP may have its tag beside the frame.
 */
static __always_inline bool line_by_xdp(const struct sl_line *line, const struct packet *p,
					const struct sl_verdict *v)
{
	const __u16 wants = SL_LINE_UNTAG | SL_LINE_DMAC;
	struct sl_iface_key key = { .ifindex = v->ifindex };
	const struct sl_iface *iface;

	if (v->action != SL_ACTION_LOCAL || !(v->flags & SL_VERDICT_PEER) || line_door(p) != DOOR_UP_IN ||
	    (line->flags & wants) != wants)
		return false;
	iface = plan_row(&sl_iface, p->slot, &key);
	return iface && iface->flags & SL_IFACE_XDP;
}

/* What the packets take along to the next door. */
static __always_inline __u32 line_mark(const struct sl_setting *setting, const struct packet *p,
				       const struct sl_verdict *v)
{
	if ((v->action == SL_ACTION_LOCAL && v->flags & SL_VERDICT_PEER) ||
	    (v->action == SL_ACTION_STACK && v->flags & SL_VERDICT_HERE))
		return 0;
	return setting->judged_mark | p->qos * (setting->judged_mark >> 3);
}

/* Makes it the packet's own, void as yet. */
static __always_inline void line_take(struct sl_line *line, const struct sl_cache *cache,
				      const struct packet *p)
{
	line_flush(line);
	line->generation = 0;
	line->flags = 0;
	line->saddr = p->key.saddr;
	line->daddr = p->key.daddr;
	line->sport = p->key.sport;
	line->dport = p->key.dport;
	line->ifindex = p->ifindex;
	line->vlan = line_vlan(p);
	line->door = LINE_DOOR(line_door(p));
	line->proto = p->key.proto;
	line->stamp = p->stamp;
	line->expires = (__u32)bpf_jiffies64() + cache->second;
}

static __always_inline void line_fill_body(const struct packet *p, const struct sl_verdict *v)
{
	const struct sl_setting *setting = classify_setting(p);
	const struct sl_iface *iface = classify_interface(p);
	const struct sl_cache *cache = cache_row();
	__u32 hash = cache_flow_hash(&p->key);
	struct sl_line_set *set = line_set(cache, p, hash);
	struct sl_line *line;

	if (!set || !setting || !iface)
		return;
	/* Who leaves has clocks to ask. */
	if (p->door == DOOR_UP_OUT && setting->flags & SL_SETTING_QOS)
		return;
	line = line_choose(set, cache, p, true);
	if (!line)
		return;
	line_take(line, cache, p);
	if (!line_ends(line, p, setting, v))
		return;
	line->vpc = p->key.vpc;
	line->filled = tick_now();
	line->mark = line_mark(setting, p, v);
	line_keep(line, v);
	line_rewrite(line);
	if (p->flags & PACKET_UNWRAPPED) {
		line->flags |= SL_LINE_UNWRAP;
		line->verdict.next_hop = p->backend;
	}
	if (line_untags(p, v))
		line->flags |= SL_LINE_UNTAG;
	if (line_by_xdp(line, p, v))
		line->flags |= SL_LINE_XDP;
	if (p->door == DOOR_WL_IN && setting->flags & SL_SETTING_QOS && !(iface->flags & SL_IFACE_TRUST_DSCP))
		line->flags |= SL_LINE_WASH;
	if (v->flags & (SL_VERDICT_SERVICE | SL_VERDICT_ANSWER)) {
		line->flags |= SL_LINE_SERVED;
		service_served_key(p, v, &line->served);
	}
	stat(SL_STAT_LINES_FILLED);
	barrier();
	line->generation = p->generation;
}
STATION_VOID(line_fill, (const struct packet *p, const struct sl_verdict *v), p &&v, (p, v))

/* The same for what is none of the plan's business whatever flows there are. */
static __always_inline void line_leave_body(const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);
	const struct sl_cache *cache = cache_row();
	__u32 hash = cache_flow_hash(&p->key);
	struct sl_line_set *set = line_set(cache, p, hash);
	struct sl_line *line;

	if (!set || !setting || (p->door == DOOR_UP_OUT && setting->flags & SL_SETTING_QOS))
		return;
	/* Whether it is a delivery between nodes its length and content say, too. */
	if (p->key.proto == SL_PROTO_UDP && p->key.dport == setting->tunnel_port)
		return;
	line = line_choose(set, cache, p, false);
	if (!line)
		return;
	line_take(line, cache, p);
	line->flags = SL_LINE_LEAVE;
	stat(SL_STAT_LINES_FILLED);
	barrier();
	line->generation = p->generation;
}
STATION_VOID(line_leave, (const struct packet *p), p, (p))

/* Is what becomes of the packet also other nodes' business, or that of mappings that come and go? */
static __always_inline bool line_depends(const struct packet *p)
{
	const struct sl_setting *setting = classify_setting(p);

	return !setting || (p->key.proto == SL_PROTO_UDP && p->key.dport == setting->tunnel_port) ||
	       eip_row(p, p->daddr);
}

/* Has one like it been the last that was dropped and is noted at its place in the set? From now on it has. */
static __always_inline bool line_noted(struct sl_line_set *set, __u32 hash)
{
	/* Of bits that do not choose the set, nor who stands aside. */
	__u8 *noted = &set->way[(hash >> 18) % SL_LINE_WAYS].noted, note = hash >> 20;

	if (*noted == note)
		return true;
	*noted = note;
	return false;
}

/*
 * The same for what the plan drops. Most of a flood comes once: only what comes again is worth a line. Whether a flow has
 * begun since the packet was judged is asked once more.
 */
static __always_inline void line_refuse_body(const struct packet *p, const struct sl_verdict *v)
{
	__u32 hash = cache_flow_hash(&p->key);
	struct sl_cache *cache = cache_row();
	struct sl_line_set *set = line_set(cache, p, hash);
	struct sl_line *line;
	bool unanswered;

	if (!set || !line_noted(set, hash) || line_depends(p))
		return;
	line = line_choose(set, cache, p, false);
	if (!line)
		return;
	line_take(line, cache, p);
	line->refused = cache_refuse(cache, hash);
	barrier();
	if (flow_lookup(&p->key, &unanswered))
		return;
	line->flags = SL_LINE_REFUSE;
	line_keep(line, v);
	__builtin_memcpy(line->smac, p->smac, 6);
	stat(SL_STAT_LINES_FILLED);
	barrier();
	line->generation = p->generation;
}
STATION_VOID(line_refuse, (const struct packet *p, const struct sl_verdict *v), p &&v, (p, v))

#endif
