/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bench that packet tests lie on: the real loader has put the real programs and a compiled plan into the
 * kernel; a packet goes into one door by BPF_PROG_TEST_RUN, and what came of it (verdict, bytes, mark, every
 * counter) is compared with what was wanted. A counter that nobody expected to move is a failure.
 */
#ifndef PACKET_BENCH_H
#define PACKET_BENCH_H
#include <linux/bpf.h>
#include "../../user/kernel/kernel.h"
#include "../../user/kernel/object.h"
#include "frame.h"
#include "scene.h"

#define FLOWS_MAX 64 /* room of sl_flow for tests: small enough to be filled */
#define UNANSWERED_MAX 2048
#define BINDINGS_MAX 4096
#define CACHE_LINES 256
#define CPUS_MAX 256U
#define MARK_JUDGED 0x00800000U /* top bit of SL_MARK_MASK */
#define MARK_CLASS_SHIFT 20 /* the three bits below */
#define WAN_SIGN 0x5a1cU /* of what a door has sent into the tunnel: MARK_WAN_SIGN */
#define BENCH_PINS "/sys/fs/bpf/packet"

struct tag_beside_bpf;

struct bench {
	struct kernel kernel;
	int program[SL_PROGRAMS];
	struct tag_beside_bpf *beside; /* puts a tag beside the frame before the door sees it */
	struct image *image; /* of the plan in force */
	const char *folder; /* with plan.json */
	const char *base; /* a change that every plan of a group gets first; NULL: none */
	void (*rows)(struct bench *b,
		     struct image *image); /* puts rows of its own into an image; NULL: none */
	const void *rows_of; /* what `rows` goes by */
	struct limits limits; /* sizes of the tables of state; 0: small enough to be filled by tests */
	uint32_t cpus;
	bool cached; /* the programs have their cache */
	int flush; /* sl_flush; only then */
	unsigned int lines, line_packets; /* made of packets of tests, and those that they decided */
	unsigned int lines_dropped; /* of these lines, those that drop */
	unsigned int lines_left; /* of what is left alone */
	uint32_t fuzz_packets, fuzz_seed;
	unsigned int ok, failed, skipped;
	unsigned int hits[SL_REASONS], misses[SL_REASONS],
		excused[SL_REASONS]; /* passed tests of each reason */
	bool in_case, case_failed;
	char name[160];
};

/* What goes in. */
struct send {
	enum program door;
	uint32_t ifindex;
	struct frame frame;
	struct tag beside; /* type 0: none */
	uint32_t mark;
	uint32_t gso_segs, gso_size;
	uint32_t priority;
	uint32_t came_by; /* ingress interface of what leaves; 0: none */
	uint32_t hash; /* of the flow, written before the door sees it; 0: none */
	uint32_t sign; /* of the door that sent it here, likewise */
	bool keep; /* tables of state stay as the packet before left them */
	bool summed; /* by the network card, whose sum the kernel then checks what comes out by (6.16 and later) */
};

enum fate {
	UNTOUCHED, /* passes, not judged, not counted */
	STACK, /* passes to the stack, judged; XDP: judged, on to TC */
	SENT, /* redirected */
	DROPPED,
};

/* What a service has to count. */
struct served {
	uint32_t vip;
	uint16_t port;
	uint8_t proto;
	uint32_t backend; /* 0: refused, for the reason of the drop */
	uint8_t event;
	bool answer; /* the backend's packet */
	uint32_t bytes; /* 0: as many as are counted otherwise */
};
/* What is counted for an EIP. */
struct outside {
	uint32_t eip; /* 0: nothing is */
	uint8_t proto;
	uint32_t events; /* bits of EIP_*: each by one packet */
};
#define EIP_BOUND 0x01
#define EIP_KEPT 0x02
#define EIP_NO_PORT 0x04
#define EIP_LIMIT 0x08
#define EIP_FILTERED 0x10
#define EIP_FORWARDED 0x20

#define SERVED_CONNECTION 1
#define SERVED_ANSWER 2
#define SERVED_REFUSAL 3

/* What quality of service counts: that it left, or that it was more than a rate takes. */
struct queued {
	bool counted;
	bool delayed;
	uint32_t class, label; /* names; 0: none */
	uint16_t cluster;
};

/* The handshake that is timed. Of a SYN-ACK nothing is asked unless a test says which. */
struct timed {
	enum { TIMED_ANY, TIMED, TIMED_NOT } as;
	struct sl_rtt_key key;
	uint32_t bucket; /* BUCKET_ANY: whichever */
};
#define BUCKET_ANY SL_RTT_BUCKETS

