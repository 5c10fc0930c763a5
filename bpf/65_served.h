/* SPDX-License-Identifier: GPL-2.0 */
/*
 * served: flows through a VIP, from the first packet to the backend to the last of its answers: opened, judged again
 * under a new plan, told apart, refused aloud. 60_service.h says which backend; this says what becomes of the flow.
 */
#ifndef SL_BPF_SERVED_H
#define SL_BPF_SERVED_H
#include "40_flow.h"
#include "60_service.h"
#include "90_deliver.h"
#include "refuse.h"

/* The new verdict of a flow that was judged again. */
static __always_inline __u32 path_rejudged_body(const struct packet *p, const struct sl_verdict *v,
						const struct sl_verdict *answer, __u32 packets)
{
	bool unanswered;
	struct sl_flow *f = flow_lookup(&p->key, &unanswered), *other;

	if (!f)
		return FLOW_GOES_ON; /* ended meanwhile, on another CPU */
	if (f->generation)
		stat(SL_STAT_FLOWS_REJUDGED);
	if (answer) {
		bool other_unanswered;

		other = flow_lookup(&f->peer, &other_unanswered);
		if (other)
			flow_rewrite(p, other, &f->peer, answer);
	}
	flow_rewrite(p, f, &p->key, v);
	cache_forget(&f->peer);
	cache_forget(&p->key);
	return flow_touch(p, f, unanswered, packets);
}
STATION(__u32, path_rejudged,
	(const struct packet *p, const struct sl_verdict *v, const struct sl_verdict *answer, __u32 packets),
	p &&v, (p, v, answer, packets))

/* What a flow's event is to the service that the flow goes through. */
static __always_inline __u32 path_served(__u32 event)
{
	return event == FLOW_IS_ANSWERED  ? SERVED_ANSWERED
	       : event == FLOW_IS_REFUSED ? SERVED_REFUSED
					  : SERVED_ONLY;
}

/* A service's refusal: counted for the service, and said to the sender where the plan wants that. */
static __always_inline enum path_result path_unserved_body(struct packet *p, struct sl_verdict *v,
							   __u32 reason, __u32 packets)
{
	bool say = v->flags & SL_VERDICT_SERVICE || reason == SL_DROP_BACKEND_GONE;

	service_refused(p, reason, packets);
	if (p->flags & PACKET_FLOW)
		flow_cut(&p->key);
	path_drop(v, reason);
	v->flags = 0;
	if (say && (reason == SL_DROP_SERVICE_EMPTY || reason == SL_DROP_BACKEND_GONE))
		v->action = SL_ACTION_RESET;
	return PATH_JUDGED;
}
STATION(enum path_result, path_unserved,
	(struct packet * p, struct sl_verdict *v, __u32 reason, __u32 packets), p &&v,
	(p, v, reason, packets))

static __always_inline bool path_same_key(const struct sl_flow_key *a, const struct sl_flow_key *b)
{
	return a->saddr == b->saddr && a->daddr == b->daddr && a->sport == b->sport && a->dport == b->dport &&
	       a->vpc == b->vpc;
}

/*
 * Do the answers of the flow at hand come as they did before? Not when it moved to another backend, or the backend
 * to another node. A source port that was changed stays changed.
 */
static __always_inline bool path_same_way_body(const struct packet *p, struct sl_verdict *v)
{
	bool unanswered;
	const struct sl_flow *f = flow_lookup(&p->key, &unanswered);
	struct sl_flow_key key;

	if (!f)
		return false;
	if (!(v->flags & SL_VERDICT_NAT) && f->verdict.flags & SL_VERDICT_SRC &&
	    f->verdict.daddr == v->daddr) {
		v->flags |= SL_VERDICT_SRC;
		v->saddr = f->verdict.saddr;
		v->sport = f->verdict.sport;
	}
	flow_answer_key(&key, p, v);
	return path_same_key(&f->peer, &key);
}
STATION(bool, path_same_way, (const struct packet *p, struct sl_verdict *v), p &&v, (p, v))

#define PATH_PORTS 8 /* tried before a flow is given up */

/*
 * Two ports of a VIP may mean the same port of a backend, and a client may use one source port for both: their answers
 * would look alike. The later flow gets another source port; its address stays. A flow that has just ended is kept
 * apart from as well: the backend may not have let go of it, and what the client takes for two connections is one
 * to the backend, which loses the SYN on it. Only a port that was drawn, and so hardly ever the last one's, is taken
 * over from a flow that is over.
 */
