/* SPDX-License-Identifier: GPL-2.0 */
/*
 * service: VIP → backend. Who may come, how often, and which backend a new flow goes to; what its answers look
 * like. The client's address is never touched, but where a backend would otherwise meet its own.
 */
#ifndef SL_BPF_SERVICE_H
#define SL_BPF_SERVICE_H
#include "20_classify.h"
#include "40_flow.h"
#include "50_policy.h"
#include "70_snat.h"
#include "90_deliver.h"

static __always_inline void service_key(struct sl_service_key *key, __be32 addr, __be16 port, __u8 proto)
{
	key->addr = addr;
	key->port = port;
	key->proto = proto;
	key->pad = 0;
}

static __always_inline const struct sl_vip *service_vip(const struct packet *p, __be32 addr)
{
	struct sl_vip_key key = { .addr = addr };

	return plan_row(&sl_vip, p->slot, &key);
}

/* The VIP that an address stands for: itself, but for an alias. */
static __always_inline __be32 service_address_body(const struct packet *p, __be32 addr)
{
	const struct sl_vip *vip = service_vip(p, addr);

	return vip && vip->flags & SL_VIP_ALIAS ? vip->other : addr;
}
STATION(__be32, service_address, (const struct packet *p, __be32 addr), p, (p, addr))

/* The service that a packet is to. Aliases mean something only from this node's stack, and through the tunnel. */
static __always_inline void service_wanted(struct sl_service_key *key, const struct packet *p)
{
	bool alias = p->door == DOOR_UP_OUT || p->flags & PACKET_UNWRAPPED;

	service_key(key, alias ? service_address(p, p->key.daddr) : p->key.daddr, p->key.dport, p->key.proto);
}

/* Who wants a service of the packet? False: it is to none, or by a name that is not for them. */
static __always_inline bool service_client_body(const struct packet *p, struct sl_endpoint *client)
{
	bool unwrapped = p->flags & PACKET_UNWRAPPED, alias;
	const struct sl_service *service;
	struct sl_service_key key;

	service_wanted(&key, p);
	alias = key.addr != p->key.daddr;
	service = plan_row(&sl_service, p->slot, &key);
	if (!service)
		return false;
	/* The tunnel tells no VPC: a client that is a workload is one of the service's; only nodes use an alias. */
	if (!classify_address(p, unwrapped && !alias ? service->vpc : p->vpc, p->saddr, client))
		return false;
	return !alias || client->kind == (unwrapped ? SL_ENDPOINT_NODE : SL_ENDPOINT_HOST);
}
STATION(bool, service_client, (const struct packet *p, struct sl_endpoint *client), p &&client, (p, client))

static __always_inline void service_refused_body(const struct packet *p, __u32 reason, __u32 packets)
{
	struct sl_unserved_key key = { .reason = reason };
	struct sl_count *count, zero = {};

	service_wanted(&key.service, p);
	count = bpf_map_lookup_elem(&sl_unserved, &key);
	if (!count) {
		bpf_map_update_elem(&sl_unserved, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&sl_unserved, &key);
	}
	if (!count) {
		stat(SL_STAT_UNCOUNTED);
		return;
	}
	count->packets += packets;
	count->bytes += p->len;
}
STATION_VOID(service_refused, (const struct packet *p, __u32 reason, __u32 packets), p, (p, reason, packets))

/* Takes a token, if one is left. Buckets hold what flows in within a second. */
static __always_inline bool service_token_body(const struct sl_service_key *service, __be32 client,
					       __u32 per_s)
{
	struct sl_bucket_key key = { .service = *service, .client = client };
	__u64 full = (__u64)per_s * 1024, tokens;
	__u32 now = tick_now(), passed;
	struct sl_bucket *bucket = bpf_map_lookup_elem(&sl_bucket, &key);

	if (!bucket) {
		struct sl_bucket fresh = { .tokens = full - 1024, .filled = now };

		bpf_map_update_elem(&sl_bucket, &key, &fresh, BPF_ANY);
		return true;
	}
	passed = now - bucket->filled;
	/* A tick is 1.048576 ms: 1024 * 1.048576 / 1000 tokens for each flow a second allows, in 1/1024. */
	tokens = bucket->tokens + (passed > SL_TICKS(1) ? full : (__u64)passed * per_s * 1074 / 1000);
	if (tokens > full)
		tokens = full;
	if (passed) {
		bucket->filled = now;
		bucket->tokens = tokens;
	}
	if (tokens < 1024)
		return false;
	if (__sync_fetch_and_sub(&bucket->tokens, 1024) >= 1024)
		return true;
	__sync_fetch_and_add(&bucket->tokens, 1024); /* another CPU was faster */
	return false;
}
STATION(bool, service_token, (const struct sl_service_key *service, __be32 client, __u32 per_s), service,
	(service, client, per_s))

