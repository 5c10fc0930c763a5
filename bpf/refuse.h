/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What judging a packet can come to, and how a reason against it becomes a drop, or is excused by a network that only
 * monitors.
 */
#ifndef SL_BPF_REFUSE_H
#define SL_BPF_REFUSE_H
#include "20_classify.h"
#include "30_cache.h"

enum path_result {
	PATH_UNTOUCHED, /* not the plan's business */
	PATH_JUDGED, /* the verdict says what to do */
	PATH_ARP, /* judged by its own station, in TC */
	PATH_L2, /* allowed, to be delivered by MAC, in TC */
};

#define BROKEN 0ULL
#define JUDGED 1ULL
/* The reasons a monitor lets pass, as bits. */
#define SL_REASON(symbol, name, weight, text) | ((weight) << SL_DROP_##symbol)
static const __u64 path_excusable = 0ULL
#include "../include/reasons.def"
	;
#undef SL_REASON
#undef BROKEN
#undef JUDGED
_Static_assert(SL_REASONS < 64, "path_excusable is 64 bits");

static __always_inline void path_begin(struct packet *p, __u8 door, __u32 ifindex)
{
	__builtin_memset(p, 0, sizeof(*p));
	p->door = door;
	p->ifindex = ifindex;
}

static __always_inline enum path_result path_drop(struct sl_verdict *v, __u32 reason)
{
	v->action = SL_ACTION_DROP;
	v->reason = reason;
	return PATH_JUDGED;
}

/* Does a network of the plan say what happens here? The world and this node say nothing. */
static __always_inline bool path_enforced(const struct packet *p, __u16 network)
{
	const struct sl_network *row = classify_network(p, network);

	return row && !(row->flags & SL_NETWORK_MONITOR);
}

/*
 * A reason is excused when every network it concerns only monitors: one that enforces is not opened by the
 * other end's monitor.
 */
static __always_inline bool path_refuse_body(struct packet *p, struct sl_verdict *v, bool both)
{
	bool monitored = p->net_flags & SL_NETWORK_MONITOR;

	if (both)
		monitored = !path_enforced(p, v->src_network) && !path_enforced(p, v->dst_network) &&
			    (classify_network(p, v->src_network) || classify_network(p, v->dst_network));
	v->reason = p->reason;
	if (monitored && path_excusable >> (p->reason & 63) & 1) {
		p->flags |= PACKET_EXCUSED;
		v->flags |= SL_VERDICT_MONITOR;
		return false;
	}
	v->action = SL_ACTION_DROP;
	if (cache_refusable(p))
		p->flags |= PACKET_LINE;
	return true;
}
STATION(bool, path_refuse, (struct packet * p, struct sl_verdict *v, bool both), p &&v, (p, v, both))

/*
 * Does a reason, 0 for none, stop the packet here? It goes through memory so that the verifier forgets which
 * one it is; following each of them through what comes after would take it minutes on a slow machine.
 */
static __always_inline bool path_stop(struct packet *p, struct sl_verdict *v, __u32 reason, bool both)
{
	*(volatile __u8 *)&p->reason = reason;
	return *(volatile __u8 *)&p->reason && path_refuse(p, v, both);
}

#endif
