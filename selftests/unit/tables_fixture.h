/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A few arrays that stand for the kernel's tables, by libbpf's calls. The descriptor of table N is N + 1.
 */
#ifndef SLUICE_TABLES_FIXTURE_H
#define SLUICE_TABLES_FIXTURE_H
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "../../maps/tables.h"
#include "../../user/kernel/kernel.h"

/* Rows in the order in which they were put, found by their key. */
struct fake {
	uint32_t key_size;
	uint32_t value_size;
	uint32_t count;
	uint8_t keys[64][40];
	uint8_t values[64][192];
	const struct sl_slot *array; /* instead: an array */
	uint32_t walks; /* begun */
	uint32_t writes;
	int refuses; /* the next write, with this errno */
};
static struct fake fakes[SL_TABLES];
static struct kernel kernel;

static struct fake *of(int fd)
{
	return &fakes[fd - 1];
}

static uint32_t fake_find(const struct fake *fake, const void *key)
{
	uint32_t at = 0;

	while (at < fake->count && memcmp(fake->keys[at], key, fake->key_size))
		at++;
	return at;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	const struct fake *fake = of(fd);
	uint32_t at = fake_find(fake, key);

	if (at == fake->count) {
		errno = ENOENT;
		return -ENOENT;
	}
	memcpy(value, fake->values[at], fake->value_size);
	return 0;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	struct fake *fake = of(fd);
	uint32_t at = fake_find(fake, key);

	fake->writes++;
	if (fake->refuses) {
		errno = fake->refuses;
		fake->refuses = 0;
		return -errno;
	}
	if (at == fake->count && flags == BPF_EXIST) {
		errno = ENOENT;
		return -ENOENT;
	}
	fake->count += at == fake->count;
	assert_true(fake->count < 64);
	memcpy(fake->keys[at], key, fake->key_size);
	memcpy(fake->values[at], value, fake->value_size);
	return 0;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	struct fake *fake = of(fd);
	uint32_t at = fake_find(fake, key);

	if (at == fake->count)
		return -ENOENT;
	fake->count--;
	memmove(fake->keys[at], fake->keys[fake->count], fake->key_size);
	memmove(fake->values[at], fake->values[fake->count], fake->value_size);
	return 0;
}

/* Of a hash all at once; of an array what was asked for. */
int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	struct fake *fake = of(fd);

	fake->walks++;
	(void)opts;
	(void)out_batch;
	if (fake->array) {
		memcpy(values, fake->array + (in_batch ? *(uint32_t *)in_batch + 1 : 0),
		       *count * sizeof(*fake->array));
		return 0;
	}
	for (uint32_t i = 0; i < fake->count; i++) {
		memcpy((uint8_t *)keys + i * fake->key_size, fake->keys[i], fake->key_size);
		memcpy((uint8_t *)values + i * fake->value_size, fake->values[i], fake->value_size);
	}
	*count = fake->count;
	return -ENOENT;
}

static uint32_t room = 8;

uint32_t kernel_room(const struct kernel *k, enum sl_table_id table)
{
	(void)k;
	(void)table;
	return room;
}

/* All tables empty, and a kernel that has them. Sizes of keys and values are to be set. */
static void fakes_open(void)
{
	memset(fakes, 0, sizeof(fakes));
	room = 8;
	kernel = (struct kernel){ .pins = "/pins", .generation = 0 };
	for (int i = 0; i < SL_TABLES; i++)
		kernel.table[i] = kernel.plan[i] = i + 1;
}

#define SIZES(table, key, value)                                                                             \
	fakes[SL_TABLE_##table].key_size = sizeof(key);                                                      \
	fakes[SL_TABLE_##table].value_size = sizeof(value)

#endif
