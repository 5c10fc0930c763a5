/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows travel in batches, a system call for thousands of them. What the kernel then holds is read back
 * and compared byte by byte: an install that lost a row must never be flipped to.
 *
 * An array has all its rows always; those the image does not give are zero. So rows of an array that are
 * zero are left out of both sides before they are compared.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "inner.h"
#include "proof.h"
#include "shape.h"

#define BATCH (1U << 13)
#define KERNEL_ENOTSUPP 524 /* what kernels answer for a map type without batches */

static bool is_array(int table)
{
	return shapes[table].type == BPF_MAP_TYPE_ARRAY;
}

/*
 * Rows that the image's table takes: of a hash its rows. Of the rings all up to the highest index, as their
 * array is as long as the plan wants it; the other arrays always have all their rows.
 */
static size_t rows_needed(int table, const struct image_table *image)
{
	size_t stride = image ? (size_t)image->key_size + image->value_size : 0;
	size_t most = 0;

	if (!is_array(table))
		return image ? image->count : 0;
	if (table != SL_TABLE_sl_ring)
		return shapes[table].size;
	for (size_t i = 0; image && i < image->count; i++) {
		__u32 index;

		memcpy(&index, image->rows + i * stride, sizeof(index));
		most = index > most ? index : most;
	}
	return most + 1;
}

int inner_make(int table, const struct image_table *image, const struct types *types, struct trouble *t)
{
	const struct shape *s = &shapes[table];
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = s->flags, .btf_fd = (__u32)types->fd,
		    .btf_key_type_id = types->key[table], .btf_value_type_id = types->value[table]);
	size_t count = rows_needed(table, image);
	size_t size = is_array(table) ? count : count + count / 4 + 64;
	int fd;

	if (count > s->size)
		return trouble(t, -E2BIG, "the plan needs %zu rows of %s, the ceiling is %u", count, s->name,
			       s->size);
	if (size > s->size)
		size = s->size;
	fd = bpf_map_create(s->type, s->name, s->key_size, s->value_size, (__u32)size, &opts);
	if (fd < 0)
		return trouble(t, -errno, "cannot make %s with room for %zu rows: %s", s->name, size,
			       strerror(errno));
	return fd;
}

static int key_order(const struct rows *a, size_t i, const struct rows *b, size_t j)
{
	return memcmp(rows_key(a, i), rows_key(b, j), a->key_size);
}

/* Zero rows of an array mean "not given". */
static void leave_out_zero(struct rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		const uint8_t *value = rows_value(rows, i);
		bool zero = true;

		for (uint32_t b = 0; zero && b < rows->value_size; b++)
			zero = !value[b];
		if (zero)
			continue;
		memmove(rows->keys + kept * rows->key_size, rows_key(rows, i), rows->key_size);
		memmove(rows->values + kept * rows->value_size, value, rows->value_size);
		kept++;
	}
	rows->count = kept;
}

/* The image's rows, keys and values apart as batches want them, ordered by key. */
static int from_image(int table, struct rows *rows, const struct image_table *image, struct trouble *t)
{
	size_t stride = (size_t)image->key_size + image->value_size;
	bool ordered = true;
	int error = 0;

	memset(rows, 0, sizeof(*rows));
	rows->key_size = shapes[table].key_size;
	rows->value_size = shapes[table].value_size;
	rows->cpus = 1;
	if (!image->count)
		return 0;
	if (image->key_size != rows->key_size || image->value_size != rows->value_size)
		return trouble(t, -EINVAL, "the image's rows of %s have another size than the table's",
			       shapes[table].name);
	rows->keys = calloc(image->count, rows->key_size);
	rows->values = calloc(image->count, rows->value_size);
	if (!rows->keys || !rows->values) {
		rows_free(rows);
		return trouble(t, -ENOMEM, "out of memory for %zu rows of %s", image->count,
			       shapes[table].name);
	}
	rows->count = image->count;
	for (size_t i = 0; i < image->count; i++) {
		memcpy(rows->keys + i * rows->key_size, image->rows + i * stride, rows->key_size);
		memcpy(rows->values + i * rows->value_size, image->rows + i * stride + rows->key_size,
		       rows->value_size);
		if (i && key_order(rows, i - 1, rows, i) > 0)
			ordered = false;
	}
	if (!ordered)
		error = rows_sort(rows, t);
	if (error)
		rows_free(rows);
	else if (is_array(table))
		leave_out_zero(rows);
	return error;
}

