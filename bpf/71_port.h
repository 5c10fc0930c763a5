/* SPDX-License-Identifier: GPL-2.0 */
/*
 * port: the outside port of a source. Kept in two tables, one each way, so that the source gets the same one for
 * every destination (RFC 4787 REQ-1) and again when its flows are lost. Ports in use are bits; one atomic OR takes
 * one. What a workload may hold is limited, and nobody's port is taken away to serve another (RFC 6888 REQ-11).
 */
#ifndef SL_BPF_PORT_H
#define SL_BPF_PORT_H
#include "20_classify.h"
#include "40_flow.h"

static __always_inline const struct sl_eip *eip_row(const struct packet *p, __be32 addr)
{
	struct sl_eip_key key = { .addr = addr };

	return plan_row(&sl_eip, p->slot, &key);
}

/* Does the EIP stand for the source, alone or among others of its VPC? Plans give EIPs to somebody else at times. */
static __always_inline bool eip_stands_for(const struct sl_eip *eip, __u16 vpc, __be32 addr)
{
	if (!eip)
		return false;
	if (eip->flags & SL_EIP_FIP)
		return eip->inside_vpc == vpc && eip->fip == addr;
	return eip->flags & SL_EIP_SNAT && (eip->flags & SL_EIP_HOST || eip->inside_vpc == vpc);
}

/* Whose block the port is of. The compiler would find the mask needless, the verifier does not. */
static __always_inline __u16 eip_node(const struct sl_eip *eip, __u32 port)
{
	__u32 block = port >> SL_BLOCK_SHIFT;

	barrier_var(block);
	return eip->node[block & (SL_EIP_BLOCKS - 1)];
}

enum eip_event { EIP_BOUND, EIP_KEPT, EIP_NO_PORT, EIP_LIMIT, EIP_FILTERED, EIP_FORWARDED };

static __always_inline void eip_count_body(__be32 eip, __u8 proto, __u32 event)
{
	bool carried = proto == SL_PROTO_TCP || proto == SL_PROTO_UDP || proto == SL_PROTO_ICMP;
	/* The others share a row, or anybody outside could fill the table. */
	struct sl_eip_count_key key = { .eip = eip, .proto = carried ? proto : 0 };
	struct sl_eip_count *count = bpf_map_lookup_elem(&sl_eip_count, &key), zero = {};

	if (!count) {
		bpf_map_update_elem(&sl_eip_count, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&sl_eip_count, &key);
	}
	if (!count) {
		stat(SL_STAT_UNCOUNTED);
		return;
	}
	count->bound += event == EIP_BOUND || event == EIP_KEPT;
	count->kept += event == EIP_KEPT;
	count->no_port += event == EIP_NO_PORT;
	count->limit += event == EIP_LIMIT;
	count->filtered += event == EIP_FILTERED;
	count->forwarded += event == EIP_FORWARDED;
}
STATION_VOID(eip_count, (__be32 eip, __u8 proto, __u32 event), true, (eip, proto, event))

static __always_inline struct sl_port_word *port_word(__be32 eip, __u8 proto, __u32 port)
{
	struct sl_port_key key = { .eip = eip, .word = port / 64, .proto = proto };
	struct sl_port_word *word = bpf_map_lookup_elem(&sl_port_word, &key), none = {};

	if (word)
		return word;
	bpf_map_update_elem(&sl_port_word, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sl_port_word, &key);
}

/* Not for sources: a service's, or one that the plan keeps. */
static __always_inline bool port_reserved(const struct packet *p, __be32 eip, __u32 port)
{
	struct sl_reserved_key key = { .addr = eip, .port = bpf_htons(port), .proto = p->key.proto };

	return plan_row(&sl_reserved, p->slot, &key);
}

static __always_inline bool port_take(struct sl_port_word *word, __u32 port)
{
	__u64 bit = 1ULL << (port & 63);

	return !(__sync_fetch_and_or(&word->taken, bit) & bit);
}

static __always_inline void port_free(__be32 eip, __u8 proto, __u32 port)
{
	struct sl_port_key key = { .eip = eip, .word = port / 64, .proto = proto };
	struct sl_port_word *word = bpf_map_lookup_elem(&sl_port_word, &key);

	if (word)
		__sync_fetch_and_and(&word->taken, ~(1ULL << (port & 63)));
}

/* The lowest bit that is set; 64: none. */
static __always_inline __u32 port_lowest(__u64 bits)
{
	__u32 at = 0;

	if (!bits)
		return 64;
#define PORT_STEP(width)                                                                                     \
	if (!(bits & ((1ULL << (width)) - 1))) {                                                             \
		bits >>= (width);                                                                            \
		at += (width);                                                                               \
	}
	PORT_STEP(32)
	PORT_STEP(16)
	PORT_STEP(8)
	PORT_STEP(4)
	PORT_STEP(2)
	PORT_STEP(1)
#undef PORT_STEP
	return at;
}