/* May the client use the VIP? 0 or a reason. */
static __always_inline __u32 service_admit_body(const struct packet *p, const struct sl_service_key *key,
						const struct sl_service *s, const struct sl_endpoint *src)
{
	const struct sl_vip *vip = service_vip(p, key->addr);
	struct sl_source_key source_key = {
		.prefixlen = 64,
		.list = bpf_htonl(s->sources),
		.addr = p->saddr,
	};
	const struct sl_source *source;

	if (p->flags & PACKET_UNWRAPPED)
		return 0; /* the node that it came in by has asked */
	if (endpoint_managed(src) && !(p->net_flags & SL_NETWORK_EXTERNAL) && p->vpc != s->vpc &&
	    !(p->flags & PACKET_GUEST))
		return SL_DROP_SERVICE_VPC;
	/* An address of an external network is reached by that network, not by another one or the underlay. */
	if (p->door == DOOR_UP_IN && vip && vip->network != SL_NET_WORLD && vip->network != p->network)
		return SL_DROP_SERVICE_VPC;
	if (s->sources) {
		source = plan_row(&sl_source, p->slot, &source_key);
		if (source ? !source->allow : s->flags & SL_SERVICE_ALLOW_LIST)
			return SL_DROP_SERVICE_SOURCE;
	}
	if (p->flags & PACKET_FLOW)
		return 0;
	if (s->new_per_source_per_s && !service_token(key, p->saddr, s->new_per_source_per_s))
		return SL_DROP_SERVICE_LIMIT;
	if (s->new_per_s && !service_token(key, 0, s->new_per_s))
		return SL_DROP_SERVICE_LIMIT;
	return 0;
}
STATION(__u32, service_admit,
	(const struct packet *p, const struct sl_service_key *key, const struct sl_service *s,
	 const struct sl_endpoint *src),
	p &&key &&s &&src, (p, key, s, src))

static __always_inline const struct sl_backend *
service_backend(const struct packet *p, const struct sl_service_key *service, __be32 backend)
{
	struct sl_backend_key key = { .service = *service, .backend = backend };

	return plan_row(&sl_backend, p->slot, &key);
}

/* Is the client a workload of another VPC that may use the service? */
static __always_inline bool service_guest(const struct packet *p, const struct sl_service_key *service,
					  __u16 vpc, const struct sl_endpoint *src)
{
	struct sl_guest_key key = {
		.addr = service->addr,
		.port = service->port,
		.proto = service->proto,
		.vpc = p->vpc,
	};

	if (p->flags & PACKET_UNWRAPPED || p->net_flags & SL_NETWORK_EXTERNAL || p->vpc == vpc)
		return false;
	return endpoint_managed(src) && plan_row(&sl_guest, p->slot, &key);
}

/* Who the client is to the VPC of the service: a guest is its EIP. */
static __always_inline bool service_known_as_body(const struct packet *p, __u16 vpc,
						  struct sl_endpoint *client)
{
	struct snat_way way = { .eip = p->saddr };

	if (p->flags & PACKET_GUEST && snat_way(p, p->key.daddr, &way))
		return false;
	return classify_address(p, vpc, way.eip, client);
}
STATION(bool, service_known_as, (const struct packet *p, __u16 vpc, struct sl_endpoint *client), p &&client,
	(p, vpc, client))

/* A mixed 32-bit hash of who opens the flow; the same on every node. */
static __always_inline __u32 service_hash(const struct packet *p)
{
	__u64 hash = (__u64)p->key.saddr << 32 | (__u64)p->key.sport << 16 | p->key.dport;

	hash ^= (__u64)p->key.daddr * 0x9e3779b97f4a7c15ULL + p->key.proto;
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ULL;
	return hash >> 32;
}

