/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cluster network plan as typed records. plan_read() parses one file or a directory and merges;
 * plan_check() finds the mistakes people make. Nothing here knows the kernel, a node, or BPF.
 *
 * Every record carries the place it came from, for messages. Lists are arrays with a count, in the order
 * of the plan; named things (JSON objects) are sorted by name. Addresses are in host byte order here.
 */
#ifndef SLUICE_PLAN_H
#define SLUICE_PLAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "report.h"

/* Where in the plan: a file and a JSON path such as $.policy[3].from[0]. */
struct place {
	const char *file;
	const char *path;
};

struct prefix {
	uint32_t addr; /* host byte order, host bits zero */
	uint8_t len;
};

/* Inclusive. A single address is first == last. */
struct range {
	uint32_t first;
	uint32_t last;
};

struct strings {
	char **item;
	size_t count;
};

struct prefixes {
	struct prefix *item;
	size_t count;
};

struct ranges {
	struct range *item;
	size_t count;
};

struct label {
	char *key;
	char *value;
};

struct labels {
	struct label *item;
	size_t count;
};

/* `tcp/443`, `udp/53`, `tcp/6800-7300`, `icmp`, `tcp`, `any`, `proto/47`. */
struct port {
	bool any; /* every protocol, every port; the rest is zero */
	uint8_t proto;
	uint16_t first; /* 0-65535 when the protocol has ports and none is named; 0-0 when it has none */
	uint16_t last;
};

struct ports {
	struct port *item;
	size_t count;
};

enum selector_kind {
	SELECT_ANY, /* "any": everything, world and hosts included */
	SELECT_NETWORK,
	SELECT_GROUP,
	SELECT_CIDR,
	SELECT_CLUSTER,
	SELECT_VPC,
	SELECT_SERVICE,
	SELECT_WORLD,
	SELECT_HOST,
	SELECT_REMOTE_HOST,
};

struct selector {
	enum selector_kind kind;
	char *name; /* network, group, cluster, VPC, service */
	char *cluster; /* network:NAME@CLUSTER, else NULL */
	struct prefix cidr;
	struct place place;
};

struct selectors {
	struct selector *item;
	size_t count;
};

struct pool {
	char *name;
	struct ranges ranges;
	struct place place;
};

struct peer { /* tunnel.peers: cluster → outer addresses */
	char *cluster;
	struct ranges addresses;
	struct place place;
};

struct tunnel {
	bool present;
	char *interface;
	char *kind; /* "wireguard" */
	uint16_t port;
	uint32_t mtu;
	uint32_t path_mtu; /* what the way between the sites takes */
	struct peer *peers;
	size_t peer_count;
	struct place place;
};

/* How nodes of one cluster hand each other packets for a service's backend. */
struct delivery {
	uint16_t port; /* UDP */
	uint32_t vni;
	uint32_t mtu; /* what the nodes can send each other */
	struct place place;
};

/* What of the other end a mapping depends on, or is asked of who sends to one; numbers as in maps/nat.h. */
enum nat_scope { NAT_ENDPOINT, NAT_ADDRESS, NAT_ADDRESS_PORT };

/* How networks with nat_outgoing leave a node by the node's own address. */
struct nat_outgoing {
	struct range ports;
	uint32_t max_ports_per_workload;
	enum nat_scope mapping;
	enum nat_scope filtering;
	struct place place;
};

enum xdp_mode { XDP_OWN, XDP_GENERIC, XDP_SHARED };

/* Who holds packets back where a rate says so: the qdisc fq by their time, a bucket that drops, or nobody. */
enum pacing { PACING_AUTO, PACING_FQ, PACING_BUCKET, PACING_OFF };

struct uplink {
	char *name;
	bool unmanaged_drop; /* "unmanaged": "pass" | "drop" */
	uint32_t mbit; /* 0: not said */
	enum xdp_mode xdp; /* "xdp": "native" (default) | "generic" | "shared" */
	enum pacing pacing; /* "pacing": "auto" (default) | "fq" | "bucket" | "off" */
	struct place place;
};

struct node {
	char *name;
	struct ranges addresses;
	struct uplink *uplinks;
	size_t uplink_count;
	bool gateway;
	struct place place;
};

struct host_rule {
	struct selectors from;
	struct ports ports;
	struct place place;
};

struct cluster {
	char *name;
	uint32_t id;
	char *site;
	struct prefixes pod_cidrs;
	struct prefixes service_cidrs;
	struct prefixes reserved_cidrs; /* for later regions: nobody may use them */
	struct pool *pools;
	size_t pool_count;
	struct range *managed_vlans; /* VLAN ids */
	size_t managed_vlan_count;
	uint32_t mark_mask; /* "mark": "0x00f00000"; four adjacent bits */
	struct tunnel tunnel;
	struct delivery delivery;
	struct nat_outgoing nat_outgoing;
	bool host_present; /* "host" was written: what it does not allow is denied */
	struct host_rule *host_allow;
	size_t host_allow_count;
	struct node *nodes;
	size_t node_count;
	struct place place;
};

