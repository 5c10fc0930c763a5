/* SPDX-License-Identifier: GPL-2.0 */
/*
 * flow: what was decided for a connection and how far the connection is. Two entries a flow, one per
 * direction. An entry is obeyed only while the plan that judged it is the active one and the packet came
 * in where the entry expects it; otherwise the packet is judged again (see path.h).
 */
#ifndef SL_BPF_FLOW_H
#define SL_BPF_FLOW_H
#include "30_cache.h"

static __always_inline void flow_reverse(struct sl_flow_key *to, const struct sl_flow_key *from)
{
	to->saddr = from->daddr;
	to->daddr = from->saddr;
	to->sport = from->dport;
	to->dport = from->sport;
	to->vpc = from->vpc;
	to->proto = from->proto;
	to->pad = 0;
}

/* The key by which the other direction of a packet with this verdict will be found. */
static __always_inline void flow_answer_key(struct sl_flow_key *to, const struct packet *p,
					    const struct sl_verdict *v)
{
	flow_reverse(to, &p->key);
	if (v->flags & SL_VERDICT_DST) {
		to->saddr = v->daddr;
		to->sport = v->dport;
	}
	if (v->flags & SL_VERDICT_SRC) {
		to->daddr = v->saddr;
		to->dport = v->sport;
	}
	if (p->answer_vpc)
		to->vpc = p->answer_vpc;
}

/*
 * A flow that is just being promoted stands in the established table before it leaves the other one: a miss in
 * both, read in this order, is one only if the first still misses.
 */
static __always_inline struct sl_flow *flow_lookup(const struct sl_flow_key *key, bool *unanswered)
{
	struct sl_flow_key own = *key; /* kernel 6.1 takes keys from the stack, but not from a caller's */
	struct sl_flow *f = bpf_map_lookup_elem(&sl_flow, &own);

	*unanswered = false;
	if (f)
		return f;
	f = bpf_map_lookup_elem(&sl_unanswered, &own);
	*unanswered = f;
	return f ? f : bpf_map_lookup_elem(&sl_flow, &own);
}

/* Never 0, which says nothing: a row of before there were any. The same addresses are several VPCs'. */
static __always_inline __u32 flow_key_hash(const struct sl_flow_key *key)
{
	return (cache_flow_hash(key) ^ (key->vpc << 8 | key->proto) * 0x9e3779b1U) | 1;
}

/*
 * Was what has been read of the row this flow's? The tables give a row that was deleted or driven out to the next flow at
 * once, also while it is read.
 */
static __always_inline bool flow_own(const struct sl_flow *f, const struct sl_flow_key *key)
{
	__u32 hash = *(const volatile __u32 *)&f->key_hash;

	return !hash || hash == flow_key_hash(key);
}

/*
 * Copies the verdict if it may be obeyed. A writer zeroes the generation first and writes it last, so a
 * verdict read between two equal generations is whole.
 */
static __always_inline bool flow_verdict(const struct packet *p, const struct sl_flow_key *key,
					 const struct sl_flow *f, struct sl_verdict *v)
{
	const volatile __u32 *generation = &f->generation;

	if (*generation != p->generation)
		return false;
	barrier();
	*v = f->verdict;
	barrier();
	return *generation == p->generation && v->in_ifindex == p->ifindex && v->in_network == p->network &&
	       flow_own(f, key);
}

static __always_inline void flow_rewrite(const struct packet *p, struct sl_flow *f,
					 const struct sl_flow_key *key, const struct sl_verdict *v)
{
	volatile __u32 *generation = &f->generation;

	*generation = 0;
	barrier();
	f->verdict = *v;
	f->verdict.qos = p->qos;
	f->key_hash = flow_key_hash(key);
	barrier();
	*generation = p->generation;
}

static __always_inline void flow_delete_body(const struct sl_flow_key *key, const struct sl_flow_key *peer)
{
	struct sl_flow_key one = *key, other = *peer;

	bpf_map_delete_elem(&sl_flow, &one);
	bpf_map_delete_elem(&sl_flow, &other);
	bpf_map_delete_elem(&sl_unanswered, &one);
	bpf_map_delete_elem(&sl_unanswered, &other);
	cache_forget(&one);
	cache_forget(&other);
}
STATION_VOID(flow_delete, (const struct sl_flow_key *key, const struct sl_flow_key *peer), key &&peer,
	     (key, peer))

