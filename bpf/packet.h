/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is carried through the stations with a packet: where it came in, what parse and classify found.
 * No pointers into the packet, so that helpers which move the packet invalidate nothing here.
 *
 * A door includes this after defining SL_DOOR_XDP or SL_DOOR_TC, which say what its context is.
 */
#ifndef SL_BPF_PACKET_H
#define SL_BPF_PACKET_H
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../include/wire.h"
#include "tables.h"

/*
 * A station's work stands in NAME_body(); NAME() is what others call. Not static, so that the verifier looks at it
 * once, by itself, and not again for every way that leads to it; weak, since every door brings its own. It is told
 * nothing about its pointers and has to ask, though they are never NULL but where the body says so.
 */
#define STATION(type, name, takes, given, hands)                                                             \
	__weak __attribute__((noinline)) type name takes                                                     \
	{                                                                                                    \
		return (given) ? name##_body hands : 0;                                                      \
	}
#define STATION_VOID(name, takes, given, hands)                                                              \
	__weak __attribute__((noinline)) int name takes                                                      \
	{                                                                                                    \
		if (given)                                                                                   \
			name##_body hands;                                                                   \
		return 0;                                                                                    \
	}

#ifdef SL_DOOR_XDP
typedef struct xdp_md sl_ctx;
#else
typedef struct __sk_buff sl_ctx;
#endif

enum door { DOOR_UP_XDP, DOOR_UP_IN, DOOR_UP_OUT, DOOR_WL_IN, DOOR_WL_OUT, DOOR_TUN_IN, DOOR_TUN_OUT };
/* No door: in a line, what came by DOOR_UP_IN in another node's wrapping. */
#define DOOR_UNWRAPPED (DOOR_TUN_OUT + 1)

#define PACKET_TAGGED 0x01 /* a VLAN tag, in the frame or beside it */
#define PACKET_DOUBLE_TAG 0x02
#define PACKET_FRAG_FIRST 0x04
#define PACKET_FRAG_LATER 0x08
#define PACKET_ICMP_ERROR 0x10 /* key is that of the flow it quotes, as the quoted packet went */
#define PACKET_ICMP_REPLY 0x20
#define PACKET_EXCUSED 0x40 /* a monitor let a reason pass: judge on, keep no flow */
#define PACKET_FLOW 0x80 /* belongs to a flow, whose verdict may not be obeyed as it is */
#define PACKET_AGAIN 0x200 /* another door will judge and count it if this one lets it pass */
#define PACKET_REPLY 0x100 /* goes against the direction in which that flow was opened */
#define PACKET_OPTIONAL 0x400 /* the plan's business only if a flow or a service knows it */
#define PACKET_UNWRAPPED 0x800 /* came through the tunnel from `outer`, which has judged the client */
#define PACKET_NAT 0x2000 /* of a flow through an EIP */
#define PACKET_GUEST 0x4000 /* of another VPC, which may use the service */
#define PACKET_LINE 0x8000 /* a line of the cache may stand for its flow, leave it alone or drop it */
#define PACKET_ANSWER 0x1000 /* of a flow through a VIP, from its backend */

struct packet {
	__u32 generation; /* read once; everything below is of this plan */
	__u8 slot;
	__u8 qos; /* class of its flow */
	__u16 cluster; /* at an uplink: whose tunnel it belongs to; 0: none */
	__u32 ifindex;
	__u32 len; /* of the IP packet, or of the frame behind Ethernet when it is not IP */
	__u16 ethertype; /* host byte order, behind the tags */
	__u16 vlan;
	__u16 l3; /* offset of the IP header; 0: a frame without Ethernet */
	__u16 l4;
	__u16 network; /* that it came in by; SL_NET_WORLD if none */
	__u16 vpc;
	__u16 net_flags; /* SL_NETWORK_* of that network */
	__u16 frag_id; /* network byte order */
	__be32 saddr; /* of the packet itself; differs from key in ICMP errors */
	__be32 daddr;
	struct sl_flow_key key;
	__be32 backend; /* named by the tunnel, or by the verdict of the flow that is judged again */
	union { /* there is little room on the stack */
		__be32 outer; /* with PACKET_UNWRAPPED: the node that sent it; with PACKET_LINE that is in backend */
		__u32 stamp; /* without, or with both: of the cache, before the flow was looked up */
	};
	__u16 answer_vpc; /* the VPC in which the other direction of a new flow is looked up */
	__be16 opened_to; /* with PACKET_REPLY: the port that the flow was opened to */
	__u16 flags; /* PACKET_* */
	__u8 door;
	__u8 tcp_flags;
	__u8 ttl;
	__u8 reason; /* what the station that spoke last has against the packet */
	__u8 dmac[6] __attribute__((aligned(2)));
	__u8 smac[6] __attribute__((aligned(2)));
};

static __always_inline void *packet_begin(sl_ctx *ctx)
{
	return (void *)(long)ctx->data;
}

static __always_inline void *packet_end(sl_ctx *ctx)
{
	return (void *)(long)ctx->data_end;
}

/* Length of the frame including what is not in the linear part. */
static __always_inline __u32 packet_length(sl_ctx *ctx)
{
#ifdef SL_DOOR_XDP
	return bpf_xdp_get_buff_len(ctx);
#else
	return ctx->len;
#endif
}

/* Packets a segmented buffer stands for, so that counters do not depend on offloads. */
static __always_inline __u32 packet_segments(sl_ctx *ctx)
{
#ifdef SL_DOOR_XDP
	(void)ctx;
	return 1;
#else
	return ctx->gso_segs > 1 ? ctx->gso_segs : 1;
#endif
}

/* The plan in force, read once: it may change at any time. 0: none is in. */
static __always_inline __u32 packet_generation(void)
{
	return *(const volatile __u32 *)&ROW(sl_active, struct sl_active)->generation;
}

static __always_inline __u32 tick_now(void)
{
	return bpf_ktime_get_coarse_ns() >> SL_TICK_SHIFT;
}

/* MACs stand at even places everywhere, but not at multiples of four. */
static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

static __always_inline bool mac_zero(const __u8 *a)
{
	const __u16 *x = (const __u16 *)a;

	return !(x[0] | x[1] | x[2]);
}

static __always_inline bool mac_multicast(const __u8 *a)
{
	return a[0] & 1;
}

static __always_inline bool mac_router(const __u8 *a)
{
	const __u8 router[6] = SL_ROUTER_MAC;

	return mac_equal(a, router);
}

static __always_inline void stat(__u32 id)
{
	__u64 *value = bpf_map_lookup_elem(&sl_stat, &id);

	if (value)
		*value += 1;
}

#endif
