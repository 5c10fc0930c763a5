/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows are written for what is open; a missing row means closed, so that memory running out closes.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "fail.h"
#include "link.h"
#include "rows.h"

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sl_fail_key));
}

/* The keys of everything that is open, sorted. */
static struct sl_fail_key *open_keys(const struct image *image, const struct link_facts *links, size_t *count)
{
	struct sl_fail_key *keys = calloc(image->vlan_fail_count + image->port_count + 1, sizeof(*keys));
	size_t n = 0;

	if (!keys)
		return NULL;
	for (size_t i = 0; i < image->vlan_fail_count; i++)
		if (image->vlan_fail[i].open)
			keys[n++] = (struct sl_fail_key){ .vlan = image->vlan_fail[i].vlan };
	for (size_t i = 0; i < image->port_count; i++) {
		const struct link_fact *link =
			image->ports[i].fail_open ? links_find(links, image->ports[i].name) : NULL;

		if (link)
			keys[n++] = (struct sl_fail_key){ .ifindex = link->ifindex };
	}
	qsort(keys, n, sizeof(*keys), by_key);
	*count = n;
	return keys;
}

int fail_write(const struct kernel *k, const struct image *image, const struct link_facts *links,
	       struct trouble *t)
{
	int fd = k->table[SL_TABLE_sl_fail];
	const struct sl_fail row = { .open = 1 };
	size_t count = 0;
	struct sl_fail_key *keys = open_keys(image, links, &count);
	struct rows rows = { 0 };
	int error;

	if (!keys)
		return trouble(t, -ENOMEM, "out of memory for %zu rows of sl_fail",
			       image->vlan_fail_count + image->port_count);
	error = rows_read(&rows, fd, sizeof(*keys), sizeof(row), 1, t);
	for (size_t i = 0; !error && i < rows.count; i++)
		if (!bsearch(rows_key(&rows, i), keys, count, sizeof(*keys), by_key))
			bpf_map_delete_elem(fd, rows_key(&rows, i));
	for (size_t i = 0; !error && i < count; i++)
		if (bpf_map_update_elem(fd, &keys[i], &row, BPF_ANY))
			error = trouble(t, -errno, "cannot write row %zu of %zu of sl_fail: %s", i + 1, count,
					strerror(errno));
	rows_free(&rows);
	free(keys);
	return error;
}