/* The backend of a new flow; 0: there is none. */
static __always_inline __be32 service_pick_body(const struct packet *p, const struct sl_service_key *key,
						const struct sl_service *s)
{
	struct sl_affinity_key affinity_key = { .service = *key, .client = p->key.saddr };
	struct sl_affinity *last, fresh = { .seen = tick_now() };
	const struct sl_backend *backend;
	const struct sl_slot *slot;
	__u32 at;

	if (!s->slots)
		return 0;
	if (s->affinity) {
		last = bpf_map_lookup_elem(&sl_affinity, &affinity_key);
		backend = last && fresh.seen - last->seen <= s->affinity
				  ? service_backend(p, key, last->backend)
				  : NULL;
		if (backend && !(backend->flags & SL_BACKEND_DRAIN)) {
			last->seen = fresh.seen;
			stat(SL_STAT_AFFINITY_HITS);
			return last->backend;
		}
	}
	at = s->ring + service_hash(p) % s->slots;
	slot = plan_row(&sl_ring, p->slot, &at);
	if (!slot)
		return 0;
	if (s->affinity) {
		fresh.backend = slot->addr;
		bpf_map_update_elem(&sl_affinity, &affinity_key, &fresh, BPF_ANY);
	}
	return slot->addr;
}
STATION(__be32, service_pick,
	(const struct packet *p, const struct sl_service_key *key, const struct sl_service *s), p &&key &&s,
	(p, key, s))

/* Where the backend is and how to get there. */
static __always_inline __u32 service_deliver_body(const struct packet *p, struct sl_verdict *v,
						  const struct sl_endpoint *dst, __u32 node, __u32 vpc)
{
	const struct sl_setting *setting = classify_setting(p);
	struct sl_node_key node_key = { .node = node };
	const struct sl_node *row;

	if (node) {
		row = plan_row(&sl_node, p->slot, &node_key);
		if (!row || p->flags & PACKET_UNWRAPPED) /* never on to a third node: two plans could loop */
			return row ? SL_DROP_TUNNEL_BACKEND : SL_DROP_NO_INTERFACE;
		v->action = SL_ACTION_TUNNEL;
		v->next_hop = row->addr;
		return 0;
	}
	v->flags |= SL_VERDICT_DST;
	if (dst->kind == SL_ENDPOINT_LOCAL && !(dst->flags & SL_ENDPOINT_STACK)) {
		v->flags |= SL_VERDICT_ROUTED;
		return deliver_local(p, v, dst);
	}
	/* The stack knows the addresses of one VPC only. */
	if (!setting || setting->node_vpc != vpc)
		return SL_DROP_NO_INTERFACE;
	if (p->door == DOOR_UP_OUT && dst->kind == SL_ENDPOINT_HOST) { /* back to where it comes from */
		v->action = SL_ACTION_HOST;
		v->ifindex = p->ifindex;
		return 0;
	}
	v->action = p->door == DOOR_UP_OUT ? SL_ACTION_ROUTE : SL_ACTION_STACK;
	v->flags |= v->action == SL_ACTION_ROUTE ? SL_VERDICT_ROUTED : 0;
	return 0;
}
STATION(__u32, service_deliver,
	(const struct packet *p, struct sl_verdict *v, const struct sl_endpoint *dst, __u32 node, __u32 vpc),
	p &&v &&dst, (p, v, dst, node, vpc))

/*
 * Judges a packet to a VIP: the first of a flow, or one of a flow that is judged again, which keeps its backend
 * as long as the service has it. 0: the verdict is made; or a reason.
 */
