/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_leave from the image's rows. What is set has to be true; of what depends on more, nothing is set.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "leave.h"
#include "shape.h"

/* What is made of the image's rows. */
struct making {
	struct sl_leave *leave;
	struct sl_setting setting;
	uint32_t drop; /* as sl_leave.ifaces: some uplink drops what the plan does not manage */
};

static void clear_bit(uint32_t *bits, uint32_t bit)
{
	bits[bit / 32] &= ~(1U << bit % 32);
}

/* All blocks that have addresses of this prefix. */
static void clear_blocks(struct sl_leave *leave, uint32_t addr, uint32_t length)
{
	uint32_t first = ntohl(addr) >> 16, count = length < 16 ? 1U << (16 - length) : 1;

	for (uint32_t i = 0; i < count; i++)
		clear_bit(leave->block, first + i);
}

static void read_setting(struct making *m, const void *key, const void *value)
{
	(void)key;
	memcpy(&m->setting, value, sizeof(m->setting));
	m->leave->tunnel_port = m->setting.tunnel_port;
}

static void read_iface(struct making *m, const void *key, const void *value)
{
	struct sl_iface_key at;
	struct sl_iface iface;

	memcpy(&at, key, sizeof(at));
	memcpy(&iface, value, sizeof(iface));
	if (iface.kind != SL_IFACE_UPLINK)
		return;
	m->leave->ifaces |= sl_leave_iface(at.ifindex);
	if (iface.flags & SL_IFACE_UNMANAGED_DROP)
		m->drop |= sl_leave_iface(at.ifindex);
}

static void read_vlan(struct making *m, const void *key, const void *value)
{
	struct sl_vlan vlan;
	uint32_t id;

	memcpy(&id, key, sizeof(id));
	memcpy(&vlan, value, sizeof(vlan));
	if (vlan.state != SL_VLAN_UNMANAGED)
		m->leave->vlan[id] = 0;
}

static void read_vip(struct making *m, const void *key, const void *value)
{
	struct sl_vip_key vip;

	(void)value;
	memcpy(&vip, key, sizeof(vip));
	clear_bit(m->leave->addr, sl_leave_hash(vip.addr));
}

static void read_exact(struct making *m, const void *key, const void *value)
{
	struct sl_exact_key exact;
	struct sl_endpoint e;

	memcpy(&exact, key, sizeof(exact));
	memcpy(&e, value, sizeof(e));
	if (exact.vpc != m->setting.node_vpc)
		return;
	if (e.kind == SL_ENDPOINT_HOST && m->setting.flags & SL_SETTING_HOST_POLICY)
		clear_bit(m->leave->addr, sl_leave_hash(exact.addr));
	/* What the node itself sends is asked about on its way out. */
	if (sl_endpoint_managed(e.kind) ||
	    (e.kind == SL_ENDPOINT_HOST &&
	     m->setting.flags & (SL_SETTING_HOST_POLICY | SL_SETTING_HOST_SERVES)))
		clear_blocks(m->leave, exact.addr, 32);
}

static void read_prefix(struct making *m, const void *key, const void *value)
{
	struct sl_prefix_key prefix;
	struct sl_endpoint e;

	memcpy(&prefix, key, sizeof(prefix));
	memcpy(&e, value, sizeof(e));
	if (prefix.vpc == htons(m->setting.node_vpc) && sl_endpoint_managed(e.kind))
		clear_blocks(m->leave, prefix.addr, prefix.prefixlen - 32);
}

/* In this order: what the settings say the others ask for. */
static const struct {
	enum sl_table_id table;
	void (*read)(struct making *m, const void *key, const void *value);
} parts[] = {
	{ SL_TABLE_sl_setting, read_setting }, { SL_TABLE_sl_iface, read_iface },
	{ SL_TABLE_sl_vlan, read_vlan },       { SL_TABLE_sl_vip, read_vip },
	{ SL_TABLE_sl_exact, read_exact },     { SL_TABLE_sl_prefix, read_prefix },
};

static int read_rows(struct making *m, const struct image *image, struct trouble *t)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct image_table rows;

		if (!image_rows(image, parts[i].table, &rows))
			return trouble(t, -ENOMEM, "out of memory for the rows of %s",
				       shapes[parts[i].table].name);
		for (size_t at = 0; at < rows.count; at++) {
			const uint8_t *row = rows.rows + at * (rows.key_size + rows.value_size);

			parts[i].read(m, row, row + rows.key_size);
		}
		image_rows_free(image, parts[i].table, &rows);
	}
	return 0;
}

static int fill(struct sl_leave *leave, const struct image *image, uint32_t generation, struct trouble *t)
{
	struct making m = { .leave = leave };
	int error;

	memset(leave->vlan, 1, sizeof(leave->vlan));
	memset(leave->addr, 0xff, sizeof(leave->addr));
	memset(leave->block, 0xff, sizeof(leave->block));
	/* A tag without an id, and the id that no VLAN has. */
	leave->vlan[0] = 0;
	leave->vlan[SL_VLANS - 1] = 0;
	error = read_rows(&m, image, t);
	if (error)
		return error;
	/* Between clusters, what is forbidden on an uplink may have any address, and stand in any VLAN. */
	if (m.setting.flags & SL_SETTING_WAN) {
		memset(leave, 0, sizeof(*leave));
		return 0;
	}
	leave->ifaces &= ~m.drop;
	leave->in = generation;
	/* Who leaves has clocks to ask. */
	if (!(m.setting.flags & SL_SETTING_QOS))
		leave->out = generation;
	return 0;
}

int leave_make(struct sl_leave **leave, const struct image *image, uint32_t generation, struct trouble *t)
{
	*leave = calloc(1, sizeof(**leave));
	return *leave ? fill(*leave, image, generation, t)
		      : trouble(t, -ENOMEM, "out of memory for sl_leave");
}

static int put(const struct kernel *k, const struct sl_leave *leave, struct trouble *t)
{
	__u32 zero = 0;

	return bpf_map_update_elem(k->table[SL_TABLE_sl_leave], &zero, leave, BPF_ANY)
		       ? trouble(t, -errno, "cannot write sl_leave: %s", strerror(errno))
		       : 0;
}

/* Nothing that may be left alone before all is there that says what may not. */
int leave_put(const struct kernel *k, const struct sl_leave *leave, struct trouble *t)
{
	const struct sl_leave nothing = { .tunnel_port = leave->tunnel_port };
	int error = put(k, &nothing, t);

	return error ? error : put(k, leave, t);
}