/* The plan in force forbids it. */
static __always_inline void flow_cut_body(const struct sl_flow_key *key)
{
	bool unanswered;
	const struct sl_flow *f = flow_lookup(key, &unanswered);

	if (!f)
		return;
	flow_delete(key, &f->peer);
	stat(SL_STAT_FLOWS_CUT);
}
STATION_VOID(flow_cut, (const struct sl_flow_key *key), key, (key))

/*
 * The reply's half, which is the last to be written. Without an `answer` its generation is 0: its first packet is
 * judged, in its own direction, when it comes.
 */
static __always_inline bool flow_create_reply_body(const struct packet *p,
						   const struct sl_flow_key *reply_key,
						   const struct sl_verdict *answer, __u8 state)
{
	struct sl_flow_key own = *reply_key;
	__u32 now = tick_now();
	struct sl_flow reply = {
		.peer = p->key,
		.created = now,
		.seen = now,
		.state = state,
		.flags = SL_FLOW_REPLY,
		.key_hash = flow_key_hash(reply_key),
	};

	if (answer) {
		reply.verdict = *answer;
		reply.verdict.qos = p->qos;
		reply.generation = p->generation;
	}
	if (bpf_map_update_elem(&sl_unanswered, &own, &reply, BPF_ANY))
		return false;
	cache_begin(&p->key, &own);
	return true;
}
STATION(bool, flow_create_reply,
	(const struct packet *p, const struct sl_flow_key *reply_key, const struct sl_verdict *answer,
	 __u8 state),
	p &&reply_key, (p, reply_key, answer, state))

/* When it was asked, in µs, where the time to the answer says something about the way that lies beyond this node. */
static __always_inline __u32 flow_asks(const struct packet *p)
{
	if (p->key.proto != SL_PROTO_TCP || (p->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) != SL_TCP_SYN ||
	    (p->door != DOOR_WL_IN && p->door != DOOR_UP_OUT && p->door != DOOR_TUN_OUT))
		return 0;
	return (__u32)(bpf_ktime_get_ns() / 1000) | 1;
}