struct vpc {
	char *name;
	uint32_t id; /* optional; 0: chosen by the compiler */
	char *external;
	struct strings extra_external;
	struct place place;
};

struct site { /* a network in one cluster */
	char *cluster;
	uint16_t vlan; /* 0: none */
	uint32_t vni; /* 0: none */
	bool overlay;
	struct prefixes cidrs;
	uint32_t gateway; /* 0: none */
	char *uplink; /* NULL: the node's first by name */
	bool nat_outgoing;
	struct place place;
};

enum intra { INTRA_DENY, INTRA_ALLOW, INTRA_SAME };

struct network {
	char *name;
	uint32_t id;
	char *vpc; /* default "default" */
	char *isolation; /* "low" | "medium" | "high" | NULL */
	enum intra intra; /* default deny */
	char *intra_label; /* same:LABEL */
	bool monitor; /* enforce: monitor */
	bool fail_open; /* default closed */
	bool external;
	bool routable; /* external only; default true */
	bool ipv6_pass; /* "ipv6": "drop" | "pass" */
	bool broadcast; /* "broadcast": "drop" | "allow" */
	bool multicast; /* "multicast": "drop" | "allow" */
	bool trust_dscp; /* what its workloads write there is left alone */
	struct site *sites;
	size_t site_count;
	struct place place;
};

struct group {
	char *name;
	struct ranges addresses; /* members that are addresses, prefixes, ranges */
	struct strings networks; /* members "network:NAME" */
	struct labels labels; /* all of them must match */
	struct place place;
};

struct workload {
	char *name;
	char *network;
	uint32_t address;
	char *node;
	char *interface; /* NULL: not known, the stack delivers */
	bool has_mac;
	uint8_t mac[6];
	struct labels labels;
	struct place place;
};

struct rule {
	char *name;
	struct selectors from;
	struct selectors to;
	struct ports ports;
	bool deny;
	struct place place;
};

struct assertion {
	char *name;
	struct selector from;
	struct selector to;
	bool reaches; /* else: never */
	struct ports ports; /* empty: any */
	struct place place;
};

enum outside_echo { ECHO_ANSWER, ECHO_PASS, ECHO_DROP, ECHO_UNSAID };

struct eip {
	char *name;
	uint32_t address;
	char *network;
	struct strings nodes; /* share its ports; the first speaks ARP for it */
	struct ports reserved; /* never handed out to sources */
	enum outside_echo echo; /* no ECHO_PASS: it has nobody to pass it to */
	struct place place;
};

struct snat {
	char *name;
	char *vpc;
	struct prefixes from;
	struct selectors to; /* none: the world */
	struct prefixes except; /* destinations that see the source as it is */
	struct strings eips;
	struct range ports;
	uint32_t max_ports_per_workload; /* per protocol; 0: no limit */
	uint32_t max_flows_per_workload; /* 0: no limit */
	enum nat_scope mapping;
	enum nat_scope filtering;
	struct place place;
};

struct fip {
	char *name;
	char *vpc;
	uint32_t address;
	char *eip;
	struct strings from_vpcs; /* VPCs that may use it, beside its own and the world */
	struct place place;
};

struct service_port {
	char *name;
	uint8_t proto;
	uint16_t port;
	uint16_t target;
	struct place place;
};

enum backend_state { BACKEND_ACTIVE, BACKEND_DRAIN };

struct backend {
	uint32_t address;
	uint32_t weight; /* default 1 */
	char *node;
	enum backend_state state;
	struct place place;
};

struct service {
	char *name;
	char *vpc;
	char *eip; /* or */
	bool has_address;
	uint32_t address;
	struct service_port *ports;
	size_t port_count;
	struct backend *backends;
	size_t backend_count;
	struct prefixes allow;
	struct prefixes deny;
	uint32_t affinity_s;
	uint32_t ring_size; /* 0: not said */
	bool empty_drop; /* "on_empty": "reset" | "drop" */
	enum outside_echo echo;
	struct strings nodes; /* with "address"; the first owns the VIP */
	uint32_t new_per_s; /* 0: no limit */
	uint32_t new_per_source_per_s;
	struct strings from_vpcs;
	struct place place;
};

struct route {
	char *name;
	struct selector from;
	struct selector to;
	struct ports ports;
	struct place place;
};

struct qos_class {
	char *name;
	uint32_t priority;
	uint8_t dscp;
	uint32_t rate_mbit;
	uint32_t burst_bytes;
	struct place place;
};

struct qos_rule {
	char *class;
	struct selectors from;
	struct selectors to;
	struct ports ports;
	struct place place;
};

