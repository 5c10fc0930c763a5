// SPDX-License-Identifier: GPL-2.0
/*
 * What stands at the ends of a path of live frames: a generator, a sink that counts, and the two ceilings, which send
 * a frame back and on and do nothing else.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../../../include/wire.h"
#include "live.h"

#define FIRST_PORT 1024

struct live_way way SEC(".data.way") = { .flows = 0 };

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} onward SEC(".maps");

/* Frames come round again as the receiver left them: all of it is written every time. */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 *to = (void *)data, *from = (void *)way.frame;
	__be16 *sport = (void *)data + (way.sport_at & 0x3e);

	if (data + LIVE_FRAME > end || (__u8 *)(sport + 1) > end)
		return XDP_ABORTED;
	/* Setting a test run up, and its end, wait for RCU: the clock runs from here. */
	if (!way.next)
		way.begun = bpf_ktime_get_ns();
	for (int i = 0; i < LIVE_FRAME / 8; i++)
		to[i] = from[i];
	*sport = bpf_htons(FIRST_PORT + (way.next++ & way.flows & 0x7fff));
	return XDP_TX;
}

/* Counts what has become what it should; one processor takes all of them. */
static __always_inline void count(void *data, void *end)
{
	struct sl_ipv4 *ip = data + 14;
	struct sl_l4_ports *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) <= end && ip->proto == SL_PROTO_UDP && (!way.saddr || ip->saddr == way.saddr) &&
	    (!way.daddr || ip->daddr == way.daddr) && (!way.dport || udp->dst == way.dport) &&
	    ++way.arrived == way.count)
		way.ended = bpf_ktime_get_ns();
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	count((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return XDP_DROP;
}

/* What is handed to a peer directly does not pass by its XDP. */
SEC("tc")
int sink_tc(struct __sk_buff *ctx)
{
	count((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return TC_ACT_SHOT;
}

SEC("xdp")
int back(struct xdp_md *ctx)
{
	__u16 *mac = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (mac + 6 > end)
		return XDP_ABORTED;
	for (int i = 0; i < 3; i++) {
		__u16 was = mac[i];

		mac[i] = mac[i + 3];
		mac[i + 3] = was;
	}
	return XDP_TX;
}

SEC("xdp")
int on(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect_map(&onward, 0, XDP_ABORTED);
}

char LICENSE[] SEC("license") = "GPL";
