/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs write answers into rows while we look at them. So a row is read again right before it is
 * written, and the question goes out after the write: an answer that was overwritten in between comes again.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../kernel/rows.h"
#include "ask.h"
#include "expiry.h"
#include "neighbour.h"

#define FRESH_S 20 /* a MAC younger than this is not asked for */
#define FORGET_S 60 /* a MAC not confirmed for this long is used no more */
#define EAGER_S 10 /* so long is an unknown one asked for every second */
#define PATIENT_S 30 /* and after that this often */
#define QUESTIONS 256 /* at most, a second */

int neighbours_open(struct neighbours *n, int fd, const char *pins, struct trouble *t)
{
	memset(n, 0, sizeof(*n));
	n->fd = fd;
	n->program = ask_open(pins, t);
	return n->program < 0 ? n->program : 0;
}

static void neighbours_forget_plan(struct neighbours *n)
{
	free(n->wires);
	free(n->nodes_be);
	free(n->near_be);
	n->wires = NULL;
	n->nodes_be = NULL;
	n->near_be = NULL;
	n->wire_count = n->node_count = n->near_count = 0;
}

void neighbours_close(struct neighbours *n)
{
	neighbours_forget_plan(n);
	free(n->asked);
	n->asked = NULL;
	n->asked_count = 0;
	if (n->program >= 0)
		close(n->program);
	n->program = -1;
}

static const void *image_key(const struct image_table *table, size_t row)
{
	return table->rows + row * (table->key_size + table->value_size);
}

static const void *image_value(const struct image_table *table, size_t row)
{
	return table->rows + row * (table->key_size + table->value_size) + table->key_size;
}

static int address_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint32_t));
}

static int key_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sl_neigh_key)); /* the first member of struct neighbour */
}

static const struct neighbour_wire *find_wire(const struct neighbours *n, uint32_t ifindex, uint16_t vlan)
{
	for (size_t i = 0; i < n->wire_count; i++)
		if (n->wires[i].ifindex == ifindex && n->wires[i].vlan == vlan)
			return &n->wires[i];
	return NULL;
}

static bool uplink_mac(const struct image *image, uint32_t ifindex, uint8_t mac[6])
{
	const struct image_table *ifaces = &image->table[SL_TABLE_sl_iface];

	for (size_t i = 0; i < ifaces->count; i++) {
		const struct sl_iface_key *key = image_key(ifaces, i);
		const struct sl_iface *iface = image_value(ifaces, i);

		if (key->ifindex != ifindex || iface->kind != SL_IFACE_UPLINK)
			continue;
		memcpy(mac, iface->mac, 6);
		return true;
	}
	return false;
}

static bool network_used(const struct image *image, uint32_t network)
{
	const struct image_table *ifaces = &image->table[SL_TABLE_sl_iface];

	for (size_t i = 0; i < ifaces->count; i++) {
		const struct sl_iface *iface = image_value(ifaces, i);

		if (iface->kind == SL_IFACE_WORKLOAD && iface->network == network)
			return true;
	}
	return false;
}

static bool network_has_vip(const struct image *image, uint32_t network)
{
	const struct image_table *vips = &image->table[SL_TABLE_sl_vip];

	for (size_t i = 0; i < vips->count; i++)
		if (((const struct sl_vip *)image_value(vips, i))->network == network)
			return true;
	return false;
}

static int read_wires(struct neighbours *n, const struct image *image)
{
	const struct image_table *networks = &image->table[SL_TABLE_sl_network];

	n->wires = calloc(networks->count + 1, sizeof(*n->wires));
	if (!n->wires)
		return -ENOMEM;
	for (size_t i = 0; i < networks->count; i++) {
		const struct sl_network_key *key = image_key(networks, i);
		const struct sl_network *network = image_value(networks, i);
		struct neighbour_wire wire = { .ifindex = network->uplink, .vlan = network->vlan };

		if (!network->vlan || !network->uplink || !uplink_mac(image, network->uplink, wire.mac))
			continue;
		wire.used = network_used(image, key->network);
		wire.external = network->flags & SL_NETWORK_EXTERNAL;
		wire.outside = wire.external && network_has_vip(image, key->network);
		if (wire.outside)
			wire.gateway_be = network->gateway;
		n->wires[n->wire_count++] = wire;
	}
	return 0;
}

static int read_nodes(struct neighbours *n, const struct plan *plan, const struct image *image)
{
	const struct image_table *nodes = &image->table[SL_TABLE_sl_node];
	const struct cluster *cluster = plan_cluster(plan, image->cluster);

	n->sender_be = 0;
	n->nodes_be = calloc(nodes->count + 1, sizeof(*n->nodes_be));
	n->near_be = calloc((cluster ? cluster->node_count : 0) + 1, sizeof(*n->near_be));
	if (!n->nodes_be || !n->near_be)
		return -ENOMEM;
	for (size_t i = 0; i < nodes->count; i++) {
		uint32_t addr = ((const struct sl_node *)image_value(nodes, i))->addr;

		if (addr)
			n->nodes_be[n->node_count++] = addr;
	}
	qsort(n->nodes_be, n->node_count, sizeof(*n->nodes_be), address_order);
	for (size_t i = 0; cluster && i < cluster->node_count; i++) {
		const struct node *node = &cluster->nodes[i];

		if (!node->addresses.count)
			continue;
		if (strcmp(node->name, image->node))
			n->near_be[n->near_count++] = htonl(node->addresses.item[0].first);
		else
			n->sender_be = htonl(node->addresses.item[0].first);
	}
	return 0;
}

