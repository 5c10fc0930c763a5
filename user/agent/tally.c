/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A gauge that cannot be written is not worth stopping for: the next second writes it again.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../kernel/rows.h"
#include "tally.h"

void tally_gauge(const struct kernel *k, enum sl_gauge_id gauge, uint64_t value)
{
	uint32_t key = gauge;

	bpf_map_update_elem(k->table[SL_TABLE_sl_gauge], &key, &value, BPF_ANY);
}

void tally_fill(const struct kernel *k, enum sl_table_id table, uint64_t entries)
{
	struct sl_fill fill = { .entries = entries, .size = kernel_room(k, table) };
	uint32_t key = table;

	bpf_map_update_elem(k->table[SL_TABLE_sl_fill], &key, &fill, BPF_ANY);
}

struct small {
	enum sl_table_id table;
	uint32_t key_size;
	uint32_t value_size;
	bool per_cpu;
};

static int count(const struct kernel *k, const struct small *small, size_t tables, uint32_t cpus,
		 struct trouble *t)
{
	for (size_t i = 0; i < tables; i++) {
		uint64_t entries;
		int error = rows_number(k->table[small[i].table], small[i].key_size, small[i].value_size,
					small[i].per_cpu ? cpus : 1, &entries, t);

		if (error)
			return error;
		tally_fill(k, small[i].table, entries);
	}
	return 0;
}

int tally_small(const struct kernel *k, uint32_t cpus, struct trouble *t)
{
	static const struct small small[] = {
		{ SL_TABLE_sl_frag, sizeof(struct sl_frag_key), sizeof(struct sl_frag), false },
		{ SL_TABLE_sl_traffic, sizeof(struct sl_traffic_key), sizeof(struct sl_count), true },
		{ SL_TABLE_sl_drop, sizeof(struct sl_drop_key), sizeof(struct sl_count), true },
		{ SL_TABLE_sl_affinity, sizeof(struct sl_affinity_key), sizeof(struct sl_affinity), false },
		{ SL_TABLE_sl_bucket, sizeof(struct sl_bucket_key), sizeof(struct sl_bucket), false },
		{ SL_TABLE_sl_served, sizeof(struct sl_served_key), sizeof(struct sl_served), true },
		{ SL_TABLE_sl_unserved, sizeof(struct sl_unserved_key), sizeof(struct sl_count), true },
		{ SL_TABLE_sl_qos, sizeof(struct sl_qos_key), sizeof(struct sl_qos), true },
		{ SL_TABLE_sl_qos_delay, sizeof(struct sl_qos_key), sizeof(struct sl_qos_delay), true },
		{ SL_TABLE_sl_port_word, sizeof(struct sl_port_key), sizeof(struct sl_port_word), false },
		{ SL_TABLE_sl_contact, sizeof(struct sl_contact_key), sizeof(struct sl_contact), false },
		{ SL_TABLE_sl_holder, sizeof(struct sl_holder_key), sizeof(struct sl_holder), false },
		{ SL_TABLE_sl_eip_count, sizeof(struct sl_eip_count_key), sizeof(struct sl_eip_count), true },
		{ SL_TABLE_sl_eip_use, sizeof(struct sl_eip_count_key), sizeof(struct sl_eip_use), false },
		{ SL_TABLE_sl_fail, sizeof(struct sl_fail_key), sizeof(struct sl_fail), false },
		{ SL_TABLE_sl_door, sizeof(struct sl_door_key), sizeof(struct sl_door), false },
	};

	return count(k, small, sizeof(small) / sizeof(small[0]), cpus, t);
}

int tally_plan(const struct kernel *k, struct trouble *t)
{
	static const struct small small[] = {
		{ SL_TABLE_sl_serving, sizeof(struct sl_served_key), sizeof(struct sl_serving), false },
		{ SL_TABLE_sl_name, sizeof(struct sl_name_key), sizeof(struct sl_name), false },
	};

	return count(k, small, sizeof(small) / sizeof(small[0]), 1, t);
}

/* Writing a row of a per-CPU table writes it for all CPUs: only for rows that no program touches. */
int tally_stat(const struct kernel *k, enum sl_stat_id stat, uint64_t more, uint32_t cpus, struct trouble *t)
{
	uint64_t *value;
	uint32_t key = stat;
	int error = 0;

	if (!more)
		return 0;
	value = calloc(cpus, sizeof(*value));
	if (!value)
		return trouble(t, -ENOMEM, "out of memory for a counter");
	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_stat], &key, value))
		error = -errno;
	value[0] += more;
	if (!error && bpf_map_update_elem(k->table[SL_TABLE_sl_stat], &key, value, BPF_ANY))
		error = -errno;
	free(value);
	return error ? trouble(t, error, "cannot count aged flows: %s", strerror(-error)) : 0;
}