static __always_inline __u32 service_judge_body(struct packet *p, struct sl_verdict *v,
						const struct sl_endpoint *src)
{
	const struct sl_service *s;
	const struct sl_backend *backend;
	struct sl_service_key key;
	struct sl_endpoint client = {}, dst = {};
	__u32 reason, rule, node = 0, policy;

	service_wanted(&key, p);
	s = plan_row(&sl_service, p->slot, &key);
	if (!s)
		return SL_DROP_SERVICE_EMPTY; /* there a moment ago: never */
	v->rule = s->rule;
	if (service_guest(p, &key, s->vpc, src))
		p->flags |= PACKET_GUEST;
	backend = p->backend ? service_backend(p, &key, p->backend) : NULL;
	/* Whoever opens anew has lost the connection to the backend that is gone, and is not to hear of that one. */
	if (!backend && p->backend && !(p->flags & PACKET_UNWRAPPED) && flow_opens(p)) {
		flow_cut(&p->key);
		p->flags &= ~PACKET_FLOW;
		p->backend = 0;
	}
	reason = p->flags & PACKET_FLOW ? 0 : flow_may_open(p);
	if (!reason)
		reason = service_admit(p, &key, s, src);
	if (reason)
		return reason;
	if (!backend && p->backend) {
		if (p->flags & PACKET_UNWRAPPED)
			return SL_DROP_TUNNEL_BACKEND;
		if (p->key.proto == SL_PROTO_TCP)
			return SL_DROP_BACKEND_GONE;
	}
	if (!backend) {
		p->backend = service_pick(p, &key, s);
		backend = p->backend ? service_backend(p, &key, p->backend) : NULL;
		if (!backend) {
			if (s->flags & SL_SERVICE_RESET)
				v->flags |= SL_VERDICT_SERVICE; /* say so */
			return SL_DROP_SERVICE_EMPTY;
		}
	}
	node = backend->flags & SL_BACKEND_REMOTE ? backend->node : 0;
	if (!classify_address(p, s->vpc, p->backend, &dst))
		return SL_DROP_NO_PLAN;
	if (!service_known_as(p, s->vpc, &client))
		return SL_DROP_NO_EIP;
	v->dst_network = dst.network;
	/* The service is what allows it; a rule that denies wins, as everywhere. */
	policy = policy_judge(p, client.class, dst.class, s->target, &rule);
	if (policy == SL_POLICY_DENY) {
		v->rule = rule;
		return SL_DROP_POLICY;
	}
	/* Another cluster's clients need a route as well, and a rule with it. */
	if (endpoint_routed(src) && policy != SL_POLICY_ALLOW)
		return SL_DROP_ROUTE_LEAK;
	v->flags |= SL_VERDICT_SERVICE;
	v->daddr = p->backend;
	v->dport = s->target;
	p->answer_vpc = s->vpc;
	reason = service_deliver(p, v, &dst, node, s->vpc);
	if (v->action == SL_ACTION_TUNNEL) {
		const struct sl_setting *setting = classify_setting(p);

		if (!setting)
			return SL_DROP_NO_PLAN;
		p->answer_vpc = setting->node_vpc;
		v->flags |= endpoint_managed(src) || src->kind == SL_ENDPOINT_HOST ? SL_VERDICT_CLAMP
										   : SL_VERDICT_DIRECT;
	} else if (p->backend == p->saddr || v->action == SL_ACTION_HOST) {
		/* Its own client: it would not answer itself. */
		v->flags |= SL_VERDICT_SRC;
		v->saddr = p->key.daddr;
		v->sport = p->key.sport;
	}
	return reason;
}
STATION(__u32, service_judge, (struct packet * p, struct sl_verdict *v, const struct sl_endpoint *src),
	p &&v &&src, (p, v, src))

/* Towards a world client of a packet that came through the tunnel: out as the VIP, past the node it came by. */
static __always_inline void service_answer_direct_body(const struct packet *p, struct sl_verdict *answer)
{
	const struct sl_vip *vip = service_vip(p, p->key.daddr);

	answer->flags |= SL_VERDICT_CLAMP;
	answer->action = SL_ACTION_ROUTE;
	if (vip && deliver_outside(p, answer, vip->network, p->key.saddr))
		answer->action = SL_ACTION_ROUTE;
}
STATION_VOID(service_answer_direct, (const struct packet *p, struct sl_verdict *answer), p &&answer,
	     (p, answer))

