/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Under the lock, as all installs are: whoever writes to a plan table holds it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "inner.h"
#include "proof.h"
#include "shape.h"
#include "spare.h"

/* More than one row in so many, and a table of its own costs no more. */
#define PART 16
#define FEW 16

static bool info_of(int fd, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, info, &size);
}

/* A table as inner_make() would make it, with room for the patches of kernel_patch(), and not many times too large. */
static bool fits(int table, const struct bpf_map_info *info, size_t count)
{
	const struct shape *s = &shapes[table];
	size_t least = count + count / 8 + 32, most = 2 * (count + count / 4 + 64);

	if (least > s->size)
		least = s->size;
	return info->type == s->type && info->key_size == s->key_size && info->value_size == s->value_size &&
	       info->map_flags == s->flags && info->max_entries >= least && info->max_entries <= most;
}

/* -1: there is none, or packets look into it. */
static int find(const struct kernel *k, int table, size_t count)
{
	__u32 slot = !(k->generation & 1), id = 0;
	struct bpf_map_info spare, current;
	int fd;

	if (bpf_map_lookup_elem(k->table[table], &slot, &id))
		return -1;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -1;
	if (info_of(fd, &spare) && info_of(k->plan[table], &current) && spare.id != current.id &&
	    fits(table, &spare, count))
		return fd;
	close(fd);
	return -1;
}

static bool write_rows(int fd, const struct image_table *image, const struct differing *d)
{
	size_t stride = (size_t)image->key_size + image->value_size;

	for (size_t i = 0; i < d->gone; i++)
		if (bpf_map_delete_elem(fd, d->keys + i * image->key_size))
			return false;
	for (size_t i = 0; i < d->wrong; i++) {
		const uint8_t *row = image->rows + d->rows[i] * stride;

		if (bpf_map_update_elem(fd, row, row + image->key_size, BPF_ANY))
			return false;
	}
	return true;
}

/* All others were read: with these the table is the image's. */
static bool written(int fd, const struct image_table *image, const struct differing *d)
{
	size_t stride = (size_t)image->key_size + image->value_size;
	uint8_t value[256];

	for (size_t i = 0; i < d->gone; i++)
		if (!bpf_map_lookup_elem(fd, d->keys + i * image->key_size, value) || errno != ENOENT)
			return false;
	for (size_t i = 0; i < d->wrong; i++) {
		const uint8_t *row = image->rows + d->rows[i] * stride;

		if (bpf_map_lookup_elem(fd, row, value) ||
		    memcmp(value, row + image->key_size, image->value_size))
			return false;
	}
	return true;
}

void spare_take(const struct kernel *in_force, int table, const struct image_table *image, int *fd)
{
	struct differing d = { 0 };
	struct trouble unused;

	*fd = -1;
	if (inner_sealed(table) || shapes[table].type != BPF_MAP_TYPE_HASH || !image->count ||
	    image->value_size > 256)
		return;
	*fd = find(in_force, table, image->count);
	if (*fd < 0)
		return;
	if (!proof_differ(table, *fd, image, image->count / PART + FEW, &d, &unused) && !d.more &&
	    /* Packets of the generation that had it are through, also where its last install was killed. */
	    !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0) && write_rows(*fd, image, &d) &&
	    written(*fd, image, &d))
		goto out;
	close(*fd);
	*fd = -1;
out:
	differing_free(&d);
}
