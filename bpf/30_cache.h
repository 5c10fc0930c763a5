/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cache: what was decided for packets that go by all the time, found without a hash table. A line says the same as the
 * flow it was made from, or it does not hold: it dies with its plan, with its flow, and of age. Who changes what a
 * line may have been made from raises an epoch afterwards; who makes one has read the epochs before.
 */
#ifndef SL_BPF_CACHE_H
#define SL_BPF_CACHE_H
#include "packet.h"

/* Neither opens nor ends a connection. */
static __always_inline bool tcp_only_data(__u8 flags)
{
	return (flags & (SL_TCP_SYN | SL_TCP_FIN | SL_TCP_RST | SL_TCP_ACK)) == SL_TCP_ACK;
}

static __always_inline bool tcp_opens(__u8 flags)
{
	return (flags & (SL_TCP_SYN | SL_TCP_FIN | SL_TCP_RST | SL_TCP_ACK)) == SL_TCP_SYN;
}

/*
 * Of both addresses and both ports, as they stand in the packet. Both are spread before they are folded: where everybody
 * speaks to everybody by the same ports, one address must not undo the other.
 */
static __always_inline __u32 cache_hash(__u64 addresses, __u32 ports)
{
	__u64 hash = addresses * 0x874681fc2b2c54ddULL + ports * 0x5a44a1f13b75d04fULL;

	hash ^= hash >> 32;
	hash *= 0x559ce67645057e85ULL;
	return hash >> 32;
}

static __always_inline __u32 cache_flow_hash(const struct sl_flow_key *key)
{
	__u64 addresses;
	__u32 ports;

	__builtin_memcpy(&addresses, &key->saddr, sizeof(addresses));
	__builtin_memcpy(&ports, &key->sport, sizeof(ports));
	return cache_hash(addresses, ports);
}

static __always_inline struct sl_cache *cache_row(void)
{
	return ROW(sl_cache, struct sl_cache);
}

/* Epochs only rise, so that no two of their states have the same sum in the life of a line. */
static __always_inline __u32 cache_stamp(const struct sl_cache *cache, __u32 hash)
{
	return cache->epoch + cache->flow[hash & (SL_LINE_EPOCHS - 1)];
}

/*
 * The set that a packet's line would stand in on this processor. Of a cache that is off NULL, or one without a line; of a
 * flow that stands aside NULL, since there is no row of that number. The same packet by another door, or in a VLAN and in
 * none, has another.
 */
static __always_inline struct sl_line_set *cache_set(const struct sl_cache *cache, __u32 cpu, __u32 hash,
						     __u32 way_in)
{
	__u32 sets = cache->sets, at = cpu * (sets & SL_LINE_SETS) + ((hash ^ way_in >> 12) & (sets - 1));

	return bpf_map_lookup_elem(&sl_line, &at);
}

#define LINE_DOOR(door) ((door) | SL_LINE_LAYOUT)

/* In one piece, which their types do not allow. */
static __always_inline __u32 word32(const void *at)
{
	return *(const __u32 *)at;
}

static __always_inline __u64 word64(const void *at)
{
	return *(const __u64 *)at;
}

static __always_inline __u64 line_addresses(const struct sl_line *line)
{
	return word64(&line->saddr);
}

static __always_inline __u32 line_ports(const struct sl_line *line)
{
	return word32(&line->sport);
}

/* It ends within the second to come: also when the jiffies, of which a line has half, have gone round since. */
static __always_inline bool line_fresh(const struct sl_line *line)
{
	__u32 now = bpf_jiffies64();

	return line->expires - now - 1 < cache_row()->second;
}

static __always_inline bool line_holds(const struct sl_line *line, __u32 generation, __u32 stamp)
{
	return line->generation == generation && line->stamp == stamp && line_fresh(line);
}

/* Both at one stroke: the bytes of a line, which stand behind its packets, never come to more than a word. */
static __always_inline void line_add(struct sl_line *line, __u32 packets, __u32 bytes)
{
	_Static_assert(offsetof(struct sl_line, packets) % 8 == 0 &&
			       offsetof(struct sl_line, bytes) == offsetof(struct sl_line, packets) + 4,
		       "one word");
	*(__u64 *)&line->packets += packets | (__u64)bytes << 32;
}

/* The flow has ended or goes another way: after that was written. */
static __always_inline void cache_forget(const struct sl_flow_key *key)
{
	struct sl_cache *cache = cache_row();

	__sync_fetch_and_add(&cache->flow[cache_flow_hash(key) & (SL_LINE_EPOCHS - 1)], 1);
}