static __always_inline bool path_apart_body(const struct packet *p, struct sl_verdict *v)
{
	for (int i = 0; i < PATH_PORTS; i++) {
		struct sl_flow_key key;
		const struct sl_flow *f;
		bool unanswered;

		flow_answer_key(&key, p, v);
		f = flow_lookup(&key, &unanswered);
		if (!f || path_same_key(&f->peer, &p->key))
			return true;
		if (f->state == SL_FLOW_CLOSED && (i || !(v->flags & SL_VERDICT_DST))) {
			flow_delete(&key, &f->peer);
			return true;
		}
		if (!(v->flags & SL_VERDICT_DST))
			return false;
		if (!(v->flags & SL_VERDICT_SRC))
			v->saddr = p->saddr;
		v->flags |= SL_VERDICT_SRC;
		v->flags &= ~SL_VERDICT_BOUND; /* not the mapping's port */
		v->sport = bpf_htons(1024 + bpf_get_prandom_u32() % (65536 - 1024));
	}
	return false;
}
STATION(bool, path_apart, (const struct packet *p, struct sl_verdict *v), p &&v, (p, v))

/* The client, and whether it may. UNTOUCHED: the packet is to no VIP's port; JUDGED: p->reason has the word. */
static __always_inline enum path_result path_wants_service_body(struct packet *p, struct sl_verdict *v)
{
	struct sl_endpoint src = {};
	__u32 reason;

	if (mac_multicast(p->dmac) || !service_client(p, &src))
		return PATH_UNTOUCHED;
	v->src_network = src.network;
	reason = p->flags & PACKET_UNWRAPPED ? 0 : classify_source(p, &src);
	if (!reason)
		reason = service_judge(p, v, &src);
	p->reason = reason;
	return PATH_JUDGED;
}
STATION(enum path_result, path_wants_service, (struct packet * p, struct sl_verdict *v), p &&v, (p, v))