static __always_inline bool flow_create_body(const struct packet *p, const struct sl_verdict *v,
					     __u32 packets)
{
	struct sl_flow_key own = p->key;
	__u32 now = tick_now();
	struct sl_flow flow = {
		.verdict = *v,
		.packets = packets,
		.bytes = packets ? p->len : 0,
		.generation = p->generation,
		.created = now,
		.seen = now,
		.asked = flow_asks(p),
		.key_hash = flow_key_hash(&p->key),
	};

	flow.verdict.qos = p->qos;
	flow_answer_key(&flow.peer, p, v);
	return !bpf_map_update_elem(&sl_unanswered, &own, &flow, BPF_ANY);
}
STATION(bool, flow_create, (const struct packet *p, const struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/* Both halves. `answer`: what to do with the other direction, where it cannot be judged by itself; else NULL. */
static __always_inline bool flow_open(const struct packet *p, const struct sl_verdict *v,
				      const struct sl_verdict *answer, __u32 packets)
{
	struct sl_flow_key reply_key, own = p->key;

	flow_answer_key(&reply_key, p, v);
	if (!flow_create(p, v, packets))
		return false;
	if (!flow_create_reply(p, &reply_key, answer, SL_FLOW_OPENING)) {
		bpf_map_delete_elem(&sl_unanswered, &own);
		return false;
	}
	stat(SL_STAT_FLOWS_CREATED);
	return true;
}

/* A SYN-ACK: the flow is answered, but stays where a flood can only harm its like until the handshake is whole. */
static __always_inline void flow_answered(const struct sl_flow_key *key, const struct sl_flow_key *peer)
{
	struct sl_flow *f = bpf_map_lookup_elem(&sl_unanswered, key);
	struct sl_flow *other = bpf_map_lookup_elem(&sl_unanswered, peer);

	if (!f || !other)
		return;
	f->flags |= SL_FLOW_ANSWERED;
	other->flags |= SL_FLOW_ANSWERED;
}

/* It has been answered. A FIN or RST that came before, or with, the reply stays true. */
static __always_inline void flow_settle(struct sl_flow *f)
{
	if (f->state == SL_FLOW_OPENING)
		f->state = SL_FLOW_ESTABLISHED;
	f->flags |= SL_FLOW_ANSWERED;
}

/*
 * The first reply, of TCP the packet that follows it, moves both halves to the table that never evicts. When that is
 * full they stay where they are and go on working; the agent's ageing makes room for others. False: one is lost, or both
 * have been moved by another processor.
 *
 * A copy is the flow's if the row still is after it was made.
 */
static __always_inline bool flow_promote(const struct sl_flow_key *key, const struct sl_flow_key *peer)
{
	struct sl_flow *f = bpf_map_lookup_elem(&sl_unanswered, key);
	struct sl_flow *other = bpf_map_lookup_elem(&sl_unanswered, peer);
	__u32 zero = 0;
	struct sl_promoted *copy = bpf_map_lookup_elem(&sl_promoted, &zero);

	if (!f || !other || !copy)
		return false;
	copy->flow = *f;
	copy->peer = *other;
	barrier();
	if (bpf_map_lookup_elem(&sl_unanswered, key) != f ||
	    bpf_map_lookup_elem(&sl_unanswered, peer) != other)
		return false;
	flow_settle(&copy->flow);
	flow_settle(&copy->peer);
	if (bpf_map_update_elem(&sl_flow, peer, &copy->peer, BPF_ANY))
		goto full;
	if (bpf_map_update_elem(&sl_flow, key, &copy->flow, BPF_ANY)) {
		bpf_map_delete_elem(&sl_flow, peer);
		goto full;
	}
	bpf_map_delete_elem(&sl_unanswered, peer);
	bpf_map_delete_elem(&sl_unanswered, key);
	stat(SL_STAT_FLOWS_PROMOTED);
	return true;
full:
	flow_settle(f);
	flow_settle(other);
	stat(SL_STAT_FLOWS_UNPROMOTED);
	return true;
}

/* FIN and RST change how long the flow is kept, in both halves. */
static __always_inline void flow_tcp(const struct packet *p, struct sl_flow *f)
{
	bool unanswered;
	struct sl_flow *peer = flow_lookup(&f->peer, &unanswered);
	__u8 state = SL_FLOW_CLOSED;

	if (p->tcp_flags & SL_TCP_FIN) {
		f->flags |= SL_FLOW_FIN;
		/* Where answers do not pass, neither does the other side's FIN. */
		if ((!peer || !(peer->flags & SL_FLOW_FIN)) && !(f->verdict.flags & SL_VERDICT_DIRECT))
			state = SL_FLOW_CLOSING;
	}
	if (f->state == SL_FLOW_CLOSED)
		return;
	f->state = state;
	if (peer)
		peer->state = state;
}

/* Does the packet say that it opens a connection? */
static __always_inline bool flow_opens(const struct packet *p)
{
	return p->key.proto == SL_PROTO_TCP && tcp_opens(p->tcp_flags);
}

/* What a packet meant for its flow. */
enum flow_event { FLOW_GOES_ON, FLOW_IS_ANSWERED, FLOW_IS_REFUSED, FLOW_IS_HALF };

/* Is this the packet by which a flow shows that its other end exists? */
static __always_inline bool flow_answers(const struct packet *p, const struct sl_flow *f)
{
	if (f->flags & SL_FLOW_REPLY)
		return true;
	/* Its answers do not pass here; what follows the SYN shows that one came. */
	return f->verdict.flags & SL_VERDICT_DIRECT && p->key.proto == SL_PROTO_TCP &&
	       (p->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) == SL_TCP_ACK;
}

/* Counts the packet for its flow and moves the flow's state on. */
static __always_inline __u32 flow_touch_body(const struct packet *p, struct sl_flow *f, bool unanswered,
					     __u32 packets)
{
	struct sl_flow_key own = p->key, peer = f->peer;
	__u32 now = tick_now();
	bool tcp = p->key.proto == SL_PROTO_TCP, control = tcp && p->tcp_flags & (SL_TCP_FIN | SL_TCP_RST);
	bool opening = f->state == SL_FLOW_OPENING; /* before a FIN that follows the SYN-ACK */

	if (packets) {
		__sync_fetch_and_add(&f->packets, packets);
		__sync_fetch_and_add(&f->bytes, p->len);
	}
	/* A reset of what is reset already keeps nothing alive (RFC 7857). */
	if (f->state != SL_FLOW_CLOSED || !tcp || !(p->tcp_flags & SL_TCP_RST))
		f->seen = now;
	if (control)
		flow_tcp(p, f);
	if (!unanswered)
		return FLOW_GOES_ON;
	if (!(f->flags & SL_FLOW_ANSWERED) && flow_answers(p, f)) {
		if (control && p->tcp_flags & SL_TCP_RST)
			return FLOW_IS_REFUSED;
		if (tcp && p->tcp_flags & SL_TCP_SYN)
			flow_answered(&own, &peer);
		else
			flow_promote(&own, &peer);
		return FLOW_IS_ANSWERED;
	}
	/* Which of two questions an answer is to nobody knows (Karn). */
	if (flow_opens(p))
		f->asked = 0;
	/* A server answers a flood's SYNs as well; only who has seen the answer is somebody. */
	if (tcp && opening && f->flags & SL_FLOW_ANSWERED && !(f->flags & SL_FLOW_REPLY) &&
	    !(p->tcp_flags & (SL_TCP_SYN | SL_TCP_RST)) && flow_promote(&own, &peer))
		return FLOW_GOES_ON;
	/* The LRU may have evicted the other half alone; without it a reply would find no flow. */
	if (!(f->flags & SL_FLOW_REPLY) && !flow_lookup(&peer, &unanswered))
		return FLOW_IS_HALF;
	return FLOW_GOES_ON;
}
STATION(__u32, flow_touch, (const struct packet *p, struct sl_flow *f, bool unanswered, __u32 packets), p &&f,
	(p, f, unanswered, packets))

/* Makes the lost half anew; where it holds a translation the next packet makes both. */
static __always_inline void flow_mend(const struct packet *p, const struct sl_verdict *v, __u8 state)
{
	struct sl_flow_key reply_key, own = p->key;

	flow_answer_key(&reply_key, p, v);
	if (v->flags & (SL_VERDICT_SERVICE | SL_VERDICT_NAT))
		bpf_map_delete_elem(&sl_unanswered, &own);
	else
		flow_create_reply(p, &reply_key, NULL, state);
}

/* A SYN may reuse the ports of a connection that is over. */
static __always_inline bool flow_over(const struct packet *p, const struct sl_flow *f)
{
	return flow_opens(p) && f->state == SL_FLOW_CLOSED;
}

/* May this packet open a flow? 0 or a reason. TCP in mid-stream may, so that loading sluice or losing the
 * table does not end connections that the policy allows. */
static __always_inline __u32 flow_may_open(const struct packet *p)
{
	__u8 f = p->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST | SL_TCP_FIN);

	if (p->flags & PACKET_ICMP_REPLY)
		return SL_DROP_ICMP_NO_FLOW;
	if (p->key.proto == SL_PROTO_TCP && !(p->flags & PACKET_FRAG_LATER) && f != SL_TCP_SYN &&
	    f != SL_TCP_ACK)
		return SL_DROP_TCP_STATE;
	return 0;
}

/* --- fragments: the first leaves its ports for those that follow */

static __always_inline void frag_key(struct sl_frag_key *key, const struct packet *p)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->saddr = p->saddr;
	key->daddr = p->daddr;
	key->id = p->frag_id;
	key->vpc = p->vpc;
	key->proto = p->key.proto;
}

static __always_inline void frag_remember_body(const struct packet *p)
{
	struct sl_frag_key key;
	struct sl_frag frag = { .sport = p->key.sport, .dport = p->key.dport, .seen = tick_now() };

	frag_key(&key, p);
	bpf_map_update_elem(&sl_frag, &key, &frag, BPF_ANY);
	stat(SL_STAT_FRAGMENTS);
}
STATION_VOID(frag_remember, (const struct packet *p), p, (p))

static __always_inline bool frag_recall_body(struct packet *p)
{
	struct sl_frag_key key;
	const struct sl_frag *frag;

	frag_key(&key, p);
	frag = bpf_map_lookup_elem(&sl_frag, &key);
	if (!frag || tick_now() - frag->seen > SL_TICKS(SL_FRAGMENT_S))
		return false;
	p->key.sport = frag->sport;
	p->key.dport = frag->dport;
	return true;
}
STATION(bool, frag_recall, (struct packet * p), p, (p))

#endif