struct got;

/* What has to come of it. */
struct want {
	enum fate fate;
	uint8_t reason; /* of a drop, or of what a monitor lets pass; 0: none */
	uint8_t outcome; /* SL_MONITORED where a monitor lets it pass; else taken from fate */
	uint16_t src, dst; /* networks it is counted for */
	uint16_t network; /* that a drop is counted for */
	uint32_t packets; /* 0: one */
	int bytes; /* 0: the IP packet, or what stands behind Ethernet and tags; -1: none */
	uint32_t stats; /* bits of SL_STAT_*: each moves by one, all others stay */
	bool unmarked; /* although SENT or STACK, no mark */
	const struct frame *out; /* NULL: as it went in */
	bool question; /* dropped, and what goes out instead is in `out` */
	uint8_t class; /* in the mark */
	uint32_t priority; /* of the socket buffer; 0: as it came */
	struct served served; /* vip 0: no service counts it */
	struct outside outside;
	struct queued queued;
	struct timed timed;
	struct got *got; /* NULL, or what came out is put there */
};
#define STAT(symbol) (1U << SL_STAT_##symbol)
#define NEW_FLOW STAT(FLOWS_CREATED)

struct got {
	uint32_t retval;
	struct frame frame; /* as it came out, metadata apart */
	uint8_t meta[64];
	uint32_t meta_len;
	uint32_t mark;
	uint32_t priority;
	uint64_t tstamp; /* the time to leave at; 0: now */
};

bool bench_open(struct bench *b, const char *folder, char *why, size_t room);
void bench_close(struct bench *b);
/* Puts in plan.json, changed by `change` (JSON whose top-level keys replace or extend; NULL: as it is). */
bool bench_plan(struct bench *b, const char *change);
/* Puts sl_active back to 0, or to the generation of the plan that is in. */
void bench_generation(struct bench *b, uint32_t generation);
/* Is it what sl_stat counts of the cache alone, whatever becomes of packets? */
bool bench_of_cache(uint32_t stat);
/* Counts what lines of the cache hold. */
void bench_count_lines(struct bench *b);
/* And forgets them. */
void bench_void_lines(struct bench *b);
/* Nothing is left alone at a glance: the long way and lines have to say it. Until the next plan. */
void bench_leave_nothing(struct bench *b);
/* Empties every table of state that packets write, and every counter. */
void bench_clear(struct bench *b);
void bench_clear_counts(struct bench *b);

/* A row more of a plan table, or another value for one that is there. */
void bench_row(struct bench *b, struct image *image, enum sl_table_id table, const void *key,
	       const void *value);
/* The value of a row that is there, to be read or changed; NULL: none is. */
void *bench_find(const struct image *image, enum sl_table_id table, const void *key);

/* Only runs the door. */
bool bench_run(struct bench *b, const struct send *s, struct got *got);
/* Runs and compares; inside a case (below) many, else a case of its own named `name`. */
bool check(struct bench *b, const char *name, struct send s, struct want w);
/* The same, and says that it triggers `reason`, or is one step on the good side of it. */
void hit(struct bench *b, enum sl_reason_id reason, const char *name, struct send s, struct want w);
void miss(struct bench *b, enum sl_reason_id reason, const char *name, struct send s, struct want w);

/* Runs a packet that was as wanted twice more where the cache can have a line for it, and compares; check() asks. */
bool check_by_line(struct bench *b, const struct send *s, const struct want *w);

