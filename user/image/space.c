/* SPDX-License-Identifier: GPL-2.0 */
/*
 * space: walks over each VPC's addresses from low to high and cuts them where the answer changes. Prefixes
 * nest or are apart, never overlap by halves, so a stack of the open ones knows everything that holds
 * at an address, and the longest match in the kernel finds the complete class without looking further.
 * A prefix whose every address is answered by longer rows gets neither row nor class.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "marks.h"

struct open_prefix {
	uint32_t addr;
	uint8_t len;
	uint64_t covered; /* addresses that longer rows answer for */
	struct type type;
};

/*
 * The number a label had the last time. Names that many workloads share were kept once when the plan was read, so that
 * their own addresses are enough to know most labels by.
 */
#define RECALLED 4096
struct recalled {
	const char *key;
	const char *value;
	uint32_t number;
};

struct walk {
	struct compile *c;
	struct open_prefix open[33];
	int depth; /* of the innermost open prefix */
	struct list sets; /* scratch: the sets of the place being read */
	uint32_t *group_of_label; /* label number -> first group asking for it + 1 */
	uint32_t *next_group; /* set -> next group with the same first label + 1 */
	struct recalled *recalled;
};

static uint64_t prefix_size(uint8_t len)
{
	return 1ULL << (32 - len);
}

static bool inside(const struct open_prefix *outer, uint32_t addr)
{
	return !outer->len || !((addr ^ outer->addr) >> (32 - outer->len));
}

static uint16_t network_id(const struct walk *w, const struct type *type)
{
	if (type->network)
		return (uint16_t)w->c->plan->networks[type->network - 1].id;
	return type->kind == TYPE_HOST ? SL_NET_HOST : SL_NET_WORLD;
}

/* Whose address it is. */
static void note_cluster(const struct walk *w, const struct type *type, struct sl_endpoint *row)
{
	if (!type->cluster)
		return;
	row->cluster = (uint16_t)w->c->plan->clusters[type->cluster - 1].id;
	if (type->cluster != w->c->cluster_index + 1)
		row->flags |= SL_ENDPOINT_ABROAD;
}

static bool close_prefix(struct walk *w)
{
	struct open_prefix *p = &w->open[w->depth--];
	struct sl_endpoint row = { 0 };
	struct sl_prefix_key key = {
		.prefixlen = 32U + p->len,
		.vpc = htons(w->c->vpcs[p->type.vpc].id),
		.addr = htonl(p->addr),
	};

	if (w->depth >= 0)
		w->open[w->depth].covered += prefix_size(p->len);
	if (p->len && p->covered == prefix_size(p->len))
		return true;
	row.class = class_number(w->c, &p->type, 0);
	row.network = network_id(w, &p->type);
	row.kind = p->type.kind == TYPE_NETWORK ? SL_ENDPOINT_NETWORK : SL_ENDPOINT_WORLD;
	note_cluster(w, &p->type, &row);
	return row.class && row_add(w->c, SL_TABLE_sl_prefix, &key, &row);
}

/* --- label groups --- */

static uint32_t label_number(const struct compile *c, const struct label *label)
{
	char text[512];
	size_t key = strlen(label->key), value = strlen(label->value);

	if (key + value + 1 > sizeof(text))
		return 0;
	memcpy(text, label->key, key + 1);
	memcpy(text + key + 1, label->value, value);
	return intern_find(&c->labels, text, key + 1 + value);
}

static uint32_t recall(const struct walk *w, const struct label *label)
{
	uint64_t hash = ((uintptr_t)label->key ^ (uintptr_t)label->value << 16) * 0x9e3779b97f4a7c15ULL;
	struct recalled *r = &w->recalled[(hash >> 32) % RECALLED];

	if (r->key != label->key || r->value != label->value)
		*r = (struct recalled){ label->key, label->value, label_number(w->c, label) };
	return r->number;
}

static bool index_label_groups(struct walk *w)
{
	struct compile *c = w->c;

	w->group_of_label = heap_take(&c->scratch, (c->labels.count + 1) * sizeof(uint32_t));
	w->next_group = heap_take(&c->scratch, (c->set_count + 1) * sizeof(uint32_t));
	w->recalled = heap_take(&c->scratch, RECALLED * sizeof(*w->recalled));
	if (!w->group_of_label || !w->next_group || !w->recalled)
		return false;
	for (size_t s = c->group_sets; s-- > 0;) {
		const struct labels *labels = &c->sets[s].group->labels;
		uint32_t first;

		if (!labels->count)
			continue;
		first = label_number(c, &labels->item[0]);
		w->next_group[s] = w->group_of_label[first];
		w->group_of_label[first] = (uint32_t)s + 1;
	}
	return true;
}

