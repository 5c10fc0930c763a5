/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Under the lock, as all installs are: whoever writes to a plan table holds it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "inner.h"
#include "proof.h"
#include "rows.h"
#include "shape.h"
#include "spare.h"

/* More than one row in so many, and a table of its own costs no more. */
#define PART 16
#define FEW 16

struct spares {
	pthread_t thread;
	bool started;
	uint32_t generation; /* in force */
	bool through; /* the packets of the one before */
	int name_fd; /* sl_name, the kernel's; -1: nobody asks for it */
	bool named; /* its rows were read */
	struct rows names;
	struct spare {
		int fd; /* -1: there is none, or it could not be read */
		struct bpf_map_info info;
		struct rows rows;
	} table[SL_TABLES];
};

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

/* False: there is none, or packets look into it. */
static bool find(const struct kernel *k, int table, struct spare *spare)
{
	__u32 slot = !(k->generation & 1), id = 0;
	struct bpf_map_info current;

	if (!shapes[table].plan || inner_sealed(table) || shapes[table].type != BPF_MAP_TYPE_HASH ||
	    bpf_map_lookup_elem(k->table[table], &slot, &id))
		return false;
	spare->fd = bpf_map_get_fd_by_id(id);
	if (spare->fd < 0)
		return false;
	if (info_of(spare->fd, &spare->info) && info_of(k->plan[table], &current) &&
	    spare->info.id != current.id)
		return true;
	close(spare->fd);
	spare->fd = -1;
	return false;
}

/* The wait first: what is read afterwards is what is written to. */
static void *read_all(void *argument)
{
	struct spares *s = argument;
	struct trouble unused;

	/* Packets of the generation that had them are through, also where its last install was killed. */
	s->through = !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0);
	for (int i = 0; s->through && i < SL_TABLES; i++) {
		struct spare *spare = &s->table[i];

		if (spare->fd < 0 ||
		    !rows_read_most(&spare->rows, spare->fd, spare->info.key_size, spare->info.value_size,
				    spare->info.max_entries, &unused))
			continue;
		close(spare->fd);
		spare->fd = -1;
	}
	s->named = s->name_fd >= 0 && !rows_read(&s->names, s->name_fd, sizeof(struct sl_name_key),
						 sizeof(struct sl_name), 1, &unused);
	return NULL;
}

struct spares *spares_begin(const struct kernel *in_force, bool names)
{
	struct spares *s = calloc(1, sizeof(*s));
	bool any = false;

	if (!s)
		return NULL;
	s->generation = in_force->generation;
	s->name_fd = names ? in_force->table[SL_TABLE_sl_name] : -1;
	for (int i = 0; i < SL_TABLES; i++) {
		s->table[i].fd = -1;
		any |= find(in_force, i, &s->table[i]);
	}
	if (!any) {
		free(s);
		return NULL;
	}
	s->started = !pthread_create(&s->thread, NULL, read_all, s);
	if (!s->started)
		read_all(s);
	return s;
}

bool spares_ready(struct spares *s, uint32_t generation)
{
	if (!s)
		return false;
	if (s->started)
		pthread_join(s->thread, NULL);
	s->started = false;
	return s->through && s->generation == generation;
}

const struct rows *spares_names(const struct spares *s)
{
	return s && s->named ? &s->names : NULL;
}

void spares_end(struct spares *s)
{
	if (!s)
		return;
	spares_ready(s, 0);
	if (s->named)
		rows_free(&s->names);
	for (int i = 0; i < SL_TABLES; i++) {
		rows_free(&s->table[i].rows);
		if (s->table[i].fd >= 0)
			close(s->table[i].fd);
	}
	free(s);
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

void spare_take(const struct spares *s, int table, const struct image_table *image, int *fd)
{
	const struct spare *spare = &s->table[table];
	struct differing d = { 0 };
	struct trouble unused;

	*fd = -1;
	if (spare->fd < 0 || !image->count || image->value_size > 256 ||
	    !fits(table, &spare->info, image->count))
		return;
	if (!proof_differ(table, &spare->rows, image, image->count / PART + FEW, &d, &unused) && !d.more &&
	    write_rows(spare->fd, image, &d) && written(spare->fd, image, &d))
		*fd = fcntl(spare->fd, F_DUPFD_CLOEXEC, 0);
	differing_free(&d);
}
