/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several times, as a frame may be lost and nobody confirms it (RFC 5227 announces twice). What could not be sent,
 * since the interface is down, is left for the next time.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ask.h"
#include "claim.h"

#define TIMES 3
#define IDENTITY offsetof(struct claim, left) /* everything before it */

static int claim_order(const void *a, const void *b)
{
	return memcmp(a, b, IDENTITY);
}

static const void *row_key(const struct image_table *table, size_t row)
{
	return table->rows + row * (table->key_size + table->value_size);
}

static const void *row_value(const struct image_table *table, size_t row)
{
	return table->rows + row * (table->key_size + table->value_size) + table->key_size;
}

static const struct sl_network *find_network(const struct image *image, uint32_t id)
{
	const struct image_table *networks = &image->table[SL_TABLE_sl_network];

	for (size_t i = 0; i < networks->count; i++)
		if (((const struct sl_network_key *)row_key(networks, i))->network == id)
			return row_value(networks, i);
	return NULL;
}

static bool owned(const struct sl_vip *vip)
{
	/* For its own addresses the node's stack speaks. */
	return vip->flags & SL_VIP_OWNED && !(vip->flags & SL_VIP_HOST);
}

/* A VIP of an external network belongs on its VLAN, any other untagged on every uplink. */
static void add_vip(struct claims *c, const struct image *image, const struct sl_vip_key *key,
		    const struct sl_vip *vip)
{
	const struct image_table *ifaces = &image->table[SL_TABLE_sl_iface];
	const struct sl_network *network =
		vip->network == SL_NET_WORLD ? NULL : find_network(image, vip->network);

	for (size_t i = 0; i < ifaces->count; i++) {
		const struct sl_iface *iface = row_value(ifaces, i);
		uint32_t ifindex = ((const struct sl_iface_key *)row_key(ifaces, i))->ifindex;
		struct claim *claim = &c->item[c->count];

		if (iface->kind != SL_IFACE_UPLINK ||
		    (vip->network != SL_NET_WORLD && (!network || network->uplink != ifindex)))
			continue;
		claim->addr_be = key->addr;
		claim->ifindex = ifindex;
		claim->vlan = network ? network->vlan : 0;
		memcpy(claim->mac, iface->mac, sizeof(claim->mac));
		claim->left = TIMES;
		c->count++;
	}
}

static size_t count_uplinks(const struct image *image)
{
	const struct image_table *ifaces = &image->table[SL_TABLE_sl_iface];
	size_t count = 0;

	for (size_t i = 0; i < ifaces->count; i++)
		count += ((const struct sl_iface *)row_value(ifaces, i))->kind == SL_IFACE_UPLINK;
	return count;
}

int claims_plan(struct claims *c, const struct image *image, struct trouble *t)
{
	const struct image_table *vips = &image->table[SL_TABLE_sl_vip];
	struct claims now = { 0 };

	now.item = calloc(vips->count * count_uplinks(image) + 1, sizeof(*now.item));
	if (!now.item)
		return trouble(t, -ENOMEM, "out of memory for the claims of %zu VIPs", vips->count);
	for (size_t i = 0; i < vips->count; i++)
		if (owned(row_value(vips, i)))
			add_vip(&now, image, row_key(vips, i), row_value(vips, i));
	qsort(now.item, now.count, sizeof(*now.item), claim_order);
	for (size_t i = 0; i < now.count; i++) {
		const struct claim *old =
			c->count ? bsearch(&now.item[i], c->item, c->count, sizeof(*c->item), claim_order)
				 : NULL;

		if (old)
			now.item[i].left = old->left;
		now.pending += now.item[i].left > 0;
	}
	claims_free(c);
	*c = now;
	return 0;
}

void claims_known(struct claims *c, const struct kernel *k)
{
	if (!k->generation)
		return;
	for (size_t i = 0; i < c->count; i++) {
		struct sl_vip_key key = { .addr = c->item[i].addr_be };
		struct sl_vip vip;

		if (!c->item[i].left || bpf_map_lookup_elem(k->plan[SL_TABLE_sl_vip], &key, &vip) ||
		    !owned(&vip))
			continue;
		c->item[i].left = 0;
		c->pending--;
	}
}

void claims_say(struct claims *c, int program, size_t most)
{
	for (size_t i = 0; c->pending && most && i < c->count; i++) {
		struct claim *claim = &c->item[i];
		uint8_t frame[ASK_FRAME_MOST];
		size_t length;

		if (!claim->left)
			continue;
		length = ask_frame(frame, claim->mac, claim->vlan, claim->addr_be, claim->addr_be);
		most--;
		if (ask_send(program, claim->ifindex, frame, length))
			continue;
		claim->left--;
		c->pending -= !claim->left;
	}
}

void claims_free(struct claims *c)
{
	free(c->item);
	memset(c, 0, sizeof(*c));
}