struct qos_rate { /* per_cluster: name = cluster; per_label: name = label key */
	char *name;
	uint32_t rate_mbit;
	char *to;
	struct place place;
};

struct qos {
	struct qos_class *classes;
	size_t class_count;
	struct qos_rule *rules;
	size_t rule_count;
	struct qos_rate *per_cluster;
	size_t per_cluster_count;
	struct qos_rate *per_label;
	size_t per_label_count;
	uint32_t default_priority; /* of what belongs to no class */
	uint32_t max_delay_ms;
};

struct slo {
	struct selector from;
	struct selector to;
	uint32_t expect_low_ms;
	uint32_t expect_high_ms;
	uint32_t max_ms;
	struct place place;
};

struct timeouts { /* seconds */
	uint32_t tcp_established_s;
	uint32_t tcp_transitory_s;
	uint32_t udp_s;
	uint32_t udp_new_s;
	uint32_t icmp_s;
	uint32_t port_rest_s; /* before an outside port is handed out again */
};

struct limits {
	uint32_t flows;
	uint32_t unanswered_flows;
	uint32_t bindings;
	uint32_t cache_lines; /* on each CPU; 0: no cache */
};

/* A prime; of this size a ring is 256 KiB. */
#define MOST_RING_SIZE 65537

/* A state's name has so many characters at most. */
#define STATE_LONGEST 32
/* The state of a fabric that nobody put into another one. */
#define STATE_NORMAL "normal"

struct plan {
	char *fabric;
	struct strings states; /* names, sorted; "normal" is one of every plan's */
	char *state; /* the one it is read in; NULL: it has none of the name that was asked for */
	struct cluster *clusters;
	size_t cluster_count;
	struct vpc *vpcs;
	size_t vpc_count;
	struct network *networks;
	size_t network_count;
	struct group *groups;
	size_t group_count;
	struct workload *workloads;
	size_t workload_count;
	struct rule *policy;
	size_t rule_count;
	struct assertion *asserts;
	size_t assert_count;
	struct eip *eips;
	size_t eip_count;
	struct snat *snat;
	size_t snat_count;
	struct fip *fips;
	size_t fip_count;
	struct service *services;
	size_t service_count;
	struct route *routes;
	size_t route_count;
	struct qos qos;
	struct slo *slos;
	size_t slo_count;
	struct timeouts timeouts;
	struct limits limits;
	struct arena *arena; /* owns every string and array above */
};

/*
 * Reads FILE or every *.json of DIR, merges, and takes it in state "normal". NULL when a file cannot be parsed at all;
 * findings in r.
 */
struct plan *plan_read(const char *path, struct report *r);
/* Who takes a text piece by piece, in a thread of its own. */
struct copy {
	void (*take)(void *to, const char *text, size_t length);
	void *to;
};

/*
 * In this state; where the plan does not have it, in `otherwise`, unless that is NULL. The copy, unless that is NULL, is
 * the merged document as canonical JSON, in no state, to be kept as the last good plan; it is whole if the report has not
 * failed.
 */
struct plan *plan_read_in(const char *path, const char *state, const char *otherwise, const struct copy *copy,
			  struct report *r);
/* The same from memory; `name` stands for the file in messages. */
struct plan *plan_read_text(const char *name, const char *text, size_t length, struct report *r);

/* The files of a plan, read once: it is another plan in each of its states. Outlives those plans. */
struct states;
struct states *states_read(const char *path, struct report *r);
struct states *states_read_text(const char *name, const char *text, size_t length, struct report *r);
struct plan *states_plan(struct states *states, const char *state, struct report *r);
void states_free(struct states *states);
bool plan_state_name(const char *name);

/* Finds contradictions. Needs a plan that parsed without errors. */
void plan_check(const struct plan *plan, struct report *r);
/* Names, as errors, what of the plan the running build does not enforce on `node`'s cluster. */
void plan_refuse_unenforced(const struct plan *plan, const char *node, struct report *r);
void plan_free(struct plan *plan);

/* Slots in the service's ring: what the plan says, or what follows from the number of backends. */
uint32_t ring_size(const struct service *service);
/* What follows from a number of backends. */
uint32_t ring_slots(size_t count);
bool ring_prime(uint32_t number);

const struct cluster *plan_cluster(const struct plan *plan, const char *name);
const struct vpc *plan_vpc(const struct plan *plan, const char *name);
const struct network *plan_network(const struct plan *plan, const char *name);
const struct group *plan_group(const struct plan *plan, const char *name);
const struct service *plan_service(const struct plan *plan, const char *name);
const struct eip *plan_eip(const struct plan *plan, const char *name);
const struct site *network_site(const struct network *network, const char *cluster);
/* The node and the cluster it stands in; NULL if the plan does not have it. */
const struct node *plan_node(const struct plan *plan, const char *name, const struct cluster **cluster);

#endif
