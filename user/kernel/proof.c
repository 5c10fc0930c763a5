/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table is read once and each of its rows looked for in the image, by an index over the image's rows that is made
 * for the purpose: keys in a table are unique, so as many rows as the image has, all of them found in it, are the
 * image's. That takes no copy of the table and no sorting, which at a million rows cost more than reading them.
 *
 * An array has all its rows always; those that the image does not give are zero and are not counted.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "proof.h"
#include "rows.h"
#include "shape.h"

#define LOOKS 32

_Static_assert(sizeof(struct sl_slot) == 4, "the only table that is mapped");

struct index {
	const struct image_table *image;
	size_t stride;
	uint32_t *slots; /* row + 1; 0: free */
	size_t mask;
	bool array;
	struct proof *proof;
	struct differing *d; /* NULL: nobody asks which */
	size_t most;
	bool *right; /* of the image's rows */
};

/* Addresses are big-endian: what tells two keys apart stands in the upper bits and has to reach the lower ones. */
static uint64_t hash_key(const uint8_t *key, size_t length)
{
	uint64_t hash = 0, word;

	for (size_t i = 0; i < length; i += sizeof(word)) {
		size_t take = length - i < sizeof(word) ? length - i : sizeof(word);

		word = 0;
		memcpy(&word, key + i, take);
		hash = (hash ^ word ^ word >> 32) * 0x9e3779b97f4a7c15ULL;
		hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ULL;
	}
	return hash ^ hash >> 32;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

static const uint8_t *image_row(const struct index *x, size_t row)
{
	return x->image->rows + row * x->stride;
}

static int index_make(struct index *x, int table, struct trouble *t)
{
	size_t room = 64;

	while (room < x->image->count * 2)
		room *= 2;
	x->slots = calloc(room, sizeof(*x->slots));
	if (!x->slots)
		return trouble(t, -ENOMEM, "out of memory for comparing %zu rows of %s", x->image->count,
			       shapes[table].name);
	x->mask = room - 1;
	for (size_t i = 0; i < x->image->count; i++) {
		const uint8_t *row = image_row(x, i);
		size_t at = hash_key(row, x->image->key_size) & x->mask;

		if (x->array && is_zero(row + x->image->key_size, x->image->value_size))
			continue;
		while (x->slots[at])
			at = (at + 1) & x->mask;
		x->slots[at] = (uint32_t)i + 1;
		x->proof->wanted++;
	}
	return 0;
}

static void visit(void *closure, const void *key, const void *value)
{
	struct index *x = closure;
	size_t key_size = x->image->key_size, at;

	if (x->array && is_zero(value, x->image->value_size))
		return;
	x->proof->there++;
	for (at = hash_key(key, key_size) & x->mask; x->slots[at]; at = (at + 1) & x->mask) {
		const uint8_t *row = image_row(x, x->slots[at] - 1);

		if (memcmp(row, key, key_size))
			continue;
		if (memcmp(row + key_size, value, x->image->value_size))
			return;
		x->proof->right++;
		if (x->right)
			x->right[x->slots[at] - 1] = true;
		return;
	}
	if (!x->d)
		return;
	if (x->d->gone < x->most)
		memcpy(x->d->keys + x->d->gone++ * key_size, key, key_size);
	else
		x->d->more = true;
}

static int read_rows(int table, int fd, const struct image_table *image, struct proof *proof,
		     struct trouble *t)
{
	struct index x = { .image = image,
			   .stride = (size_t)image->key_size + image->value_size,
			   .array = shapes[table].type == BPF_MAP_TYPE_ARRAY,
			   .proof = proof };
	int error = index_make(&x, table, t);

	if (!error)
		error = rows_walk(fd, image->key_size, image->value_size, visit, &x, t);
	free(x.slots);
	return error;
}

int proof_differ(int table, const struct rows *rows, const struct image_table *image, size_t most,
		 struct differing *d, struct trouble *t)
{
	struct proof proof = { 0 };
	struct index x = { .image = image,
			   .stride = (size_t)image->key_size + image->value_size,
			   .proof = &proof,
			   .d = d,
			   .most = most };
	int error = 0;

	memset(d, 0, sizeof(*d));
	d->keys = calloc(most + 1, image->key_size + 1);
	d->rows = calloc(most + 1, sizeof(*d->rows));
	x.right = calloc(image->count + 1, sizeof(*x.right));
	if (!d->keys || !d->rows || !x.right)
		error = trouble(t, -ENOMEM, "out of memory for comparing %zu rows of %s", image->count,
				shapes[table].name);
	if (!error)
		error = index_make(&x, table, t);
	for (size_t i = 0; !error && i < rows->count; i++)
		visit(&x, rows_key(rows, i), rows_value(rows, i));
	for (size_t i = 0; !error && i < image->count; i++) {
		if (x.right[i])
			continue;
		if (d->wrong < most)
			d->rows[d->wrong++] = i;
		else
			d->more = true;
	}
	free(x.slots);
	free(x.right);
	return error;
}

void differing_free(struct differing *d)
{
	free(d->keys);
	free(d->rows);
	memset(d, 0, sizeof(*d));
}

int mapped_open(struct mapped *m, int table, int fd, bool writable, struct trouble *t)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	memset(m, 0, sizeof(*m));
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return trouble(t, -errno, "cannot read the size of %s: %s", shapes[table].name,
			       strerror(errno));
	m->count = info.max_entries;
	m->stride = ((size_t)info.value_size + 7) & ~(size_t)7;
	m->length = (m->count * m->stride + page - 1) / page * page;
	m->values = mmap(NULL, m->length, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (m->values == MAP_FAILED) {
		m->values = NULL;
		return trouble(t, -errno, "cannot map %s: %s", shapes[table].name, strerror(errno));
	}
	return 0;
}

void mapped_close(struct mapped *m)
{
	if (m->values)
		munmap(m->values, m->length);
	m->values = NULL;
}

/*
 * Values of four bytes, one in eight, as the rings have them by the million; the image's rows are four bytes of index
 * and the value.
 */
static int read_mapped(int table, int fd, const struct image_table *image, struct proof *proof,
		       struct trouble *t)
{
	struct mapped m;
	int error = mapped_open(&m, table, fd, false, t);
	uint32_t row[2], value;

	if (error)
		return error;
	for (size_t i = 0; i < m.count; i++) {
		memcpy(&value, m.values + i * m.stride, sizeof(value));
		proof->there += value != 0;
	}
	for (size_t i = 0; i < image->count; i++) {
		memcpy(row, image->rows + i * sizeof(row), sizeof(row));
		if (!row[1])
			continue;
		proof->wanted++;
		if (row[0] >= m.count)
			continue;
		memcpy(&value, m.values + row[0] * m.stride, sizeof(value));
		proof->right += value == row[1];
	}
	mapped_close(&m);
	return 0;
}

bool proof_fails(int table, int fd, const struct image_table *image)
{
	size_t stride = (size_t)image->key_size + image->value_size;
	uint8_t value[256];

	if (shapes[table].value_size > sizeof(value) || image->value_size != shapes[table].value_size)
		return false;
	for (size_t i = 0; image->count && i < LOOKS; i++) {
		const uint8_t *row = image->rows + i * (image->count - 1) / LOOKS * stride;

		if (bpf_map_lookup_elem(fd, row, value) ||
		    memcmp(value, row + image->key_size, image->value_size))
			return true;
	}
	return false;
}

int proof_read(int table, int fd, const struct image_table *image, struct proof *proof, struct trouble *t)
{
	const struct shape *s = &shapes[table];
	struct image_table none = { .key_size = s->key_size, .value_size = s->value_size };

	memset(proof, 0, sizeof(*proof));
	if (!image->count)
		image = &none; /* which need not say its sizes */
	if (image->key_size != s->key_size || image->value_size != s->value_size)
		return trouble(t, -EINVAL, "the image's rows of %s have another size than the table's",
			       s->name);
	return s->flags & BPF_F_MMAPABLE ? read_mapped(table, fd, image, proof, t)
					 : read_rows(table, fd, image, proof, t);
}