static bool has_label(const struct workload *workload, const struct label *label)
{
	for (size_t i = 0; i < workload->labels.count; i++) {
		if (!strcmp(workload->labels.item[i].key, label->key) &&
		    !strcmp(workload->labels.item[i].value, label->value))
			return true;
	}
	return false;
}

static bool add_set(struct walk *w, uint32_t set)
{
	uint32_t *at = list_add(&w->sets, 1);

	if (at)
		*at = set;
	return at;
}

static bool add_label_groups(struct walk *w, const struct workload *workload)
{
	if (!w->c->labels.count)
		return true;
	for (size_t i = 0; i < workload->labels.count; i++) {
		uint32_t label = recall(w, &workload->labels.item[i]);
		uint32_t s = label ? w->group_of_label[label] : 0;

		for (; s; s = w->next_group[s - 1]) {
			const struct labels *wanted = &w->c->sets[s - 1].group->labels;
			bool all = true;

			for (size_t k = 1; k < wanted->count && all; k++)
				all = has_label(workload, &wanted->item[k]);
			if (all && !add_set(w, s - 1))
				return false;
		}
	}
	return true;
}

/* --- what holds at a place --- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Puts the sets gathered at this place and those of the type itself into the type. */
static bool settle_sets(struct walk *w, struct type *type)
{
	size_t count, kept = 0;
	const uint32_t *outer = set_list(w->c, type->sets, &count);
	uint32_t *item;

	if (!w->sets.count)
		return true;
	item = list_add(&w->sets, count);
	if (!item)
		return false;
	if (count)
		memcpy(item, outer, count * sizeof(*item));
	item = w->sets.item;
	qsort(item, w->sets.count, sizeof(*item), by_number);
	for (size_t i = 0; i < w->sets.count; i++) {
		if (!i || item[i] != item[i - 1])
			item[kept++] = item[i];
	}
	type->sets = intern(&w->c->set_lists, item, kept * sizeof(*item));
	w->sets.count = 0;
	return type->sets;
}

static bool own_workload(struct walk *w, uint32_t index, struct type *type, struct sl_endpoint *row,
			 uint32_t *label)
{
	struct compile *c = w->c;
	const struct workload *workload = &c->plan->workloads[index];
	uint32_t network = c->workload_network[index], node = c->workload_node[index];
	const struct network *n = &c->plan->networks[network];

	if (type->network != network + 1) {
		type->network = network + 1;
		type->cluster = node ? c->nodes[node - 1].cluster + 1 : c->cluster_index + 1;
	}
	type->kind = TYPE_NETWORK;
	for (size_t i = 0; n->intra == INTRA_SAME && i < workload->labels.count; i++) {
		if (strcmp(workload->labels.item[i].key, n->intra_label))
			continue;
		*label = intern_name(&c->label_values, workload->labels.item[i].value);
		if (!*label)
			return false;
	}
	row->tenant = c->tenant_of_workload ? c->tenant_of_workload[index] : 0;
	if (workload->has_mac)
		memcpy(row->mac, workload->mac, sizeof(row->mac));
	if (!node || c->nodes[node - 1].node != c->node) {
		row->kind = SL_ENDPOINT_REMOTE;
		row->node = node ? (uint16_t)c->nodes[node - 1].index : 0;
		return add_label_groups(w, workload);
	}
	row->kind = SL_ENDPOINT_LOCAL;
	if (!workload->interface) {
		row->flags = SL_ENDPOINT_STACK;
	} else {
		const struct link_fact *link = link_named(c, workload->interface);

		row->ifindex = link ? link->ifindex : 0;
		row->flags = link && link->peer_elsewhere ? SL_ENDPOINT_PEER : 0;
	}
	return add_label_groups(w, workload);
}

static void own_node(const struct walk *w, const struct mark *m, struct type *type, struct sl_endpoint *row)
{
	const struct node_fact *fact = &w->c->nodes[m->index];

	type->kind = fact->index ? TYPE_REMOTE_HOST : TYPE_HOST;
	type->cluster = fact->cluster + 1;
	row->kind = fact->index ? SL_ENDPOINT_NODE : SL_ENDPOINT_HOST;
	row->node = (uint16_t)fact->index;
}