/* The verdict of the other direction: out as the VIP, to where the packet at hand came from. */
static __always_inline void service_answer_body(const struct packet *p, const struct sl_verdict *v,
						const struct sl_endpoint *src, struct sl_verdict *answer)
{
	const struct sl_setting *setting = classify_setting(p);
	bool world = !endpoint_managed(src) && src->kind != SL_ENDPOINT_NODE && !eip_row(p, p->saddr);
	__u32 uplink;

	if (!setting)
		return;
	uplink = setting->uplink;
	__builtin_memset(answer, 0, sizeof(*answer));
	answer->rule = v->rule;
	answer->src_network = v->dst_network;
	answer->dst_network = v->src_network;
	answer->flags = SL_VERDICT_ANSWER | SL_VERDICT_ROUTED;
	answer->saddr = p->key.daddr;
	answer->sport = p->key.dport;
	answer->daddr = v->daddr; /* for the counters, while nothing says to write it */
	if (v->action == SL_ACTION_TUNNEL) {
		answer->flags |= v->flags & SL_VERDICT_DIRECT; /* both halves age alike */
		answer->in_ifindex = p->door == DOOR_WL_IN ? uplink : p->ifindex;
	} else {
		answer->flags |= SL_VERDICT_SRC;
		answer->in_ifindex = v->action == SL_ACTION_LOCAL ? v->ifindex : p->ifindex;
		answer->in_network = v->action == SL_ACTION_LOCAL ? v->dst_network : SL_NET_WORLD;
	}
	if (v->flags & SL_VERDICT_SRC) {
		answer->flags |= SL_VERDICT_DST;
		answer->daddr = p->key.saddr;
		answer->dport = p->key.sport;
	}
	if (p->flags & PACKET_UNWRAPPED) {
		if (world) {
			service_answer_direct(p, answer);
			return;
		}
		answer->action = SL_ACTION_TUNNEL;
		answer->next_hop = p->outer;
		answer->flags |= SL_VERDICT_CLAMP;
		answer->flags &= ~SL_VERDICT_ROUTED;
		return;
	}
	answer->ifindex = p->ifindex;
	answer->flags |= SL_VERDICT_SET_DMAC;
	__builtin_memcpy(answer->dmac, p->smac, 6);
	answer->action = p->door == DOOR_WL_IN	  ? SL_ACTION_LOCAL
			 : p->door == DOOR_TUN_IN ? SL_ACTION_WAN
						  : SL_ACTION_WIRE;
	if (p->door == DOOR_UP_OUT)
		answer->action = SL_ACTION_HOST;
	else if (p->door == DOOR_UP_IN)
		answer->vlan = p->vlan;
}
STATION_VOID(service_answer,
	     (const struct packet *p, const struct sl_verdict *v, const struct sl_endpoint *src,
	      struct sl_verdict *answer),
	     p &&v &&src &&answer, (p, v, src, answer))

/* Does a flow's answer still belong to a service that has the backend? 0 or a reason. */
static __always_inline __u32 service_judge_answer_body(const struct packet *p,
						       const struct sl_flow_key *opener)
{
	struct sl_service_key key;

	service_key(&key, service_address(p, opener->daddr), opener->dport, opener->proto);
	return service_backend(p, &key, p->backend) ? 0 : SL_DROP_BACKEND_GONE;
}
STATION(__u32, service_judge_answer, (const struct packet *p, const struct sl_flow_key *opener), p &&opener,
	(p, opener))

enum served_event { SERVED_ONLY, SERVED_OPENED, SERVED_ANSWERED, SERVED_REFUSED };

/* By what name a packet of a flow through a VIP is counted. */
static __always_inline void service_served_key(const struct packet *p, const struct sl_verdict *v,
					       struct sl_served_key *key)
{
	if (v->flags & SL_VERDICT_ANSWER) {
		bool alias = v->action == SL_ACTION_HOST || v->action == SL_ACTION_TUNNEL;

		service_key(&key->service, alias ? service_address(p, v->saddr) : v->saddr, v->sport,
			    p->key.proto);
		key->backend = v->flags & SL_VERDICT_SRC ? p->key.saddr : v->daddr;
	} else {
		service_wanted(&key->service, p);
		key->backend = v->daddr;
	}
}

static __always_inline struct sl_served *service_row(const struct sl_served_key *key)
{
	struct sl_served *served = bpf_map_lookup_elem(&sl_served, key), zero = {};

	if (!served) {
		bpf_map_update_elem(&sl_served, key, &zero, BPF_NOEXIST);
		served = bpf_map_lookup_elem(&sl_served, key);
	}
	if (!served)
		stat(SL_STAT_UNCOUNTED);
	return served;
}

/* Counts a packet of a flow through a VIP, and what it means, for the service and the backend. */
static __always_inline void service_count_body(const struct packet *p, const struct sl_verdict *v,
					       __u32 packets, __u32 event)
{
	struct sl_served_key key = {};
	struct sl_served *served;

	service_served_key(p, v, &key);
	served = service_row(&key);
	if (!served)
		return;
	served->connections += event == SERVED_OPENED;
	served->answered += event == SERVED_ANSWERED;
	served->refused += event == SERVED_REFUSED;
	if (v->flags & SL_VERDICT_ANSWER) {
		served->reply_packets += packets;
		served->reply_bytes += p->len;
	} else {
		served->packets += packets;
		served->bytes += p->len;
	}
}
STATION_VOID(service_count, (const struct packet *p, const struct sl_verdict *v, __u32 packets, __u32 event),
	     p &&v, (p, v, packets, event))

#endif
