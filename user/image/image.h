/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The image: what one node loads. image_compile() is a pure function of (plan, node name, interfaces
 * present): no system call, equal input gives equal bytes. Rows are the kernel's own structs, sorted by
 * the bytes of their keys, those of arrays by index, so that an image can be compared, hashed and installed
 * without translation.
 */
#ifndef SLUICE_IMAGE_H
#define SLUICE_IMAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../maps/fill.h"
#include "../../maps/tables.h"
#include "../plan/plan.h"
#include "digest.h"

/* An interface that exists on the node now. */
struct link_fact {
	char name[16];
	uint32_t ifindex;
	uint8_t mac[6];
	bool peer_elsewhere; /* a veth whose other end is in another network namespace */
	uint32_t mtu; /* 0: not known */
	bool bare; /* packets on it have no Ethernet header */
	bool takes_xdp; /* frames that XDP redirects to it arrive */
	char qdisc[16]; /* kind of the root; "fq" too where mq has one on each queue */
	char shaper[16]; /* kind of a qdisc on it that limits a rate; "": none */
};

struct link_facts {
	struct link_fact *item;
	size_t count;
};

/* Rows of one plan table: `count` times key followed by value, no padding between. */
struct image_table {
	uint32_t key_size;
	uint32_t value_size;
	size_t count;
	uint8_t *rows; /* NULL though there are some: image_rows() makes them */
};

/* What it says holds as long as these are the table's rows. */
struct image_digest {
	struct digest digest; /* zero: of rows that are not there */
	const uint8_t *rows;
	size_t count;
};

struct rings; /* what the rows of sl_ring follow from */

struct image_name {
	struct sl_name_key key; /* slot is 0; the installer sets the slot of rule names */
	struct sl_name name;
};

/* A class for people: the network (or world, host) and the groups that make it. */
struct image_class {
	uint32_t class;
	uint16_t network; /* SL_NET_WORLD, SL_NET_HOST, or the plan's id */
	uint16_t vpc;
	uint8_t kind; /* SL_ENDPOINT_WORLD, _NETWORK, _HOST or _NODE */
	const char *cluster; /* NULL for the world; else also of pods in no network, kind _WORLD */
	char *label; /* "net-internal", "net-internal+ceph-clients", "world (vpc default)" */
};

/* An uplink of this node as attach needs it. */
struct image_uplink {
	char name[16];
	enum xdp_mode xdp;
	bool promisc; /* workloads with MACs of their own stand behind it */
	uint32_t mbit;
	enum pacing pacing; /* as planned */
};

/* A workload interface of this node; present or not. */
struct image_port {
	char name[16];
	uint16_t network;
	bool fail_open;
};

struct image {
	char node[SL_NAME_LEN];
	char cluster[SL_NAME_LEN];
	struct image_table table[SL_TABLES]; /* filled for the plan tables, empty for state tables */
	struct image_digest digest[SL_TABLES]; /* of their rows as they were compiled */
	struct image_name *names;
	size_t name_count;
	struct image_class *classes; /* index = class number - 1 */
	size_t class_count;
	struct image_uplink *uplinks;
	size_t uplink_count;
	struct image_port *ports; /* sorted by name */
	size_t port_count;
	char tunnel[16]; /* the interface to other clusters, present or not; "": this node has none */
	struct {
		uint16_t vlan;
		bool open;
	} * vlan_fail; /* for sl_fail */
	size_t vlan_fail_count;
	struct timeouts timeouts;
	struct limits limits;
	struct rings *rings; /* NULL: there are none */
	uint64_t hash; /* of node, tables and names */
	void *arena; /* owns all of it, the image too */
};

/* NULL and findings in r when the plan cannot be compiled for the node or breaks an assert. */
struct image *image_compile(const struct plan *plan, const char *node, const struct link_facts *links,
			    struct report *r);
/*
 * The same image but for the rows of sl_ring, millions of slots that only an install needs which has other backends
 * than the one before: they are made when somebody asks for them.
 */
struct image *image_compile_lean(const struct plan *plan, const char *node, const struct link_facts *links,
				 struct report *r);
void image_free(struct image *image);

/* The table with its rows, made now if they are not there. False: memory is out. image_rows_free() afterwards. */
bool image_rows(const struct image *image, int table, struct image_table *whole);
void image_rows_free(const struct image *image, int table, struct image_table *whole);
/*
 * Rows that are not there: true, and a digest of all they follow from, in place of theirs. It speaks of what this build
 * makes of it; another one may make other rows.
 */
bool image_rows_wait(const struct image *image, int table, struct digest *from);

/*
 * The rows of (sl_iface, sl_exact, sl_member) that depend on one interface, when it came, went or changed
 * its ifindex: compile again with the new links; the agent installs only what differs.
 */

/* What the kernel would decide for a new flow; the same lookups as 50_policy.h, on the image's rows. */
struct image_decision {
	uint8_t policy; /* SL_POLICY_ALLOW or SL_POLICY_DENY */
	uint8_t qos; /* row of sl_class */
	bool said; /* a row speaks of it; between clusters: a route leads there */
	uint32_t rule; /* 0: the default */
};
struct image_decision image_judge(const struct image *image, uint32_t src_class, uint32_t dst_class,
				  uint8_t proto, uint16_t port);
/* The longest match in (vpc, address); host byte order. NULL if the VPC does not exist. */
const struct sl_endpoint *image_classify(const struct image *image, uint16_t vpc, uint32_t addr);
/* Name of a rule number ("default deny" for 0), never NULL. */
const char *image_rule_name(const struct image *image, uint32_t rule);
const char *image_network_name(const struct image *image, uint16_t network);
const char *image_vpc_name(const struct image *image, uint16_t vpc);

#endif
