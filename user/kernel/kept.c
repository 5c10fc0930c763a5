/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A digest says what a table was filled with, read back and found right. It says what the table holds only where nobody
 * can write to it since: inner_seal(). A table that is written to later is read before it is taken for what its digest
 * says; a digest that is another one is reason enough to make the table again.
 *
 * Rows that the image makes only when they are needed are known by what they follow from, and by the build that makes
 * them: another one may make other rows of the same. Of a build that does not know who it is they are made.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "build_id.h"
#include "kept.h"
#include "pins.h"
#include "shape.h"

#define KEPT "sl_digest"

/* False: this build does not know who it is. */
static bool by_build(struct digest *digest)
{
	struct {
		struct digest from;
		struct digest build;
	} both = { .from = *digest };

	if (!build_id(&both.build))
		return false;
	*digest = digest_rows(&both, 1, sizeof(both), 0);
	return true;
}

bool kept_known(const struct digest *digest)
{
	return digest->half[0] || digest->half[1];
}

/* The rows are those that the compiler took the digest of. */
static bool is_compiled(const struct image *image, int table)
{
	const struct image_digest *of = &image->digest[table];

	return kept_known(&of->digest) && of->rows == image->table[table].rows &&
	       of->count == image->table[table].count;
}

int kept_of(int table, const struct image *image, struct digest *digest, struct trouble *t)
{
	const struct image_table *at = &image->table[table];
	const struct shape *s = &shapes[table];
	struct image_table whole;

	if (at->count && (at->key_size != s->key_size || at->value_size != s->value_size))
		return trouble(t, -EINVAL, "the image's rows of %s have another size than the table's",
			       s->name);
	if (is_compiled(image, table) && at->key_size == s->key_size && at->value_size == s->value_size) {
		*digest = image->digest[table].digest;
		return 0;
	}
	if (image_rows_wait(image, table, digest) && by_build(digest))
		return 0;
	if (!image_rows(image, table, &whole))
		return trouble(t, -ENOMEM, "out of memory for %zu rows of %s", at->count, s->name);
	*digest = digest_rows(whole.rows, whole.count, s->key_size, s->value_size);
	image_rows_free(image, table, &whole);
	return 0;
}

bool kept_equal(const struct digest *a, const struct digest *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

static bool is_ours(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == BPF_MAP_TYPE_ARRAY &&
	       info.value_size == sizeof(struct kept) && info.max_entries == 1;
}

void kept_read(const struct kernel *k, struct kept *kept)
{
	struct path folder;
	__u32 zero = 0;
	int fd;

	memset(kept, 0, sizeof(*kept));
	if (!k->generation || pins_plan(k->pins, k->generation, &folder))
		return;
	fd = bpf_obj_get(pin_path(folder.text, KEPT, "").text);
	if (fd < 0)
		return;
	if (!is_ours(fd) || bpf_map_lookup_elem(fd, &zero, kept))
		memset(kept, 0, sizeof(*kept));
	close(fd);
}

int kept_write(const char *folder, const struct kept *kept, struct trouble *t)
{
	struct path path = pin_path(folder, KEPT, "");
	__u32 zero = 0;
	int error = 0;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, KEPT, sizeof(zero), sizeof(*kept), 1, NULL);

	if (fd < 0)
		return trouble(t, -errno, "cannot make %s: %s", KEPT, strerror(errno));
	if (bpf_map_update_elem(fd, &zero, kept, BPF_ANY) || bpf_map_freeze(fd))
		error = trouble(t, -errno, "cannot write %s: %s", KEPT, strerror(errno));
	else if (bpf_obj_pin(fd, path.text))
		error = trouble(t, -errno, "cannot pin %s: %s", path.text, strerror(errno));
	close(fd);
	return error;
}
