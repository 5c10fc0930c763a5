/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens the exporter's tables. The only place that decides what the process which listens to the network
 * may see: flows, neighbours, clients and the plan's tables are not among them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "feed.h"

int feed_open(struct feed *feed, const char *pins, struct trouble *t)
{
	const struct {
		int *fd;
		const char *name;
	} wanted[] = {
		{ &feed->active, "sl_active" },	      { &feed->traffic, "sl_traffic" },
		{ &feed->drop, "sl_drop" },	      { &feed->stat, "sl_stat" },
		{ &feed->gauge, "sl_gauge" },	      { &feed->name, "sl_name" },
		{ &feed->door, "sl_door" },	      { &feed->fill, "sl_fill" },
		{ &feed->served, "sl_served" },	      { &feed->unserved, "sl_unserved" },
		{ &feed->serving, "sl_serving" },     { &feed->eip_use, "sl_eip_use" },
		{ &feed->eip_count, "sl_eip_count" },
	};
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);
	int cpus = libbpf_num_possible_cpus();
	char path[4096];

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		*wanted[i].fd = -1;
	if (cpus < 1)
		return trouble(t, -ENODEV, "cannot count the CPUs: is /sys mounted?");
	feed->cpus = (uint32_t)cpus;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		int error;

		snprintf(path, sizeof(path), "%s/maps/%s", pins, wanted[i].name);
		*wanted[i].fd = bpf_obj_get_opts(path, &options);
		if (*wanted[i].fd >= 0)
			continue;
		error = *wanted[i].fd;
		*wanted[i].fd = -1;
		feed_close(feed);
		return trouble(t, error, "cannot open %s for reading: %s", path, strerror(-error));
	}
	return 0;
}

void feed_close(struct feed *feed)
{
	int *fds[] = { &feed->active,  &feed->traffic, &feed->drop,	&feed->stat,   &feed->gauge,
		       &feed->name,    &feed->door,    &feed->fill,	&feed->served, &feed->unserved,
		       &feed->serving, &feed->eip_use, &feed->eip_count };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
