/* SPDX-License-Identifier: GPL-2.0 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "grow.h"

bool grow_needed(const struct bpf_map *map, const struct bpf_map_info *pinned)
{
	return (pinned->type == BPF_MAP_TYPE_ARRAY || pinned->type == BPF_MAP_TYPE_PERCPU_ARRAY) &&
	       pinned->max_entries < bpf_map__max_entries(map);
}

int grow_copy(int fd, const char *pin, struct trouble *t)
{
	int from = bpf_obj_get(pin), cpus = libbpf_num_possible_cpus(), error = 0;
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	void *row = NULL;

	if (from < 0)
		return trouble(t, -errno, "cannot open %s: %s", pin, strerror(errno));
	if (cpus < 1)
		error = cpus;
	else if (bpf_obj_get_info_by_fd(from, &info, &size))
		error = -errno;
	else if (!(row = calloc((size_t)cpus, (info.value_size + 7) / 8 * 8)))
		error = -ENOMEM;
	for (uint32_t i = 0; !error && i < info.max_entries; i++)
		if (bpf_map_lookup_elem(from, &i, row) || bpf_map_update_elem(fd, &i, row, BPF_ANY))
			error = -errno;
	if (error)
		trouble(t, error, "cannot copy what %s holds: %s", pin, strerror(-error));
	free(row);
	close(from);
	return error;
}