static int from_kernel(int table, int fd, struct rows *rows, struct trouble *t)
{
	int error = rows_read(rows, fd, shapes[table].key_size, shapes[table].value_size, 1, t);

	if (error)
		return error;
	if (is_array(table))
		leave_out_zero(rows);
	error = rows_sort(rows, t);
	if (error)
		rows_free(rows);
	return error;
}

/* A table on its way into the kernel, a batch at a time, since it may be larger than all else here. */
struct writing {
	int fd;
	const struct image_table *image;
	atomic_size_t next; /* row that nobody has in hand */
};

struct writer {
	struct writing *w;
	uint8_t *keys; /* of a batch, apart from their values as batches want them */
	uint8_t *values;
	pthread_t thread;
	bool started;
	bool one_by_one;
	int error;
};

static int write_batch(struct writer *writer, size_t first)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);
	const struct image_table *image = writer->w->image;
	size_t stride = (size_t)image->key_size + image->value_size;
	__u32 count = image->count - first > BATCH ? BATCH : (__u32)(image->count - first), done = count;
	uint8_t *keys = writer->keys, *values = writer->values;
	int fd = writer->w->fd;

	for (__u32 i = 0; i < count; i++) {
		const uint8_t *row = image->rows + (first + i) * stride;

		memcpy(keys + (size_t)i * image->key_size, row, image->key_size);
		memcpy(values + (size_t)i * image->value_size, row + image->key_size, image->value_size);
	}
	if (!writer->one_by_one) {
		if (!bpf_map_update_batch(fd, keys, values, &done, &opts))
			return 0;
		if (errno != EINVAL && errno != ENOTSUP && errno != KERNEL_ENOTSUPP)
			return -errno;
		writer->one_by_one = true;
	}
	for (__u32 i = 0; i < count; i++)
		if (bpf_map_update_elem(fd, keys + (size_t)i * image->key_size,
					values + (size_t)i * image->value_size, BPF_ANY))
			return -errno;
	return 0;
}

/* Whoever has nothing else to do takes the next batch. */
static void *write_next(void *argument)
{
	struct writer *writer = argument;
	struct writing *w = writer->w;

	for (size_t first; !writer->error && (first = atomic_fetch_add(&w->next, BATCH)) < w->image->count;)
		writer->error = write_batch(writer, first);
	if (writer->error)
		w->next = w->image->count;
	return NULL;
}

/* Rows of a hash stand in buckets of their own: those of a large one are written by two at once. */
static int write_rows(int table, int fd, const struct image_table *image, struct trouble *t)
{
	struct writing w = { .fd = fd, .image = image };
	struct writer writers[2] = { { .w = &w }, { .w = &w } };
	size_t count = shapes[table].type == BPF_MAP_TYPE_HASH && image->count > 4 * BATCH ? 2 : 1;
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		writers[i].keys = calloc(BATCH, image->key_size);
		writers[i].values = calloc(BATCH, image->value_size);
		if (!writers[i].keys || !writers[i].values)
			error = -ENOMEM;
	}
	if (error) {
		trouble(t, error, "out of memory for writing rows of %s", shapes[table].name);
		goto out;
	}
	if (count > 1)
		writers[1].started = !pthread_create(&writers[1].thread, NULL, write_next, &writers[1]);
	write_next(&writers[0]);
	if (writers[1].started)
		pthread_join(writers[1].thread, NULL);
	error = writers[0].error ? writers[0].error : writers[1].error;
	if (error)
		trouble(t, error, "cannot write a row of %zu into %s: %s", image->count, shapes[table].name,
			strerror(-error));
out:
	for (size_t i = 0; i < count; i++) {
		free(writers[i].keys);
		free(writers[i].values);
	}
	return error;
}

static int write_mapped(int table, int fd, const struct image_table *image, struct trouble *t)
{
	size_t stride = (size_t)image->key_size + image->value_size;
	struct mapped m;
	int error = mapped_open(&m, table, fd, true, t);

	for (size_t i = 0; !error && i < image->count; i++) {
		const uint8_t *row = image->rows + i * stride;
		__u32 index;

		memcpy(&index, row, sizeof(index));
		if (index < m.count)
			memcpy(m.values + index * m.stride, row + sizeof(index), image->value_size);
		else
			error = trouble(t, -E2BIG, "%s has %zu rows, the plan gives row %u",
					shapes[table].name, m.count, index);
	}
	mapped_close(&m);
	return error;
}