/* Opens the flow that the service allows, or writes its new verdict. */
static __always_inline enum path_result path_serve_body(struct packet *p, struct sl_verdict *v, __u32 packets)
{
	struct sl_endpoint src = {};
	struct sl_verdict answer = {};
	__u32 event;

	if (!service_client(p, &src))
		return PATH_UNTOUCHED;
	if (p->flags & PACKET_FLOW && !path_same_way(p, v)) {
		flow_cut(&p->key);
		p->flags &= ~PACKET_FLOW;
	}
	if (!(p->flags & PACKET_FLOW) && !path_apart(p, v))
		return path_unserved(p, v, SL_DROP_FLOW_FULL, packets);
	service_answer(p, v, &src, &answer);
	if (p->flags & PACKET_FLOW) {
		event = path_rejudged(p, v, &answer, packets);
		service_count(p, v, packets, path_served(event));
		return PATH_JUDGED;
	}
	if (!flow_open(p, v, &answer, packets))
		return path_unserved(p, v, SL_DROP_FLOW_FULL, packets);
	service_count(p, v, packets, SERVED_OPENED);
	return PATH_JUDGED;
}
STATION(enum path_result, path_serve, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/*
 * A packet to a VIP's port. UNTOUCHED: it is to none. In steps that keep little, since what they call goes deep and
 * the kernel counts the whole way down.
 */
static __always_inline enum path_result path_service_body(struct packet *p, struct sl_verdict *v,
							  __u32 packets)
{
	__u32 reason;

	if (path_wants_service(p, v) != PATH_JUDGED)
		return PATH_UNTOUCHED;
	reason = p->reason;
	if (!reason && p->flags & PACKET_GUEST) { /* both ends change */
		reason = snat_source(p, v);
		if (!reason && !(v->flags & SL_VERDICT_NAT))
			reason = SL_DROP_NO_EIP;
	}
	if (reason)
		return path_unserved(p, v, reason, packets);
	return path_serve(p, v, packets);
}
STATION(enum path_result, path_service, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/*
 * A backend's packet whose flow was judged under an older plan, or that came from another interface than the
 * flow expects: how it is translated and where it goes stays, if the service still has the backend.
 */
static __always_inline enum path_result path_answer_body(struct packet *p, struct sl_verdict *v,
							 __u32 packets)
{
	bool unanswered;
	struct sl_flow *f = flow_lookup(&p->key, &unanswered);
	struct sl_flow_key opener;
	__u32 reason, event;

	if (!f)
		return path_drop(v, SL_DROP_TCP_STATE); /* ended meanwhile */
	opener = f->peer;
	/* Only a backend of this node answers from here; what another node sends back is wrapped. */
	if (f->verdict.flags & SL_VERDICT_SRC ? p->door != DOOR_WL_IN && p->door != DOOR_UP_OUT
					      : !(p->flags & PACKET_UNWRAPPED))
		return path_drop(v, SL_DROP_SPOOFED_SOURCE);
	reason = service_judge_answer(p, &opener);
	if (reason) {
		flow_cut(&p->key);
		path_drop(v, reason);
		v->action = SL_ACTION_RESET;
		return PATH_JUDGED;
	}
	*v = f->verdict;
	p->qos = v->qos; /* the client's next packet will find the new plan's */
	v->in_ifindex = p->ifindex;
	v->in_network = p->network;
	event = path_rejudged(p, v, NULL, packets);
	service_count(p, v, packets, path_served(event));
	return PATH_JUDGED;
}
STATION(enum path_result, path_answer, (struct packet * p, struct sl_verdict *v, __u32 packets), p &&v,
	(p, v, packets))

/* An EIP answers its own VPC and what comes by its own network. */
static __always_inline bool path_own_eip(const struct packet *p)
{
	const struct sl_eip *eip = eip_row(p, p->daddr);

	if (!eip)
		return false;
	return p->door == DOOR_WL_IN ? eip->inside_vpc == p->vpc : eip->network == p->network;
}

/* What no service takes of a packet to a VIP: pings, as the plan says. */
static __always_inline enum path_result path_vip_body(const struct packet *p, struct sl_verdict *v)
{
	const struct sl_vip *vip;

	if (p->key.proto != SL_PROTO_ICMP || p->flags & PACKET_ICMP_REPLY ||
	    (p->door != DOOR_UP_IN && p->door != DOOR_WL_IN))
		return PATH_UNTOUCHED;
	vip = service_vip(p, p->daddr);
	if (vip && vip->flags & SL_VIP_EIP && !path_own_eip(p))
		return PATH_UNTOUCHED;
	if (vip && vip->flags & SL_VIP_ECHO_DROP)
		return path_drop(v, SL_DROP_VIP_ECHO);
	if (!vip || !(vip->flags & SL_VIP_ECHO))
		return PATH_UNTOUCHED;
	v->action = SL_ACTION_ECHO;
	return PATH_JUDGED;
}
STATION(enum path_result, path_vip, (const struct packet *p, struct sl_verdict *v), p &&v, (p, v))

/* XDP neither rewrites nor wraps: it cannot know whether the checksum in the packet is one yet. TC can. */
static __always_inline bool path_carries(const struct packet *p, const struct sl_verdict *v)
{
	return p->door != DOOR_UP_XDP ||
	       !(v->flags & (SL_VERDICT_SERVICE | SL_VERDICT_ANSWER | SL_VERDICT_NAT));
}

/* An ICMP error about a translated flow is translated and delivered as a packet of its own direction is. */
static __always_inline enum path_result path_translated_error_body(struct packet *p, struct sl_verdict *v)
{
	struct sl_verdict made = {};
	struct sl_flow_key key;
	struct sl_flow *f;
	bool unanswered;

	flow_reverse(&key, &p->key);
	f = flow_lookup(&key, &unanswered);
	if (!f || !(f->verdict.flags & (SL_VERDICT_SERVICE | SL_VERDICT_ANSWER | SL_VERDICT_NAT)))
		return PATH_UNTOUCHED;
	/* One about a flow that is to be judged again waits for the flow's own packets to have been. */
	if (p->daddr != p->key.saddr || !flow_verdict(p, &key, f, &made))
		return path_drop(v, SL_DROP_ICMP_NO_FLOW);
	*v = made;
	p->qos = made.qos;
	return PATH_JUDGED;
}
STATION(enum path_result, path_translated_error, (struct packet * p, struct sl_verdict *v), p &&v, (p, v))

/* Will a service, an EIP, or the VIP itself, want it? */
static __always_inline bool path_to_outside(const struct packet *p)
{
	const struct sl_vip *vip = service_vip(p, p->daddr);
	struct sl_service_key key;

	if (vip && (vip->flags & SL_VIP_EIP || p->key.proto == SL_PROTO_ICMP))
		return true;
	service_key(&key, p->key.daddr, p->key.dport, p->key.proto);
	return plan_row(&sl_service, p->slot, &key);
}

#endif