/* Something that many flows go by is another: after that was written. */
static __always_inline void cache_forget_all(void)
{
	__sync_fetch_and_add(&cache_row()->epoch, 1);
}

static __always_inline __u32 cache_refused(const struct sl_cache *cache, __u32 hash)
{
	return *(const volatile __u32 *)&cache->refused[hash & (SL_LINE_EPOCHS - 1)];
}

/*
 * Some line is to drop packets with this hash: who begins a flow has to know, and looks here after it was written.
 * Whether there is one is asked after this, so that one of both sees the other.
 */
static __always_inline __u32 cache_refuse(struct sl_cache *cache, __u32 hash)
{
	__u32 refused = cache_refused(cache, hash);

	if (refused & 1)
		return refused;
	return __sync_fetch_and_or(&cache->refused[hash & (SL_LINE_EPOCHS - 1)], 1) | 1;
}

/* Mostly there is no such line, and nothing that other processors would have to hear of. */
static __always_inline void cache_admit(struct sl_cache *cache, const struct sl_flow_key *key)
{
	__u32 hash = cache_flow_hash(key);

	if (cache_refused(cache, hash) & 1)
		__sync_fetch_and_add(&cache->refused[hash & (SL_LINE_EPOCHS - 1)], 1);
}

/* A flow has begun, and both halves were written: what was dropped before it is judged by it from now on. */
static __always_inline void cache_begin(const struct sl_flow_key *key, const struct sl_flow_key *peer)
{
	struct sl_cache *cache = cache_row();
	__u32 fence = 0;

	/* What is read now must not have been read before the flow was there for others to see. */
	__sync_lock_test_and_set(&fence, 1);
	cache_admit(cache, key);
	cache_admit(cache, peer);
}

static __always_inline bool line_refuses(const struct sl_line *line, const struct sl_cache *cache, __u32 hash)
{
	return line->refused == cache_refused(cache, hash);
}

/*
 * May a line drop the next packet like this one? Where the plan has the word, whatever other packets there have been:
 * nobody's flow, and a reason that follows from where the packet comes from and whom it is for.
 */
static __always_inline bool cache_refusable(const struct packet *p)
{
	const __u16 never = PACKET_DOUBLE_TAG | PACKET_FRAG_FIRST | PACKET_FRAG_LATER | PACKET_ICMP_ERROR |
			    PACKET_EXCUSED | PACKET_UNWRAPPED | PACKET_FLOW;

	if (p->reason != SL_DROP_POLICY && p->reason != SL_DROP_SPOOFED_SOURCE &&
	    p->reason != SL_DROP_SPOOFED_MAC)
		return false;
	if (p->flags & never || p->l4 - p->l3 != sizeof(struct sl_ipv4) || mac_multicast(p->dmac))
		return false;
	return p->key.proto == SL_PROTO_UDP ||
	       (p->key.proto == SL_PROTO_TCP && (tcp_only_data(p->tcp_flags) || tcp_opens(p->tcp_flags)));
}

/* Does what came through the tunnel name whom a packet of its flow always names? Never itself: see path_forwarded(). */
static __always_inline bool cache_named(const struct packet *p, const struct sl_verdict *v)
{
	if (!(v->flags & SL_VERDICT_SERVICE))
		return !p->backend;
	return v->flags & SL_VERDICT_DST && p->backend == v->daddr && p->backend != p->daddr;
}

/* May a line take the place of the flow? For packets like this one, which says nothing new about it. */
static __always_inline bool cache_worth(const struct packet *p, const struct sl_verdict *v)
{
	const __u16 never = PACKET_DOUBLE_TAG | PACKET_FRAG_FIRST | PACKET_FRAG_LATER | PACKET_ICMP_ERROR |
			    PACKET_EXCUSED | PACKET_AGAIN;

	if (p->door == DOOR_TUN_IN || p->door == DOOR_TUN_OUT)
		return false;
	if (p->flags & never || v->flags & (SL_VERDICT_MONITOR | SL_VERDICT_FORWARD) ||
	    p->l4 - p->l3 != sizeof(struct sl_ipv4))
		return false;
	if (v->action != SL_ACTION_STACK && v->action != SL_ACTION_LOCAL && v->action != SL_ACTION_WIRE &&
	    v->action != SL_ACTION_ROUTE && v->action != SL_ACTION_TUNNEL)
		return false;
	if (p->flags & PACKET_UNWRAPPED && (v->action == SL_ACTION_TUNNEL || !cache_named(p, v)))
		return false;
	return p->key.proto == SL_PROTO_UDP || (p->key.proto == SL_PROTO_TCP && tcp_only_data(p->tcp_flags));
}

#endif