/* Which of the rule's ports the source may have: those up to 1023 and the others stay apart (RFC 4787 REQ-3). */
static __always_inline __u32 port_first(const struct sl_snat *rule, __u32 source)
{
	return rule->first < 1024 && rule->last >= 1024 && source >= 1024 ? 1024 : rule->first;
}

static __always_inline __u32 port_last(const struct sl_snat *rule, __u32 source)
{
	return rule->first < 1024 && rule->last >= 1024 && source < 1024 ? 1023 : rule->last;
}

/* One try: a word somewhere among this node's blocks, and a free port in it that nobody can foresee. 0: none. */
static __always_inline __u32 port_try_body(const struct packet *p, const struct sl_eip *eip,
					   const struct sl_snat *rule, __be32 addr)
{
	__u32 source = bpf_ntohs(p->key.sport), first = port_first(rule, source);
	__u32 last = port_last(rule, source), random = bpf_get_prandom_u32(), port, low, high, shift;
	struct sl_port_word *word;
	__u64 free;

	if (last < first)
		return 0;
	port = (first + random % (last - first + 1)) & 0xffff;
	if (eip_node(eip, port) != SL_NODE_SELF) {
		__u32 own = eip->owned ? (random >> 16) % eip->owned : 0;

		if (!eip->owned)
			return 0;
		barrier_var(own);
		port = eip->own[own & (SL_EIP_BLOCKS - 1)] << SL_BLOCK_SHIFT |
		       (port & ((1 << SL_BLOCK_SHIFT) - 1));
	}
	word = port_word(addr, p->key.proto, port);
	if (!word)
		return 0;
	low = port & ~63U;
	high = low + 63;
	free = ~word->taken;
	if (low < first)
		free &= first - low > 63 ? 0 : ~0ULL << (first - low);
	if (high > last)
		free &= high - last > 63 ? 0 : ~0ULL >> (high - last);
	shift = bpf_get_prandom_u32() & 63;
	port = port_lowest(free >> shift);
	port = port < 64 ? port + shift : port_lowest(free);
	if (port > 63)
		return 0;
	port += low;
	if (port_reserved(p, addr, port) || !port_take(word, port))
		return 0;
	return port;
}
STATION(__u32, port_try,
	(const struct packet *p, const struct sl_eip *eip, const struct sl_snat *rule, __be32 addr),
	p &&eip &&rule, (p, eip, rule, addr))

#define PORT_TRIES 16

/* A port for the source: its own if it is free. 0: none was found. */
static __always_inline __u32 port_find_body(const struct packet *p, const struct sl_eip *eip,
					    const struct sl_snat *rule, __be32 addr)
{
	__u32 source = bpf_ntohs(p->key.sport), port;
	struct sl_port_word *word;

	if (source >= rule->first && source <= rule->last && eip_node(eip, source) == SL_NODE_SELF &&
	    !port_reserved(p, addr, source)) {
		word = port_word(addr, p->key.proto, source);
		if (word && port_take(word, source))
			return source;
	}
	for (int i = 0; i < PORT_TRIES; i++) {
		port = port_try(p, eip, rule, addr);
		if (port)
			return port;
	}
	return 0;
}
STATION(__u32, port_find,
	(const struct packet *p, const struct sl_eip *eip, const struct sl_snat *rule, __be32 addr),
	p &&eip &&rule, (p, eip, rule, addr))

/* --- what a workload holds */

static __always_inline struct sl_holder *holder_of(__be32 addr, __u16 vpc)
{
	struct sl_holder_key key = { .addr = addr, .vpc = vpc };
	struct sl_holder *holder = bpf_map_lookup_elem(&sl_holder, &key), none = {};

	if (holder)
		return holder;
	bpf_map_update_elem(&sl_holder, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sl_holder, &key);
}

static __always_inline __u32 *holder_ports(struct sl_holder *holder, __u8 proto)
{
	return proto == SL_PROTO_TCP   ? &holder->ports[SL_HOLDER_TCP]
	       : proto == SL_PROTO_UDP ? &holder->ports[SL_HOLDER_UDP]
				       : &holder->ports[SL_HOLDER_ICMP];
}

/* --- mappings */

static __always_inline void binding_key(struct sl_binding_key *key, const struct packet *p, __be32 eip,
					__u8 mapping)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->addr = p->saddr;
	key->eip = eip;
	key->port = p->key.sport;
	key->vpc = p->vpc;
	key->proto = p->key.proto;
	if (mapping >= SL_NAT_ADDRESS)
		key->daddr = p->key.daddr;
	if (mapping == SL_NAT_ADDRESS_PORT)
		key->dport = p->key.dport;
}