/* A case of several packets: one line of output. */
void case_begin(struct bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool case_end(struct bench *b);
void case_skip(struct bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Notes a failure, once with all that is known, and says why. Returns false. */
bool fail(struct bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool that(struct bench *b, bool truth, const char *what);
/* As hex; bytes that `other` has otherwise in brackets. */
void show_frame(const char *title, const struct frame *f, const struct frame *other);
bool same_frame(struct bench *b, const struct frame *want, const struct frame *got);

/* Every row of the services' counters; check() asks. */
bool check_served(struct bench *b, const struct want *w, uint32_t packets, uint32_t bytes);

/* Every row of the EIPs' counters; check() asks. */
bool check_outside(struct bench *b, const struct want *w);

/* Every row of what quality of service, handshakes and the watch between clusters have noted; check() asks. */
bool check_queued(struct bench *b, const struct want *w, uint32_t packets, uint32_t bytes);
bool check_timed(struct bench *b, const struct send *s, const struct want *w);
bool check_offender(struct bench *b, const struct want *w);
#define OFFENCES 3
extern const uint32_t offences[OFFENCES]; /* reasons of which an example is kept */

/* Rows of state tables. */
struct sl_flow_key flow_key(uint16_t vpc, uint8_t proto, uint32_t saddr, uint16_t sport, uint32_t daddr,
			    uint16_t dport);
/* 1: established, 0: unanswered, -1: nowhere. */
int flow_find(struct bench *b, const struct sl_flow_key *key, struct sl_flow *flow);
uint32_t tick(void);
uint16_t vpc_of(const struct bench *b, const char *name);

/* Ways in. */
static inline struct send workload(uint32_t ifindex, struct frame frame)
{
	return (struct send){ .door = SL_WL_IN, .ifindex = ifindex, .frame = frame };
}

static inline struct send wire(struct frame frame) /* the tag, if any, in the frame */
{
	return (struct send){ .door = SL_UP_IN, .ifindex = UP0, .frame = frame };
}

static inline struct send wire_xdp(struct frame frame)
{
	return (struct send){ .door = SL_UP_XDP, .ifindex = UP0, .frame = frame };
}

static inline struct send beside(struct send s, uint16_t type, uint16_t tci)
{
	s.beside = (struct tag){ .type = type, .tci = tci };
	return s;
}

static inline struct send next(struct send s) /* after the packet before it */
{
	s.keep = true;
	return s;
}

/* A drop on the wire's side, by XDP and by TC with the tag in the frame and beside it. */
void hit_wire(struct bench *b, enum sl_reason_id reason, const char *name, struct frame f, struct want w);
/* What a routed packet looks like on its next link. */
struct frame hop(struct frame f, const uint8_t *dmac, const uint8_t *smac);
/* What a packet from the wire looks like when it goes into a workload. */
struct frame landed(struct frame f, const uint8_t *dmac);
/* A reason that a monitor lets pass. */
void monitored(struct bench *b, enum sl_reason_id reason, const char *name, struct send s, struct want w);

#define VLAN(id) .tags = 1, .tag = { { .tci = (id) } }
#define TCP(from, to, bits) .proto = SL_PROTO_TCP, .sport = (from), .dport = (to), .tcp_flags = (bits)
#define UDP(from, to) .proto = SL_PROTO_UDP, .sport = (from), .dport = (to)
#define ICMP(kind, identifier) .proto = SL_PROTO_ICMP, .icmp_type = (kind), .icmp_id = (identifier)
#define SYN SL_TCP_SYN
#define ACK SL_TCP_ACK
#define RST SL_TCP_RST
#define FIN SL_TCP_FIN

/* The groups. */
void test_frame(struct bench *b);
void test_ipv4(struct bench *b);
void test_transport(struct bench *b);
void test_fragment(struct bench *b);
void test_icmp(struct bench *b);
void test_source(struct bench *b);
void test_arp(struct bench *b);
void test_group(struct bench *b);
void test_policy(struct bench *b);
void test_deliver(struct bench *b);
void test_untagged(struct bench *b);
void test_flow(struct bench *b);
void test_full(struct bench *b);
void test_count(struct bench *b);
void test_plan_change(struct bench *b);
void test_no_plan(struct bench *b);
void test_monitor(struct bench *b);
void test_service(struct bench *b);
void test_keep(struct bench *b);
void test_again(struct bench *b);
void test_client(struct bench *b);
void test_rewrite(struct bench *b);
void test_tunnel(struct bench *b);
void test_far(struct bench *b);
void test_quote(struct bench *b);
void test_say(struct bench *b);
void test_install(struct bench *b);
void test_load(struct bench *b);
void test_snat(struct bench *b);
void test_snat_port(struct bench *b);
void test_snat_in(struct bench *b);
void test_snat_stack(struct bench *b);
void test_nat_keep(struct bench *b);
void test_nat_quote(struct bench *b);
void test_guests(struct bench *b);
void test_fip(struct bench *b);
void test_eip_block(struct bench *b);
void test_hairpin(struct bench *b);
void test_nat_compiled(struct bench *b);
void test_guard(struct bench *b);
void test_wan(struct bench *b);
void test_wan_size(struct bench *b);
void test_rtt(struct bench *b);
void test_qos(struct bench *b);
void test_dscp(struct bench *b);
void test_pace(struct bench *b);
void test_level(struct bench *b);
void test_link(struct bench *b);
void test_live(struct bench *b);
void test_live_service(struct bench *b);
void test_live_wan(struct bench *b);
void test_guard_random(struct bench *b);
void test_cache(struct bench *b);
void test_leave(struct bench *b);
void test_fuzz(struct bench *b);

#endif
