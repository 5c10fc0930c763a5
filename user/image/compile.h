/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One run of the compiler: what its stages hand to each other. Only user/image includes it.
 *
 *   resolve  names become numbers
 *   select   which groups and CIDRs the rules use: the sets that split classes
 *   tenants  label values that have a rate
 *   space    each VPC's addresses are cut where the answer changes; rows sl_exact, sl_prefix; classes
 *   policy   rules become pairs and port sets; rows sl_pair, sl_ports
 *   outside  VIPs and services, EIPs, SNAT and floating IPs; rows of the tables about them
 *   fabric   networks, VLANs, nodes, interfaces; the small tables
 *   abroad   what other clusters' addresses mean on an uplink
 *   qos, slo classes and rates; limits of latency
 *   assert   what must be true is proved on the rows
 *
 * Every stage returns false when it cannot go on: memory is out, or it has reported an error.
 */
#ifndef SLUICE_COMPILE_H
#define SLUICE_COMPILE_H
#include "image.h"
#include "intern.h"
#include "heap.h"
#include "selector.h"

/*
 * What rules can tell apart, but for labels: classes of one type differ only in the label value that
 * `same:LABEL` compares, so rules are resolved between types and spread over their classes at the end.
 */
enum type_kind { TYPE_WORLD, TYPE_NETWORK, TYPE_HOST, TYPE_REMOTE_HOST };

struct type {
	uint32_t vpc; /* index into vpcs */
	uint32_t kind; /* enum type_kind */
	uint32_t network; /* index into plan->networks, plus 1; 0: none */
	uint32_t
		cluster; /* index into plan->clusters, plus 1; 0: the world; of pods in no network only another's */
	uint32_t sets; /* which sets hold it: number in set_lists */
};

struct class_key {
	uint32_t type; /* number in types */
	uint32_t label; /* number in label_values, 0: none that matters */
};

struct vpc_fact {
	const char *name;
	uint16_t id;
};

struct node_fact {
	const struct node *node;
	uint32_t cluster; /* index */
	uint32_t index; /* in sl_node; 0: this node */
};

/* A set of addresses that rules name: a group, a service (its backends) or a CIDR. */
struct set_fact {
	const struct group *group; /* or */
	const struct service *service; /* or */
	struct prefix cidr;
	bool vip; /* the service's VIP, not its backends */
};

/* Lists of numbers by a number: list i is item[start[i]] up to item[start[i + 1]]. */
struct buckets {
	uint32_t *start;
	uint32_t *item;
};

enum clause_kind {
	CLAUSE_RULE,
	CLAUSE_INTRA, /* a network's posture: does not open a node whose policy is written */
	CLAUSE_HOST, /* a line of the host policy: does not care about clusters */
	CLAUSE_QOS, /* gives a class, allows nothing */
	CLAUSE_ROUTE, /* between clusters: what rules allow passes only where one leads */
};

/* What the plan says from some types to some others. */
struct clause {
	enum clause_kind kind;
	uint32_t number; /* as in the rows; of a route or QoS rule its place in the plan + 1 */
	const char *name;
	const struct place *place;
	const struct ports *ports;
	bool deny;
	bool same_label; /* only between classes with the same label value */
	bool vip; /* leads to another cluster's VIP, past tunnels and routes */
	uint8_t qos; /* row of sl_class */
	bool met; /* some pair of types */
	bool effective; /* allows something that nothing denies */
	bool other_cluster; /* would have met, were it not for the clusters */
	bool unrouted; /* allows what the routes that it met do not lead to */
	const struct clause *denied_by;
	uint32_t *from; /* types, ascending */
	size_t from_count;
	uint32_t *to;
	size_t to_count;
};

/* What the rules say about a pair of types. */
struct decision {
	uint8_t policy; /* SL_POLICY_*; 0: nothing, the default denies */
	uint8_t qos;
	uint32_t set;
	uint32_t rule;
};

struct compile {
	const struct plan *plan;
	const char *node_name;
	const struct node *node;
	const struct cluster *cluster;
	uint32_t cluster_index;
	const struct link_facts *links;
	struct report *r;
	bool lean; /* rows of sl_ring are left for later */
	struct image *image;
	struct heap *heap; /* lives as long as the image */
	struct heap scratch;

	/* resolve */
	struct vpc_fact *vpcs; /* by id */
	size_t vpc_count;
	uint32_t default_vpc; /* index */
	struct intern vpc_names; /* number -> order of vpc_of_name */
	uint32_t *vpc_of_name;
	struct intern network_names; /* number - 1 = index, also below */
	struct intern cluster_names;
	struct intern group_names;
	struct intern link_names;
	struct intern node_names;
	struct node_fact *nodes; /* by (cluster, name) */
	size_t node_count;
	uint32_t *network_vpc; /* index of the network's VPC */
	uint32_t *workload_network; /* index of each workload's network */
	uint32_t *workload_node; /* index + 1 of each workload's node, 0: none */

	/* select */
	struct set_fact *sets;
	size_t set_count;
	uint32_t *group_set; /* set of a group + 1; 0: no rule uses it */
	uint32_t *service_set; /* set of a service's backends + 1; 0: no rule names it */
	uint32_t *vip_set; /* set of its VIP + 1; 0: it is this cluster's, or no rule names it */
	size_t group_sets; /* sets below this number are groups, then come CIDRs in order */
	size_t cidr_sets; /* sets below this number are groups or CIDRs, then come backends of services */
	size_t service_sets; /* sets from this number on are VIPs */
	struct intern labels; /* "key\0value" that label groups ask for */

	/* tenants */
	uint16_t *tenant_of_workload; /* NULL: no label has a rate */
	char **tenants; /* "KEY=VALUE", sorted; number - 1 */
	size_t tenant_count;