/* Never asked: long ago, so that the next tick asks. */
static int make_row(const struct neighbours *n, const struct neighbour_wire *wire, uint32_t addr_be,
		    uint32_t now, struct trouble *t)
{
	struct sl_neigh_key key = { .ifindex = wire->ifindex, .vlan = wire->vlan, .addr = addr_be };
	struct sl_neigh row = { .state = SL_NEIGH_ASKED, .asked = now - expiry_ticks(PATIENT_S) };

	if (bpf_map_update_elem(n->fd, &key, &row, BPF_NOEXIST) && errno != EEXIST)
		return trouble(t, -errno, "cannot make a neighbour's row: %s", strerror(errno));
	return 0;
}

int neighbours_plan(struct neighbours *n, const struct plan *plan, const struct image *image, uint32_t now,
		    struct trouble *t)
{
	int error;

	neighbours_forget_plan(n);
	error = read_wires(n, image);
	if (!error)
		error = read_nodes(n, plan, image);
	if (error)
		return trouble(t, error, "out of memory for the neighbours");

	for (size_t i = 0; i < n->wire_count; i++) {
		const struct neighbour_wire *wire = &n->wires[i];

		for (size_t j = 0; !error && wire->used && j < n->near_count; j++)
			error = make_row(n, wire, n->near_be[j], now, t);
		if (!error && wire->gateway_be)
			error = make_row(n, wire, wire->gateway_be, now, t);
		if (error)
			return error;
	}
	return neighbours_tick(n, now, t);
}

/* The row as it should be after this tick; whether it has to be asked for. */
static bool due(const struct sl_neigh *row, uint32_t since, uint32_t now)
{
	uint32_t asked = expiry_idle(now, row->asked);

	if (asked < expiry_ticks(1))
		return false;
	if (row->state == SL_NEIGH_KNOWN)
		return expiry_idle(now, row->heard) > expiry_ticks(FRESH_S);
	return expiry_idle(now, since) <= expiry_ticks(EAGER_S) || asked >= expiry_ticks(PATIENT_S);
}

static void question(const struct neighbours *n, const struct sl_neigh_key *key,
		     const struct neighbour_wire *wire, uint32_t now)
{
	uint8_t frame[ASK_FRAME_MOST];
	struct sl_neigh row;
	size_t length;

	if (bpf_map_lookup_elem(n->fd, key, &row))
		return;
	if (row.state == SL_NEIGH_KNOWN && expiry_idle(now, row.heard) > expiry_ticks(FORGET_S))
		row.state = SL_NEIGH_ASKED;
	row.asked = now;
	if (bpf_map_update_elem(n->fd, key, &row, BPF_EXIST))
		return;
	/* Where the node has no address the question is a probe, which claims nothing (RFC 5227). */
	length = ask_frame(frame, wire->mac, wire->vlan, wire->external ? 0 : n->sender_be, key->addr);
	/* An interface that is down just now refuses; the next tick asks again. */
	ask_send(n->program, key->ifindex, frame, length);
}

/* Nodes, and routers that the plan names: always. */
static bool wanted(const struct neighbours *n, const struct neighbour_wire *wire,
		   const struct sl_neigh_key *key)
{
	if (!wire)
		return false;
	return (wire->gateway_be && wire->gateway_be == key->addr) ||
	       bsearch(&key->addr, n->nodes_be, n->node_count, sizeof(*n->nodes_be), address_order);
}

/*
 * A machine that stands in an external network itself, and that a packet was for. It is kept as long as it answers; when
 * it does not, the next packet asks.
 */
static bool stands_outside(const struct neighbour_wire *wire, const struct sl_neigh *row, uint32_t since,
			   uint32_t now)
{
	return wire && wire->outside &&
	       (row->state == SL_NEIGH_KNOWN || expiry_idle(now, since) <= expiry_ticks(EAGER_S));
}

int neighbours_tick(struct neighbours *n, uint32_t now, struct trouble *t)
{
	unsigned int questions = 0;
	struct neighbour *asked;
	size_t count = 0;
	struct rows rows;
	int error = rows_read(&rows, n->fd, sizeof(struct sl_neigh_key), sizeof(struct sl_neigh), 1, t);

	if (error)
		return error;
	asked = calloc(rows.count + 1, sizeof(*asked));
	if (!asked) {
		rows_free(&rows);
		return trouble(t, -ENOMEM, "out of memory for the neighbours");
	}
	n->rows = rows.count;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_neigh_key *key = rows_key(&rows, i);
		const struct sl_neigh *row = rows_value(&rows, i);
		const struct neighbour_wire *wire = find_wire(n, key->ifindex, key->vlan);
		const struct neighbour *old = NULL;
		bool always = wanted(n, wire, key);
		uint32_t since = now;

		if (row->state == SL_NEIGH_ASKED) {
			old = n->asked_count
				      ? bsearch(key, n->asked, n->asked_count, sizeof(*n->asked), key_order)
				      : NULL;
			since = old ? old->since : now;
		}
		if (!always && !stands_outside(wire, row, since, now)) {
			n->rows -= !bpf_map_delete_elem(n->fd, key);
			continue;
		}
		if (row->state == SL_NEIGH_ASKED) {
			asked[count].key = *key;
			asked[count++].since = since;
		}
		/* Of the questions of a second some are left for those that are always wanted. */
		if (questions < (always ? QUESTIONS : QUESTIONS / 2) && (wire->external || n->sender_be) &&
		    due(row, since, now)) {
			question(n, key, wire, now);
			questions++;
		}
	}
	qsort(asked, count, sizeof(*asked), key_order);
	free(n->asked);
	n->asked = asked;
	n->asked_count = count;
	rows_free(&rows);
	return 0;
}