static bool exact(struct walk *w, const struct mark *m, size_t count, struct type *type)
{
	struct open_prefix *outer = &w->open[w->depth];
	const struct mark *owner = &m[count - 1];
	struct sl_exact_key key = { .vpc = w->c->vpcs[m->vpc].id, .addr = htonl(m->addr) };
	struct sl_endpoint row = { 0 };
	uint32_t label = 0;

	if (owner->kind == MARK_WORKLOAD && count > 1 && owner[-1].kind == MARK_WORKLOAD) {
		const struct workload *workload = &w->c->plan->workloads[owner->index];

		report_error(w->c->r, &workload->place, "workload \"%s\" has the address of workload \"%s\"",
			     workload->name, w->c->plan->workloads[owner[-1].index].name);
		return false;
	}
	if (owner->kind == MARK_WORKLOAD && !own_workload(w, owner->index, type, &row, &label))
		return false;
	if (owner->kind == MARK_NODE || owner->kind == MARK_HOST)
		own_node(w, owner, type, &row);
	if (owner->kind == MARK_GATEWAY)
		row.kind = SL_ENDPOINT_GATEWAY;
	if (owner->kind == MARK_BROADCAST)
		row.kind = SL_ENDPOINT_BROADCAST;
	if (!settle_sets(w, type))
		return false;
	if (!row.kind) {
		if (!memcmp(type, &outer->type, sizeof(*type)))
			return true; /* says nothing new */
		row.kind = type->kind == TYPE_NETWORK ? SL_ENDPOINT_NETWORK : SL_ENDPOINT_WORLD;
	}
	outer->covered++;
	row.class = class_number(w->c, type, label);
	row.network = network_id(w, type);
	note_cluster(w, type, &row);
	return row.class && row_add(w->c, SL_TABLE_sl_exact, &key, &row);
}

/* All marks of one prefix. */
static bool read_place(struct walk *w, const struct mark *m, size_t count)
{
	struct type type = { .vpc = m->vpc };
	struct open_prefix *p;

	while (w->depth >= 0 && !inside(&w->open[w->depth], m->addr)) {
		if (!close_prefix(w))
			return false;
	}
	if (w->depth >= 0)
		type = w->open[w->depth].type;
	w->sets.count = 0;
	for (size_t i = 0; i < count; i++) {
		if (m[i].kind == MARK_FOREIGN && type.kind == TYPE_WORLD)
			type.cluster = m[i].other + 1U;
		if (m[i].kind == MARK_NETWORK) {
			type.kind = TYPE_NETWORK;
			type.network = m[i].index + 1;
			type.cluster = m[i].other + 1U;
		}
		if (m[i].kind == MARK_SET && !add_set(w, m[i].index))
			return false;
	}
	if (m->len == 32)
		return exact(w, m, count, &type);
	if (!settle_sets(w, &type))
		return false;
	if (w->depth >= 0 && !memcmp(&type, &w->open[w->depth].type, sizeof(type)))
		return true; /* says nothing new */
	p = &w->open[++w->depth];
	p->addr = m->addr;
	p->len = m->len;
	p->covered = 0;
	p->type = type;
	return true;
}

bool space_build(struct compile *c)
{
	struct list marks = { .size = sizeof(struct mark) };
	struct walk w = { .c = c, .depth = -1, .sets = { .size = sizeof(uint32_t) } };
	const struct mark *m;
	bool done = false;

	if (!index_label_groups(&w) || !marks_collect(c, &marks))
		goto out;
	m = marks.item;
	for (size_t i = 0, end; i < marks.count; i = end) {
		if (m[i].kind == MARK_ROOT) {
			while (w.depth >= 0) {
				if (!close_prefix(&w))
					goto out;
			}
		}
		for (end = i + 1; end < marks.count; end++) {
			if (m[end].vpc != m[i].vpc || m[end].addr != m[i].addr || m[end].len != m[i].len)
				break;
		}
		if (!read_place(&w, &m[i], end - i))
			goto out;
	}
	while (w.depth >= 0) {
		if (!close_prefix(&w))
			goto out;
	}
	done = true;
out:
	list_free(&marks);
	list_free(&w.sets);
	return done;
}