	/* space; nobody adds to these later */
	struct intern set_lists; /* ascending uint32_t sets */
	struct intern types; /* struct type; those of one VPC are adjacent */
	struct intern label_values;
	struct intern classes; /* struct class_key */

	/* policy */
	struct buckets types_of_set;
	struct buckets types_of_network;
	struct buckets classes_of_type;
	struct clause *clauses; /* by rule number */
	size_t clause_count;
	struct intern port_sets;
	uint32_t last_rule; /* the highest number of a clause; services follow */
	struct spreading *pairs; /* rows of sl_pair that are being written; NULL: none */

	/* outside */
	bool *service_here; /* by index: it has rows on this node */
	bool *eip_here; /* by index: its network has the address on this site */
	bool *snat_here; /* by index: it has a row */
	bool host_nat; /* networks here leave by the node's own address (nat_outgoing) */
	uint32_t ring_slots; /* given out in sl_ring */
	struct list rings; /* rings.c's */
	struct list ring_turns;
	size_t vip_count;
	bool node_serves; /* an address of this node is a backend */

	struct list rows[SL_TABLES];
};

bool resolve(struct compile *c);
uint32_t vpc_number(const struct compile *c, const char *name);
/* 32-bit FNV-1a: numbers that follow from a name alone, and so outlive the plan. */
uint32_t name_hash(const char *name);
const struct link_fact *link_named(const struct compile *c, const char *name);
/* The uplink that carries this site's VLAN on this node, or NULL. */
const struct uplink *site_uplink(const struct compile *c, const struct site *site);
const struct site *site_here(const struct compile *c, uint32_t network);
bool site_holds(const struct site *site, uint32_t addr);

bool selectors_collect(struct compile *c);
bool selectors_index(struct compile *c);
/* Types that the selector matches, ascending, into `out` (a list of uint32_t); of a service its backends. */
bool selector_types(const struct compile *c, const struct selector *s, struct list *out);
/* The type of the service's VIP, if the service is another cluster's: its clients here know nothing else of it. */
bool selector_vip(const struct compile *c, const struct selector *s, struct list *out);

bool tenants_build(struct compile *c);

/* Good until another type is numbered. */
const struct type *type_at(const struct compile *c, uint32_t number);
const uint32_t *set_list(const struct compile *c, uint32_t number, size_t *count);
bool space_build(struct compile *c);
/* 0: memory is out. */
uint32_t class_number(struct compile *c, const struct type *type, uint32_t label);
bool classes_describe(struct compile *c);

/* The clauses that speak of a pair of types, in the order of their numbers. */
bool ports_decide(struct compile *c, const uint32_t *clause, size_t count, bool same_label,
		  struct decision *d);
bool policy_build(struct compile *c);
bool clauses_build(struct compile *c); /* clause.c, clause_rule.c */
/* A clause that says nothing yet. */
struct clause *clause_new(struct compile *c, enum clause_kind kind, uint32_t number, const char *name,
			  const struct place *place);
/* Sorts the types (a list of uint32_t) and keeps each once. */
bool clause_keep(struct compile *c, struct list *types, uint32_t **kept, size_t *count);
/* The types of all selectors so. `types` is scratch. */
bool clause_ends(struct compile *c, const struct selectors *selectors, struct list *types, uint32_t **kept,
		 size_t *count);
/* What leads from one type to another in another cluster. */
#define OPENED_BY_ROUTE 0x1
#define OPENED_BY_VIP 0x2 /* a VIP that rules name stands there, on a node */
/* The ends stand in two clusters. */
bool types_apart(const struct type *from, const struct type *to);
/* Whether the clause, whose sides hold the two types, speaks of them; noted in the clause. */
bool clause_meets(const struct compile *c, struct clause *clause, const struct type *from,
		  const struct type *to, uint8_t opened); /* meet.c */
bool clauses_of_rules(struct compile *c, struct list *types);
bool clauses_of_qos(struct compile *c, struct list *types);
bool clauses_of_routes(struct compile *c, struct list *types);
/* How many the plan's rules, routes and QoS rules are at most. */
size_t clauses_most(const struct compile *c);
/* Rules and routes that can never match, or open nothing. */
void clauses_warn(struct compile *c);

struct stands;
bool outside_build(struct compile *c, struct stands *stands);
bool fabric_build(struct compile *c);
bool interfaces_build(struct compile *c);
bool abroad_build(struct compile *c);
bool slo_build(struct compile *c);
bool qos_build(struct compile *c);
/* The plan has something to mark or pace. */
bool qos_wanted(const struct plan *plan);
/* Row of sl_class; 0: there is no such class. */
uint8_t qos_class_row(const struct compile *c, const char *name);
bool names_build(struct compile *c);
bool asserts_prove(struct compile *c);

/* Which table a row goes to is a SL_TABLE_* number. */
bool row_add(struct compile *c, int table, const void *key, const void *value);
/* So many rows, keys and values one behind the other, all zero; NULL: no memory. Good until the next are added. */
void *rows_add(struct compile *c, int table, size_t count);
/* Makes room for so many rows. */
bool rows_expect(struct compile *c, int table, size_t count);
bool rows_finish(struct compile *c);
/* The rows of a whole table, in order, for the caller to write: it is finished. NULL: no memory, or too many. */
void *rows_place(struct compile *c, int table, size_t count);
/* So many are made when image_rows() is asked for them: the table is finished. */
bool rows_later(struct compile *c, int table, size_t count);
/* The row with this key in a finished table that is no array, NULL if there is none; points at the value. */
const void *row_find(const struct image_table *table, const void *key);

#endif