/* The port of a mapping that stands. 0: there is none. */
static __always_inline __be16 binding_port_body(const struct packet *p, const struct sl_eip *eip, __be32 addr,
						__u8 mapping)
{
	struct sl_outside_key outside_key = { .eip = addr, .proto = p->key.proto };
	const struct sl_binding *binding;
	struct sl_outside *outside;
	struct sl_binding_key key;

	binding_key(&key, p, addr, mapping);
	binding = bpf_map_lookup_elem(&sl_binding, &key);
	if (!binding)
		return 0;
	/* A block that has become another node's takes its mappings with it: their replies no longer come here. */
	if (eip_node(eip, bpf_ntohs(binding->port)) != SL_NODE_SELF)
		return 0;
	outside_key.port = binding->port;
	outside = bpf_map_lookup_elem(&sl_outside, &outside_key);
	if (!outside || outside->state != SL_OUTSIDE_BOUND)
		return 0;
	outside->seen = tick_now();
	return binding->port;
}
STATION(__be16, binding_port, (const struct packet *p, const struct sl_eip *eip, __be32 addr, __u8 mapping),
	p &&eip, (p, eip, addr, mapping))

#define BINDING_TWICE SL_REASONS /* no reason: another CPU was faster */

/* Enters the mapping in both tables. 0 or a reason. */
static __always_inline __u32 binding_enter_body(const struct packet *p, const struct sl_snat *rule,
						__be32 addr, __u32 port)
{
	__u32 now = tick_now();
	struct sl_outside_key outside_key = { .eip = addr, .port = bpf_htons(port), .proto = p->key.proto };
	struct sl_outside outside = { .created = now, .seen = now, .filtering = rule->filtering };
	struct sl_binding binding = { .port = bpf_htons(port) };
	const struct sl_eip *eip = eip_row(p, addr);
	__u32 reason = 0;

	binding_key(&outside.inside, p, addr, rule->mapping);
	if (!eip || bpf_map_update_elem(&sl_outside, &outside_key, &outside, BPF_ANY))
		return SL_DROP_NAT_FULL;
	if (!bpf_map_update_elem(&sl_binding, &outside.inside, &binding, BPF_NOEXIST))
		return 0;
	if (binding_port(p, eip, addr, rule->mapping))
		reason = BINDING_TWICE;
	else if (bpf_map_update_elem(&sl_binding, &outside.inside, &binding, BPF_ANY)) /* over a stale one */
		reason = SL_DROP_NAT_FULL;
	if (reason)
		bpf_map_delete_elem(&sl_outside, &outside_key);
	return reason;
}
STATION(__u32, binding_enter, (const struct packet *p, const struct sl_snat *rule, __be32 addr, __u32 port),
	p &&rule, (p, rule, addr, port))

/*
 * Gives the source of the packet its port of v->saddr: the one that it has, or a new one. v->sport is set, or a reason
 * given.
 */
static __always_inline __u32 port_bind_body(const struct packet *p, struct sl_verdict *v,
					    const struct sl_snat *rule)
{
	const struct sl_eip *eip = eip_row(p, v->saddr);
	__u32 port = 0, reason = 0, *held;
	struct sl_holder *holder;

	if (!eip)
		return SL_DROP_NO_EIP;
	v->sport = binding_port(p, eip, v->saddr, rule->mapping);
	if (v->sport)
		return 0;
	holder = holder_of(p->saddr, p->vpc);
	if (!holder)
		return SL_DROP_NAT_FULL;
	held = holder_ports(holder, p->key.proto);
	if (__sync_fetch_and_add(held, 1) >= rule->max_ports)
		reason = SL_DROP_NAT_LIMIT;
	if (!reason) {
		port = port_find(p, eip, rule, v->saddr);
		reason = port ? binding_enter(p, rule, v->saddr, port) : SL_DROP_NAT_PORTS;
	}
	if (reason) {
		if (port)
			port_free(v->saddr, p->key.proto, port);
		__sync_fetch_and_sub(held, 1);
		if (reason == BINDING_TWICE) {
			v->sport = binding_port(p, eip, v->saddr, rule->mapping);
			return v->sport ? 0 : SL_DROP_NAT_FULL;
		}
		__sync_fetch_and_add(&holder->refused, 1);
		eip_count(v->saddr, p->key.proto, reason == SL_DROP_NAT_LIMIT ? EIP_LIMIT : EIP_NO_PORT);
		return reason;
	}
	v->sport = bpf_htons(port);
	stat(SL_STAT_BINDINGS);
	eip_count(v->saddr, p->key.proto, v->sport == p->key.sport ? EIP_KEPT : EIP_BOUND);
	return 0;
}
STATION(__u32, port_bind, (const struct packet *p, struct sl_verdict *v, const struct sl_snat *rule),
	p &&v &&rule, (p, v, rule))

#endif
