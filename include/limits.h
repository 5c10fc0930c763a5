/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every capacity of sluice and why it is what it is. A limit that is reached is reported: the
 * compiler refuses the plan by name, the dataplane counts a reason.
 */
#ifndef SL_LIMITS_H
#define SL_LIMITS_H

/* 16 bits in the flow key, which must stay 16 bytes; 0 is never a VPC. */
#define SL_MAX_VPC 65535
/* Network ids come from the plan; 0 stands for the world and the last for this node. */
#define SL_NET_WORLD 0
#define SL_NET_HOST 65535
#define SL_MAX_NETWORK_ID 65534
/* sl_vlan is an array over all VLAN ids. */
#define SL_VLANS 4096
/* A node of the plan other than this one, by index; 0 is "not known". */
#define SL_MAX_NODES 65534
/* In tables that say where something stands: on the node that reads them. */
#define SL_NODE_SELF 65535
/* Workloads of this node in one network that a broadcast is copied to: each copy costs a clone. */
#define SL_MAX_MEMBERS 256
/* Names shown to people: longer ones are refused by the checker. */
#define SL_NAME_LEN 64

/* Plan tables are created with the size the plan needs; these are the ceilings. */
#define SL_MAX_EXACT (1U << 21)
#define SL_MAX_PREFIX (1U << 20)
#define SL_MAX_PAIR (1U << 22)
#define SL_MAX_PORTS (1U << 20)
#define SL_MAX_IFACE (1U << 16)
#define SL_MAX_MEMBER (1U << 17)

/* Rings, of all services together: 80,000 services of up to four backends and their 401 slots. */
#define SL_MAX_SERVICE (1U << 18)
#define SL_MAX_RING (1U << 25)
#define SL_MAX_BACKEND (1U << 20)
#define SL_MAX_SOURCE (1U << 20)
#define SL_MAX_VIP (1U << 18)

/*
 * Aliases of VIPs that are a node's own address: that node's clients reach them by 192.0.0.16 to 192.0.0.169, of
 * RFC 6890's block for protocols' own use, where nothing is assigned.
 */
#define SL_ALIAS_FIRST 0xc0000010U
#define SL_ALIASES 154

/*
 * An EIP's 65536 ports are 64 blocks of 1024; each block belongs to one node, so that a reply which lands on
 * another one is known to be that node's without any state. No more nodes than blocks can share an EIP.
 */
#define SL_EIP_BLOCKS 64
#define SL_BLOCK_SHIFT 10
#define SL_MAX_EIP (1U << 16)
#define SL_MAX_SNAT (1U << 16)
#define SL_MAX_SNAT_FROM (1U << 18)
#define SL_MAX_SNAT_TO (1U << 20)
#define SL_MAX_GUEST (1U << 20)
#define SL_MAX_RESERVED (1U << 18)

/* State tables: defaults of `limits` in the plan. */
#define SL_FLOWS 1048576
#define SL_UNANSWERED 131072
#define SL_FRAGMENTS 16384
#define SL_NEIGHBOURS 65536
/*
 * Lines of the cache on each CPU, 128 bytes each; a set of four stands side by side. Flows whose lines one epoch
 * ends together; bytes that a line counts at most before it is filled anew.
 */
#define SL_LINES 131072
#define SL_LINES_MOST                                                                                        \
	(512U * 1024) /* of all CPUs, unless the plan asks for more than SL_LINES on each: 64 MiB */
#define SL_LINE_WAYS 4
#define SL_LINE_EPOCHS 4096
#define SL_LINE_BYTES (1U << 30)
/* Clients that are held to a backend, and sources whose new flows are metered: the least recent give way. */
#define SL_AFFINITIES 131072
#define SL_BUCKETS 131072
/* Mappings of sources to outside ports, each in two tables. */
#define SL_BINDINGS 1048576
/* Of 64 ports each: all the ports of 85 EIPs for three protocols. */
#define SL_PORT_WORDS 262144
/* Where filtering asks for the address: the least recent give way, who must then wait to be spoken to again. */
#define SL_CONTACTS 131072
/* Workloads that hold outside ports. */
#define SL_HOLDERS_MOST 131072
/* EIP and protocol. */
#define SL_EIP_COUNTS 4096
/* Counters: taken beforehand, on every CPU, since a row that must wait for memory loses what it should count. */
#define SL_TRAFFIC 16384
#define SL_DROPS 8192
#define SL_SERVED 32768
#define SL_UNSERVED 8192
/* Services and backends of the plan: 30,000 services of three backends. Takes memory for the rows there are. */
#define SL_SERVING 131072
#define SL_NAMES 262144
#define SL_FAILS 8192