int inner_fill(int table, int fd, const struct image_table *image, struct trouble *t)
{
	struct proof proof;
	int error = 0;

	if (image->count)
		error = shapes[table].flags & BPF_F_MMAPABLE ? write_mapped(table, fd, image, t)
							     : write_rows(table, fd, image, t);
	if (!error)
		error = proof_read(table, fd, image, &proof, t);
	if (error || proof_holds(&proof))
		return error;
	if (proof.there != proof.wanted)
		return trouble(t, -EIO, "%zu rows were written to %s and %zu are there", proof.wanted,
			       shapes[table].name, proof.there);
	return trouble(t, -EIO, "the rows read back from %s are not the ones written", shapes[table].name);
}

/* The rows of these say which interface, or what it is like. */
bool inner_sealed(int table)
{
	switch (table) {
	case SL_TABLE_sl_setting:
	case SL_TABLE_sl_iface:
	case SL_TABLE_sl_vlan:
	case SL_TABLE_sl_network:
	case SL_TABLE_sl_exact:
	case SL_TABLE_sl_node:
	case SL_TABLE_sl_rate:
	case SL_TABLE_sl_member:
		return false;
	default:
		return shapes[table].plan;
	}
}

int inner_seal(int table, int fd, struct trouble *t)
{
	if (!inner_sealed(table) || !bpf_map_freeze(fd))
		return 0;
	return trouble(t, -errno, "cannot seal %s: %s", shapes[table].name, strerror(errno));
}

struct difference {
	size_t gone;
	size_t fresh;
	size_t changed;
};

static int delete_row(int table, int fd, const void *key)
{
	const uint8_t zero[128] = { 0 };

	/* A row of an array cannot go: it becomes "not given". */
	if (is_array(table))
		return bpf_map_update_elem(fd, key, zero, BPF_ANY);
	return bpf_map_delete_elem(fd, key);
}

/* Walks both in order of keys. Rows that go are deleted first, so that they make room. */
static int differ(int table, int fd, const struct rows *want, const struct rows *have, bool write,
		  struct difference *d, struct trouble *t)
{
	for (int pass = 0; pass < 2; pass++) {
		size_t i = 0, j = 0;

		while (i < want->count || j < have->count) {
			int order = i == want->count   ? 1
				    : j == have->count ? -1
						       : key_order(want, i, have, j);
			int failed = 0;

			if (order > 0) {
				d->gone += !pass;
				if (write && !pass)
					failed = delete_row(table, fd, rows_key(have, j));
				j++;
			} else {
				bool same = !order && !memcmp(rows_value(want, i), rows_value(have, j),
							      want->value_size);

				if (!same && !pass)
					*(order ? &d->fresh : &d->changed) += 1;
				if (write && pass && !same)
					failed = bpf_map_update_elem(fd, rows_key(want, i),
								     rows_value(want, i), BPF_ANY);
				i++;
				j += !order;
			}
			if (failed)
				return trouble(t, -errno, "cannot change a row of %s: %s", shapes[table].name,
					       strerror(errno));
		}
	}
	return 0;
}

static int compare(int table, int fd, const struct image_table *image, bool write, struct difference *d,
		   size_t *now, struct trouble *t)
{
	struct rows want = { 0 }, have = { 0 };
	int error = from_image(table, &want, image, t);

	memset(d, 0, sizeof(*d));
	if (!error)
		error = from_kernel(table, fd, &have, t);
	if (!error)
		error = differ(table, fd, &want, &have, write, d, t);
	*now = have.count;
	rows_free(&want);
	rows_free(&have);
	return error;
}

int inner_patch(int table, int fd, const struct image_table *image, size_t *changed, struct trouble *t)
{
	struct difference d;
	size_t now;
	int error = compare(table, fd, image, true, &d, &now, t);

	*changed += d.gone + d.fresh + d.changed;
	return error;
}

int inner_fits(int table, int fd, const struct image_table *image, size_t *changes, struct trouble *t)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	struct difference d;
	size_t now;
	int error = compare(table, fd, image, false, &d, &now, t);

	if (error)
		return error;
	*changes += d.gone + d.fresh + d.changed;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return trouble(t, -errno, "cannot read the size of %s: %s", shapes[table].name,
			       strerror(errno));
	if (is_array(table) && rows_needed(table, image) > info.max_entries)
		return trouble(t, -ENOSPC, "%s has %u rows, the plan needs %zu", shapes[table].name,
			       info.max_entries, rows_needed(table, image));
	if (!is_array(table) && now - d.gone + d.fresh > info.max_entries)
		return trouble(t, -ENOSPC, "%s has no room for %zu more rows", shapes[table].name, d.fresh);
	return 0;
}
