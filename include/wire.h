/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands on the wire: headers as the network has them, and the numbers in them. Vocabulary only;
 * nothing here looks at a packet. Behind Ethernet and tags all of them stand at even places, which saves reading them
 * byte by byte.
 */
#ifndef SL_WIRE_H
#define SL_WIRE_H
#include <linux/types.h>

#define SL_ETH_IPV4 0x0800
#define SL_ETH_ARP 0x0806
#define SL_ETH_IPV6 0x86dd
#define SL_ETH_VLAN 0x8100
#define SL_ETH_QINQ 0x88a8
#define SL_VLAN_ID 0x0fff

#define SL_PROTO_ICMP 1
#define SL_PROTO_TCP 6
#define SL_PROTO_UDP 17
#define SL_PROTO_DCCP 33
#define SL_PROTO_SCTP 132
#define SL_PROTO_UDPLITE 136

#define SL_TCP_FIN 0x01
#define SL_TCP_SYN 0x02
#define SL_TCP_RST 0x04
#define SL_TCP_PSH 0x08
#define SL_TCP_ACK 0x10
#define SL_TCP_URG 0x20

#define SL_ICMP_ECHO_REPLY 0
#define SL_ICMP_UNREACHABLE 3
#define SL_ICMP_ECHO 8
#define SL_ICMP_TIME_EXCEEDED 11
#define SL_ICMP_PARAMETER 12
#define SL_ICMP_TIMESTAMP 13
#define SL_ICMP_TIMESTAMP_REPLY 14

#define SL_ICMP_PORT 3 /* codes of unreachable */
#define SL_ICMP_FRAG_NEEDED 4
#define SL_ICMP_PROHIBITED 13

#define SL_TCP_OPT_END 0
#define SL_TCP_OPT_NOP 1
#define SL_TCP_OPT_MSS 2

#define SL_ECN 0x03
#define SL_ECN_CE 0x03

/* Geneve (RFC 8926), with the one option of sluice's own; the class is one of those left for experiments. */
#define SL_GENEVE_CRITICAL 0x40
#define SL_GENEVE_CLASS 0xfff3
#define SL_GENEVE_BACKEND 0x81 /* the option's type: critical, an unaware receiver drops */
#define SL_GENEVE_WORDS 2 /* all options together */

#define SL_IP_DF 0x4000
#define SL_IP_MF 0x2000
#define SL_IP_OFFSET 0x1fff
#define SL_IP_OPT_END 0
#define SL_IP_OPT_NOP 1
#define SL_IP_OPT_LSRR 131
#define SL_IP_OPT_SSRR 137

#define SL_ARP_REQUEST 1
#define SL_ARP_REPLY 2

struct sl_eth {
	__u8 dst[6];
	__u8 src[6];
	__be16 type;
} __attribute__((packed, aligned(2)));

struct sl_tag {
	__be16 tci;
	__be16 type;
} __attribute__((packed, aligned(2)));

struct sl_ipv4 {
	__u8 ver_ihl;
	__u8 tos;
	__be16 len;
	__be16 id;
	__be16 frag;
	__u8 ttl;
	__u8 proto;
	__be16 check;
	__be32 saddr;
	__be32 daddr;
} __attribute__((packed, aligned(2)));

struct sl_l4_ports {
	__be16 src;
	__be16 dst;
} __attribute__((packed, aligned(2)));

struct sl_tcp {
	__be16 src;
	__be16 dst;
	__be32 seq;
	__be32 ack;
	__u8 offset; /* high four bits, in words */
	__u8 flags;
	__be16 window;
	__be16 check;
	__be16 urgent;
} __attribute__((packed, aligned(2)));

struct sl_udp {
	__be16 src;
	__be16 dst;
	__be16 len;
	__be16 check;
} __attribute__((packed, aligned(2)));

struct sl_icmp {
	__u8 type;
	__u8 code;
	__be16 check;
	__be16 id;
	__be16 seq;
} __attribute__((packed, aligned(2)));

struct sl_arp {
	__be16 htype;
	__be16 ptype;
	__u8 hlen;
	__u8 plen;
	__be16 op;
	__u8 sha[6];
	__be32 spa;
	__u8 tha[6];
	__be32 tpa;
} __attribute__((packed));

struct sl_geneve {
	__u8 ver_words; /* version 0, words of options */
	__u8 flags;
	__be16 type;
	__u8 vni[3];
	__u8 reserved;
	__be16 option_class;
	__u8 option_type;
	__u8 option_words;
	__be32 backend;
} __attribute__((packed));

#endif