/*
 * Quality of service. Three bits of the mark carry the class. Levels are served in their order. A row of sl_rate, and
 * one of sl_shaper, for each class, cluster, uplink and value of a label that has a rate.
 */
#define SL_CLASSES 8
#define SL_LEVELS 8
#define SL_LEVEL_DEFAULT 4 /* of what belongs to no class */
#define SL_COST_SHIFT 20
#define SL_MAX_RATE (1U << 16)
#define SL_SHAPERS (1U << 16)
#define SL_LINKS 256
#define SL_QOS_ROWS 16384
#define SL_QOS_DELAYS 4096 /* 152 bytes a CPU each: rows of sl_qos that had to wait, where fq is */
#define SL_DELAY_BUCKETS 16
#define SL_DELAY_FIRST_US 16
#define SL_HORIZON_MS 100 /* default: longer than this a packet does not wait for its turn */

/* Other clusters' prefixes, nodes and pools; limits of latency; pairs of networks whose latency is known. */
#define SL_MAX_ABROAD (1U << 17)
#define SL_MAX_SLO 256
#define SL_RTTS 4096

/* WireGuard over IPv4: IPv4 20, UDP 8, its own header and tag 32. */
#define SL_WIREGUARD_BYTES 60
#define SL_WIREGUARD_DATA 4 /* the type that a packet with something inside begins with */
#define SL_WAN_MTU 1500 /* default: what the way between the sites takes */

/* Never in clear between clusters: OVN-IC's databases, etcd, and Kube-OVN's Geneve. */
#define SL_OVN_IC_FIRST 6645
#define SL_OVN_IC_LAST 6646
#define SL_ETCD_FIRST 2379
#define SL_ETCD_LAST 2380
#define SL_GENEVE_PORT 6081

/* A port that was given back is not handed out before (RFC 6888 REQ-8). */
#define SL_PORT_REST_S 120
/* What nat_outgoing hands out by default: above what Linux takes for the node's own connections. */
#define SL_NAT_FIRST 61000
#define SL_NAT_LAST 65535
/* Told "administratively prohibited" at most so often a second, when no mapping is possible (RFC 5508 REQ-8). */
#define SL_TOLD_PER_S 10

/* RFC 791 lets a host wait this long for the rest of a datagram. */
#define SL_FRAGMENT_S 30
/* A neighbour is asked for at most once in this time. */
#define SL_ASK_S 1

/* A flow whose answers go past this node, to a backend of another one, is forgotten when idle for so long. */
#define SL_DIRECT_S 900

/*
 * Time in the dataplane: one tick is 2^20 ns (about 1.05 ms) of CLOCK_MONOTONIC, in 32 bits. A shift
 * is cheaper than a division, and a difference of two ticks is right across the wrap (52 days).
 */
#define SL_TICK_SHIFT 20
#define SL_TICKS(seconds) ((__u32)(((__u64)(seconds)*1000000000ULL) >> SL_TICK_SHIFT))

/* A packet for a backend of another node travels in Geneve: IPv4 20, UDP 8, Geneve 8, one option 8. */
#define SL_TUNNEL_BYTES 44
#define SL_TUNNEL_PORT 6083 /* default; Kube-OVN has 6081 */
#define SL_TUNNEL_VNI 1
#define SL_TUNNEL_MTU 1500 /* default: what the nodes can send each other */

/* The MAC of the gateway that every node plays for its own workloads; it never appears on a wire. */
#define SL_ROUTER_MAC                                                                                        \
	{                                                                                                    \
		0x02, 0x73, 0x6c, 0x75, 0x69, 0x63                                                           \
	}

/* The receiver of a second half (84_tunnel.h) between leaving a door and coming in by it again. */
#define SL_HALF_MAC                                                                                          \
	{                                                                                                    \
		0x02, 0x73, 0x6c, 0x75, 0x69, 0x64                                                           \
	}

/*
 * Bits of skb->mark by default: the top bit of the mask says "judged", the three below carry the QoS
 * class. Must not touch kube-proxy's 0x4000 and 0x8000 nor Cilium's 0x0f00.
 */
#define SL_MARK_MASK 0x00f00000U
#define SL_MARK_FOREIGN 0x0000cf00U

#endif
